/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_sse.c - any bytes as an event stream: never a crash, and the same events however the bytes
 * are cut into pieces.
 *
 * The first byte is the size of a piece, less one; the bound of an event is small, so that it is
 * met.
 */
#include <stdlib.h>
#include <string.h>

#include "codec/sse.h"

#define EVENT_MAX_B 512

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A sum over everything that was told. */
struct sum {
	uint64_t hash, events;
};

static void require(bool condition)
{
	if (!condition)
		abort();
}

static void add(struct sum *sum, const void *data, size_t len)
{
	for (size_t i = 0; i < len; i++)
		sum->hash = (sum->hash ^ ((const uint8_t *)data)[i]) * 1099511628211ULL;
	sum->hash = sum->hash * 31 + len;
}

static int on_event(void *ud, const struct sse_event *e)
{
	struct sum *sum = ud;

	require(e->len > 0 && e->len <= EVENT_MAX_B && e->data[e->len] == '\0');
	require(e->type[0] != '\0' && strlen(e->type) <= SSE_NAME_MAX_B);
	require(strlen(e->id) <= SSE_NAME_MAX_B);
	add(sum, e->data, e->len);
	add(sum, e->type, strlen(e->type));
	add(sum, e->id, strlen(e->id));
	sum->events++;
	return 0;
}

static int run(const uint8_t *data, size_t size, size_t piece, struct sum *sum)
{
	struct sse_parser p;
	int r = 0;

	sse_init(&p, EVENT_MAX_B, on_event, sum);
	for (size_t at = 0; at < size && r == 0; at += piece)
		r = sse_feed(&p, data + at, size - at < piece ? size - at : piece, NULL);
	if (r < 0)
		require(sse_feed(&p, "x", 1, NULL) == r && sse_end(&p, NULL) == r);
	else
		r = sse_end(&p, NULL);
	add(sum, p.id, strlen(p.id));
	add(sum, &p.retry_ms, sizeof(p.retry_ms));
	sse_done(&p);
	return r;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sum once = {0}, pieces = {0};
	int r;

	if (size == 0)
		return 0;
	r = run(data + 1, size - 1, size, &once);
	require(run(data + 1, size - 1, (size_t)data[0] + 1, &pieces) == r);
	require(once.hash == pieces.hash && once.events == pieces.events);
	return 0;
}
