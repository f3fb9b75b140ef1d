/* SPDX-License-Identifier: Apache-2.0 */
/*
 * workspace.c - from a request to a built-in command; see workspace.h.
 *
 * There is no execve(2), so nothing closes what the agent had open but we: the other ends of this
 * command's own streams, and the pipe whose end tells the agent that the command runs.
 */
#include "guest/workspace.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define LAYER_FD (STDERR_FILENO + 1)

static const struct {
	const char *name;
	void (*run)(int layer_fd, const char *path);
} commands[] = {
	{"unpack", workspace_unpack},
	{"pack", workspace_pack},
};

static int boot_fd = -EBADF;

void workspace_boot(int layer_fd)
{
	boot_fd = layer_fd;
}

void workspace_fail(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	(void)vdprintf(STDERR_FILENO, fmt, args);
	va_end(args);
	(void)!write(STDERR_FILENO, "\n", 1);
	_exit(1);
}

static int keep_layer(void)
{
	if (boot_fd != LAYER_FD && dup2(boot_fd, LAYER_FD) < 0)
		return -errno;
	return syscall(SYS_close_range, LAYER_FD + 1, ~0U, 0) < 0 ? -errno : 0;
}

int workspace_run(char *const *argv)
{
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		int r;

		if (strcmp(argv[0], commands[i].name) != 0)
			continue;
		r = keep_layer();
		if (r < 0)
			workspace_fail("no workspace in this machine: %s", strerror(-r));
		if (!argv[1] || argv[2])
			workspace_fail("%s takes one path", argv[0]);
		commands[i].run(LAYER_FD, argv[1]);
		_exit(0);
	}
	return -ENOENT;
}
