/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_firecracker_http.c - any bytes as what Firecracker's API answers: to the parser, and to
 * firecracker_save(), _pause() and _resume().
 *
 * The first byte chooses: its two low bits what is asked, the others that the answer comes in
 * pieces of (byte / 4 + 1) * 16 bytes, one whenever the client waits. Never a crash, a leak or a
 * wait; an answer is taken whole or not at all; the outcome is one of those that engine.h names,
 * and the sentence of a failure holds nothing that acts on a terminal.
 *
 * The corpus: tests/fuzz/firecracker_seeds.py writes the named files, the fuzzer found the others.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "engine/firecracker.h"
#include "engine/firecracker_http.h"
#include "sys/clock.h"

#define INPUT_MAX_B 131072
#define DEADLINE_MS 10000

static void idle(void)
{
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct engine_monitor monitor;
static int peer_fd;
static const uint8_t *rest;
static size_t left, piece;

static void require(bool condition)
{
	if (!condition)
		abort();
}

/* In place of libc's: the server is served when it is waited for. */
int poll(struct pollfd *fds, nfds_t n, int timeout_ms)
{
	char question[FIRECRACKER_REQUEST_MAX_B];
	size_t len = left < piece ? left : piece;

	(void)fds;
	(void)n;
	(void)timeout_ms;
	while (recv(peer_fd, question, sizeof(question), MSG_DONTWAIT) > 0)
		;
	require(send(peer_fd, rest, len, MSG_NOSIGNAL) == (ssize_t)len);
	rest += len;
	left -= len;
	if (len == 0)
		require(shutdown(peer_fd, SHUT_WR) == 0);
	return 1;
}

static void require_error(int r, const struct ironclaw_error *err)
{
	require(r == -EIO || r == -EPROTO || r == -EPIPE || r == -EOPNOTSUPP);
	require(err->errnum == -r && err->code == IRONCLAW_ERR_VMM);
	require(memchr(err->text, '\0', sizeof(err->text)) != NULL && err->text[0]);
	for (const char *p = err->text; *p; p++)
		require((unsigned char)*p >= ' ' && *p != 0x7f);
}

/* Of all beginnings of the bytes exactly one is an answer, or none is. */
static void parse(const char *bytes, size_t size)
{
	const struct firecracker_answer untouched = {.status = -1};
	struct firecracker_answer answer = untouched, again;
	const char *bad = NULL;
	ssize_t n = firecracker_http_parse(bytes, size, &answer, &bad);

	if (n < 0) {
		require(n == -EAGAIN || (n == -EPROTO && bad));
		require(answer.status == -1 && !answer.body);
		return;
	}
	require(n > 0 && (size_t)n <= size);
	require(answer.status >= 100 && answer.status <= 999);
	require(answer.body >= bytes && answer.body_len <= FIRECRACKER_BODY_MAX_B &&
		answer.body + answer.body_len == bytes + n);
	require(firecracker_http_parse(bytes, (size_t)n, &again, &bad) == n);
	require(firecracker_http_parse(bytes, (size_t)n - 1, &again, &bad) == -EAGAIN);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ironclaw_error err = {0};
	int pair[2], r = 0;

	if (size < 1 || size > INPUT_MAX_B)
		return 0;
	rest = data + 1;
	left = size - 1;
	piece = ((size_t)data[0] / 4 + 1) * 16;
	parse((const char *)rest, left);
	if (data[0] % 4 == 0)
		return 0;
	require(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0);
	monitor.fd = pair[0];
	peer_fd = pair[1];
	if (data[0] % 4 == 1)
		r = firecracker_save(&monitor, -1, DEADLINE_MS, idle, &err);
	else if (data[0] % 4 == 2)
		r = firecracker_pause(&monitor, DEADLINE_MS, &err);
	else
		r = firecracker_resume(&monitor, DEADLINE_MS, &err);
	if (r < 0)
		require_error(r, &err);
	else
		require(r == 0 && err.code == IRONCLAW_ERR_NONE);
	(void)close(pair[0]);
	(void)close(pair[1]);
	return 0;
}
