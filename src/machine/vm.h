/* SPDX-License-Identifier: Apache-2.0 */
/**
 * vm.h - the inside of the public handle, shared by the files that implement ironclaw.h.
 */
#ifndef MACHINE_VM_H
#define MACHINE_VM_H

#include "link/session.h"
#include "machine/launch.h"

struct ironclaw_vm {
	const struct engine *engine;
	enum engine_accel accel;
	char image[LIMIT_NAME_MAX + 1];
	bool cloned;
	uint64_t timeout_ms; /* of commands that have none of their own; 0: none */
	struct launch launch;
	struct session_link link;
	bool paused;
	bool vmm_stopped; /* paused: by the warden, for the VMM would come to harm by its own */
	struct vm_process *processes;  /* all that are not released; process_internal.h */
	struct vm_process *foreground; /* of the exec that runs; or NULL */
	bool serving;		       /* handlers may be called now */
	int wake_fds[2];	       /* from ironclaw_vm_signal() to the foreground */
};

/** What goes through wake_fds: smaller than PIPE_BUF, so never in parts. */
struct vm_wake {
	uint32_t signal; /* 0: a new size */
	uint16_t rows, cols;
};

/** Where progress and warnings of a start go. */
struct vm_notices {
	void (*notice)(void *userdata, enum ironclaw_notice notice, const char *text);
	void *userdata;
};

void vm_notice(const struct vm_notices *notices, enum ironclaw_notice notice, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/**
 * vm_exec_builtin() - ironclaw_vm_exec() of one of the guest agent's own commands, which
 * docs/protocol.md lists.
 * @options:	env, cwd, user and tty must be empty; timeout_ms 0 is none
 *
 * When its output is refused the command is killed, and the VM lives on.
 */
int vm_exec_builtin(struct ironclaw_vm *vm, const struct ironclaw_exec_options *options,
		    struct ironclaw_exec_result *ret, struct ironclaw_error *err);

#endif
