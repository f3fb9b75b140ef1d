/* SPDX-License-Identifier: Apache-2.0 */
/* test_jsonrpc.c - codec/jsonrpc.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "codec/json_bounded.h"
#include "codec/jsonrpc.h"

static void parse(const char *text, struct jsonrpc_message *m)
{
	assert_int_equal(jsonrpc_parse(text, strlen(text), m), 0);
}

static void test_request(void **state)
{
	static const char *const ids[] = {"0", "-1", "\"0\"", "\"\"", "9007199254740991"};
	struct jsonrpc_message m;
	char text[256], expected[256];

	(void)state;
	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
		char *answer;

		(void)snprintf(text, sizeof(text),
			       "{\"method\":\"ping\",\"x\":1,\"id\":%s,\"jsonrpc\":\"2.0\"}",
			       ids[i]);
		parse(text, &m);
		assert_int_equal(m.kind, JSONRPC_REQUEST);
		assert_string_equal(m.method, "ping");
		assert_null(m.params);
		answer = jsonrpc_error(m.id, -1, "no", NULL);
		(void)snprintf(expected, sizeof(expected),
			       "{\"jsonrpc\":\"2.0\",\"id\":%s,\"error\":{\"code\":-1,\"message\":"
			       "\"no\"}}",
			       ids[i]);
		assert_string_equal(answer, expected);
		free(answer);
		jsonrpc_done(&m);
	}
}

static void test_kinds(void **state)
{
	static const struct {
		const char *text;
		enum jsonrpc_kind kind;
		int code;
	} cases[] = {
		{"{\"jsonrpc\":\"2.0\",\"method\":\"a\"}", JSONRPC_NOTIFICATION, 0},
		{"{\"jsonrpc\":\"2.0\",\"method\":\"a\",\"params\":[1]}", JSONRPC_NOTIFICATION, 0},
		{"{\"jsonrpc\":\"2.0\",\"method\":\"a\",\"id\":1,\"params\":null}", JSONRPC_REQUEST,
		 0},
		{"{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}", JSONRPC_RESPONSE, 0},
		{"{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":1,\"message\":\"\"}}",
		 JSONRPC_RESPONSE, 0},
		{"{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":1,\"message\":\"\"}}",
		 JSONRPC_RESPONSE, 0},
		{"[{}]", JSONRPC_BATCH, 0},
		{"[]", JSONRPC_BROKEN, JSONRPC_INVALID_REQUEST},
		{"{}", JSONRPC_BROKEN, JSONRPC_INVALID_REQUEST},
		{"1", JSONRPC_BROKEN, JSONRPC_PARSE_ERROR},
		{"", JSONRPC_BROKEN, JSONRPC_PARSE_ERROR},
		{"{\"jsonrpc\":\"2.0\",\"method\":\"a\",\"id\":1", JSONRPC_BROKEN,
		 JSONRPC_PARSE_ERROR},
		{"{\"jsonrpc\":\"2.0\",\"method\":\"a\",\"id\":1,\"id\":2}", JSONRPC_BROKEN,
		 JSONRPC_PARSE_ERROR},
		{"{\"jsonrpc\":\"1.0\",\"method\":\"a\",\"id\":1}", JSONRPC_BROKEN,
		 JSONRPC_INVALID_REQUEST},
		{"{\"jsonrpc\":\"2.0\",\"method\":\"a\",\"id\":null}", JSONRPC_BROKEN,
		 JSONRPC_INVALID_REQUEST},
		{"{\"jsonrpc\":\"2.0\",\"method\":\"a\",\"id\":1.5}", JSONRPC_BROKEN,
		 JSONRPC_INVALID_REQUEST},
		{"{\"jsonrpc\":\"2.0\",\"method\":\"\",\"id\":1}", JSONRPC_BROKEN,
		 JSONRPC_INVALID_REQUEST},
		{"{\"jsonrpc\":\"2.0\",\"method\":\"a\\u0000b\",\"id\":1}", JSONRPC_BROKEN,
		 JSONRPC_INVALID_REQUEST},
		{"{\"jsonrpc\":\"2.0\",\"method\":7,\"id\":1}", JSONRPC_BROKEN,
		 JSONRPC_INVALID_REQUEST},
		{"{\"jsonrpc\":\"2.0\",\"method\":\"a\",\"id\":1,\"params\":[1]}", JSONRPC_BROKEN,
		 JSONRPC_INVALID_PARAMS},
		{"{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":1,\"error\":{}}", JSONRPC_BROKEN,
		 JSONRPC_INVALID_REQUEST},
		{"{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":\"x\",\"message\":\"\"}}",
		 JSONRPC_BROKEN, JSONRPC_INVALID_REQUEST},
		{"{\"jsonrpc\":\"2.0\",\"result\":{}}", JSONRPC_BROKEN, JSONRPC_INVALID_REQUEST},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct jsonrpc_message m;

		parse(cases[i].text, &m);
		if (m.kind != cases[i].kind || (int)m.code != cases[i].code)
			fail_msg("%s: kind %d, code %d", cases[i].text, m.kind, m.code);
		jsonrpc_done(&m);
	}
}

/* What it costs is bounded before it is built. */
static void test_bounds(void **state)
{
	struct jsonrpc_message m;
	char deep[2 * JSON_BOUNDED_DEPTH_MAX + 16], id[JSONRPC_ID_MAX_B + 128];
	const size_t wide_len = 600000;
	char *wide;

	(void)state;
	/* Brackets in a string cost nothing. */
	memset(deep, '[', sizeof(deep));
	memcpy(deep, "{\"jsonrpc\":\"2.0\",\"method\":\"", 27);
	memcpy(deep + sizeof(deep) - 3, "\"}", 3);
	parse(deep, &m);
	assert_int_equal(m.code, JSONRPC_INVALID_REQUEST); /* the method's name is too long */
	jsonrpc_done(&m);
	memset(deep, '[', JSON_BOUNDED_DEPTH_MAX);
	memset(deep + JSON_BOUNDED_DEPTH_MAX, ']', JSON_BOUNDED_DEPTH_MAX);
	deep[2 * JSON_BOUNDED_DEPTH_MAX] = '\0';
	parse(deep, &m);
	assert_int_equal(m.kind, JSONRPC_BATCH);
	jsonrpc_done(&m);
	memset(deep, '[', JSON_BOUNDED_DEPTH_MAX + 1);
	parse(deep, &m);
	assert_string_equal(m.why, "nested too deeply");
	jsonrpc_done(&m);

	wide = malloc(wide_len + 1);
	assert_non_null(wide);
	for (size_t i = 0; i < wide_len; i++)
		wide[i] = i % 2 ? ',' : '0';
	wide[0] = '[';
	memcpy(wide + wide_len - 2, "]", 2);
	parse(wide, &m);
	assert_string_equal(m.why, "too many values");
	jsonrpc_done(&m);
	free(wide);

	memset(id, 'i', sizeof(id));
	memcpy(id, "{\"jsonrpc\":\"2.0\",\"method\":\"a\",\"id\":\"", 36);
	memcpy(id + sizeof(id) - 3, "\"}", 3);
	parse(id, &m);
	assert_int_equal(m.code, JSONRPC_INVALID_REQUEST);
	assert_null(m.id);
	jsonrpc_done(&m);
}

