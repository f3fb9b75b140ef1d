/* SPDX-License-Identifier: Apache-2.0 */
/* vsock.c - the host's listening end of a link over vsock; see vsock.h. */
#include "link/vsock.h"

#include <errno.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/vm_sockets.h>

#include "base/cleanup.h"

#define PORT_PRIVILEGED_MAX 1023U

int vsock_listen(uint32_t port)
{
	/* Of the host's own CID: what is on the host itself calls another one. */
	const struct sockaddr_vm own = {.svm_family = AF_VSOCK,
					.svm_port = port,
					.svm_cid = VMADDR_CID_HOST};
	cleanup_close int fd = socket(AF_VSOCK, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (const struct sockaddr *)&own, sizeof(own)) < 0 ||
	    listen(fd, SOMAXCONN) < 0)
		return -errno;
	return take_fd(&fd);
}

static bool is_welcome(const struct sockaddr_vm *peer, uint32_t guest_cid)
{
	return peer->svm_family != AF_VSOCK ||
	       (peer->svm_cid == guest_cid && peer->svm_port <= PORT_PRIVILEGED_MAX);
}

int vsock_accept(int listener_fd, uint32_t guest_cid)
{
	/* A nameless peer of AF_UNIX gives its family and no more. */
	struct sockaddr_vm peer = {0};
	socklen_t size = sizeof(peer);
	cleanup_close int fd =
		accept4(listener_fd, (struct sockaddr *)&peer, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd < 0)
		return errno == EINTR || errno == ECONNABORTED ? -EAGAIN : -errno;
	return is_welcome(&peer, guest_cid) ? take_fd(&fd) : -EAGAIN;
}
