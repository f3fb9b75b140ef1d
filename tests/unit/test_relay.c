/* SPDX-License-Identifier: Apache-2.0 */
/* test_relay.c - link/relay.h over sockets: what passes, in what pieces, and what stops a lane. */
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
#include "link/relay.h"
#include "frames.h"

#define STREAM_B (50U * 1024U * 1024U)
#define HELD_B	 (4U * 1024U * 1024U)

/* The keeper in the middle: the guest at one end, the library at the other. */
static struct rig {
	int guest, keeper_link, keeper_client, client;
	struct ledger ledger;
	struct relay_lane from_guest, from_host;
} rig;

static uint8_t buf[2 * HELD_B], got[2 * HELD_B];

static int build(void **state)
{
	const int type = SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK;
	int link[2], client[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, type, 0, link), 0);
	assert_int_equal(socketpair(AF_UNIX, type, 0, client), 0);
	rig.guest = link[0];
	rig.keeper_link = link[1];
	rig.keeper_client = client[1];
	rig.client = client[0];
	ledger_init(&rig.ledger);
	relay_lane_init(&rig.from_guest, WIRE_FROM_GUEST, rig.keeper_link, rig.keeper_client);
	relay_lane_init(&rig.from_host, WIRE_FROM_HOST, rig.keeper_client, rig.keeper_link);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	close_fd(&rig.guest);
	close_fd(&rig.keeper_link);
	close_fd(&rig.keeper_client);
	close_fd(&rig.client);
	return 0;
}

static void put(int fd, const void *bytes, size_t len)
{
	assert_int_equal(send(fd, bytes, len, MSG_NOSIGNAL), (ssize_t)len);
}

static void step(struct relay_lane *lane)
{
	assert_int_equal(relay_lane_step(lane, &rig.ledger), 0);
}

/* A read, a check and a write. */
static void carry(struct relay_lane *lane)
{
	step(lane);
	while (relay_lane_is_writing(lane))
		step(lane);
}

static void arrives(int fd, const void *bytes, size_t len)
{
	size_t n = 0;
	ssize_t r;

	while ((r = recv(fd, got + n, sizeof(got) - n, 0)) > 0)
		n += (size_t)r;
	assert_int_equal(n, len);
	if (len > 0)
		assert_memory_equal(got, bytes, len);
}

static void nothing_arrives(int fd)
{
	arrives(fd, NULL, 0);
}

/* From both sides, so that session 1 runs. */
static void start(void)
{
	size_t n = frame_put(buf, WIRE_EXEC, WIRE_STREAM_NONE, 1, "request", 7);

	put(rig.client, buf, n);
	carry(&rig.from_host);
	arrives(rig.guest, buf, n);
	n = frame_put(buf, WIRE_STARTED, WIRE_STREAM_NONE, 1, NULL, 0);
	put(rig.guest, buf, n);
	carry(&rig.from_guest);
	arrives(rig.client, buf, n);
}

static void frames_pass_both_ways(void **state)
{
	size_t n = 0;

	(void)state;
	start();
	n += frame_put(buf + n, WIRE_DATA, WIRE_STREAM_STDOUT, 1, "output", 6);
	n += frame_put(buf + n, WIRE_DATA, WIRE_STREAM_STDERR, 1, "error", 5);
	n += frame_put(buf + n, WIRE_EOF, WIRE_STREAM_STDOUT, 1, NULL, 0);
	put(rig.guest, buf, n);
	carry(&rig.from_guest);
	arrives(rig.client, buf, n);
	n = frame_put(buf, WIRE_DATA, WIRE_STREAM_STDIN, 1, "input", 5);
	n += frame_put_u32(buf + n, WIRE_CREDIT, WIRE_STREAM_STDOUT, 1, 6);
	put(rig.client, buf, n);
	carry(&rig.from_host);
	arrives(rig.guest, buf, n);
}

static void a_frame_in_bytes_passes_when_it_is_whole(void **state)
{
	size_t n = frame_put(buf, WIRE_DATA, WIRE_STREAM_STDOUT, 1, "output", 6);

	(void)state;
	start();
	n = frame_put(buf, WIRE_DATA, WIRE_STREAM_STDOUT, 1, "output", 6);
	for (size_t i = 0; i < n; i++) {
		nothing_arrives(rig.client);
		put(rig.guest, buf + i, 1);
		carry(&rig.from_guest);
	}
	arrives(rig.client, buf, n);
	/* Without anything to read a step does nothing. */
	step(&rig.from_guest);
	assert_false(relay_lane_is_writing(&rig.from_guest));
}

