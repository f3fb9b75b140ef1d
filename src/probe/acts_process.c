/* SPDX-License-Identifier: Apache-2.0 */
/* acts_process.c - acts on other processes, new processes, new code, other ABIs. */
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/uio.h>
#include <sys/wait.h>

#include "probe/act.h"

#define PID_LIMIT      65536
#define PAGE_B	       4096UL
#define GETPID_I386    20
#define X32_BIT	       0x40000000L
#define NUMBER_UNKNOWN 1001L

/* Others than us and the process that waits for us. */
int act_find_process(const char *unused)
{
	int last = ESRCH;

	(void)unused;
	for (int pid = 1; pid < PID_LIMIT; pid++) {
		if (pid == getpid() || pid == getppid())
			continue;
		if (syscall(SYS_kill, pid, 0) == 0)
			return 0;
		if (errno != ESRCH)
			return errno; /* there is one, or the filter says no */
	}
	return last;
}

int act_kill(const char *signal)
{
	return probe_call(SYS_kill, probe_orders.pid, (int)strtol(signal, NULL, 10));
}

int act_ptrace(const char *unused)
{
	(void)unused;
	return probe_call(SYS_ptrace, PTRACE_SEIZE, probe_orders.pid, 0UL, 0UL);
}

int act_vm_read(const char *unused)
{
	char byte;
	struct iovec to = {&byte, 1}, from = {(void *)0x400000, 1};
	long r = syscall(SYS_process_vm_readv, probe_orders.pid, &to, 1UL, &from, 1UL, 0UL);

	(void)unused;
	/* Allowed, with nothing at that address. */
	return r < 0 && errno != EFAULT ? errno : 0;
}

int act_pidfd(const char *unused)
{
	int fd = (int)syscall(SYS_pidfd_open, probe_orders.pid, 0);

	(void)unused;
	if (fd < 0)
		return errno;
	(void)close(fd);
	return 0;
}

int act_pidfd_getfd(const char *unused)
{
	int fd = (int)syscall(SYS_pidfd_open, probe_orders.pid, 0), r;

	(void)unused;
	if (fd < 0)
		return errno;
	r = probe_call(SYS_pidfd_getfd, fd, 0, 0);
	(void)close(fd);
	return r;
}

/* A signal by way of a descriptor's owner. */
int act_own_signal(const char *unused)
{
	(void)unused;
	return probe_call(SYS_fcntl, 0, F_SETOWN, probe_orders.pid);
}

int act_fork(const char *flags)
{
	long pid = syscall(SYS_clone, strtoul(flags, NULL, 0) | SIGCHLD, 0UL, 0UL, 0UL, 0UL);
	int status;

	if (pid == 0)
		_exit(0);
	if (pid < 0)
		return errno;
	(void)waitpid((pid_t)pid, &status, __WALL);
	return 0;
}

int act_clone3(const char *flags)
{
	uint64_t args[8] = {strtoul(flags, NULL, 0), 0, 0, 0, SIGCHLD};
	long pid = syscall(SYS_clone3, args, sizeof(args));
	int status;

	if (pid == 0)
		_exit(0);
	if (pid < 0)
		return errno;
	(void)waitpid((pid_t)pid, &status, __WALL);
	return 0;
}

/* A program that was never a file: one that is not well-formed is refused later than by us. */
int act_memfd_exec(const char *unused)
{
	char *const none[] = {NULL};
	int fd = (int)syscall(SYS_memfd_create, "probe", 0);

	(void)unused;
	if (fd < 0)
		return errno;
	(void)!write(fd, "not a program", 13);
	(void)syscall(SYS_execveat, fd, "", none, none, 0x1000 /* AT_EMPTY_PATH */);
	return errno == ENOEXEC ? 0 : errno;
}

/* With arguments that the kernel refuses only after it has allowed the file. */
int act_exec(const char *path)
{
	(void)syscall(SYS_execve, path, (char **)8, (char **)8);
	return errno == EFAULT ? 0 : errno;
}

int act_map_exec(const char *unused)
{
	long at = syscall(SYS_mmap, 0UL, PAGE_B, PROT_READ | PROT_WRITE | PROT_EXEC,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0UL);

	(void)unused;
	if (at == -1)
		return errno;
	(void)syscall(SYS_munmap, at, PAGE_B);
	return 0;
}

int act_modify_ldt(const char *unused)
{
	char room[64];

	(void)unused;
	return probe_call(SYS_modify_ldt, 0, room, sizeof(room));
}

/* A filter of its own; with a listener it would supervise itself, beside us. */
int act_listener(const char *flags)
{
	/* struct sock_filter: return SECCOMP_RET_ALLOW; struct sock_fprog: one of it */
	static const struct {
		uint16_t code;
		uint8_t if_true, if_false;
		uint32_t value;
	} allow = {0x06, 0, 0, 0x7fff0000};
	const struct {
		unsigned short n;
		const void *code;
	} program = {1, &allow};

	/* SECCOMP_SET_MODE_FILTER */
	return probe_call(SYS_seccomp, 1, strtoul(flags, NULL, 0), &program);
}

int act_prlimit(const char *unused)
{
	struct rlimit old;

	(void)unused;
	return probe_call(SYS_prlimit64, probe_orders.pid, RLIMIT_NOFILE, NULL, &old);
}

int act_raise_limit(const char *unused)
{
	const struct rlimit more = {2, 2}; /* 1 is what no core file means */

	(void)unused;
	return probe_call(SYS_prlimit64, 0, RLIMIT_CORE, &more, NULL);
}

/* The same call by another door. */
int act_abi(const char *which)
{
	long r = -1;

	if (strcmp(which, "x32") == 0)
		return probe_call(SYS_getpid | X32_BIT);
	if (strcmp(which, "unknown") == 0)
		return probe_call(NUMBER_UNKNOWN);
	if (strcmp(which, "negative") == 0)
		return probe_call(-1L);
	__asm__ volatile("int $0x80"
			 : "=a"(r)
			 : "0"(GETPID_I386)
			 : "memory", "r8", "r9", "r10", "r11");
	if ((int)r > 0)
		return 0;
	return (int)-r;
}

/* READ_IMPLIES_EXEC: what is readable becomes executable. */
int act_mdwe(const char *unused)
{
	(void)unused;
	return probe_call(SYS_personality, 0x0400000UL);
}
