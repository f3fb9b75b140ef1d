/* SPDX-License-Identifier: Apache-2.0 */
/* acts_network.c - sockets: of each family, and to listeners of the host. */
#include <arpa/inet.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "probe/act.h"

#define MPTCP	   262
#define CONNECT_MS 300
#define FAMILY_VM  40
#define VSOCK_PORT 1024
#define LINK_FD	   5 /* the keeper's */

static int make_socket(int family, int type, int protocol)
{
	return (int)syscall(SYS_socket, family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol);
}

static int done(int fd, int errnum)
{
	(void)close(fd);
	return errnum;
}

int act_socket(const char *family_type_protocol)
{
	char *at = NULL;
	int family = (int)strtol(family_type_protocol, &at, 10);
	int type = (int)strtol(at, &at, 10), protocol = (int)strtol(at, &at, 10);
	int fd = make_socket(family, type, protocol);

	return fd < 0 ? errno : done(fd, 0);
}

/* A connection that is on its way is waited for: a firewall lets it starve. */
static int connect_to(int fd, const void *address, socklen_t size)
{
	int r = probe_call(SYS_connect, fd, address, (unsigned long)size);
	struct pollfd p = {.fd = fd, .events = POLLOUT};
	socklen_t r_size = sizeof(r);

	if (r != EINPROGRESS)
		return done(fd, r);
	if (poll(&p, 1, CONNECT_MS) <= 0)
		return done(fd, ETIMEDOUT);
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &r, &r_size) < 0)
		r = errno;
	return done(fd, r);
}

static int connect_inet(int protocol)
{
	const struct sockaddr_in to = {.sin_family = AF_INET,
				       .sin_port = htons((uint16_t)probe_orders.port),
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = make_socket(AF_INET, SOCK_STREAM, protocol);

	return fd < 0 ? errno : connect_to(fd, &to, sizeof(to));
}

int act_connect(const char *family)
{
	const struct sockaddr_in6 to = {.sin6_family = AF_INET6,
					.sin6_port = htons((uint16_t)probe_orders.port),
					.sin6_addr = IN6ADDR_LOOPBACK_INIT};
	int fd;

	if (strcmp(family, "inet") == 0)
		return connect_inet(0);
	fd = make_socket(AF_INET6, SOCK_STREAM, 0);
	return fd < 0 ? errno : connect_to(fd, &to, sizeof(to));
}

/* Landlock's rules on TCP do not mean this one. */
int act_connect_mptcp(const char *unused)
{
	(void)unused;
	return connect_inet(MPTCP);
}

int act_send(const char *unused)
{
	const struct sockaddr_in to = {.sin_family = AF_INET,
				       .sin_port = htons((uint16_t)probe_orders.port),
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = make_socket(AF_INET, SOCK_DGRAM, 0);

	(void)unused;
	return fd < 0 ? errno : done(fd, probe_call(SYS_sendto, fd, "x", 1UL, 0, &to, sizeof(to)));
}

/* A socket without a file: the file tree does not hold it back. */
int act_abstract(const char *unused)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	size_t n = strlen(probe_orders.abstract);
	int fd = make_socket(AF_UNIX, SOCK_STREAM, 0);

	(void)unused;
	if (fd < 0)
		return errno;
	memcpy(to.sun_path + 1, probe_orders.abstract, n);
	return connect_to(fd, &to, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + n));
}

/* No network namespace holds it back, and Landlock does not yet. */
int act_pathname(const char *unused)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	int fd = make_socket(AF_UNIX, SOCK_STREAM, 0);

	(void)unused;
	if (fd < 0)
		return errno;
	memcpy(to.sun_path, probe_orders.socket, strlen(probe_orders.socket));
	return connect_to(fd, &to, sizeof(to));
}

/* The keeper's link, where it is a socket that listens; that nobody calls is an answer as well. */
int act_accept(const char *unused)
{
	int fd, r;

	(void)unused;
	r = probe_call(SYS_fcntl, LINK_FD, F_SETFL, O_NONBLOCK);
	if (r != 0)
		return r;
	fd = (int)syscall(SYS_accept4, LINK_FD, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd >= 0)
		return done(fd, 0);
	return errno == EAGAIN ? 0 : errno;
}

/* Whether one of its interfaces is up: what there is of the network. */
int act_interface_up(const char *unused)
{
	int fd = make_socket(AF_INET, SOCK_DGRAM, 0), r = ENODEV;

	(void)unused;
	if (fd < 0)
		return errno;
	for (int i = 1; i < 64 && r == ENODEV; i++) {
		struct ifreq request = {.ifr_ifindex = i};

		if (syscall(SYS_ioctl, fd, SIOCGIFNAME, &request) < 0)
			r = errno == ENODEV ? ENODEV : errno;
		else if (syscall(SYS_ioctl, fd, SIOCGIFFLAGS, &request) == 0 &&
			 (request.ifr_flags & IFF_UP))
			r = 0;
	}
	return done(fd, r);
}

/* No network namespace holds it: an empty one connects to the host's vsock listeners. */
int act_vsock(const char *cid)
{
	struct {
		unsigned short family, reserved;
		uint32_t port, cid;
		unsigned char rest[4];
	} to = {FAMILY_VM, 0, VSOCK_PORT, (uint32_t)strtoul(cid, NULL, 10), {0}};
	int fd = make_socket(FAMILY_VM, SOCK_STREAM, 0), r;

	if (fd < 0)
		return errno;
	r = probe_call(SYS_connect, fd, &to, sizeof(to));
	/* An answer of the other side, or a try that is on its way. */
	return done(fd, r == ECONNRESET || r == EINPROGRESS || r == ENODEV ? 0 : r);
}
