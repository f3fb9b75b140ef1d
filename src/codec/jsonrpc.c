/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jsonrpc.c - see jsonrpc.h.
 *
 * Before jansson sees a text, what it would cost is bounded (json_bounded.h), and halves of
 * surrogate pairs, which jansson refuses, are replaced in a copy. One such half in a file that a
 * model wants written must not leave its call without an answer.
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "codec/json_bounded.h"
#include "codec/jsonrpc.h"

#define DUMP_FLAGS (JSON_COMPACT | JSON_ENSURE_ASCII | JSON_ENCODE_ANY)

/* The code unit of an escape \uXXXX at @p, or -1. */
static int32_t escaped_unit(const char *p, const char *end)
{
	int32_t unit = 0;

	if (end - p < 6 || p[0] != '\\' || p[1] != 'u')
		return -1;
	for (int i = 2; i < 6; i++) {
		char c = p[i];
		int digit = c >= '0' && c <= '9'   ? c - '0'
			    : c >= 'a' && c <= 'f' ? c - 'a' + 10
			    : c >= 'A' && c <= 'F' ? c - 'A' + 10
						   : -1;
		if (digit < 0)
			return -1;
		unit = unit * 16 + digit;
	}
	return unit;
}

/*
 * An escape at @p inside of a string: how long it is. *@ret_lone: it is half of a pair.
 */
static size_t escape_length(const char *p, const char *end, bool *ret_lone)
{
	int32_t unit = escaped_unit(p, end), next;

	*ret_lone = false;
	if (unit < 0)
		return end - p < 2 ? 1 : 2;
	if (unit < 0xd800 || unit > 0xdfff)
		return 6;
	next = unit <= 0xdbff ? escaped_unit(p + 6, end) : -1;
	if (next >= 0xdc00 && next <= 0xdfff)
		return 12;
	*ret_lone = true;
	return 6;
}

/* Return: 0, -ENOMEM. *@ret_copy: the text with U+FFFD to take instead, made at the first need. */
static int mend(const char *text, size_t len, char **ret_copy)
{
	static const char replacement[] = {'f', 'f', 'f', 'd'};
	const char *end = text + len;
	bool in_string = false, lone;
	size_t step;

	for (const char *p = text; p < end; p += step) {
		step = 1;
		if (*p == '"')
			in_string = !in_string;
		if (!in_string || *p != '\\')
			continue;
		step = escape_length(p, end, &lone);
		if (!lone)
			continue;
		if (!*ret_copy) {
			*ret_copy = malloc(len);
			if (!*ret_copy)
				return -ENOMEM;
			memcpy(*ret_copy, text, len);
		}
		memcpy(*ret_copy + (p - text) + 2, replacement, sizeof(replacement));
	}
	return 0;
}

static void broken(struct jsonrpc_message *m, enum jsonrpc_code code, const char *why)
{
	m->kind = JSONRPC_BROKEN;
	m->code = code;
	m->why = why;
}

bool jsonrpc_is(const json_t *value, const char *text)
{
	size_t len = strlen(text);

	return json_is_string(value) && json_string_length(value) == len &&
	       memcmp(json_string_value(value), text, len) == 0;
}

static bool good_id(const json_t *id)
{
	return json_is_integer(id) ||
	       (json_is_string(id) && json_string_length(id) <= JSONRPC_ID_MAX_B);
}

static bool good_method(const json_t *method)
{
	size_t len = json_string_length(method);

	return len > 0 && len <= JSONRPC_METHOD_MAX_B &&
	       !memchr(json_string_value(method), '\0', len);
}

static void classify_response(json_t *value, struct jsonrpc_message *m)
{
	m->result = json_object_get(value, "result");
	m->error = json_object_get(value, "error");
	if (!m->result == !m->error)
		broken(m, JSONRPC_INVALID_REQUEST, "neither a method nor one of result and error");
	else if (m->error && (!json_is_integer(json_object_get(m->error, "code")) ||
			      !json_is_string(json_object_get(m->error, "message"))))
		broken(m, JSONRPC_INVALID_REQUEST, "an error without code and message");
	else if (!m->id && m->result)
		broken(m, JSONRPC_INVALID_REQUEST, "a result without an id");
	else
		m->kind = JSONRPC_RESPONSE;
}

void jsonrpc_classify(json_t *value, struct jsonrpc_message *ret)
{
	json_t *id, *method, *params;

	memset(ret, 0, sizeof(*ret));
	if (!json_is_object(value)) {
		broken(ret, JSONRPC_INVALID_REQUEST, "not an object");
		return;
	}
	id = json_object_get(value, "id");
	method = json_object_get(value, "method");
	params = json_object_get(value, "params");
	if (good_id(id))
		ret->id = id;
	if (!jsonrpc_is(json_object_get(value, "jsonrpc"), "2.0")) {
		broken(ret, JSONRPC_INVALID_REQUEST, "\"jsonrpc\" is not \"2.0\"");
	} else if (!method) {
		if (id && !ret->id && !json_is_null(id))
			broken(ret, JSONRPC_INVALID_REQUEST, "a bad id");
		else
			classify_response(value, ret);
	} else if (!json_is_string(method) || !good_method(method)) {
		broken(ret, JSONRPC_INVALID_REQUEST, "a bad method name");
	} else if (!id) {
		/* Never answered, so never broken either. */
		ret->kind = JSONRPC_NOTIFICATION;
		ret->method = json_string_value(method);
		ret->params = json_is_object(params) ? params : NULL;
	} else if (!ret->id) {
		broken(ret, JSONRPC_INVALID_REQUEST, "an id that is no string and no integer");
	} else if (params && !json_is_null(params) && !json_is_object(params)) {
		broken(ret, JSONRPC_INVALID_PARAMS, "params that are no object");
	} else {
		ret->kind = JSONRPC_REQUEST;
		ret->method = json_string_value(method);
		ret->params = json_is_object(params) ? params : NULL;
	}
}

