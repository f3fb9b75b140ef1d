/* SPDX-License-Identifier: Apache-2.0 */
/**
 * living.h - the VMs of this user that live now, by their folders (machine/vmdir.h).
 *
 * A VM lives while its lock is held. Only looked at: nothing of a VM is made or removed.
 */
#ifndef MACHINE_LIVING_H
#define MACHINE_LIVING_H

#include <stdbool.h>
#include <stddef.h>

#include "base/limits.h"
#include "base/paths.h"
#include "jail/status.h"

struct living_vm {
	char id[LIMIT_VM_ID_MAX + 1];
	bool started;		   /* false: its VMM does not run yet, and status is empty */
	struct jail_status status; /* as its warden wrote it */
};

/** living_open() - RUN/vms. Return: descriptor; -ENOENT when there never was a VM; -errno */
int living_open(const struct paths *paths, struct ironclaw_error *err);

/**
 * living_list() - all of them, sorted by id; *ret is freed by the caller.
 *
 * Return: 0, -errno
 */
int living_list(const struct paths *paths, struct living_vm **ret, size_t *ret_n,
		struct ironclaw_error *err);

/**
 * living_find() - one by its whole id.
 *
 * Return: 0; -EINVAL (IRONCLAW_ERR_INVALID) when @vm_id is no id; -ENOENT
 * (IRONCLAW_ERR_NOT_FOUND) when no VM of that name lives
 */
int living_find(const struct paths *paths, const char *vm_id, struct living_vm *ret,
		struct ironclaw_error *err);

/** living_ended() - the failure "has ended". Return: -ESRCH */
int living_ended(const char *vm_id, struct ironclaw_error *err);

#endif
