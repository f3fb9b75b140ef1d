/* SPDX-License-Identifier: Apache-2.0 */
/**
 * agent_user.h - the person at the terminal of `ironclaw agent`: what he types, and his Ctrl-C.
 *
 * The first signal (INT, TERM, HUP) is a wish that the session looks at; the second ends the
 * process at once, and with it the VM. The record is whole in both cases.
 */
#ifndef CLI_AGENT_USER_H
#define CLI_AGENT_USER_H

#include <stdbool.h>

/** agent_user_watch() - take signals from now on; SIGPIPE is ignored. */
void agent_user_watch(void);

/** agent_user_done() - a signal ends the process again. */
void agent_user_done(void);

/** agent_user_interrupted() - whether there was a signal since this was asked last. */
bool agent_user_interrupted(void);

/**
 * agent_user_ask() - a line from the terminal that is stdin.
 * @ret:	owned by the caller; not empty, UTF-8
 *
 * Return: 0; -ENODATA at the end of input, and after a signal; -ENOMEM
 */
int agent_user_ask(char **ret);

#endif
