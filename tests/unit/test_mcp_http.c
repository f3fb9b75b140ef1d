/* SPDX-License-Identifier: Apache-2.0 */
/* test_mcp_http.c - mcp/http_check.h and mcp/http_stream.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "mcp/http_check.h"
#include "mcp/http_stream.h"

static void test_hosts(void **state)
{
	static const char *const good[] = {"localhost",	     "LocalHost:1", "127.0.0.1",
					   "127.0.0.1:8080", "[::1]",	    "[::1]:65535",
					   "192.0.2.7:80"};
	static const char *const bad[] = {
		"",
		"evil.example",
		"localhost.evil.example",
		"localhost:",
		"localhost:0",
		"localhost:65536",
		"localhost:1 ",
		"localhost@evil",
		"[::1",
		"[::1]x",
		"::1",
		"127.0.0.1.evil",
		"127.0.0.10",
		"localhost:80:80",
		"[",
		"192.0.2.70",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++)
		assert_true(mcp_http_host_allowed(good[i], "192.0.2.7"));
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_false(mcp_http_host_allowed(bad[i], "192.0.2.7"));
	assert_false(mcp_http_host_allowed("192.0.2.7", NULL));
}

static void test_origins(void **state)
{
	static const char *const good[] = {"http://localhost", "https://127.0.0.1:6274",
					   "HTTP://[::1]:80"};
	static const char *const bad[] = {
		"",
		"null",
		"http://",
		"localhost",
		"file://localhost",
		"http://evil.example",
		"http://localhost/",
		"http://localhost@evil.example",
		"http://localhost, http://localhost",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++)
		assert_true(mcp_http_origin_allowed(good[i], NULL));
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_false(mcp_http_origin_allowed(bad[i], NULL));
}

static void test_accept(void **state)
{
	static const char type[] = "text/event-stream";
	static const char *const good[] = {
		"text/event-stream",
		"application/json, text/event-stream",
		"*/*",
		"text/*;q=0.1",
		"TEXT/Event-Stream",
		"a/b;q=0,text/event-stream ; q=1",
		"*/*;q=0,text/event-stream",
		"text/event-stream;q=0.001",
	};
	static const char *const bad[] = {
		"",	"application/json", "text/event-streams", "text/event-stream;q=0",
		"text", "*/*;q=0",	    "text/plain, */x",	  "*/*, text/event-stream;q=0.0",
		",,",
	};

	(void)state;
	assert_true(mcp_http_accepts(NULL, type));
	for (size_t i = 0; i < ARRAY_SIZE(good); i++)
		assert_true(mcp_http_accepts(good[i], type));
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_false(mcp_http_accepts(bad[i], type));
	assert_true(mcp_http_is_json("application/json"));
	assert_true(mcp_http_is_json(" Application/JSON ; charset=utf-8"));
	assert_false(mcp_http_is_json(NULL));
	assert_false(mcp_http_is_json("text/plain"));
	assert_false(mcp_http_is_json("application/json5"));
}

static void decodes(const char *value, const char *text)
{
	cleanup_free char *got = NULL;
	size_t len = 0;
	int r = mcp_http_decode(value, &got, &len);

	if (!text) {
		assert_int_equal(r, -EINVAL);
		return;
	}
	assert_int_equal(r, 0);
	assert_int_equal(len, strlen(text));
	assert_string_equal(got, text);
}

static void test_decode(void **state)
{
	(void)state;
	decodes("plain", "plain");
	decodes(" \t x y\t ", "x y");
	decodes("", "");
	decodes("=?base64?SGVsbG8=?=", "Hello");
	decodes("=?base64?"
		"?=",
		"");
	decodes("=?base64?4pyT?=", "\xe2\x9c\x93");
	decodes("SGVsbG8=", "SGVsbG8=");
	decodes("=?base64?SGVsbG8=", "=?base64?SGVsbG8=");
	decodes("=?BASE64?SGVsbG8=?=", "=?BASE64?SGVsbG8=?=");
	decodes("=?base64?=", "=?base64?="); /* too short for both ends */
	decodes("=?base64?SGVsbG8?=", NULL); /* no padding */
	decodes("=?base64?SGVs!!!bG8=?=", NULL);
	decodes("=?base64?SGVsbG8=\n?=", NULL);
	decodes("=?base64?4py\xff?=", NULL);
	decodes("=?base64?/w==?=", NULL); /* no UTF-8 */
}

