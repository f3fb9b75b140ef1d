/* SPDX-License-Identifier: Apache-2.0 */
/**
 * spawn.h - run a program to its end: no shell, no terminal, nothing left behind when we die.
 */
#ifndef SYS_SPAWN_H
#define SYS_SPAWN_H

#include <stdbool.h>
#include <stddef.h>

#define SPAWN_LINE_MAX 4096U /* bytes of a line that @line sees; the rest of it is left out */
#define SPAWN_ENV_MAX  16U   /* variables in @env */

struct spawn {
	const char *const *argv; /* ends with NULL; argv[0] with '/' is a path, else looked up */
	const char *const *env;	 /* NAME=VALUE on top of our own; ends with NULL; or NULL */
	const char *cwd;	 /* or NULL */
	int log_fd;		 /* gets what the program writes; negative: nobody does */
	/* Called for each line of stdout, without its newline, and of stderr too if @line_stderr.
	 */
	void (*line)(void *ctx, const char *line);
	bool line_stderr;
	/* Asked about five times a second; true kills the program. Or NULL. */
	bool (*cancelled)(void *ctx);
	void *ctx;
};

/**
 * spawn_find() - find a program in PATH, then in the sbin folders that an ordinary user's PATH
 * lacks.
 * @name:	with '/' it is taken as it is
 * @ret:	its path; may be NULL
 *
 * Return: 0, -ENOENT, -ENAMETOOLONG
 */
int spawn_find(const char *name, char *ret, size_t size);

/**
 * spawn_run() - run a program and wait for it.
 * @ret_status:	as waitpid(2) gives it
 *
 * The program has a session of its own, an empty stdin, default signals, umask 022, no
 * descriptors but its standard ones, and is killed when the calling thread dies. What it starts is
 * killed with it only as far as it stays in its process group: a program that starts others is
 * better run below `unshare --pid --kill-child`.
 *
 * Return: 0 when it ran, however it ended; -ECANCELED after a kill on behalf of @cancelled; -ENOENT
 * and other errors of execve(2) when it could not be started
 */
int spawn_run(const struct spawn *s, int *ret_status);

#endif
