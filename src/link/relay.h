/* SPDX-License-Identifier: Apache-2.0 */
/**
 * relay.h - carry frames between the library and the guest, and let none pass that breaks a rule.
 *
 * One lane a direction, each with one fixed buffer. A lane either reads, checks and keeps, or
 * writes what it has checked: bytes are never copied between buffers and never forwarded unchecked,
 * and a receiver that does not read stops its own lane only. What a lane may hold is bounded by its
 * buffer.
 */
#ifndef LINK_RELAY_H
#define LINK_RELAY_H

#include "link/ledger.h"
#include "wire/frame.h"

/* Four full frames: one read(2) takes what one write(2) of the peer left. */
#define RELAY_BUFFER_B (4U * WIRE_FRAME_MAX_B)

struct relay_lane {
	int from_fd, to_fd;	   /* both non-blocking */
	enum wire_side side;	   /* where its frames come from */
	struct wire_reader reader; /* [sent, reader.start) is checked and not yet written */
	size_t sent;
	bool breakable;	 /* from_fd may end at any byte, which is nobody's fault */
	bool skipping;	 /* the rest of a request, whose beginning went with a link */
	const char *bad; /* set with -EPROTO: which rule was broken, or what ERROR says */
	char complaint[WIRE_ERROR_MAX_B + 32]; /* of a guest that sent ERROR; foreign text */
	uint8_t buffer[RELAY_BUFFER_B];
};

void relay_lane_init(struct relay_lane *lane, enum wire_side side, int from_fd, int to_fd);

/** relay_lane_consume() - the frames taken from the reader so far were for us: do not forward them.
 */
void relay_lane_consume(struct relay_lane *lane);

/** relay_lane_cut() - from_fd broke: what it had not completed is dropped. */
void relay_lane_cut(struct relay_lane *lane);

/**
 * relay_lane_put() - add a frame of our own.
 * @lane:	holds nothing that is not checked; there is room for some thousand of them
 * @payload:	short; NULL when @length is 0
 */
void relay_lane_put(struct relay_lane *lane, enum wire_kind kind, uint16_t session,
		    const void *payload, uint32_t length);

/** relay_lane_is_free() - whether it holds nothing at all. */
bool relay_lane_is_free(const struct relay_lane *lane);

/**
 * relay_lane_redirect() - to_fd broke, and another one takes its place.
 * @skip:	the rest of a request is still to come, and must not pass
 *
 * What was checked belonged to sessions of the old one, and is dropped.
 */
void relay_lane_redirect(struct relay_lane *lane, int to_fd, bool skip);

/** relay_lane_is_writing() - what to poll for: POLLOUT on to_fd (true), or POLLIN on from_fd. */
bool relay_lane_is_writing(const struct relay_lane *lane);

/**
 * relay_lane_step() - one read or one write, without blocking.
 *
 * Return: 0; -ENODATA at the end of from_fd (-EPROTO when that cuts a frame and must not); -EPROTO
 * with lane->bad, then and for ever; -errno of read(2) or write(2)
 */
int relay_lane_step(struct relay_lane *lane, struct ledger *ledger);

#endif
