/* SPDX-License-Identifier: Apache-2.0 */
/**
 * session.h - the life of a command, from its EXEC to its EXIT.
 *
 *   FREE --EXEC--> STARTING --exec done--> RUNNING --main process ended--> ENDING --> FREE
 *                      \-- EXEC_FAILED --> FREE
 *
 * ENDING kills the session's cgroup, waits until it is empty, sends the output that is left (under
 * credit) and the EOFs, then EXIT. Frames for a session that is FREE are dropped without a word:
 * they crossed our EXIT or EXEC_FAILED on the way.
 */
#ifndef GUEST_SESSION_H
#define GUEST_SESSION_H

#include <poll.h>
#include <sys/types.h>

#include "wire/frame.h"

/** Status, input, two outputs and the end of the cgroup, of each session. */
#define SESSION_POLL_MAX (WIRE_SESSION_MAX * 5U)

/** What a pollfd of session_poll_add() stands for. */
struct session_poll {
	uint16_t session;
	uint8_t source;
};

/** session_frame() - take a frame of the host about a session; a broken rule is link_fail(). */
void session_frame(const struct wire_frame *frame);

/** session_abandon() - the link broke: end every command, all that it started, and tell nobody. */
void session_abandon(void);

/** session_any() - whether any session is open or any request under way. */
bool session_any(void);

/**
 * session_poll_add() - list what all sessions wait for.
 * @wait_ns:	lowered to how long to wait at most before asking again
 *
 * Return: how many entries, SESSION_POLL_MAX at most
 */
unsigned int session_poll_add(struct pollfd *fds, struct session_poll *owners, int64_t *wait_ns);

/** session_ready() - a descriptor of session_poll_add() is ready. */
void session_ready(const struct session_poll *owner);

/** session_reaped() - a child of PID 1 has ended; not every one is a session's main process. */
void session_reaped(pid_t pid, int wait_status);

#endif
