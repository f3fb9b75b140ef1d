/* SPDX-License-Identifier: Apache-2.0 */
/* test_wire_exec.c - wire/message.h: the request to run a command. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "wire/message.h"

static uint8_t request[WIRE_EXEC_MAX_B + WIRE_TLV_HEADER_B + 16];
static size_t used;

static void start(void)
{
	used = 0;
}

static void put(uint16_t tag, const void *value, size_t len)
{
	assert_true(wire_tlv_put(request, sizeof(request), &used, tag, value, (uint32_t)len));
}

static void put_text(uint16_t tag, const char *text)
{
	put(tag, text, strlen(text));
}

static void put_u32(uint16_t tag, uint32_t v)
{
	uint8_t b[4];

	wire_put_u32(b, v);
	put(tag, b, sizeof(b));
}

static void put_winsize(uint16_t rows, uint16_t cols)
{
	uint8_t b[4];

	wire_put_u16(b, rows);
	wire_put_u16(b + 2, cols);
	put(WIRE_EXEC_WINSIZE, b, sizeof(b));
}

static void refused(const char *why)
{
	struct wire_exec ret, before;

	memset(&ret, 0x5a, sizeof(ret));
	before = ret;
	assert_string_equal(wire_exec_get(request, used, &ret), why);
	assert_memory_equal(&ret, &before, sizeof(ret));
}

static void a_full_request_is_understood(void **state)
{
	struct wire_exec exec;
	char *vector[4], text[64];

	(void)state;
	start();
	put_text(WIRE_EXEC_ENV, "A=1");
	put_text(WIRE_EXEC_ARG, "sh");
	put_text(WIRE_EXEC_CWD, "/tmp");
	put_text(WIRE_EXEC_ARG, "");
	put_text(WIRE_EXEC_USER, "root:wheel");
	put_text(WIRE_EXEC_ENV, "B=");
	put_u32(WIRE_EXEC_FLAGS, WIRE_EXEC_STDIN | WIRE_EXEC_TTY);
	put_winsize(24, 80);
	put_text(WIRE_EXEC_ARG, "\xff x");
	assert_null(wire_exec_get(request, used, &exec));
	assert_int_equal(exec.n_args, 3);
	assert_int_equal(exec.n_env, 2);
	assert_int_equal(exec.flags, WIRE_EXEC_STDIN | WIRE_EXEC_TTY);
	assert_int_equal(exec.rows, 24);
	assert_int_equal(exec.cols, 80);
	assert_int_equal(exec.cwd_length, 4);
	assert_memory_equal(exec.cwd, "/tmp", 4);
	assert_int_equal(exec.user_length, 10);
	assert_memory_equal(exec.user, "root:wheel", 10);

	assert_int_equal(wire_exec_copy_strings(request, used, WIRE_EXEC_ARG, vector, text), 8);
	assert_string_equal(vector[0], "sh");
	assert_string_equal(vector[1], "");
	assert_string_equal(vector[2], "\xff x");
	assert_null(vector[3]);
	assert_int_equal(wire_exec_copy_strings(request, used, WIRE_EXEC_ENV, vector, text), 7);
	assert_string_equal(vector[0], "A=1");
	assert_string_equal(vector[1], "B=");
	assert_null(vector[2]);
}

static void the_shortest_request_is_one_argument(void **state)
{
	struct wire_exec exec;

	(void)state;
	start();
	refused("missing command of EXEC");
	put_text(WIRE_EXEC_ARG, "x");
	assert_null(wire_exec_get(request, used, &exec));
	assert_int_equal(exec.n_args, 1);
	assert_null(exec.cwd);
	assert_null(exec.user);
	assert_int_equal(exec.flags, 0);
}

static void bad_strings_are_refused(void **state)
{
	static const struct {
		uint16_t tag;
		const char *value;
		size_t len;
		const char *why;
	} samples[] = {
		{WIRE_EXEC_ARG, "a\0b", 3, "NUL in an argument of EXEC"},
		{WIRE_EXEC_ENV, "A=\0", 3, "NUL in a variable of EXEC"},
		{WIRE_EXEC_ENV, "", 0, "name of a variable in EXEC"},
		{WIRE_EXEC_ENV, "A", 1, "name of a variable in EXEC"},
		{WIRE_EXEC_ENV, "=", 1, "name of a variable in EXEC"},
		{WIRE_EXEC_ENV, "=A=", 3, "name of a variable in EXEC"},
		{WIRE_EXEC_CWD, "", 0, "working directory of EXEC"},
		{WIRE_EXEC_CWD, "tmp", 3, "working directory of EXEC"},
		{WIRE_EXEC_CWD, "/t\0", 3, "working directory of EXEC"},
		{WIRE_EXEC_USER, "", 0, "user of EXEC"},
		{WIRE_EXEC_USER, "a\0", 2, "user of EXEC"},
		{WIRE_EXEC_FLAGS, "\1\0\0", 3, "flags of EXEC"},
		{WIRE_EXEC_FLAGS, "\10\0\0\0", 4, "flags of EXEC"},
		{WIRE_EXEC_FLAGS, "\0\0\0\x80", 4, "flags of EXEC"},
		{WIRE_EXEC_WINSIZE, "\1\0\1", 3, "window size of EXEC"},
		{WIRE_EXEC_WINSIZE, "\1\0\1\0", 4, "window size of EXEC without a terminal"},
		{0, "", 0, "tag of EXEC"},
		{7, "", 0, "tag of EXEC"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) {
		start();
		put_text(WIRE_EXEC_ARG, "x");
		put(samples[i].tag, samples[i].value, samples[i].len);
		refused(samples[i].why);
	}
	start();
	put_text(WIRE_EXEC_ARG, "");
	put_text(WIRE_EXEC_ARG, "x");
	refused("empty command in EXEC");
}

static void what_may_come_once_comes_once(void **state)
{
	(void)state;
	start();
	put_text(WIRE_EXEC_ARG, "x");
	put_text(WIRE_EXEC_CWD, "/a");
	put_text(WIRE_EXEC_CWD, "/a");
	refused("repeated working directory in EXEC");
	start();
	put_text(WIRE_EXEC_ARG, "x");
	put_text(WIRE_EXEC_USER, "a");
	put_text(WIRE_EXEC_USER, "a");
	refused("repeated user in EXEC");
	start();
	put_text(WIRE_EXEC_ARG, "x");
	put_u32(WIRE_EXEC_FLAGS, 0);
	put_u32(WIRE_EXEC_FLAGS, 0);
	refused("flags of EXEC");
	start();
	put_text(WIRE_EXEC_ARG, "x");
	put_u32(WIRE_EXEC_FLAGS, WIRE_EXEC_TTY);
	put_winsize(1, 1);
	put_winsize(1, 1);
	refused("window size of EXEC");
}

/* What the agent's own commands have no use for has no form. */
static void a_builtin_command_is_nothing_but_arguments(void **state)
{
	static const uint16_t tags[] = {WIRE_EXEC_ENV, WIRE_EXEC_CWD, WIRE_EXEC_USER};
	static const char *const texts[] = {"A=1", "/tmp", "root"};
	struct wire_exec exec;

	(void)state;
	start();
	put_text(WIRE_EXEC_ARG, "pack");
	put_u32(WIRE_EXEC_FLAGS, WIRE_EXEC_BUILTIN | WIRE_EXEC_STDIN);
	assert_null(wire_exec_get(request, used, &exec));
	assert_int_equal(exec.flags, WIRE_EXEC_BUILTIN | WIRE_EXEC_STDIN);
	for (size_t i = 0; i < sizeof(tags) / sizeof(tags[0]); i++) {
		start();
		put_text(WIRE_EXEC_ARG, "pack");
		put_text(tags[i], texts[i]);
		assert_null(wire_exec_get(request, used, &exec));
		put_u32(WIRE_EXEC_FLAGS, WIRE_EXEC_BUILTIN);
		refused("built-in command of EXEC");
	}
	start();
	put_text(WIRE_EXEC_ARG, "pack");
	put_u32(WIRE_EXEC_FLAGS, WIRE_EXEC_BUILTIN | WIRE_EXEC_TTY);
	refused("built-in command of EXEC");
	start();
	put_text(WIRE_EXEC_ARG, "pack");
	put_u32(WIRE_EXEC_FLAGS, 8);
	refused("flags of EXEC");
}

