/* SPDX-License-Identifier: Apache-2.0 */
/* test_mcp_stdio.c - mcp/stdio.h, in a process of its own behind pipes or a pair of sockets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "mcp/stdio.h"
#include "mcp_fake.h"

#define PING(id)      "{\"jsonrpc\":\"2.0\",\"id\":" id ",\"method\":\"ping\"}"
#define PONG(id)      "{\"jsonrpc\":\"2.0\",\"id\":" id ",\"result\":{}}\n"
#define DEADLINE_S    20
#define TOO_LONG_B    (JSONRPC_TEXT_MAX_B + 100)
#define UNREAD_CALLS  3000
#define LONG_ANSWER_B 100000
#define LONG_ANSWERS  500

static pid_t child;
static const char *instructions; /* of the next server */
static int to_fd = -1, from_fd = -1, stop_fd = -1, turns_fd = -1;

/* Says that the loop still turns: a byte a turn, as long as somebody reads them. */
static size_t turn_poll(void *userdata, struct pollfd *fds, int *timeout_ms)
{
	const int *fd = userdata;

	(void)fds;
	*timeout_ms = 10;
	(void)!write(*fd, "t", 1);
	return 0;
}

static void turn_serve(void *userdata, const struct pollfd *fds, size_t n)
{
	(void)userdata;
	(void)fds;
	(void)n;
}

static void serve(int in_fd, int out_fd, int stop, int turns)
{
	const struct mcp_loop loop = {turn_poll, turn_serve, &turns};
	static struct fake fake;
	struct mcp_server server = fake_server;
	const struct mcp_stdio options = {
		.server = &server,
		.userdata = &fake,
		.in_fd = in_fd,
		.out_fd = out_fd,
		.stop_fd = stop,
		.loop = &loop,
	};

	server.instructions = instructions;
	(void)signal(SIGPIPE, SIG_IGN);
	/* A busy loop dies of it. */
	(void)alarm(DEADLINE_S);
	_exit(mcp_stdio_serve(&options, NULL) < 0 ? 1 : 0);
}

static void start(bool sockets)
{
	int in[2], out[2], stop[2], turns[2];

	assert_int_equal(pipe2(stop, O_CLOEXEC), 0);
	assert_int_equal(pipe2(turns, O_CLOEXEC | O_NONBLOCK), 0);
	if (sockets) {
		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, in), 0);
		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, out), 0);
	} else {
		assert_int_equal(pipe(in), 0);
		assert_int_equal(pipe(out), 0);
	}
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		(void)close(in[1]);
		(void)close(out[0]);
		serve(in[0], out[1], stop[0], turns[1]);
	}
	(void)close(in[0]);
	(void)close(out[1]);
	(void)close(stop[0]);
	(void)close(turns[1]);
	to_fd = in[1];
	from_fd = out[0];
	stop_fd = stop[1];
	turns_fd = turns[0];
}

static void close_one(int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
	*fd = -1;
}

static int end(void)
{
	int status;

	assert_int_equal(waitpid(child, &status, 0), child);
	child = 0;
	return status;
}

static int stop(void **state)
{
	(void)state;
	if (child > 0) {
		(void)kill(child, SIGKILL);
		(void)end();
	}
	close_one(&to_fd);
	close_one(&from_fd);
	close_one(&stop_fd);
	close_one(&turns_fd);
	return 0;
}

static void put(const char *text)
{
	assert_int_equal(write(to_fd, text, strlen(text)), (ssize_t)strlen(text));
}

/* Waits for so many bytes. */
static void expect(const char *text)
{
	char got[65536];
	size_t len = 0, wanted = strlen(text);

	assert_true(wanted < sizeof(got));
	while (len < wanted) {
		ssize_t n = read(from_fd, got + len, wanted - len);

		assert_true(n > 0);
		len += (size_t)n;
	}
	got[len] = '\0';
	assert_string_equal(got, text);
}

static void converse(bool sockets)
{
	static const char one[] = PING("1") "\r\n";
	char all[100 * sizeof(one)] = "", answers[100 * 64] = "";

	start(sockets);
	for (size_t i = 0; i < strlen(one); i++)
		assert_int_equal(write(to_fd, one + i, 1), 1);
	expect(PONG("1"));
	for (int i = 0; i < 100; i++) {
		strcat(all, i % 3 ? PING("2") "\n" : "\n" PING("2") "\r\n\r\n");
		strcat(answers, PONG("2"));
	}
	put(all);
	expect(answers);
	/* Nothing more; and the end of input is a good end. */
	close_one(&to_fd);
	assert_int_equal(read(from_fd, all, 1), 0);
	assert_int_equal(end(), 0);
}

static void test_pipes(void **state)
{
	(void)state;
	converse(false);
}

static void test_sockets(void **state)
{
	(void)state;
	converse(true);
}

static void test_end_in_a_call(void **state)
{
	(void)state;
	start(false);
	put("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/"
	    "call\",\"params\":{\"name\":\"hold\"}}\n" PING("2") "\n");
	expect(PONG("2"));
	close_one(&to_fd);
	assert_int_equal(end(), 0);
}

static void test_closed_output(void **state)
{
	(void)state;
	start(false);
	close_one(&from_fd);
	assert_int_equal(end(), 0);
	stop(state);
	start(true);
	close_one(&from_fd);
	assert_int_equal(end(), 0);
}

