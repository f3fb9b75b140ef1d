/* SPDX-License-Identifier: Apache-2.0 */
/* test_ledger.c - link/ledger.h: what may pass, what may not, and that a refusal changes nothing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "link/ledger.h"

#define HOST  WIRE_FROM_HOST
#define GUEST WIRE_FROM_GUEST
#define IN    WIRE_STREAM_STDIN
#define OUT   WIRE_STREAM_STDOUT
#define ERR   WIRE_STREAM_STDERR
#define NONE  WIRE_STREAM_NONE

static struct ledger ledger;
static uint8_t zeros[WIRE_PAYLOAD_MAX_B];

static const char *see(enum wire_side from, enum wire_kind kind, enum wire_stream stream,
		       uint16_t session, const uint8_t *payload, uint32_t length)
{
	const struct wire_frame frame = {
		.header = {.kind = (uint8_t)kind,
			   .stream = (uint8_t)stream,
			   .session = session,
			   .length = length},
		.payload = payload,
	};

	return ledger_see(&ledger, from, &frame);
}

static void passes(enum wire_side from, enum wire_kind kind, enum wire_stream stream,
		   uint16_t session, uint32_t length)
{
	const char *bad = see(from, kind, stream, session, zeros, length);

	if (bad)
		print_error("kind %d: %s\n", (int)kind, bad);
	assert_null(bad);
}

static void refused_with(enum wire_side from, enum wire_kind kind, enum wire_stream stream,
			 uint16_t session, const uint8_t *payload, uint32_t length, const char *why)
{
	struct ledger before = ledger;
	const char *bad = see(from, kind, stream, session, payload, length);

	assert_non_null(bad);
	assert_string_equal(bad, why);
	assert_memory_equal(&before, &ledger, sizeof(ledger));
}

static void refused(enum wire_side from, enum wire_kind kind, enum wire_stream stream,
		    uint16_t session, uint32_t length, const char *why)
{
	refused_with(from, kind, stream, session, zeros, length, why);
}

static const char *credit(enum wire_side from, enum wire_stream stream, uint16_t session,
			  uint32_t bytes)
{
	uint8_t payload[4];

	wire_put_u32(payload, bytes);
	return see(from, WIRE_CREDIT, stream, session, payload, 4);
}

static void credit_refused(enum wire_side from, enum wire_stream stream, uint32_t bytes)
{
	uint8_t payload[4];

	wire_put_u32(payload, bytes);
	refused_with(from, WIRE_CREDIT, stream, 1, payload, 4, "bytes of CREDIT");
}

static const char *end(uint16_t session, uint16_t how, uint32_t value)
{
	const struct wire_exit status = {.how = how, .value = value};
	uint8_t payload[WIRE_EXIT_B];

	wire_exit_put(payload, &status);
	return see(GUEST, WIRE_EXIT, NONE, session, payload, sizeof(payload));
}

static int fresh(void **state)
{
	(void)state;
	ledger_init(&ledger);
	return 0;
}

static void open_session(uint16_t session)
{
	passes(HOST, WIRE_EXEC, NONE, session, 10);
}

static void start_session(uint16_t session)
{
	open_session(session);
	passes(GUEST, WIRE_STARTED, NONE, session, 0);
}

/* Takes the whole window of a stream. */
static void send_window(enum wire_side from, enum wire_stream stream, uint16_t session)
{
	for (uint32_t sent = 0; sent < WIRE_WINDOW_B; sent += WIRE_PAYLOAD_MAX_B)
		passes(from, WIRE_DATA, stream, session, WIRE_PAYLOAD_MAX_B);
}

