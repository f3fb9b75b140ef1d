/* SPDX-License-Identifier: Apache-2.0 */
/**
 * warden_child.h - VMM or keeper, from the warden's side: make it, give it its ids, let it go, and
 * see it through to its program.
 *
 *   warden_child_make()   a process in its namespaces, which waits
 *   warden_child_go()     its ids are mapped; it builds its jail
 *   warden_child_share()  a VMM with sockets of its own: they are the keeper's as well
 *   warden_child_exec()   its filter is loaded, its one execve(2) has succeeded
 *   warden_child_end()    killed and waited for
 */
#ifndef JAIL_WARDEN_CHILD_H
#define JAIL_WARDEN_CHILD_H

#include <sys/types.h>

#include "jail/warden_jail.h"

struct warden_child {
	enum jail_program program;
	pid_t pid;
	int pidfd;
	int report_fd;	 /* until the program runs */
	int listener_fd; /* its filter's supervisor */
};

#define WARDEN_CHILD_NONE ((struct warden_child){.pidfd = -1, .report_fd = -1, .listener_fd = -1})

/** Where and why a start failed, for jail_event. */
struct warden_failure {
	enum jail_stage stage; /* JAIL_STAGE_NONE: it did not */
	int errnum;
	uint32_t detail;
};

/**
 * warden_child_make() - @jail is borrowed until warden_child_exec(); its report_fd is set here.
 *
 * Return: 0, -errno of clone3(2)
 */
int warden_child_make(struct warden_child *child, struct warden_jail *jail);

/** warden_child_go() - map the ids of @jail. Return: 0, -errno */
int warden_child_go(struct warden_child *child, const struct warden_jail *jail);

/**
 * warden_child_share() - hand what the VMM's child made for its sockets to the keeper's.
 *
 * Blocks until the VMM's tree stands, but not beyond the end of JAIL_WARDEN_FD.
 */
void warden_child_share(struct warden_child *vmm, const struct warden_child *keeper,
			struct warden_failure *ret);

/**
 * warden_child_exec() - wait for the filter, let the execve pass, wait for its success.
 *
 * Blocks as long as the child takes, but not beyond the end of JAIL_WARDEN_FD. A call that the
 * filter denies before the program runs is a failure (stage SECCOMP, the call's number as detail).
 */
void warden_child_exec(struct warden_child *child, struct warden_failure *ret);

/** warden_child_ends() - whether it is dead, waited for or not, or dies within a second. */
bool warden_child_ends(const struct warden_child *child);

/**
 * warden_child_stop() - SIGSTOP, and wait until all its threads have stopped. No process inside of
 * the jail can undo it, and SIGKILL and the warden's death end it all the same.
 * Return: 0; -ESRCH when it is dead; -ETIMEDOUT after a second; -errno
 */
int warden_child_stop(const struct warden_child *child);

/** warden_child_continue() - Return: 0, -errno */
int warden_child_continue(const struct warden_child *child);

/** warden_child_kill() - SIGKILL, without waiting; a child that never lived is fine. */
void warden_child_kill(const struct warden_child *child);

/** warden_child_end() - kill, wait, close. Return: the wait(2) status; 0 when it never lived */
int warden_child_end(struct warden_child *child);

#endif
