/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_wire_host.c - any bytes as what a guest sends: the host's half of the wire.
 *
 * The first byte says into what pieces the rest is cut. Never a crash; and the frames that come
 * out, the reason for stopping and what is left over do not depend on the pieces.
 *
 * The corpus: tests/fuzz/wire_seeds.py writes the named files, the fuzzer found the others.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "wire/message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint8_t space[WIRE_FRAME_MAX_B], large_space[4 * WIRE_FRAME_MAX_B];

static void require(bool condition)
{
	if (!condition)
		abort();
}

/* What came out of a stream, in a number. */
struct result {
	uint64_t frames, sum;
	size_t pending;
	const char *bad;
};

static void add_frame(struct result *result, const struct wire_frame *frame)
{
	struct wire_exit exit;

	require(wire_header_check(&frame->header, WIRE_FROM_GUEST) == NULL);
	require(frame->header.length <= WIRE_PAYLOAD_MAX_B);
	require(frame->header.session <= WIRE_SESSION_MAX);
	result->frames++;
	result->sum = result->sum * 31 + frame->header.kind;
	for (uint32_t i = 0; i < frame->header.length; i++)
		result->sum = result->sum * 31 + frame->payload[i];
	if (frame->header.kind == WIRE_EXIT && wire_exit_get(frame->payload, &exit) == NULL) {
		uint8_t again[WIRE_EXIT_B];

		wire_exit_put(again, &exit);
		require(memcmp(again, frame->payload, WIRE_EXIT_B) == 0);
		require(exit.how == WIRE_EXITED ? exit.value <= 255
						: exit.value >= 1 && exit.value <= 64);
	}
}

static struct result cut(uint8_t *buf, size_t buf_size, const uint8_t *data, size_t size,
			 size_t piece)
{
	struct wire_reader reader;
	struct result result = {0};
	int r = 0;

	wire_reader_init(&reader, WIRE_FROM_GUEST, buf, buf_size);
	while (size > 0 && r == 0) {
		struct wire_frame frame;
		size_t room, n = piece < size ? piece : size;
		uint8_t *to = wire_reader_space(&reader, &room);

		require(room > 0);
		if (n > room)
			n = room;
		memcpy(to, data, n);
		wire_reader_added(&reader, n);
		data += n;
		size -= n;
		while ((r = wire_reader_next(&reader, &frame)) == 1)
			add_frame(&result, &frame);
		require(r == 0 || r == -EPROTO);
	}
	require((r == -EPROTO) == (reader.bad != NULL));
	result.bad = reader.bad;
	result.pending = wire_reader_pending(&reader);
	return result;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct result a, b;

	if (size == 0)
		return 0;
	a = cut(space, sizeof(space), data + 1, size - 1, (size_t)data[0] + 1);
	b = cut(large_space, sizeof(large_space), data + 1, size - 1, sizeof(large_space));
	require(a.frames == b.frames && a.sum == b.sum && a.bad == b.bad);
	require(a.pending == b.pending);
	return 0;
}
