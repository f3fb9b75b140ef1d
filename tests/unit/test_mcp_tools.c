/* SPDX-License-Identifier: Apache-2.0 */
/* test_mcp_tools.c - the table of the sandbox tools, their arguments, and kept outputs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "mcp/sandbox_tools_internal.h"
#include "mcp/schema.h"

/* What a schema says is enforced; tests/it/mcp/stdio_checks.py holds the rest of the table. */
static void test_table(void **state)
{
	(void)state;
	for (size_t i = 0; i < TOOL_IDS; i++) {
		const struct mcp_tool *tool = &sandbox_tool_table[i];
		json_t *input = json_loads(tool->input_schema, JSON_REJECT_DUPLICATES, NULL);
		json_t *output = json_loads(tool->output_schema, JSON_REJECT_DUPLICATES, NULL);
		json_t *annotations = json_loads(tool->annotations, JSON_REJECT_DUPLICATES, NULL);

		assert_true(schema_is_plain(input));
		assert_true(schema_is_plain(output));
		assert_true(json_is_object(annotations));
		json_decref(input);
		json_decref(output);
		json_decref(annotations);
	}
}

/* Of the last request, which points into it. */
static json_t *arguments;

static int make(enum tool_id tool, const char *text, struct tool_request *ret)
{
	const char *why = NULL;
	int r;

	json_decref(arguments);
	arguments = json_loads(text, JSON_ALLOW_NUL, NULL);
	assert_non_null(arguments);
	r = tool_request_make(tool, arguments, 5000, ret, &why);
	assert_true(r == 0 || why);
	return r;
}

static void test_arguments(void **state)
{
	struct tool_request r;

	(void)state;
	assert_int_equal(make(TOOL_EXEC, "{\"command\":\"echo '$x'\",\"stdin\":\"a\\u0000\"}", &r),
			 0);
	assert_string_equal(r.request.argv[0], "sh");
	assert_string_equal(r.request.argv[1], "-c");
	assert_string_equal(r.request.argv[2], "echo '$x'");
	assert_null(r.request.argv[3]);
	assert_int_equal(r.request.len, 2);
	/* The shorter limit; 0 would be none. */
	assert_int_equal(r.request.timeout_ms, 5000);
	assert_int_equal(make(TOOL_RUN, "{\"command\":\"x\",\"timeout_s\":2}", &r), 0);
	assert_int_equal(r.request.timeout_ms, 2000);
	assert_int_equal(make(TOOL_RUN, "{\"command\":\"x\",\"timeout_s\":604800.0}", &r), 0);
	assert_int_equal(r.request.timeout_ms, 5000);
	assert_int_equal(make(TOOL_EXEC, "{\"command\":\"x\\u0000y\"}", &r), -EINVAL);
	assert_int_equal(make(TOOL_EXEC, "{\"command\":\"x\",\"cwd\":\"\\u0000\"}", &r), -EINVAL);
	assert_int_equal(make(TOOL_READ, "{\"path\":\"a\\u0000b\"}", &r), -EINVAL);
	assert_int_equal(make(TOOL_READ, "{\"path\":\"a\",\"offset\":7}", &r), 0);
	assert_int_equal(r.request.offset, 7);
	assert_int_equal(r.request.limit, TOOL_READ_MAX_B);
	assert_int_equal(make(TOOL_LIST, "{}", &r), 0);
	assert_null(r.request.path);
	assert_int_equal(r.request.limit, TOOL_LIST_MAX);
	assert_int_equal(make(TOOL_WRITE,
			      "{\"path\":\"a\",\"content\":\"aGk=\\n\",\"encoding\":\"base64\"}",
			      &r),
			 0);
	assert_int_equal(r.request.len, 2);
	assert_memory_equal(r.request.data, "hi", 2);
	tool_request_done(&r);
	tool_request_done(&r);
	assert_int_equal(make(TOOL_WRITE,
			      "{\"path\":\"a\",\"content\":\"aGk\",\"encoding\":\"base64\"}", &r),
			 -EINVAL);
	tool_request_done(&r);
	assert_int_equal(make(TOOL_APPLY, "{}", &r), -EINVAL);
	json_decref(arguments);
	arguments = NULL;
}

static void keep(struct kept_outputs *k, size_t len)
{
	char *data = calloc(1, len);

	assert_non_null(data);
	(void)kept_outputs_add(k, "stdout", data, len);
}

static void test_kept(void **state)
{
	struct kept_outputs k = {.n = 0};

	(void)state;
	for (size_t i = 0; i < KEPT_OUTPUTS_MAX + 5; i++)
		keep(&k, 100);
	assert_int_equal(k.n, KEPT_OUTPUTS_MAX);
	assert_int_equal(k.total_b, 100 * KEPT_OUTPUTS_MAX);
	assert_string_equal(k.items[0].uri, "ironclaw://output/6");
	/* By bytes, too. */
	for (size_t i = 0; i < KEPT_OUTPUTS_MAX; i++)
		keep(&k, KEPT_OUTPUT_MAX_B);
	assert_int_equal(k.total_b, KEPT_OUTPUTS_TOTAL_MAX_B);
	assert_int_equal(k.n, KEPT_OUTPUTS_TOTAL_MAX_B / KEPT_OUTPUT_MAX_B);
	assert_string_equal(k.items[k.n - 1].uri, "ironclaw://output/69");
	kept_outputs_done(&k);
	assert_int_equal(k.n, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_arguments),
		cmocka_unit_test(test_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
