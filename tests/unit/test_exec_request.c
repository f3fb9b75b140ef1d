/* SPDX-License-Identifier: Apache-2.0 */
/* test_exec_request.c - link/exec_request.h: the bounds of a command, and that the guest reads back
 * what was asked for. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "link/exec_request.h"

static const char *const plain[] = {"true", NULL};
static struct ironclaw_error err;

/* The request of a command that is fine; wire_exec_get() has looked at it. */
static uint8_t *make(const struct session_command *c, size_t *ret_len, struct wire_exec *ret)
{
	uint8_t *request = NULL;
	int r;

	err = (struct ironclaw_error){.code = IRONCLAW_ERR_NONE};
	r = exec_request_make(c, &request, ret_len, &err);
	if (r < 0)
		print_error("%s\n", err.text);
	assert_int_equal(r, 0);
	assert_null(wire_exec_get(request, *ret_len, ret));
	return request;
}

static void accepted(const struct session_command *c)
{
	struct wire_exec exec;
	size_t len;

	free(make(c, &len, &exec));
}

static void refused(const struct session_command *c, int errnum, const char *why)
{
	uint8_t *request = (uint8_t *)&err;
	size_t len = 4711;

	err = (struct ironclaw_error){.code = IRONCLAW_ERR_NONE};
	assert_int_equal(exec_request_make(c, &request, &len, &err), -errnum);
	assert_int_equal(err.code, IRONCLAW_ERR_INVALID);
	if (!strstr(err.text, why))
		print_error("'%s' does not say '%s'\n", err.text, why);
	assert_non_null(strstr(err.text, why));
	/* On failure nothing is written. */
	assert_ptr_equal(request, &err);
	assert_int_equal(len, 4711);
}

static char *letters(size_t n)
{
	char *text = malloc(n + 1);

	assert_non_null(text);
	memset(text, 'x', n);
	text[n] = '\0';
	return text;
}

static void strings_are(const uint8_t *request, size_t len, uint16_t tag, uint32_t n,
			const char *const *expected)
{
	char **vector = calloc(n + 1, sizeof(*vector));
	char *text = malloc(len);

	assert_non_null(vector);
	assert_non_null(text);
	(void)wire_exec_copy_strings(request, len, tag, vector, text);
	for (uint32_t i = 0; i < n; i++)
		assert_string_equal(vector[i], expected[i]);
	assert_null(expected[n]);
	free(text);
	free(vector);
}

static void everything_arrives(void **state)
{
	const char *const argv[] = {"sh", "-c", "", "\xff\n", NULL};
	const char *const env[] = {"A=", "A=1", "\xc3\xa4=b=c", NULL};
	const struct session_command c = {.argv = argv,
					  .env = env,
					  .cwd = "/tmp",
					  .user = "root:0",
					  .tty = true,
					  .use_stdin = true,
					  .rows = 24,
					  .cols = 80};
	cleanup_free uint8_t *request = NULL;
	struct wire_exec exec;
	size_t len;

	(void)state;
	request = make(&c, &len, &exec);
	assert_int_equal(exec.n_args, 4);
	assert_int_equal(exec.n_env, 3);
	strings_are(request, len, WIRE_EXEC_ARG, 4, argv);
	strings_are(request, len, WIRE_EXEC_ENV, 3, env);
	assert_int_equal(exec.flags, WIRE_EXEC_TTY | WIRE_EXEC_STDIN);
	assert_int_equal(exec.rows, 24);
	assert_int_equal(exec.cols, 80);
	assert_int_equal(exec.cwd_length, 4);
	assert_memory_equal(exec.cwd, "/tmp", 4);
	assert_int_equal(exec.user_length, 6);
	assert_memory_equal(exec.user, "root:0", 6);
}

static void the_least_command(void **state)
{
	const struct session_command c = {.argv = plain, .rows = 24, .cols = 80};
	cleanup_free uint8_t *request = NULL;
	struct wire_exec exec;
	size_t len;

	(void)state;
	request = make(&c, &len, &exec);
	assert_int_equal(exec.n_args, 1);
	assert_int_equal(exec.n_env, 0);
	assert_null(exec.cwd);
	assert_null(exec.user);
	/* No size without a terminal. */
	assert_int_equal(exec.flags, 0);
	assert_int_equal(exec.rows, 0);
}

static void a_builtin_command(void **state)
{
	static const char *const argv[] = {"unpack", "/workspace", NULL};
	const struct session_command c = {.argv = argv, .use_stdin = true, .builtin = true};
	cleanup_free uint8_t *request = NULL;
	struct wire_exec exec;
	size_t len;

	(void)state;
	request = make(&c, &len, &exec);
	strings_are(request, len, WIRE_EXEC_ARG, 2, argv);
	assert_int_equal(exec.flags, WIRE_EXEC_BUILTIN | WIRE_EXEC_STDIN);
}

static void an_empty_command_is_refused(void **state)
{
	const char *const none[] = {NULL}, *const empty[] = {"", "x", NULL};

	(void)state;
	refused(&(struct session_command){.argv = NULL}, EINVAL, "empty");
	refused(&(struct session_command){.argv = none}, EINVAL, "empty");
	refused(&(struct session_command){.argv = empty}, EINVAL, "empty");
}

static void a_variable_has_a_name(void **state)
{
	static const char *const bad[] = {"", "=", "=x", "A", "A B"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		const char *const env[] = {"GOOD=1", bad[i], NULL};

		refused(&(struct session_command){.argv = plain, .env = env}, EINVAL,
			"is not NAME=VALUE");
	}
}

