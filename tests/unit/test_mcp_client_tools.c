/* SPDX-License-Identifier: Apache-2.0 */
/* test_mcp_client_tools.c - mcp/client_tools.h, client_params.h and results: what models get to
 * see. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "mcp/client_params.h"

#define OBJECT "\"inputSchema\":{\"type\":\"object\"}"

static void cleanup_jsonp(json_t **json)
{
	json_decref(*json);
}

static int add(struct mcp_tools *list, const char *tools)
{
	cleanup_free char *text = NULL;
	cleanup(cleanup_jsonp) json_t *page = NULL;

	assert_true(asprintf(&text, "{\"tools\":[%s]}", tools) > 0);
	page = json_loads(text, JSON_ALLOW_NUL, NULL);
	assert_non_null(page);
	return mcp_tools_add(list, "srv", page, NULL);
}

static void test_names_are_fit_and_unique(void **state)
{
	static struct mcp_tools list;

	(void)state;
	assert_int_equal(add(&list, "{\"name\":\"a.b\"," OBJECT "},{\"name\":\"a_b\"," OBJECT "},"
				    "{\"name\":\"a/b\"," OBJECT "},{\"name\":\"Ab-1\"," OBJECT "}"),
			 0);
	assert_int_equal(list.n, 4);
	assert_string_equal(list.items[0].name, "mcp__srv__a_b");
	assert_string_equal(list.items[3].name, "mcp__srv__Ab-1");
	for (size_t i = 0; i < list.n; i++) {
		assert_true(strspn(list.items[i].name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
						       "abcdefghijklmnopqrstuvwxyz0123456789_-") ==
			    strlen(list.items[i].name));
		for (size_t j = 0; j < i; j++)
			assert_string_not_equal(list.items[i].name, list.items[j].name);
	}
	assert_string_equal(list.items[2].raw_name, "a/b");
	mcp_tools_clear(&list);
}

static void test_a_long_name_is_cut_and_stays_its_own(void **state)
{
	char a[MCP_TOOL_NAME_MAX_B + 1], b[MCP_TOOL_NAME_MAX_B + 1], raw[MCP_RAW_NAME_MAX_B + 1];

	(void)state;
	memset(raw, 'x', sizeof(raw) - 1);
	raw[sizeof(raw) - 1] = '\0';
	mcp_tool_name("abcdefghijklmnopqrstuvwxyz012345", raw, true, a);
	raw[sizeof(raw) - 2] = 'y';
	mcp_tool_name("abcdefghijklmnopqrstuvwxyz012345", raw, true, b);
	assert_int_equal(strlen(a), MCP_TOOL_NAME_MAX_B);
	assert_string_not_equal(a, b);
}

static void test_what_models_refuse_is_left_out(void **state)
{
	static const char *const rows[] = {
		"1",
		"{}",
		("{" OBJECT "}"),
		("{\"name\":\"\"," OBJECT "}"),
		("{\"name\":\"a b\"," OBJECT "}"),
		("{\"name\":\"a\\u0000\"," OBJECT "}"),
		("{\"name\":\"\xc3\xa4\"," OBJECT "}"),
		("{\"name\":\"good\"," OBJECT "}"),
		"{\"name\":\"a\"}",
		"{\"name\":\"a\",\"inputSchema\":[]}",
		"{\"name\":\"a\",\"inputSchema\":{}}",
		"{\"name\":\"a\",\"inputSchema\":{\"type\":\"array\"}}",
		"{\"name\":\"a\",\"inputSchema\":{\"type\":\"object\",\"properties\":[]}}",
		("{\"name\":\"a\",\"inputSchema\":{\"type\":\"object\",\"properties\":{\"b "
		 "c\":{}}}}"),
		"{\"name\":\"a\",\"inputSchema\":{\"type\":\"object\",\"properties\":{\"\":{}}}}",
	};
	static struct mcp_tools list;

	(void)state;
	assert_int_equal(add(&list, "{\"name\":\"good\"," OBJECT "}"), 0);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		assert_int_equal(add(&list, rows[i]), 0);
		if (list.n != 1 || list.n_dropped != i + 1)
			fail_msg("taken: %s", rows[i]);
	}
	assert_true(list.dropped[0] != '\0');
	mcp_tools_clear(&list);
}

static void test_schemas_become_plain_objects(void **state)
{
	static struct mcp_tools list;
	json_t *schema;

	(void)state;
	assert_int_equal(add(&list, "{\"name\":\"a\",\"inputSchema\":{\"type\":\"object\","
				    "\"oneOf\":[{}],\"properties\":{\"p\":{\"anyOf\":[{}]}}}},"
				    "{\"name\":\"b\"," OBJECT "}"),
			 0);
	schema = list.items[0].schema;
	assert_null(json_object_get(schema, "oneOf"));
	assert_non_null(json_object_get(json_object_get(json_object_get(schema, "properties"), "p"),
					"anyOf"));
	assert_true(json_is_object(json_object_get(list.items[1].schema, "properties")));
	mcp_tools_clear(&list);
}

static void test_the_pin_is_of_all_that_is_said(void **state)
{
	static struct mcp_tools a, b, c, d;

	(void)state;
	assert_int_equal(add(&a, "{\"name\":\"a\",\"description\":\"x\"," OBJECT "}"), 0);
	assert_int_equal(add(&b,
			     "{\"name\":\"a\",\"description\":\"x\"," OBJECT ",\"title\":\"t\"}"),
			 0);
	assert_int_equal(add(&c, "{\"name\":\"a\",\"description\":\"y\"," OBJECT "}"), 0);
	assert_int_equal(add(&d, "{\"name\":\"a\",\"description\":\"x\",\"inputSchema\":"
				 "{\"type\":\"object\",\"allOf\":[]}}"),
			 0);
	assert_string_equal(a.details[0].pin, b.details[0].pin);
	assert_string_not_equal(a.details[0].pin, c.details[0].pin);
	assert_string_not_equal(a.details[0].pin, d.details[0].pin);
	mcp_tools_clear(&a);
	mcp_tools_clear(&b);
	mcp_tools_clear(&c);
	mcp_tools_clear(&d);
}

static void test_descriptions_are_cut_between_characters(void **state)
{
	static struct mcp_tools list;
	static char text[8192];
	size_t n = (size_t)snprintf(text, sizeof(text),
				    "{\"name\":\"a\"," OBJECT ",\"description\":\"\\u0000x");

	(void)state;
	for (size_t i = 0; i < 1500; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "\xe2\x82\xac");
	(void)snprintf(text + n, sizeof(text) - n, "\"}");
	assert_int_equal(add(&list, text), 0);
	n = strlen(list.items[0].description);
	assert_true(n <= MCP_DESCRIPTION_MAX_B && n > MCP_DESCRIPTION_MAX_B - 3 &&
		    (n - 2) % 3 == 0);
	mcp_tools_clear(&list);
}

static void test_too_many_are_refused(void **state)
{
	static struct mcp_tools list;
	char tool[64];
	int r = 0;

	(void)state;
	for (size_t i = 0; i <= MCP_TOOLS_MAX && r == 0; i++) {
		(void)snprintf(tool, sizeof(tool), "{\"name\":\"t%zu\"," OBJECT "}", i);
		r = add(&list, tool);
	}
	assert_int_equal(r, -E2BIG);
	assert_int_equal(list.n, MCP_TOOLS_MAX);
	mcp_tools_clear(&list);
	assert_int_equal(mcp_tools_add(&list, "srv", NULL, NULL), -EPROTO);
}

static void check_params(const char *properties, int expected)
{
	cleanup_free char *text = NULL;
	cleanup(cleanup_jsonp) json_t *schema = NULL, *found = NULL;
	const char *why = NULL;

	assert_true(asprintf(&text, "{\"type\":\"object\",%s}", properties) > 0);
	schema = json_loads(text, 0, NULL);
	assert_non_null(schema);
	if (mcp_params_find(schema, &found, &why) != expected)
		fail_msg("%s: %s", properties, why ? why : "taken");
}

static void test_which_headers_may_be_asked_for(void **state)
{
	(void)state;
	check_params("\"properties\":{\"a\":{\"type\":\"string\",\"x-mcp-header\":\"A\"}}", 0);
	check_params("\"properties\":{\"a\":{\"type\":\"object\",\"properties\":{\"b\":"
		     "{\"type\":\"integer\",\"x-mcp-header\":\"A\"}}}}",
		     0);
	/* A property that is only called so, and data. */
	check_params("\"properties\":{\"x-mcp-header\":{\"type\":\"number\"}}", 0);
	check_params("\"default\":{\"x-mcp-header\":1},\"properties\":{}", 0);
	check_params("\"properties\":{\"a\":{\"type\":\"number\",\"x-mcp-header\":\"A\"}}",
		     -EINVAL);
	check_params("\"properties\":{\"a\":{\"x-mcp-header\":\"A\"}}", -EINVAL);
	check_params("\"properties\":{\"a\":{\"type\":\"string\",\"x-mcp-header\":\"\"}}", -EINVAL);
	check_params("\"properties\":{\"a\":{\"type\":\"string\",\"x-mcp-header\":\"A B\"}}",
		     -EINVAL);
	check_params("\"properties\":{\"a\":{\"type\":\"string\",\"x-mcp-header\":\"A:\"}}",
		     -EINVAL);
	check_params("\"properties\":{\"a\":{\"type\":\"string\",\"x-mcp-header\":1}}", -EINVAL);
	check_params("\"x-mcp-header\":\"A\"", -EINVAL);
	check_params("\"properties\":{\"a\":{\"type\":\"string\",\"x-mcp-header\":\"A\"},"
		     "\"b\":{\"type\":\"string\",\"x-mcp-header\":\"a\"}}",
		     -EINVAL);
	check_params("\"properties\":{\"a\":{\"type\":\"array\",\"items\":"
		     "{\"type\":\"string\",\"x-mcp-header\":\"A\"}}}",
		     -EINVAL);
	check_params("\"anyOf\":[{\"properties\":{\"a\":"
		     "{\"type\":\"string\",\"x-mcp-header\":\"A\"}}}]",
		     -EINVAL);
}

