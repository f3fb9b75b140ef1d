/* SPDX-License-Identifier: Apache-2.0 */
/*
 * main.c - the program ironclaw-probe: stands where a VMM or a keeper stands, and tries what one
 * that its guest has taken over would try. `ironclaw prove` has the warden start it.
 *
 * Theory of operation. It is executed in the jail in place of the real program, with the same
 * descriptors, arguments, mounts, namespaces, limits and filter. In the VMM's place its orders are
 * one more argument, and its reports go to the console's pipe; a keeper has no arguments, so there
 * orders and reports go over the stream to the library.
 *
 * Before each act it makes a call that no kernel has, with the act's number as an argument. The
 * filter denies it and the warden records it, so the record tells which denials are of which act.
 * Where that call is not denied there is no filter (a test's variant of the jail), and each act is
 * done by a process of its own, for it may well succeed. Under the filter there can be only one
 * process, and everything that would spoil it is denied.
 *
 * Libc alone, static, no allocation. It gets nothing from guest or VMM.
 */
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "probe/act.h"
#include "probe/catalogue.h"

#define KEEPER_STREAM_FD 4
#define ACT_SECONDS	 5

#define ACT(name, stands_for, first, beneath, words, function, argument)                           \
	{.run = (function), .what = (argument)},
#define CALL(name, stands_for, first, beneath, words, number, ...)                                 \
	{.nr = (number), .args = {__VA_ARGS__}},

static const struct probe_run runs[] = {
#include "probe/acts_table.h"
};

struct probe_orders probe_orders;
char probe_program[PROBE_PROGRAM_B];
static int report_fd = STDOUT_FILENO;

static void report(uint32_t act, int errnum, int signal)
{
	const struct probe_record record = {.magic = PROBE_RECORD_MAGIC,
					    .act = act,
					    .errnum = errnum,
					    .signal = (uint32_t)signal};

	(void)!write(report_fd, &record, sizeof(record));
}

static int perform(const struct probe_run *act)
{
	errno = 0;
	if (act->run)
		return act->run(act->what);
	return probe_call(act->nr, act->args[0], act->args[1], act->args[2], act->args[3],
			  act->args[4]);
}

/* Whether a filter denied it: a kernel without one says that it knows no such call. */
static int mark(uint32_t act)
{
	return syscall(PROBE_MARK, PROBE_MARK_MAGIC, act) < 0 && errno == EPERM;
}

/* No filter: the act may succeed, and its process is then no longer like the others. */
static void perform_apart(uint32_t act)
{
	pid_t pid = (pid_t)syscall(SYS_fork);
	int status;

	if (pid == 0) {
		(void)alarm(ACT_SECONDS);
		/* Where it may, for itself: what it mounts is not there for the next. */
		(void)syscall(SYS_unshare, CLONE_NEWNS);
		report(act, perform(&runs[act]), 0);
		_exit(0);
	}
	if (pid < 0 || waitpid(pid, &status, __WALL) != pid)
		report(act, ECHILD, 0);
	else if (WIFSIGNALED(status))
		report(act, EINTR, WTERMSIG(status));
}

/* The end of the program is the end of the VM: whoever reads the reports ends it. */
__attribute__((noreturn)) static void wait_for_end(void)
{
	for (;;)
		(void)poll(NULL, 0, -1);
}

static void perform_all(uint32_t first)
{
	uint32_t from = first == PROBE_ALL ? 0 : first;
	uint32_t to = first == PROBE_ALL ? (uint32_t)(sizeof(runs) / sizeof(runs[0])) : first + 1;

	for (uint32_t act = from; act < to; act++) {
		/* Alone, an act is tried where a denied call kills, the mark too. */
		if (first != PROBE_ALL || mark(act))
			report(act, perform(&runs[act]), 0);
		else
			perform_apart(act);
	}
	(void)mark(to);
	report(PROBE_ALL, 0, 0);
}

static void take_order(const char *key, const char *value)
{
	if (strcmp(key, "act") == 0)
		probe_orders.act = (uint32_t)strtoul(value, NULL, 10);
	else if (strcmp(key, "given") == 0)
		probe_orders.n_given = (int)strtol(value, NULL, 10);
	else if (strcmp(key, "program") == 0)
		(void)strncpy(probe_program, value, sizeof(probe_program) - 1);
	else if (strcmp(key, "pid") == 0)
		probe_orders.pid = (int)strtol(value, NULL, 10);
	else if (strcmp(key, "port") == 0)
		probe_orders.port = (int)strtol(value, NULL, 10);
	else if (strcmp(key, "shm") == 0)
		probe_orders.shm_key = (int)strtol(value, NULL, 10);
	else if (strcmp(key, "own") == 0)
		(void)strncpy(probe_orders.own_socket, value, sizeof(probe_orders.own_socket) - 1);
	else if (strcmp(key, "abstract") == 0)
		(void)strncpy(probe_orders.abstract, value, sizeof(probe_orders.abstract) - 1);
	else if (strcmp(key, "socket") == 0)
		(void)strncpy(probe_orders.socket, value, sizeof(probe_orders.socket) - 1);
	else if (strcmp(key, "file") == 0)
		(void)strncpy(probe_orders.file, value, sizeof(probe_orders.file) - 1);
}

static void take_orders(char *text)
{
	for (char *line = text; *line;) {
		char *end = line + strcspn(line, "\n"), *equals = strchr(line, '=');
		char *next = *end ? end + 1 : end;

		*end = '\0';
		if (equals && equals < end) {
			*equals = '\0';
			take_order(line, equals + 1);
		}
		line = next;
	}
}

int main(int argc, char **argv)
{
	static char text[2 * PROBE_PATH_B];

	if (argc > 1) {
		(void)strncpy(text, argv[argc - 1], sizeof(text) - 1);
	} else {
		report_fd = KEEPER_STREAM_FD;
		if (read(report_fd, text, sizeof(text) - 1) <= 0)
			return 2;
	}
	probe_orders.act = PROBE_ALL;
	take_orders(text);
	if (probe_orders.act == PROBE_NONE)
		wait_for_end();
	if (probe_orders.act != PROBE_ALL && probe_orders.act >= sizeof(runs) / sizeof(runs[0]))
		return 2;
	/* Beyond the limit of file sizes: seen as EFBIG. */
	(void)signal(SIGXFSZ, SIG_IGN);
	(void)signal(SIGPIPE, SIG_IGN);
	perform_all(probe_orders.act);
	wait_for_end();
}
