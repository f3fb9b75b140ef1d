/* SPDX-License-Identifier: Apache-2.0 */
/* http_listen.c - from the text of an address to a socket; no name is looked up. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "mcp/http_internal.h"

#define BACKLOG 32

union address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

static int parse_host(const char *host, size_t len, uint16_t port, union address *ret)
{
	char text[INET6_ADDRSTRLEN];
	bool v6 = host[0] == '[';

	if (v6) {
		host++;
		len -= 2;
	}
	if (len == 0 || len >= sizeof(text))
		return -EINVAL;
	memcpy(text, host, len);
	text[len] = 0;
	memset(ret, 0, sizeof(*ret));
	if (v6) {
		ret->v6.sin6_family = AF_INET6;
		ret->v6.sin6_port = htons(port);
		return inet_pton(AF_INET6, text, &ret->v6.sin6_addr) == 1 ? 0 : -EINVAL;
	}
	ret->v4.sin_family = AF_INET;
	ret->v4.sin_port = htons(port);
	return inet_pton(AF_INET, strcmp(text, "localhost") == 0 ? "127.0.0.1" : text,
			 &ret->v4.sin_addr) == 1
		       ? 0
		       : -EINVAL;
}

static int parse_address(const char *text, union address *ret)
{
	size_t len = text[0] == '[' ? strcspn(text, "]") + 1 : strcspn(text, ":");
	uint32_t port = MCP_HTTP_PORT;

	if (len > strlen(text) || (text[len] && text[len] != ':'))
		return -EINVAL;
	if (text[len] && parse_u32(text + len + 1, 0, 65535, &port) < 0)
		return -EINVAL;
	return parse_host(text, len, (uint16_t)port, ret);
}

static bool is_local(const union address *a)
{
	if (a->any.sa_family == AF_INET)
		return ntohl(a->v4.sin_addr.s_addr) >> 24 == 127;
	return IN6_IS_ADDR_LOOPBACK(&a->v6.sin6_addr);
}

static int describe(int fd, struct http_listening *ret)
{
	union address a;
	socklen_t len = sizeof(a);
	char text[INET6_ADDRSTRLEN];
	bool v6;

	if (getsockname(fd, &a.any, &len) < 0)
		return -errno;
	v6 = a.any.sa_family == AF_INET6;
	if (!inet_ntop(a.any.sa_family, v6 ? (void *)&a.v6.sin6_addr : (void *)&a.v4.sin_addr, text,
		       sizeof(text)))
		return -errno;
	if (asprintf(&ret->host, v6 ? "[%s]" : "%s", text) < 0) {
		ret->host = NULL;
		return -ENOMEM;
	}
	if (asprintf(&ret->url, "http://%s:%u/mcp", ret->host,
		     ntohs(v6 ? a.v6.sin6_port : a.v4.sin_port)) < 0) {
		ret->url = NULL;
		free(take_ptr(ret->host));
		return -ENOMEM;
	}
	return 0;
}

int http_listen(const char *address, struct http_listening *ret, struct ironclaw_error *err)
{
	cleanup_close int fd = -EBADF;
	union address a;
	int on = 1, r;

	if (parse_address(address, &a) < 0)
		return err_set(err, IRONCLAW_ERR_INVALID, EINVAL,
			       "%s: not an address, such as 127.0.0.1:%d or [::1]", address,
			       MCP_HTTP_PORT);
	fd = socket(a.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return err_sys(err, errno, "cannot make a socket");
	/* IPv6 any-address: no second meaning as IPv4 */
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
	    (a.any.sa_family == AF_INET6 &&
	     setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)) < 0) ||
	    bind(fd, &a.any, a.any.sa_family == AF_INET6 ? sizeof(a.v6) : sizeof(a.v4)) < 0 ||
	    listen(fd, BACKLOG) < 0)
		return err_sys(err, errno, "cannot listen on %s", address);
	r = describe(fd, ret);
	if (r < 0)
		return err_sys(err, -r, "cannot tell the address of %s", address);
	ret->local = is_local(&a);
	ret->fd = take_fd(&fd);
	return 0;
}
