/* SPDX-License-Identifier: Apache-2.0 */
/* console.c - the tail of what guest and VMM say; see console.h. */
#include "machine/console.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "sys/clock.h"

/* How long the console of a dead VMM is listened to, and how much of it is shown. */
#define LAST_WORDS_MS	   200
#define LAST_WORDS_SHOWN_B 400U

/* Keeps the last bytes only. */
void console_read(struct console *c)
{
	size_t half = sizeof(c->tail) / 2;
	ssize_t n;

	if (c->used > half) {
		memmove(c->tail, c->tail + c->used - half, half);
		c->used = half;
	}
	n = read(c->fd, c->tail + c->used, sizeof(c->tail) - c->used);
	if (n > 0)
		c->used += (size_t)n;
	else if (n == 0 || (errno != EAGAIN && errno != EINTR))
		c->fd = -EBADF;
}

void console_drain(struct console *c)
{
	struct pollfd p = {.fd = c->fd, .events = POLLIN};

	if (poll(&p, 1, 0) > 0)
		console_read(c);
}

static void read_rest(struct console *c)
{
	uint64_t deadline = clock_now_us() + LAST_WORDS_MS * 1000;
	struct pollfd p = {.fd = c->fd, .events = POLLIN};

	while (c->fd >= 0 && poll(&p, 1, clock_left_ms(deadline)) > 0)
		console_read(c);
}

void console_quote(struct console *c, struct ironclaw_error *err)
{
	struct ironclaw_error quoted = *err;
	size_t n;

	read_rest(c);
	while (c->used > 0 && (c->tail[c->used - 1] == '\n' || c->tail[c->used - 1] == '\r'))
		c->used--;
	if (c->used == 0)
		return;
	n = c->used < LAST_WORDS_SHOWN_B ? c->used : LAST_WORDS_SHOWN_B;
	(void)err_set(&quoted, err->code, err->errnum, "%s; its console ends with: %.*s", err->text,
		      (int)n, c->tail + c->used - n);
	memcpy(err->text, quoted.text, sizeof(err->text));
}
