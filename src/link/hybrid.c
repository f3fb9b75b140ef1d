/* SPDX-License-Identifier: Apache-2.0 */
/* hybrid.c - call a guest through Firecracker's vsock socket; see hybrid.h. */
#include "link/hybrid.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/cleanup.h"

#define OK   "OK "
#define OK_B (sizeof(OK) - 1)

int hybrid_call(const char *path, uint32_t port)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	cleanup_close int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	char line[HYBRID_LINE_MAX_B];
	int n = snprintf(line, sizeof(line), "CONNECT %u\n", port);

	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	memcpy(address.sun_path, path, strlen(path));
	if (fd < 0 || connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
		return -errno;
	/* In one piece: a VMM that finds half a line hangs up. The socket is empty, so it fits. */
	if (send(fd, line, (size_t)n, MSG_NOSIGNAL) != n)
		return -EPIPE;
	return take_fd(&fd);
}

/* "OK " and digits. */
static int judge(const struct hybrid_answer *a)
{
	size_t digits = a->used - OK_B - 1;

	if (a->used < OK_B + 2 || memcmp(a->line, OK, OK_B) != 0)
		return -EPROTO;
	for (size_t i = 0; i < digits; i++) {
		if (a->line[OK_B + i] < '0' || a->line[OK_B + i] > '9')
			return -EPROTO;
	}
	return 1;
}

int hybrid_answer(int fd, struct hybrid_answer *answer)
{
	while (answer->used < sizeof(answer->line)) {
		/* Byte by byte: what follows the line is the guest's. */
		ssize_t n = recv(fd, answer->line + answer->used, 1, 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN ? 0 : -errno;
		if (n == 0)
			return -ENODATA;
		answer->used++;
		if (answer->line[answer->used - 1] == '\n')
			return judge(answer);
	}
	return -EPROTO;
}
