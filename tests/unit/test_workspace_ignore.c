/* SPDX-License-Identifier: Apache-2.0 */
/* test_workspace_ignore.c - workspace/ignore.h against what gitignore(5) says. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "workspace/ignore.h"

struct row {
	const char *rules;
	const char *path; /* with '/' at the end: a folder */
	bool ignored;
};

/* Each was held against `git check-ignore` of git 2.39. */
static const struct row rows[] = {
	{"foo", "foo", true},
	{"foo", "a/b/foo", true},
	{"foo", "foo/", true},
	{"foo", "foo/bar", true},
	{"foo", "foobar", false},
	{"foo/", "foo", false},
	{"foo/", "foo/", true},
	{"foo/", "a/foo/", true},
	{"foo/", "a/foo/x", true},
	{"/foo", "foo", true},
	{"/foo", "a/foo", false},
	{"a/foo", "a/foo", true},
	{"a/foo", "b/a/foo", false},
	{"*.o", "x.o", true},
	{"*.o", "a/x.o", true},
	{"*.o", ".o", true},
	{"*.o", "x.oo", false},
	{"/*.c", "x.c", true},
	{"/*.c", "a/x.c", false},
	{"a/*", "a/b", true},
	{"a/*", "a/b/c", true},
	{"a/*.c", "a/b/x.c", false},
	{"**/foo", "foo", true},
	{"**/foo", "a/b/foo", true},
	{"**/foo/bar", "foo/bar", true},
	{"**/foo/bar", "a/foo/bar", true},
	{"abc/**", "abc/x", true},
	{"abc/**", "abc/x/y", true},
	{"abc/**", "abc/", false},
	{"a/**/b", "a/b", true},
	{"a/**/b", "a/x/b", true},
	{"a/**/b", "a/x/y/b", true},
	{"a/**/b", "ab", false},
	{"a/**/b", "a/xb", false},
	{"a**b", "axxb", true},
	{"/a**b", "ax/xb", false},
	{"foo?", "foo1", true},
	{"foo?", "foo", false},
	{"/foo?bar", "foo/bar", false},
	{"[abc].c", "b.c", true},
	{"[abc].c", "d.c", false},
	{"[!abc].c", "d.c", true},
	{"[^abc].c", "a.c", false},
	{"[a-c].c", "b.c", true},
	{"[]].c", "].c", true},
	{"[]-].c", "-.c", true},
	{"[[:digit:]].c", "5.c", true},
	{"[[:digit:]].c", "x.c", false},
	{"[[:alpha:]_]x", "_x", true},
	{"[\\]]x", "]x", true},
	{"/a[!x]b", "a/b", false},
	{"[abc", "a", false},
	{"\\#x", "#x", true},
	{"#x", "#x", false},
	{"\\!x", "!x", true},
	{"x\\ ", "x ", true},
	{"x  ", "x", true},
	{"x\r\n", "x", true},
	{"\\*", "*", true},
	{"\\*", "x", false},
	{"x\\", "x", false},
	{"*.o\n!keep.o", "keep.o", false},
	{"*.o\n!keep.o", "x.o", true},
	{"!keep.o\n*.o", "keep.o", true},
	{"foo/\n!foo/bar", "foo/bar", true},
	{"foo/*\n!foo/bar", "foo/bar", false},
	{"foo/*\n!foo/bar", "foo/x", true},
	{"/*\n!/a\n!/a/\n/a/*\n!/a/b", "a/b", false},
	{"/*\n!/a\n/a/*\n!/a/b", "a/c", true},
	{"/*\n!/a\n/a/*\n!/a/b", "x", true},
	{"", "x", false},
	{"\n\n  \n", "x", false},
	{"/", "x", false},
	{"*", "x", true},
	{"**", "a/b", true},
	{"\xef\xbb\xbfx", "x", true},
	{"caf\xc3\xa9", "caf\xc3\xa9", true},
	{"\xff*", "\xff\xfe", true},
};

