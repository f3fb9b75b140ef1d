/* SPDX-License-Identifier: Apache-2.0 */
/**
 * base.h - what a workspace was when it was copied: the side that changes are compared with.
 */
#ifndef WORKSPACE_BASE_H
#define WORKSPACE_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "base/error.h"
#include "sys/digest.h"
#include "wire/tar.h"

/** One file, folder or link of the host. */
struct base_entry {
	char *path;
	char *link; /* of a link, else NULL */
	enum tar_type type;
	uint32_t mode; /* 0 to 0777 */
	uint32_t nlink;
	uint64_t size;
	uint64_t dev, ino;
	int64_t mtime_ns, ctime_ns;
	bool from_vm;		  /* not sent, but applied since: see workspace_rebase() */
	bool has_digest;	  /* a file, after it was sent */
	uint8_t digest[DIGEST_B]; /* SHA-256 of its content */
};

/** All of them, in the order of tar_path_compare(). */
struct base {
	struct base_entry *entries;
	size_t n, room;
};

/** base_add() - append an entry with copies of the strings. Return: it, NULL without memory */
struct base_entry *base_add(struct base *base, const char *path, const char *link,
			    const struct stat *st);

/** base_find() - by path; NULL when there is none. */
struct base_entry *base_find(const struct base *base, const char *path);

/** base_is_same() - whether a file, folder or link is as it was, by what stat(2) says alone. */
bool base_is_same(const struct base_entry *entry, const struct stat *st);

/** base_set_stat() - take everything but path, link and digest from @st. */
void base_set_stat(struct base_entry *entry, const struct stat *st);

void base_done(struct base *base);

#endif
