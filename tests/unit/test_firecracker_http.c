/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_firecracker_http.c - engine/firecracker_http.h against a server of our own: what an honest
 * one says, whole and in pieces, and what a taken-over one could say.
 *
 * The server lives in the idle function, which is called whenever the client waits.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "engine/firecracker_http.h"
#include "sys/clock.h"
#include "sys/file.h"

#define DEADLINE_MS 10000U
#define SHORT_MS    120U
#define NO_CONTENT  "HTTP/1.1 204 \r\nServer: Firecracker API\r\nConnection: keep-alive\r\n\r\n"
#define CONTINUE    "HTTP/1.1 100 \r\nServer: Firecracker API\r\n\r\n"
#define HEAD_200    "HTTP/1.1 200 \r\nServer: Firecracker API\r\n"
#define OK_5	    HEAD_200 "Content-Type: application/json\r\nContent-Length: 5\r\n\r\n"

static struct engine_monitor monitor = {.fd = -EBADF};
static struct firecracker_answer answer;
static struct ironclaw_error err;
static int peer = -EBADF;
static char asked[8192];
static size_t asked_len, idles;
/* What the server says at each call of idle(); "" is its end, NULL nothing. */
static const char *says[8];
static size_t said, n_says, byte_at;
static const char *bytewise;

static void send_all(const char *bytes, size_t len)
{
	assert_int_equal(send(peer, bytes, len, MSG_NOSIGNAL), (ssize_t)len);
}

static void hear(void)
{
	ssize_t n = recv(peer, asked + asked_len, sizeof(asked) - 1 - asked_len, MSG_DONTWAIT);

	if (n > 0)
		asked_len += (size_t)n;
	asked[asked_len] = '\0';
}

static void serve(void)
{
	idles++;
	hear();
	if (bytewise && bytewise[byte_at])
		send_all(bytewise + byte_at++, 1);
	if (said >= n_says)
		return;
	if (says[said] && says[said][0])
		send_all(says[said], strlen(says[said]));
	else if (says[said])
		close_fd(&peer);
	said++;
}

