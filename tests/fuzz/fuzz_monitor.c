/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_monitor.c - any bytes as what a VMM says on its monitor, to qemu_check() and qemu_save().
 *
 * The first byte chooses: even: check, in pieces of (byte / 2 + 1) * 16 bytes; odd: save, with all
 * of it said beforehand. Never a crash, a leak or a wait; the outcome is one of those that engine.h
 * names, and the sentence of a failure holds nothing that acts on a terminal.
 *
 * The corpus: tests/fuzz/link_seeds.py writes the named files, the fuzzer found the others.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "engine/qemu.h"

#define INPUT_MAX_B 65536
#define DEADLINE_MS 10000

static void idle(void)
{
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct engine_monitor monitor;
static int peer_fd;

static void require(bool condition)
{
	if (!condition)
		abort();
}

/*
 * In place of libc's: the pauses between two questions are not what is looked for. A peer that
 * never reads would make the questions wait for their deadline.
 */
int nanosleep(const struct timespec *time, struct timespec *left)
{
	char question[256];

	(void)time;
	(void)left;
	while (recv(peer_fd, question, sizeof(question), MSG_DONTWAIT) > 0)
		;
	return 0;
}

static void require_error(int r, const struct ironclaw_error *err)
{
	require(r == -EIO || r == -EPROTO || r == -EPIPE);
	require(err->errnum == -r && err->code == IRONCLAW_ERR_VMM);
	require(memchr(err->text, '\0', sizeof(err->text)) != NULL && err->text[0]);
	for (const char *p = err->text; *p; p++)
		require((unsigned char)*p >= ' ' && *p != 0x7f);
}

static void check(int peer, const uint8_t *data, size_t size, size_t piece)
{
	struct ironclaw_error err = {0};
	int r = 0;

	while (r == 0 && size > 0) {
		size_t n = size < piece ? size : piece;

		require(send(peer, data, n, 0) == (ssize_t)n);
		r = qemu_check(&monitor, &err);
		require(monitor.used < sizeof(monitor.text));
		/* No complete line is left unjudged. */
		require(r < 0 || !memchr(monitor.text, '\n', monitor.used));
		data += n;
		size -= n;
	}
	if (r == 0) {
		require(shutdown(peer, SHUT_WR) == 0);
		r = qemu_check(&monitor, &err);
		require(r == -EPIPE);
	}
	require_error(r, &err);
}

static void save(int peer, const uint8_t *data, size_t size)
{
	struct ironclaw_error err = {0};
	int r, state_fd = open("/dev/null", O_WRONLY | O_CLOEXEC);

	require(state_fd >= 0 && send(peer, data, size, 0) == (ssize_t)size);
	require(shutdown(peer, SHUT_WR) == 0);
	r = qemu_save(&monitor, state_fd, DEADLINE_MS, idle, &err);
	if (r < 0)
		require_error(r, &err);
	else
		require(r == 0 && err.code == IRONCLAW_ERR_NONE);
	(void)close(state_fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int pair[2];

	if (size < 2 || size > INPUT_MAX_B)
		return 0;
	require(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0);
	monitor.fd = pair[0];
	peer_fd = pair[1];
	monitor.used = 0;
	monitor.negotiated = false;
	if (data[0] & 1)
		save(pair[1], data + 1, size - 1);
	else
		check(pair[1], data + 1, size - 1, (size_t)(data[0] / 2 + 1) * 16);
	(void)close(pair[0]);
	(void)close(pair[1]);
	return 0;
}
