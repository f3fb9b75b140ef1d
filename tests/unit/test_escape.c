/* SPDX-License-Identifier: Apache-2.0 */
/* test_escape.c - base/escape.h: nothing that comes out can act on a terminal. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_samples),
		cmocka_unit_test(test_every_byte_is_tame),
		cmocka_unit_test(test_cut_between_characters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