static void a_session_runs_from_request_to_exit(void **state)
{
	(void)state;
	assert_true(ledger_idle(&ledger));
	passes(HOST, WIRE_EXEC_PART, NONE, 1, WIRE_PAYLOAD_MAX_B);
	assert_false(ledger_idle(&ledger));
	passes(HOST, WIRE_EXEC_PART, NONE, 1, 1);
	passes(HOST, WIRE_EXEC, NONE, 1, WIRE_PAYLOAD_MAX_B);
	passes(HOST, WIRE_DATA, IN, 1, 5);
	passes(HOST, WIRE_SIGNAL, NONE, 1, 4);
	passes(GUEST, WIRE_STARTED, NONE, 1, 0);
	passes(HOST, WIRE_WINSIZE, NONE, 1, 4);
	passes(HOST, WIRE_EOF, IN, 1, 0);
	assert_null(credit(GUEST, IN, 1, 5));
	passes(GUEST, WIRE_DATA, OUT, 1, 100);
	passes(GUEST, WIRE_DATA, ERR, 1, 100);
	assert_null(credit(HOST, OUT, 1, 100));
	assert_null(credit(HOST, ERR, 1, 40));
	assert_null(credit(HOST, ERR, 1, 60));
	passes(GUEST, WIRE_EOF, OUT, 1, 0);
	passes(GUEST, WIRE_EOF, ERR, 1, 0);
	passes(HOST, WIRE_KILL, NONE, 1, 0);
	assert_false(ledger_idle(&ledger));
	assert_null(end(1, WIRE_EXITED, 255));
	assert_true(ledger_idle(&ledger));
}

static void a_command_that_does_not_start_ends_its_session(void **state)
{
	(void)state;
	open_session(3);
	passes(GUEST, WIRE_EXEC_FAILED, NONE, 3, 8);
	assert_true(ledger_idle(&ledger));
	refused(GUEST, WIRE_EXEC_FAILED, NONE, 3, 8, "session that is not open");
	open_session(3);
}

static void all_sessions_at_once(void **state)
{
	(void)state;
	for (uint16_t id = 1; id <= WIRE_SESSION_MAX; id++)
		start_session(id);
	/* Each has windows of its own. */
	for (uint16_t id = 1; id <= WIRE_SESSION_MAX; id++) {
		send_window(GUEST, OUT, id);
		refused(GUEST, WIRE_DATA, OUT, id, 1, "DATA beyond the credit of its stream");
	}
	for (uint16_t id = 1; id <= WIRE_SESSION_MAX; id++) {
		assert_false(ledger_idle(&ledger));
		assert_null(end(id, WIRE_SIGNALED, 9));
	}
	assert_true(ledger_idle(&ledger));
}

static void session_numbers_have_bounds(void **state)
{
	static const uint16_t bad[] = {0, WIRE_SESSION_MAX + 1, UINT16_MAX};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		refused(HOST, WIRE_EXEC, NONE, bad[i], 10, "session of a frame");
		refused(GUEST, WIRE_STARTED, NONE, bad[i], 0, "session of a frame");
	}
	start_session(WIRE_SESSION_MAX);
}

static void kinds_of_the_vm_itself_have_no_place_here(void **state)
{
	static const enum wire_kind host[] = {WIRE_IDENTITY, WIRE_TIME, WIRE_STARTED, WIRE_EXIT,
					      WIRE_EXEC_FAILED};
	static const enum wire_kind guest[] = {WIRE_HELLO,   WIRE_TIME_REQUEST, WIRE_IDENTITY_OK,
					       WIRE_ERROR,   WIRE_EXEC,		WIRE_SIGNAL,
					       WIRE_WINSIZE, WIRE_KILL};

	(void)state;
	start_session(1);
	for (size_t i = 0; i < sizeof(host) / sizeof(host[0]); i++)
		refused(HOST, host[i], NONE, 1, 0, "kind of a frame from the host");
	for (size_t i = 0; i < sizeof(guest) / sizeof(guest[0]); i++)
		refused(GUEST, guest[i], NONE, 1, 0, "kind of a frame from the guest");
}

