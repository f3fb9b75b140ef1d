/* SPDX-License-Identifier: Apache-2.0 */
/* test_sse.c - codec/sse.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <errno.h>

#include <cmocka.h>

#include "codec/sse.h"

#define LOG_B 4096

/* What was told, one line an event: "type|id|data;" */
struct log {
	char text[LOG_B];
	size_t len;
	int answer;
};

static int note(void *ud, const struct sse_event *e)
{
	struct log *log = ud;
	int n = snprintf(log->text + log->len, LOG_B - log->len, "%s|%s|%s;", e->type, e->id,
			 e->data);

	assert_int_equal(strlen(e->data), e->len);
	assert_true(n > 0 && log->len + (size_t)n < LOG_B);
	log->len += (size_t)n;
	return log->answer;
}

static struct sse_parser parser;
static struct log seen;

static void begin(size_t max)
{
	sse_done(&parser);
	seen = (struct log){0};
	sse_init(&parser, max, note, &seen);
}

static void feed(const char *text)
{
	assert_int_equal(sse_feed(&parser, text, strlen(text), NULL), 0);
}

/* What @text gives, at once and then ended or not. */
static const char *told(const char *text, bool end)
{
	begin(1000);
	feed(text);
	if (end)
		assert_int_equal(sse_end(&parser, NULL), 0);
	return seen.text;
}

/* The same for every split into two and three reads, and for one byte at a time. */
static void check_splits(const char *text, size_t len, const char *want)
{
	for (size_t a = 0; a <= len; a++) {
		for (size_t b = a; b <= len; b++) {
			begin(1000);
			assert_int_equal(sse_feed(&parser, text, a, NULL), 0);
			assert_int_equal(sse_feed(&parser, text + a, b - a, NULL), 0);
			assert_int_equal(sse_feed(&parser, text + b, len - b, NULL), 0);
			assert_string_equal(seen.text, want);
		}
	}
	begin(1000);
	for (size_t i = 0; i < len; i++)
		assert_int_equal(sse_feed(&parser, text + i, 1, NULL), 0);
	assert_string_equal(seen.text, want);
}

static void test_every_split(void **state)
{
	static const char text[] = "\xef\xbb\xbf: hi\r\nid: 7\rdata:a\ndata:  b\r\n\r\n";
	static const char emoji[] = "data: \xf0\x9f\xa6\x80\n\r\ndata\ndata:\xef\xbb\xbf\r\r";
	static const char no_mark[] = "\xef\xbb"
				      "data: x\ndata: y\r\n\n";

	(void)state;
	check_splits(text, sizeof(text) - 1, "message|7|a\n b;");
	check_splits(emoji, sizeof(emoji) - 1,
		     "message||\xf0\x9f\xa6\x80;message||\n\xef\xbb\xbf;");
	check_splits(no_mark, sizeof(no_mark) - 1, "message||y;");
}

static void test_fields(void **state)
{
	(void)state;
	assert_string_equal(told("event: a\ndata:x\n\ndata:y\n\n", false), "a||x;message||y;");
	/* One space goes, a tab and a second space do not. */
	assert_string_equal(told("data:\tx\ndata:  y\ndata: \n\n", false), "message||\tx\n y\n;");
	/* Names are case-sensitive, other fields are nothing, a colon may be missing. */
	assert_string_equal(told("Data: x\nfoo: y\ndatax: z\ndata\ndata\n\n", false),
			    "message||\n;");
	assert_string_equal(told(":\n: data: x\n\n\n", false), "");
	assert_string_equal(told("data: a:b: c\n\n", false), "message||a:b: c;");
	/* Everything that is not followed by an empty line is held back. */
	assert_string_equal(told("data: x\n", false), "");
}

static void test_no_data_is_no_event(void **state)
{
	(void)state;
	assert_string_equal(told("event: a\n\ndata: x\n\n", false), "message||x;");
	assert_string_equal(told("id: 1\ndata:\n\n", false), "");
	assert_string_equal(parser.id, "1");
	assert_string_equal(told("id: 1\ndata: \n\ndata: x\n\n", false), "message|1|x;");
}

