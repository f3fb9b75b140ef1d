/* SPDX-License-Identifier: Apache-2.0 */
/**
 * warden_limits.h - the cgroup of one VMM: memory (no swap), processes, processor time.
 *
 * As root below the root of the hierarchy (ironclaw/ID, in each controller of cgroup v1 where the
 * host has only that), as an ordinary user beside the caller's own cgroup where that is delegated
 * to the user (ironclaw-ID). Named from the VM's id, so that it can be removed by name.
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

/**
 * warden_limits_make() - make the cgroup, write every limit and read it back.
 *
 * Made exclusively: one that is there already is a leftover of a VM of this name: it is removed
 * when it is empty, else -EEXIST. On failure nothing is left.
 *
 * Return: enum warden_limits_kind, NONE only when @limits->required is 0; -EOPNOTSUPP when required
 * and not to be had; -errno
 */
int warden_limits_make(const char *vm_id, const struct jail_limits *limits);

/** warden_limits_join() - put a process (and what it will start) into the cgroup. 0, -errno */
int warden_limits_join(const char *vm_id, enum warden_limits_kind kind, pid_t pid);

/** warden_limits_oom() - whether something in it was killed for lack of memory. */
bool warden_limits_oom(const char *vm_id, enum warden_limits_kind kind);

/**
 * warden_limits_remove() - kill what is in it, and remove it. For any kind, by name; twice is fine.
 * Return: 0, -errno
 */
int warden_limits_remove(const char *vm_id);

#endif
