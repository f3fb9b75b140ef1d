/* SPDX-License-Identifier: Apache-2.0 */
/**
 * warden_limits.h - the cgroup of one VM, for VMM and keeper: memory (no swap), processes,
 * processor time.
 *
 * Named from the VM's id, so that it can be found and removed by name: /ironclaw/ID at the root of
 * the hierarchy (of each of three with cgroup v1) for who may write there, ironclaw-ID beside the
 * caller's own cgroup for a user to whom that place is delegated.
 *
 * An id is unique in a state folder only. Where a user has two, a living VM of the other folder
 * holds the name: make says -EEXIST, and the caller must then leave the group alone, for remove
 * would kill the other VM. What says that a group has a living warden is its lock, from the moment
 * that it is made: an empty one may be of a VM in the making.
 *
 * The functions keep nothing between them but the kernel's own state. They read no byte that a VMM
 * or guest wrote. An id must have passed request_check_claim().
 */
#ifndef JAIL_WARDEN_LIMITS_H
#define JAIL_WARDEN_LIMITS_H

#include <stdbool.h>
#include <sys/types.h>

#include "jail/request.h"

enum warden_limits_kind {
	WARDEN_LIMITS_NONE, /* nothing that this process may use */
	WARDEN_LIMITS_V1,
	WARDEN_LIMITS_V2,
};

#define WARDEN_LIMITS_GROUPS_MAX 3U

/** What says that a living warden has the groups: their locks, which end with these. */
struct warden_limits_hold {
	unsigned int n;
	int fds[WARDEN_LIMITS_GROUPS_MAX];
};

/** warden_limits_release() - for who goes on living after warden_limits_remove(). */
void warden_limits_release(struct warden_limits_hold *hold);

/**
 * warden_limits_make() - make the cgroup, write every limit and read it back.
 *
 * Made exclusively: one that is there already is a leftover of a VM of this name: it is removed
 * when it is empty, else -EEXIST. On failure nothing is left.
 *
 * @limits:	memory is rounded down to whole pages; the others are as given. -EINVAL for a zero
 *
 * Return: enum warden_limits_kind, NONE only when @limits->required is 0; -EOPNOTSUPP when required
 * and not to be had; -EDOM when the kernel kept another value; -errno
 */
int warden_limits_make(const char *vm_id, const struct jail_limits *limits,
		       struct warden_limits_hold *ret_hold);

/** How a child of clone3(2) gets into the cgroup. Made by warden_limits_open(). */
struct warden_limits_entry {
	int group_fd;	  /* v2: for clone_args.cgroup with CLONE_INTO_CGROUP; else -EBADF */
	int tasks_fds[3]; /* v1: what warden_limits_enter() writes to */
	unsigned int n_tasks;
};

/**
 * warden_limits_open() - the way in for a child that is about to be made.
 *
 * Costs a tenth of a millisecond where warden_limits_join() costs 15 (see cgroup_add()).
 *
 * @ret:	to be closed with warden_limits_close(); descriptors are close-on-exec
 */
int warden_limits_open(const char *vm_id, enum warden_limits_kind kind,
		       struct warden_limits_entry *ret);

/**
 * warden_limits_enter() - v1: the child's first act, single-threaded, in any namespace and without
 * any privilege of its own. With v2 it is in the group already and nothing is done.
 */
int warden_limits_enter(const struct warden_limits_entry *entry);

/** warden_limits_close() - close what warden_limits_open() opened. */
void warden_limits_close(struct warden_limits_entry *entry);

/**
 * warden_limits_verify() - whether the kernel says that a process is in the cgroup, for each
 * controller. After warden_limits_enter() in the child.
 *
 * Return: 0; -EXDEV when it is in another one; -ESRCH when there is no such process; -errno
 */
int warden_limits_verify(const char *vm_id, enum warden_limits_kind kind, pid_t pid);

/**
 * warden_limits_join() - put a process that runs already (and what it will start) into the cgroup,
 * and verify it.
 *
 * Memory that the process has already stays where it was charged. After a failure it may be in some
 * of the groups: end it.
 *
 * @pid:	0: the caller itself
 *
 * Return: as warden_limits_verify()
 */
int warden_limits_join(const char *vm_id, enum warden_limits_kind kind, pid_t pid);

/** warden_limits_oom() - whether something in it was killed for lack of memory. */
bool warden_limits_oom(const char *vm_id, enum warden_limits_kind kind);

/**
 * warden_limits_remove() - kill what is in it, and remove it. For any kind, by name; twice is fine.
 *
 * For who made it. Waits up to a second for what it killed.
 *
 * Return: 0, -EBUSY, -errno
 */
int warden_limits_remove(const char *vm_id);

/**
 * warden_limits_sweep() - remove the cgroup of a VM that is dead, when its warden is dead too.
 *
 * As warden_limits_remove(), but nothing is killed and nothing waited for: what was in it is
 * dying by itself.
 *
 * Return: 0; -EBUSY while something is in it; -EWOULDBLOCK when it is of another VM of that name by
 * now; -errno
 */
int warden_limits_sweep(const char *vm_id);

/**
 * warden_limits_available() - what warden_limits_make() would come to, by trying with a group that
 * no VM can have. Nothing is left but controllers that were switched on in the root of cgroup v2.
 */
enum warden_limits_kind warden_limits_available(void);

#endif
