/* SPDX-License-Identifier: Apache-2.0 */
/* test_process.c - machine/process.h against a guest of our own at the other end of a socket. */
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
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "machine/process.h"
#include "sys/clock.h"
#include "frames.h"

static const char *const plain[] = {"true", NULL};
static const struct ironclaw_exec_options fed = {.size = sizeof(fed),
						 .argv = plain,
						 .use_stdin = true,
						 .stdin_fd = -1};

static struct ironclaw_vm *vm;
static int guest_fd = -EBADF;
static struct ironclaw_error err;
static uint8_t space[4 * WIRE_FRAME_MAX_B], buf[WIRE_FRAME_MAX_B];
static struct wire_reader guest;

/* What one process had to say. */
struct heard {
	struct vm_process *p;
	size_t bytes, calls, largest;
	char text[64];
	unsigned int over;
	int answer;
	bool frees_itself;
};

static int on_output(void *userdata, enum ironclaw_stream stream, const void *data, size_t len)
{
	struct heard *h = userdata;

	h->calls++;
	if (h->answer)
		return h->answer;
	if (h->bytes + len < sizeof(h->text)) {
		memcpy(h->text + h->bytes, data, len);
		h->text[h->bytes + len] = '\0';
	}
	h->bytes += len;
	h->largest = len > h->largest ? len : h->largest;
	(void)stream;
	return 0;
}

static void on_over(void *userdata)
{
	struct heard *h = userdata;

	h->over++;
	assert_true(vm_process_is_over(h->p));
	if (h->frees_itself)
		vm_process_free(h->p);
}

static int build(void **state)
{
	int pair[2];

	(void)state;
	vm = calloc(1, sizeof(*vm));
	assert_non_null(vm);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair),
			 0);
	guest_fd = pair[0];
	launch_init(&vm->launch);
	vm->launch.client_fd = pair[1];
	(void)snprintf(vm->launch.vm_id, sizeof(vm->launch.vm_id), "a-test");
	session_link_init(&vm->link, pair[1]);
	assert_int_equal(pipe2(vm->wake_fds, O_CLOEXEC | O_NONBLOCK), 0);
	wire_reader_init(&guest, WIRE_FROM_HOST, space, sizeof(space));
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	/* There is no warden, and nothing to remove. */
	vm->launch.ended = true;
	assert_int_equal(ironclaw_vm_destroy(vm, &err), 0);
	close_fd(&guest_fd);
	return 0;
}

static void serve(void)
{
	assert_int_equal(vm_step(vm, 0, &err), 0);
}

static bool guest_gets(struct wire_frame *frame)
{
	for (;;) {
		size_t room;
		uint8_t *to;
		ssize_t n;
		int r = wire_reader_next(&guest, frame);

		assert_true(r >= 0);
		if (r > 0)
			return true;
		to = wire_reader_space(&guest, &room);
		n = recv(guest_fd, to, room, 0);
		if (n <= 0)
			return false;
		wire_reader_added(&guest, (size_t)n);
	}
}

static uint32_t guest_gets_kind(enum wire_kind kind, uint16_t session)
{
	struct wire_frame frame;

	assert_true(guest_gets(&frame));
	assert_int_equal(frame.header.kind, kind);
	assert_int_equal(frame.header.session, session);
	return kind == WIRE_CREDIT ? wire_get_u32(frame.payload) : frame.header.length;
}

static void guest_gets_nothing(void)
{
	struct wire_frame frame;

	assert_false(guest_gets(&frame));
}

static void guest_says(size_t n)
{
	assert_int_equal(send(guest_fd, buf, n, MSG_NOSIGNAL), (ssize_t)n);
	serve();
}

static void guest_starts(uint16_t session)
{
	guest_says(frame_put(buf, WIRE_STARTED, WIRE_STREAM_NONE, session, NULL, 0));
}

static void guest_writes(uint16_t session, const char *text)
{
	guest_says(frame_put(buf, WIRE_DATA, WIRE_STREAM_STDOUT, session, text,
			     (uint32_t)strlen(text)));
}

