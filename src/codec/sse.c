/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sse.c - server-sent events, byte by byte; see sse.h.
 *
 * Lines first: a line is complete at LF or at CR, and an LF right after a CR belongs to it, be it
 * in the next read. So an event is told as soon as its last byte is there, whatever ends its lines.
 * A complete line is then a field, a comment, or the end of an event.
 */
#include "codec/sse.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

#define GROW_MIN_B 1024U

static const char byte_order_mark[] = "\xef\xbb\xbf";
#define BOM_B (sizeof(byte_order_mark) - 1)

/* Room for a NUL is always kept. */
static int bytes_append(struct sse_bytes *b, const char *data, size_t len, size_t max)
{
	if (len > max || b->len > max - len)
		return -EMSGSIZE;
	if (b->size - b->len <= len || !b->bytes) {
		size_t want = b->len + len + 1;
		size_t size = want > 2 * b->size ? want : 2 * b->size;
		char *bytes;

		if (size < GROW_MIN_B)
			size = GROW_MIN_B;
		bytes = realloc(b->bytes, size);
		if (!bytes)
			return -ENOMEM;
		b->bytes = bytes;
		b->size = size;
	}
	if (len > 0)
		memcpy(b->bytes + b->len, data, len);
	b->len += len;
	b->bytes[b->len] = '\0';
	return 0;
}

/* A value with a NUL cannot be a name: the field is ignored, as the standard says for `id`. */
static int set_name(char to[SSE_NAME_MAX_B + 1], const char *value, size_t len)
{
	if (len > SSE_NAME_MAX_B)
		return -EMSGSIZE;
	if (memchr(value, '\0', len))
		return 0;
	memcpy(to, value, len);
	to[len] = '\0';
	return 0;
}

static void set_retry(struct sse_parser *p, const char *value, size_t len)
{
	uint64_t ms = 0;

	if (len == 0)
		return;
	for (size_t i = 0; i < len; i++) {
		if (value[i] < '0' || value[i] > '9')
			return;
		/* What nobody would wait for is as good as the longest. */
		if (ms < UINT64_MAX / 100)
			ms = ms * 10 + (uint64_t)(value[i] - '0');
	}
	p->retry_ms = ms;
}

static int dispatch(struct sse_parser *p)
{
	struct sse_event event = {.type = p->type[0] ? p->type : "message", .id = p->id};
	int r = 0;

	memcpy(p->id, p->next_id, sizeof(p->id));
	/* Of a single "data" line without a value only the line's end is there: as if there were
	 * none. */
	if (p->data.len > 1) {
		p->data.bytes[--p->data.len] = '\0';
		event.data = p->data.bytes;
		event.len = p->data.len;
		r = p->event(p->ud, &event);
	}
	p->data.len = 0;
	p->type[0] = '\0';
	if (r < 0)
		p->failed = r;
	return p->failed;
}

static bool name_is(const char *name, size_t len, const char *want)
{
	return len == strlen(want) && memcmp(name, want, len) == 0;
}

static int take_field(struct sse_parser *p, const char *line, size_t len)
{
	const char *colon = memchr(line, ':', len);
	size_t name_len = colon ? (size_t)(colon - line) : len;
	const char *value = colon ? colon + 1 : line + len;
	size_t value_len = len - (size_t)(value - line);

	if (value_len > 0 && value[0] == ' ') {
		value++;
		value_len--;
	}
	if (name_is(line, name_len, "data")) {
		int r = bytes_append(&p->data, value, value_len, p->max_event_b);

		/* The end of its last line is no part of an event's data. */
		return r < 0 ? r : bytes_append(&p->data, "\n", 1, p->max_event_b + 1);
	}
	if (name_is(line, name_len, "event"))
		return set_name(p->type, value, value_len);
	if (name_is(line, name_len, "id"))
		return set_name(p->next_id, value, value_len);
	if (name_is(line, name_len, "retry"))
		set_retry(p, value, value_len);
	return 0;
}

static int take_line(struct sse_parser *p)
{
	const char *line = p->line.bytes;
	size_t len = p->line.len;

	p->line.len = 0;
	if (len == 0)
		return dispatch(p);
	return line[0] == ':' ? 0 : take_field(p, line, len);
}

static int keep(struct sse_parser *p, const char *data, size_t len)
{
	return bytes_append(&p->line, data, len, p->max_event_b);
}

/*
 * What can still be the mark at the beginning is held back; what turns out not to be it is the
 * beginning of the first line. Returns how many bytes were taken, or -errno.
 */
static int take_mark(struct sse_parser *p, const char *data, size_t len)
{
	unsigned int seen = p->bom;
	size_t n = 0;

	while (n < len && p->bom < BOM_B && data[n] == byte_order_mark[p->bom]) {
		p->bom++;
		n++;
	}
	if (n < len && p->bom < BOM_B) {
		int r = keep(p, byte_order_mark, seen);

		p->bom = BOM_B;
		/* Those of this call are read once more, as they are. */
		return r < 0 ? r : 0;
	}
	return (int)n;
}

static int feed(struct sse_parser *p, const char *at, const char *end)
{
	int r;

	if (p->bom < BOM_B) {
		r = take_mark(p, at, (size_t)(end - at));
		if (r < 0)
			return r;
		at += r;
	}
	while (at < end) {
		const char *stop = at;

		if (p->skip_lf && *at == '\n') {
			p->skip_lf = false;
			at++;
			continue;
		}
		p->skip_lf = false;
		while (stop < end && *stop != '\n' && *stop != '\r')
			stop++;
		if ((r = keep(p, at, (size_t)(stop - at))) < 0)
			return r;
		if (stop == end)
			return 0;
		p->skip_lf = *stop == '\r';
		if ((r = take_line(p)) < 0)
			return r;
		at = stop + 1;
	}
	return 0;
}

/* What a callback returned has its sentence already, if it wanted one. */
static int finish(struct sse_parser *p, int r, struct ironclaw_error *err)
{
	if (p->failed < 0)
		return p->failed;
	p->failed = r;
	if (r == -EMSGSIZE)
		return err_set(err, IRONCLAW_ERR_INVALID, EMSGSIZE,
			       "the event stream holds a line or an event of more than %zu bytes",
			       p->max_event_b);
	if (r == -ENOMEM)
		return err_sys(err, ENOMEM, "reading an event stream");
	return r;
}

void sse_init(struct sse_parser *p, size_t max_event_b,
	      int (*event)(void *ud, const struct sse_event *event), void *ud)
{
	ic_assert(max_event_b < SIZE_MAX / 4);
	*p = (struct sse_parser){.retry_ms = SSE_NO_RETRY,
				 .event = event,
				 .ud = ud,
				 .max_event_b = max_event_b};
}

int sse_feed(struct sse_parser *p, const void *data, size_t len, struct ironclaw_error *err)
{
	if (p->failed < 0)
		return p->failed;
	if (len == 0)
		return 0;
	return finish(p, feed(p, data, (const char *)data + len), err);
}

int sse_end(struct sse_parser *p, struct ironclaw_error *err)
{
	int r = 0;

	if (p->failed < 0)
		return p->failed;
	if (p->bom < BOM_B)
		r = keep(p, byte_order_mark, p->bom);
	p->bom = BOM_B;
	if (r == 0 && p->line.len > 0)
		r = take_line(p);
	if (r == 0)
		r = dispatch(p);
	return finish(p, r, err);
}

void sse_done(struct sse_parser *p)
{
	free(take_ptr(p->line.bytes));
	free(take_ptr(p->data.bytes));
	p->line = p->data = (struct sse_bytes){0};
}