int jsonrpc_parse(const char *text, size_t len, struct jsonrpc_message *ret)
{
	cleanup_free char *copy = NULL;
	const char *why;
	json_t *document;
	json_error_t error;

	memset(ret, 0, sizeof(*ret));
	if (len > JSONRPC_TEXT_MAX_B) {
		broken(ret, JSONRPC_PARSE_ERROR, "too long");
		return 0;
	}
	why = json_too_costly(text, len);
	if (why) {
		broken(ret, JSONRPC_PARSE_ERROR, why);
		return 0;
	}
	if (mend(text, len, &copy) < 0)
		return -ENOMEM;
	document = json_loadb(copy ? copy : text, len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL,
			      &error);
	if (!document) {
		if (json_error_code(&error) == json_error_out_of_memory)
			return -ENOMEM;
		broken(ret, JSONRPC_PARSE_ERROR, "not JSON");
		return 0;
	}
	if (!json_is_array(document)) {
		jsonrpc_classify(document, ret);
	} else if (json_array_size(document) == 0 ||
		   json_array_size(document) > JSONRPC_BATCH_MAX) {
		broken(ret, JSONRPC_INVALID_REQUEST, "a batch of none or too many");
	} else {
		ret->kind = JSONRPC_BATCH;
	}
	ret->document = document;
	return 0;
}

void jsonrpc_done(struct jsonrpc_message *m)
{
	json_decref(m->document);
	memset(m, 0, sizeof(*m));
}

char *jsonrpc_dump(const json_t *value)
{
	return json_dumps(value, DUMP_FLAGS);
}

/* Takes @message, which may be NULL. */
static char *dump_and_drop(json_t *message)
{
	char *text = message ? jsonrpc_dump(message) : NULL;

	json_decref(message);
	return text;
}

/* json_pack() counts references of what it only reads. */
static json_t *mutable(const json_t *value)
{
	return (json_t *)(uintptr_t)value;
}

char *jsonrpc_request(const json_t *id, const char *method, const json_t *params)
{
	return dump_and_drop(json_pack("{s:s, s:O*, s:s, s:O*}", "jsonrpc", "2.0", "id",
				       mutable(id), "method", method, "params", mutable(params)));
}

char *jsonrpc_result(const json_t *id, const json_t *result)
{
	return dump_and_drop(json_pack("{s:s, s:O, s:O}", "jsonrpc", "2.0", "id", mutable(id),
				       "result", mutable(result)));
}

char *jsonrpc_error(const json_t *id, int code, const char *message, const json_t *data)
{
	return dump_and_drop(json_pack("{s:s, s:O*, s:{s:i, s:s, s:O*}}", "jsonrpc", "2.0", "id",
				       mutable(id), "error", "code", code, "message", message,
				       "data", mutable(data)));
}

void json_lines_init(struct json_lines *l, size_t max_b,
		     int (*line)(void *userdata, const char *text, size_t len), void *userdata)
{
	*l = (struct json_lines){
		.max_b = max_b ? max_b : JSONRPC_TEXT_MAX_B,
		.line = line,
		.userdata = userdata,
	};
}

/* Room for @more bytes; the caller has held them against the limit. */
static int grow(struct json_lines *l, size_t more)
{
	size_t size = l->size ? l->size : 4096;
	char *data;

	while (size < l->len + more)
		size *= 2;
	if (size == l->size)
		return 0;
	data = realloc(l->data, size);
	if (!data)
		return -ENOMEM;
	l->data = data;
	l->size = size;
	return 0;
}

/* A line without its LF, in one piece. */
static int deliver(struct json_lines *l, const char *text, size_t len)
{
	if (len > 0 && text[len - 1] == '\r')
		len--;
	return len > 0 ? l->line(l->userdata, text, len) : 0;
}

/* @len bytes that go on a line; @complete: its LF followed. */
static int take(struct json_lines *l, const char *data, size_t len, bool complete)
{
	int r = 0;

	if (l->dropping) {
		l->dropping = !complete;
		return 0;
	}
	if (l->len + len > l->max_b) {
		l->len = 0;
		l->dropping = !complete;
		return l->line(l->userdata, NULL, 0);
	}
	if (complete && l->len == 0)
		return deliver(l, data, len);
	if (len > 0) {
		r = grow(l, len);
		if (r < 0)
			return r;
		memcpy(l->data + l->len, data, len);
		l->len += len;
	}
	if (complete) {
		r = deliver(l, l->data, l->len);
		l->len = 0;
	}
	return r;
}

int json_lines_feed(struct json_lines *l, const char *data, size_t len)
{
	while (len > 0) {
		const char *lf = memchr(data, '\n', len);
		size_t n = lf ? (size_t)(lf - data) : len;
		int r = take(l, data, n, lf != NULL);

		if (r < 0)
			return r;
		data += n + (lf != NULL);
		len -= n + (lf != NULL);
	}
	return 0;
}

void json_lines_free(struct json_lines *l)
{
	free(l->data);
	l->data = NULL;
	l->len = l->size = 0;
}
