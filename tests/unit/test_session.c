/* SPDX-License-Identifier: Apache-2.0 */
/* test_session.c - link/session.h against a peer of our own at the other end of a socket. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "link/session.h"
#include "frames.h"

static const char *const plain[] = {"true", NULL};
static const struct session_command command = {.argv = plain, .use_stdin = true};

static int peer_fd = -EBADF, our_fd = -EBADF;
static struct session_link sessions;
static struct session s, second;
static struct ironclaw_error err;

/* The peer's end: what it read, and the frames in it. */
static uint8_t peer_space[4 * WIRE_FRAME_MAX_B], buf[WIRE_FRAME_MAX_B];
static struct wire_reader peer;

/* What the output callback got. */
static struct {
	char text[1024];
	size_t used, calls;
	int answer;
} output;

static int on_output(void *userdata, struct session *of, uint8_t stream, const uint8_t *data,
		     size_t len)
{
	assert_ptr_equal(userdata, &output);
	assert_true(of == &s || of == &second);
	output.calls++;
	if (of == &second)
		output.text[output.used++] = '2';
	output.text[output.used++] = stream == WIRE_STREAM_STDERR ? 'E' : 'O';
	assert_true(len < sizeof(output.text) - output.used);
	memcpy(output.text + output.used, data, len);
	output.used += len;
	output.text[output.used] = '\0';
	return output.answer;
}

static int build(void **state)
{
	int pair[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair),
			 0);
	peer_fd = pair[0];
	our_fd = pair[1];
	session_link_init(&sessions, our_fd);
	wire_reader_init(&peer, WIRE_FROM_HOST, peer_space, sizeof(peer_space));
	memset(&output, 0, sizeof(output));
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	session_link_done(&sessions);
	session_link_done(&sessions);
	close_fd(&peer_fd);
	close_fd(&our_fd);
	return 0;
}

/* The next frame that the peer gets; false when there is none. */
static bool peer_gets(struct wire_frame *frame)
{
	for (;;) {
		size_t room;
		uint8_t *space;
		ssize_t n;
		int r = wire_reader_next(&peer, frame);

		assert_true(r >= 0);
		if (r > 0)
			return true;
		assert_int_equal(session_flush(&sessions), 0);
		space = wire_reader_space(&peer, &room);
		n = recv(peer_fd, space, room, 0);
		if (n <= 0)
			return false;
		wire_reader_added(&peer, (size_t)n);
	}
}

static void peer_gets_nothing(void)
{
	struct wire_frame frame;

	assert_false(peer_gets(&frame));
	assert_int_equal(wire_reader_pending(&peer), 0);
}

static void peer_gets_kind(enum wire_kind kind, uint16_t session, const void *payload,
			   uint32_t length)
{
	struct wire_frame frame;

	assert_true(peer_gets(&frame));
	assert_int_equal(frame.header.kind, kind);
	assert_int_equal(frame.header.session, session);
	if (kind == WIRE_EXEC)
		return;
	assert_int_equal(frame.header.length, length);
	if (length > 0)
		assert_memory_equal(frame.payload, payload, length);
}

static void peer_gets_credit(enum wire_stream stream, uint32_t bytes)
{
	struct wire_frame frame;

	assert_true(peer_gets(&frame));
	assert_int_equal(frame.header.kind, WIRE_CREDIT);
	assert_int_equal(frame.header.stream, stream);
	assert_int_equal(wire_get_u32(frame.payload), bytes);
}

static void peer_says(size_t n)
{
	assert_int_equal(send(peer_fd, buf, n, MSG_NOSIGNAL), (ssize_t)n);
}

static int receive(void)
{
	return session_receive(&sessions, on_output, &output);
}

static void open_plain(void)
{
	struct wire_frame frame;

	assert_int_equal(session_open(&sessions, &command, &s, &err), 0);
	assert_true(peer_gets(&frame));
	assert_int_equal(frame.header.kind, WIRE_EXEC);
	assert_int_equal(s.state, SESSION_REQUESTED);
}

