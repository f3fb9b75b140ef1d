/* SPDX-License-Identifier: Apache-2.0 */
/* content.c - the digest and the copy of a file's content; see content.h. */
#include "workspace/content.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"

#define BUFFER_B (128U * 1024U)

static const uint8_t zeros[CONTENT_PAGE_B];

void content_hash_begin(struct content_hash *h, uint64_t size)
{
	(void)crypto_hash_sha256_init(&h->state);
	h->size = size;
	h->at = 0;
	h->is_paged = size > CONTENT_PLAIN_MAX_B;
	memset(h->page, 0, sizeof(h->page));
	if (h->is_paged)
		(void)crypto_hash_sha256_update(&h->state, (const uint8_t *)&size, sizeof(size));
}

/* Hashes the page that ends, or is cut off, at h->at. */
static void flush_page(struct content_hash *h)
{
	const uint64_t number = (h->at - 1) / CONTENT_PAGE_B;

	if (memcmp(h->page, zeros, sizeof(zeros)) == 0)
		return;
	(void)crypto_hash_sha256_update(&h->state, (const uint8_t *)&number, sizeof(number));
	(void)crypto_hash_sha256_update(&h->state, h->page, sizeof(h->page));
	memset(h->page, 0, sizeof(h->page));
}

/* @data NULL: zeros */
static void add_paged(struct content_hash *h, const uint8_t *data, uint64_t len)
{
	while (len > 0) {
		uint64_t room = CONTENT_PAGE_B - h->at % CONTENT_PAGE_B;
		uint64_t n = len < room ? len : room;

		/* Whole pages of a hole are passed over at once. */
		if (!data && room == CONTENT_PAGE_B && len >= CONTENT_PAGE_B) {
			n = len - len % CONTENT_PAGE_B;
			h->at += n;
			len -= n;
			continue;
		}
		if (data)
			memcpy(h->page + h->at % CONTENT_PAGE_B, data, n);
		h->at += n;
		len -= n;
		data = data ? data + n : NULL;
		if (h->at % CONTENT_PAGE_B == 0)
			flush_page(h);
	}
}

static void add(struct content_hash *h, const uint8_t *data, uint64_t len)
{
	if (h->is_paged) {
		add_paged(h, data, len);
		return;
	}
	h->at += len;
	if (data)
		(void)crypto_hash_sha256_update(&h->state, data, len);
	while (!data && len > 0) {
		uint64_t n = len < sizeof(zeros) ? len : sizeof(zeros);

		(void)crypto_hash_sha256_update(&h->state, zeros, n);
		len -= n;
	}
}

void content_hash_data(struct content_hash *h, uint64_t offset, const void *data, size_t len)
{
	if (offset > h->at)
		add(h, NULL, offset - h->at);
	add(h, data, len);
}

void content_hash_end(struct content_hash *h, uint8_t ret[DIGEST_B])
{
	if (h->at < h->size)
		add(h, NULL, h->size - h->at);
	if (h->is_paged && h->at % CONTENT_PAGE_B != 0)
		flush_page(h);
	(void)crypto_hash_sha256_final(&h->state, ret);
}

ssize_t content_extents(int fd, uint64_t size, struct tar_extent *ret)
{
	uint64_t at = 0;
	size_t n = 0;

	while (at < size) {
		off_t data = lseek(fd, (off_t)at, SEEK_DATA), hole;

		if (data < 0 && errno == ENXIO)
			return (ssize_t)n; /* a hole to the end */
		if (data < 0 && errno == EINVAL) {
			ret[0] = (struct tar_extent){0, size};
			return 1;
		}
		if (data < 0)
			return -errno;
		if ((uint64_t)data >= size)
			break;
		hole = lseek(fd, data, SEEK_HOLE);
		if (hole < 0 && errno != ENXIO)
			return -errno;
		at = hole < 0 || (uint64_t)hole > size || n == TAR_EXTENTS_MAX - 2 ? size
										   : (uint64_t)hole;
		ret[n++] = (struct tar_extent){(uint64_t)data, at - (uint64_t)data};
	}
	return (ssize_t)n;
}

static int copy_piece(int fd, const struct tar_extent *piece, uint8_t *buffer,
		      struct content_hash *h, content_sink sink, void *ctx)
{
	uint64_t at = piece->offset, end = piece->offset + piece->length;

	while (at < end) {
		size_t want = end - at < BUFFER_B ? (size_t)(end - at) : BUFFER_B;
		ssize_t n;
		int r = 0;

		do {
			n = pread(fd, buffer, want, (off_t)at);
		} while (n < 0 && errno == EINTR);
		if (n < 0)
			return -errno;
		if (n == 0) {
			memset(buffer, 0, want);
			n = (ssize_t)want;
		}
		content_hash_data(h, at, buffer, (size_t)n);
		if (sink)
			r = sink(ctx, at, buffer, (size_t)n);
		if (r < 0)
			return r;
		at += (uint64_t)n;
	}
	return 0;
}

int content_read(int fd, const struct tar_extent *extents, size_t n, uint64_t size,
		 content_sink sink, void *ctx, uint8_t ret[DIGEST_B])
{
	cleanup_free uint8_t *buffer = malloc(BUFFER_B);
	struct content_hash h;

	if (!buffer)
		return -ENOMEM;
	content_hash_begin(&h, size);
	for (size_t i = 0; i < n; i++) {
		int r = copy_piece(fd, &extents[i], buffer, &h, sink, ctx);

		if (r < 0)
			return r;
	}
	content_hash_end(&h, ret);
	return 0;
}

int content_copy(int fd, uint64_t size, content_sink sink, void *ctx, uint8_t ret[DIGEST_B])
{
	cleanup_free struct tar_extent *extents = calloc(TAR_EXTENTS_MAX, sizeof(*extents));
	ssize_t n;

	if (!extents)
		return -ENOMEM;
	n = content_extents(fd, size, extents);
	return n < 0 ? (int)n : content_read(fd, extents, (size_t)n, size, sink, ctx, ret);
}
