/* SPDX-License-Identifier: Apache-2.0 */
/* test_json.c - codec/json.h, codec/json_write.h, codec/violations.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <errno.h>
#include <jansson.h>

#include <cmocka.h>

#include "codec/json.h"
#include "codec/json_write.h"

struct target {
	char text[8];
	uint32_t narrow;
	uint64_t wide;
	bool flag;
	int choice;
};

static const char *const choices[] = {"a", "b", NULL};
static const struct json_field inner[] = {
	{.name = "flag", .type = JSON_FIELD_BOOL, .offset = offsetof(struct target, flag)},
	{.name = "choice",
	 .type = JSON_FIELD_ENUM,
	 .offset = offsetof(struct target, choice),
	 .names = choices,
	 .mandatory = true},
	{0},
};
static const struct json_field fields[] = {
	{.name = "text",
	 .type = JSON_FIELD_STRING,
	 .offset = offsetof(struct target, text),
	 .size = 8},
	{.name = "narrow", .type = JSON_FIELD_U32, .offset = offsetof(struct target, narrow)},
	{.name = "wide",
	 .type = JSON_FIELD_U64,
	 .offset = offsetof(struct target, wide),
	 .mandatory = true},
	{.name = "inner", .type = JSON_FIELD_OBJECT, .fields = inner},
	{0},
};

static int decode(const char *text, struct target *target, struct violations *list)
{
	memset(list, 0, sizeof(*list));
	return json_decode_object(text, strlen(text), fields, target, list);
}

static void test_decode(void **state)
{
	struct target target = {0};
	struct violations list;

	(void)state;
	assert_int_equal(decode("{\"text\": \"1234567\", \"narrow\": 4294967295,"
				"\"wide\": 9223372036854775807,"
				"\"inner\": {\"flag\": true, \"choice\": \"b\"}}",
				&target, &list),
			 0);
	assert_string_equal(target.text, "1234567");
	assert_int_equal(target.narrow, UINT32_MAX);
	assert_int_equal(target.wide, INT64_MAX);
	assert_true(target.flag);
	assert_int_equal(target.choice, 1);
}

static void test_missing(void **state)
{
	struct target target = {0};
	struct violations list;

	(void)state;
	assert_int_equal(decode("{\"inner\": {}}", &target, &list), -EINVAL);
	assert_int_equal(list.n_errors, 2);
	assert_string_equal(list.items[0].field, "inner.choice");
	assert_string_equal(list.items[1].field, "wide");
}

static void test_bad_fields_leave_the_target_alone(void **state)
{
	struct target target = {.text = "old", .narrow = 1, .wide = 2, .choice = 1};
	struct violations list;

	(void)state;
	assert_int_equal(decode("{\"text\": \"12345678\", \"narrow\": 4294967296, \"wide\": -1,"
				"\"inner\": {\"flag\": 0, \"choice\": \"c\"}}",
				&target, &list),
			 -EINVAL);
	assert_int_equal(list.n_errors, 5);
	assert_string_equal(target.text, "old");
	assert_int_equal(target.narrow, 1);
	assert_int_equal(target.wide, 2);
	assert_int_equal(target.choice, 1);
}

static void test_list_overflow_is_counted(void **state)
{
	struct violations list = {0};
	struct ironclaw_error err;

	(void)state;
	violations_warn(&list, "w", "only a warning");
	assert_int_equal(violations_to_error(&list, "what", &err), 0);
	for (int i = 0; i < 100; i++)
		violations_add(&list, "field", "number %d is wrong", i);
	assert_int_equal(list.n_items, VIOLATIONS_MAX);
	assert_int_equal(list.n_errors, 100);
	assert_int_equal(list.n_dropped, 101 - VIOLATIONS_MAX);
	assert_int_equal(violations_to_error(&list, "what", &err), -EINVAL);
	assert_memory_equal(err.text, "what: field: number 0 is wrong; field: number 1", 40);
	assert_non_null(strstr(err.text, "more"));
}

static void test_violations_are_tame(void **state)
{
	struct violations list = {0};
	char line[VIOLATION_LINE_MAX_B];

	(void)state;
	violations_add(&list, "a\x1b[2J", "not '%s'", "\n\xff");
	violation_line(&list.items[0], line);
	assert_string_equal(line, "a\\x1b[2J: not '\\n\\xff'");
}

/* Writes {"k": bytes} and returns the text, to be freed. */
static char *write_bytes(const char *data, size_t len)
{
	struct json_writer w;
	size_t text_len;
	char *text;
	FILE *f = open_memstream(&text, &text_len);

	assert_non_null(f);
	json_write_begin(&w, f);
	json_write_open_object(&w, NULL);
	json_write_bytes(&w, "k", data, len);
	json_write_close_object(&w);
	assert_int_equal(json_write_end(&w), 0);
	(void)fclose(f);
	return text;
}

