/* SPDX-License-Identifier: Apache-2.0 */
/**
 * console.h - the guest's console and the VMM's own complaints, in the keeper: a pipe that is
 * drained to the last byte, and of which the tail is kept, for the message that explains a failure.
 *
 * Its bytes are hostile; they are quoted, not read.
 */
#ifndef MACHINE_CONSOLE_H
#define MACHINE_CONSOLE_H

#include "base/error.h"
#include "base/limits.h"

struct console {
	int fd; /* read end, non-blocking; borrowed. -EBADF: at its end */
	size_t used;
	char tail[LIMIT_CONSOLE_TAIL_B];
};

/** console_read() - once. */
void console_read(struct console *c);

/** console_drain() - once, if there is something. */
void console_drain(struct console *c);

/** console_quote() - add the end of it to a failure of guest or VMM; waits for last words. */
void console_quote(struct console *c, struct ironclaw_error *err);

#endif