static void start_plain(void)
{
	open_plain();
	peer_says(frame_put(buf, WIRE_STARTED, WIRE_STREAM_NONE, s.id, NULL, 0));
	assert_int_equal(receive(), 0);
	assert_int_equal(s.state, SESSION_RUNNING);
}

/* Opens a command of @n letters and puts its slices together again. */
static void check_slices(size_t n_letters)
{
	static uint8_t request[WIRE_EXEC_MAX_B];
	char *letters = malloc(n_letters + 1);
	const char *const argv[] = {"echo", letters, letters, NULL};
	const struct session_command c = {.argv = argv};
	size_t used = 0, parts = 0;
	struct wire_frame frame;
	struct wire_exec exec;

	assert_non_null(letters);
	memset(letters, 'x', n_letters);
	letters[n_letters] = '\0';
	assert_int_equal(session_open(&sessions, &c, &s, &err), 0);
	do {
		assert_true(peer_gets(&frame));
		assert_true(frame.header.kind == WIRE_EXEC || frame.header.kind == WIRE_EXEC_PART);
		assert_int_equal(frame.header.session, s.id);
		assert_true(frame.header.kind == WIRE_EXEC ||
			    frame.header.length == WIRE_PAYLOAD_MAX_B);
		memcpy(request + used, frame.payload, frame.header.length);
		used += frame.header.length;
		parts++;
	} while (frame.header.kind == WIRE_EXEC_PART);
	assert_int_equal(parts, (used + WIRE_PAYLOAD_MAX_B - 1) / WIRE_PAYLOAD_MAX_B);
	assert_null(wire_exec_get(request, used, &exec));
	assert_int_equal(exec.n_args, 3);
	peer_gets_nothing();
	free(letters);
}

static void a_large_request_comes_in_slices(void **state)
{
	/* echo, two strings, flags. */
	const size_t fixed = 4 * WIRE_TLV_HEADER_B + 4 + 4;

	(void)state;
	check_slices(1);
	check_slices(WIRE_STRING_MAX_B);
	check_slices((WIRE_PAYLOAD_MAX_B - fixed) / 2);
	check_slices((WIRE_PAYLOAD_MAX_B - fixed) / 2 + 1);
	check_slices((2 * WIRE_PAYLOAD_MAX_B - fixed) / 2);
	check_slices((2 * WIRE_PAYLOAD_MAX_B - fixed) / 2 + 1);
}

static void end_plain(void)
{
	size_t n = frame_put(buf, WIRE_STARTED, WIRE_STREAM_NONE, s.id, NULL, 0);

	n += frame_put_exit(buf + n, s.id, 0);
	peer_says(n);
	assert_int_equal(receive(), 0);
	assert_int_equal(s.state, SESSION_ENDED);
}

static void numbers_go_round(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 2 * WIRE_SESSION_MAX + 1; i++) {
		open_plain();
		assert_int_equal(s.id, i % WIRE_SESSION_MAX + 1);
		end_plain();
	}
}

static void sixteen_may_be_open_and_no_more(void **state)
{
	struct session many[WIRE_SESSION_MAX], more = {.id = 4711};

	(void)state;
	for (unsigned int i = 0; i < WIRE_SESSION_MAX; i++) {
		assert_int_equal(session_open(&sessions, &command, &many[i], &err), 0);
		assert_int_equal(many[i].id, i + 1);
		peer_gets_kind(WIRE_EXEC, many[i].id, NULL, 0);
	}
	assert_int_equal(session_open(&sessions, &command, &more, &err), -EBUSY);
	assert_int_equal(err.code, IRONCLAW_ERR_BUSY);
	assert_int_equal(more.id, 4711);
	peer_gets_nothing();
	/* The one that ends makes room, under its number. */
	peer_says(frame_put(buf, WIRE_EXEC_FAILED, WIRE_STREAM_NONE, 7, "\5\0\0\0\2\0\0\0", 8));
	assert_int_equal(receive(), 0);
	assert_int_equal(many[6].state, SESSION_FAILED);
	assert_int_equal(session_open(&sessions, &command, &more, &err), 0);
	assert_int_equal(more.id, 7);
	assert_int_equal(session_open(&sessions, &command, &s, &err), -EBUSY);
}

