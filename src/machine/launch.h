/* SPDX-License-Identifier: Apache-2.0 */
/**
 * launch.h - the processes of one VM, from the library's side: a warden, and what it starts.
 *
 *   launch_start()   warden, folder, plan, request          nothing has read a guest byte yet
 *   launch_wait()    until the guest has its identity
 *   launch_save()    stop it and write its device state
 *   launch_end()     everything killed, waited for and removed
 *
 * After any failure launch_end() is still to be called. When this process dies instead, the warden
 * sees its socket close and does the same.
 */
#ifndef MACHINE_LAUNCH_H
#define MACHINE_LAUNCH_H

#include "base/paths.h"
#include "engine/engine.h"
#include "jail/plan.h"
#include "machine/vmdir.h"

/**
 * A static program in the place of the VMM, and of the keeper as well, in the very jail of what it
 * replaces: same descriptors, files, limits and filter; for `ironclaw prove` (machine/probe.h).
 */
struct launch_twin {
	bool keeper;	     /* of both */
	const char *program; /* its path on the host */
	const char *orders;  /* the VMM's: one more argument, the last one */
	int output_fd;	     /* becomes the VMM's stdout and stderr; borrowed */
};

/** What to start; all strings are borrowed for launch_start(). */
struct launch_settings {
	const struct paths *paths;
	const char *programs; /* folder of the helper programs */
	const char *vm_id;
	const struct engine *engine;
	const struct engine_host *host;
	/* initramfs is filled in by a boot, guest_cid of a link over vhost_vsock (0) by each. */
	struct engine_settings vmm;
	const struct kernel *kernel;	     /* boots only: for the initramfs */
	struct jail_confinement confinement; /* but keeper and sockets, which the plan says */
	enum vm_seccomp seccomp;	     /* of a filter that the VMM loads itself */
	int state_fd;			     /* clones only; borrowed */
	uint32_t overlay_mib;		     /* size of the guest's writable layer */
	const struct launch_twin *twin;	     /* NULL: none */
};

/** A started VM. */
struct launch {
	char vm_id[LIMIT_VM_ID_MAX + 1];
	struct vmdir dir;
	pid_t warden_pid;
	int warden_fd, control_fd, client_fd;
	const struct engine *engine;
	uint32_t limit_ms;	/* to READY */
	uint32_t save_limit_ms; /* of launch_save() */
	uint32_t guest_cid;	/* ENGINE_LINK_VSOCK */
	int32_t vmm_pid, keeper_pid;
	bool limited; /* the VM has a cgroup with limits */
	bool ended;   /* the warden said ENDED: nothing is left of the VM */
	struct jail_event end;
	struct jail_event answer; /* the warden's last one to an order; kind 0: none yet */
	uint64_t begin_us, started_us, ready_us; /* CLOCK_MONOTONIC; 0: not yet */
	struct jail_plan plan;			 /* kept for the sentence about a failure */
};

/** launch_init() - what launch_end() accepts before launch_start(). */
void launch_init(struct launch *l);

int launch_start(const struct launch_settings *settings, struct launch *l,
		 struct ironclaw_error *err);

/** launch_wait() - wait for READY. The keeper holds a deadline, and so do we, a little later. */
int launch_wait(struct launch *l, struct ironclaw_error *err);

/** launch_save() - no session may be open; the VM never runs again. */
int launch_save(struct launch *l, int state_fd, struct ironclaw_error *err);

/**
 * launch_explain() - the VM has ended under us: why.
 *
 * Waits a moment for the keeper's and the warden's last words.
 *
 * Return: -errno, always, with IRONCLAW_ERR_LOST, IRONCLAW_ERR_VMM, IRONCLAW_ERR_GUEST, ...
 */
int launch_explain(struct launch *l, struct ironclaw_error *err);

/** launch_end() - twice is fine. Return: 0, or -errno when the VM's folder could not be removed */
int launch_end(struct launch *l, struct ironclaw_error *err);

#endif
