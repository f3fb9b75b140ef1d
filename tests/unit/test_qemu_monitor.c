/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_qemu_monitor.c - the monitor of engine/qemu.h against a QEMU of our own: what an honest one
 * says, and what a taken-over one could say.
 */
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
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "engine/qemu.h"
#include "sys/clock.h"
#include "sys/descriptors.h"

#define GREETING  "{\"QMP\": {\"version\": {}, \"capabilities\": []}}\r\n"
#define OK	  "{\"return\": {}}\r\n"
#define EVENT	  "{\"timestamp\": {\"seconds\": 1}, \"event\": \"RESUME\"}\r\n"
#define ACTIVE	  "{\"return\": {\"status\": \"active\"}}\r\n"
#define COMPLETED "{\"return\": {\"status\": \"completed\"}}\r\n"

static struct engine_monitor monitor;
static int peer = -EBADF;
static size_t idles;
static struct ironclaw_error err;

static int build(void **state)
{
	int pair[2];

	(void)state;
	idles = 0;
	(void)signal(SIGPIPE, SIG_IGN);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	monitor.fd = pair[0];
	monitor.used = 0;
	monitor.negotiated = false;
	peer = pair[1];
	memset(&err, 0, sizeof(err));
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	close_fd(&monitor.fd);
	close_fd(&peer);
	return 0;
}

