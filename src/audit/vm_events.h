/* SPDX-License-Identifier: Apache-2.0 */
/**
 * vm_events.h - what a VM leaves in the audit log.
 *
 * No command runs that is not recorded before: what cannot be recorded is not started. Neither
 * environment nor arguments are recorded, for they hold secrets: argv[0], and a keyed digest of all
 * of argv.
 */
#ifndef AUDIT_VM_EVENTS_H
#define AUDIT_VM_EVENTS_H

#include "audit/log.h"
#include "base/error.h"

/** audit_vm_open() - audit_log_open() of this user's log, before the VM. Return: -errno: no VM */
int audit_vm_open(const struct paths *paths, struct audit_log *ret, struct ironclaw_error *err);

/** audit_vm_no_start() - the VM did not start, because of @why. */
int audit_vm_no_start(struct audit_log *log, const struct ironclaw_error *why,
		      struct ironclaw_error *err);

/** audit_vm_start() - it did. @purpose: whose it is, a word of ours; or NULL */
int audit_vm_start(struct audit_log *log, const struct ironclaw_vm_info *info, const char *purpose,
		   struct ironclaw_error *err);

/** audit_vm_exec() - a command is about to run in it. Return: -errno: it must not */
int audit_vm_exec(struct audit_log *log, const char *vm_id, const char *const *argv, bool tty,
		  struct ironclaw_error *err);

#endif
