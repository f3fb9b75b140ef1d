/* SPDX-License-Identifier: Apache-2.0 */
/* http_stream.c - the events of one SSE stream; see http_stream.h. */
#include "mcp/http_stream.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/parse.h"

struct http_stream_event {
	struct http_stream_event *next;
	uint64_t number; /* 0: a comment, never said again */
	size_t len;
	char text[];
};

void http_stream_init(struct http_stream *s, uint64_t name)
{
	*s = (struct http_stream){.name = name};
}

static void drop_first(struct http_stream *s)
{
	struct http_stream_event *e = s->first;

	s->first = e->next;
	if (!s->first)
		s->newest = NULL;
	s->kept_b -= e->len;
	free(e);
}

void http_stream_done(struct http_stream *s)
{
	s->current = NULL;
	while (s->first)
		drop_first(s);
	*s = (struct http_stream){0};
}

/*
 * What was read and need not be kept. Read is not delivered: the newest of a stream that can be
 * resumed stays however long it is, for it may be the answer.
 */
static void trim(struct http_stream *s)
{
	const size_t keep = s->name ? HTTP_STREAM_KEEP_B : 0;
	const struct http_stream_event *last = s->name ? s->newest : NULL;

	while (s->first && s->first != s->current && s->first != last &&
	       s->kept_b - s->unread_b > keep)
		drop_first(s);
}

static int append(struct http_stream *s, uint64_t number, const char *head, const char *data,
		  size_t data_len)
{
	size_t head_len = strlen(head), len = head_len + data_len + 2;
	struct http_stream_event *e;

	if (s->unread_b + len > HTTP_STREAM_MAX_B)
		return -ENOBUFS;
	e = malloc(sizeof(*e) + len);
	if (!e)
		return -ENOMEM;
	e->next = NULL;
	e->number = number;
	e->len = len;
	memcpy(e->text, head, head_len);
	memcpy(e->text + head_len, data, data_len);
	memcpy(e->text + head_len + data_len, "\n\n", 2);
	if (s->newest)
		s->newest->next = e;
	else
		s->first = e;
	s->newest = e;
	if (!s->current)
		s->current = e;
	s->unread_b += len;
	s->kept_b += len;
	return 0;
}

static int append_event(struct http_stream *s, const char *more, const char *data, size_t len)
{
	char head[128] = "";
	int n = 0, r;

	if (s->name)
		n = snprintf(head, sizeof(head), "id: %" PRIu64 "-%" PRIu64 "\n", s->name,
			     s->last + 1);
	(void)snprintf(head + n, sizeof(head) - (size_t)n, "%s", more);
	r = append(s, s->last + 1, head, data, len);
	if (r == 0)
		s->last++;
	return r;
}

int http_stream_message(struct http_stream *s, const char *json, size_t len)
{
	return append_event(s, "event: message\ndata: ", json, len);
}

int http_stream_prime(struct http_stream *s, unsigned int retry_ms)
{
	char more[64];

	(void)snprintf(more, sizeof(more), "retry: %u\ndata: ", retry_ms);
	return append_event(s, more, "", 0);
}

int http_stream_comment(struct http_stream *s)
{
	return s->current ? 0 : append(s, 0, ":", "", 0);
}

size_t http_stream_read(struct http_stream *s, char *buf, size_t max)
{
	size_t n = 0;

	while (s->current && n < max) {
		struct http_stream_event *e = s->current;
		size_t part = e->len - s->offset;

		if (part > max - n)
			part = max - n;
		memcpy(buf + n, e->text + s->offset, part);
		n += part;
		s->offset += part;
		s->unread_b -= part;
		if (s->offset == e->len) {
			s->current = e->next;
			s->offset = 0;
		}
	}
	trim(s);
	return n;
}

int http_stream_parse_id(const char *id, uint64_t *ret_name, uint64_t *ret_number)
{
	size_t n = strcspn(id, "-");
	char name[HTTP_STREAM_ID_MAX];
	uint64_t first, second;

	if (n >= sizeof(name) || !id[n])
		return -EINVAL;
	memcpy(name, id, n);
	name[n] = 0;
	if (parse_u64(name, 1, INT64_MAX, &first) < 0 ||
	    parse_u64(id + n + 1, 1, INT64_MAX, &second) < 0)
		return -EINVAL;
	*ret_name = first;
	*ret_number = second;
	return 0;
}

void http_stream_resume(struct http_stream *s, uint64_t number)
{
	s->current = s->first;
	s->offset = 0;
	s->unread_b = s->kept_b;
	while (s->current && s->current->number <= number) {
		s->unread_b -= s->current->len;
		s->current = s->current->next;
	}
}
