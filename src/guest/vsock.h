/* SPDX-License-Identifier: Apache-2.0 */
/**
 * vsock.h - get a connection to the host over AF_VSOCK, in whichever direction it can be had.
 *
 * The port is the machine's own CID, on both sides. We call the host; where the port is a
 * privileged one (Firecracker's CID is 3) we also listen, for a VMM that cannot pass on our call
 * but its host's. Whichever is there first is the connection, and the other is given up. Only the
 * host (CID 2) is ever spoken to.
 *
 * Any program in the machine may call the host's port as well. Ours comes from a port below 1024,
 * which no unprivileged program has: a host that sees the port takes no other. Firecracker's host
 * does not see it; there it helps that we call only when no command is alive, and that a host with
 * a living connection refuses every other. Nobody else can listen on our port 3.
 */
#ifndef GUEST_VSOCK_H
#define GUEST_VSOCK_H

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>

/** A call under way, and the socket that listens. */
#define VSOCK_POLL_MAX 2U

/** vsock_present() - whether this machine has a CID, so a vsock device. */
bool vsock_present(void);

/** vsock_call_soon() - begin anew: the first call at once. @patient: after the longest pause. */
void vsock_call_soon(bool patient);

/**
 * vsock_poll_add() - start a call when it is time, and list what is waited for.
 * @wait_ns:	lowered to the time of the next call
 *
 * Return: how many entries, VSOCK_POLL_MAX at most
 */
unsigned int vsock_poll_add(struct pollfd *fds, int64_t *wait_ns);

/**
 * vsock_ready() - look at what poll(2) said of those entries.
 *
 * Return: a connected, non-blocking descriptor for the caller, with nothing else left open; or
 * -EBADF when there is none yet
 */
int vsock_ready(const struct pollfd *fds, unsigned int n);

#endif
