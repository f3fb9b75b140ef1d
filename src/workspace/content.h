/* SPDX-License-Identifier: Apache-2.0 */
/**
 * content.h - the digest and the copy of a file's content, cheap for files with holes.
 *
 * Where the holes are does not matter to a digest. It is plain SHA-256 up to CONTENT_PLAIN_MAX_B.
 * Of larger files it is the SHA-256 of the size, and of number and content of each page of 4 KiB
 * that is not all zero: a terabyte of hole must not take an hour.
 */
#ifndef WORKSPACE_CONTENT_H
#define WORKSPACE_CONTENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sodium.h>
#include <sys/types.h>

#include "sys/digest.h"
#include "wire/tar.h"

#define CONTENT_PLAIN_MAX_B (256ULL * 1024 * 1024)
#define CONTENT_PAGE_B	    4096U

struct content_hash {
	crypto_hash_sha256_state state;
	uint64_t size, at;
	bool is_paged;
	uint8_t page[CONTENT_PAGE_B]; /* the page that @at is in */
};

/** content_hash_begin() - of a file of @size bytes. */
void content_hash_begin(struct content_hash *h, uint64_t size);

/** content_hash_data() - data at an offset; ascending, and what is left out is zero. */
void content_hash_data(struct content_hash *h, uint64_t offset, const void *data, size_t len);

void content_hash_end(struct content_hash *h, uint8_t ret[DIGEST_B]);

/**
 * content_extents() - where the data of a file is.
 * @ret:	TAR_EXTENTS_MAX - 1; holes beyond so many are taken for data
 *
 * Return: how many; -errno. A file without holes, or of a file system that does not tell, is one
 * piece.
 */
ssize_t content_extents(int fd, uint64_t size, struct tar_extent *ret);

/** Who takes the pieces of a content. Return: 0, -errno */
typedef int (*content_sink)(void *ctx, uint64_t offset, const void *data, size_t len);

/**
 * content_read() - read these pieces of a file, hash it, and hand them on.
 * @sink:	NULL: only hash
 *
 * Reads as zeros what is not there (any more). Return: 0, -errno, what @sink returned
 */
int content_read(int fd, const struct tar_extent *extents, size_t n, uint64_t size,
		 content_sink sink, void *ctx, uint8_t ret[DIGEST_B]);

/** content_copy() - content_read() of all pieces. */
int content_copy(int fd, uint64_t size, content_sink sink, void *ctx, uint8_t ret[DIGEST_B]);

#endif