static void test_stop(void **state)
{
	(void)state;
	start(false);
	assert_int_equal(write(stop_fd, "x", 1), 1);
	assert_int_equal(end(), 0);
}

static void test_too_long(void **state)
{
	char *line = malloc(TOO_LONG_B);

	(void)state;
	assert_non_null(line);
	memset(line, 'x', TOO_LONG_B);
	start(false);
	for (size_t at = 0; at < TOO_LONG_B;) {
		ssize_t n = write(to_fd, line + at, TOO_LONG_B - at);

		assert_true(n > 0);
		at += (size_t)n;
	}
	free(line);
	put("\n" PING("3") "\n");
	expect("{\"jsonrpc\":\"2.0\",\"error\":{\"code\":-32700,\"message\":\"too long\"}}\n" PONG(
		"3"));
}

/* Reads what is there of the loop's signs of life; then waits for new ones. */
static void expect_turns(void)
{
	char byte[4096];
	int seen = 0;

	while (read(turns_fd, byte, sizeof(byte)) > 0)
		;
	for (int i = 0; i < DEADLINE_S * 100 && seen < 3; i++) {
		(void)usleep(10000);
		seen += read(turns_fd, byte, 1) > 0;
	}
	assert_int_equal(seen, 3);
}

/*
 * A client that writes and does not read: it is not read any more at some time, while the loop
 * turns; then it gets every answer.
 */
static void test_unread(bool sockets)
{
	char call[2048], text[1025];
	char answers[65536];
	size_t sent = 0, got = 0;

	memset(text, 'y', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	(void)snprintf(
		call, sizeof(call),
		"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":{\"name\":"
		"\"echo\",\"arguments\":{\"text\":\"%s\"}}}\n",
		text);
	start(sockets);
	assert_int_equal(fcntl(to_fd, F_SETFL, O_NONBLOCK), 0);
	for (int idle = 0; sent < UNREAD_CALLS && idle < 100;) {
		ssize_t n = write(to_fd, call, strlen(call));

		/* In whole calls: a socket takes all of this or none. */
		assert_true(n < 0 || (size_t)n == strlen(call));
		sent += n > 0;
		idle = n > 0 ? 0 : idle + 1;
		if (n < 0)
			(void)usleep(10000);
	}
	assert_true(sent > 100 && sent < UNREAD_CALLS);
	expect_turns();
	while (got < sent) {
		ssize_t n = read(from_fd, answers, sizeof(answers));

		assert_true(n > 0);
		for (ssize_t i = 0; i < n; i++)
			got += answers[i] == '\n';
	}
	close_one(&to_fd);
	assert_int_equal(end(), 0);
}

static void test_unread_pipe(void **state)
{
	(void)state;
	test_unread(false);
}

static void test_unread_socket(void **state)
{
	(void)state;
	test_unread(true);
}

/* KiB of the child's memory that are its own. */
static long memory(void)
{
	char path[64], line[256];
	long kib = -1;
	FILE *f;

	(void)snprintf(path, sizeof(path), "/proc/%d/status", (int)child);
	f = fopen(path, "r");
	assert_non_null(f);
	while (kib < 0 && fgets(line, sizeof(line), f))
		if (strncmp(line, "RssAnon:", 8) == 0)
			kib = strtol(line + 8, NULL, 10);
	(void)fclose(f);
	assert_true(kib > 0);
	return kib;
}

/* All the requests are in one read: each is answered, but not before there is room for it. */
static void test_many_in_one_read(void **state)
{
	static const char one[] = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"initialize\","
				  "\"params\":{\"protocolVersion\":\"2025-11-25\"}}\n";
	static char text[LONG_ANSWER_B], all[LONG_ANSWERS * sizeof(one)], answers[65536];
	size_t got = 0;
	long before;

	(void)state;
	memset(text, 'y', sizeof(text) - 1);
	for (size_t i = 0; i < LONG_ANSWERS; i++)
		memcpy(all + i * (sizeof(one) - 1), one, sizeof(one));
	instructions = text;
	start(false);
	instructions = NULL;
	expect_turns();
	before = memory();
	put(all);
	expect_turns();
	expect_turns();
	assert_true(memory() - before < LONG_ANSWERS * LONG_ANSWER_B / 1024 / 2);
	while (got < LONG_ANSWERS) {
		ssize_t n = read(from_fd, answers, sizeof(answers));

		assert_true(n > 0);
		for (ssize_t i = 0; i < n; i++)
			got += answers[i] == '\n';
	}
	close_one(&to_fd);
	assert_int_equal(end(), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_pipes, stop),
		cmocka_unit_test_teardown(test_sockets, stop),
		cmocka_unit_test_teardown(test_end_in_a_call, stop),
		cmocka_unit_test_teardown(test_closed_output, stop),
		cmocka_unit_test_teardown(test_stop, stop),
		cmocka_unit_test_teardown(test_too_long, stop),
		cmocka_unit_test_teardown(test_unread_pipe, stop),
		cmocka_unit_test_teardown(test_unread_socket, stop),
		cmocka_unit_test_teardown(test_many_in_one_read, stop),
	};

	(void)signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
