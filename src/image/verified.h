/* SPDX-License-Identifier: Apache-2.0 */
/**
 * verified.h - the digest of files, computed once per boot and per change of their identity.
 */
#ifndef IMAGE_VERIFIED_H
#define IMAGE_VERIFIED_H

#include <stddef.h>

#include "base/paths.h"
#include "sys/digest.h"

#define VERIFIED_FILES_MAX 64U

struct verified_file {
	const char *path;
	const char *label; /* its name in a digest over several files */
	bool sparse;	   /* by digest_sparse_fd() */
};

/**
 * verified_digest() - hash files, or remember their hash.
 * @key:	names the record below RUN/verified: one file name
 * @files, @n:	one file: its own SHA-256. Several: the SHA-256 of the lines "HEX  LABEL\n", so that
 *		it covers contents, names and order
 *
 * The record is used when this boot's id and, for each file, the device, inode, size, mtime and
 * ctime are the recorded ones. A run folder that cannot be written costs time only.
 *
 * Return: 0; -errno of a file that cannot be read or is no regular file
 */
int verified_digest(const struct paths *paths, const char *key, const struct verified_file *files,
		    size_t n, char ret_hex[DIGEST_HEX_B + 1], struct ironclaw_error *err);

/** verified_forget() - remove a record. */
void verified_forget(const struct paths *paths, const char *key);

/** verified_sizes() - sum of the sizes of files in bytes; unreadable ones count as 0. */
uint64_t verified_sizes(const struct verified_file *files, size_t n);

#endif
