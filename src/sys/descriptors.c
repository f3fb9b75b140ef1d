/* SPDX-License-Identifier: Apache-2.0 */
/* descriptors.c - lay out and pass descriptors; see descriptors.h. */
#include "sys/descriptors.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/close_range.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

int descriptors_arrange(const int *fds, int first, int n)
{
	int high[DESCRIPTORS_MAX];

	if (n < 0 || first < 0 || first + n > DESCRIPTORS_MAX)
		return -EINVAL;
	/* Out of the way first: a source may lie where another one is to go. */
	for (int i = 0; i < n; i++) {
		high[i] = fcntl(fds[i], F_DUPFD_CLOEXEC, DESCRIPTORS_MAX);
		/* EINVAL: the number is beyond RLIMIT_NOFILE. */
		if (high[i] < 0)
			return errno == EINVAL ? -EMFILE : -errno;
	}
	for (int i = 0; i < n; i++) {
		if (dup2(high[i], first + i) < 0)
			return -errno;
	}
	if (syscall(SYS_close_range, (unsigned int)(first + n), UINT_MAX, CLOSE_RANGE_CLOEXEC) < 0)
		return -errno;
	return 0;
}

union control_space {
	char bytes[CMSG_SPACE(sizeof(int) * DESCRIPTORS_MAX)];
	struct cmsghdr align;
};

int descriptors_send(int socket, const void *message, size_t len, const int *fds, size_t n)
{
	union control_space control = {{0}};
	/* sendmsg(2) does not write to it. */
	struct iovec iov = {.iov_base = (void *)(uintptr_t)message, .iov_len = len};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
	ssize_t sent;

	if (n > DESCRIPTORS_MAX)
		return -EINVAL;
	if (n > 0) {
		struct cmsghdr *header;

		msg.msg_control = control.bytes;
		msg.msg_controllen = CMSG_SPACE(sizeof(int) * n);
		header = CMSG_FIRSTHDR(&msg);
		header->cmsg_level = SOL_SOCKET;
		header->cmsg_type = SCM_RIGHTS;
		header->cmsg_len = CMSG_LEN(sizeof(int) * n);
		memcpy(CMSG_DATA(header), fds, sizeof(int) * n);
	}
	do {
		sent = sendmsg(socket, &msg, MSG_NOSIGNAL);
	} while (sent < 0 && errno == EINTR);
	if (sent < 0)
		return -errno;
	return (size_t)sent == len ? 0 : -EMSGSIZE;
}

/* Takes the descriptors out of a received message; closes what does not fit. */
static int take_descriptors(struct msghdr *msg, int *fds, size_t room, size_t *ret_n)
{
	size_t n = 0;
	int r = 0;

	for (struct cmsghdr *h = CMSG_FIRSTHDR(msg); h; h = CMSG_NXTHDR(msg, h)) {
		size_t count;

		if (h->cmsg_level != SOL_SOCKET || h->cmsg_type != SCM_RIGHTS)
			continue;
		count = (h->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < count; i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(h) + i * sizeof(int), sizeof(fd));
			if (n < room) {
				fds[n++] = fd;
			} else {
				(void)close(fd);
				r = -E2BIG;
			}
		}
	}
	if (msg->msg_flags & MSG_CTRUNC)
		r = -E2BIG;
	else if (msg->msg_flags & MSG_TRUNC)
		r = -EMSGSIZE;
	if (r < 0) {
		while (n > 0)
			(void)close(fds[--n]);
		return r;
	}
	*ret_n = n;
	return 0;
}

ssize_t descriptors_receive(int socket, void *message, size_t len, int *fds, size_t n,
			    size_t *ret_n)
{
	union control_space control = {{0}};
	struct iovec iov = {.iov_base = message, .iov_len = len};
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.bytes,
		.msg_controllen = sizeof(control.bytes),
	};
	ssize_t received;
	int r;

	do {
		received = recvmsg(socket, &msg, MSG_CMSG_CLOEXEC);
	} while (received < 0 && errno == EINTR);
	if (received < 0)
		return -errno;
	r = take_descriptors(&msg, fds, n, ret_n);
	return r < 0 ? r : received;
}
