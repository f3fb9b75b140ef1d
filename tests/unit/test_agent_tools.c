/* SPDX-License-Identifier: Apache-2.0 */
/* test_agent_tools.c - agent/tools.h: schemas, arguments, and what is done to text. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agent/tools.h"
#include "base/utf8.h"

static int check(enum tool_kind kind, const char *json, struct tool_arguments *ret,
		 struct ironclaw_error *err)
{
	static json_t *arguments; /* what *ret points into */

	json_decref(arguments);
	arguments = json_loads(json, JSON_ALLOW_NUL, NULL);
	assert_non_null(arguments);
	memset(err, 0, sizeof(*err));
	return tools_arguments(kind, arguments, ret, err);
}

/* Within what all providers and clients take. */
static void test_schemas(void **state)
{
	json_t *list = tools_list();
	const json_t *tool;
	size_t i;

	(void)state;
	assert_int_equal(json_array_size(list), TOOL_KIND_MAX);
	json_array_foreach(list, i, tool)
	{
		const json_t *schema = json_object_get(tool, "schema"), *property, *name;
		const json_t *properties = json_object_get(schema, "properties");
		const char *key;
		size_t k;

		assert_int_equal(tools_find(json_string_value(json_object_get(tool, "name"))), i);
		assert_string_equal(json_string_value(json_object_get(schema, "type")), "object");
		assert_true(json_is_false(json_object_get(schema, "additionalProperties")));
		assert_true(json_object_size(properties) > 0);
		json_object_foreach((json_t *)(uintptr_t)properties, key, property)
		{
			assert_true(strlen(key) <= 64);
			assert_non_null(json_object_get(property, "type"));
		}
		json_array_foreach(json_object_get(schema, "required"), k, name)
			assert_non_null(json_object_get(properties, json_string_value(name)));
	}
	assert_int_equal(tools_find("nonsense"), TOOL_KIND_MAX);
	json_decref(list);
}

static void test_good_arguments(void **state)
{
	struct tool_arguments args;
	struct ironclaw_error err;

	(void)state;
	assert_int_equal(check(TOOL_EXEC, "{\"command\":\"ls\"}", &args, &err), 0);
	assert_string_equal(args.command.text, "ls");
	assert_int_equal(args.timeout_s, TOOL_TIMEOUT_S);
	assert_int_equal(check(TOOL_EXEC, "{\"command\":\"ls\",\"timeout_s\":3600}", &args, &err),
			 0);
	assert_int_equal(args.timeout_s, 3600);
	assert_int_equal(check(TOOL_READ_FILE, "{\"path\":\"a\",\"first_line\":7,\"lines\":null}",
			       &args, &err),
			 0);
	assert_int_equal(args.first_line, 7);
	assert_int_equal(args.n_lines, TOOL_LINES_MAX);
	assert_int_equal(check(TOOL_WRITE_FILE, "{\"path\":\"a\",\"content\":\"x\\u0000y\"}", &args,
			       &err),
			 0);
	assert_int_equal(args.content.len, 3);
	assert_int_equal(check(TOOL_WRITE_FILE, "{\"path\":\"a\",\"content\":\"\"}", &args, &err),
			 0);
	assert_int_equal(check(TOOL_EDIT_FILE,
			       "{\"path\":\"a\",\"old_text\":\"b\",\"new_text\":\"\","
			       "\"replace_all\":true}",
			       &args, &err),
			 0);
	assert_true(args.replace_all);
	assert_int_equal(check(TOOL_LIST_DIR, "{}", &args, &err), 0);
	assert_null(args.path.text);
	assert_int_equal(check(TOOL_SEARCH, "{\"pattern\":\"x\"}", &args, &err), 0);
}

