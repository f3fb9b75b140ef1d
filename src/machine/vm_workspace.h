/* SPDX-License-Identifier: Apache-2.0 */
/**
 * vm_workspace.h - the archive of a workspace into a running VM, and that of its changes out of it.
 *
 * docs/workspace.md has the archives. Both are commands of the guest (docs/protocol.md), stepped to
 * their end, and processes beside them (process.h) with them; ironclaw_vm_signal() reaches them,
 * and VM_WORKSPACE_TIMEOUT_MS is their time limit. What the guest says is foreign: bounded, and
 * escaped in @err and notices.
 */
#ifndef MACHINE_VM_WORKSPACE_H
#define MACHINE_VM_WORKSPACE_H

#include "machine/vm.h"

#define VM_WORKSPACE_TIMEOUT_MS	 (30U * 60U * 1000U)
#define VM_WORKSPACE_NOTICES_MAX 32U

/** Takes the archive as it comes; a negative return ends the call. */
typedef int (*vm_workspace_data)(void *userdata, const void *bytes, size_t len);
/** Takes a line of the guest's, escaped. */
typedef void (*vm_workspace_notice)(void *userdata, const char *text);

/**
 * vm_workspace_in() - put a workspace into a VM, once.
 * @guest_path:	absolute, as tar_path_check() has it behind the first '/'; made in the guest, or an
 *		empty folder
 * @tar_fd:	what workspace_send() writes, to its end; never closed. After a failure more may
 *		come: the writer must bear that nobody reads it
 *
 * Return: 0; -EIO with IRONCLAW_ERR_GUEST and the guest's own words when it refused, as when there
 * is no room (-ENOSPC when it ran out of memory on the way), with a VM that lives on but has no
 * workspace; what ironclaw_vm_exec() fails with
 */
int vm_workspace_in(struct ironclaw_vm *vm, const char *guest_path, int tar_fd,
		    struct ironclaw_error *err);

/**
 * vm_workspace_out() - read what changed. May be called again.
 * @guest_path:	as above
 * @data:	gets the archive: hostile bytes
 * @notice:	what the guest says that it left out, escaped, a line each; may be NULL
 *
 * Only after success the archive is whole. Return: as vm_workspace_in()
 */
int vm_workspace_out(struct ironclaw_vm *vm, const char *guest_path, vm_workspace_data data,
		     vm_workspace_notice notice, void *userdata, struct ironclaw_error *err);

#endif
