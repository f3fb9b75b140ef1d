/* SPDX-License-Identifier: Apache-2.0 */
/**
 * jsonrpc.h - JSON-RPC 2.0 messages as the Model Context Protocol uses them, and their framing by
 * newlines. No I/O.
 *
 * The text is hostile. It must be one JSON value in valid UTF-8 without duplicate keys, nested at
 * most JSON_BOUNDED_DEPTH_MAX deep, of at most JSONRPC_TEXT_MAX_B bytes. Strings may hold NUL: so
 * compare them with their length (jsonrpc_is()). An escaped half of a surrogate pair, which
 * JavaScript writes and JSON cannot carry, is read as U+FFFD.
 */
#ifndef CODEC_JSONRPC_H
#define CODEC_JSONRPC_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#define JSONRPC_TEXT_MAX_B   (10U << 20) /* what the SDKs' own readers take */
#define JSONRPC_BATCH_MAX    128
#define JSONRPC_ID_MAX_B     256 /* of an id that is a string */
#define JSONRPC_METHOD_MAX_B 128

enum jsonrpc_code {
	JSONRPC_PARSE_ERROR = -32700,
	JSONRPC_INVALID_REQUEST = -32600,
	JSONRPC_UNKNOWN_METHOD = -32601,
	JSONRPC_INVALID_PARAMS = -32602,
	JSONRPC_INTERNAL_ERROR = -32603,
};

enum jsonrpc_kind {
	JSONRPC_BROKEN,	      /* @code and @why say how; @id is set if it could be read */
	JSONRPC_REQUEST,      /* @method, @id, @params or NULL */
	JSONRPC_NOTIFICATION, /* @method, @params or NULL */
	JSONRPC_RESPONSE,     /* @id (NULL: the peer could not read ours), @result or @error */
	JSONRPC_BATCH,	      /* @document is a non-empty array: jsonrpc_classify() each */
};

struct jsonrpc_message {
	enum jsonrpc_kind kind;
	json_t *document;   /* owned; NULL after jsonrpc_classify() */
	const char *method; /* borrowed, at most JSONRPC_METHOD_MAX_B, without NUL */
	json_t *id;	    /* borrowed: a string or an integer */
	json_t *params;	    /* borrowed: an object (an array too in a response or broken message) */
	json_t *result;	    /* borrowed: any value */
	json_t *error;	    /* borrowed: an object with an integer `code` and a string `message` */
	enum jsonrpc_code code;
	const char *why; /* static */
};

/**
 * jsonrpc_parse() - read one message or batch.
 * @ret:	always filled; release it with jsonrpc_done()
 *
 * `params` that are no object, a `method` that is no string, an `id` that is null, fractional or
 * too long, `result` beside `error`: all BROKEN with JSONRPC_INVALID_REQUEST.
 *
 * Return: 0 (BROKEN included) or -ENOMEM
 */
int jsonrpc_parse(const char *text, size_t len, struct jsonrpc_message *ret);

/** jsonrpc_classify() - the same for one value of a batch, which stays the caller's. */
void jsonrpc_classify(json_t *value, struct jsonrpc_message *ret);

/** jsonrpc_done() - release what @m owns; harmless on a zeroed one. */
void jsonrpc_done(struct jsonrpc_message *m);

/** jsonrpc_is() - is @value a string that equals @text (which holds no NUL)? NULL is fine. */
bool jsonrpc_is(const json_t *value, const char *text);

/*
 * Writers. They return one line of ASCII without newline, NUL-terminated and malloc()ed, or NULL
 * without memory. Arguments stay the caller's.
 */

/** @id: NULL makes a notification; @params: NULL leaves them out. */
char *jsonrpc_request(const json_t *id, const char *method, const json_t *params);

char *jsonrpc_result(const json_t *id, const json_t *result);

/** @id: NULL leaves it out, as MCP wants it where it could not be read; @data: NULL is none. */
char *jsonrpc_error(const json_t *id, int code, const char *message, const json_t *data);

/** jsonrpc_dump() - any value in the same form. */
char *jsonrpc_dump(const json_t *value);

/**
 * Lines out of a byte stream. One trailing CR is removed, empty lines are skipped. A line longer
 * than @max_b is dropped as it comes (memory stays bounded) and reported once, as NULL.
 */
struct json_lines {
	size_t max_b;
	/* @text NULL: it was too long. < 0 stops the feeding. @text is not NUL-terminated. */
	int (*line)(void *userdata, const char *text, size_t len);
	void *userdata;
	/* private: */
	char *data;
	size_t len, size;
	bool dropping;
};

/** json_lines_init() - start; @max_b 0 means JSONRPC_TEXT_MAX_B. */
void json_lines_init(struct json_lines *l, size_t max_b,
		     int (*line)(void *userdata, const char *text, size_t len), void *userdata);

/**
 * json_lines_feed() - take bytes as they come; calls @line for every complete line.
 *
 * @line must not feed or free @l.
 *
 * Return: 0, what @line returned if < 0, -ENOMEM
 */
int json_lines_feed(struct json_lines *l, const char *data, size_t len);

/** json_lines_free() - forget what was buffered. */
void json_lines_free(struct json_lines *l);

#endif
