/* SPDX-License-Identifier: Apache-2.0 */
/* test_wire_frame.c - wire/frame.h: which headers pass, and how a stream is cut into frames. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "wire/message.h"

#define H WIRE_FROM_HOST
#define G WIRE_FROM_GUEST

struct rule {
	uint8_t kind;
	bool from_host, from_guest, in_session;
	uint32_t min_b, max_b;
};

/* Written from docs/protocol.md, not from the code. */
static const struct rule rules[] = {
	{WIRE_HELLO, false, true, false, 4, 4},	       {WIRE_IDENTITY, true, false, false, 1, 512},
	{WIRE_TIME_REQUEST, false, true, false, 8, 8}, {WIRE_TIME, true, false, false, 16, 16},
	{WIRE_IDENTITY_OK, false, true, false, 0, 0},  {WIRE_ERROR, false, true, false, 0, 512},
	{WIRE_EXEC_PART, true, false, true, 1, 65536}, {WIRE_EXEC, true, false, true, 1, 65536},
	{WIRE_STARTED, false, true, true, 0, 0},       {WIRE_EXEC_FAILED, false, true, true, 8, 8},
	{WIRE_DATA, true, true, true, 1, 65536},       {WIRE_EOF, true, true, true, 0, 0},
	{WIRE_CREDIT, true, true, true, 4, 4},	       {WIRE_SIGNAL, true, false, true, 4, 4},
	{WIRE_WINSIZE, true, false, true, 4, 4},       {WIRE_KILL, true, false, true, 0, 0},
	{WIRE_EXIT, false, true, true, 8, 8},	       {WIRE_LOST, false, true, true, 0, 0},
};

static const struct rule *rule_of(unsigned int kind)
{
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
		if (rules[i].kind == kind)
			return &rules[i];
	return NULL;
}

static bool stream_allowed(unsigned int kind, unsigned int stream, enum wire_side from)
{
	bool output = stream == WIRE_STREAM_STDOUT || stream == WIRE_STREAM_STDERR;

	if (kind == WIRE_DATA || kind == WIRE_EOF)
		return from == H ? stream == WIRE_STREAM_STDIN : output;
	if (kind == WIRE_CREDIT)
		return from == H ? output : stream == WIRE_STREAM_STDIN;
	return stream == 0;
}

static bool allowed(const struct wire_header *h, enum wire_side from)
{
	const struct rule *rule = rule_of(h->kind);

	if (!rule || !(from == H ? rule->from_host : rule->from_guest))
		return false;
	if (rule->in_session ? h->session < 1 || h->session > 16 : h->session != 0)
		return false;
	return stream_allowed(h->kind, h->stream, from) && h->length >= rule->min_b &&
	       h->length <= rule->max_b;
}

static void every_header_is_judged_as_documented(void **state)
{
	static const uint16_t session[] = {0, 1, 16, 17, 255, 256, 65535};
	static const uint32_t length[] = {0,	 1,	3,	    4,		5,
					  7,	 8,	9,	    15,		16,
					  17,	 511,	512,	    513,	65535,
					  65536, 65537, 0x7fffffff, 0x80000000, 0xffffffff};
	struct wire_header h;

	(void)state;
	for (unsigned int n = 0; n < 2U * 256 * 8 * 7 * 20; n++) {
		enum wire_side from = n % 2 ? H : G;

		h.kind = (uint8_t)(n / 2);
		h.stream = (uint8_t)(n / 512 % 8);
		h.session = session[n / 4096 % 7];
		h.length = length[n / 4096 / 7];
		if ((wire_header_check(&h, from) == NULL) != allowed(&h, from))
			fail_msg("from %d: kind %u stream %u session %u length %u", from, h.kind,
				 h.stream, h.session, h.length);
	}
}

