/* SPDX-License-Identifier: Apache-2.0 */
/*
 * supervised.h - a child under a seccomp program, and its supervisor, for the tests of the filters.
 *
 * The calls to try stand in memory that both share. The child makes one after the other; for each
 * that is denied the supervisor notes what the kernel told it, and refuses with EPERM. Which call
 * is at hand is known, for the child waits.
 */
#ifndef TESTS_UNIT_SUPERVISED_H
#define TESTS_UNIT_SUPERVISED_H

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sys/descriptors.h"
#include "sys/seccomp.h"

enum attempt_abi { ABI_X86_64, ABI_I386 };

struct attempt {
	/* what to do */
	long nr;
	uint64_t args[6];
	enum attempt_abi abi;
	/* what came of it */
	bool done;
	long result; /* as the kernel returns it: -errno */
	unsigned int n_denied;
	struct seccomp_data told;
};

struct supervised {
	size_t n, capacity;
	volatile size_t current;
	struct attempt attempts[];
};

static inline struct supervised *supervised_new(size_t capacity)
{
	size_t size = sizeof(struct supervised) + capacity * sizeof(struct attempt);
	struct supervised *s =
		mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	assert_ptr_not_equal(s, MAP_FAILED);
	s->capacity = capacity;
	return s;
}

static inline void supervised_free(struct supervised *s)
{
	(void)munmap(s, sizeof(*s) + s->capacity * sizeof(struct attempt));
}

/* Arguments that are not given are -1: a bad address, descriptor and number. */
static inline struct attempt *supervised_add(struct supervised *s, long nr)
{
	struct attempt *a = &s->attempts[s->n++];

	assert_true(s->n <= s->capacity);
	*a = (struct attempt){.nr = nr};
	memset(a->args, 0xff, sizeof(a->args));
	return a;
}

static inline long raw_syscall(long nr, const uint64_t args[6])
{
	long result;
	register uint64_t r10 __asm__("r10") = args[3];
	register uint64_t r8 __asm__("r8") = args[4];
	register uint64_t r9 __asm__("r9") = args[5];

	__asm__ volatile("syscall"
			 : "=a"(result)
			 : "a"(nr), "D"(args[0]), "S"(args[1]), "d"(args[2]), "r"(r10), "r"(r8),
			   "r"(r9)
			 : "rcx", "r11", "memory");
	return result;
}

/* Registers that the 32-bit entry does not keep are clobbers. */
static inline long raw_syscall_i386(long nr)
{
	long result;

	__asm__ volatile("int $0x80" : "=a"(result) : "a"(nr) : "r8", "r9", "r10", "r11", "memory");
	return (int)result;
}

/* Whether the kernel has the 32-bit entry; without it the caller gets SIGSEGV. */
static inline bool has_i386(void)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		(void)signal(SIGSEGV, SIG_DFL);
		_exit(raw_syscall_i386(20 /* getpid */) > 0 ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status == 0;
}

__attribute__((noreturn)) static inline void supervised_child(struct supervised *s, int socket,
							      const struct seccomp_program *program)
{
	int listener;

	/* cmocka's handlers would run the other tests in here. */
	for (int sig = 1; sig < 32; sig++)
		(void)signal(sig, SIG_DFL);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		_exit(101);
	listener = seccomp_load(program);
	if (listener < 0 || descriptors_send(socket, "", 1, &listener, 1) < 0)
		_exit(102);
	(void)close(listener);
	for (size_t i = 0; i < s->n; i++) {
		struct attempt *a = &s->attempts[i];

		s->current = i;
		a->result =
			a->abi == ABI_I386 ? raw_syscall_i386(a->nr) : raw_syscall(a->nr, a->args);
		a->done = true;
	}
	/* Not _exit(): under ASan that makes calls of its own first. */
	for (;;)
		(void)raw_syscall(SYS_exit_group, (const uint64_t[6]){0});
}

/* Starts the child; the supervisor's descriptor is the caller's. */
static inline pid_t supervised_start(struct supervised *s, const struct seccomp_program *program,
				     int *ret_listener)
{
	size_t n_fds = 0;
	char byte;
	int pair[2];
	pid_t pid;

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		(void)close(pair[0]);
		supervised_child(s, pair[1], program);
	}
	(void)close(pair[1]);
	assert_int_equal(descriptors_receive(pair[0], &byte, 1, ret_listener, 1, &n_fds), 1);
	assert_int_equal(n_fds, 1);
	(void)close(pair[0]);
	return pid;
}

/* Refuses until the child is gone. Return: its wait status */
static inline int supervised_serve(struct supervised *s, pid_t pid, int listener)
{
	int status;

	for (;;) {
		struct pollfd p = {.fd = listener, .events = POLLIN};
		struct seccomp_notif denied;
		struct attempt *a;

		if (poll(&p, 1, 20000) <= 0) {
			(void)kill(pid, SIGKILL);
			break;
		}
		/* POLLHUP: nobody is left under the program. */
		if (!(p.revents & POLLIN))
			break;
		if (seccomp_next(listener, &denied) < 0)
			continue;
		a = &s->attempts[s->current];
		a->n_denied++;
		a->told = denied.data;
		assert_int_equal(seccomp_refuse(listener, &denied, EPERM), 0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	(void)close(listener);
	return status;
}

/* All attempts in a child under @program; every one of them must have returned. */
static inline void supervised_run(struct supervised *s, const struct seccomp_program *program)
{
	int listener, status;
	pid_t pid = supervised_start(s, program, &listener);

	status = supervised_serve(s, pid, listener);
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		print_error("# the child ended with %#x at call %ld\n", status,
			    s->attempts[s->current].nr);
	assert_int_equal(status, 0);
	for (size_t i = 0; i < s->n; i++)
		assert_true(s->attempts[i].done);
}

#endif