static void guest_floods(uint16_t session, uint32_t bytes)
{
	static const uint8_t zeros[WIRE_PAYLOAD_MAX_B];

	for (; bytes > 0; bytes -= WIRE_PAYLOAD_MAX_B / 2)
		guest_says(frame_put(buf, WIRE_DATA, WIRE_STREAM_STDOUT, session, zeros,
				     WIRE_PAYLOAD_MAX_B / 2));
}

static void guest_ends(uint16_t session, uint32_t code)
{
	guest_says(frame_put_exit(buf, session, code));
}

static struct vm_process *start(struct heard *heard, const struct ironclaw_exec_options *options)
{
	const struct vm_process_handler handler = {on_output, on_over, heard};

	*heard = (struct heard){.bytes = 0};
	assert_int_equal(vm_process_start(vm, options, &handler, &heard->p, &err), 0);
	(void)guest_gets_kind(WIRE_EXEC, vm->link.last_id);
	return heard->p;
}

static int result_of(const struct vm_process *p)
{
	struct ironclaw_exec_result result = {.size = sizeof(result)};

	assert_int_equal(vm_process_result(p, &result, &err), 0);
	return result.exit_code;
}

static void a_process_runs_to_its_end(void **state)
{
	struct ironclaw_exec_result result = {.size = sizeof(result)};
	struct heard h;
	struct vm_process *p = start(&h, &fed);

	(void)state;
	guest_starts(1);
	guest_writes(1, "hello");
	assert_string_equal(h.text, "hello");
	assert_int_equal(vm_process_result(p, &result, &err), -EBUSY);
	assert_int_equal(err.code, IRONCLAW_ERR_BUSY);
	assert_int_equal(h.over, 0);
	guest_ends(1, 7);
	assert_int_equal(h.over, 1);
	assert_int_equal(result_of(p), 7);
	assert_int_equal(vm_process_write(p, "x", 1), -EPIPE);
	assert_int_equal(vm_process_signal(p, 15), -EPIPE);
	assert_int_equal(vm_process_kill(p), 0);
	serve();
	assert_int_equal(h.over, 1);
	vm_process_free(p);
	vm_process_free(NULL);
}

static void the_seventeenth_is_refused(void **state)
{
	struct heard h[VM_PROCESS_MAX], more;
	const struct vm_process_handler handler = {on_output, on_over, &more};

	(void)state;
	for (unsigned int i = 0; i < VM_PROCESS_MAX; i++)
		(void)start(&h[i], &fed);
	assert_int_equal(vm_process_start(vm, &fed, &handler, &more.p, &err), -EBUSY);
	assert_int_equal(err.code, IRONCLAW_ERR_BUSY);
	guest_gets_nothing();
	guest_starts(5);
	guest_ends(5, 0);
	(void)start(&more, &fed);
	assert_int_equal(vm_process_start(vm, &fed, &handler, &more.p, &err), -EBUSY);
	for (unsigned int i = 0; i < VM_PROCESS_MAX; i++)
		vm_process_free(h[i].p);
	vm_process_free(more.p);
}

static void a_reader_that_does_not_take_stops_its_own_stream_only(void **state)
{
	struct heard slow, other;

	(void)state;
	(void)start(&slow, &fed);
	(void)start(&other, &fed);
	guest_starts(1);
	guest_starts(2);
	slow.answer = -EAGAIN;
	guest_floods(1, WIRE_WINDOW_B);
	/* Asked once; what comes behind is kept in its order, and nothing gets credit. */
	assert_int_equal(slow.calls, 1);
	guest_gets_nothing();
	guest_writes(2, "hi");
	assert_string_equal(other.text, "hi");
	assert_int_equal(guest_gets_kind(WIRE_CREDIT, 2), 2);
	guest_ends(2, 0);
	assert_int_equal(other.over, 1);
	/* Nothing is offered again before it is asked for. */
	slow.answer = 0;
	serve();
	assert_int_equal(slow.bytes, 0);
	vm_process_resume(slow.p);
	serve();
	assert_int_equal(slow.bytes, WIRE_WINDOW_B);
	assert_int_equal(slow.largest, WIRE_PAYLOAD_MAX_B);
	for (unsigned int i = 0; i < WIRE_WINDOW_B / WIRE_PAYLOAD_MAX_B; i++)
		assert_int_equal(guest_gets_kind(WIRE_CREDIT, 1), WIRE_PAYLOAD_MAX_B);
	vm_process_free(slow.p);
	vm_process_free(other.p);
}