static void check_bytes(const char *data, size_t len, const char *want)
{
	char *text = write_bytes(data, len);

	assert_string_equal(text, want);
	free(text);
}

static void test_write_bytes(void **state)
{
	(void)state;
	check_bytes("", 0, "{\"k\":\"\"}\n");
	check_bytes("a\"\\\n\t\r\0", 7, "{\"k\":\"a\\\"\\\\\\n\\t\\u000d\\u0000\"}\n");
	check_bytes("\xc3\xbc\xf0\x9f\xa6\x80\x7f", 7,
		    "{\"k\":\"\\u00fc\\ud83e\\udd80\\u007f\"}\n");
	check_bytes("\xff", 1, "{\"k\":\"\\ufffd\",\"k_base64\":\"/w==\"}\n");
	check_bytes("a\xe2\x82", 3, "{\"k\":\"a\\ufffd\\ufffd\",\"k_base64\":\"YeKC\"}\n");
	check_bytes("a\xe2\x82"
		    "b",
		    4, "{\"k\":\"a\\ufffd\\ufffdb\",\"k_base64\":\"YeKCYg==\"}\n");
	check_bytes("\xed\xa0\x80", 3, "{\"k\":\"\\ufffd\\ufffd\\ufffd\",\"k_base64\":\"7aCA\"}\n");
}

/* Whatever the bytes: another parser reads it, and valid text comes back as it was. */
static void test_write_any_bytes(void **state)
{
	char data[64];
	uint32_t seed = 1;

	(void)state;
	for (int round = 0; round < 2000; round++) {
		size_t len = (size_t)round % sizeof(data);
		json_t *root, *value;
		char *text;

		for (size_t i = 0; i < len; i++) {
			seed = seed * 1664525 + 1013904223;
			data[i] = (char)(round % 2 ? seed >> 24 : seed >> 25);
		}
		text = write_bytes(data, len);
		root = json_loads(text, JSON_ALLOW_NUL | JSON_REJECT_DUPLICATES, NULL);
		assert_non_null(root);
		value = json_object_get(root, "k");
		if (!json_object_get(root, "k_base64")) {
			assert_int_equal(json_string_length(value), len);
			assert_memory_equal(json_string_value(value), data, len);
		}
		for (size_t i = 0; text[i]; i++)
			assert_true(text[i] == '\n' || (text[i] >= 0x20 && text[i] < 0x7f));
		json_decref(root);
		free(text);
	}
}

static void test_write_document(void **state)
{
	struct json_writer w;
	char text[256];
	FILE *f = fmemopen(text, sizeof(text), "w");

	(void)state;
	assert_non_null(f);
	json_write_begin(&w, f);
	json_write_open_object(&w, NULL);
	json_write_open_array(&w, "list");
	json_write_u64(&w, NULL, UINT64_MAX);
	json_write_i64(&w, NULL, -1);
	json_write_open_object(&w, NULL);
	json_write_close_object(&w);
	json_write_close_array(&w);
	json_write_string(&w, "none", NULL);
	json_write_string(&w, "text", "x");
	json_write_bool(&w, "yes", true);
	json_write_ms(&w, "ms", 1234567);
	json_write_ms(&w, "zero", 0);
	json_write_close_object(&w);
	assert_int_equal(json_write_end(&w), 0);
	(void)fclose(f);
	assert_string_equal(text,
			    "{\"list\":[18446744073709551615,-1,{}],\"none\":null,\"text\":\"x\","
			    "\"yes\":true,\"ms\":1234.567,\"zero\":0.000}\n");
}

static void test_write_failure_is_told(void **state)
{
	struct json_writer w;
	FILE *f = fopen("/dev/full", "we");

	(void)state;
	assert_non_null(f);
	json_write_begin(&w, f);
	json_write_string(&w, NULL, "x");
	assert_int_equal(json_write_end(&w), -EIO);
	(void)fclose(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_decode),
		cmocka_unit_test(test_missing),
		cmocka_unit_test(test_bad_fields_leave_the_target_alone),
		cmocka_unit_test(test_list_overflow_is_counted),
		cmocka_unit_test(test_violations_are_tame),
		cmocka_unit_test(test_write_bytes),
		cmocka_unit_test(test_write_any_bytes),
		cmocka_unit_test(test_write_document),
		cmocka_unit_test(test_write_failure_is_told),
	};

	return cmocka_run_group_tests_name("json", tests, NULL, NULL);
}