static void a_request_has_a_greatest_length(void **state)
{
	(void)state;
	for (size_t i = 0; i + 1 < WIRE_EXEC_MAX_B / WIRE_PAYLOAD_MAX_B; i++)
		passes(HOST, WIRE_EXEC_PART, NONE, 1, WIRE_PAYLOAD_MAX_B);
	passes(HOST, WIRE_EXEC_PART, NONE, 1, WIRE_PAYLOAD_MAX_B - 1);
	refused(HOST, WIRE_EXEC_PART, NONE, 1, 2, "EXEC request longer than allowed");
	refused(HOST, WIRE_EXEC, NONE, 1, WIRE_PAYLOAD_MAX_B, "EXEC request longer than allowed");
	passes(HOST, WIRE_EXEC, NONE, 1, 1);
	passes(GUEST, WIRE_STARTED, NONE, 1, 0);
}

static void an_open_session_takes_no_request(void **state)
{
	const char *why = "EXEC for a session that is open";

	(void)state;
	open_session(1);
	refused(HOST, WIRE_EXEC, NONE, 1, 1, why);
	refused(HOST, WIRE_EXEC_PART, NONE, 1, 1, why);
	passes(GUEST, WIRE_STARTED, NONE, 1, 0);
	refused(HOST, WIRE_EXEC, NONE, 1, 1, why);
	refused(HOST, WIRE_EXEC_PART, NONE, 1, 1, why);
	assert_null(end(1, WIRE_EXITED, 0));
	passes(HOST, WIRE_EXEC_PART, NONE, 1, 1);
}

static void requests_do_not_mix(void **state)
{
	const char *why = "EXEC within the request of another session";

	(void)state;
	start_session(1);
	passes(HOST, WIRE_EXEC_PART, NONE, 2, 1);
	refused(HOST, WIRE_EXEC, NONE, 3, 1, why);
	refused(HOST, WIRE_EXEC_PART, NONE, 3, 1, why);
	/* Other sessions go on meanwhile. */
	passes(HOST, WIRE_DATA, IN, 1, 9);
	passes(GUEST, WIRE_DATA, OUT, 1, 9);
	assert_null(end(1, WIRE_EXITED, 0));
	passes(HOST, WIRE_EXEC, NONE, 2, 1);
	passes(HOST, WIRE_EXEC, NONE, 3, 1);
}

static void the_guest_speaks_on_open_sessions_only(void **state)
{
	const char *why = "session that is not open";

	(void)state;
	for (int incomplete = 0; incomplete < 2; incomplete++) {
		if (incomplete)
			passes(HOST, WIRE_EXEC_PART, NONE, 1, 1);
		refused(GUEST, WIRE_STARTED, NONE, 1, 0, why);
		refused(GUEST, WIRE_EXEC_FAILED, NONE, 1, 8, why);
		refused(GUEST, WIRE_DATA, OUT, 1, 1, why);
		refused(GUEST, WIRE_EOF, ERR, 1, 0, why);
		refused(GUEST, WIRE_CREDIT, IN, 1, 4, why);
		refused(GUEST, WIRE_EXIT, NONE, 1, 8, why);
	}
}

static void started_comes_once_and_before_all_else(void **state)
{
	(void)state;
	open_session(1);
	refused(GUEST, WIRE_DATA, OUT, 1, 1, "output before STARTED");
	refused(GUEST, WIRE_EOF, OUT, 1, 0, "output before STARTED");
	assert_string_equal(end(1, WIRE_EXITED, 0), "EXIT before STARTED");
	passes(GUEST, WIRE_STARTED, NONE, 1, 0);
	refused(GUEST, WIRE_STARTED, NONE, 1, 0, "STARTED for a session that runs");
	refused(GUEST, WIRE_EXEC_FAILED, NONE, 1, 8, "EXEC_FAILED for a session that runs");
}

static void an_exit_must_make_sense(void **state)
{
	static const struct wire_exit bad[] = {{0, 0, 0},
					       {WIRE_EXITED, 0, 256},
					       {WIRE_SIGNALED, 0, 65},
					       {WIRE_EXITED, 2, 0}};
	uint8_t payload[WIRE_EXIT_B];

	(void)state;
	start_session(1);
	for (size_t i = 0; i < 4; i++) {
		struct ledger before = ledger;

		wire_exit_put(payload, &bad[i]);
		assert_non_null(see(GUEST, WIRE_EXIT, NONE, 1, payload, sizeof(payload)));
		assert_memory_equal(&before, &ledger, sizeof(ledger));
	}
	assert_null(end(1, WIRE_SIGNALED, 64));
}

