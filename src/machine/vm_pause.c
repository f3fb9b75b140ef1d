/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vm_pause.c - ironclaw_vm_pause() and ironclaw_vm_resume().
 *
 * Theory of operation. The keeper asks the VMM's monitor. Where that would harm the VMM
 * (engine.h, pause()) the keeper says so and has done nothing, and the warden stops the VMM's
 * process instead: by SIGSTOP, which needs no cgroup, works for every user, and unlike a freezer of
 * cgroup v1 neither holds back SIGKILL nor outlives the warden. After either the keeper tells the
 * guest the time.
 *
 * A VM that does not follow is taken down, but by its warden: the call may come from the callback
 * of a command, whose loop then sees the end.
 */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "machine/launch_internal.h"
#include "machine/vm.h"
#include "sys/clock.h"
#include "sys/descriptors.h"

/* Return: the keeper's answer, @kind or @other; -errno */
static int ask_keeper(struct launch *l, const struct control_request *request,
		      enum control_event_kind kind, enum control_event_kind other,
		      struct ironclaw_error *err)
{
	int r = descriptors_send(l->control_fd, request, sizeof(*request), NULL, 0);

	/* A keeper that is gone has left its reason. */
	if (r < 0)
		return launch_explain(l, err);
	return launch_wait_event(l, kind, other, request->deadline_ms, err);
}

static int ask_warden(struct launch *l, enum jail_order_kind kind, enum jail_event_kind answer,
		      struct ironclaw_error *err)
{
	const struct jail_order order = {.magic = JAIL_REQUEST_MAGIC, .kind = kind};
	uint64_t deadline = clock_now_us() + LAUNCH_SLACK_MS * 1000ULL;

	l->answer.kind = 0;
	if (descriptors_send(l->warden_fd, &order, sizeof(order), NULL, 0) < 0)
		return launch_explain(l, err);
	while (l->answer.kind != answer) {
		int r = launch_hear_warden(l, deadline, err);

		if (r < 0)
			return r;
	}
	if (l->answer.errnum == 0)
		return 0;
	return err_set(err, IRONCLAW_ERR_VMM, l->answer.errnum,
		       "the warden cannot stop the VMM of VM '%s', or let it go on: %s", l->vm_id,
		       strerror(l->answer.errnum));
}

static int pause_vm(struct ironclaw_vm *vm, struct ironclaw_error *err)
{
	const struct control_request request = {.kind = CONTROL_PAUSE,
						.deadline_ms = LIMIT_VMM_REPLY_MS};
	int r = ask_keeper(&vm->launch, &request, CONTROL_PAUSED, CONTROL_HARMFUL, err);

	if (r != CONTROL_HARMFUL)
		return r < 0 ? r : 0;
	r = ask_warden(&vm->launch, JAIL_ORDER_STOP, JAIL_EVENT_STOPPED, err);
	vm->vmm_stopped = r == 0;
	return r;
}

static int resume_vm(struct ironclaw_vm *vm, struct ironclaw_error *err)
{
	const struct control_request request = {.kind = CONTROL_RESUME,
						.vmm_stopped = vm->vmm_stopped,
						.deadline_ms = LIMIT_VMM_REPLY_MS};
	int r = 0;

	if (vm->vmm_stopped)
		r = ask_warden(&vm->launch, JAIL_ORDER_CONTINUE, JAIL_EVENT_CONTINUED, err);
	if (r == 0)
		r = ask_keeper(&vm->launch, &request, CONTROL_RESUMED, CONTROL_NONE, err);
	vm->vmm_stopped = false;
	return r < 0 ? r : 0;
}

static int change(struct ironclaw_vm *vm, bool paused, struct ironclaw_error *err)
{
	int r;

	err_clear(err);
	if (!vm)
		return err_set(err, IRONCLAW_ERR_INVALID, EINVAL, "there is no VM");
	if (vm->launch.ended)
		return err_set(err, IRONCLAW_ERR_LOST, EPIPE, "VM '%s' has ended already",
			       vm->launch.vm_id);
	if (vm->paused == paused)
		return 0;
	r = paused ? pause_vm(vm, err) : resume_vm(vm, err);
	if (r == 0)
		vm->paused = paused;
	else
		(void)shutdown(vm->launch.warden_fd, SHUT_WR);
	return r;
}

int ironclaw_vm_pause(struct ironclaw_vm *vm, struct ironclaw_error *err)
{
	return change(vm, true, err);
}

int ironclaw_vm_resume(struct ironclaw_vm *vm, struct ironclaw_error *err)
{
	return change(vm, false, err);
}
