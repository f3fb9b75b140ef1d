/* SPDX-License-Identifier: Apache-2.0 */
/**
 * ask_terminal.h - the terminal of a question: opened, read and written with a deadline, restored.
 */
#ifndef APPROVAL_ASK_TERMINAL_H
#define APPROVAL_ASK_TERMINAL_H

#include <signal.h>
#include <stdint.h>
#include <termios.h>

#include "approval/ask.h"

/* A question ends without a key for as long as its timeout, and after so many of these in all. */
#define ASK_TOTAL_TIMEOUTS 12U

struct ask_terminal {
	int fd, signal_fd;
	struct termios before;
	sigset_t mask_before;
	uint64_t timeout_us, deadline_us, end_us; /* since the last key; of the whole question */
	unsigned int rows, columns;		  /* at least 4 and 10 */
	char name[ASK_TERMINAL_MAX_B];
};

/** ask_open() - the time begins. Return: 0 with *ret to close; -ENOTTY, -errno */
int ask_open(uint64_t timeout_ms, struct ask_terminal *ret);

/** ask_close() - as it was before. */
void ask_close(struct ask_terminal *terminal);

/** ask_write() - Return: 0, -ETIMEDOUT, -ECANCELED, -EIO */
int ask_write(struct ask_terminal *terminal, const char *text, size_t len);

/** ask_flush() - forget what was typed so far. Return: 0; -ENOTTY in the background */
int ask_flush(struct ask_terminal *terminal);

/** ask_key() - one byte that was typed; then time begins anew. Return: 0 to 255, as ask_write() */
int ask_key(struct ask_terminal *terminal);

#endif
