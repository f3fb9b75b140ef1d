/* SPDX-License-Identifier: Apache-2.0 */
/**
 * status.h - what a warden leaves in its VM's folder, so that others find the VM's processes.
 *
 * RUN/vms/ID/status is written once, when VMM and keeper run, and goes with the folder. Only the
 * owner of RUN can write there; VMM and keeper do not see it.
 *
 * A pid in it is right as long as the process of that number began before the record was written
 * (started_boot_ns): a number that was used again belongs to a later process. libc only.
 */
#ifndef JAIL_STATUS_H
#define JAIL_STATUS_H

#include <stdint.h>

#include "jail/request.h"

#define JAIL_STATUS_MAGIC 0x69637332U /* "ics2" */
#define JAIL_STATUS_NAME  "status"

struct jail_status {
	uint32_t magic;
	uint32_t size;				 /* of this struct */
	int32_t warden_pid, keeper_pid, vmm_pid; /* as the warden sees them */
	uint32_t uid;				 /* of the VMM, as the warden sees it */
	uint32_t limits;			 /* enum warden_limits_kind */
	uint32_t vmm_program;			 /* enum jail_program; 0: not said */
	uint32_t keeper_program;		 /* as vmm_program */
	uint32_t level;				 /* enum jail_level; 0: no filter */
	uint32_t denied;			 /* enum jail_denied; 0: no filter */
	uint64_t started_ns;			 /* CLOCK_REALTIME; filled in by the writer */
	uint64_t started_boot_ns;		 /* CLOCK_BOOTTIME; filled in by the writer */
	char vm_id[JAIL_VM_ID_MAX + 1];		 /* filled in by the writer */
};

/**
 * jail_status_write() - write the record of a VM; whole or not at all.
 * @dirfd:	RUN/vms, or AT_FDCWD when that is the current folder
 * @status:	magic, size, id and times are filled in
 *
 * Return: 0, -errno
 */
int jail_status_write(int dirfd, const char *vm_id, const struct jail_status *status);

/**
 * jail_status_read() - read and check it: a regular file of the caller's own, the exact size, every
 * field within its bounds.
 *
 * Return: 0; -ENOENT when there is none (yet); -EPERM when somebody else owns it; -EINVAL; -errno
 */
int jail_status_read(int dirfd, const char *vm_id, struct jail_status *ret);

#endif
