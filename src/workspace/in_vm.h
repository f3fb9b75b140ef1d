/* SPDX-License-Identifier: Apache-2.0 */
/**
 * in_vm.h - a workspace into a VM, and what the VM has made of it, in a stage on the host.
 *
 * SIGPIPE must be ignored by the caller: whoever reads at the other end may die.
 */
#ifndef WORKSPACE_IN_VM_H
#define WORKSPACE_IN_VM_H

#include "base/paths.h"
#include "machine/vm.h"
#include "workspace/workspace.h"

#define IN_VM_DEFAULT_PATH "/workspace"

/**
 * in_vm_open() - workspace_open() with the key of this user.
 * @options:	its key is not used
 *
 * Return: as workspace_open(); -EPERM for a folder that holds IronClaw's own ones or lies in one
 */
int in_vm_open(const struct paths *paths, const struct workspace_options *options,
	       struct workspace **ret, struct ironclaw_error *err);

/**
 * in_vm_send() - the copy, once. Blocks; a thread of its own writes what the VM reads.
 * @guest_path:	as vm_workspace_in() has it
 */
int in_vm_send(struct workspace *ws, struct ironclaw_vm *vm, const char *guest_path,
	       struct ironclaw_error *err);

/**
 * in_vm_receive() - what changed. Blocks; may be called again.
 * @ret:	for stage_free()
 *
 * What the guest left out is told by the workspace's notice. Return: 0; -EBADMSG for an archive
 * that is refused, with a VM that lives on; -errno
 */
int in_vm_receive(const struct workspace *ws, struct ironclaw_vm *vm, const char *guest_path,
		  const struct paths *paths, struct stage **ret, struct ironclaw_error *err);

#endif
