/* SPDX-License-Identifier: Apache-2.0 */
/**
 * vsock.h - the host's listening end of a link over vsock.
 *
 * The socket is of AF_VSOCK (the kernel passes guests' calls on) or of AF_UNIX (Firecracker does:
 * then whoever calls is the guest, and which program in it nobody can tell).
 */
#ifndef LINK_VSOCK_H
#define LINK_VSOCK_H

#include <stdint.h>

/**
 * vsock_listen() - listen for guests on a port of the host's, AF_VSOCK; any user may.
 *
 * Return: a non-blocking descriptor for the caller; -EADDRINUSE when somebody else has the port;
 * -errno
 */
int vsock_listen(uint32_t port);

/**
 * vsock_accept() - take one call.
 * @guest_cid:	of AF_VSOCK only this guest is let in, and of it only a caller whose own port is
 *		below 1024: a privileged program. Others are hung up on.
 *
 * Return: a non-blocking descriptor for the caller; -EAGAIN when there is nobody (any more); -errno
 */
int vsock_accept(int listener_fd, uint32_t guest_cid);

#endif