static void an_end_waits_for_the_output_before_it(void **state)
{
	struct heard h;

	(void)state;
	(void)start(&h, &fed);
	guest_starts(1);
	h.answer = -EAGAIN;
	guest_writes(1, "last words");
	guest_ends(1, 3);
	assert_false(vm_process_is_over(h.p));
	vm_process_resume(h.p);
	serve();
	assert_false(vm_process_is_over(h.p));
	h.answer = 0;
	vm_process_resume(h.p);
	serve();
	assert_string_equal(h.text, "last words");
	assert_int_equal(h.over, 1);
	assert_int_equal(result_of(h.p), 3);
	/* No credit for a session that has ended: its number may be another's. */
	guest_gets_nothing();
	vm_process_free(h.p);
}

static void more_than_the_window_is_a_breach(void **state)
{
	struct heard h;

	(void)state;
	(void)start(&h, &fed);
	guest_starts(1);
	h.answer = -EAGAIN;
	guest_floods(1, WIRE_WINDOW_B);
	(void)frame_put(buf, WIRE_DATA, WIRE_STREAM_STDOUT, 1, "x", 1);
	assert_int_equal(send(guest_fd, buf, WIRE_HEADER_B + 1, 0), WIRE_HEADER_B + 1);
	vm->launch.ended = false;
	assert_int_equal(vm_step(vm, 0, &err), -EPROTO);
	assert_int_equal(err.code, IRONCLAW_ERR_INTERNAL);
	assert_int_equal(h.over, 1);
	assert_int_equal(vm_process_result(h.p, NULL, &err), -EPROTO);
	vm_process_free(h.p);
}

static void a_refusal_kills_its_own_process(void **state)
{
	struct ironclaw_exec_result result = {.size = sizeof(result)};
	struct heard h, other;

	(void)state;
	(void)start(&h, &fed);
	(void)start(&other, &fed);
	guest_starts(1);
	guest_starts(2);
	h.answer = -ENOSPC;
	guest_writes(1, "x");
	(void)guest_gets_kind(WIRE_KILL, 1);
	(void)guest_gets_kind(WIRE_CREDIT, 1);
	guest_writes(1, "yyy");
	assert_int_equal(h.calls, 1);
	assert_int_equal(guest_gets_kind(WIRE_CREDIT, 1), 3);
	assert_false(vm_process_is_over(h.p));
	guest_ends(1, 9);
	assert_int_equal(vm_process_result(h.p, &result, &err), -ENOSPC);
	assert_int_equal(err.code, IRONCLAW_ERR_CANCELLED);
	guest_ends(2, 4);
	assert_int_equal(result_of(other.p), 4);
	vm_process_free(h.p);
	vm_process_free(other.p);
}

/* Output and end come in one piece: the refusal has the same end all the same. */
static void an_exec_that_was_refused_has_no_vm(void **state)
{
	struct ironclaw_exec_result result = {.size = sizeof(result)};
	struct heard h = {.answer = -ENOSPC};
	const struct ironclaw_exec_options options = {.size = sizeof(options),
						      .argv = plain,
						      .output = on_output,
						      .userdata = &h};
	size_t n;

	(void)state;
	n = frame_put(buf, WIRE_STARTED, WIRE_STREAM_NONE, 1, NULL, 0);
	n += frame_put(buf + n, WIRE_DATA, WIRE_STREAM_STDOUT, 1, "x", 1);
	n += frame_put_exit(buf + n, 1, 0);
	assert_int_equal(send(guest_fd, buf, n, 0), (ssize_t)n);
	assert_int_equal(ironclaw_vm_exec(vm, &options, &result, &err), -ENOSPC);
	assert_int_equal(err.code, IRONCLAW_ERR_CANCELLED);
	assert_int_equal(h.calls, 1);
	assert_true(vm->launch.ended);
	assert_int_equal(ironclaw_vm_exec(vm, &options, &result, &err), -EPIPE);
	assert_int_equal(err.code, IRONCLAW_ERR_LOST);
}