static bool covers(const struct ignore *ignore, const char *path)
{
	char name[256];
	size_t n = strlen(path);
	bool is_dir = n > 0 && path[n - 1] == '/';

	(void)snprintf(name, sizeof(name), "%.*s", (int)(n - is_dir), path);
	return ignore_covers(ignore, name, is_dir);
}

static void test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct ignore *ignore = ignore_new();

		assert_int_equal(ignore_add(ignore, "", rows[i].rules, strlen(rows[i].rules), NULL),
				 0);
		if (covers(ignore, rows[i].path) != rows[i].ignored)
			fail_msg("'%s' and '%s'", rows[i].rules, rows[i].path);
		ignore_free(ignore);
	}
}

static void test_folders_and_excludes(void **state)
{
	struct ignore *ignore = ignore_new();

	(void)state;
	assert_int_equal(ignore_add(ignore, "", "*.log\n/top", 10, NULL), 0);
	assert_int_equal(ignore_add(ignore, "sub", "!a.log\n/here\nx/y", 16, NULL), 0);
	assert_int_equal(ignore_add_exclude(ignore, "secret*", NULL), 0);
	assert_true(covers(ignore, "a.log"));
	assert_false(covers(ignore, "sub/a.log"));
	assert_true(covers(ignore, "sub/b.log"));
	assert_true(covers(ignore, "sub/here"));
	assert_false(covers(ignore, "here"));
	assert_false(covers(ignore, "sub/deep/here"));
	assert_true(covers(ignore, "sub/x/y"));
	assert_false(covers(ignore, "x/y"));
	assert_false(covers(ignore, "subway/here"));
	/* The command line comes before any file. */
	assert_int_equal(ignore_add(ignore, "sub", "!secrets", 8, NULL), 0);
	assert_true(covers(ignore, "sub/secrets"));
	ignore_free(ignore);
}

static void test_limits(void **state)
{
	struct ironclaw_error err = {.code = IRONCLAW_ERR_NONE};
	struct ignore *ignore = ignore_new();
	char *text = malloc(IGNORE_RULES_MAX * 2 + 10);

	(void)state;
	assert_non_null(text);
	memset(text, 'a', IGNORE_PATTERN_MAX_B + 1);
	assert_int_equal(ignore_add(ignore, "", text, IGNORE_PATTERN_MAX_B + 1, &err), -EINVAL);
	assert_int_equal(ignore_add(ignore, "", text, IGNORE_PATTERN_MAX_B, &err), 0);
	for (size_t i = 0; i < IGNORE_RULES_MAX; i++)
		memcpy(text + 2 * i, "b\n", 2);
	/* All or nothing. */
	assert_int_equal(ignore_add(ignore, "", text, IGNORE_RULES_MAX * 2, &err), -E2BIG);
	assert_false(covers(ignore, "b"));
	assert_int_equal(ignore_add(ignore, "", text, (IGNORE_RULES_MAX - 1) * 2, &err), 0);
	assert_true(covers(ignore, "b"));
	free(text);
	ignore_free(ignore);
}

/* A pattern on which going back and forth would take for ever. */
static void test_hostile_pattern(void **state)
{
	struct ignore *ignore = ignore_new();
	char pattern[IGNORE_PATTERN_MAX_B + 1], path[3001];

	(void)state;
	for (size_t i = 0; i < IGNORE_PATTERN_MAX_B; i++)
		pattern[i] = i % 2 ? 'a' : '*';
	pattern[IGNORE_PATTERN_MAX_B - 1] = 'b';
	pattern[IGNORE_PATTERN_MAX_B] = '\0';
	memset(path, 'a', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	assert_int_equal(ignore_add(ignore, "", pattern, strlen(pattern), NULL), 0);
	assert_false(ignore_matches(ignore, path, false));
	ignore_free(ignore);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_folders_and_excludes),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_hostile_pattern),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
