/* SPDX-License-Identifier: Apache-2.0 */
/* test_spawn.c - sys/spawn.h: output, ends, and that nothing is left. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "sys/spawn.h"

struct heard {
	char text[8192];
	unsigned int lines;
	bool stop;
};

static void hear(void *ctx, const char *line)
{
	struct heard *h = ctx;
	size_t len = strlen(h->text);

	(void)snprintf(h->text + len, sizeof(h->text) - len, "%s|", line);
	h->lines++;
}

static bool is_stopped(void *ctx)
{
	return ((struct heard *)ctx)->stop;
}

static int run_sh(const char *script, struct heard *h, bool with_stderr, int *ret_status)
{
	const char *argv[] = {"sh", "-c", script, NULL};
	struct spawn s = {.argv = argv,
			  .log_fd = -1,
			  .line = hear,
			  .line_stderr = with_stderr,
			  .cancelled = is_stopped,
			  .ctx = h};

	return spawn_run(&s, ret_status);
}

static void test_lines(void **state)
{
	struct heard h = {.lines = 0};
	int status;

	(void)state;
	assert_int_equal(run_sh("echo one; echo two >&2; printf three", &h, false, &status), 0);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	assert_string_equal(h.text, "one|three|");
	h = (struct heard){.lines = 0};
	assert_int_equal(run_sh("echo one; echo two >&2", &h, true, &status), 0);
	assert_string_equal(h.text, "one|two|");
}

static void test_long_and_strange_lines(void **state)
{
	struct heard h = {.lines = 0};
	int status;

	(void)state;
	assert_int_equal(
		run_sh("head -c 100000 /dev/zero | tr '\\0' a; echo; printf 'x\\0y\\r\\n\\n'", &h,
		       false, &status),
		0);
	assert_int_equal(h.lines, 2);
	assert_int_equal(strcspn(h.text, "|"), SPAWN_LINE_MAX - 1);
	assert_string_equal(strchr(h.text, '|'), "|xy|");
}

static void test_exit_codes_and_signals(void **state)
{
	struct heard h = {.lines = 0};
	int status;

	(void)state;
	assert_int_equal(run_sh("exit 7", &h, false, &status), 0);
	assert_int_equal(WEXITSTATUS(status), 7);
	assert_int_equal(run_sh("kill -9 $$", &h, false, &status), 0);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGKILL);
}

static void test_missing_program(void **state)
{
	const char *argv[] = {"no-such-program-here", NULL};
	const char *argv2[] = {"/etc/passwd", NULL};
	int status = 123;

	(void)state;
	assert_int_equal(spawn_run(&(struct spawn){.argv = argv, .log_fd = -1}, &status), -ENOENT);
	assert_int_equal(spawn_run(&(struct spawn){.argv = argv2, .log_fd = -1}, &status), -EACCES);
	assert_int_equal(status, 123);
}

static void test_environment_of_the_child(void **state)
{
	const char *env[] = {"HOME=/nowhere", "IC_TEST=a b", NULL};
	const char *argv[] = {"sh", "-c",
			      "echo \"$HOME:$IC_TEST:$PATH\"; pwd; umask; ls /proc/self/fd | wc -l;"
			      " head -c 1 | wc -c",
			      NULL};
	cleanup_close int leak = open("/dev/null", O_RDONLY | O_CLOEXEC);
	struct heard h = {.lines = 0};
	struct spawn s = {
		.argv = argv, .env = env, .cwd = "/usr", .log_fd = -1, .line = hear, .ctx = &h};
	char expected[4200];
	int status;

	(void)state;
	assert_true(leak >= 0);
	assert_int_equal(spawn_run(&s, &status), 0);
	/* 0, 1, 2 and the folder that ls reads. */
	(void)snprintf(expected, sizeof(expected), "/nowhere:a b:%s|/usr|0022|4|0|",
		       getenv("PATH"));
	assert_string_equal(h.text, expected);
}

static void test_log(void **state)
{
	const char *argv[] = {"sh", "-c", "echo out; echo err >&2", NULL};
	cleanup_close int log = memfd_create("log", MFD_CLOEXEC);
	char text[64] = "";
	int status;

	(void)state;
	assert_int_equal(spawn_run(&(struct spawn){.argv = argv, .log_fd = log}, &status), 0);
	assert_true(pread(log, text, sizeof(text) - 1, 0) > 0);
	assert_string_equal(text, "out\nerr\n");
}

static void test_cancel_kills_the_group(void **state)
{
	struct heard h = {.stop = true};
	struct timespec before, after;
	int status = 123;

	(void)state;
	(void)clock_gettime(CLOCK_MONOTONIC, &before);
	/* Both hold the output's pipe, whose end is waited for. */
	assert_int_equal(run_sh("sleep 100 & sleep 100", &h, false, &status), -ECANCELED);
	(void)clock_gettime(CLOCK_MONOTONIC, &after);
	assert_int_equal(status, 123);
	assert_true(after.tv_sec - before.tv_sec < 60);
}

/* A process that runs `sleep` by spawn_run() is killed: the sleep dies with it. */
static void test_dies_with_its_parent(void **state)
{
	const char *argv[] = {"sh", "-c", "echo $$; exec sleep 100", NULL};
	int out[2], status;
	pid_t pid, child = 0;
	char text[32] = "";
	ssize_t n;

	(void)state;
	assert_int_equal(pipe(out), 0);
	pid = fork();
	if (pid == 0) {
		(void)spawn_run(&(struct spawn){.argv = argv, .log_fd = out[1]}, &status);
		_exit(0);
	}
	(void)close(out[1]);
	n = read(out[0], text, sizeof(text) - 1);
	assert_true(n > 0);
	child = (pid_t)atoi(text);
	assert_true(child > 1);
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	for (int i = 0; i < 500 && kill(child, 0) == 0; i++) {
		char path[64], state_text[512] = "";
		FILE *f;

		(void)snprintf(path, sizeof(path), "/proc/%d/stat", child);
		f = fopen(path, "re");
		if (!f)
			break;
		(void)!fread(state_text, 1, sizeof(state_text) - 1, f);
		(void)fclose(f);
		/* Where nobody reaps orphans it stays a zombie, which runs no more. */
		if (strstr(state_text, ") Z"))
			break;
		(void)usleep(10000);
		assert_true(i < 499);
	}
	(void)close(out[0]);
}

static void test_find(void **state)
{
	char path[256];

	(void)state;
	assert_int_equal(spawn_find("sh", path, sizeof(path)), 0);
	assert_int_equal(path[0], '/');
	assert_int_equal(spawn_find("sh", NULL, 0), 0);
	assert_int_equal(spawn_find("sh", path, 3), -ENAMETOOLONG);
	assert_int_equal(spawn_find("no-such-program-here", path, sizeof(path)), -ENOENT);
	assert_int_equal(spawn_find("/bin/no-such-program", path, sizeof(path)), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_long_and_strange_lines),
		cmocka_unit_test(test_exit_codes_and_signals),
		cmocka_unit_test(test_missing_program),
		cmocka_unit_test(test_environment_of_the_child),
		cmocka_unit_test(test_log),
		cmocka_unit_test(test_cancel_kills_the_group),
		cmocka_unit_test(test_dies_with_its_parent),
		cmocka_unit_test(test_find),
	};

	return cmocka_run_group_tests_name("spawn", tests, NULL, NULL);
}
