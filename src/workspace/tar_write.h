/* SPDX-License-Identifier: Apache-2.0 */
/** tar_write.h - write an archive to a descriptor, by way of a buffer. */
#ifndef WORKSPACE_TAR_WRITE_H
#define WORKSPACE_TAR_WRITE_H

#include <stdint.h>

#include "wire/tar.h"

#define TAR_WRITE_BUFFER_B (256U * 1024U)

struct tar_writer {
	int fd;
	size_t used;
	uint8_t buffer[TAR_WRITE_BUFFER_B];
	uint8_t head[TAR_HEAD_MAX_B], map[TAR_MAP_MAX_B];
	struct tar_extent extents[TAR_EXTENTS_MAX];
};

/** tar_write_new() - for free(3). NULL without memory */
struct tar_writer *tar_write_new(int fd);

/** tar_write_item() - an entry without content. Return: 0; -EINVAL; -errno of write(2) */
int tar_write_item(struct tar_writer *w, const struct tar_item *item);

/**
 * tar_write_file() - an entry and its content.
 * @item:	path, mode and time; the rest is found out
 * @file_fd:	a regular file, read to @item->size: what is missing there is zeros
 * @ret_digest:	of the content
 */
int tar_write_file(struct tar_writer *w, const struct tar_item *item, int file_fd,
		   uint8_t ret_digest[32]);

/** tar_write_end() - the end, and all that is still in the buffer. */
int tar_write_end(struct tar_writer *w);

#endif
