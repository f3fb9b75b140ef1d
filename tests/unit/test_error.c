/* SPDX-License-Identifier: Apache-2.0 */
/* test_error.c - base/error.h: what a failure says survives the way up. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/error.h"

static void test_set(void **state)
{
	struct ironclaw_error err = {0};

	(void)state;
	assert_int_equal(err_set(&err, IRONCLAW_ERR_NOT_FOUND, ENOENT, "no image '%s'", "x\x1b[m"),
			 -ENOENT);
	assert_int_equal(err.code, IRONCLAW_ERR_NOT_FOUND);
	assert_int_equal(err.errnum, ENOENT);
	assert_string_equal(err.text, "no image 'x\\x1b[m'");
	assert_string_equal(err.hint, "");
	err_hint(&err, "ironclaw image build %s", "x");
	assert_string_equal(err.hint, "ironclaw image build x");

	/* A new failure does not keep the hint of an old one. */
	assert_int_equal(err_set(&err, IRONCLAW_ERR_INVALID, 0, "bad"), -EINVAL);
	assert_string_equal(err.hint, "");
	err_clear(&err);
	assert_int_equal(err.code, IRONCLAW_ERR_NONE);
	assert_string_equal(err.text, "");
}

static void test_null_is_fine(void **state)
{
	(void)state;
	assert_int_equal(err_set(NULL, IRONCLAW_ERR_INVALID, EBUSY, "x"), -EBUSY);
	assert_int_equal(err_sys(NULL, EIO, "x"), -EIO);
	err_prefix(NULL, "x");
	err_hint(NULL, "x");
	err_clear(NULL);
}

static void test_sys(void **state)
{
	struct ironclaw_error err = {0};

	(void)state;
	assert_int_equal(err_sys(&err, EIO, "cannot read '%s'", "f"), -EIO);
	assert_int_equal(err.code, IRONCLAW_ERR_SYSTEM);
	assert_string_equal(err.text, "cannot read 'f': Input/output error");
	assert_int_equal(err_sys(&err, ENOSPC, "cannot write"), -ENOSPC);
	assert_int_equal(err.code, IRONCLAW_ERR_NO_SPACE);
}

static void test_prefix(void **state)
{
	struct ironclaw_error err = {0};

	(void)state;
	err_prefix(&err, "nothing failed");
	assert_string_equal(err.text, "");
	(void)err_set(&err, IRONCLAW_ERR_INVALID, EINVAL, "cause");
	err_prefix(&err, "inner %d", 1);
	err_prefix(&err, "outer\n");
	assert_string_equal(err.text, "outer\\n: inner 1: cause");
}

/* However long the context: the cause is never cut, and nothing is written past the end. */
static void test_long_texts(void **state)
{
	struct ironclaw_error err = {0};
	char big[3000];

	(void)state;
	memset(big, 'b', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	(void)err_set(&err, IRONCLAW_ERR_INVALID, EINVAL, "the cause");
	err_prefix(&err, "%s", big);
	assert_true(strlen(err.text) < IRONCLAW_ERROR_TEXT_MAX);
	assert_non_null(strstr(err.text, ": the cause"));
	(void)err_set(&err, IRONCLAW_ERR_INVALID, EINVAL, "%s", big);
	err_prefix(&err, "context");
	assert_int_equal(strlen(err.text), IRONCLAW_ERROR_TEXT_MAX - 1);
	(void)err_sys(&err, EIO, "%s", big);
	assert_int_equal(strlen(err.text), IRONCLAW_ERROR_TEXT_MAX - 1);
	err_hint(&err, "%s", big);
	assert_int_equal(strlen(err.hint), IRONCLAW_ERROR_HINT_MAX - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_set),	   cmocka_unit_test(test_null_is_fine),
		cmocka_unit_test(test_sys),	   cmocka_unit_test(test_prefix),
		cmocka_unit_test(test_long_texts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
