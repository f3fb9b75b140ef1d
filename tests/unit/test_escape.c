/* SPDX-License-Identifier: Apache-2.0 */
/* test_escape.c - base/escape.h: nothing that comes out can act on a terminal. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/columns.h"
#include "base/escape.h"
#include "base/utf8.h"

static void check(const char *src, size_t len, const char *want)
{
	char got[256];

	escape_text(got, sizeof(got), src, len);
	assert_string_equal(got, want);
}

static void test_samples(void **state)
{
	(void)state;
	check("", 0, "");
	check("plain ~text", 11, "plain ~text");
	check("a\nb\tc\r", 6, "a\\nb\\tc\\x0d");
	check("nul\0nul", 7, "nul\\x00nul");
	check("\x1b[2J", 4, "\\x1b[2J");
	check("gr\xc3\xbc\xc3\x9f", 6, "gr\xc3\xbc\xc3\x9f");
	check("\xc2\x9b", 2, "\\xc2\\x9b");		 /* C1: CSI */
	check("a\xe2\x80\xaez", 5, "a\\xe2\\x80\\xaez"); /* right-to-left override */
	check("\xff\xc3", 2, "\\xff\\xc3");
	check("\x7f", 1, "\\x7f");
}

static void test_every_byte_is_tame(void **state)
{
	(void)state;
	for (unsigned int c = 0; c < 256; c++) {
		char src = (char)c, got[8];

		escape_text(got, sizeof(got), &src, 1);
		assert_true(strlen(got) >= 1);
		for (size_t i = 0; got[i]; i++)
			assert_in_range((unsigned char)got[i], 0x20, 0x7e);
	}
}

static void test_cut_between_characters(void **state)
{
	static const char src[] = "a\xc3\xbc\nb";

	(void)state;
	for (size_t size = 1; size <= 8; size++) {
		char got[8];

		memset(got, 'x', sizeof(got));
		escape_text(got, size, src, sizeof(src) - 1);
		assert_true(strlen(got) < size);
		assert_true(utf8_valid(got, strlen(got)));
		/* Half of "\n" would be a lone backslash. */
		assert_true(strlen(got) == 0 || got[strlen(got) - 1] != '\\');
	}
}

/* The rows of hidden text: zero-width, selectors, fillers, tags, soft hyphen, word joiner. */
static void test_hidden_characters_are_shown(void **state)
{
	static const char *const hidden[] = {"\xe2\x80\x8b", "\xe2\x80\x8c", "\xe2\x80\x8d",
					     "\xef\xbb\xbf", "\xef\xb8\x8f", "\xf3\xa0\x84\x80",
					     "\xe3\x85\xa4", "\xc2\xad",     "\xf3\xa0\x81\xa1",
					     "\xcd\x8f",     "\xe2\x81\xa0", "\xe1\x85\x9f",
					     "\xe2\x81\xa6", "\xe2\x80\xaa", "\xd8\x9c",
					     "\xe2\x80\xa8", "\xc2\x85",     "\xe2\xa0\x80",
					     "\xef\xbf\xbe"};

	(void)state;
	for (size_t i = 0; i < sizeof(hidden) / sizeof(hidden[0]); i++) {
		char got[64];

		escape_text(got, sizeof(got), hidden[i], strlen(hidden[i]));
		for (size_t k = 0; got[k]; k++)
			assert_in_range((unsigned char)got[k], 0x20, 0x7e);
	}
}

static void test_combining_floods_end(void **state)
{
	char flood[2001] = "e", got[8192];

	(void)state;
	for (size_t i = 1; i + 1 < sizeof(flood); i += 2)
		memcpy(flood + i, "\xcc\x81", 2);
	flood[1999] = 'x';
	flood[2000] = '\0';
	escape_text(got, sizeof(got), flood, 9);
	assert_string_equal(got, "e\xcc\x81\xcc\x81\\xcc\\x81\\xcc\\x81");
	/* Once more changes nothing. */
	escape_text(flood, sizeof(flood), got, strlen(got));
	assert_string_equal(flood, got);
}

static void check_name(const char *src, const char *want)
{
	char got[128];

	escape_name(got, sizeof(got), src, strlen(src));
	assert_string_equal(got, want);
}

static void test_names(void **state)
{
	char got[24];

	(void)state;
	check_name("plain.c", "plain.c");
	check_name("a\x1b[m", "a\\x1b[m");
	check_name("p\xd0\xb0y", "p\xd0\xb0y (p\\u{430}y)");
	/* Where the room ends, it ends between characters. */
	for (size_t size = 1; size <= sizeof(got); size++) {
		escape_name(got, size, "p\xd0\xb0y\xd0\xb0\xd0\xb0", 8);
		assert_true(strlen(got) < size);
		assert_true(utf8_valid(got, strlen(got)));
	}
}

static void test_columns(void **state)
{
	(void)state;
	assert_int_equal(columns_of('a'), 1);
	assert_int_equal(columns_of(0x301), 0);
	assert_int_equal(columns_of(0x4e2d), 2);
	assert_int_equal(columns_fit("abcdef", 6, 4), 4);
	assert_int_equal(columns_fit("abc", 3, 4), 3);
	assert_int_equal(columns_fit("\xe4\xb8\xad\xe4\xb8\xad\xe4\xb8\xad", 9, 5), 6);
	assert_int_equal(columns_fit("", 0, 5), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_samples),
		cmocka_unit_test(test_every_byte_is_tame),
		cmocka_unit_test(test_cut_between_characters),
		cmocka_unit_test(test_hidden_characters_are_shown),
		cmocka_unit_test(test_combining_floods_end),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_columns),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