/* Halves of pairs become U+FFFD; pairs, and what only looks like an escape, stay. */
static void test_surrogates(void **state)
{
	static const struct {
		const char *in, *out;
	} cases[] = {
		{"a\\ud800b", "a\xef\xbf\xbd"
			      "b"},
		{"\\udc00\\ud800", "\xef\xbf\xbd\xef\xbf\xbd"},
		{"\\uD83D\\uDE00", "\xf0\x9f\x98\x80"},
		{"\\\\ud800", "\\ud800"},
		{"\\ud83d\\ud83d\\ude00", "\xef\xbf\xbd\xf0\x9f\x98\x80"},
		{"\\ud800", "\xef\xbf\xbd"},
	};
	char text[256];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct jsonrpc_message m;

		(void)snprintf(text, sizeof(text),
			       "{\"jsonrpc\":\"2.0\",\"method\":\"a\",\"id\":\"%s\"}", cases[i].in);
		parse(text, &m);
		assert_int_equal(m.kind, JSONRPC_REQUEST);
		assert_string_equal(json_string_value(m.id), cases[i].out);
		jsonrpc_done(&m);
	}
}

static void test_writers(void **state)
{
	json_t *params = json_pack("{s:s%}", "t", "\n\0\xe2\x80\xa8", (size_t)5);
	json_t *id = json_integer(0);
	char *text;

	(void)state;
	text = jsonrpc_request(NULL, "a/b", params);
	assert_string_equal(text, "{\"jsonrpc\":\"2.0\",\"method\":\"a/"
				  "b\",\"params\":{\"t\":\"\\n\\u0000\\u2028\"}}");
	free(text);
	text = jsonrpc_request(id, "a/b", NULL);
	assert_string_equal(text, "{\"jsonrpc\":\"2.0\",\"id\":0,\"method\":\"a/b\"}");
	free(text);
	text = jsonrpc_result(id, params);
	assert_string_equal(
		text, "{\"jsonrpc\":\"2.0\",\"id\":0,\"result\":{\"t\":\"\\n\\u0000\\u2028\"}}");
	free(text);
	text = jsonrpc_error(NULL, -32700, "x", NULL);
	assert_string_equal(text,
			    "{\"jsonrpc\":\"2.0\",\"error\":{\"code\":-32700,\"message\":\"x\"}}");
	free(text);
	json_decref(params);
	json_decref(id);
}

