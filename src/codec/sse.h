/* SPDX-License-Identifier: Apache-2.0 */
/**
 * sse.h - server-sent events, byte by byte, as the HTML standard says.
 *
 * Bytes come in pieces of any size; an event is told when its empty line has come. A byte order
 * mark at the beginning, comments, `id` and `retry` are dealt with here. The bytes of a value are
 * passed on as they are: that they are UTF-8 is for the reader of the data to check.
 *
 * Every byte is hostile. One event, and one line, takes at most max_event_b; a longer one ends the
 * stream. Not in this file: what the answer's status and Content-Type must be.
 */
#ifndef CODEC_SSE_H
#define CODEC_SSE_H

#include "base/error.h"

#define SSE_EVENT_MAX_B (10U * 1024U * 1024U) /* a bound that suits most: for sse_init() */
#define SSE_NAME_MAX_B	256U		      /* of an event's type and id */
#define SSE_NO_RETRY	UINT64_MAX

/** One event; foreign bytes that live until the callback returns. */
struct sse_event {
	const char *type; /* "message" when none was given */
	const char *data; /* terminated by a NUL that @len does not count; never empty */
	size_t len;
	const char *id; /* the newest one, which may be of an earlier event; "" when none */
};

struct sse_bytes {
	char *bytes;
	size_t len, size;
};

/** Owned by the caller, filled by sse_init(). Of its fields only these may be read: */
struct sse_parser {
	uint64_t retry_ms; /* the newest `retry`, or SSE_NO_RETRY */
	char id[SSE_NAME_MAX_B +
		1]; /* of the last event, delivered or without data; "" when none */

	/* The parser's own. */
	int (*event)(void *ud, const struct sse_event *event);
	void *ud;
	size_t max_event_b;
	struct sse_bytes line, data;
	char type[SSE_NAME_MAX_B + 1], next_id[SSE_NAME_MAX_B + 1];
	unsigned int bom; /* how many bytes of a byte order mark have been seen; 3: no more */
	bool skip_lf;
	int failed; /* -errno that every further call returns */
};

/**
 * sse_init() - begin a stream.
 * @max_event_b:	the most that an event's data, and a line, may have
 * @event:		called for each event with data; a negative return ends the stream with it.
 *			It must not call the parser
 */
void sse_init(struct sse_parser *p, size_t max_event_b,
	      int (*event)(void *ud, const struct sse_event *event), void *ud);

/**
 * sse_feed() - take the next bytes.
 *
 * Return: 0; -EMSGSIZE: a line, an event, a type or an id is too long; -ENOMEM; what @event
 * returned. After a failure nothing more is taken and the same is returned again.
 */
int sse_feed(struct sse_parser *p, const void *data, size_t len, struct ironclaw_error *err);

/**
 * sse_end() - the stream is over: an event without its empty line is told all the same.
 *
 * (The standard throws it away. Servers of models leave the last line out, and whoever reads the
 * event finds out whether it is whole.)
 *
 * Return: as sse_feed()
 */
int sse_end(struct sse_parser *p, struct ironclaw_error *err);

/** sse_done() - free what the parser holds; twice, or after zeroing it, is fine. */
void sse_done(struct sse_parser *p);

#endif