static void strings_have_limits(void **state)
{
	static const struct {
		uint16_t tag;
		size_t max;
		const char *first, *why;
	} samples[] = {
		{WIRE_EXEC_ARG, WIRE_STRING_MAX_B, "a", "length of an argument in EXEC"},
		{WIRE_EXEC_ENV, WIRE_STRING_MAX_B, "A=", "length of a variable in EXEC"},
		{WIRE_EXEC_CWD, WIRE_CWD_MAX_B, "/", "working directory of EXEC"},
		{WIRE_EXEC_USER, WIRE_USER_MAX_B, "u", "user of EXEC"},
	};
	static char text[WIRE_STRING_MAX_B + 1];
	struct wire_exec exec;

	(void)state;
	for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) {
		memset(text, 'x', sizeof(text));
		memcpy(text, samples[i].first, strlen(samples[i].first));
		start();
		put_text(WIRE_EXEC_ARG, "x");
		put(samples[i].tag, text, samples[i].max);
		assert_null(wire_exec_get(request, used, &exec));
		start();
		put_text(WIRE_EXEC_ARG, "x");
		put(samples[i].tag, text, samples[i].max + 1);
		refused(samples[i].why);
	}
}

static void the_number_of_strings_has_a_limit(void **state)
{
	struct wire_exec exec;
	char **vector = calloc(WIRE_EXEC_STRINGS_MAX, sizeof(*vector));
	char *text = malloc(WIRE_EXEC_MAX_B);

	(void)state;
	assert_non_null(vector);
	assert_non_null(text);
	start();
	put_text(WIRE_EXEC_ARG, "x");
	for (unsigned int i = 1; i < WIRE_EXEC_STRINGS_MAX; i++)
		put_text(WIRE_EXEC_ENV, "A=1");
	assert_null(wire_exec_get(request, used, &exec));
	assert_int_equal(exec.n_env, WIRE_EXEC_STRINGS_MAX - 1);
	assert_int_equal(wire_exec_copy_strings(request, used, WIRE_EXEC_ENV, vector, text),
			 (WIRE_EXEC_STRINGS_MAX - 1) * 4);
	put_text(WIRE_EXEC_ARG, "y");
	refused("number of strings in EXEC");
	free(vector);
	free(text);
}