static void test_id(void **state)
{
	(void)state;
	assert_string_equal(told("id: 1\ndata: x\n\ndata: y\n\nid\ndata: z\n\n", false),
			    "message|1|x;message|1|y;message||z;");
	begin(1000);
	assert_int_equal(sse_feed(&parser, "id: 1\nid: 2\0\ndata: x\n\n", 23, NULL), 0);
	assert_string_equal(seen.text, "message|1|x;");
}

static void test_retry(void **state)
{
	static const struct {
		const char *text;
		uint64_t ms;
	} cases[] = {
		{"retry: 500\n", 500},	       {"retry:0\n", 0},
		{"retry: 5 \n", SSE_NO_RETRY}, {"retry: -5\n", SSE_NO_RETRY},
		{"retry:\n", SSE_NO_RETRY},    {"retry: 1\nretry: x\n", 1},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		(void)told(cases[i].text, false);
		assert_int_equal(parser.retry_ms, cases[i].ms);
	}
	(void)told("retry: 99999999999999999999999999999999\n", false);
	assert_true(parser.retry_ms > 1000000000000 && parser.retry_ms != SSE_NO_RETRY);
}

static void test_end_flushes(void **state)
{
	(void)state;
	assert_string_equal(told("data: x\n", true), "message||x;");
	assert_string_equal(told("data: x", true), "message||x;");
	assert_string_equal(told("data: x\r", true), "message||x;");
	assert_string_equal(told("data: x\n\n", true), "message||x;");
	assert_string_equal(told("", true), "");
	assert_string_equal(told("\xef\xbb", true), "");
}

static void test_bounds(void **state)
{
	struct ironclaw_error err = {0};

	(void)state;
	begin(16);
	feed("data: 0123456789\n\ndata: 01234567\ndata: 0123456\n\n");
	assert_string_equal(seen.text, "message||0123456789;message||01234567\n0123456;");
	/* One byte more in the event, in the line, in a line that is none of the event's. */
	feed("data: 01234567\ndata: 01234567");
	assert_int_equal(sse_feed(&parser, "\n", 1, &err), -EMSGSIZE);
	assert_non_null(strstr(err.text, "16"));
	assert_int_equal(sse_feed(&parser, "\n", 1, &err), -EMSGSIZE);
	assert_int_equal(sse_end(&parser, &err), -EMSGSIZE);
	begin(16);
	feed("data: 0123456789");
	assert_int_equal(sse_feed(&parser, "x", 1, &err), -EMSGSIZE);
	begin(16);
	assert_int_equal(sse_feed(&parser, ":0123456789012345", 17, &err), -EMSGSIZE);
	/* Empty data lines count as well. */
	begin(16);
	for (int i = 0; i < 17; i++)
		feed("data\n");
	assert_int_equal(sse_feed(&parser, "data\n", 5, &err), -EMSGSIZE);
}

static void test_long_names(void **state)
{
	char line[SSE_NAME_MAX_B + 16];

	(void)state;
	for (size_t n = SSE_NAME_MAX_B; n <= SSE_NAME_MAX_B + 1; n++) {
		int len = snprintf(line, sizeof(line), "id:%0*d\n", (int)n, 1);

		begin(1000);
		assert_int_equal(sse_feed(&parser, line, (size_t)len, NULL),
				 n > SSE_NAME_MAX_B ? -EMSGSIZE : 0);
	}
}

static void test_a_callback_ends_the_stream(void **state)
{
	(void)state;
	begin(1000);
	seen.answer = -ECANCELED;
	assert_int_equal(sse_feed(&parser, "data: x\n\ndata: y\n\n", 18, NULL), -ECANCELED);
	assert_string_equal(seen.text, "message||x;");
	assert_int_equal(sse_feed(&parser, "\n", 1, NULL), -ECANCELED);
}

static int teardown(void **state)
{
	(void)state;
	sse_done(&parser);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_split),
		cmocka_unit_test(test_fields),
		cmocka_unit_test(test_no_data_is_no_event),
		cmocka_unit_test(test_id),
		cmocka_unit_test(test_retry),
		cmocka_unit_test(test_end_flushes),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_long_names),
		cmocka_unit_test(test_a_callback_ends_the_stream),
	};

	return cmocka_run_group_tests_name("sse", tests, NULL, teardown);
}