static void check_window(enum wire_side from, enum wire_stream stream)
{
	enum wire_side to = from == HOST ? GUEST : HOST;
	const char *why = "DATA beyond the credit of its stream";

	send_window(from, stream, 1);
	refused(from, WIRE_DATA, stream, 1, 1, why);
	assert_null(credit(to, stream, 1, 10));
	refused(from, WIRE_DATA, stream, 1, 11, why);
	passes(from, WIRE_DATA, stream, 1, 10);
	refused(from, WIRE_DATA, stream, 1, 1, why);
	assert_null(credit(to, stream, 1, WIRE_WINDOW_B));
	send_window(from, stream, 1);
	refused(from, WIRE_DATA, stream, 1, WIRE_PAYLOAD_MAX_B, why);
}

static void data_needs_credit(void **state)
{
	(void)state;
	start_session(1);
	/* In this order: a stream without credit does not stop the next. */
	check_window(GUEST, OUT);
	check_window(GUEST, ERR);
	check_window(HOST, IN);
}

static void input_may_come_before_started(void **state)
{
	(void)state;
	open_session(1);
	send_window(HOST, IN, 1);
	refused(HOST, WIRE_DATA, IN, 1, 1, "DATA beyond the credit of its stream");
	assert_null(credit(GUEST, IN, 1, 1));
	passes(GUEST, WIRE_EXEC_FAILED, NONE, 1, 8);
}

static void check_end(enum wire_side from, enum wire_stream stream)
{
	const char *why = "DATA or EOF after the end of its stream";

	passes(from, WIRE_DATA, stream, 1, 7);
	passes(from, WIRE_EOF, stream, 1, 0);
	refused(from, WIRE_DATA, stream, 1, 1, why);
	refused(from, WIRE_EOF, stream, 1, 0, why);
	/* What came before it may still be consumed. */
	assert_null(credit(from == HOST ? GUEST : HOST, stream, 1, 7));
}

static void nothing_comes_after_the_end_of_a_stream(void **state)
{
	(void)state;
	start_session(1);
	check_end(GUEST, OUT);
	check_end(GUEST, ERR);
	check_end(HOST, IN);
}

static void credit_is_for_what_was_sent(void **state)
{
	(void)state;
	start_session(1);
	credit_refused(HOST, OUT, 1);
	credit_refused(GUEST, IN, 1);
	passes(GUEST, WIRE_DATA, OUT, 1, 100);
	passes(HOST, WIRE_DATA, IN, 1, 100);
	credit_refused(HOST, OUT, 0);
	credit_refused(HOST, OUT, 101);
	credit_refused(HOST, OUT, UINT32_MAX);
	credit_refused(HOST, OUT, UINT32_MAX - WIRE_WINDOW_B + 100);
	credit_refused(HOST, ERR, 100);
	credit_refused(GUEST, IN, 0);
	credit_refused(GUEST, IN, 101);
	credit_refused(GUEST, IN, UINT32_MAX);
	assert_null(credit(HOST, OUT, 1, 100));
	assert_null(credit(GUEST, IN, 1, 99));
	credit_refused(HOST, OUT, 1);
	credit_refused(GUEST, IN, 2);
}

static void the_host_may_be_late(void **state)
{
	struct ledger before;

	(void)state;
	start_session(1);
	assert_null(end(1, WIRE_EXITED, 0));
	before = ledger;
	for (int i = 0; i < 8; i++)
		passes(HOST, WIRE_DATA, IN, 1, WIRE_PAYLOAD_MAX_B);
	passes(HOST, WIRE_EOF, IN, 1, 0);
	passes(HOST, WIRE_EOF, IN, 1, 0);
	passes(HOST, WIRE_SIGNAL, NONE, 1, 4);
	passes(HOST, WIRE_WINSIZE, NONE, 1, 4);
	passes(HOST, WIRE_KILL, NONE, 1, 0);
	assert_null(credit(HOST, OUT, 1, UINT32_MAX));
	assert_memory_equal(&before, &ledger, sizeof(ledger));
}

