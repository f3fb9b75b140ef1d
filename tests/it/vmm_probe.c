/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vmm_probe.c - stands where the VMM stands, and tries what a VMM taken over by its guest would
 * try.
 *
 * The warden starts it in the VMM's place, in the very jail of a clone: same descriptors, mounts,
 * namespaces and limits. What it is to try stands in a file that is mounted where a clone finds its
 * preloaded library (this program is static, so nothing preloads it): "ROUND ARGUMENT". Each act is
 * done by a process of its own, so that none spoils the next, and one that is killed for it is
 * seen:
 *
 *   rw:EROFS private:ok connect:ENETUNREACH mount:SIG31 end:ok
 *
 * The keeper quotes the last 400 bytes of this in its failure; a round says no more. Outside of a
 * jail `vmm_probe ROUND ARGUMENT` does the very same acts: vmm_position.c uses that as the control.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "vmm_probe.h"

#define ORDERS "/vm/preload.so"

char probe_argument[1024];
char probe_told[PROBE_RESULT_B];

static const char *errno_name(int errnum)
{
	static const struct {
		int errnum;
		const char *name;
	} names[] = {{0, "ok"},
		     {EROFS, "EROFS"},
		     {EACCES, "EACCES"},
		     {EPERM, "EPERM"},
		     {ENOENT, "ENOENT"},
		     {EBADF, "EBADF"},
		     {EINVAL, "EINVAL"},
		     {ENODEV, "ENODEV"},
		     {EXDEV, "EXDEV"},
		     {EBUSY, "EBUSY"},
		     {ESRCH, "ESRCH"},
		     {EFBIG, "EFBIG"},
		     {ENOSYS, "ENOSYS"},
		     {ENOTTY, "ENOTTY"},
		     {ENOTDIR, "ENOTDIR"},
		     {EOPNOTSUPP, "EOPNOTSUPP"},
		     {ENETUNREACH, "ENETUNREACH"},
		     {ECONNREFUSED, "ECONNREFUSED"}};
	static char other[16];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (names[i].errnum == errnum)
			return names[i].name;
	}
	(void)snprintf(other, sizeof(other), "E%d", errnum);
	return other;
}

static const struct {
	const char *name;
	const struct act *acts;
} rounds[] = {
	{"file", probe_file_acts},   {"descriptors", probe_descriptor_acts},
	{"tree", probe_tree_acts},   {"nested", probe_nested_acts},
	{"world", probe_world_acts},
};

__attribute__((format(printf, 1, 2))) static void say(const char *fmt, ...)
{
	char line[PROBE_RESULT_B + 64];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	(void)!write(STDOUT_FILENO, line, (size_t)n < sizeof(line) ? (size_t)n : sizeof(line) - 1);
}

static void run(const struct act *act)
{
	pid_t pid = fork();
	int status, r;

	if (pid == 0) {
		r = act->run ? act->run() : act->at(act->path);
		say("%s:%s ", act->name, r || !probe_told[0] ? errno_name(r) : probe_told);
		_exit(0);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		say("%s:lost ", act->name);
	else if (WIFSIGNALED(status))
		say("%s:SIG%d ", act->name, WTERMSIG(status));
}

static int run_round(const char *name)
{
	for (size_t i = 0; i < sizeof(rounds) / sizeof(rounds[0]); i++) {
		if (strcmp(rounds[i].name, name) != 0)
			continue;
		for (const struct act *act = rounds[i].acts; act->name; act++)
			run(act);
		say("end:ok\n");
		return 0;
	}
	say("no round %s\n", name);
	return 1;
}

int main(int argc, char **argv)
{
	char orders[1200] = "", *rest;
	int fd = open(ORDERS, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	/* A clone may write no file at all: seen as EFBIG. */
	(void)signal(SIGXFSZ, SIG_IGN);
	if (fd < 0) {
		(void)snprintf(probe_argument, sizeof(probe_argument), "%s",
			       argc > 2 ? argv[2] : "");
		return argc > 1 ? run_round(argv[1]) : 2;
	}
	n = read(fd, orders, sizeof(orders) - 1);
	(void)close(fd);
	orders[n > 0 ? n : 0] = '\0';
	orders[strcspn(orders, "\n")] = '\0';
	rest = strchr(orders, ' ');
	if (rest) {
		*rest = '\0';
		(void)snprintf(probe_argument, sizeof(probe_argument), "%s", rest + 1);
	}
	return run_round(orders);
}