static void a_request_has_a_limit(void **state)
{
	static char text[WIRE_STRING_MAX_B];
	struct wire_exec exec;
	size_t left;

	(void)state;
	memset(text, 'x', sizeof(text));
	start();
	while (WIRE_EXEC_MAX_B - used > sizeof(text) + 2 * WIRE_TLV_HEADER_B)
		put(WIRE_EXEC_ARG, text, sizeof(text));
	left = WIRE_EXEC_MAX_B - used - WIRE_TLV_HEADER_B;
	put(WIRE_EXEC_ARG, text, left);
	assert_int_equal(used, WIRE_EXEC_MAX_B);
	assert_null(wire_exec_get(request, used, &exec));
	used++;
	refused("length of EXEC");
}

static void a_cut_request_is_refused(void **state)
{
	size_t first, whole;

	(void)state;
	start();
	put_text(WIRE_EXEC_ARG, "cat");
	first = used;
	put_text(WIRE_EXEC_ARG, "file");
	whole = used;
	for (used = 1; used < whole; used++)
		if (used != first)
			refused("length of a record in EXEC");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_full_request_is_understood),
		cmocka_unit_test(the_shortest_request_is_one_argument),
		cmocka_unit_test(bad_strings_are_refused),
		cmocka_unit_test(what_may_come_once_comes_once),
		cmocka_unit_test(a_builtin_command_is_nothing_but_arguments),
		cmocka_unit_test(strings_have_limits),
		cmocka_unit_test(the_number_of_strings_has_a_limit),
		cmocka_unit_test(a_request_has_a_limit),
		cmocka_unit_test(a_cut_request_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