static void frames_go_to_their_session(void **state)
{
	size_t n;

	(void)state;
	start_plain();
	assert_int_equal(session_open(&sessions, &command, &second, &err), 0);
	peer_gets_kind(WIRE_EXEC, second.id, NULL, 0);
	n = frame_put(buf, WIRE_DATA, WIRE_STREAM_STDOUT, s.id, "one", 3);
	n += frame_put(buf + n, WIRE_STARTED, WIRE_STREAM_NONE, second.id, NULL, 0);
	n += frame_put(buf + n, WIRE_DATA, WIRE_STREAM_STDERR, second.id, "two", 3);
	n += frame_put_u32(buf + n, WIRE_CREDIT, WIRE_STREAM_STDIN, second.id, 5);
	n += frame_put_exit(buf + n, second.id, 7);
	n += frame_put(buf + n, WIRE_DATA, WIRE_STREAM_STDOUT, s.id, "three", 5);
	peer_says(n);
	assert_int_equal(receive(), 0);
	assert_string_equal(output.text, "Oone2EtwoOthree");
	assert_int_equal(s.state, SESSION_RUNNING);
	assert_int_equal(s.stdin_window, WIRE_WINDOW_B);
	assert_int_equal(second.state, SESSION_ENDED);
	assert_int_equal(second.exit.value, 7);
	assert_int_equal(second.stdin_window, WIRE_WINDOW_B + 5);
}

static void what_is_kept_gets_its_credit_later(void **state)
{
	(void)state;
	start_plain();
	output.answer = SESSION_KEPT;
	peer_says(frame_put(buf, WIRE_DATA, WIRE_STREAM_STDOUT, s.id, "hello", 5));
	assert_int_equal(receive(), 0);
	peer_gets_nothing();
	assert_int_equal(session_credit(&sessions, &s, WIRE_STREAM_STDOUT, 5), 0);
	peer_gets_credit(WIRE_STREAM_STDOUT, 5);
}

static void a_refused_command_leaves_no_trace(void **state)
{
	const char *const empty[] = {"", NULL};
	const struct session_command bad = {.argv = empty};
	struct session before = {.id = 4711};

	(void)state;
	s = before;
	assert_int_equal(session_open(&sessions, &bad, &s, &err), -EINVAL);
	assert_int_equal(err.code, IRONCLAW_ERR_INVALID);
	assert_memory_equal(&s, &before, sizeof(s));
	assert_false(session_pending(&sessions));
	peer_gets_nothing();
	open_plain();
	assert_int_equal(s.id, 1);
}

static void output_comes_and_credit_goes(void **state)
{
	size_t n;

	(void)state;
	start_plain();
	n = frame_put(buf, WIRE_DATA, WIRE_STREAM_STDOUT, s.id, "hello", 5);
	n += frame_put(buf + n, WIRE_DATA, WIRE_STREAM_STDERR, s.id, "oh", 2);
	n += frame_put(buf + n, WIRE_EOF, WIRE_STREAM_STDOUT, s.id, NULL, 0);
	peer_says(n);
	assert_int_equal(receive(), 0);
	assert_string_equal(output.text, "OhelloEoh");
	peer_gets_credit(WIRE_STREAM_STDOUT, 5);
	peer_gets_credit(WIRE_STREAM_STDERR, 2);
	peer_gets_nothing();
	assert_int_equal(s.state, SESSION_RUNNING);
}

static void frames_may_come_in_bytes(void **state)
{
	size_t n;

	(void)state;
	start_plain();
	n = frame_put(buf, WIRE_DATA, WIRE_STREAM_STDOUT, s.id, "hello", 5);
	n += frame_put_exit(buf + n, s.id, 7);
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(s.state, SESSION_RUNNING);
		assert_int_equal(send(peer_fd, buf + i, 1, 0), 1);
		assert_int_equal(receive(), 0);
		assert_int_equal(receive(), 0);
	}
	assert_string_equal(output.text, "Ohello");
	assert_int_equal(s.state, SESSION_ENDED);
	assert_int_equal(s.exit.value, 7);
}

