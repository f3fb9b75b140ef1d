/* SPDX-License-Identifier: Apache-2.0 */
/**
 * http_stream.h - the events of one SSE stream: what waits for its client, and what is kept in case
 * it has to be said again.
 *
 * An event is appended whole, and read by bytes at whatever pace the connection has. With a name,
 * events carry the id NAME-NUMBER, and those already read stay for http_stream_resume() as long as
 * they fit; without one they go as soon as they were read. The memory is bounded: a client that
 * does not read loses the stream, not the server its memory.
 */
#ifndef MCP_HTTP_STREAM_H
#define MCP_HTTP_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HTTP_STREAM_MAX_B  (16U * 1024U * 1024U) /* unread events of one stream */
#define HTTP_STREAM_KEEP_B (256U * 1024U)	 /* read ones that are kept */
#define HTTP_STREAM_ID_MAX 48U			 /* an event's id, with NUL */

struct http_stream_event;

struct http_stream {
	uint64_t name; /* 0: events have no ids */
	uint64_t last; /* number of the newest event */
	struct http_stream_event *first, *newest;
	struct http_stream_event *current; /* the one to be read next; NULL: all was read */
	size_t offset;			   /* bytes of @current that were read */
	size_t unread_b, kept_b;
};

/** http_stream_init() - an empty stream. */
void http_stream_init(struct http_stream *s, uint64_t name);

/** http_stream_done() - free what it holds. */
void http_stream_done(struct http_stream *s);

/**
 * http_stream_message() - append a message.
 * @json:	one line without CR and LF
 *
 * Return: 0, -ENOBUFS when too much is unread, -ENOMEM
 */
int http_stream_message(struct http_stream *s, const char *json, size_t len);

/**
 * http_stream_prime() - append the event that only tells its id, and how long to wait before the
 * client comes back after the stream has ended. Return: as http_stream_message()
 */
int http_stream_prime(struct http_stream *s, unsigned int retry_ms);

/** http_stream_comment() - append a comment, which shows only that we live; not if more waits. */
int http_stream_comment(struct http_stream *s);

/** http_stream_read() - take up to @max bytes. Return: how many, 0 when all was read. */
size_t http_stream_read(struct http_stream *s, char *buf, size_t max);

/** http_stream_parse_id() - name and number of an event id from a client. Return: 0, -EINVAL. */
int http_stream_parse_id(const char *id, uint64_t *ret_name, uint64_t *ret_number);

/**
 * http_stream_resume() - go back (or on) to the first kept event after the one with this number.
 *
 * Older ones than are kept are not said again: the answer is the last event of a stream, and only
 * the progress before it is lost.
 */
void http_stream_resume(struct http_stream *s, uint64_t number);

#endif