static void a_refusal_names_the_field(void **state)
{
	static const uint8_t no_kinds[] = {0, 6, 7, 8, 10, 15, WIRE_KIND_MAX, 255};
	struct wire_header h = {.kind = WIRE_CREDIT, .stream = 2, .session = 1, .length = 4};

	(void)state;
	assert_null(wire_header_check(&h, H));
	h.length = 5;
	assert_string_equal(wire_header_check(&h, H), "length of CREDIT");
	h.stream = 1;
	assert_string_equal(wire_header_check(&h, H), "stream of CREDIT");
	h.session = 0;
	assert_string_equal(wire_header_check(&h, H), "session of CREDIT");
	h.kind = WIRE_EXIT;
	assert_string_equal(wire_header_check(&h, H), "direction of EXIT");
	for (size_t i = 0; i < sizeof(no_kinds); i++) {
		h.kind = no_kinds[i];
		assert_string_equal(wire_header_check(&h, H), "kind");
	}
}

static void numbers_are_little_endian(void **state)
{
	static const uint8_t want[WIRE_HEADER_B] = {0x44, 0x33, 0x22, 0x11, 20, 3, 0x66, 0x55};
	struct wire_header h = {
		.length = 0x11223344,
		.kind = 20,
		.stream = 3,
		.session = 0x5566,
	};
	struct wire_header back;
	uint8_t buf[WIRE_HEADER_B + 1];

	(void)state;
	wire_header_put(buf + 1, &h); /* at an odd address */
	assert_memory_equal(buf + 1, want, sizeof(want));
	wire_header_get(buf + 1, &back);
	assert_memory_equal(&back, &h, sizeof(h));
	wire_put_u64(buf + 1, UINT64_C(0x8877665544332211));
	assert_int_equal(buf[1], 0x11);
	assert_int_equal(buf[8], 0x88);
	assert_true(wire_get_u64(buf + 1) == UINT64_C(0x8877665544332211));
	assert_int_equal(wire_get_u32(buf + 5), 0x88776655);
	assert_int_equal(wire_get_u16(buf + 7), 0x8877);
}

static uint8_t stream[8 * WIRE_FRAME_MAX_B], space[WIRE_FRAME_MAX_B + 5000];

static size_t put_frame(size_t at, uint8_t kind, uint8_t stream_no, uint16_t session,
			uint32_t length)
{
	struct wire_header h = {length, kind, stream_no, session};

	wire_header_put(stream + at, &h);
	for (uint32_t i = 0; i < length; i++)
		stream[at + WIRE_HEADER_B + i] = (uint8_t)(i * 7 + length);
	return at + WIRE_HEADER_B + length;
}

static void check_frame(const struct wire_frame *f, uint32_t length)
{
	assert_int_equal(f->header.length, length);
	for (uint32_t i = 0; i < length; i++)
		if (f->payload[i] != (uint8_t)(i * 7 + length))
			fail_msg("byte %u of a frame of %u", i, length);
}

/* Frames of all sizes come out whole, however the stream is cut into reads. */
static void a_stream_is_cut_into_its_frames(void **state)
{
	static const uint32_t length[] = {1, 65536, 2, 65535, 100, 65536, 65536, 3};
	static const size_t step[] = {1, 7, 8, 4096, 65535, 65536, 70000};
	size_t total = 0;

	(void)state;
	for (size_t i = 0; i < 8; i++)
		total = put_frame(total, WIRE_DATA, WIRE_STREAM_STDOUT, 1, length[i]);
	for (size_t s = 0; s < sizeof(step) / sizeof(step[0]); s++) {
		struct wire_reader reader;
		struct wire_frame frame;
		size_t at = 0, got = 0;

		wire_reader_init(&reader, G, space, sizeof(space));
		while (at < total) {
			size_t room, n = step[s] < total - at ? step[s] : total - at;
			uint8_t *to = wire_reader_space(&reader, &room);
			int r;

			assert_true(room > 0);
			if (n > room)
				n = room;
			memcpy(to, stream + at, n);
			wire_reader_added(&reader, n);
			at += n;
			while ((r = wire_reader_next(&reader, &frame)) == 1)
				check_frame(&frame, length[got++]);
			assert_int_equal(r, 0);
		}
		assert_int_equal(got, 8);
		assert_int_equal(wire_reader_pending(&reader), 0);
	}
}