static void test_bad_arguments(void **state)
{
	static const struct {
		enum tool_kind kind;
		const char *json, *says;
	} cases[] = {
		{TOOL_EXEC, "{}", "\"command\" is missing"},
		{TOOL_EXEC, "{\"command\":null}", "\"command\" must be a string"},
		{TOOL_EXEC, "{\"command\":[\"ls\"]}", "\"command\" must be a string"},
		{TOOL_EXEC, "{\"command\":\"\"}", "\"command\" must not be empty"},
		{TOOL_EXEC, "{\"command\":\"a\\u0000b\"}",
		 "\"command\" must not hold a NUL character"},
		{TOOL_EXEC, "{\"command\":\"a\",\"cwd\":\"/\"}", "exec takes no argument \"cwd\""},
		{TOOL_EXEC, "{\"command\":\"a\",\"timeout_s\":0}",
		 "\"timeout_s\" must be a whole number from 1 to 3600"},
		{TOOL_EXEC, "{\"command\":\"a\",\"timeout_s\":3601}",
		 "\"timeout_s\" must be a whole number from 1 to 3600"},
		{TOOL_EXEC, "{\"command\":\"a\",\"timeout_s\":\"5\"}",
		 "\"timeout_s\" must be a whole number from 1 to 3600"},
		{TOOL_EXEC, "{\"command\":\"a\",\"timeout_s\":1.5}",
		 "\"timeout_s\" must be a whole number from 1 to 3600"},
		{TOOL_EDIT_FILE,
		 "{\"path\":\"a\",\"old_text\":\"b\",\"new_text\":\"\",\"replace_all\":1}",
		 "\"replace_all\" must be true or false"},
		{TOOL_EDIT_FILE, "{\"path\":\"a\",\"old_text\":\"\",\"new_text\":\"\"}",
		 "\"old_text\" must not be empty"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct tool_arguments args = {.kind = TOOL_KIND_MAX};
		struct ironclaw_error err;

		assert_int_equal(check(cases[i].kind, cases[i].json, &args, &err), -EINVAL);
		assert_string_equal(err.text, cases[i].says);
		assert_int_equal(args.kind, TOOL_KIND_MAX);
	}
}

static void test_too_long(void **state)
{
	char *path = malloc(TOOL_PATH_MAX_B + 2);
	struct tool_arguments args;
	json_t *arguments;

	(void)state;
	memset(path, 'a', TOOL_PATH_MAX_B + 1);
	path[TOOL_PATH_MAX_B + 1] = '\0';
	arguments = json_pack("{s:s}", "path", path);
	assert_int_equal(tools_arguments(TOOL_READ_FILE, arguments, &args, NULL), -EINVAL);
	json_decref(arguments);
	path[TOOL_PATH_MAX_B] = '\0';
	arguments = json_pack("{s:s}", "path", path);
	assert_int_equal(tools_arguments(TOOL_READ_FILE, arguments, &args, NULL), 0);
	json_decref(arguments);
	free(path);
}

static int replace(const char *text, const char *was, const char *is, bool all, char **ret,
		   struct ironclaw_error *err)
{
	const struct tool_arguments args = {.old_text = {was, strlen(was)},
					    .new_text = {is, strlen(is)},
					    .replace_all = all};
	size_t len, n;
	int r = tools_replace(&args, text, strlen(text), ret, &len, &n, err);

	if (r == 0)
		assert_int_equal(strlen(*ret), len);
	return r;
}

static void test_replace(void **state)
{
	static const struct {
		const char *text, *was, *is;
		bool all;
		const char *becomes; /* NULL: says */
		const char *says;
	} cases[] = {
		{"one two", "two", "three", false, "one three", NULL},
		{"one two", "one ", "", false, "two", NULL},
		{"aXbXc", "X", "--", true, "a--b--c", NULL},
		{"aaa", "aa", "b", true, "ba", NULL},
		{"aXb", "X", "X2", true, "aX2b", NULL},
		{"aXbXc", "X", "-", false, NULL, "\"old_text\" is in the file 2 times"},
		{"abc", "X", "-", true, NULL, "\"old_text\" is not in the file"},
		{"", "X", "-", false, NULL, "\"old_text\" is not in the file"},
		{"abc", "b", "b", false, NULL, "\"old_text\" and \"new_text\" are the same"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct ironclaw_error err = {0};
		char *text = NULL;
		int r = replace(cases[i].text, cases[i].was, cases[i].is, cases[i].all, &text,
				&err);

		if (cases[i].becomes) {
			assert_int_equal(r, 0);
			assert_string_equal(text, cases[i].becomes);
		} else {
			assert_int_equal(r, -EINVAL);
			assert_ptr_equal(strstr(err.text, cases[i].says), err.text);
			assert_null(text);
		}
		free(text);
	}
}

/* A small call that would make a file of 4 TiB. */
static void test_replace_that_grows(void **state)
{
	char *big = malloc(1 << 20), *text = NULL;
	const struct tool_arguments args = {.old_text = {"a", 1},
					    .new_text = {big, 1 << 20},
					    .replace_all = true};
	size_t len, n;

	(void)state;
	memset(big, 'a', 1 << 20);
	assert_int_equal(tools_replace(&args, big, 1 << 20, &text, &len, &n, NULL), -EFBIG);
	assert_null(text);
	assert_int_equal(tools_replace(&args, big, 4, &text, &len, &n, NULL), 0);
	assert_int_equal(len, 4 << 20);
	assert_int_equal(n, 4);
	free(text);
	free(big);
}

static void test_lines(void **state)
{
	static const struct {
		const char *text;
		uint32_t first, n;
		const char *part;
		size_t from, to, all;
	} cases[] = {
		{"a\nb\nc\n", 1, 10, "a\nb\nc\n", 1, 3, 3},
		{"a\nb\nc", 2, 1, "b\n", 2, 2, 3},
		{"a\nb\nc", 3, 5, "c", 3, 3, 3},
		{"a\n", 2, 5, "", 0, 0, 1},
		{"", 1, 5, "", 0, 0, 0},
		{"\n\n", 2, 1, "\n", 2, 2, 2},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct tool_arguments args = {.first_line = cases[i].first,
						    .n_lines = cases[i].n};
		size_t from, to, all;
		struct tool_text part =
			tools_lines(&args, cases[i].text, strlen(cases[i].text), &from, &to, &all);

		assert_int_equal(part.len, strlen(cases[i].part));
		assert_memory_equal(part.text, cases[i].part, part.len);
		assert_int_equal(from, cases[i].from);
		assert_int_equal(to, cases[i].to);
		assert_int_equal(all, cases[i].all);
	}
}

static void test_text(void **state)
{
	char *text = tools_text("a\0\xff\xc3\xa9", 5, 100), bytes[3000];

	(void)state;
	assert_string_equal(text, "a\xef\xbf\xbd\xef\xbf\xbd\xc3\xa9");
	free(text);
	/* Whatever is cut, whole characters stay, and no byte is counted twice. */
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = "x\xe2\x82\xac"[i % 4];
	for (size_t max = 8; max < 3010; max += 7) {
		const char *note;
		size_t left_out;

		text = tools_text(bytes, sizeof(bytes), max);
		assert_true(utf8_valid(text, strlen(text)));
		assert_true(strlen(text) < max + 100);
		note = strstr(text, "\n[... ");
		if (max >= sizeof(bytes)) {
			assert_null(note);
		} else {
			left_out = strtoul(note + 6, NULL, 10);
			assert_int_equal((size_t)(note - text) +
						 strlen(strchr(note + 1, '\n') + 1) + left_out,
					 sizeof(bytes));
		}
		free(text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_schemas),	      cmocka_unit_test(test_good_arguments),
		cmocka_unit_test(test_bad_arguments), cmocka_unit_test(test_too_long),
		cmocka_unit_test(test_replace),	      cmocka_unit_test(test_replace_that_grows),
		cmocka_unit_test(test_lines),	      cmocka_unit_test(test_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