static void a_whole_frame_passes_without_the_half_behind_it(void **state)
{
	size_t first, n;

	(void)state;
	start();
	first = n = frame_put(buf, WIRE_DATA, WIRE_STREAM_STDOUT, 1, "output", 6);
	n += frame_put(buf + n, WIRE_DATA, WIRE_STREAM_STDERR, 1, "error", 5);
	put(rig.guest, buf, n - 1);
	carry(&rig.from_guest);
	arrives(rig.client, buf, first);
	put(rig.guest, buf + n - 1, 1);
	carry(&rig.from_guest);
	arrives(rig.client, buf + first, n - first);
}

/* As much as the sockets and the lane take; the return value is what was sent. */
static size_t fill(int from, struct relay_lane *lane, enum wire_stream stream)
{
	static const uint8_t payload[1000];
	size_t n = frame_put(buf, WIRE_DATA, stream, 1, payload, sizeof(payload)), sent = 0;
	int idle = 0;

	while (idle < 3) {
		ssize_t r = send(from, buf, n, MSG_NOSIGNAL);

		/* A stream socket may take a part; then the lane is as full as it gets. */
		if (r > 0)
			sent += (size_t)r;
		if (r != (ssize_t)n)
			idle++;
		if (r > 0 && r != (ssize_t)n)
			return sent;
		step(lane);
	}
	return sent;
}

static void a_receiver_that_does_not_read_stops_its_lane_only(void **state)
{
	static struct ledger_stream *window;
	size_t sent, n;
	ssize_t r;

	(void)state;
	start();
	/* The socket is to be the limit here, not the credit. */
	window = &rig.ledger.sessions[1].streams[WIRE_STREAM_STDOUT];
	window->window = UINT32_MAX;
	sent = fill(rig.guest, &rig.from_guest, WIRE_STREAM_STDOUT);
	assert_true(relay_lane_is_writing(&rig.from_guest));
	/* What is under way is bounded by two sockets and one buffer. */
	assert_true(sent > 100000 && sent < 4U * 1024U * 1024U);
	for (int i = 0; i < 100; i++) {
		n = frame_put(buf, WIRE_DATA, WIRE_STREAM_STDIN, 1, "input", 5);
		put(rig.client, buf, n);
		carry(&rig.from_host);
		arrives(rig.guest, buf, n);
	}
	/* And everything is there for the receiver when he reads. */
	for (n = 0; n < sent && (r = recv(rig.client, got, sizeof(got), 0)) != 0;) {
		if (r > 0)
			n += (size_t)r;
		step(&rig.from_guest);
	}
	/* All but the half of a frame that the guest could not get rid of. */
	assert_true(sent - n < 1000 + WIRE_HEADER_B);
}

static uint32_t draw(uint32_t *seed, uint32_t below)
{
	*seed = *seed * 1664525U + 1013904223U;
	return (uint32_t)(((uint64_t)*seed * below) >> 32);
}

/* A guest that writes as fast as credit allows, and a library that gives it back. */
static struct flow {
	uint32_t seed;
	uint64_t made, received;
	uint32_t window[WIRE_STREAM_MAX];
	uint8_t out[HELD_B], back[HELD_B]; /* rings by position: not yet received, not yet sent */
	size_t out_used, out_sent, back_used, back_sent;
	struct wire_reader at_client, at_guest;
	uint8_t client_space[2 * WIRE_FRAME_MAX_B], guest_space[2 * WIRE_FRAME_MAX_B];
	uint64_t sum_made, sum_received;
} flow;

static uint64_t sum_of(uint64_t sum, const uint8_t *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		sum = (sum ^ bytes[i]) * UINT64_C(1099511628211);
	return sum;
}

/* Adds a random frame of output, when there is credit and room for it. */
static void make_output(void)
{
	enum wire_stream stream = draw(&flow.seed, 3) ? WIRE_STREAM_STDOUT : WIRE_STREAM_STDERR;
	uint32_t most = draw(&flow.seed, 4) ? 3000 : WIRE_PAYLOAD_MAX_B;
	uint32_t length = 1 + draw(&flow.seed, most);
	uint8_t *at = flow.out + flow.out_used;

	if (length > flow.window[stream] || flow.out_used > HELD_B / 2)
		return;
	for (uint32_t i = 0; i < length; i += 4)
		wire_put_u32(at + WIRE_HEADER_B + i, flow.seed + i);
	flow.out_used += frame_put(at, WIRE_DATA, stream, 1, NULL, 0);
	wire_put_u32(at, length);
	flow.out_used += length;
	flow.window[stream] -= length;
	flow.made += length;
	flow.sum_made = sum_of(flow.sum_made, at, WIRE_HEADER_B + length);
}

