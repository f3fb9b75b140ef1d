/* SPDX-License-Identifier: Apache-2.0 */
/**
 * vmdir.h - the folder of a living VM, and the sweep of dead ones.
 *
 *   RUN/vms/ID/lock     flock held by the VM's warden and keeper, so by nobody when they are dead
 *   RUN/vms/.lock       held while a folder is made or swept
 *
 *   RUN/vms/ID/status   the VM's processes, written by its warden (jail/status.h)
 *   RUN/vms/ID/root     empty; mount point of the jail's root, in the jail's own mount namespace
 *
 * The folder is the mark that the name is taken, holds what is made for this VM alone, and is what
 * a power cut leaves behind.
 */
#ifndef MACHINE_VMDIR_H
#define MACHINE_VMDIR_H

#include <stdbool.h>

#include "base/paths.h"

struct vmdir {
	int vms_fd;  /* RUN/vms */
	int lock_fd; /* of this VM */
};

/**
 * vmdir_open() - RUN/vms, which is ours alone, as RUN is.
 * @make:	what is missing
 *
 * RUN is judged when it is open, and not reached by its path again: the folder above it may be of a
 * user who puts something else in its place, and what is swept is deleted.
 *
 * Return: descriptor; -EPERM when another user owns one of them or may write it; -errno
 */
int vmdir_open(const struct paths *paths, bool make, struct ironclaw_error *err);

/**
 * vmdir_create() - sweep, then make the folder of a VM and take its lock.
 *
 * Return: 0 with two descriptors for the caller; -EEXIST when a VM of that name lives
 */
int vmdir_create(const struct paths *paths, const char *vm_id, struct vmdir *ret,
		 struct ironclaw_error *err);

/** vmdir_sweep() - remove the folders that no living process holds. Return: 0, -errno */
int vmdir_sweep(const struct paths *paths, struct ironclaw_error *err);

/**
 * vmdir_is_held() - whether a living process holds the lock of a VM's folder.
 * @vms_fd:	RUN/vms
 *
 * Under the lock of RUN/vms, for looking takes the VM's lock for a moment: whoever makes a folder
 * of that name must not find it taken.
 */
bool vmdir_is_held(int vms_fd, const char *vm_id);

/**
 * vmdir_remove_dead() - remove the folder of a VM whose warden was killed.
 *
 * Its other processes are dying: they are waited for up to a second. A folder that is held longer
 * belongs to another VM of that name by now, and stays.
 *
 * Return: 0, -errno
 */
int vmdir_remove_dead(const struct vmdir *dir, const char *vm_id);

/** vmdir_close() - give up the descriptors; for a zeroed or half-made one too. */
void vmdir_close(struct vmdir *dir);

#endif
