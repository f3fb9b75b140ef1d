/* SPDX-License-Identifier: Apache-2.0 */
/* test_handshake.c - link/handshake.h: the way to an identity, and every way that is none. */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "link/handshake.h"
#include "frames.h"

#define TIMES_MAX 16 /* requests for the time that are answered */
#define N_CLONES  200

static int guest_fd = -EBADF, host_fd = -EBADF;
static struct handshake h;

static int build(void **state)
{
	int pair[2];

	(void)state;
	(void)signal(SIGPIPE, SIG_IGN);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	guest_fd = pair[0];
	host_fd = pair[1];
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	close_fd(&guest_fd);
	close_fd(&host_fd);
	return 0;
}

static int see(enum wire_kind kind, const void *payload, uint32_t length, const char **bad)
{
	const struct wire_frame frame = {.header = {.kind = (uint8_t)kind, .length = length},
					 .payload = payload};

	*bad = NULL;
	return handshake_see(&h, &frame, host_fd, bad);
}

static void accepted(enum wire_kind kind, const void *payload, uint32_t length)
{
	const char *bad;

	assert_int_equal(see(kind, payload, length, &bad), 0);
	assert_null(bad);
}

static void refused(enum wire_kind kind, const void *payload, uint32_t length, const char *why)
{
	enum handshake_state before = h.state;
	const char *bad;

	assert_int_equal(see(kind, payload, length, &bad), -EPROTO);
	assert_non_null(bad);
	assert_string_equal(bad, why);
	assert_int_equal(h.state, before);
}

static void hello(uint32_t version, bool ok)
{
	uint8_t payload[4];

	wire_put_u32(payload, version);
	if (ok)
		accepted(WIRE_HELLO, payload, 4);
	else
		refused(WIRE_HELLO, payload, 4, "version of HELLO");
}

/* What the guest hears: one frame, or nothing. */
static bool hears(struct wire_header *header, uint8_t payload[WIRE_PAYLOAD_MAX_B])
{
	uint8_t bytes[WIRE_HEADER_B];

	if (recv(guest_fd, bytes, sizeof(bytes), MSG_DONTWAIT) != sizeof(bytes))
		return false;
	wire_header_get(bytes, header);
	assert_null(wire_header_check(header, WIRE_FROM_HOST));
	assert_int_equal(recv(guest_fd, payload, header->length, MSG_DONTWAIT), header->length);
	return true;
}

static void hears_nothing(void)
{
	uint8_t byte;

	assert_int_equal(recv(guest_fd, &byte, 1, MSG_DONTWAIT), -1);
	assert_int_equal(errno, EAGAIN);
}

static void hears_identity(struct wire_identity *ret)
{
	static uint8_t payload[WIRE_PAYLOAD_MAX_B];
	struct wire_header header;

	assert_true(hears(&header, payload));
	assert_int_equal(header.kind, WIRE_IDENTITY);
	assert_null(wire_identity_get(payload, header.length, ret));
	hears_nothing();
}

static void hears_time(uint64_t token)
{
	static uint8_t payload[WIRE_PAYLOAD_MAX_B];
	struct wire_header header;
	struct timespec now;
	uint64_t ns;

	assert_true(hears(&header, payload));
	assert_int_equal(header.kind, WIRE_TIME);
	assert_true(wire_get_u64(payload) == token);
	(void)clock_gettime(CLOCK_REALTIME, &now);
	ns = wire_get_u64(payload + 8);
	assert_true((uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec - ns < 5000000000);
	hears_nothing();
}

static void ask_time(uint64_t token)
{
	uint8_t payload[8];

	wire_put_u64(payload, token);
	accepted(WIRE_TIME_REQUEST, payload, sizeof(payload));
	hears_time(token);
}

static void begin(bool booting)
{
	assert_int_equal(handshake_init(&h, booting, "vm-1", 512), 0);
	assert_int_equal(handshake_begin(&h, host_fd), 0);
}

static void a_booting_guest_speaks_first(void **state)
{
	struct wire_identity identity;

	(void)state;
	begin(true);
	hears_nothing();
	hello(WIRE_VERSION, true);
	hears_identity(&identity);
	assert_string_equal(identity.hostname, "vm-1");
	assert_int_equal(identity.overlay_mib, 512);
	assert_memory_equal(&identity, &h.identity, sizeof(identity));
	ask_time(1);
	ask_time(UINT64_MAX);
	assert_int_equal(h.state, HANDSHAKE_WAIT_OK);
	accepted(WIRE_IDENTITY_OK, NULL, 0);
	assert_int_equal(h.state, HANDSHAKE_DONE);
	hears_nothing();
}

static void a_restored_guest_is_told_at_once(void **state)
{
	struct wire_identity identity;

	(void)state;
	begin(false);
	hears_identity(&identity);
	assert_memory_equal(&identity, &h.identity, sizeof(identity));
	/* It need not ask for the time. */
	accepted(WIRE_IDENTITY_OK, NULL, 0);
	assert_int_equal(h.state, HANDSHAKE_DONE);
}

static void another_version_is_refused(void **state)
{
	(void)state;
	begin(true);
	hello(0, false);
	hello(WIRE_VERSION + 1, false);
	hello(WIRE_VERSION << 8, false);
	hello(UINT32_MAX, false);
	hears_nothing();
}

static void the_time_is_asked_a_bounded_number_of_times(void **state)
{
	static const uint8_t token[8];
	struct wire_identity identity;

	(void)state;
	begin(false);
	hears_identity(&identity);
	for (uint64_t i = 0; i < TIMES_MAX; i++)
		ask_time(i);
	refused(WIRE_TIME_REQUEST, token, 8, "number of TIME_REQUEST frames");
	refused(WIRE_TIME_REQUEST, token, 8, "number of TIME_REQUEST frames");
	hears_nothing();
}

/* All that wire_header_check() lets a guest send. */
static const enum wire_kind kinds[] = {WIRE_HELLO, WIRE_TIME_REQUEST, WIRE_IDENTITY_OK,
				       WIRE_ERROR, WIRE_STARTED,      WIRE_EXEC_FAILED,
				       WIRE_DATA,  WIRE_EOF,	      WIRE_CREDIT,
				       WIRE_EXIT};

static void check_kinds(enum wire_kind allowed, enum wire_kind also)
{
	static const uint8_t zeros[16];

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (kinds[i] != allowed && kinds[i] != also)
			refused(kinds[i], zeros, 8, "kind of a frame before IDENTITY_OK");
	}
	hears_nothing();
}