/* Writes a random piece of what is waiting. */
static void send_some(int fd, const uint8_t *bytes, size_t *sent, size_t *used)
{
	size_t n = *used - *sent, piece = 1 + draw(&flow.seed, 40000);
	ssize_t r;

	r = n == 0 ? 0 : send(fd, bytes + *sent, n < piece ? n : piece, MSG_NOSIGNAL);
	if (r > 0)
		*sent += (size_t)r;
	if (*sent == *used)
		*sent = *used = 0;
}

static size_t take_some(int fd, struct wire_reader *reader)
{
	size_t room, piece = 1 + draw(&flow.seed, 40000);
	uint8_t *space = wire_reader_space(reader, &room);
	ssize_t r = recv(fd, space, room < piece ? room : piece, 0);

	if (r <= 0)
		return 0;
	wire_reader_added(reader, (size_t)r);
	return (size_t)r;
}

static void client_reads(void)
{
	struct wire_frame f;

	(void)take_some(rig.client, &flow.at_client);
	while (wire_reader_next(&flow.at_client, &f) > 0) {
		flow.sum_received = sum_of(flow.sum_received, f.payload - WIRE_HEADER_B,
					   WIRE_HEADER_B + f.header.length);
		flow.received += f.header.length;
		assert_true(flow.back_used < HELD_B - 12);
		flow.back_used +=
			frame_put_u32(flow.back + flow.back_used, WIRE_CREDIT,
				      (enum wire_stream)f.header.stream, 1, f.header.length);
	}
}

static void guest_reads(void)
{
	struct wire_frame f;

	(void)take_some(rig.guest, &flow.at_guest);
	while (wire_reader_next(&flow.at_guest, &f) > 0) {
		assert_int_equal(f.header.kind, WIRE_CREDIT);
		flow.window[f.header.stream] += wire_get_u32(f.payload);
	}
}

static void fifty_megabytes_in_random_pieces(void **state)
{
	(void)state;
	start();
	memset(&flow, 0, sizeof(flow));
	flow.seed = 4711;
	flow.window[WIRE_STREAM_STDOUT] = flow.window[WIRE_STREAM_STDERR] = WIRE_WINDOW_B;
	wire_reader_init(&flow.at_client, WIRE_FROM_GUEST, flow.client_space,
			 sizeof(flow.client_space));
	wire_reader_init(&flow.at_guest, WIRE_FROM_HOST, flow.guest_space,
			 sizeof(flow.guest_space));
	while (flow.received < STREAM_B) {
		switch (draw(&flow.seed, 6)) {
		case 0:
			make_output();
			send_some(rig.guest, flow.out, &flow.out_sent, &flow.out_used);
			break;
		case 1:
			step(&rig.from_guest);
			break;
		case 2:
			client_reads();
			break;
		case 3:
			send_some(rig.client, flow.back, &flow.back_sent, &flow.back_used);
			break;
		case 4:
			step(&rig.from_host);
			break;
		default:
			guest_reads();
			break;
		}
	}
	while (flow.received < flow.made) {
		send_some(rig.guest, flow.out, &flow.out_sent, &flow.out_used);
		step(&rig.from_guest);
		client_reads();
	}
	assert_true(flow.sum_made == flow.sum_received);
	assert_int_equal(flow.made, flow.received);
}

static void breaks(struct relay_lane *lane, const char *why)
{
	assert_int_equal(relay_lane_step(lane, &rig.ledger), -EPROTO);
	assert_non_null(lane->bad);
	assert_string_equal(lane->bad, why);
	/* And it stays so: nothing of the frame is ever forwarded. */
	assert_false(relay_lane_is_writing(lane));
	assert_int_equal(relay_lane_step(lane, &rig.ledger), -EPROTO);
}

