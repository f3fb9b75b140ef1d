/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reader.c - cut a byte stream into frames; see frame.h.
 *
 * Bytes are held in [start, end) of a linear buffer. They are moved to the front only when a whole
 * frame might not fit behind start, so with a buffer of several frames the copying is negligible.
 * A length is used only after wire_header_check() has bounded it.
 */
#include "wire/frame.h"

#include <errno.h>
#include <string.h>

void wire_reader_init(struct wire_reader *reader, enum wire_side from, uint8_t *buf, size_t size)
{
	*reader = (struct wire_reader){.from = from, .buf = buf, .size = size};
}

uint8_t *wire_reader_space(struct wire_reader *reader, size_t *ret_len)
{
	size_t held = reader->end - reader->start;

	if (held == 0 || reader->size - reader->start < WIRE_FRAME_MAX_B) {
		memmove(reader->buf, reader->buf + reader->start, held);
		reader->start = 0;
		reader->end = held;
	}
	*ret_len = reader->size - reader->end;
	return reader->buf + reader->end;
}

void wire_reader_added(struct wire_reader *reader, size_t len)
{
	size_t room = reader->size - reader->end;

	reader->end += len < room ? len : room;
}

int wire_reader_next(struct wire_reader *reader, struct wire_frame *ret)
{
	const uint8_t *at = reader->buf + reader->start;
	size_t held = reader->end - reader->start;
	struct wire_header header;

	if (!reader->bad && held >= WIRE_HEADER_B) {
		wire_header_get(at, &header);
		reader->bad = wire_header_check(&header, reader->from);
	}
	if (reader->bad) {
		reader->start = 0;
		reader->end = 0;
		return -EPROTO;
	}
	if (held < WIRE_HEADER_B || held - WIRE_HEADER_B < header.length)
		return 0;
	*ret = (struct wire_frame){.header = header, .payload = at + WIRE_HEADER_B};
	reader->start += WIRE_HEADER_B + header.length;
	return 1;
}

size_t wire_reader_pending(const struct wire_reader *reader)
{
	return reader->end - reader->start;
}
