/* SPDX-License-Identifier: Apache-2.0 */
/** frames.h - frames for the tests of src/link. */
#ifndef TESTS_FRAMES_H
#define TESTS_FRAMES_H

#include <string.h>

#include "wire/frame.h"
#include "wire/message.h"

/** frame_put() - header and payload. Return: their bytes */
static inline size_t frame_put(uint8_t *out, enum wire_kind kind, enum wire_stream stream,
			       uint16_t session, const void *payload, uint32_t length)
{
	const struct wire_header header = {.kind = (uint8_t)kind,
					   .stream = (uint8_t)stream,
					   .session = session,
					   .length = length};

	wire_header_put(out, &header);
	if (length > 0)
		memcpy(out + WIRE_HEADER_B, payload, length);
	return WIRE_HEADER_B + length;
}

/** frame_put_u32() - with a number as the payload. */
static inline size_t frame_put_u32(uint8_t *out, enum wire_kind kind, enum wire_stream stream,
				   uint16_t session, uint32_t value)
{
	uint8_t payload[4];

	wire_put_u32(payload, value);
	return frame_put(out, kind, stream, session, payload, sizeof(payload));
}

/** frame_put_exit() - the end of a session, with an exit code. */
static inline size_t frame_put_exit(uint8_t *out, uint16_t session, uint32_t code)
{
	const struct wire_exit status = {.how = WIRE_EXITED, .value = code};
	uint8_t payload[WIRE_EXIT_B];

	wire_exit_put(payload, &status);
	return frame_put(out, WIRE_EXIT, WIRE_STREAM_NONE, session, payload, sizeof(payload));
}

#endif
