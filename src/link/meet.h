/* SPDX-License-Identifier: Apache-2.0 */
/**
 * meet.h - find the guest over vsock: wait for its call, and where the VMM allows it call it too.
 *
 * Whichever connection brings a HELLO first is the link; all others are closed. One that brings
 * anything else, or ends, is nobody's fault: restored guests and their VMMs drop connections. A
 * silent caller gives way to the next one.
 */
#ifndef LINK_MEET_H
#define LINK_MEET_H

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>

#include "link/hybrid.h"
#include "wire/frame.h"

#define MEET_HELLO_B  (WIRE_HEADER_B + 4U)
#define MEET_POLL_MAX 3U

/** A connection that has not said HELLO yet. */
struct meet_candidate {
	int fd; /* -EBADF: none */
	size_t used;
	uint8_t hello[MEET_HELLO_B];
};

struct meet {
	int listener_fd;    /* non-blocking; borrowed */
	uint32_t guest_cid; /* see vsock_accept(); and the port that we call */
	const char *path;   /* of the VMM's socket for our calls; NULL: there is none */
	struct meet_candidate caller, called;
	bool connected; /* our call got an OK: `called` may say HELLO */
	struct hybrid_answer answer;
	uint64_t call_us, give_up_us; /* when to call next; when the present call has failed */
	uint8_t hello[MEET_HELLO_B];  /* of the one that was found */
};

/** meet_init() - nobody is there yet, and nothing is open. */
void meet_init(struct meet *m, int listener_fd, uint32_t guest_cid, const char *path);

/**
 * meet_poll() - call when it is time, and say what to wait for.
 * @fds:	MEET_POLL_MAX entries, those of no use with fd -1
 * @timeout_ms:	lowered to what is to be done next
 */
void meet_poll(struct meet *m, struct pollfd *fds, int *timeout_ms);

/**
 * meet_ready() - act on what poll(2) said.
 *
 * Return: the link, for the caller, its HELLO in m->hello and all else closed; -EAGAIN: not yet;
 * -errno of accept(2)
 */
int meet_ready(struct meet *m, const struct pollfd *fds);

/** meet_refuse() - there is a link: hang up on one more caller. */
void meet_refuse(const struct meet *m);

#endif