static void feed(struct wire_reader *reader, size_t from, size_t len)
{
	size_t room;
	uint8_t *to = wire_reader_space(reader, &room);

	assert_true(len <= room);
	memcpy(to, stream + from, len);
	wire_reader_added(reader, len);
}

static void a_bad_header_is_final_and_told_at_once(void **state)
{
	struct wire_reader reader;
	struct wire_frame frame;
	size_t end = put_frame(0, WIRE_TIME, 0, 0, 16);

	(void)state;
	(void)put_frame(end, WIRE_DATA, WIRE_STREAM_STDIN, 1, 100);
	wire_put_u32(stream + end, 0x10001); /* its length */
	wire_reader_init(&reader, H, space, sizeof(space));
	feed(&reader, 0, end + WIRE_HEADER_B);
	assert_int_equal(wire_reader_next(&reader, &frame), 1);
	assert_int_equal(frame.header.kind, WIRE_TIME);
	assert_int_equal(wire_reader_next(&reader, &frame), -EPROTO);
	assert_string_equal(reader.bad, "length of DATA");
	feed(&reader, 0, end);
	assert_int_equal(wire_reader_next(&reader, &frame), -EPROTO);
	assert_string_equal(reader.bad, "length of DATA");
}

static void a_cut_stream_shows_as_pending(void **state)
{
	struct wire_reader reader;
	struct wire_frame frame;

	(void)state;
	(void)put_frame(0, WIRE_DATA, WIRE_STREAM_STDIN, 16, 100);
	wire_reader_init(&reader, H, space, sizeof(space));
	feed(&reader, 0, WIRE_HEADER_B - 1);
	assert_int_equal(wire_reader_next(&reader, &frame), 0);
	assert_int_equal(wire_reader_pending(&reader), WIRE_HEADER_B - 1);
	feed(&reader, WIRE_HEADER_B - 1, 100);
	assert_int_equal(wire_reader_next(&reader, &frame), 0);
	assert_int_equal(wire_reader_pending(&reader), WIRE_HEADER_B + 99);
	feed(&reader, WIRE_HEADER_B + 99, 1);
	assert_int_equal(wire_reader_next(&reader, &frame), 1);
	check_frame(&frame, 100);
	assert_int_equal(wire_reader_pending(&reader), 0);
}

/* With the smallest buffer allowed there is always room for the rest of a frame. */
static void the_smallest_buffer_is_enough(void **state)
{
	struct wire_reader reader;
	struct wire_frame frame;
	size_t at = put_frame(0, WIRE_DATA, WIRE_STREAM_STDIN, 1, 5), total;

	(void)state;
	total = put_frame(at, WIRE_DATA, WIRE_STREAM_STDIN, 1, WIRE_PAYLOAD_MAX_B);
	wire_reader_init(&reader, H, space, WIRE_FRAME_MAX_B);
	feed(&reader, 0, WIRE_FRAME_MAX_B);
	assert_int_equal(wire_reader_next(&reader, &frame), 1);
	check_frame(&frame, 5);
	assert_int_equal(wire_reader_next(&reader, &frame), 0);
	feed(&reader, WIRE_FRAME_MAX_B, total - WIRE_FRAME_MAX_B);
	assert_int_equal(wire_reader_next(&reader, &frame), 1);
	check_frame(&frame, WIRE_PAYLOAD_MAX_B);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_header_is_judged_as_documented),
		cmocka_unit_test(a_refusal_names_the_field),
		cmocka_unit_test(numbers_are_little_endian),
		cmocka_unit_test(a_stream_is_cut_into_its_frames),
		cmocka_unit_test(a_bad_header_is_final_and_told_at_once),
		cmocka_unit_test(a_cut_stream_shows_as_pending),
		cmocka_unit_test(the_smallest_buffer_is_enough),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