static void a_broken_rule_stops_the_lane_before_a_byte_passes(void **state)
{
	size_t n;

	(void)state;
	start();
	n = frame_put(buf, WIRE_STARTED, WIRE_STREAM_NONE, 1, NULL, 0);
	put(rig.guest, buf, n);
	breaks(&rig.from_guest, "STARTED for a session that runs");
	nothing_arrives(rig.client);
	n = frame_put(buf, WIRE_EXEC, WIRE_STREAM_NONE, 1, "x", 1);
	put(rig.client, buf, n);
	breaks(&rig.from_host, "EXEC for a session that is open");
	nothing_arrives(rig.guest);
}

static void a_complaint_of_the_guest_is_heard(void **state)
{
	static char text[WIRE_ERROR_MAX_B];
	size_t n;

	(void)state;
	start();
	n = frame_put(buf, WIRE_ERROR, WIRE_STREAM_NONE, 0, "length of DATA", 14);
	put(rig.guest, buf, n);
	breaks(&rig.from_guest, "it complains about: length of DATA");
	nothing_arrives(rig.client);
	/* The longest fits, whatever is in it. */
	relay_lane_init(&rig.from_guest, WIRE_FROM_GUEST, rig.keeper_link, rig.keeper_client);
	memset(text, '%', sizeof(text));
	n = frame_put(buf, WIRE_ERROR, WIRE_STREAM_NONE, 0, text, sizeof(text));
	put(rig.guest, buf, n);
	assert_int_equal(relay_lane_step(&rig.from_guest, &rig.ledger), -EPROTO);
	assert_int_equal(strlen(rig.from_guest.bad), strlen("it complains about: ") + sizeof(text));
	nothing_arrives(rig.client);
}

static void a_bad_header_stops_the_lane_at_once(void **state)
{
	(void)state;
	start();
	(void)frame_put(buf, WIRE_DATA, WIRE_STREAM_STDOUT, 1, NULL, 0);
	wire_put_u32(buf, WIRE_PAYLOAD_MAX_B + 1);
	put(rig.guest, buf, WIRE_HEADER_B);
	breaks(&rig.from_guest, "length of DATA");
	nothing_arrives(rig.client);
	(void)frame_put(buf, WIRE_STARTED, WIRE_STREAM_NONE, 1, NULL, 0);
	put(rig.client, buf, WIRE_HEADER_B);
	breaks(&rig.from_host, "direction of STARTED");
	nothing_arrives(rig.guest);
}

static void more_than_the_credit_does_not_pass(void **state)
{
	static uint8_t payload[WIRE_PAYLOAD_MAX_B];
	size_t n;

	(void)state;
	start();
	for (int i = 0; i < 4; i++) {
		n = frame_put(buf, WIRE_DATA, WIRE_STREAM_STDOUT, 1, payload, sizeof(payload));
		put(rig.guest, buf, n);
		carry(&rig.from_guest);
		arrives(rig.client, buf, n);
	}
	n = frame_put(buf, WIRE_DATA, WIRE_STREAM_STDOUT, 1, payload, 1);
	put(rig.guest, buf, n);
	breaks(&rig.from_guest, "DATA beyond the credit of its stream");
	nothing_arrives(rig.client);
}

static void an_end_between_frames_is_an_end(void **state)
{
	size_t n;

	(void)state;
	start();
	n = frame_put(buf, WIRE_DATA, WIRE_STREAM_STDOUT, 1, "x", 1);
	put(rig.guest, buf, n);
	close_fd(&rig.guest);
	carry(&rig.from_guest);
	assert_int_equal(relay_lane_step(&rig.from_guest, &rig.ledger), -ENODATA);
	assert_null(rig.from_guest.bad);
	arrives(rig.client, buf, n);
}

static void an_end_within_a_frame_is_a_breach(void **state)
{
	size_t n;

	(void)state;
	start();
	n = frame_put(buf, WIRE_DATA, WIRE_STREAM_STDOUT, 1, "x", 1);
	put(rig.guest, buf, n - 1);
	close_fd(&rig.guest);
	carry(&rig.from_guest);
	breaks(&rig.from_guest, "frame that was cut off");
	nothing_arrives(rig.client);
}

