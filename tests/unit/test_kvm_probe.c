/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_kvm_probe.c - engine/kvm_probe.h. Which outcome is right depends on the machine; what must
 * hold everywhere is that there is one, that nothing is left behind, and that memory of it is
 * sound.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/limits.h"
#include "engine/kvm_probe.h"
#include "sys/file.h"

static struct paths paths;
static char cache_path[1100];

static int make_home(void **state)
{
	char home[] = "/tmp/ironclaw-test-XXXXXX";
	struct ironclaw_error err;

	(void)state;
	if (!mkdtemp(home) || setenv("IRONCLAW_HOME", home, 1) < 0 || paths_get(&paths, &err) < 0)
		return -1;
	(void)snprintf(cache_path, sizeof(cache_path), "%s/kvm-probe", paths.run);
	return 0;
}

static int remove_home(void **state)
{
	(void)state;
	return file_remove_tree(AT_FDCWD, getenv("IRONCLAW_HOME"));
}

static void check_sound(const struct kvm_probe *probe)
{
	assert_in_range(probe->outcome, 0, KVM_OUTCOME_MAX - 1);
	assert_int_equal(probe->why[0] == '\0', probe->outcome == KVM_WORKING);
	if (access("/dev/kvm", F_OK) < 0)
		assert_int_equal(probe->outcome, KVM_ABSENT);
	else if (access("/dev/kvm", R_OK | W_OK) < 0)
		assert_int_equal(probe->outcome, KVM_NO_PERMISSION);
}

static void test_outcome(void **state)
{
	static const char *const names[] = {"working", "absent", "no permission", "broken"};
	struct kvm_probe probe;

	(void)state;
	kvm_probe_run(LIMIT_KVM_PROBE_MS, &probe);
	check_sound(&probe);
	print_message("# KVM: %s %s\n", names[probe.outcome], probe.why);
}

static void test_nothing_is_left(void **state)
{
	struct kvm_probe probe;
	int before = dup(0), after;

	(void)state;
	assert_true(before >= 0);
	(void)close(before);
	kvm_probe_run(LIMIT_KVM_PROBE_MS, &probe);
	after = dup(0);
	assert_int_equal(after, before);
	(void)close(after);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
}

static void test_missing_permission(void **state)
{
	struct kvm_probe probe;
	struct stat st;
	int status;
	pid_t pid;

	(void)state;
	if (geteuid() != 0 || stat("/dev/kvm", &st) < 0 || (st.st_mode & 06))
		skip();
	pid = fork();
	if (pid == 0) {
		if (setgroups(0, NULL) < 0 || setgid(65534) < 0 || setuid(65534) < 0)
			_exit(2);
		kvm_probe_run(LIMIT_KVM_PROBE_MS, &probe);
		_exit(probe.outcome == KVM_NO_PERMISSION && probe.remedy[0] ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

/* Puts another outcome behind the key of the file. */
static void forge(const char *tail)
{
	cleanup_free char *text = NULL;
	char forged[512];
	char *end;
	size_t len;

	assert_int_equal(file_read_bounded(AT_FDCWD, cache_path, 400, &text, &len), 0);
	end = text;
	for (int i = 0; i < 4; i++) {
		end = strchr(end, ' ');
		assert_non_null(end);
		end++;
	}
	*end = '\0';
	(void)snprintf(forged, sizeof(forged), "%s%s", text, tail);
	assert_int_equal(file_write_atomic(AT_FDCWD, cache_path, forged, strlen(forged), 0600), 0);
}

static void test_memory(void **state)
{
	const struct timespec old[2] = {{.tv_sec = 1000}, {.tv_sec = 1000}};
	struct kvm_probe fresh, probe;

	(void)state;
	kvm_probe_cached(&paths, &fresh);
	check_sound(&fresh);
	if (access("/dev/kvm", R_OK | W_OK) < 0) {
		/* Neither absence nor a missing permission is remembered. */
		assert_int_equal(access(cache_path, F_OK), -1);
		skip();
	}
	assert_int_equal(access(cache_path, F_OK), 0);
	kvm_probe_cached(&paths, &probe);
	assert_int_equal(probe.outcome, fresh.outcome);
	assert_string_equal(probe.why, fresh.why);

	/* The memory is used ... */
	forge("broken forged\n");
	kvm_probe_cached(&paths, &probe);
	assert_int_equal(probe.outcome, KVM_BROKEN);
	assert_string_equal(probe.why, "forged");
	forge("slow forged\n");
	kvm_probe_cached(&paths, &probe);
	assert_true(probe.timed_out);
	assert_string_equal(probe.why, "forged");
	/* ... as long as it counts ... */
	assert_int_equal(utimensat(AT_FDCWD, cache_path, old, 0), 0);
	kvm_probe_cached(&paths, &probe);
	assert_string_not_equal(probe.why, "forged");
	/* ... and is replaced on demand. */
	forge("broken forged\n");
	kvm_probe_refresh(&paths, &probe);
	assert_string_not_equal(probe.why, "forged");
	kvm_probe_cached(&paths, &probe);
	assert_string_not_equal(probe.why, "forged");
}

static void test_damaged_memory(void **state)
{
	static const char *const texts[] = {"", " ", "1", "garbage\n", "1 x 2 3.4 working \n"};
	static const char *const tails[] = {"", "\n", "working", "w \n", "absent x\n"};
	struct kvm_probe probe;

	(void)state;
	if (access("/dev/kvm", R_OK | W_OK) < 0)
		skip();
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		assert_int_equal(file_write_atomic(AT_FDCWD, cache_path, texts[i], strlen(texts[i]),
						   0600),
				 0);
		kvm_probe_cached(&paths, &probe);
		check_sound(&probe);
		forge(tails[i]);
		kvm_probe_cached(&paths, &probe);
		check_sound(&probe);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_outcome),
		cmocka_unit_test(test_nothing_is_left),
		cmocka_unit_test(test_missing_permission),
		cmocka_unit_test(test_memory),
		cmocka_unit_test(test_damaged_memory),
	};

	return cmocka_run_group_tests_name("kvm_probe", tests, make_home, remove_home);
}
