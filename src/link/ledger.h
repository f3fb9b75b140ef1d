/* SPDX-License-Identifier: Apache-2.0 */
/**
 * ledger.h - the rules of the sessions on one link, kept by whoever stands between host and guest.
 *
 * The ledger sees every frame of both directions, after wire_header_check(), and says whether it
 * may come now: whether its session is open, its stream not at its end, its bytes covered by
 * credit. It is pure, of fixed size, and never believes either side: a guest that sends more than
 * it was allowed, or speaks on a session that nobody opened, is found out before its bytes are
 * stored anywhere.
 */
#ifndef LINK_LEDGER_H
#define LINK_LEDGER_H

#include "wire/frame.h"
#include "wire/message.h"

enum ledger_state { LEDGER_CLOSED = 0, LEDGER_REQUESTED, LEDGER_RUNNING };

struct ledger_stream {
	uint32_t window; /* bytes that the sender may still send */
	bool ended;
};

struct ledger_session {
	enum ledger_state state;
	uint32_t request_length; /* bytes of the exec request so far */
	struct ledger_stream streams[WIRE_STREAM_MAX];
};

struct ledger {
	uint16_t requesting; /* session whose request is not complete yet; 0: none */
	struct ledger_session sessions[WIRE_SESSION_MAX + 1]; /* 0 is not used */
};

/** ledger_init() - no session is open. */
void ledger_init(struct ledger *ledger);

/**
 * ledger_see() - judge a frame and account for it.
 *
 * Return: NULL when it may pass, else a static string that says which rule it breaks; then the
 * ledger is unchanged and the link must be given up
 */
const char *ledger_see(struct ledger *ledger, enum wire_side from, const struct wire_frame *frame);

/**
 * ledger_lose() - the link is gone: close every session.
 * @ret:	gets the numbers of those that were open
 * @ret_cut:	whether a request was under way, so that the rest of it is still to come
 *
 * Return: how many
 */
unsigned int ledger_lose(struct ledger *ledger, uint16_t ret[WIRE_SESSION_MAX], bool *ret_cut);

/** ledger_unused() - a session that is not open. Return: its number; 0 when all are */
uint16_t ledger_unused(const struct ledger *ledger);

/** ledger_idle() - whether no session is open. */
bool ledger_idle(const struct ledger *ledger);

#endif
