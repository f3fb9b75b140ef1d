/* SPDX-License-Identifier: Apache-2.0 */
/* test_mcp_schema.c - mcp/schema.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "mcp/schema.h"

static const char schema_text[] =
	"{\"type\":\"object\",\"properties\":{"
	"\"argv\":{\"type\":\"array\",\"items\":{\"type\":\"string\",\"maxLength\":3},"
	"\"minItems\":1,\"maxItems\":2},"
	"\"n\":{\"type\":\"integer\",\"minimum\":-1,\"maximum\":5},"
	"\"x\":{\"type\":\"number\"},"
	"\"on\":{\"type\":\"boolean\",\"description\":\"d\",\"default\":true},"
	"\"way\":{\"type\":\"string\",\"enum\":[\"a\",\"b\"]},"
	"\"inner\":{\"type\":\"object\",\"properties\":{\"s\":{\"type\":\"string\",\"minLength\":1}"
	"}}"
	"},\"required\":[\"argv\"],\"additionalProperties\":false}";

static void test_check(void **state)
{
	static const struct {
		const char *arguments, *complaint; /* NULL: fits */
	} cases[] = {
		{"{\"argv\":[\"a\"]}", NULL},
		{"{\"argv\":[\"a\",\"\"],\"n\":5,\"x\":1,\"on\":false,\"way\":\"b\"}", NULL},
		{"{\"argv\":[\"\xc3\xa4\xc3\xa4\xc3\xa4\"],\"n\":3.0,\"x\":0.5}", NULL},
		{"{\"argv\":[\"a\"],\"inner\":{\"more\":1,\"s\":\"x\"}}", NULL},
		{"{}", "The arguments must have \"argv\"."},
		{"{\"argv\":\"a\"}", "argv must be of type array, not string."},
		{"{\"argv\":[]}", "argv must be at least 1 items, not 0."},
		{"{\"argv\":[\"a\",\"b\",\"c\"]}", "argv must be at most 2 items, not 3."},
		{"{\"argv\":[\"a\",7]}", "argv[1] must be of type string, not integer."},
		{"{\"argv\":[\"abcd\"]}", "argv[0] must be at most 3 characters, not 4."},
		{"{\"argv\":[\"a\"],\"n\":-2}", "n must be at least -1, not -2."},
		{"{\"argv\":[\"a\"],\"n\":6}", "n must be at most 5, not 6."},
		{"{\"argv\":[\"a\"],\"n\":1.5}", "n must be of type integer, not number."},
		{"{\"argv\":[\"a\"],\"on\":1}", "on must be of type boolean, not integer."},
		{"{\"argv\":[\"a\"],\"on\":null}", "on must be of type boolean, not null."},
		{"{\"argv\":[\"a\"],\"way\":\"c\"}", "way must be one of: a, b."},
		{"{\"argv\":[\"a\"],\"\\n\":1}",
		 "The arguments must not have \"\\n\": there is no such argument."},
		{"{\"argv\":[\"a\"],\"inner\":{\"s\":\"\"}}",
		 "inner.s must be at least 1 characters, not 0."},
	};
	json_t *schema = json_loads(schema_text, 0, NULL);

	(void)state;
	assert_non_null(schema);
	assert_true(schema_is_plain(schema));
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		json_t *arguments = json_loads(cases[i].arguments, 0, NULL);
		char complaint[128] = "";

		assert_non_null(arguments);
		assert_int_equal(schema_check(schema, arguments, complaint, sizeof(complaint)) < 0,
				 cases[i].complaint != NULL);
		assert_string_equal(complaint, cases[i].complaint ? cases[i].complaint : "");
		json_decref(arguments);
	}
	json_decref(schema);
}

/* A keyword that nobody enforces is found, also deep down. */
static void test_plain(void **state)
{
	static const struct {
		const char *schema;
		bool plain;
	} cases[] = {
		{"{\"type\":\"object\"}", true},
		{"{\"type\":\"object\",\"properties\":{\"type\":{\"type\":\"string\"}}}", true},
		{"{}", false},
		{"{\"type\":[\"string\",\"null\"]}", false},
		{"{\"type\":\"object\",\"oneOf\":[]}", false},
		{"{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"string\",\"pattern\":"
		 "\"a\"}}}",
		 false},
		{"{\"type\":\"array\",\"items\":{\"type\":\"string\",\"format\":\"uri\"}}", false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		json_t *schema = json_loads(cases[i].schema, 0, NULL);

		assert_non_null(schema);
		assert_int_equal(schema_is_plain(schema), cases[i].plain);
		json_decref(schema);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_check),
		cmocka_unit_test(test_plain),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