/* As the keeper does it when a connection ends. */
static void the_link_breaks(bool *ret_cut)
{
	uint16_t lost[WIRE_SESSION_MAX];
	unsigned int n = ledger_lose(&rig.ledger, lost, ret_cut);
	const int type = SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK;
	int link[2];

	relay_lane_cut(&rig.from_guest);
	while (relay_lane_is_writing(&rig.from_guest))
		step(&rig.from_guest);
	for (unsigned int i = 0; i < n; i++)
		relay_lane_put(&rig.from_guest, WIRE_LOST, lost[i], NULL, 0);
	while (relay_lane_is_writing(&rig.from_guest))
		step(&rig.from_guest);
	close_fd(&rig.guest);
	close_fd(&rig.keeper_link);
	assert_int_equal(socketpair(AF_UNIX, type, 0, link), 0);
	rig.guest = link[0];
	rig.keeper_link = link[1];
	relay_lane_init(&rig.from_guest, WIRE_FROM_GUEST, rig.keeper_link, rig.keeper_client);
	relay_lane_redirect(&rig.from_host, rig.keeper_link, *ret_cut);
}

static void a_link_that_may_break_ends_at_any_byte(void **state)
{
	size_t whole, n;
	bool cut;

	(void)state;
	start();
	rig.from_guest.breakable = true;
	whole = frame_put(buf, WIRE_DATA, WIRE_STREAM_STDOUT, 1, "x", 1);
	n = whole + frame_put(buf + whole, WIRE_DATA, WIRE_STREAM_STDOUT, 1, "yz", 2);
	put(rig.guest, buf, n - 1);
	close_fd(&rig.guest);
	carry(&rig.from_guest);
	assert_int_equal(relay_lane_step(&rig.from_guest, &rig.ledger), -ENODATA);
	assert_null(rig.from_guest.bad);
	the_link_breaks(&cut);
	assert_false(cut);
	/* What was whole, and then the end of its session. */
	n = whole + frame_put(buf + whole, WIRE_LOST, WIRE_STREAM_NONE, 1, NULL, 0);
	arrives(rig.client, buf, n);
	/* The new link begins at a frame. */
	start();
}

static void checked_bytes_reach_a_slow_library_before_the_loss_is_told(void **state)
{
	size_t n;
	bool cut;

	(void)state;
	start();
	n = frame_put(buf, WIRE_DATA, WIRE_STREAM_STDOUT, 1, "x", 1);
	put(rig.guest, buf, n);
	step(&rig.from_guest);
	assert_true(relay_lane_is_writing(&rig.from_guest));
	the_link_breaks(&cut);
	n += frame_put(buf + n, WIRE_LOST, WIRE_STREAM_NONE, 1, NULL, 0);
	arrives(rig.client, buf, n);
}

static void what_the_host_had_said_does_not_reach_a_new_link(void **state)
{
	size_t n, whole;
	bool cut;

	(void)state;
	start();
	/* Checked, and not yet written; and the first bytes of what comes next. */
	n = frame_put(buf, WIRE_DATA, WIRE_STREAM_STDIN, 1, "input", 5);
	whole = n;
	n += frame_put(buf + n, WIRE_EXEC, WIRE_STREAM_NONE, 2, "next", 4);
	put(rig.client, buf, n - 3);
	step(&rig.from_host);
	the_link_breaks(&cut);
	assert_false(cut);
	put(rig.client, buf + n - 3, 3);
	carry(&rig.from_host);
	/* The command that nobody had seen yet runs on the new one, whole. */
	arrives(rig.guest, buf + whole, n - whole);
}

static void the_rest_of_a_request_does_not_become_one(void **state)
{
	size_t n, rest;
	bool cut;

	(void)state;
	n = frame_put(buf, WIRE_EXEC_PART, WIRE_STREAM_NONE, 1, "first", 5);
	put(rig.client, buf, n);
	carry(&rig.from_host);
	arrives(rig.guest, buf, n);
	the_link_breaks(&cut);
	assert_true(cut);
	n = frame_put(buf, WIRE_LOST, WIRE_STREAM_NONE, 1, NULL, 0);
	arrives(rig.client, buf, n);
	/* Twice. */
	the_link_breaks(&cut);
	assert_false(cut);
	n = frame_put(buf, WIRE_EXEC_PART, WIRE_STREAM_NONE, 1, "second", 6);
	n += frame_put(buf + n, WIRE_EXEC, WIRE_STREAM_NONE, 1, "last", 4);
	rest = n;
	n += frame_put(buf + n, WIRE_EXEC, WIRE_STREAM_NONE, 2, "another", 7);
	put(rig.client, buf, n);
	carry(&rig.from_host);
	arrives(rig.guest, buf + rest, n - rest);
}