static void an_exit_tells_how_it_ended(void **state)
{
	static const struct wire_exit ends[] = {{WIRE_EXITED, 0, 0},
						{WIRE_EXITED, 0, 255},
						{WIRE_SIGNALED, WIRE_EXIT_OOM, 9}};
	uint8_t payload[WIRE_EXIT_B];

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		start_plain();
		wire_exit_put(payload, &ends[i]);
		peer_says(frame_put(buf, WIRE_EXIT, WIRE_STREAM_NONE, s.id, payload, WIRE_EXIT_B));
		assert_int_equal(receive(), 0);
		assert_int_equal(s.state, SESSION_ENDED);
		assert_memory_equal(&s.exit, &ends[i], sizeof(s.exit));
	}
}

static void a_command_that_does_not_start_says_why(void **state)
{
	uint8_t payload[8];

	(void)state;
	open_plain();
	wire_put_u32(payload, WIRE_STAGE_EXEC);
	wire_put_u32(payload + 4, ENOENT);
	peer_says(frame_put(buf, WIRE_EXEC_FAILED, WIRE_STREAM_NONE, s.id, payload, 8));
	assert_int_equal(receive(), 0);
	assert_int_equal(s.state, SESSION_FAILED);
	assert_int_equal(s.stage, WIRE_STAGE_EXEC);
	assert_int_equal(s.errnum, ENOENT);
}

static void input_goes_under_credit(void **state)
{
	static const uint8_t data[WIRE_PAYLOAD_MAX_B];

	(void)state;
	start_plain();
	assert_true(s.stdin_open);
	assert_int_equal(s.stdin_window, WIRE_WINDOW_B);
	for (int i = 0; i < 4; i++) {
		assert_int_equal(session_input(&sessions, &s, data, sizeof(data)), 0);
		peer_gets_kind(WIRE_DATA, s.id, data, sizeof(data));
	}
	assert_int_equal(s.stdin_window, 0);
	peer_says(frame_put_u32(buf, WIRE_CREDIT, WIRE_STREAM_STDIN, s.id, 1000));
	assert_int_equal(receive(), 0);
	assert_int_equal(s.stdin_window, 1000);
	assert_int_equal(session_input(&sessions, &s, "abc", 3), 0);
	assert_int_equal(session_input_end(&sessions, &s), 0);
	assert_false(s.stdin_open);
	assert_int_equal(s.stdin_window, 997);
	peer_gets_kind(WIRE_DATA, s.id, "abc", 3);
	peer_gets_kind(WIRE_EOF, s.id, NULL, 0);
	peer_gets_nothing();
}

static void a_command_without_input_has_none(void **state)
{
	const struct session_command c = {.argv = plain};

	(void)state;
	assert_int_equal(session_open(&sessions, &c, &s, &err), 0);
	assert_false(s.stdin_open);
}

static void signals_sizes_and_kills_are_sent(void **state)
{
	(void)state;
	start_plain();
	assert_int_equal(session_signal(&sessions, &s, 15), 0);
	assert_int_equal(session_resize(&sessions, &s, 0x0102, 0x0304), 0);
	assert_int_equal(session_kill(&sessions, &s), 0);
	peer_gets_kind(WIRE_SIGNAL, s.id, "\x0f\0\0\0", 4);
	peer_gets_kind(WIRE_WINSIZE, s.id, "\x02\x01\x04\x03", 4);
	peer_gets_kind(WIRE_KILL, s.id, NULL, 0);
	peer_gets_nothing();
}

static void a_callback_that_refuses_ends_it_without_credit(void **state)
{
	(void)state;
	start_plain();
	output.answer = -ENOSPC;
	peer_says(frame_put(buf, WIRE_DATA, WIRE_STREAM_STDOUT, s.id, "hello", 5));
	assert_int_equal(receive(), -ENOSPC);
	assert_int_equal(output.calls, 1);
	peer_gets_nothing();
}

static void breach(size_t n)
{
	peer_says(n);
	assert_int_equal(receive(), -EPROTO);
	assert_int_equal(output.calls, 0);
}

static void frames_of_another_session_are_refused(void **state)
{
	(void)state;
	start_plain();
	breach(frame_put(buf, WIRE_DATA, WIRE_STREAM_STDOUT, (uint16_t)(s.id + 1), "hello", 5));
}

