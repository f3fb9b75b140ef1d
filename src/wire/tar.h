/* SPDX-License-Identifier: Apache-2.0 */
/**
 * tar.h - the archive in which a workspace travels, in both directions: one dialect of tar, one
 * writer's encoding and one reader, shared by the host and the guest agent.
 *
 * Every archive is valid ustar with pax records, so that any tar reads it. But of all the ways to
 * write the same thing there is one: tar_encode() makes the bytes in front of an entry's content
 * from what they say, and tar_read() accepts only the very bytes that tar_encode() would have made.
 * So no second reader can understand an archive differently, and what is not needed (hard links,
 * devices, global records, base-256 numbers, owners) has no form at all. docs/workspace.md has it.
 *
 * The C library only. Nothing here allocates.
 */
#ifndef WIRE_TAR_H
#define WIRE_TAR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define TAR_BLOCK_B	  512U
#define TAR_PATH_MAX_B	  4095U /* of a path, and of a link's target; without the NUL */
#define TAR_COMPONENT_MAX 255U
#define TAR_DEPTH_MAX	  128U
#define TAR_EXTENTS_MAX	  4096U		     /* pieces of data of a file with holes */
#define TAR_STORED_MAX_B  ((1ULL << 33) - 1) /* what the archive holds of one file */
#define TAR_SIZE_MAX_B	  (1ULL << 42)	     /* of one file, its holes counted */
#define TAR_PAX_MAX_B	  (20U * TAR_BLOCK_B)
#define TAR_HEAD_MAX_B	  (2 * TAR_BLOCK_B + TAR_PAX_MAX_B)
#define TAR_MAP_MAX_B	  ((2 * TAR_EXTENTS_MAX * 14 + TAR_BLOCK_B) / TAR_BLOCK_B * TAR_BLOCK_B)
#define TAR_END_B	  (2 * TAR_BLOCK_B) /* zeros, after the last entry; then nothing */
#define TAR_ERROR_MAX	  192U

enum tar_type { TAR_FILE = '0', TAR_LINK = '2', TAR_DIR = '5' };

/** One entry. Strings are terminated, and valid as long as whoever made it says. */
struct tar_item {
	enum tar_type type;
	bool deleted;  /* TAR_FILE of nothing: what was at the path is gone, with all beneath */
	bool opaque;   /* TAR_DIR: what was beneath it is gone, but for what follows */
	bool sparse;   /* TAR_FILE: the content begins with a map */
	uint32_t mode; /* 0 to 07777; of a deleted or link entry 0 */
	uint64_t mtime_s;
	uint64_t size;	 /* of the file, its holes counted; 0 for other types */
	uint64_t stored; /* bytes of content in the archive, the map counted; size, if not sparse */
	const char *path;
	const char *link; /* target of TAR_LINK, else NULL */
};

/** A piece of data of a file with holes. */
struct tar_extent {
	uint64_t offset, length;
};

/**
 * tar_path_check() - whether a path may stand in an archive.
 *
 * Relative; components of 1 to TAR_COMPONENT_MAX bytes without NUL and '/', none "." or "..", at
 * most TAR_DEPTH_MAX; TAR_PATH_MAX_B in all.
 *
 * Return: NULL, or what is wrong, for people
 */
const char *tar_path_check(const char *path);

/**
 * tar_path_compare() - the order of an archive: a folder stands before what is in it, and the names
 * in one folder are ordered by their bytes. Return: as strcmp(3)
 */
int tar_path_compare(const char *a, const char *b);

/** tar_path_is_below() - whether @path is beneath the folder @folder. */
bool tar_path_is_below(const char *path, const char *folder);

/**
 * tar_encode() - the bytes in front of an entry's content.
 * @ret:	TAR_HEAD_MAX_B
 *
 * Return: how many, a multiple of TAR_BLOCK_B; -EINVAL when the item is none that an archive can
 * hold
 */
ssize_t tar_encode(const struct tar_item *item, uint8_t ret[TAR_HEAD_MAX_B]);

/**
 * tar_encode_map() - the map of a file with holes.
 * @extents:	ascending, not empty, with holes between; none at all for a file that is one hole
 * @size:	of the file
 * @ret:	TAR_MAP_MAX_B
 *
 * Return: bytes, a multiple of TAR_BLOCK_B; -EINVAL
 */
ssize_t tar_encode_map(const struct tar_extent *extents, size_t n, uint64_t size, uint8_t *ret);

/** tar_padding() - zeros that follow content of this length. */
static inline unsigned int tar_padding(uint64_t stored)
{
	return (unsigned int)(-stored % TAR_BLOCK_B);
}

/** What tar_read() accepts. */
struct tar_limits {
	uint64_t entries_max;
	uint64_t size_max_b;   /* of one file, its holes counted; at most TAR_SIZE_MAX_B */
	uint64_t stored_max_b; /* of all content together */
	bool changes;	       /* deleted and opaque are allowed */
	bool again; /* a file may follow itself: the second is meant, for the first changed while it
		       was read */
};

/**
 * Who takes what an archive says. Each returns 0, or a negative errno, which ends the reading.
 *
 * entry() comes first. Of a file that is not deleted, data() gives the content in ascending order
 * without its holes, and end() says that it is complete.
 */
struct tar_sink {
	int (*entry)(void *ctx, const struct tar_item *item);
	int (*data)(void *ctx, uint64_t offset, const void *data, size_t len);
	int (*end)(void *ctx);
	void *ctx;
};

/** Where it comes from: as read(2), with -errno. */
struct tar_source {
	ssize_t (*read)(void *ctx, void *buf, size_t len);
	void *ctx;
};

#define TAR_CHUNK_B 65536U

/** The memory of tar_read(): 400 KiB, so not for a stack. */
struct tar_reader {
	const struct tar_source *source;
	const struct tar_limits *limits;
	const struct tar_sink *sink;
	uint64_t entries, stored;
	struct tar_item item;
	uint8_t head[TAR_HEAD_MAX_B], again[TAR_HEAD_MAX_B];
	size_t head_length;
	char path[TAR_PATH_MAX_B + 1], link[TAR_PATH_MAX_B + 1];
	char before[TAR_PATH_MAX_B + 1]; /* the entry before */
	bool before_is_dir, before_is_file;
	struct tar_extent extents[TAR_EXTENTS_MAX];
	size_t n_extents;
	uint8_t map[TAR_MAP_MAX_B], map_again[TAR_MAP_MAX_B];
	uint8_t chunk[TAR_CHUNK_B];
	char error[TAR_ERROR_MAX]; /* what is wrong; holds no byte of the archive */
};

/**
 * tar_read() - read an archive to its end, and the source to its end.
 *
 * The bytes may be hostile. What a sink was told before a failure must be thrown away: an archive
 * is taken whole or not at all. Order, so also that no path comes twice, and that nothing is
 * beneath what is no folder, is checked; r->path names the entry that failed, if r->entries is not
 * zero.
 *
 * Return: 0; -EBADMSG, with r->error; what source or sink failed with
 */
int tar_read(struct tar_reader *r, const struct tar_source *source, const struct tar_limits *limits,
	     const struct tar_sink *sink);

#endif
