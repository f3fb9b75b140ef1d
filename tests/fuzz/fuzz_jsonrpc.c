/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_jsonrpc.c - any bytes as lines of JSON-RPC, in pieces.
 *
 * The first byte is the size of the pieces. Never a crash or a leak; lines do not depend on the
 * pieces; what a message says that it has it has, and written again it is the same message, on one
 * line of ASCII.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "codec/jsonrpc.h"

#define LINE_MAX_B 512

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition)
{
	if (!condition)
		abort();
}

static void require_line(const char *text)
{
	require(text != NULL);
	for (const char *p = text; *p; p++)
		require((unsigned char)*p >= ' ' && (unsigned char)*p < 0x80);
}

/* @text: (taken) of what @m is; read again it is the same. */
static void require_same(const struct jsonrpc_message *m, char *text)
{
	struct jsonrpc_message again;

	require_line(text);
	require(jsonrpc_parse(text, strlen(text), &again) == 0);
	require(again.kind == m->kind);
	require(!m->id == !again.id && (!m->id || json_equal(m->id, again.id)));
	require(!m->params == !again.params || json_object_size(m->params) == 0);
	jsonrpc_done(&again);
	free(text);
}

static void check(const struct jsonrpc_message *m)
{
	json_t *code;

	switch (m->kind) {
	case JSONRPC_BROKEN:
		require(m->why && m->code < 0);
		require_line(m->why);
		break;
	case JSONRPC_REQUEST:
		require(m->method && (json_is_string(m->id) || json_is_integer(m->id)));
		require(!m->params || json_is_object(m->params));
		require_same(m, jsonrpc_request(m->id, m->method, m->params));
		break;
	case JSONRPC_NOTIFICATION:
		require(m->method && !m->id);
		require_same(m, jsonrpc_request(NULL, m->method, m->params));
		break;
	case JSONRPC_RESPONSE:
		require(!m->result != !m->error);
		if (m->result) {
			require_same(m, jsonrpc_result(m->id, m->result));
			break;
		}
		code = json_object_get(m->error, "code");
		require(json_is_integer(code) &&
			json_is_string(json_object_get(m->error, "message")));
		require_same(m, jsonrpc_error(m->id, (int)json_integer_value(code), "x", m->error));
		break;
	case JSONRPC_BATCH:
		require(json_array_size(m->document) > 0);
		require(json_array_size(m->document) <= JSONRPC_BATCH_MAX);
		break;
	}
}

static int take_line(void *userdata, const char *text, size_t len)
{
	size_t *sum = userdata, i;
	struct jsonrpc_message m, one;
	json_t *value;

	*sum = *sum * 31 + len + (text ? (unsigned char)text[0] : 7);
	if (!text)
		return 0;
	require(len > 0 && len <= LINE_MAX_B && !memchr(text, '\n', len));
	require(jsonrpc_parse(text, len, &m) == 0);
	check(&m);
	if (m.kind == JSONRPC_BATCH) {
		json_array_foreach(m.document, i, value)
		{
			jsonrpc_classify(value, &one);
			require(one.kind != JSONRPC_BATCH && !one.document);
			check(&one);
		}
	}
	jsonrpc_done(&m);
	return 0;
}

static size_t feed(const uint8_t *data, size_t size, size_t piece)
{
	struct json_lines lines;
	size_t sum = 0;

	json_lines_init(&lines, LINE_MAX_B, take_line, &sum);
	while (size > 0) {
		size_t n = size < piece ? size : piece;

		require(json_lines_feed(&lines, (const char *)data, n) == 0);
		data += n;
		size -= n;
	}
	json_lines_free(&lines);
	return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 2)
		return 0;
	require(feed(data + 1, size - 1, (size_t)data[0] + 1) == feed(data + 1, size - 1, size));
	return 0;
}
