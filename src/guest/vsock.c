/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vsock.c - get a connection to the host over AF_VSOCK; see vsock.h.
 *
 * A machine that was restored may have another CID than before, so it is asked for at each call. A
 * call that nobody answers ends by itself (the kernel gives it two seconds), and the next one comes
 * from another port: the host may still hold the end of a connection that we have forgotten.
 */
#include "guest/vsock.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "guest/clock.h"

/* linux/vm_sockets.h, which musl does not bring. */
#define GET_LOCAL_CID	    _IO(7, 0xb9)
#define CID_ANY		    UINT32_MAX
#define CID_HOST	    2U
#define CID_FIRST	    3U /* lower ones are of hypervisor, loopback and host */

#define PORT_PRIVILEGED_MAX 1023U
#define CALL_FROM_MIN	    512U /* of the ports that we call from */

struct address {
	sa_family_t family;
	uint16_t reserved;
	uint32_t port, cid;
	uint8_t zero[4];
};

/* Between two calls, in ms; the last one again and again. */
static const uint8_t pauses_ms[] = {0, 1, 2, 5, 10, 20, 50, 100};
#define LAST_PAUSE (sizeof(pauses_ms) - 1)

static int device_fd = -EBADF;
static int call_fd = -EBADF, listen_fd = -EBADF;
static uint32_t call_from = PORT_PRIVILEGED_MAX;
static unsigned int next_pause;
static int64_t next_call_ns;

static void close_fd(int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
	*fd = -EBADF;
}

/* Return: 0: none */
static uint32_t own_cid(void)
{
	uint32_t cid;

	if (device_fd < 0)
		device_fd = open("/dev/vsock", O_RDONLY | O_CLOEXEC);
	if (device_fd < 0 || ioctl(device_fd, GET_LOCAL_CID, &cid) < 0 || cid == CID_ANY ||
	    cid < CID_FIRST)
		return 0;
	return cid;
}

bool vsock_present(void)
{
	return own_cid() != 0;
}

void vsock_call_soon(bool patient)
{
	next_pause = patient ? LAST_PAUSE : 0;
	next_call_ns = patient ? clock_ns() + pauses_ms[LAST_PAUSE] * CLOCK_NS_PER_MS : 0;
}

static void call_later(void)
{
	close_fd(&call_fd);
	next_call_ns = clock_ns() + pauses_ms[next_pause] * CLOCK_NS_PER_MS;
	if (next_pause < LAST_PAUSE)
		next_pause++;
}

/* Return: a socket bound to @port, -EBADF */
static int bound_socket(uint32_t port)
{
	struct address own = {.family = AF_VSOCK, .port = port, .cid = CID_ANY};
	int fd = socket(AF_VSOCK, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd >= 0 && bind(fd, (const struct sockaddr *)&own, sizeof(own)) < 0)
		close_fd(&fd);
	return fd < 0 ? -EBADF : fd;
}

static void call(uint32_t port)
{
	struct address host = {.family = AF_VSOCK, .port = port, .cid = CID_HOST};

	call_fd = bound_socket(call_from);
	call_from = call_from > CALL_FROM_MIN ? call_from - 1 : PORT_PRIVILEGED_MAX;
	if (call_fd < 0 || (connect(call_fd, (const struct sockaddr *)&host, sizeof(host)) < 0 &&
			    errno != EINPROGRESS))
		call_later();
}

/* One connection at a time is all that is ever wanted. */
static void listen_on(uint32_t port)
{
	listen_fd = bound_socket(port);
	if (listen_fd >= 0 && listen(listen_fd, 1) < 0)
		close_fd(&listen_fd);
}

unsigned int vsock_poll_add(struct pollfd *fds, int64_t *wait_ns)
{
	uint32_t port = own_cid();
	int64_t left_ns = next_call_ns - clock_ns();
	unsigned int n = 0;

	if (listen_fd < 0 && port != 0 && port <= PORT_PRIVILEGED_MAX)
		listen_on(port);
	if (call_fd < 0 && left_ns <= 0) {
		call(port);
		left_ns = next_call_ns - clock_ns();
	}
	if (call_fd >= 0)
		fds[n++] = (struct pollfd){.fd = call_fd, .events = POLLOUT};
	else if (left_ns < *wait_ns)
		*wait_ns = left_ns > 0 ? left_ns : 0;
	if (listen_fd >= 0)
		fds[n++] = (struct pollfd){.fd = listen_fd, .events = POLLIN};
	return n;
}

/* The answer to our call. Return: the connection, or -EBADF */
static int answered(short revents)
{
	int error = 0, fd;
	socklen_t size = sizeof(error);

	if (getsockopt(call_fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0 || error != 0 ||
	    (revents & (POLLERR | POLLHUP))) {
		call_later();
		return -EBADF;
	}
	fd = call_fd;
	call_fd = -EBADF;
	return fd;
}

static int called(void)
{
	struct address peer = {0};
	socklen_t size = sizeof(peer);
	int fd = accept4(listen_fd, (struct sockaddr *)&peer, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd >= 0 && peer.cid != CID_HOST)
		close_fd(&fd);
	return fd < 0 ? -EBADF : fd;
}

int vsock_ready(const struct pollfd *fds, unsigned int n)
{
	int fd = -EBADF;

	for (unsigned int i = 0; i < n && fd < 0; i++) {
		if (fds[i].revents == 0)
			continue;
		fd = fds[i].fd == call_fd ? answered(fds[i].revents) : called();
	}
	if (fd >= 0) {
		close_fd(&call_fd);
		close_fd(&listen_fd);
	}
	return fd;
}
