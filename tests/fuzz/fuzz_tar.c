/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_tar.c - any bytes as an archive: what is taken is what tar_encode() would have written. */
#include <stdlib.h>
#include <string.h>

#include "wire/tar.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct bytes {
	const uint8_t *data;
	size_t size, at;
};

struct heard {
	char before[TAR_PATH_MAX_B + 1];
	const struct tar_item *item;
	uint64_t end;
	bool is_open;
};

static void require(bool condition)
{
	if (!condition)
		abort();
}

static ssize_t read_bytes(void *ctx, void *buf, size_t len)
{
	struct bytes *b = ctx;
	size_t n = b->size - b->at < len ? b->size - b->at : len;

	memcpy(buf, b->data + b->at, n);
	b->at += n;
	return (ssize_t)n;
}

static int take_entry(void *ctx, const struct tar_item *item)
{
	static uint8_t head[TAR_HEAD_MAX_B];
	struct heard *h = ctx;

	require(!h->is_open && tar_path_check(item->path) == NULL);
	require(tar_path_compare(h->before, item->path) < 0);
	require(tar_encode(item, head) > 0 && item->mode <= 07777);
	memcpy(h->before, item->path, strlen(item->path) + 1);
	h->is_open = item->type == TAR_FILE && !item->deleted;
	h->item = item;
	h->end = 0;
	return 0;
}

static int take_data(void *ctx, uint64_t offset, const void *data, size_t len)
{
	struct heard *h = ctx;

	(void)data;
	require(h->is_open && offset >= h->end && len > 0);
	require(len <= h->item->size && offset <= h->item->size - len);
	h->end = offset + len;
	return 0;
}

static int take_end(void *ctx)
{
	struct heard *h = ctx;

	require(h->is_open);
	h->is_open = false;
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct tar_reader reader;
	struct bytes bytes = {data, size, 0};
	struct heard heard = {.before = ""};
	const struct tar_source source = {read_bytes, &bytes};
	const struct tar_sink sink = {take_entry, take_data, take_end, &heard};
	const struct tar_limits limits = {.entries_max = 100,
					  .size_max_b = TAR_SIZE_MAX_B,
					  .stored_max_b = 1U << 20,
					  .changes = true};

	if (tar_read(&reader, &source, &limits, &sink) == 0)
		require(!heard.is_open && bytes.at == size && size % TAR_BLOCK_B == 0);
	else
		require(reader.error[0] != '\0');
	return 0;
}