static void a_number_that_is_used_again_starts_afresh(void **state)
{
	(void)state;
	start_session(1);
	send_window(GUEST, OUT, 1);
	passes(GUEST, WIRE_EOF, OUT, 1, 0);
	passes(HOST, WIRE_EOF, IN, 1, 0);
	assert_null(end(1, WIRE_EXITED, 0));
	start_session(1);
	send_window(GUEST, OUT, 1);
	send_window(HOST, IN, 1);
	refused(GUEST, WIRE_DATA, OUT, 1, 1, "DATA beyond the credit of its stream");
}

static void a_link_that_breaks_closes_every_session(void **state)
{
	uint16_t lost[WIRE_SESSION_MAX];
	bool cut = true;

	(void)state;
	assert_int_equal(ledger_lose(&ledger, lost, &cut), 0);
	assert_false(cut);
	start_session(2);
	start_session(WIRE_SESSION_MAX);
	passes(HOST, WIRE_EXEC_PART, NONE, 1, 100);
	assert_int_equal(ledger_unused(&ledger), WIRE_SESSION_MAX - 1);
	assert_int_equal(ledger_lose(&ledger, lost, &cut), 3);
	assert_int_equal(lost[0], 1);
	assert_int_equal(lost[1], 2);
	assert_int_equal(lost[2], WIRE_SESSION_MAX);
	assert_true(cut);
	assert_true(ledger_idle(&ledger));
	refused(GUEST, WIRE_DATA, OUT, 2, 1, "session that is not open");
	/* A new one may have any number. */
	start_session(2);
}

static void lost_is_no_word_of_a_guest(void **state)
{
	(void)state;
	start_session(1);
	refused(GUEST, WIRE_LOST, NONE, 1, 0, "kind of a frame from the guest");
}

static void an_unused_session_is_found(void **state)
{
	(void)state;
	for (uint16_t i = WIRE_SESSION_MAX; i >= 1; i--) {
		assert_int_equal(ledger_unused(&ledger), i);
		start_session(i);
	}
	assert_int_equal(ledger_unused(&ledger), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_session_runs_from_request_to_exit, fresh),
		cmocka_unit_test_setup(a_command_that_does_not_start_ends_its_session, fresh),
		cmocka_unit_test_setup(all_sessions_at_once, fresh),
		cmocka_unit_test_setup(session_numbers_have_bounds, fresh),
		cmocka_unit_test_setup(kinds_of_the_vm_itself_have_no_place_here, fresh),
		cmocka_unit_test_setup(a_request_has_a_greatest_length, fresh),
		cmocka_unit_test_setup(an_open_session_takes_no_request, fresh),
		cmocka_unit_test_setup(requests_do_not_mix, fresh),
		cmocka_unit_test_setup(the_guest_speaks_on_open_sessions_only, fresh),
		cmocka_unit_test_setup(started_comes_once_and_before_all_else, fresh),
		cmocka_unit_test_setup(an_exit_must_make_sense, fresh),
		cmocka_unit_test_setup(data_needs_credit, fresh),
		cmocka_unit_test_setup(input_may_come_before_started, fresh),
		cmocka_unit_test_setup(nothing_comes_after_the_end_of_a_stream, fresh),
		cmocka_unit_test_setup(credit_is_for_what_was_sent, fresh),
		cmocka_unit_test_setup(the_host_may_be_late, fresh),
		cmocka_unit_test_setup(a_number_that_is_used_again_starts_afresh, fresh),
		cmocka_unit_test_setup(a_link_that_breaks_closes_every_session, fresh),
		cmocka_unit_test_setup(lost_is_no_word_of_a_guest, fresh),
		cmocka_unit_test_setup(an_unused_session_is_found, fresh),
	};

	return cmocka_run_group_tests_name("ledger", tests, NULL, NULL);
}
