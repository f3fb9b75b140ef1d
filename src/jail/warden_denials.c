/* SPDX-License-Identifier: Apache-2.0 */
/* warden_denials.c - record a denied call, and kill or refuse; see warden_denials.h. */
#include "jail/warden_denials.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sys/seccomp.h"

static void record(struct warden_denials *d, const struct warden_child *child,
		   const struct seccomp_notif *call)
{
	struct denial entry = {
		.syscall = call->data.nr,
		.arch = call->data.arch,
		.pid = (int32_t)call->pid,
		.program = child->program,
		.action = d->denied,
		.count = d->n,
	};

	for (size_t i = 0; i < 6; i++)
		entry.args[i] = call->data.args[i];
	(void)snprintf(entry.vm_id, sizeof(entry.vm_id), "%s", d->vm_id);
	denials_add(d->ring, &entry);
}

void warden_denials_serve(struct warden_denials *d, const struct warden_child *child)
{
	struct seccomp_notif call;

	if (seccomp_next(child->listener_fd, &call) < 0)
		return;
	if (d->n < UINT32_MAX)
		d->n++;
	record(d, child, &call);
	if (d->denied == JAIL_DENIED_REFUSE) {
		(void)seccomp_refuse(child->listener_fd, &call, EPERM);
		return;
	}
	/* It waits for an answer that it does not get: SIGKILL ends the wait. */
	(void)syscall(SYS_pidfd_send_signal, child->pidfd, SIGKILL, NULL, 0);
	if (d->killed_program == 0) {
		d->killed_program = child->program;
		d->killed_syscall = call.data.nr;
	}
}
