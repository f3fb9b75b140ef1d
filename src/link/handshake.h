/* SPDX-License-Identifier: Apache-2.0 */
/**
 * handshake.h - from a silent guest to one that has its own identity; docs/protocol.md, "Start".
 *
 * A booting guest says HELLO first, and so does one whose link is a new one. A restored guest whose
 * link is the same is waiting in its read and says nothing. Then each gets IDENTITY, asks for the
 * time until the answers come quickly enough, and says IDENTITY_OK.
 */
#ifndef LINK_HANDSHAKE_H
#define LINK_HANDSHAKE_H

#include "wire/frame.h"
#include "wire/message.h"

enum handshake_state { HANDSHAKE_WAIT_HELLO, HANDSHAKE_WAIT_OK, HANDSHAKE_DONE };

struct handshake {
	enum handshake_state state;
	unsigned int time_requests;
	struct wire_identity identity;
};

/**
 * handshake_init() - fresh random identity for a VM.
 * @booting:	whether a HELLO is to come
 * @hostname:	a valid VM id
 *
 * Return: 0, -errno of getrandom(2)
 */
int handshake_init(struct handshake *h, bool booting, const char *hostname, uint32_t overlay_mib);

/** handshake_again() - the same identity, for a guest that says HELLO on a new link. */
void handshake_again(struct handshake *h);

/** handshake_time() - the payload of TIME: @token, and the host's clock now. */
void handshake_time(uint8_t ret[WIRE_TIME_B], uint64_t token);

/** handshake_begin() - what can be sent without hearing from the guest. Return: 0, -errno */
int handshake_begin(struct handshake *h, int link_fd);

/**
 * handshake_see() - act on one frame of the guest (after wire_header_check()).
 * @link_fd:	answers go here at once; they are small
 * @ret_bad:	set on -EPROTO: a static string that says what was wrong
 *
 * Return: 0, -EPROTO, or -errno of write(2)
 */
int handshake_see(struct handshake *h, const struct wire_frame *frame, int link_fd,
		  const char **ret_bad);

#endif
