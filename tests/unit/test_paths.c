/* SPDX-License-Identifier: Apache-2.0 */
/* test_paths.c - base/paths.h: which folders, from which variables. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/paths.h"

static int clear(void **state)
{
	(void)state;
	unsetenv("IRONCLAW_HOME");
	unsetenv("XDG_DATA_HOME");
	unsetenv("XDG_CACHE_HOME");
	unsetenv("XDG_RUNTIME_DIR");
	unsetenv("XDG_CONFIG_HOME");
	unsetenv("HOME");
	return 0;
}

static void test_ironclaw_home_moves_all(void **state)
{
	struct paths p;

	(void)state;
	setenv("IRONCLAW_HOME", "/some/where", 1);
	assert_int_equal(paths_get(&p, NULL), 0);
	assert_string_equal(p.data, "/some/where/data");
	assert_string_equal(p.cache, "/some/where/cache");
	assert_string_equal(p.run, "/some/where/run");
	assert_string_equal(p.config, "/some/where/config");
}

static void test_relative_home_is_refused(void **state)
{
	struct ironclaw_error err = {0};
	struct paths p;

	(void)state;
	setenv("IRONCLAW_HOME", "some/where", 1);
	memset(&p, 'x', sizeof(p));
	assert_int_equal(paths_get(&p, &err), -EINVAL);
	assert_non_null(strstr(err.text, "some/where"));
	assert_int_equal(p.data[0], 'x');
}

static void test_too_long_home_is_refused(void **state)
{
	char home[2000];
	struct paths p;

	(void)state;
	memset(home, 'h', sizeof(home) - 1);
	home[0] = '/';
	home[sizeof(home) - 1] = '\0';
	setenv("IRONCLAW_HOME", home, 1);
	assert_int_equal(paths_get(&p, NULL), -ENAMETOOLONG);
}

static void test_defaults_of_the_user(void **state)
{
	char want[64];
	struct paths p;

	(void)state;
	if (geteuid() == 0) {
		assert_int_equal(paths_get(&p, NULL), 0);
		assert_string_equal(p.data, "/var/lib/ironclaw");
		assert_string_equal(p.cache, "/var/cache/ironclaw");
		assert_string_equal(p.run, "/run/ironclaw");
		return;
	}
	assert_int_equal(paths_get(&p, NULL), -ENOENT);
	setenv("HOME", "/home/u", 1);
	assert_int_equal(paths_get(&p, NULL), 0);
	assert_string_equal(p.data, "/home/u/.local/share/ironclaw");
	assert_string_equal(p.cache, "/home/u/.cache/ironclaw");
	(void)snprintf(want, sizeof(want), "/tmp/ironclaw-%u", (unsigned int)geteuid());
	assert_string_equal(p.run, want);
	setenv("XDG_DATA_HOME", "/d", 1);
	setenv("XDG_CACHE_HOME", "/c", 1);
	setenv("XDG_RUNTIME_DIR", "/r", 1);
	assert_int_equal(paths_get(&p, NULL), 0);
	assert_string_equal(p.data, "/d/ironclaw");
	assert_string_equal(p.cache, "/c/ironclaw");
	assert_string_equal(p.run, "/r/ironclaw");
}

/* Root's state is not kept where another user may put links. */
static void test_root_refuses_a_folder_of_somebody_else(void **state)
{
	char home[] = "/tmp/test_paths.XXXXXX", data[64];
	struct ironclaw_error err = {0};
	struct paths p;

	(void)state;
	if (geteuid() != 0)
		skip();
	assert_non_null(mkdtemp(home));
	(void)snprintf(data, sizeof(data), "%s/data", home);
	setenv("IRONCLAW_HOME", home, 1);
	assert_int_equal(paths_get(&p, &err), 0);
	assert_int_equal(symlink("/usr", data), 0);
	assert_int_equal(paths_get(&p, &err), 0);
	assert_int_equal(lchown(data, 1, 1), 0);
	assert_int_equal(paths_get(&p, &err), -EPERM);
	assert_non_null(strstr(err.text, "/data' belongs to user 1"));
	assert_int_equal(unlink(data), 0);
	assert_int_equal(mkdir(data, 0700), 0);
	assert_int_equal(chown(data, 1, 1), 0);
	assert_int_equal(paths_get(&p, &err), -EPERM);
	assert_int_equal(chown(data, 0, 0), 0);
	assert_int_equal(paths_get(&p, &err), 0);
	assert_int_equal(chown(home, 1, 1), 0);
	assert_int_equal(paths_get(&p, &err), -EPERM);
	assert_int_equal(rmdir(data), 0);
	assert_int_equal(rmdir(home), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_ironclaw_home_moves_all, clear),
		cmocka_unit_test_setup(test_relative_home_is_refused, clear),
		cmocka_unit_test_setup(test_too_long_home_is_refused, clear),
		cmocka_unit_test_setup(test_defaults_of_the_user, clear),
		cmocka_unit_test_setup(test_root_refuses_a_folder_of_somebody_else, clear),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