static void frames_of_the_vm_are_refused(void **state)
{
	(void)state;
	start_plain();
	breach(frame_put(buf, WIRE_TIME_REQUEST, WIRE_STREAM_NONE, 0, "12345678", 8));
}

static void bad_headers_are_refused(void **state)
{
	(void)state;
	start_plain();
	breach(frame_put(buf, WIRE_EXEC, WIRE_STREAM_NONE, s.id, "hello", 5));
}

static void a_bad_exit_is_refused(void **state)
{
	(void)state;
	start_plain();
	breach(frame_put_exit(buf, s.id, 256));
	assert_int_equal(s.state, SESSION_RUNNING);
}

static void too_much_credit_is_refused(void **state)
{
	(void)state;
	start_plain();
	breach(frame_put_u32(buf, WIRE_CREDIT, WIRE_STREAM_STDIN, s.id, UINT32_MAX));
	assert_int_equal(s.stdin_window, WIRE_WINDOW_B);
}

static void nothing_comes_after_the_end(void **state)
{
	size_t n;

	(void)state;
	start_plain();
	n = frame_put_exit(buf, s.id, 3);
	n += frame_put(buf + n, WIRE_STARTED, WIRE_STREAM_NONE, s.id, NULL, 0);
	breach(n);
	assert_int_equal(s.state, SESSION_ENDED);
	assert_int_equal(s.exit.value, 3);
}

static void the_end_of_the_stream_is_told(void **state)
{
	(void)state;
	start_plain();
	assert_int_equal(receive(), 0);
	/* The last words are heard first. */
	peer_says(frame_put(buf, WIRE_DATA, WIRE_STREAM_STDOUT, s.id, "bye", 3));
	close_fd(&peer_fd);
	assert_int_equal(receive(), 0);
	assert_string_equal(output.text, "Obye");
	assert_int_equal(receive(), -ENODATA);
	assert_true(session_pending(&sessions));
	assert_int_equal(session_flush(&sessions), -EPIPE);
}

/* Fills the socket, so that from then on frames wait in the link. */
static void fill(void)
{
	static const uint8_t data[WIRE_PAYLOAD_MAX_B];

	for (int i = 0; i < 1000; i++) {
		s.stdin_window = WIRE_WINDOW_B;
		assert_int_equal(session_input(&sessions, &s, data, sizeof(data)), 0);
		assert_int_equal(session_flush(&sessions), 0);
		if (session_pending(&sessions))
			return;
	}
	fail();
}

static void a_slow_peer_blocks_nobody(void **state)
{
	struct wire_frame frame;

	(void)state;
	start_plain();
	fill();
	assert_int_equal(session_kill(&sessions, &s), 0);
	peer_says(frame_put(buf, WIRE_DATA, WIRE_STREAM_STDOUT, s.id, "hello", 5));
	assert_int_equal(receive(), 0);
	assert_string_equal(output.text, "Ohello");
	do
		assert_true(peer_gets(&frame));
	while (frame.header.kind == WIRE_DATA);
	assert_int_equal(frame.header.kind, WIRE_KILL);
	peer_gets_credit(WIRE_STREAM_STDOUT, 5);
	assert_false(session_pending(&sessions));
}

static void a_peer_that_is_always_behind_costs_no_memory(void **state)
{
	size_t most;

	(void)state;
	start_plain();
	fill();
	most = sessions.out_size;
	for (int i = 0; i < 200000; i++) {
		uint8_t bytes[WIRE_HEADER_B + 4];
		ssize_t n;

		assert_int_equal(session_signal(&sessions, &s, 15), 0);
		do
			n = recv(peer_fd, bytes, sizeof(bytes), 0);
		while (n < 0 && errno == EAGAIN && session_flush(&sessions) == 0);
		assert_true(n > 0);
		assert_int_equal(session_flush(&sessions), 0);
		/* Never empty, or there would be nothing to see. */
		if (!session_pending(&sessions))
			fill();
	}
	assert_true(sessions.out_size <= most + WIRE_FRAME_MAX_B);
}