static void check_header(const char *value, const char *expected, int r)
{
	cleanup(cleanup_jsonp) json_t *param = json_pack("[s,s,s]", "H", "o", "a");
	cleanup_free char *text = NULL, *line = NULL;
	cleanup(cleanup_jsonp) json_t *arguments = NULL;

	assert_true(asprintf(&text, "{\"o\":{\"a\":%s}}", value) > 0);
	arguments = json_loads(text, JSON_ALLOW_NUL, NULL);
	assert_non_null(arguments);
	assert_int_equal(mcp_params_header(param, arguments, &line), r);
	if (expected)
		assert_string_equal(line, expected);
	else
		assert_null(line);
}

static void test_values_of_headers(void **state)
{
	(void)state;
	check_header("\"us west\"", "Mcp-Param-H: us west", 0);
	check_header("true", "Mcp-Param-H: true", 0);
	check_header("false", "Mcp-Param-H: false", 0);
	check_header("-42", "Mcp-Param-H: -42", 0);
	check_header("9007199254740991", "Mcp-Param-H: 9007199254740991", 0);
	check_header("9007199254740992", NULL, -EINVAL);
	check_header("null", NULL, 0);
	check_header("{}", NULL, -EINVAL);
	check_header("1.5", NULL, -EINVAL);
	check_header("\"\"", "Mcp-Param-H: =?base64?\?=", 0);
	check_header("\" a\"", "Mcp-Param-H: =?base64?IGE=?=", 0);
	check_header("\"a \"", "Mcp-Param-H: =?base64?YSA=?=", 0);
	check_header("\"a\\r\\nX: y\"", "Mcp-Param-H: =?base64?YQ0KWDogeQ==?=", 0);
	check_header("\"\\u0000\"", "Mcp-Param-H: =?base64?AA==?=", 0);
	check_header("\"\xc3\xa4\"", "Mcp-Param-H: =?base64?w6Q=?=", 0);
	check_header("\"=?base64?YQ==?=\"", "Mcp-Param-H: =?base64?PT9iYXNlNjQ/WVE9PT89?=", 0);
}