struct seen {
	char text[1024];
	int stop_at;
	int n;
};

static int see(void *userdata, const char *text, size_t len)
{
	struct seen *seen = userdata;

	assert_true(strlen(seen->text) + len + 8 < sizeof(seen->text));
	strncat(seen->text, text ? text : "LONG", text ? len : 4);
	strcat(seen->text, "|");
	return ++seen->n == seen->stop_at ? -7 : 0;
}

static const char stream[] = "one\r\n\n\r\ntwo\nx1234567890\n0123456789\nab\rc\r\r\nunfinished";
static const char stream_lines[] = "one|two|LONG|0123456789|ab\rc\r|";

static void test_lines(void **state)
{
	const size_t len = strlen(stream);

	(void)state;
	/* Every split into three, and byte by byte. */
	for (size_t i = 0; i <= len; i++) {
		for (size_t j = i; j <= len; j++) {
			struct seen seen = {.n = 0};
			struct json_lines l;

			json_lines_init(&l, 10, see, &seen);
			assert_int_equal(json_lines_feed(&l, stream, i), 0);
			assert_int_equal(json_lines_feed(&l, stream + i, j - i), 0);
			assert_int_equal(json_lines_feed(&l, stream + j, len - j), 0);
			assert_string_equal(seen.text, stream_lines);
			assert_true(l.size <= 4096);
			json_lines_free(&l);
		}
	}
}

static void test_lines_stop(void **state)
{
	struct seen seen = {.stop_at = 2};
	struct json_lines l;

	(void)state;
	json_lines_init(&l, 0, see, &seen);
	assert_int_equal(json_lines_feed(&l, stream, strlen(stream)), -7);
	assert_string_equal(seen.text, "one|two|");
	json_lines_free(&l);
	json_lines_free(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_request),	   cmocka_unit_test(test_kinds),
		cmocka_unit_test(test_bounds),	   cmocka_unit_test(test_surrogates),
		cmocka_unit_test(test_writers),	   cmocka_unit_test(test_lines),
		cmocka_unit_test(test_lines_stop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