static void say(const char *text)
{
	assert_int_equal(send(peer, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

static void check_ok(void)
{
	int r = qemu_check(&monitor, &err);

	if (r < 0)
		print_error("%s\n", err.text);
	assert_int_equal(r, 0);
}

static void check_fails(int errnum, const char *why)
{
	assert_int_equal(qemu_check(&monitor, &err), -errnum);
	assert_int_equal(err.code, IRONCLAW_ERR_VMM);
	if (!strstr(err.text, why))
		print_error("'%s' does not say '%s'\n", err.text, why);
	assert_non_null(strstr(err.text, why));
}

static void replies_events_and_the_greeting_are_fine(void **state)
{
	(void)state;
	check_ok();
	say(GREETING OK EVENT OK EVENT EVENT);
	check_ok();
	assert_int_equal(monitor.used, 0);
	check_ok();
}

static void lines_may_come_in_bytes(void **state)
{
	const char *text = GREETING OK EVENT;

	(void)state;
	for (; *text; text++) {
		const char byte[2] = {*text, '\0'};

		say(byte);
		check_ok();
	}
	assert_int_equal(monitor.used, 0);
}

static void an_error_is_told_in_its_words(void **state)
{
	(void)state;
	say(OK "{\"error\": {\"class\": \"GenericError\", \"desc\": \"no such fd\"}}\r\n" OK);
	check_fails(EIO, "QEMU: no such fd");
}

static void an_error_without_words_is_one(void **state)
{
	(void)state;
	say("{\"error\": {}}\n");
	check_fails(EIO, "QEMU: error");
	say("{\"error\": null}\n");
	check_fails(EIO, "QEMU: error");
	say("{\"error\": {\"desc\": 7}}\n");
	check_fails(EIO, "QEMU: error");
}

static void the_words_of_an_error_are_escaped(void **state)
{
	(void)state;
	say("{\"error\": {\"desc\": \"\\u001b[2J\\n\\u202e\"}}\n");
	check_fails(EIO, "QEMU: \\x1b[2J\\n");
	assert_null(strchr(err.text, '\x1b'));
}

static void anything_else_is_refused(void **state)
{
	static const char *const bad[] = {
		"\n",
		"hello\n",
		"{}\n",
		"[]\n",
		"7\n",
		"\"return\"\n",
		"[{\"return\": {}}]\n",
		"{\"hello\": 1}\n",
		"{\"return\": }\n",
		"{\"return\": {}\n",
		"{\"return\": {}} x\n",
		"{\"return\": {}}{\"return\": {}}\n",
		"{\"return\": {}, \"return\": {}}\n",
		"{\"return\": \"\xff\"}\n",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		say(OK);
		say(bad[i]);
		check_fails(EPROTO, "something unknown");
	}
	assert_int_equal(send(peer, "{\"return\": {}}\0\n", 16, 0), 16);
	check_fails(EPROTO, "something unknown");
}

/* Writes and lets the monitor read in turns, for it is more than a socket takes. */
static int say_long(size_t n)
{
	static const char piece[4096] = {[0 ... 4095] = 'x'};
	int r = 0;

	for (size_t at = 0; r == 0 && at < n; at += sizeof(piece)) {
		size_t len = n - at < sizeof(piece) ? n - at : sizeof(piece);

		assert_int_equal(send(peer, piece, len, 0), (ssize_t)len);
		r = qemu_check(&monitor, &err);
	}
	return r;
}

static void the_longest_line_is_taken(void **state)
{
	const char *head = "{\"return\": \"", *tail = "\"}\n";

	(void)state;
	say(head);
	assert_int_equal(say_long(LIMIT_MONITOR_MAX_B - strlen(head) - strlen(tail)), 0);
	say(tail);
	check_ok();
	assert_int_equal(monitor.used, 0);
}

static void a_longer_line_is_refused(void **state)
{
	(void)state;
	assert_int_equal(say_long(LIMIT_MONITOR_MAX_B - 1), 0);
	say("x");
	check_fails(EPROTO, "a line of more than");
}

static void the_end_is_told(void **state)
{
	(void)state;
	say(OK "{\"return\": ");
	close_fd(&peer);
	check_ok();
	check_fails(EPIPE, "closed its monitor");
}

static void orders_are_written_at_once(void **state)
{
	char text[1024];
	ssize_t n;

	(void)state;
	assert_int_equal(qemu_start(&monitor, "one\ntwo\n", 0, NULL, &err), 0);
	n = recv(peer, text, sizeof(text) - 1, MSG_DONTWAIT);
	assert_true(n > 0);
	text[n] = '\0';
	assert_string_equal(text, "one\ntwo\n");
	close_fd(&peer);
	assert_int_equal(qemu_start(&monitor, "one\n", 0, NULL, &err), -EPIPE);
}

/* ---- commands ---- */

/* A step of our QEMU's: wait for a command with these words, then answer. */
struct step {
	const char *command, *answer;
};

/* Reads one command; *ret_fd gets what was attached. */
static bool read_command(char *line, size_t size, int *ret_fd)
{
	size_t used = 0;

	/* Byte by byte: a descriptor comes with the first byte of its message. */
	while (used + 1 < size) {
		size_t n_fds;
		int fd = -1;

		if (descriptors_receive(peer, line + used, 1, &fd, 1, &n_fds) != 1)
			return false;
		if (n_fds == 1)
			*ret_fd = fd;
		if (line[used++] == '\n')
			break;
	}
	line[used] = '\0';
	return true;
}

/* A process that is QEMU; it exits with 0 when all was said as expected. */
static pid_t start_qemu(const struct step *steps)
{
	pid_t pid = fork();
	char line[512];
	int fd = -1;

	if (pid != 0)
		return pid;
	(void)close(monitor.fd);
	(void)!write(peer, GREETING, strlen(GREETING));
	for (size_t i = 0; steps[i].command; i++) {
		if (!read_command(line, sizeof(line), &fd) || !strstr(line, steps[i].command))
			_exit((int)i + 1);
		if (strstr(line, "\"getfd\"") && (fd < 0 || write(fd, "STATE", 5) != 5))
			_exit(100);
		if (send(peer, steps[i].answer, strlen(steps[i].answer), MSG_NOSIGNAL) < 0)
			_exit(101);
	}
	/* Until the other side is done. */
	while (read(peer, line, sizeof(line)) > 0)
		;
	_exit(0);
}

static void idle(void)
{
	idles++;
}

static int save(const struct step *steps, int state_fd, uint32_t deadline_ms, int *ret_status)
{
	pid_t pid = start_qemu(steps);
	int r;

	assert_true(pid > 0);
	close_fd(&peer);
	r = qemu_save(&monitor, state_fd, deadline_ms, idle, &err);
	close_fd(&monitor.fd);
	assert_int_equal(waitpid(pid, ret_status, 0), pid);
	return r;
}

static int command(const struct step *steps, bool negotiated,
		   int (*ask)(struct engine_monitor *, uint32_t, struct ironclaw_error *))
{
	pid_t pid = start_qemu(steps);
	int r, status;

	assert_true(pid > 0);
	monitor.negotiated = negotiated;
	close_fd(&peer);
	r = ask(&monitor, 10000, &err);
	close_fd(&monitor.fd);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	return r;
}

/* A second negotiation would be an error of ours. */
static void a_vm_is_paused_and_resumed(void **state)
{
	const struct step booted[] = {{"\"qmp_capabilities\"", OK},
				      {"\"stop\"", EVENT OK},
				      {NULL, NULL}};
	const struct step cloned[] = {{"\"cont\"", OK EVENT}, {NULL, NULL}};
	const struct step refused[] = {{"\"stop\"", "{\"error\": {\"desc\": \"no\"}}\n"},
				       {NULL, NULL}};

	assert_int_equal(command(booted, false, qemu_pause), 0);
	assert_true(monitor.negotiated);
	assert_int_equal(build(state), 0);
	assert_int_equal(command(cloned, true, qemu_resume), 0);
	assert_int_equal(build(state), 0);
	assert_int_equal(command(refused, true, qemu_pause), -EIO);
	assert_string_equal(err.text, "QEMU: no");
}

/* What came late for the start is not taken for the answer. */
static void an_old_answer_is_not_that_of_a_pause(void **state)
{
	(void)state;
	assert_int_equal(qemu_start(&monitor, QEMU_NEGOTIATE, 0, NULL, &err), 0);
	assert_true(monitor.negotiated);
	say(GREETING OK);
	assert_int_equal(qemu_pause(&monitor, 100, &err), -ETIMEDOUT);
	assert_int_equal(qemu_start(&monitor, "", 0, NULL, &err), 0);
	assert_false(monitor.negotiated);
}

/* ---- saving ---- */

#define START                                                                                      \
	{"\"qmp_capabilities\"", OK}, {"x-ignore-shared", EVENT OK}, {"\"getfd\"", OK},            \
	{                                                                                          \
		"\"migrate\"", OK EVENT                                                            \
	}

static void a_state_is_saved(void **state)
{
	const struct step steps[] = {
		START,
		{"query-migrate", "{\"return\": {}}\r\n"},
		{"query-migrate", EVENT ACTIVE},
		{"query-migrate", "{\"return\": {\"status\": \"device\"}}\r\n" EVENT},
		{"query-migrate", COMPLETED},
		{NULL, NULL},
	};
	cleanup_close int fd = memfd_create("state", MFD_CLOEXEC);
	char text[8] = "";
	int status;

	(void)state;
	assert_int_equal(save(steps, fd, 10000, &status), 0);
	assert_int_equal(err.code, IRONCLAW_ERR_NONE);
	assert_int_equal(status, 0);
	/* Before each question. */
	assert_int_equal(idles, 4);
	/* It was our descriptor that QEMU got. */
	assert_int_equal(pread(fd, text, sizeof(text), 0), 5);
	assert_string_equal(text, "STATE");
}

static void save_fails(const struct step *steps, uint32_t deadline_ms, int errnum,
		       enum ironclaw_errcode code)
{
	cleanup_close int fd = memfd_create("state", MFD_CLOEXEC);
	uint64_t begin = clock_now_us();
	int status;

	assert_int_equal(save(steps, fd, deadline_ms, &status), -errnum);
	assert_int_equal(err.code, code);
	assert_true(clock_now_us() - begin < (deadline_ms + 3000) * 1000ULL);
}

static void a_save_that_fails_is_told(void **state)
{
	const struct step steps[] = {START,
				     {"query-migrate",
				      "{\"return\": {\"status\": \"failed\"}}\r\n"},
				     {NULL, NULL}};

	(void)state;
	save_fails(steps, 10000, EIO, IRONCLAW_ERR_VMM);
	assert_string_equal(err.text, "QEMU could not save its state");
}

static void a_command_that_fails_ends_the_save(void **state)
{
	const struct step steps[] = {{"\"qmp_capabilities\"", OK},
				     {"x-ignore-shared", "{\"error\": {\"desc\": \"no\"}}\n"},
				     {NULL, NULL}};

	(void)state;
	save_fails(steps, 10000, EIO, IRONCLAW_ERR_VMM);
	assert_string_equal(err.text, "QEMU: no");
}

static void a_descriptor_that_is_refused_ends_the_save(void **state)
{
	const struct step steps[] = {{"\"qmp_capabilities\"", OK},
				     {"x-ignore-shared", OK},
				     {"\"getfd\"", "{\"error\": {\"desc\": \"no fd\"}}\n"},
				     {NULL, NULL}};

	(void)state;
	save_fails(steps, 10000, EIO, IRONCLAW_ERR_VMM);
}

static void garbage_ends_the_save(void **state)
{
	const struct step steps[] = {START, {"query-migrate", "garbage\n"}, {NULL, NULL}};

	(void)state;
	save_fails(steps, 10000, EPROTO, IRONCLAW_ERR_VMM);
}

static void a_death_ends_the_save(void **state)
{
	cleanup_close int fd = memfd_create("state", MFD_CLOEXEC);

	(void)state;
	say(GREETING OK);
	close_fd(&peer);
	assert_int_equal(qemu_save(&monitor, fd, 10000, idle, &err), -EPIPE);
}

static void silence_ends_at_the_deadline(void **state)
{
	const struct step steps[] = {{"\"qmp_capabilities\"", OK EVENT}, {NULL, NULL}};

	(void)state;
	save_fails(steps, 100, ETIMEDOUT, IRONCLAW_ERR_TIMEOUT);
}

/* Events alone are no answer. */
static void talk_without_an_answer_ends_at_the_deadline(void **state)
{
	cleanup_close int fd = memfd_create("state", MFD_CLOEXEC);
	pid_t pid = fork();

	(void)state;
	if (pid == 0) {
		(void)close(monitor.fd);
		while (send(peer, EVENT, strlen(EVENT), MSG_NOSIGNAL) > 0)
			;
		_exit(0);
	}
	close_fd(&peer);
	assert_int_equal(qemu_save(&monitor, fd, 200, idle, &err), -ETIMEDOUT);
	close_fd(&monitor.fd);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

/* It answers before it is asked, for ever, and never reads: neither may hold the keeper. */
static void a_save_that_never_ends_ends_at_the_deadline(void **state)
{
	cleanup_close int fd = memfd_create("state", MFD_CLOEXEC);
	pid_t pid = fork();
	uint64_t begin = clock_now_us();

	(void)state;
	if (pid == 0) {
		(void)close(monitor.fd);
		for (int i = 0; i < 4; i++)
			(void)!send(peer, OK, strlen(OK), MSG_NOSIGNAL);
		while (send(peer, ACTIVE, strlen(ACTIVE), MSG_NOSIGNAL) > 0)
			;
		_exit(0);
	}
	close_fd(&peer);
	(void)alarm(30);
	assert_int_equal(qemu_save(&monitor, fd, 1500, idle, &err), -ETIMEDOUT);
	(void)alarm(0);
	assert_int_equal(err.code, IRONCLAW_ERR_TIMEOUT);
	assert_true(clock_now_us() - begin < 5000000);
	close_fd(&monitor.fd);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, build, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(replies_events_and_the_greeting_are_fine),
		TEST(lines_may_come_in_bytes),
		TEST(an_error_is_told_in_its_words),
		TEST(an_error_without_words_is_one),
		TEST(the_words_of_an_error_are_escaped),
		TEST(anything_else_is_refused),
		TEST(the_longest_line_is_taken),
		TEST(a_longer_line_is_refused),
		TEST(the_end_is_told),
		TEST(orders_are_written_at_once),
		TEST(a_vm_is_paused_and_resumed),
		TEST(an_old_answer_is_not_that_of_a_pause),
		TEST(a_state_is_saved),
		TEST(a_save_that_fails_is_told),
		TEST(a_command_that_fails_ends_the_save),
		TEST(a_descriptor_that_is_refused_ends_the_save),
		TEST(garbage_ends_the_save),
		TEST(a_death_ends_the_save),
		TEST(silence_ends_at_the_deadline),
		TEST(talk_without_an_answer_ends_at_the_deadline),
		TEST(a_save_that_never_ends_ends_at_the_deadline),
	};

	return cmocka_run_group_tests_name("qemu_monitor", tests, NULL, NULL);
}