static void a_lost_session_is_one_and_the_next_one_runs(void **state)
{
	size_t n;

	(void)state;
	assert_int_equal(session_open(&sessions, &command, &s, &err), 0);
	n = frame_put(buf, WIRE_STARTED, WIRE_STREAM_NONE, s.id, NULL, 0);
	n += frame_put(buf + n, WIRE_DATA, WIRE_STREAM_STDOUT, s.id, "half", 4);
	n += frame_put(buf + n, WIRE_LOST, WIRE_STREAM_NONE, s.id, NULL, 0);
	assert_int_equal(send(peer_fd, buf, n, 0), (ssize_t)n);
	assert_int_equal(session_receive(&sessions, on_output, &output), 0);
	assert_int_equal(s.state, SESSION_LOST);
	assert_string_equal(output.text, "Ohalf");
	/* Nothing of it may come after that. */
	n = frame_put_exit(buf, s.id, 0);
	assert_int_equal(send(peer_fd, buf, n, 0), (ssize_t)n);
	assert_int_equal(session_receive(&sessions, on_output, &output), -EPROTO);
	assert_int_equal(session_open(&sessions, &command, &s, &err), 0);
	n = frame_put(buf, WIRE_STARTED, WIRE_STREAM_NONE, s.id, NULL, 0);
	n += frame_put_exit(buf + n, s.id, 7);
	assert_int_equal(send(peer_fd, buf, n, 0), (ssize_t)n);
	assert_int_equal(session_receive(&sessions, on_output, &output), 0);
	assert_int_equal(s.state, SESSION_ENDED);
	assert_int_equal(s.exit.value, 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_large_request_comes_in_slices, build, tear_down),
		cmocka_unit_test_setup_teardown(numbers_go_round, build, tear_down),
		cmocka_unit_test_setup_teardown(sixteen_may_be_open_and_no_more, build, tear_down),
		cmocka_unit_test_setup_teardown(frames_go_to_their_session, build, tear_down),
		cmocka_unit_test_setup_teardown(what_is_kept_gets_its_credit_later, build,
						tear_down),
		cmocka_unit_test_setup_teardown(a_refused_command_leaves_no_trace, build,
						tear_down),
		cmocka_unit_test_setup_teardown(output_comes_and_credit_goes, build, tear_down),
		cmocka_unit_test_setup_teardown(frames_may_come_in_bytes, build, tear_down),
		cmocka_unit_test_setup_teardown(an_exit_tells_how_it_ended, build, tear_down),
		cmocka_unit_test_setup_teardown(a_command_that_does_not_start_says_why, build,
						tear_down),
		cmocka_unit_test_setup_teardown(input_goes_under_credit, build, tear_down),
		cmocka_unit_test_setup_teardown(a_command_without_input_has_none, build, tear_down),
		cmocka_unit_test_setup_teardown(signals_sizes_and_kills_are_sent, build, tear_down),
		cmocka_unit_test_setup_teardown(a_callback_that_refuses_ends_it_without_credit,
						build, tear_down),
		cmocka_unit_test_setup_teardown(frames_of_another_session_are_refused, build,
						tear_down),
		cmocka_unit_test_setup_teardown(frames_of_the_vm_are_refused, build, tear_down),
		cmocka_unit_test_setup_teardown(bad_headers_are_refused, build, tear_down),
		cmocka_unit_test_setup_teardown(a_bad_exit_is_refused, build, tear_down),
		cmocka_unit_test_setup_teardown(too_much_credit_is_refused, build, tear_down),
		cmocka_unit_test_setup_teardown(nothing_comes_after_the_end, build, tear_down),
		cmocka_unit_test_setup_teardown(the_end_of_the_stream_is_told, build, tear_down),
		cmocka_unit_test_setup_teardown(a_lost_session_is_one_and_the_next_one_runs, build,
						tear_down),
		cmocka_unit_test_setup_teardown(a_slow_peer_blocks_nobody, build, tear_down),
		cmocka_unit_test_setup_teardown(a_peer_that_is_always_behind_costs_no_memory, build,
						tear_down),
	};

	return cmocka_run_group_tests_name("session", tests, NULL, NULL);
}
