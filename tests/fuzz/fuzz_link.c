/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_link.c - any bytes from a guest, and any from the library, through the host's end of the
 * link as the keeper has it: handshake, then two lanes over sockets with one ledger between them.
 *
 * The first byte says whether the guest boots; then come pieces: u16 and as many bytes as its lower
 * 14 bits say. Bit 15: the library sends it, not the guest; bit 14: sixteen times, to get at the
 * credit of 256 KiB without inputs of that size. What comes out is judged by a second, simpler
 * ledger written here: a frame that it would not let pass, a byte that was not sent, or a frame
 * that is lost without a reason stops the fuzzer.
 *
 * The corpus: tests/fuzz/link_seeds.py writes the named files, the fuzzer found the others.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "link/handshake.h"
#include "link/relay.h"

#define INPUT_MAX_B 65536
#define SENT_MAX_B  (1024U * 1024U)
#define REPEAT	    16

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* One direction, from its sender to its receiver. */
struct way {
	int in, out; /* our ends */
	enum wire_side side;
	uint8_t sent[SENT_MAX_B], got[SENT_MAX_B];
	size_t n_sent, n_got, judged;
};

/* The second ledger, of one session. */
struct model {
	bool open, complete, started, ended[WIRE_STREAM_MAX];
	uint32_t request, credit[WIRE_STREAM_MAX];
};

static struct way from_guest = {.side = WIRE_FROM_GUEST}, from_host = {.side = WIRE_FROM_HOST};
static struct relay_lane guest_lane, host_lane;
static struct ledger ledger;
static struct model models[WIRE_SESSION_MAX + 1], *requesting;
static struct handshake handshake;

static void require(bool condition)
{
	if (!condition)
		abort();
}

static void model_open(struct model *m)
{
	memset(m, 0, sizeof(*m));
	m->open = true;
	for (int i = 0; i < WIRE_STREAM_MAX; i++)
		m->credit[i] = WIRE_WINDOW_B;
}

static void model_data(struct model *m, const struct wire_header *h)
{
	require(!m->ended[h->stream]);
	m->ended[h->stream] = h->kind == WIRE_EOF;
	require(h->length <= m->credit[h->stream]);
	m->credit[h->stream] -= h->length;
}

static void model_credit(struct model *m, const struct wire_header *h, uint32_t bytes)
{
	require(bytes > 0 && bytes <= WIRE_WINDOW_B);
	m->credit[h->stream] += bytes;
	require(m->credit[h->stream] <= WIRE_WINDOW_B);
}

static void model_host(struct model *m, const struct wire_header *h, const uint8_t *payload)
{
	bool exec = h->kind == WIRE_EXEC || h->kind == WIRE_EXEC_PART;

	if (exec && !m->open)
		model_open(m);
	if (exec) {
		require(!m->complete && (!requesting || requesting == m));
		requesting = h->kind == WIRE_EXEC ? NULL : m;
		m->request += h->length;
		require(m->request <= WIRE_EXEC_MAX_B);
		m->complete = h->kind == WIRE_EXEC;
	} else if (m->open && (h->kind == WIRE_DATA || h->kind == WIRE_EOF)) {
		model_data(m, h);
	} else if (m->open && h->kind == WIRE_CREDIT) {
		model_credit(m, h, wire_get_u32(payload));
	}
}

static void model_guest(struct model *m, const struct wire_header *h, const uint8_t *payload)
{
	struct wire_exit status;

	require(m->open && m->complete);
	switch (h->kind) {
	case WIRE_STARTED:
		require(!m->started);
		m->started = true;
		return;
	case WIRE_DATA:
	case WIRE_EOF:
		require(m->started);
		model_data(m, h);
		return;
	case WIRE_CREDIT:
		model_credit(m, h, wire_get_u32(payload));
		return;
	case WIRE_EXEC_FAILED:
		require(!m->started);
		m->open = m->complete = false;
		return;
	case WIRE_EXIT:
		require(m->started && wire_exit_get(payload, &status) == NULL);
		m->open = m->complete = false;
		return;
	default:
		abort();
	}
}

/* Whole frames that arrived. Without a frame's end nothing of it may have been forwarded. */
static void judge(struct way *way)
{
	while (way->n_got - way->judged > 0) {
		const uint8_t *at = way->got + way->judged;
		struct wire_header h;

		require(way->n_got - way->judged >= WIRE_HEADER_B);
		wire_header_get(at, &h);
		require(wire_header_check(&h, way->side) == NULL);
		require(h.session >= 1 && h.session <= WIRE_SESSION_MAX);
		require(way->n_got - way->judged - WIRE_HEADER_B >= h.length);
		if (way->side == WIRE_FROM_GUEST)
			model_guest(&models[h.session], &h, at + WIRE_HEADER_B);
		else
			model_host(&models[h.session], &h, at + WIRE_HEADER_B);
		way->judged += WIRE_HEADER_B + h.length;
	}
}

