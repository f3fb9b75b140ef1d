/* SPDX-License-Identifier: Apache-2.0 */
/**
 * cgroup.h - one cgroup (v2) a session: what a command starts stays in it, and dies with it.
 *
 *   /sys/fs/cgroup            PID 1 and the kernel's threads, without limits
 *   /sys/fs/cgroup/sessions   all commands: memory and processes, less a reserve for PID 1
 *   .../sessions/N            the commands of session N
 *
 * The folder of a session is made at its first use and kept: removing it would leave a dying cgroup
 * pinned by whatever page cache was charged to it, one an exec, without end. All access goes
 * through descriptors taken at boot, so that no mount of a privileged command can lead us astray.
 *
 * A command is born in its cgroup (CLONE_INTO_CGROUP) and in a cgroup namespace rooted there; with
 * "nsdelegate" even root cannot move out or raise the limits through the files it sees.
 */
#ifndef GUEST_CGROUP_H
#define GUEST_CGROUP_H

#include <stdbool.h>
#include <stdint.h>

/** Descriptors of one session's cgroup. */
struct cgroup {
	int dir;
	int events;	    /* cgroup.events: POLLPRI when the last process is gone */
	int memory;	    /* memory.events; -EBADF without a memory controller */
	uint64_t oom_kills; /* counted and reported so far */
};

/** cgroup_boot() - make the cgroup of all sessions. Ends in power_fail() when that fails. */
void cgroup_boot(void);

/**
 * cgroup_take() - get a cgroup ready for a new command: made if need be, and empty.
 * @number:	of the session
 * @cgroup:	zeroed, or what an earlier call left
 * @alone:	no other session is open, so nobody can have put anything here
 *
 * Return: 0 or -errno
 */
int cgroup_take(unsigned int number, struct cgroup *cgroup, bool alone);

/** cgroup_kill() - SIGKILL to everything in it and in what it has made below. */
void cgroup_kill(const struct cgroup *cgroup);

/** cgroup_kill_strays() - with no session open: end whatever is left in any session's cgroup. */
void cgroup_kill_strays(void);

/** cgroup_empty_all() - kill whatever is left in any session's cgroup, and wait until it is gone
 * (or a second is over: a process may be stuck in the kernel). */
void cgroup_empty_all(void);

/** cgroup_populated() - whether anything is alive in it. */
bool cgroup_populated(const struct cgroup *cgroup);

/** cgroup_oom() - whether the kernel killed a process in it for memory since the last call. */
bool cgroup_oom(struct cgroup *cgroup);

/** cgroup_clean() - remove the cgroups that a privileged command made below; it is empty. */
void cgroup_clean(const struct cgroup *cgroup);

#endif
