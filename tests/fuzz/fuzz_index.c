/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_index.c - any bytes as the index of a stage: what is taken is written again as it was. */
#include <stdlib.h>
#include <string.h>

#include "workspace/index.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct again {
	const uint8_t *data;
	size_t size, at;
	uint32_t entries;
};

static int take(void *ctx, const struct tar_item *item, uint32_t content)
{
	static uint8_t record[INDEX_RECORD_MAX_B];
	struct again *a = ctx;
	size_t n = index_encode(item, content, record);

	if (tar_path_check(item->path) || n > a->size - a->at ||
	    memcmp(record, a->data + a->at, n) != 0)
		abort();
	a->at += n;
	a->entries++;
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t end[INDEX_RECORD_MAX_B];
	struct again a = {data, size, 0, 0};

	if (index_walk(data, size, 100, take, &a) == 0 &&
	    (a.at + index_encode_end(a.entries, end) != size))
		abort();
	return 0;
}