static void a_frame_of_our_own_goes_between_the_others(void **state)
{
	size_t n;

	(void)state;
	start();
	relay_lane_put(&rig.from_host, WIRE_KILL, 16, NULL, 0);
	carry(&rig.from_host);
	n = frame_put(buf, WIRE_KILL, WIRE_STREAM_NONE, 16, NULL, 0);
	arrives(rig.guest, buf, n);
	n = frame_put(buf, WIRE_DATA, WIRE_STREAM_STDIN, 1, "input", 5);
	put(rig.client, buf, n);
	carry(&rig.from_host);
	arrives(rig.guest, buf, n);
}

static void a_receiver_that_is_gone_is_told(void **state)
{
	size_t n;

	(void)state;
	start();
	n = frame_put(buf, WIRE_DATA, WIRE_STREAM_STDOUT, 1, "x", 1);
	put(rig.guest, buf, n);
	step(&rig.from_guest);
	close_fd(&rig.client);
	assert_int_equal(relay_lane_step(&rig.from_guest, &rig.ledger), -EPIPE);
}

/* As after the handshake: what was taken from the reader is not forwarded, the rest is. */
static void consumed_frames_are_not_forwarded(void **state)
{
	struct wire_reader *reader = &rig.from_guest.reader;
	struct wire_frame frame;
	size_t n, room, first;
	uint8_t *space;

	(void)state;
	rig.ledger.sessions[1].state = LEDGER_REQUESTED;
	rig.ledger.sessions[1].request_length = UINT32_MAX;
	first = n = frame_put(buf, WIRE_IDENTITY_OK, WIRE_STREAM_NONE, 0, NULL, 0);
	n += frame_put(buf + n, WIRE_STARTED, WIRE_STREAM_NONE, 1, NULL, 0);
	space = wire_reader_space(reader, &room);
	memcpy(space, buf, n - 1);
	wire_reader_added(reader, n - 1);
	assert_int_equal(wire_reader_next(reader, &frame), 1);
	assert_int_equal(wire_reader_next(reader, &frame), 0);
	relay_lane_consume(&rig.from_guest);
	assert_false(relay_lane_is_writing(&rig.from_guest));
	put(rig.guest, buf + n - 1, 1);
	carry(&rig.from_guest);
	arrives(rig.client, buf + first, n - first);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(frames_pass_both_ways, build, tear_down),
		cmocka_unit_test_setup_teardown(a_frame_in_bytes_passes_when_it_is_whole, build,
						tear_down),
		cmocka_unit_test_setup_teardown(a_whole_frame_passes_without_the_half_behind_it,
						build, tear_down),
		cmocka_unit_test_setup_teardown(a_receiver_that_does_not_read_stops_its_lane_only,
						build, tear_down),
		cmocka_unit_test_setup_teardown(fifty_megabytes_in_random_pieces, build, tear_down),
		cmocka_unit_test_setup_teardown(a_broken_rule_stops_the_lane_before_a_byte_passes,
						build, tear_down),
		cmocka_unit_test_setup_teardown(a_complaint_of_the_guest_is_heard, build,
						tear_down),
		cmocka_unit_test_setup_teardown(a_bad_header_stops_the_lane_at_once, build,
						tear_down),
		cmocka_unit_test_setup_teardown(more_than_the_credit_does_not_pass, build,
						tear_down),
		cmocka_unit_test_setup_teardown(an_end_between_frames_is_an_end, build, tear_down),
		cmocka_unit_test_setup_teardown(an_end_within_a_frame_is_a_breach, build,
						tear_down),
		cmocka_unit_test_setup_teardown(a_link_that_may_break_ends_at_any_byte, build,
						tear_down),
		cmocka_unit_test_setup_teardown(
			checked_bytes_reach_a_slow_library_before_the_loss_is_told, build,
			tear_down),
		cmocka_unit_test_setup_teardown(what_the_host_had_said_does_not_reach_a_new_link,
						build, tear_down),
		cmocka_unit_test_setup_teardown(the_rest_of_a_request_does_not_become_one, build,
						tear_down),
		cmocka_unit_test_setup_teardown(a_frame_of_our_own_goes_between_the_others, build,
						tear_down),
		cmocka_unit_test_setup_teardown(a_receiver_that_is_gone_is_told, build, tear_down),
		cmocka_unit_test_setup_teardown(consumed_frames_are_not_forwarded, build,
						tear_down),
	};

	return cmocka_run_group_tests_name("relay", tests, NULL, NULL);
}