static void other_kinds_are_refused_in_every_state(void **state)
{
	struct wire_identity identity;

	(void)state;
	begin(true);
	check_kinds(WIRE_HELLO, WIRE_HELLO);
	hello(WIRE_VERSION, true);
	hears_identity(&identity);
	check_kinds(WIRE_TIME_REQUEST, WIRE_IDENTITY_OK);
	accepted(WIRE_IDENTITY_OK, NULL, 0);
	check_kinds(WIRE_KIND_MAX, WIRE_KIND_MAX);
}

static void a_restored_guest_says_no_hello(void **state)
{
	uint8_t payload[4];
	struct wire_identity identity;

	(void)state;
	begin(false);
	hears_identity(&identity);
	wire_put_u32(payload, WIRE_VERSION);
	refused(WIRE_HELLO, payload, 4, "kind of a frame before IDENTITY_OK");
	hears_nothing();
}

static void every_identity_is_another(void **state)
{
	static struct wire_identity all[N_CLONES];

	(void)state;
	for (size_t i = 0; i < N_CLONES; i++) {
		assert_int_equal(handshake_init(&h, false, "vm-1", 64), 0);
		all[i] = h.identity;
		/* RFC 4122: version 4, variant 1. */
		assert_int_equal(all[i].boot_id[14], '4');
		assert_non_null(strchr("89ab", all[i].boot_id[19]));
		/* Drawn each for itself: one does not tell the other. */
		assert_memory_not_equal(all[i].boot_id, all[i].machine_id, 8);
		for (size_t j = 0; j < i; j++) {
			assert_memory_not_equal(all[i].entropy, all[j].entropy, WIRE_ENTROPY_B);
			assert_string_not_equal(all[i].machine_id, all[j].machine_id);
			assert_string_not_equal(all[i].boot_id, all[j].boot_id);
		}
	}
}

static void an_identity_out_of_bounds_is_not_sent(void **state)
{
	static const char *const bad[] = {"", "a b", "a.b", "a_b", "\xc3\xa4"};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(handshake_init(&h, false, bad[i], 64), 0);
		assert_int_equal(handshake_begin(&h, host_fd), -EINVAL);
	}
	assert_int_equal(handshake_init(&h, false, "vm-1", 0), 0);
	assert_int_equal(handshake_begin(&h, host_fd), -EINVAL);
	hears_nothing();
}

static void a_guest_that_is_gone_is_told(void **state)
{
	const char *bad;
	uint8_t payload[8] = {WIRE_VERSION};

	(void)state;
	close_fd(&guest_fd);
	assert_int_equal(handshake_init(&h, false, "vm-1", 64), 0);
	assert_int_equal(handshake_begin(&h, host_fd), -EPIPE);
	assert_int_equal(see(WIRE_TIME_REQUEST, payload, 8, &bad), -EPIPE);
	begin(true);
	assert_int_equal(see(WIRE_HELLO, payload, 4, &bad), -EPIPE);
	assert_int_equal(h.state, HANDSHAKE_WAIT_HELLO);
}

static void a_new_link_gets_the_same_identity(void **state)
{
	const uint8_t version[4] = {WIRE_VERSION};
	struct wire_identity before;
	const char *bad;

	(void)state;
	begin(true);
	before = h.identity;
	h.state = HANDSHAKE_DONE;
	h.time_requests = 16;
	handshake_again(&h);
	/* Not ahead of its HELLO. */
	assert_int_equal(handshake_begin(&h, host_fd), 0);
	hears_nothing();
	assert_int_equal(see(WIRE_HELLO, version, 4, &bad), 0);
	assert_int_equal(h.state, HANDSHAKE_WAIT_OK);
	assert_int_equal(h.time_requests, 0);
	assert_memory_equal(&h.identity, &before, sizeof(before));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_booting_guest_speaks_first, build, tear_down),
		cmocka_unit_test_setup_teardown(a_restored_guest_is_told_at_once, build, tear_down),
		cmocka_unit_test_setup_teardown(another_version_is_refused, build, tear_down),
		cmocka_unit_test_setup_teardown(the_time_is_asked_a_bounded_number_of_times, build,
						tear_down),
		cmocka_unit_test_setup_teardown(other_kinds_are_refused_in_every_state, build,
						tear_down),
		cmocka_unit_test_setup_teardown(a_restored_guest_says_no_hello, build, tear_down),
		cmocka_unit_test_setup_teardown(every_identity_is_another, build, tear_down),
		cmocka_unit_test_setup_teardown(an_identity_out_of_bounds_is_not_sent, build,
						tear_down),
		cmocka_unit_test_setup_teardown(a_guest_that_is_gone_is_told, build, tear_down),
		cmocka_unit_test_setup_teardown(a_new_link_gets_the_same_identity, build,
						tear_down),
	};

	return cmocka_run_group_tests_name("handshake", tests, NULL, NULL);
}