static void check_text(const char *result, size_t max, const char *expected)
{
	cleanup(cleanup_jsonp) json_t *json = json_loads(result, JSON_ALLOW_NUL, NULL);
	cleanup_free char *text = NULL;

	assert_non_null(json);
	assert_int_equal(mcp_client_result_text(json, max, &text), 0);
	assert_string_equal(text, expected);
}

static void test_results_as_text(void **state)
{
	(void)state;
	check_text("{\"content\":[]}", 100, "");
	check_text("{\"content\":[{\"type\":\"text\",\"text\":\"a\\u0000b\"},"
		   "{\"type\":\"text\",\"text\":\"c\"}]}",
		   100, "a b\nc");
	check_text("{\"content\":[{\"type\":\"text\",\"text\":\"a\"}],\"isError\":true}", 100,
		   "Error:\na");
	check_text("{\"content\":[],\"structuredContent\":{\"b\":1}}", 100, "{\"b\":1}");
	check_text("{\"content\":[{\"type\":\"text\",\"text\":\"a\"}],\"structuredContent\":1}",
		   100, "a");
	check_text(
		"{\"content\":[{\"type\":\"image\",\"data\":\"AAAA\",\"mimeType\":\"image/png\"},"
		"{\"type\":\"resource_link\",\"uri\":\"u:1\"},"
		"{\"type\":\"resource\",\"resource\":{\"uri\":\"u:2\",\"blob\":\"\"}},"
		"{\"type\":\"resource\",\"resource\":{\"uri\":\"u:3\",\"text\":\"t\"}}]}",
		100, "[image, image/png]\n[resource: u:1]\n[resource: u:2]\nt");
	check_text("{\"content\":[{\"type\":\"text\",\"text\":\"\xe2\x82\xac\xe2\x82\xac\"}]}", 5,
		   "\xe2\x82\xac\n[cut: the result is longer]");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names_are_fit_and_unique),
		cmocka_unit_test(test_a_long_name_is_cut_and_stays_its_own),
		cmocka_unit_test(test_what_models_refuse_is_left_out),
		cmocka_unit_test(test_schemas_become_plain_objects),
		cmocka_unit_test(test_the_pin_is_of_all_that_is_said),
		cmocka_unit_test(test_descriptions_are_cut_between_characters),
		cmocka_unit_test(test_too_many_are_refused),
		cmocka_unit_test(test_which_headers_may_be_asked_for),
		cmocka_unit_test(test_values_of_headers),
		cmocka_unit_test(test_results_as_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
