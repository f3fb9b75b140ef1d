/* SPDX-License-Identifier: Apache-2.0 */
/**
 * env.h - the argument and environment vectors of a command.
 */
#ifndef GUEST_ENV_H
#define GUEST_ENV_H

#include "guest/user.h"
#include "wire/message.h"

/**
 * env_argv() - the arguments of a checked request, as execve(2) wants them.
 * Return: allocated (never freed: the caller becomes the command), NULL without memory
 */
char **env_argv(const uint8_t *request, size_t len, const struct wire_exec *exec);

/**
 * env_environ() - defaults (PATH, HOME, USER, LOGNAME, LANG, and TERM with a terminal) overlaid by
 * the request's variables; each name once, the last value wins.
 * Return: as env_argv()
 */
char **env_environ(const uint8_t *request, size_t len, const struct wire_exec *exec,
		   const struct user *user);

#endif
