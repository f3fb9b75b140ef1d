/* SPDX-License-Identifier: Apache-2.0 */
/**
 * hybrid.h - call a guest through Firecracker's vsock socket: the host's way in.
 *
 * One connects to a unix socket and writes "CONNECT PORT\n"; the VMM answers "OK NUMBER\n" when a
 * program in the guest listens, else it hangs up without a word, or says nothing as long as the
 * guest has no driver. All of that is awaited without blocking, and never past a deadline.
 */
#ifndef LINK_HYBRID_H
#define LINK_HYBRID_H

#include <stddef.h>
#include <stdint.h>

/** Of a line in either direction, with its end. */
#define HYBRID_LINE_MAX_B 32U

/** What came of the answer so far. */
struct hybrid_answer {
	size_t used;
	char line[HYBRID_LINE_MAX_B];
};

/**
 * hybrid_call() - connect and ask for a port.
 * @path:	of the VMM's socket; may be relative
 *
 * Return: a non-blocking descriptor for the caller, to be read with hybrid_answer(); -errno
 */
int hybrid_call(const char *path, uint32_t port);

/**
 * hybrid_answer() - read on, up to the end of the line and not one byte of the guest's beyond it.
 * @answer:	zeroed before the first time
 *
 * Return: 1 when it is OK: from now on @fd leads to the guest; 0 when more is to come; -ENODATA
 * when the VMM hung up, -EPROTO when it said something else, -errno
 */
int hybrid_answer(int fd, struct hybrid_answer *answer);

#endif
