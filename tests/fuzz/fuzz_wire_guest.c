/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_wire_guest.c - any bytes as what a host sends: the guest's half of the wire.
 *
 * Frames are taken as the agent takes them: slices of EXEC are put together and checked, IDENTITY
 * is decoded. Never a crash; a request that passes keeps every promise of wire/message.h, and an
 * identity that passes can be encoded again.
 *
 * The corpus: tests/fuzz/wire_seeds.py writes the named files, the fuzzer found the others.
 */
#include <stdlib.h>
#include <string.h>

#include "wire/message.h"

#define REQUEST_MAX_B (1024U * 1024U) /* the fuzzer sends less */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint8_t space[2 * WIRE_FRAME_MAX_B], request[REQUEST_MAX_B];
static char text[REQUEST_MAX_B], *vector[WIRE_EXEC_STRINGS_MAX + 1];

static void require(bool condition)
{
	if (!condition)
		abort();
}

static void check_strings(size_t len, uint16_t tag, uint32_t count)
{
	size_t total = 0, used = wire_exec_copy_strings(request, len, tag, vector, text);

	require(used <= len);
	require(vector[count] == NULL);
	for (uint32_t i = 0; i < count; i++) {
		size_t n = strlen(vector[i]);

		require(n <= WIRE_STRING_MAX_B);
		require(vector[i] == text + total);
		if (tag == WIRE_EXEC_ENV)
			require(strchr(vector[i], '=') > vector[i]);
		total += n + 1;
	}
	require(total == used);
	require(tag != WIRE_EXEC_ARG || vector[0][0] != '\0');
}

static void check_exec(size_t len)
{
	struct wire_exec exec;

	if (wire_exec_get(request, len, &exec) != NULL)
		return;
	require(exec.n_args >= 1 && exec.n_args + exec.n_env <= WIRE_EXEC_STRINGS_MAX);
	require((exec.flags & ~(WIRE_EXEC_STDIN | WIRE_EXEC_TTY | WIRE_EXEC_BUILTIN)) == 0);
	require(!(exec.flags & WIRE_EXEC_BUILTIN) || !(exec.flags & WIRE_EXEC_TTY));
	require((exec.flags & WIRE_EXEC_TTY) || (exec.rows == 0 && exec.cols == 0));
	require(!exec.cwd || (exec.cwd[0] == '/' && exec.cwd_length <= WIRE_CWD_MAX_B));
	require(!exec.cwd || !memchr(exec.cwd, '\0', exec.cwd_length));
	require(!exec.user || (exec.user_length >= 1 && exec.user_length <= WIRE_USER_MAX_B));
	require(!exec.user || !memchr(exec.user, '\0', exec.user_length));
	check_strings(len, WIRE_EXEC_ARG, exec.n_args);
	check_strings(len, WIRE_EXEC_ENV, exec.n_env);
}

static void check_identity(const struct wire_frame *frame)
{
	uint8_t again[WIRE_IDENTITY_MAX_B], third[WIRE_IDENTITY_MAX_B];
	struct wire_identity identity, back;
	size_t len;

	if (wire_identity_get(frame->payload, frame->header.length, &identity) != NULL)
		return;
	len = wire_identity_put(again, &identity);
	require(len == frame->header.length);
	require(wire_identity_get(again, len, &back) == NULL);
	require(wire_identity_put(third, &back) == len && memcmp(again, third, len) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct wire_reader reader;
	struct wire_frame frame;
	size_t len = 0;

	wire_reader_init(&reader, WIRE_FROM_HOST, space, sizeof(space));
	while (size > 0) {
		size_t room;
		uint8_t *to = wire_reader_space(&reader, &room);
		int r;

		require(room > 0);
		if (room > size)
			room = size;
		memcpy(to, data, room);
		wire_reader_added(&reader, room);
		data += room;
		size -= room;
		while ((r = wire_reader_next(&reader, &frame)) == 1) {
			uint8_t kind = frame.header.kind;

			require(wire_header_check(&frame.header, WIRE_FROM_HOST) == NULL);
			if (kind == WIRE_IDENTITY)
				check_identity(&frame);
			if (kind != WIRE_EXEC && kind != WIRE_EXEC_PART)
				continue;
			if (frame.header.length > sizeof(request) - len)
				return 0;
			memcpy(request + len, frame.payload, frame.header.length);
			len += frame.header.length;
			if (kind == WIRE_EXEC) {
				check_exec(len);
				len = 0;
			}
		}
		if (r < 0)
			return 0;
	}
	return 0;
}