static void a_kill_gives_back_what_was_kept(void **state)
{
	struct heard h;

	(void)state;
	(void)start(&h, &fed);
	guest_starts(1);
	h.answer = -EAGAIN;
	guest_writes(1, "hello");
	assert_int_equal(vm_process_kill(h.p), 0);
	(void)guest_gets_kind(WIRE_KILL, 1);
	assert_int_equal(guest_gets_kind(WIRE_CREDIT, 1), 5);
	assert_int_equal(vm_process_kill(h.p), 0);
	guest_gets_nothing();
	guest_ends(1, 0);
	assert_int_equal(h.over, 1);
	assert_int_equal(h.bytes, 0);
	vm_process_free(h.p);
}

static void one_that_is_freed_keeps_its_number_until_its_end(void **state)
{
	struct heard h, other;

	(void)state;
	(void)start(&h, &fed);
	guest_starts(1);
	vm_process_free(h.p);
	(void)guest_gets_kind(WIRE_KILL, 1);
	guest_writes(1, "late");
	assert_int_equal(h.calls, 0);
	assert_int_equal(guest_gets_kind(WIRE_CREDIT, 1), 4);
	vm->link.last_id = 16;
	(void)start(&other, &fed);
	assert_int_equal(vm->link.last_id, 2);
	guest_ends(1, 0);
	assert_int_equal(h.over, 0);
	vm_process_free(other.p);
	vm->link.last_id = 16;
	(void)guest_gets_kind(WIRE_KILL, 2);
	(void)start(&h, &fed);
	assert_int_equal(vm->link.last_id, 1);
	vm_process_free(h.p);
}

static void a_handler_may_free_its_process(void **state)
{
	struct heard h, other;

	(void)state;
	(void)start(&h, &fed);
	(void)start(&other, &fed);
	h.frees_itself = other.frees_itself = true;
	guest_starts(1);
	guest_starts(2);
	guest_ends(1, 0);
	guest_ends(2, 0);
	assert_int_equal(h.over, 1);
	assert_int_equal(other.over, 1);
	assert_null(vm->processes);
}

static void input_is_queued_and_bounded(void **state)
{
	static const uint8_t much[VM_PROCESS_INPUT_MAX_B + 1];
	struct heard h;
	uint32_t sent = 0;
	struct wire_frame frame;

	(void)state;
	(void)start(&h, &fed);
	/* Before it runs, too. */
	assert_int_equal(vm_process_write(h.p, "abc", 3), 0);
	guest_gets_nothing();
	guest_starts(1);
	assert_int_equal(guest_gets_kind(WIRE_DATA, 1), 3);
	assert_int_equal(vm_process_write(h.p, "d", 1), 0);
	assert_int_equal(guest_gets_kind(WIRE_DATA, 1), 1);
	assert_int_equal(vm_process_write(h.p, much, sizeof(much)), -E2BIG);
	assert_int_equal(vm_process_write(h.p, much, VM_PROCESS_INPUT_MAX_B), 0);
	do {
		serve();
		while (guest_gets(&frame))
			sent += frame.header.length;
	} while (sent < WIRE_WINDOW_B - 4);
	/* The window is used up. */
	assert_int_equal(sent, WIRE_WINDOW_B - 4);
	assert_int_equal(vm_process_room(h.p), WIRE_WINDOW_B - 4);
	assert_int_equal(vm_process_write(h.p, much, WIRE_WINDOW_B - 3), -EAGAIN);
	assert_int_equal(vm_process_write(h.p, much, WIRE_WINDOW_B - 4), 0);
	assert_int_equal(vm_process_write(h.p, much, 1), -EAGAIN);
	assert_int_equal(vm_process_close_input(h.p), 0);
	assert_int_equal(vm_process_write(h.p, much, 1), -EPIPE);
	assert_int_equal(vm_process_close_input(h.p), -EPIPE);
	for (;;) {
		guest_says(frame_put_u32(buf, WIRE_CREDIT, WIRE_STREAM_STDIN, 1, sent));
		for (sent = 0; guest_gets(&frame) && frame.header.kind == WIRE_DATA;)
			sent += frame.header.length;
		if (frame.header.kind == WIRE_EOF)
			break;
		assert_true(sent > 0);
	}
	guest_ends(1, 0);
	vm_process_free(h.p);
}