static void check_cwd(const char *cwd, bool ok)
{
	const struct session_command c = {.argv = plain, .cwd = cwd};

	if (ok)
		accepted(&c);
	else
		refused(&c, EINVAL, "is not an absolute path");
}

static void a_working_directory_is_absolute(void **state)
{
	cleanup_free char *longest = letters(WIRE_CWD_MAX_B);
	cleanup_free char *longer = letters(WIRE_CWD_MAX_B + 1);

	(void)state;
	longest[0] = longer[0] = '/';
	check_cwd("/", true);
	check_cwd(longest, true);
	check_cwd(longer, false);
	check_cwd("", false);
	check_cwd("tmp", false);
	check_cwd("./tmp", false);
}

static void a_user_has_a_name(void **state)
{
	cleanup_free char *longest = letters(WIRE_USER_MAX_B);
	cleanup_free char *longer = letters(WIRE_USER_MAX_B + 1);

	(void)state;
	accepted(&(struct session_command){.argv = plain, .user = longest});
	refused(&(struct session_command){.argv = plain, .user = longer}, EINVAL, "user '");
	refused(&(struct session_command){.argv = plain, .user = ""}, EINVAL, "user '");
}

static void one_string_has_a_greatest_length(void **state)
{
	cleanup_free char *longest = letters(WIRE_STRING_MAX_B);
	cleanup_free char *longer = letters(WIRE_STRING_MAX_B + 1);
	const char *const argv[] = {"echo", longest, NULL}, *const bad[] = {"echo", longer, NULL};
	const char *env[] = {longest, NULL}, *bad_env[] = {longer, NULL};

	(void)state;
	assert_int_equal(WIRE_STRING_MAX_B, 131071);
	longest[1] = longer[1] = '=';
	accepted(&(struct session_command){.argv = argv, .env = env});
	refused(&(struct session_command){.argv = bad}, E2BIG, "argument 2 has 131072 bytes");
	refused(&(struct session_command){.argv = plain, .env = bad_env}, E2BIG,
		"variable 1 has 131072 bytes");
}

static void strings_have_a_greatest_number(void **state)
{
	cleanup_free const char **argv = calloc(WIRE_EXEC_STRINGS_MAX + 2, sizeof(*argv));
	const char *const env[] = {"A=", NULL};
	struct session_command c = {.argv = argv};

	(void)state;
	assert_int_equal(WIRE_EXEC_STRINGS_MAX, 32768);
	for (size_t i = 0; i < WIRE_EXEC_STRINGS_MAX; i++)
		argv[i] = "x";
	accepted(&c);
	/* Both lists count together. */
	c.env = env;
	refused(&c, E2BIG, "more than 32768 arguments and variables");
	argv[WIRE_EXEC_STRINGS_MAX - 1] = NULL;
	accepted(&c);
	c.env = NULL;
	argv[WIRE_EXEC_STRINGS_MAX - 1] = argv[WIRE_EXEC_STRINGS_MAX] = "x";
	refused(&c, E2BIG, "more than 32768 arguments and variables");
}

/* A request of exactly @total bytes, of 17 arguments and the flags. */
static void check_total(size_t total, bool ok)
{
	const size_t n = 17, each = WIRE_STRING_MAX_B - 1000;
	const size_t fixed = n * WIRE_TLV_HEADER_B + WIRE_TLV_HEADER_B + 4;
	cleanup_free char *text = letters(WIRE_STRING_MAX_B);
	cleanup_free char *last = letters(total - fixed - (n - 1) * each);
	const char *argv[18] = {NULL};
	const struct session_command c = {.argv = argv};
	cleanup_free uint8_t *request = NULL;
	struct wire_exec exec;
	size_t len;

	text[each] = '\0';
	for (size_t i = 0; i + 1 < n; i++)
		argv[i] = text;
	argv[n - 1] = last;
	if (!ok) {
		refused(&c, E2BIG, "at most 2097152 can be passed");
		return;
	}
	request = make(&c, &len, &exec);
	assert_int_equal(len, total);
}

static void a_request_has_a_greatest_length(void **state)
{
	(void)state;
	assert_int_equal(WIRE_EXEC_MAX_B, 2097152);
	check_total(WIRE_EXEC_MAX_B - 1, true);
	check_total(WIRE_EXEC_MAX_B, true);
	check_total(WIRE_EXEC_MAX_B + 1, false);
	check_total(WIRE_EXEC_MAX_B + 1000, false);
}

/* Foreign text in a refusal acts on no terminal. */
static void refusals_are_escaped(void **state)
{
	const char *const env[] = {"\x1b[31mred\n", NULL};

	(void)state;
	refused(&(struct session_command){.argv = plain, .env = env}, EINVAL, "\\x1b[31mred\\n");
	refused(&(struct session_command){.argv = plain, .cwd = "\r"}, EINVAL, "\\x0d");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(everything_arrives),
		cmocka_unit_test(the_least_command),
		cmocka_unit_test(a_builtin_command),
		cmocka_unit_test(an_empty_command_is_refused),
		cmocka_unit_test(a_variable_has_a_name),
		cmocka_unit_test(a_working_directory_is_absolute),
		cmocka_unit_test(a_user_has_a_name),
		cmocka_unit_test(one_string_has_a_greatest_length),
		cmocka_unit_test(strings_have_a_greatest_number),
		cmocka_unit_test(a_request_has_a_greatest_length),
		cmocka_unit_test(refusals_are_escaped),
	};

	return cmocka_run_group_tests_name("exec_request", tests, NULL, NULL);
}