static void value_is(const char *value, const char *json, bool expected)
{
	json_t *v = json_loads(json, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);

	assert_non_null(v);
	assert_int_equal(mcp_http_value_is(value, v), expected);
	json_decref(v);
}

static void test_values(void **state)
{
	(void)state;
	assert_true(mcp_http_value_is(NULL, NULL));
	assert_false(mcp_http_value_is("x", NULL));
	value_is(NULL, "null", true);
	value_is("null", "null", false);
	value_is(NULL, "\"\"", false);
	value_is("x", "\"x\"", true);
	value_is("X", "\"x\"", false);
	value_is("=?base64?YQBi?=", "\"a\\u0000b\"", true);
	value_is("=?base64?YQBi?=", "\"a\"", false);
	value_is("a", "\"a\\u0000b\"", false);
	value_is("42", "42", true);
	value_is("42.0", "42", true);
	value_is("42.", "42", true);
	value_is("42.5", "42", false);
	value_is("042", "42", true);
	value_is("-42", "-42", true);
	value_is("--42", "-42", false);
	value_is("+42", "42", false);
	value_is("", "0", false);
	value_is("-", "0", false);
	value_is("99999999999999999999", "9223372036854775807", false);
	value_is("999999999999999999999999999", "1", false);
	value_is("true", "true", true);
	value_is("True", "true", false);
	value_is("false", "false", true);
	value_is("1.5", "1.5", false); /* no number but integers */
}

static void test_tokens(void **state)
{
	(void)state;
	assert_true(mcp_http_token_valid("0123456789abcdef"));
	assert_false(mcp_http_token_valid("0123456789abcde"));
	assert_false(mcp_http_token_valid("0123456789abcde f"));
	assert_null(mcp_http_bearer(NULL));
	assert_null(mcp_http_bearer("Basic x"));
	assert_null(mcp_http_bearer("Bearer"));
	assert_string_equal(mcp_http_bearer("bearer  x"), "x");
}

/* Read all in pieces of @step bytes. */
static char *drain(struct http_stream *s, size_t step)
{
	char *out = calloc(1, 65536);
	size_t n = 0, got;

	assert_non_null(out);
	while ((got = http_stream_read(s, out + n, step)) > 0)
		n += got;
	return out;
}

static void says(struct http_stream *s, size_t step, const char *expected)
{
	cleanup_free char *got = drain(s, step);

	assert_string_equal(got, expected);
	assert_int_equal(s->unread_b, 0);
}

static void test_stream(void **state)
{
	static const char two[] = "event: message\ndata: {}\n\nevent: message\ndata: [1]\n\n";
	struct http_stream s;

	(void)state;
	for (size_t step = 1; step < 60; step++) {
		http_stream_init(&s, 0);
		says(&s, step, "");
		assert_int_equal(http_stream_message(&s, "{}", 2), 0);
		assert_int_equal(http_stream_message(&s, "[1]", 3), 0);
		assert_int_equal(http_stream_comment(&s), 0); /* not needed */
		says(&s, step, two);
		assert_int_equal(s.kept_b, 0);
		assert_int_equal(http_stream_comment(&s), 0);
		says(&s, step, ":\n\n");
		http_stream_done(&s);
	}
}

static void test_resume(void **state)
{
	static const char all[] = "id: 7-1\nretry: 50\ndata: \n\n"
				  "id: 7-2\nevent: message\ndata: {}\n\n"
				  "id: 7-3\nevent: message\ndata: []\n\n";
	struct http_stream s;

	(void)state;
	http_stream_init(&s, 7);
	assert_int_equal(http_stream_prime(&s, 50), 0);
	assert_int_equal(http_stream_message(&s, "{}", 2), 0);
	assert_int_equal(http_stream_message(&s, "[]", 2), 0);
	says(&s, 10, all);
	assert_int_equal(http_stream_comment(&s), 0);
	says(&s, 10, ":\n\n");
	http_stream_resume(&s, 0);
	says(&s, 3,
	     "id: 7-1\nretry: 50\ndata: \n\n"
	     "id: 7-2\nevent: message\ndata: {}\n\n"
	     "id: 7-3\nevent: message\ndata: []\n\n:\n\n");
	http_stream_resume(&s, 2);
	says(&s, 3, "id: 7-3\nevent: message\ndata: []\n\n:\n\n");
	http_stream_resume(&s, 3);
	says(&s, 3, "");
	http_stream_resume(&s, UINT64_MAX);
	says(&s, 3, "");
	/* In the middle of an event */
	http_stream_resume(&s, 1);
	{
		char piece[20];

		assert_int_equal(http_stream_read(&s, piece, sizeof(piece)), sizeof(piece));
	}
	http_stream_resume(&s, 1);
	says(&s, 9,
	     "id: 7-2\nevent: message\ndata: {}\n\n"
	     "id: 7-3\nevent: message\ndata: []\n\n:\n\n");
	http_stream_done(&s);
}