static void receive(struct way *way)
{
	size_t before = way->n_got;
	ssize_t n;

	do {
		n = recv(way->out, way->got + way->n_got, sizeof(way->got) - way->n_got,
			 MSG_DONTWAIT);
		if (n > 0)
			way->n_got += (size_t)n;
	} while (n > 0);
	require(way->n_got <= way->n_sent);
	require(memcmp(way->got + before, way->sent + before, way->n_got - before) == 0);
}

static bool pump(struct relay_lane *lane, struct way *way)
{
	/* Read, check, write; a second time, for what the first read left. */
	for (int i = 0; i < 4; i++) {
		int r = relay_lane_step(lane, &ledger);

		require(r == 0 || r == -EPROTO);
		require((r == -EPROTO) == (lane->bad != NULL));
		require(r == 0 || !relay_lane_is_writing(lane));
		receive(way);
		judge(way);
		if (r < 0)
			return false;
	}
	/* All that is left is the beginning of a frame. */
	require(way->n_sent - way->n_got == wire_reader_pending(&lane->reader));
	return true;
}

static bool send_piece(struct way *way, const uint8_t *data, size_t len)
{
	if (len > sizeof(way->sent) - way->n_sent)
		return false;
	memcpy(way->sent + way->n_sent, data, len);
	way->n_sent += len;
	return len == 0 || send(way->in, data, len, MSG_DONTWAIT) == (ssize_t)len;
}

/* As handshake_read() of the keeper. */
static bool greet(const uint8_t *data, size_t len, int link_fd)
{
	struct wire_reader *reader = &guest_lane.reader;
	uint8_t answers[4096];
	struct wire_frame frame;
	int r = 0;

	while (len > 0) {
		size_t room;
		uint8_t *to = wire_reader_space(reader, &room);

		require(room > 0);
		room = room < len ? room : len;
		memcpy(to, data, room);
		wire_reader_added(reader, room);
		data += room;
		len -= room;
		while ((r = wire_reader_next(reader, &frame)) > 0) {
			enum handshake_state before = handshake.state;
			const char *bad = NULL;

			if (before == HANDSHAKE_DONE)
				return false;
			r = handshake_see(&handshake, &frame, link_fd, &bad);
			require((r == -EPROTO) == (bad != NULL));
			require(r == 0 || (r == -EPROTO && handshake.state == before));
			require(handshake.time_requests <= 17);
			if (r < 0)
				return false;
			(void)!recv(from_host.out, answers, sizeof(answers), MSG_DONTWAIT);
		}
		if (r < 0)
			return false;
	}
	return true;
}

/* A piece for the lanes, once or more. */
static bool carry(bool host, const uint8_t *data, size_t len, int times)
{
	struct way *way = host ? &from_host : &from_guest;

	for (int i = 0; i < times; i++) {
		if (!send_piece(way, data, len) || !pump(host ? &host_lane : &guest_lane, way))
			return false;
	}
	return true;
}

static void run(const uint8_t *data, size_t size, int link_fd)
{
	while (size >= 2) {
		bool host = data[1] & 0x80;
		int times = data[1] & 0x40 ? REPEAT : 1;
		size_t len = (size_t)(data[0] | (data[1] & 0x3f) << 8);

		data += 2;
		size -= 2;
		len = len < size ? len : size;
		if (handshake.state != HANDSHAKE_DONE) {
			if (!host && !greet(data, len, link_fd))
				return;
			if (handshake.state == HANDSHAKE_DONE) {
				/* What follows in the reader goes on in the lane. */
				relay_lane_consume(&guest_lane);
				from_guest.n_sent = wire_reader_pending(&guest_lane.reader);
				memcpy(from_guest.sent, guest_lane.buffer + guest_lane.reader.start,
				       from_guest.n_sent);
			}
		} else if (!carry(host, data, len, times)) {
			return;
		}
		data += len;
		size -= len;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const int type = SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK;
	int link[2], client[2];

	if (size == 0 || size > INPUT_MAX_B)
		return 0;
	require(socketpair(AF_UNIX, type, 0, link) == 0);
	require(socketpair(AF_UNIX, type, 0, client) == 0);
	from_guest.in = link[1];
	from_guest.out = client[1];
	from_host.in = client[1];
	from_host.out = link[1];
	from_guest.n_sent = from_guest.n_got = from_guest.judged = 0;
	from_host.n_sent = from_host.n_got = from_host.judged = 0;
	memset(models, 0, sizeof(models));
	requesting = NULL;
	ledger_init(&ledger);
	relay_lane_init(&guest_lane, WIRE_FROM_GUEST, link[0], client[0]);
	relay_lane_init(&host_lane, WIRE_FROM_HOST, client[0], link[0]);
	require(handshake_init(&handshake, data[0] & 1, "fuzz", 64) == 0);
	require(handshake_begin(&handshake, link[0]) == 0);
	run(data + 1, size - 1, link[0]);
	for (int i = 0; i < 2; i++) {
		(void)close(link[i]);
		(void)close(client[i]);
	}
	return 0;
}