static int build(void **state)
{
	int pair[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	monitor.fd = pair[0];
	monitor.used = 0;
	peer = pair[1];
	asked_len = said = n_says = idles = byte_at = 0;
	bytewise = NULL;
	memset(&err, 0, sizeof(err));
	memset(&answer, 0, sizeof(answer));
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	close_fd(&monitor.fd);
	close_fd(&peer);
	return 0;
}

static int call_within(const char *method, const char *path, const char *body, uint32_t ms)
{
	const struct firecracker_request request = {method, path, body, strlen(body)};
	const struct firecracker_wait wait = {clock_now_us() + ms * 1000ULL, serve};

	return firecracker_http_call(&monitor, &request, &wait, &answer, &err);
}

static int put(void)
{
	return call_within("PUT", "/x", "{}", DEADLINE_MS);
}

static void say(const char *text)
{
	says[n_says++] = text;
}

static void check_fails(int r, int errnum, enum ironclaw_errcode code, const char *words)
{
	if (r != -errnum || !strstr(err.text, words))
		print_error("%d, '%s'; not %d, '%s'\n", r, err.text, -errnum, words);
	assert_int_equal(r, -errnum);
	assert_int_equal(err.code, code);
	assert_int_equal(err.errnum, errnum);
	assert_non_null(strstr(err.text, words));
	/* Nothing is written on failure. */
	assert_int_equal(answer.status, 0);
}

static void check_answer(int status, const char *body)
{
	assert_int_equal(answer.status, status);
	assert_int_equal(answer.body_len, strlen(body));
	assert_memory_equal(answer.body, body, strlen(body));
}

static void an_answer_without_a_body_is_204(void **state)
{
	(void)state;
	say(NO_CONTENT);
	assert_int_equal(put(), 0);
	check_answer(204, "");
	assert_string_equal(asked, "PUT /x HTTP/1.1\r\nHost: localhost\r\nContent-Type: "
				   "application/json\r\nContent-Length: 2\r\n\r\n{}");
}

static void a_question_without_a_body_names_no_length(void **state)
{
	(void)state;
	say(OK_5 "hello");
	assert_int_equal(call_within("GET", "/version", "", DEADLINE_MS), 0);
	check_answer(200, "hello");
	assert_string_equal(asked, "GET /version HTTP/1.1\r\nHost: localhost\r\n\r\n");
	assert_null(strstr(asked, "Expect"));
}

static void a_connection_serves_many_requests(void **state)
{
	(void)state;
	say(NO_CONTENT);
	assert_int_equal(put(), 0);
	say(OK_5 "hello");
	assert_int_equal(put(), 0);
	check_answer(200, "hello");
	say("HTTP/1.1 400 \r\nContent-Length: 3\r\n\r\nno!");
	assert_int_equal(put(), 0);
	check_answer(400, "no!");
	say(NO_CONTENT);
	assert_int_equal(put(), 0);
	check_answer(204, "");
}

static void an_answer_may_come_in_bytes(void **state)
{
	(void)state;
	bytewise = CONTINUE OK_5 "hello";
	assert_int_equal(put(), 0);
	check_answer(200, "hello");
	assert_int_equal(byte_at, strlen(bytewise));
}

static void interim_answers_are_skipped(void **state)
{
	(void)state;
	say(CONTINUE CONTINUE);
	say(CONTINUE NO_CONTENT);
	assert_int_equal(put(), 0);
	check_answer(204, "");
}

static void forms_of_an_answer(void **state)
{
	static const struct {
		const char *text;
		int status;
		const char *body;
	} forms[] = {
		{"HTTP/1.1 204 No Content\r\n\r\n", 204, ""},
		{"HTTP/1.1 204\r\n\r\n", 204, ""},
		{"HTTP/1.0 200 OK\r\n\r\n", 200, ""},
		{"HTTP/1.1 204 \r\nContent-Length: 0\r\n\r\n", 204, ""},
		{"HTTP/1.1 503 \r\ncontent-length:4\r\n\r\nbusy", 503, "busy"},
		{"HTTP/1.1 200 \r\nCONTENT-LENGTH: \t 4 \r\nDeprecation: true\r\n\r\na\r\nb", 200,
		 "a\r\nb"},
		{"HTTP/1.1 400 \r\nX:\r\nContent-Length: 0004\r\n\r\nzero", 400, "zero"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
		const char *bad;

		assert_int_equal(firecracker_http_parse(forms[i].text, strlen(forms[i].text),
							&answer, &bad),
				 (ssize_t)strlen(forms[i].text));
		check_answer(forms[i].status, forms[i].body);
		/* Of anything less it is not known yet whether it is one. */
		for (size_t len = 0; len < strlen(forms[i].text); len++)
			assert_int_equal(firecracker_http_parse(forms[i].text, len, &answer, &bad),
					 -EAGAIN);
	}
}

static void what_is_no_answer(void **state)
{
	static const char *const texts[] = {
		"\r\n",
		"\n",
		"SSH-2.0-x\r\n\r\n",
		"HTTP/2.0 200 \r\n\r\n",
		"HTTP/1.2 200 \r\n\r\n",
		"HTTP/1.1 20 \r\n\r\n",
		"HTTP/1.1 2000 \r\n\r\n",
		"HTTP/1.1 -20 \r\n\r\n",
		"HTTP/1.1 099 \r\n\r\n",
		"HTTP/1.1  200 \r\n\r\n",
		"HTTP/1.1 200 \n\n",
		"HTTP/1.1 200 a\rb\r\n\r\n",
		HEAD_200 "no colon\r\n\r\n",
		HEAD_200 ": no name\r\n\r\n",
		HEAD_200 "A: b\r\n folded\r\n\r\n",
		HEAD_200 "A b: c\r\n\r\n",
		HEAD_200 "A: b\n\r\n",
		HEAD_200 "Content-Length : 5\r\n\r\nhello",
		HEAD_200 "Content-Length: \r\n\r\n",
		HEAD_200 "Content-Length: 5x\r\n\r\nhello",
		HEAD_200 "Content-Length: -5\r\n\r\nhello",
		HEAD_200 "Content-Length: +5\r\n\r\nhello",
		HEAD_200 "Content-Length: 0x5\r\n\r\nhello",
		HEAD_200 "Content-Length: 5, 5\r\n\r\nhello",
		HEAD_200 "Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello",
		HEAD_200 "Content-Length: 65537\r\n\r\n",
		HEAD_200 "Content-Length: 18446744073709551617\r\n\r\n",
		HEAD_200 "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		"HTTP/1.1 204 \r\nContent-Length: 5\r\n\r\nhello",
		"HTTP/1.1 100 \r\nContent-Length: 5\r\n\r\nhello",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		const char *bad = NULL;
		ssize_t r = firecracker_http_parse(texts[i], strlen(texts[i]), &answer, &bad);

		if (r != -EPROTO)
			print_error("%zd for '%s'\n", r, texts[i]);
		assert_int_equal(r, -EPROTO);
		assert_non_null(bad);
		assert_int_equal(answer.status, 0);
		/* The same over the connection. */
		assert_int_equal(tear_down(NULL), 0);
		assert_int_equal(build(NULL), 0);
		say(texts[i]);
		check_fails(put(), EPROTO, IRONCLAW_ERR_VMM, "Firecracker's API sent");
	}
	assert_int_equal(firecracker_http_parse("HTTP/1.1 200 \0\r\n\r\n", 18, &answer, says),
			 -EPROTO);
}

static char *text_of(const char *begin, const char *unit, size_t n, const char *end)
{
	char *text = malloc(strlen(begin) + n * strlen(unit) + strlen(end) + 1), *at = text;

	assert_non_null(text);
	at = stpcpy(at, begin);
	while (n-- > 0)
		at = stpcpy(at, unit);
	(void)stpcpy(at, end);
	return text;
}

static ssize_t parse(const char *text)
{
	const char *bad;

	return firecracker_http_parse(text, strlen(text), &answer, &bad);
}

static void a_line_has_1024_bytes(void **state)
{
	size_t room = FIRECRACKER_LINE_MAX_B - strlen("A: \r\n");
	cleanup_free char *fits = text_of(HEAD_200 "A: ", "x", room, "\r\n\r\n");
	cleanup_free char *over = text_of(HEAD_200 "A: ", "x", room + 1, "\r\n\r\n");
	cleanup_free char *open = text_of("HTTP/1.1 200 ", "x", FIRECRACKER_LINE_MAX_B, "");

	(void)state;
	assert_int_equal(parse(fits), (ssize_t)strlen(fits));
	assert_int_equal(parse(over), -EPROTO);
	/* Before its end has come. */
	assert_int_equal(parse(open), -EPROTO);
}

static void there_are_64_header_lines(void **state)
{
	cleanup_free char *fits =
		text_of("HTTP/1.1 200 \r\n", "A: b\r\n", FIRECRACKER_HEADERS_MAX, "\r\n");
	cleanup_free char *over =
		text_of("HTTP/1.1 200 \r\n", "A: b\r\n", FIRECRACKER_HEADERS_MAX + 1, "\r\n");
	cleanup_free char *open =
		text_of("HTTP/1.1 200 \r\n", "A: b\r\n", FIRECRACKER_HEADERS_MAX + 1, "");

	(void)state;
	assert_int_equal(parse(fits), (ssize_t)strlen(fits));
	assert_int_equal(parse(over), -EPROTO);
	assert_int_equal(parse(open), -EPROTO);
}

static void the_largest_body_is_taken(void **state)
{
	char head[128];
	cleanup_free char *text = NULL;

	(void)state;
	(void)snprintf(head, sizeof(head), HEAD_200 "Content-Length: %u\r\n\r\n",
		       FIRECRACKER_BODY_MAX_B);
	text = text_of(head, "x", FIRECRACKER_BODY_MAX_B, "");
	assert_int_equal(parse(text), (ssize_t)strlen(text));
	say(text);
	assert_int_equal(put(), 0);
	assert_int_equal(answer.body_len, FIRECRACKER_BODY_MAX_B);
}

/* Interim answers have no end, but the room for them has. */
static const char *flood;

static void pour(void)
{
	hear();
	(void)send(peer, flood, strlen(flood), MSG_NOSIGNAL | MSG_DONTWAIT);
}

static void answers_without_end_are_bounded(void **state)
{
	cleanup_free char *text = text_of("", CONTINUE, 512, "");
	const struct firecracker_request request = {"PUT", "/x", "{}", 2};
	const struct firecracker_wait wait = {clock_now_us() + DEADLINE_MS * 1000ULL, pour};

	(void)state;
	flood = text;
	check_fails(firecracker_http_call(&monitor, &request, &wait, &answer, &err), EPROTO,
		    IRONCLAW_ERR_VMM, "sent an answer without end");
}

static void bytes_behind_an_answer_are_refused(void **state)
{
	(void)state;
	say(NO_CONTENT NO_CONTENT);
	check_fails(put(), EPROTO, IRONCLAW_ERR_VMM, "more than one answer");
}

static void bytes_before_a_question_are_refused(void **state)
{
	(void)state;
	send_all(NO_CONTENT, strlen(NO_CONTENT));
	check_fails(put(), EPROTO, IRONCLAW_ERR_VMM, "nobody asked for");
	/* The question was not put. */
	hear();
	assert_int_equal(asked_len, 0);
}

static void a_deadline_holds(void **state)
{
	uint64_t begin = clock_now_us();

	(void)state;
	check_fails(call_within("PATCH", "/vm", "{}", SHORT_MS), ETIMEDOUT, IRONCLAW_ERR_TIMEOUT,
		    "does not answer to PATCH /vm");
	assert_true(clock_now_us() - begin >= SHORT_MS * 1000ULL);
	/* At least each 100 ms. */
	assert_true(idles >= SHORT_MS / 100 + 1);
}

static void half_an_answer_is_none(void **state)
{
	(void)state;
	say(OK_5 "hell");
	check_fails(call_within("PUT", "/x", "{}", SHORT_MS), ETIMEDOUT, IRONCLAW_ERR_TIMEOUT,
		    "does not answer");
}

static void small_pieces_do_not_stretch_a_deadline(void **state)
{
	cleanup_free char *text = text_of("HTTP/1.1 200 ", "x", 1000, "");
	uint64_t begin = clock_now_us();

	(void)state;
	bytewise = text;
	/* One byte each time that we wait, which ends the wait. */
	(void)call_within("PUT", "/x", "{}", 1);
	assert_int_equal(err.code, IRONCLAW_ERR_TIMEOUT);
	assert_true(clock_now_us() - begin < 1000000);
}

static void an_end_is_told(void **state)
{
	(void)state;
	say("");
	check_fails(put(), EPIPE, IRONCLAW_ERR_VMM,
		    "Firecracker closed its API before it answered to PUT /x");
	assert_int_equal(tear_down(NULL), 0);
	assert_int_equal(build(NULL), 0);
	say(OK_5 "hell");
	say("");
	check_fails(put(), EPIPE, IRONCLAW_ERR_VMM, "closed its API");
	assert_int_equal(tear_down(NULL), 0);
	assert_int_equal(build(NULL), 0);
	close_fd(&peer);
	check_fails(put(), EPIPE, IRONCLAW_ERR_VMM, "closed its API");
}

/* Its socket is full: it does not read. */
static void one_that_does_not_read_is_held_to_the_deadline(void **state)
{
	static const char filler[4096];
	const struct firecracker_request request = {"PUT", "/x", "{}", 2};
	const struct firecracker_wait wait = {clock_now_us() + SHORT_MS * 1000ULL, NULL};

	(void)state;
	while (send(monitor.fd, filler, sizeof(filler), MSG_DONTWAIT) > 0)
		;
	while (send(monitor.fd, filler, 1, MSG_DONTWAIT) > 0)
		;
	check_fails(firecracker_http_call(&monitor, &request, &wait, &answer, &err), ETIMEDOUT,
		    IRONCLAW_ERR_TIMEOUT, "does not answer");
}

static void a_question_is_bounded(void **state)
{
	cleanup_free char *body = text_of("", "x", FIRECRACKER_REQUEST_MAX_B, "");

	(void)state;
	check_fails(call_within("PUT", "/x", body, DEADLINE_MS), E2BIG, IRONCLAW_ERR_INTERNAL,
		    "too long");
	hear();
	assert_int_equal(asked_len, 0);
	/* The longest that a plan could have. */
	body[ENGINE_ORDERS_MAX_B] = '\0';
	say(NO_CONTENT);
	assert_int_equal(call_within("PUT", "/snapshot/load", body, DEADLINE_MS), 0);
}

static void check_is_for_between_the_questions(void **state)
{
	(void)state;
	assert_int_equal(firecracker_http_check(&monitor, &err), 0);
	say(NO_CONTENT);
	assert_int_equal(put(), 0);
	assert_int_equal(firecracker_http_check(&monitor, &err), 0);
	answer.status = 0;
	send_all("x", 1);
	check_fails(firecracker_http_check(&monitor, &err), EPROTO, IRONCLAW_ERR_VMM,
		    "nobody asked for");
	close_fd(&peer);
	check_fails(firecracker_http_check(&monitor, &err), EPIPE, IRONCLAW_ERR_VMM,
		    "Firecracker closed its API");
}

/* A socket that appears, and is listened to, only later; and whose queue is full at first. */
static char folder[] = "/tmp/ironclaw-test-XXXXXX";
static int server = -EBADF;
static const struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "api.sock"};

static void appear(void)
{
	idles++;
	if (idles == 5) {
		server = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
		assert_int_equal(bind(server, (const struct sockaddr *)&address, sizeof(address)),
				 0);
	} else if (idles == 10) {
		assert_int_equal(listen(server, 0), 0);
	}
}

static void a_socket_may_come_late(void **state)
{
	struct firecracker_wait wait = {clock_now_us() + DEADLINE_MS * 1000ULL, appear};
	cleanup_close int first = -EBADF, second = -EBADF;

	(void)state;
	assert_non_null(mkdtemp(folder));
	assert_int_equal(chdir(folder), 0);
	first = firecracker_http_connect("api.sock", &wait, &err);
	assert_true(first >= 0);
	assert_true(idles >= 10);
	assert_int_equal(fcntl(first, F_GETFD), FD_CLOEXEC);
	assert_true(fcntl(first, F_GETFL) & O_NONBLOCK);
	/* The queue of one is full: waited for, and not for ever. */
	wait.deadline_us = clock_now_us() + SHORT_MS * 1000ULL;
	second = firecracker_http_connect("api.sock", &wait, &err);
	check_fails(second, ETIMEDOUT, IRONCLAW_ERR_TIMEOUT, "does not appear");
	close_fd(&server);
	wait.deadline_us = clock_now_us() + SHORT_MS * 1000ULL;
	check_fails(firecracker_http_connect("api.sock", &wait, &err), ETIMEDOUT,
		    IRONCLAW_ERR_TIMEOUT, "does not appear");
	assert_int_equal(unlink("api.sock"), 0);
	/* What no waiting helps. */
	assert_int_equal(symlink("loop", "loop"), 0);
	check_fails(firecracker_http_connect("loop", &wait, &err), ELOOP, IRONCLAW_ERR_SYSTEM,
		    "cannot connect");
	assert_int_equal(chdir("/"), 0);
	assert_int_equal(file_remove_tree(AT_FDCWD, folder), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, build, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_answer_without_a_body_is_204),
		TEST(a_question_without_a_body_names_no_length),
		TEST(a_connection_serves_many_requests),
		TEST(an_answer_may_come_in_bytes),
		TEST(interim_answers_are_skipped),
		TEST(forms_of_an_answer),
		TEST(what_is_no_answer),
		TEST(a_line_has_1024_bytes),
		TEST(there_are_64_header_lines),
		TEST(the_largest_body_is_taken),
		TEST(answers_without_end_are_bounded),
		TEST(bytes_behind_an_answer_are_refused),
		TEST(bytes_before_a_question_are_refused),
		TEST(a_deadline_holds),
		TEST(half_an_answer_is_none),
		TEST(small_pieces_do_not_stretch_a_deadline),
		TEST(an_end_is_told),
		TEST(one_that_does_not_read_is_held_to_the_deadline),
		TEST(a_question_is_bounded),
		TEST(check_is_for_between_the_questions),
		TEST(a_socket_may_come_late),
	};

	return cmocka_run_group_tests_name("firecracker_http", tests, NULL, NULL);
}