static void test_stream_bounds(void **state)
{
	const size_t size = 64 * 1024;
	cleanup_free char *big = malloc(size);
	cleanup_free char *out = malloc(size);
	struct http_stream s;
	size_t n = 0;

	(void)state;
	assert_non_null(big);
	assert_non_null(out);
	memset(big, 'x', size);
	http_stream_init(&s, 1);
	while (http_stream_message(&s, big, size) == 0)
		n++;
	assert_int_equal(http_stream_message(&s, big, size), -ENOBUFS);
	assert_true(n >= 200 && s.unread_b <= HTTP_STREAM_MAX_B);
	while (http_stream_read(&s, out, size) > 0)
		assert_true(s.kept_b - s.unread_b <= HTTP_STREAM_KEEP_B);
	assert_true(s.kept_b > 0);
	/* What was dropped is not said again, the rest is. */
	http_stream_resume(&s, 1);
	assert_true(s.unread_b > 0 && s.unread_b <= HTTP_STREAM_KEEP_B);
	http_stream_done(&s);
}

static void discard(struct http_stream *s)
{
	char piece[4096];

	while (http_stream_read(s, piece, sizeof(piece)) > 0)
		;
}

/* An answer that is longer than all that is kept otherwise: it can still be asked for again. */
static void test_resume_long(void **state)
{
	const size_t size = 2 * HTTP_STREAM_KEEP_B;
	cleanup_free char *big = malloc(size);
	struct http_stream s;

	(void)state;
	assert_non_null(big);
	memset(big, 'x', size);
	http_stream_init(&s, 1);
	assert_int_equal(http_stream_prime(&s, 10), 0);
	assert_int_equal(http_stream_message(&s, big, size), 0);
	discard(&s);
	assert_int_equal(s.unread_b, 0);
	http_stream_resume(&s, 1);
	assert_true(s.unread_b > size);
	/* The next one takes its place; and a stream without ids keeps nothing. */
	assert_int_equal(http_stream_message(&s, "[]", 2), 0);
	discard(&s);
	assert_true(s.kept_b < size);
	http_stream_done(&s);
	http_stream_init(&s, 0);
	assert_int_equal(http_stream_message(&s, big, size), 0);
	discard(&s);
	assert_int_equal(s.kept_b, 0);
	http_stream_done(&s);
}

static void test_event_ids(void **state)
{
	static const char *const bad[] = {"",
					  "-",
					  "1",
					  "1-",
					  "-1",
					  "0-1",
					  "1-0",
					  "1-1 ",
					  "1-1-1",
					  "a-1",
					  "1-99999999999999999999",
					  "99999999999999999999999999999999999999999999999999-1"};
	uint64_t name = 5, number = 6;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(http_stream_parse_id(bad[i], &name, &number), -EINVAL);
	assert_true(name == 5 && number == 6);
	assert_int_equal(http_stream_parse_id("12-345", &name, &number), 0);
	assert_true(name == 12 && number == 345);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hosts),	      cmocka_unit_test(test_origins),
		cmocka_unit_test(test_accept),	      cmocka_unit_test(test_decode),
		cmocka_unit_test(test_values),	      cmocka_unit_test(test_tokens),
		cmocka_unit_test(test_stream),	      cmocka_unit_test(test_resume),
		cmocka_unit_test(test_stream_bounds), cmocka_unit_test(test_event_ids),
		cmocka_unit_test(test_resume_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
