/* SPDX-License-Identifier: Apache-2.0 */
/*
 * frame.c - headers: numbers, and one table of what each kind allows; see frame.h.
 *
 * The table is the whole policy: who may send a kind, whether it belongs to the VM or to a session,
 * and how long it may be. Streams depend on the direction and are judged by stream_fits().
 */
#include "wire/message.h"

#define FROM_HOST  1U
#define FROM_GUEST 2U

struct kind_rule {
	const char *bad_direction, *bad_session, *bad_stream, *bad_length;
	uint8_t from;
	bool in_session;
	uint32_t min_b, max_b;
};

#define KIND(kind, from, in_session, min_b, max_b)                                                 \
	[WIRE_##kind] = {"direction of " #kind,                                                    \
			 "session of " #kind,                                                      \
			 "stream of " #kind,                                                       \
			 "length of " #kind,                                                       \
			 from,                                                                     \
			 in_session,                                                               \
			 min_b,                                                                    \
			 max_b}

static const struct kind_rule rules[WIRE_KIND_MAX] = {
	KIND(HELLO, FROM_GUEST, false, 4, 4),
	KIND(IDENTITY, FROM_HOST, false, 1, WIRE_IDENTITY_MAX_B),
	KIND(TIME_REQUEST, FROM_GUEST, false, 8, 8),
	KIND(TIME, FROM_HOST, false, WIRE_TIME_B, WIRE_TIME_B),
	KIND(IDENTITY_OK, FROM_GUEST, false, 0, 0),
	KIND(ERROR, FROM_GUEST, false, 0, WIRE_ERROR_MAX_B),
	KIND(EXEC_PART, FROM_HOST, true, 1, WIRE_PAYLOAD_MAX_B),
	KIND(EXEC, FROM_HOST, true, 1, WIRE_PAYLOAD_MAX_B),
	KIND(STARTED, FROM_GUEST, true, 0, 0),
	KIND(EXEC_FAILED, FROM_GUEST, true, 8, 8),
	KIND(DATA, FROM_HOST | FROM_GUEST, true, 1, WIRE_PAYLOAD_MAX_B),
	KIND(EOF, FROM_HOST | FROM_GUEST, true, 0, 0),
	KIND(CREDIT, FROM_HOST | FROM_GUEST, true, 4, 4),
	KIND(SIGNAL, FROM_HOST, true, 4, 4),
	KIND(WINSIZE, FROM_HOST, true, 4, 4),
	KIND(KILL, FROM_HOST, true, 0, 0),
	KIND(EXIT, FROM_GUEST, true, WIRE_EXIT_B, WIRE_EXIT_B),
	/* No guest's: a keeper's ledger refuses it. */
	KIND(LOST, FROM_GUEST, true, 0, 0),
};

static const struct kind_rule *rule_of(uint8_t kind)
{
	return kind < WIRE_KIND_MAX && rules[kind].from ? &rules[kind] : NULL;
}

/* DATA and EOF flow with the stream, CREDIT against it; nothing else has a stream. */
static bool stream_fits(const struct wire_header *header, enum wire_side from)
{
	bool input;

	if (header->kind == WIRE_DATA || header->kind == WIRE_EOF)
		input = from == WIRE_FROM_HOST;
	else if (header->kind == WIRE_CREDIT)
		input = from == WIRE_FROM_GUEST;
	else
		return header->stream == WIRE_STREAM_NONE;
	if (input)
		return header->stream == WIRE_STREAM_STDIN;
	return header->stream == WIRE_STREAM_STDOUT || header->stream == WIRE_STREAM_STDERR;
}

const char *wire_header_check(const struct wire_header *header, enum wire_side from)
{
	const struct kind_rule *rule = rule_of(header->kind);

	if (!rule)
		return "kind";
	if (!(rule->from & (from == WIRE_FROM_HOST ? FROM_HOST : FROM_GUEST)))
		return rule->bad_direction;
	if (rule->in_session ? header->session < 1 || header->session > WIRE_SESSION_MAX
			     : header->session != 0)
		return rule->bad_session;
	if (!stream_fits(header, from))
		return rule->bad_stream;
	if (header->length < rule->min_b || header->length > rule->max_b)
		return rule->bad_length;
	return NULL;
}

void wire_header_put(uint8_t out[WIRE_HEADER_B], const struct wire_header *header)
{
	wire_put_u32(out, header->length);
	out[4] = header->kind;
	out[5] = header->stream;
	wire_put_u16(out + 6, header->session);
}

void wire_header_get(const uint8_t in[WIRE_HEADER_B], struct wire_header *ret)
{
	ret->length = wire_get_u32(in);
	ret->kind = in[4];
	ret->stream = in[5];
	ret->session = wire_get_u16(in + 6);
}

void wire_put_u16(uint8_t *out, uint16_t v)
{
	out[0] = (uint8_t)v;
	out[1] = (uint8_t)(v >> 8);
}

void wire_put_u32(uint8_t *out, uint32_t v)
{
	wire_put_u16(out, (uint16_t)v);
	wire_put_u16(out + 2, (uint16_t)(v >> 16));
}

void wire_put_u64(uint8_t *out, uint64_t v)
{
	wire_put_u32(out, (uint32_t)v);
	wire_put_u32(out + 4, (uint32_t)(v >> 32));
}

uint16_t wire_get_u16(const uint8_t *in)
{
	return (uint16_t)(in[0] | in[1] << 8);
}

uint32_t wire_get_u32(const uint8_t *in)
{
	return (uint32_t)wire_get_u16(in) | (uint32_t)wire_get_u16(in + 2) << 16;
}

uint64_t wire_get_u64(const uint8_t *in)
{
	return (uint64_t)wire_get_u32(in) | (uint64_t)wire_get_u32(in + 4) << 32;
}
