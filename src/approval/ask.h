/* SPDX-License-Identifier: Apache-2.0 */
/**
 * ask.h - ask a person, on the controlling terminal.
 *
 * /dev/tty and nothing else: stdin and stdout may be an agent's. Asked only from the foreground
 * process group. What was typed before a question is thrown away, so that it answers nothing. Every
 * text goes through base/escape.h and can neither act on the terminal nor begin a row of its own;
 * long lines are broken, long texts shown by pages and to the end before any answer is taken.
 * Ctrl-C, Ctrl-D, a hang-up, SIGTERM, the end of time and everything else that is no answer is a
 * no (such a signal has done its work by that: the caller goes on). The terminal is left as it was.
 */
#ifndef APPROVAL_ASK_H
#define APPROVAL_ASK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

#define ASK_TERMINAL_MAX_B 65U

struct ask_question {
	const char *title;	 /* one row or more; NULL of this and the next: none */
	const char *description; /* the same */
	const char *const *lines;
	size_t n_lines;
	const char *const *choices; /* words of [a-z], ends with NULL */
	bool critical;		    /* the whole word must be typed, and no page may be skipped */
	uint64_t timeout_ms;	    /* since the last key; ASK_TOTAL_TIMEOUTS of it in all */
};

/**
 * ask_choice() - show the text, take one of the choices.
 * @ret:	index into choices
 * @ret_terminal: name of the terminal, such as "pts/3"
 *
 * When not critical, the first letters of a word are enough where no other begins so.
 *
 * Return: 0; -ENOTTY without a terminal of ours in the foreground; -ECANCELED; -ENODATA for a `q`
 * between two pages, a no as well unless the caller asks again; -ETIMEDOUT; -EIO after a hang-up
 */
int ask_choice(const struct ask_question *question, size_t *ret,
	       char ret_terminal[ASK_TERMINAL_MAX_B], struct ironclaw_error *err);

/** ask_failure() - a failure of ask_choice() in a few words. */
const char *ask_failure(int r);

#endif