static void one_without_input_takes_none(void **state)
{
	const struct ironclaw_exec_options none = {.size = sizeof(none), .argv = plain};
	struct heard h;

	(void)state;
	(void)start(&h, &none);
	assert_int_equal(vm_process_room(h.p), 0);
	assert_int_equal(vm_process_write(h.p, "x", 1), -EPIPE);
	assert_int_equal(vm_process_close_input(h.p), -EPIPE);
	vm_process_free(h.p);
}

static void input_of_a_descriptor_is_read_under_credit(void **state)
{
	struct ironclaw_exec_options options = {.size = sizeof(options),
						.argv = plain,
						.use_stdin = true};
	struct heard h;
	int ends[2];

	(void)state;
	assert_int_equal(pipe(ends), 0);
	options.stdin_fd = ends[0];
	(void)start(&h, &options);
	assert_int_equal(write(ends[1], "abc", 3), 3);
	serve();
	guest_gets_nothing();
	guest_starts(1);
	serve();
	assert_int_equal(guest_gets_kind(WIRE_DATA, 1), 3);
	close_fd(&ends[1]);
	serve();
	(void)guest_gets_kind(WIRE_EOF, 1);
	serve();
	guest_gets_nothing();
	vm_process_free(h.p);
	close_fd(&ends[0]);
}

static void past_its_time_it_is_killed(void **state)
{
	struct ironclaw_exec_options options = fed;
	struct heard h, other;

	(void)state;
	options.timeout_ms = 20;
	(void)start(&h, &options);
	(void)start(&other, &fed);
	guest_starts(1);
	guest_starts(2);
	while (!guest_gets(&(struct wire_frame){.payload = NULL}))
		assert_int_equal(vm_step(vm, 1000, &err), 0);
	guest_writes(1, "late");
	assert_int_equal(h.calls, 0);
	guest_ends(1, 9);
	assert_int_equal(result_of(h.p), 124);
	guest_ends(2, 5);
	assert_int_equal(result_of(other.p), 5);
	vm_process_free(h.p);
	vm_process_free(other.p);
}

static void output_that_nobody_takes_in_time_is_too_late(void **state)
{
	struct ironclaw_exec_options options = fed;
	struct heard h;

	(void)state;
	options.timeout_ms = 20;
	(void)start(&h, &options);
	guest_starts(1);
	h.answer = -EAGAIN;
	guest_writes(1, "last words");
	guest_ends(1, 0);
	while (h.over == 0)
		assert_int_equal(vm_step(vm, 1000, &err), 0);
	assert_int_equal(result_of(h.p), 124);
	vm_process_free(h.p);
}

static void a_broken_link_leaves_the_outcome_open(void **state)
{
	struct ironclaw_exec_result result = {.size = sizeof(result)};
	struct heard h[3];

	(void)state;
	for (uint16_t i = 0; i < 3; i++) {
		(void)start(&h[i], &fed);
		guest_starts((uint16_t)(i + 1));
	}
	guest_ends(2, 0);
	guest_says(frame_put(buf, WIRE_LOST, WIRE_STREAM_NONE, 1, NULL, 0));
	guest_says(frame_put(buf, WIRE_LOST, WIRE_STREAM_NONE, 3, NULL, 0));
	assert_int_equal(vm_process_result(h[0].p, &result, &err), -ECONNRESET);
	assert_int_equal(err.code, IRONCLAW_ERR_UNKNOWN_OUTCOME);
	assert_int_equal(vm_process_result(h[2].p, &result, &err), -ECONNRESET);
	assert_int_equal(result_of(h[1].p), 0);
	for (unsigned int i = 0; i < 3; i++)
		vm_process_free(h[i].p);
	(void)start(&h[0], &fed);
	vm_process_free(h[0].p);
}

