/* SPDX-License-Identifier: Apache-2.0 */
/* tar_write.c - write an archive to a descriptor; see tar_write.h. */
#include "workspace/tar_write.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sys/file.h"
#include "workspace/content.h"

static const uint8_t zeros[TAR_END_B];

struct tar_writer *tar_write_new(int fd)
{
	struct tar_writer *w = malloc(sizeof(*w));

	if (w) {
		w->fd = fd;
		w->used = 0;
	}
	return w;
}

static int flush(struct tar_writer *w)
{
	int r = file_write_full(w->fd, w->buffer, w->used);

	w->used = 0;
	return r;
}

static int put(struct tar_writer *w, const void *data, size_t len)
{
	int r = 0;

	if (len > sizeof(w->buffer) - w->used)
		r = flush(w);
	if (r == 0 && len > sizeof(w->buffer))
		return file_write_full(w->fd, data, len);
	if (r == 0) {
		memcpy(w->buffer + w->used, data, len);
		w->used += len;
	}
	return r;
}

int tar_write_item(struct tar_writer *w, const struct tar_item *item)
{
	ssize_t n = tar_encode(item, w->head);

	return n < 0 ? (int)n : put(w, w->head, (size_t)n);
}

static int put_piece(void *ctx, uint64_t offset, const void *data, size_t len)
{
	(void)offset;
	return put(ctx, data, len);
}

int tar_write_file(struct tar_writer *w, const struct tar_item *item, int file_fd,
		   uint8_t ret_digest[32])
{
	struct tar_item file = *item;
	ssize_t n = content_extents(file_fd, item->size, w->extents), map = 0;
	int r;

	if (n < 0)
		return (int)n;
	file.type = TAR_FILE;
	file.stored = 0;
	for (ssize_t i = 0; i < n; i++)
		file.stored += w->extents[i].length;
	file.sparse = file.stored != file.size;
	if (file.sparse) {
		map = tar_encode_map(w->extents, (size_t)n, file.size, w->map);
		if (map < 0)
			return (int)map;
		file.stored += (uint64_t)map;
	}
	if (file.stored > TAR_STORED_MAX_B)
		return -EFBIG;
	r = tar_write_item(w, &file);
	if (r == 0)
		r = put(w, w->map, (size_t)map);
	if (r == 0)
		r = content_read(file_fd, w->extents, (size_t)n, file.size, put_piece, w,
				 ret_digest);
	if (r == 0)
		r = put(w, zeros, tar_padding(file.stored));
	return r;
}

int tar_write_end(struct tar_writer *w)
{
	int r = put(w, zeros, sizeof(zeros));

	return r < 0 ? r : flush(w);
}
