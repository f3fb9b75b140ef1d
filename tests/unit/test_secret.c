/* SPDX-License-Identifier: Apache-2.0 */
/* test_secret.c - codec/secret.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <errno.h>
#include <unistd.h>

#include <cmocka.h>

#include "codec/secret.h"

#define VARIABLE "IRONCLAW_TEST_SECRET"

static char path[] = "/tmp/test_secret.XXXXXX";

static void write_file(const char *text, size_t len)
{
	FILE *f = fopen(path, "we");

	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, len, f), len);
	assert_int_equal(fclose(f), 0);
}

static int read_file(const char *text, size_t len, char **ret)
{
	struct ironclaw_error err = {0};
	int r;

	write_file(text, len);
	*ret = NULL;
	r = secret_read(path, VARIABLE, ret, &err);
	assert_true((r < 0) == (err.text[0] != '\0'));
	assert_null(strstr(err.text, "topsecret"));
	return r;
}

static void test_files(void **state)
{
	static const struct {
		const char *text;
		size_t len;
		bool good;
	} cases[] = {
		{"topsecret", 9, true},
		{"topsecret\n", 10, true},
		{"topsecret\r\n", 11, true},
		{"", 0, false},
		{"\n", 1, false},
		{"topsecret\nx", 11, false},
		{"topsecret x", 11, false},
		{"topsecret\0x", 11, false},
		{"topsecret\0", 10, false},
		{"\0", 1, false},
		{"topsecret\xc3\xbc", 11, false},
	};
	char *secret = NULL, big[SECRET_MAX_B + 10];

	(void)state;
	assert_int_equal(setenv(VARIABLE, "other", 1), 0);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		int r = read_file(cases[i].text, cases[i].len, &secret);

		assert_int_equal(r, cases[i].good ? 0 : -EINVAL);
		if (cases[i].good)
			assert_string_equal(secret, "topsecret");
		secret_free(secret);
	}
	memset(big, 'x', sizeof(big));
	assert_int_equal(read_file(big, SECRET_MAX_B, &secret), 0);
	secret_free(secret);
	assert_int_equal(read_file(big, SECRET_MAX_B + 1, &secret), -EINVAL);
	assert_true(read_file(big, SECRET_MAX_B + 9, &secret) < 0);
	assert_int_equal(secret_read("/nonexistent/x", NULL, &secret, NULL), -ENOENT);
}

static void test_environment(void **state)
{
	char *secret = NULL;

	(void)state;
	assert_int_equal(setenv(VARIABLE, "topsecret", 1), 0);
	assert_int_equal(secret_read(NULL, VARIABLE, &secret, NULL), 0);
	assert_string_equal(secret, "topsecret");
	secret_free(secret);
	assert_string_equal(getenv(VARIABLE), "topsecret");
	assert_int_equal(setenv(VARIABLE, "top secret", 1), 0);
	assert_int_equal(secret_read(NULL, VARIABLE, &secret, NULL), -EINVAL);
	assert_int_equal(setenv(VARIABLE, "", 1), 0);
	assert_int_equal(secret_read(NULL, VARIABLE, &secret, NULL), 0);
	assert_null(secret);
	assert_int_equal(unsetenv(VARIABLE), 0);
	assert_int_equal(secret_read(NULL, VARIABLE, &secret, NULL), 0);
	assert_null(secret);
	assert_int_equal(secret_read(NULL, NULL, &secret, NULL), 0);
	assert_null(secret);
}

static void test_hide(void **state)
{
	static const struct {
		const char *text, *want;
	} cases[] = {
		{"", ""},
		{"nothing", "nothing"},
		{"a topsecret b topsecret", "a ********* b *********"},
		{"topsecrettopsecret", "******************"},
		{"cut at its end: topsec", "cut at its end: ******"},
		{"no more than: top", "no more than: top"},
		{"tops", "****"},
	};
	char *joined = secret_join("Authorization: Bearer", "topsecret");

	(void)state;
	assert_string_equal(joined, "Authorization: Bearer topsecret");
	secret_free(joined);
	secret_free(NULL);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char text[64];

		(void)snprintf(text, sizeof(text), "%s", cases[i].text);
		secret_hide(text, "topsecret");
		assert_string_equal(text, cases[i].want);
		(void)snprintf(text, sizeof(text), "%s", cases[i].text);
		secret_hide(text, NULL);
		assert_string_equal(text, cases[i].text);
	}
}

static int setup(void **state)
{
	int fd = mkstemp(path);

	(void)state;
	return fd < 0 ? -1 : close(fd);
}

static int teardown(void **state)
{
	(void)state;
	return unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_files),
		cmocka_unit_test(test_environment),
		cmocka_unit_test(test_hide),
	};

	return cmocka_run_group_tests_name("secret", tests, setup, teardown);
}