static void a_lost_vm_ends_them_all(void **state)
{
	struct ironclaw_exec_result result = {.size = sizeof(result)};
	struct heard h[2];
	const struct vm_process_handler handler = {on_output, on_over, &h[0]};

	(void)state;
	(void)start(&h[0], &fed);
	(void)start(&h[1], &fed);
	guest_starts(1);
	guest_starts(2);
	close_fd(&guest_fd);
	assert_true(vm_step(vm, 1000, &err) < 0);
	for (unsigned int i = 0; i < 2; i++) {
		assert_int_equal(h[i].over, 1);
		assert_true(vm_process_result(h[i].p, &result, &err) < 0);
		assert_int_equal(vm_process_write(h[i].p, "x", 1), -EPIPE);
		vm_process_free(h[i].p);
	}
	assert_int_equal(vm_process_start(vm, &fed, &handler, &h[0].p, &err), -EPIPE);
	assert_int_equal(err.code, IRONCLAW_ERR_LOST);
	assert_int_equal(vm_step(vm, 1000, &err), -EPIPE);
}

static void one_may_be_freed_after_its_vm(void **state)
{
	struct ironclaw_exec_result result = {.size = sizeof(result)};
	struct heard h, freed;

	(void)state;
	(void)start(&h, &fed);
	(void)start(&freed, &fed);
	vm_process_free(freed.p);
	(void)tear_down(state);
	assert_true(vm_process_is_over(h.p));
	assert_int_equal(vm_process_result(h.p, &result, &err), -EPIPE);
	assert_int_equal(err.code, IRONCLAW_ERR_LOST);
	vm_process_free(h.p);
	(void)build(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_process_runs_to_its_end, build, tear_down),
		cmocka_unit_test_setup_teardown(the_seventeenth_is_refused, build, tear_down),
		cmocka_unit_test_setup_teardown(
			a_reader_that_does_not_take_stops_its_own_stream_only, build, tear_down),
		cmocka_unit_test_setup_teardown(an_end_waits_for_the_output_before_it, build,
						tear_down),
		cmocka_unit_test_setup_teardown(more_than_the_window_is_a_breach, build, tear_down),
		cmocka_unit_test_setup_teardown(a_refusal_kills_its_own_process, build, tear_down),
		cmocka_unit_test_setup_teardown(an_exec_that_was_refused_has_no_vm, build,
						tear_down),
		cmocka_unit_test_setup_teardown(a_kill_gives_back_what_was_kept, build, tear_down),
		cmocka_unit_test_setup_teardown(one_that_is_freed_keeps_its_number_until_its_end,
						build, tear_down),
		cmocka_unit_test_setup_teardown(a_handler_may_free_its_process, build, tear_down),
		cmocka_unit_test_setup_teardown(input_is_queued_and_bounded, build, tear_down),
		cmocka_unit_test_setup_teardown(one_without_input_takes_none, build, tear_down),
		cmocka_unit_test_setup_teardown(input_of_a_descriptor_is_read_under_credit, build,
						tear_down),
		cmocka_unit_test_setup_teardown(past_its_time_it_is_killed, build, tear_down),
		cmocka_unit_test_setup_teardown(output_that_nobody_takes_in_time_is_too_late, build,
						tear_down),
		cmocka_unit_test_setup_teardown(a_broken_link_leaves_the_outcome_open, build,
						tear_down),
		cmocka_unit_test_setup_teardown(a_lost_vm_ends_them_all, build, tear_down),
		cmocka_unit_test_setup_teardown(one_may_be_freed_after_its_vm, build, tear_down),
	};

	return cmocka_run_group_tests_name("process", tests, NULL, NULL);
}
