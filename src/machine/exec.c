/* SPDX-License-Identifier: Apache-2.0 */
/*
 * exec.c - ironclaw_vm_exec(): one process (process.h), stepped to its end.
 *
 * While it runs it is the VM's process in the foreground: signals and sizes from anywhere go to it,
 * through a pipe.
 */
#include <errno.h>
#include <unistd.h>

#include "machine/process_internal.h"

static void drop_stale_wakes(const struct ironclaw_vm *vm)
{
	struct vm_wake wake;

	while (read(vm->wake_fds[0], &wake, sizeof(wake)) > 0)
		;
}

/* A command that nobody listens to any more must not live on, and its caller does not wait. */
static void give_up(struct ironclaw_vm *vm)
{
	struct ironclaw_error why = {.code = IRONCLAW_ERR_NONE};

	(void)err_set(&why, IRONCLAW_ERR_LOST, ECANCELED,
		      "VM '%s' was ended for a command whose output was refused", vm->launch.vm_id);
	process_take_down(vm, &why);
}

static int run(struct ironclaw_vm *vm, struct vm_process *p, struct ironclaw_exec_result *ret,
	       struct ironclaw_error *err)
{
	struct ironclaw_error why = {.code = IRONCLAW_ERR_NONE};
	int r = 0;

	drop_stale_wakes(vm);
	vm->foreground = p;
	while (r == 0 && !p->over && (!p->refused || p->builtin))
		r = vm_step(vm, -1, &why);
	/* Also when it came to its end in the same round: after CANCELLED there is no VM. */
	if (p->refused && !p->builtin)
		give_up(vm);
	else if (!p->over)
		process_take_down(vm, &why);
	vm->foreground = NULL;
	return vm_process_result(p, ret, err);
}

static int exec(struct ironclaw_vm *vm, const struct ironclaw_exec_options *options, bool builtin,
		struct ironclaw_exec_result *ret, struct ironclaw_error *err)
{
	const struct vm_process_handler handler = {.output = options->output,
						   .userdata = options->userdata};
	struct vm_process *p;
	int r;

	if (vm->serving || vm->foreground)
		return err_set(err, IRONCLAW_ERR_BUSY, EBUSY,
			       "an exec in VM '%s' is under way, and cannot hold another one",
			       vm->launch.vm_id);
	r = process_start(vm, options, builtin, &handler, &p, err);
	if (r < 0)
		return r;
	r = run(vm, p, ret, err);
	vm_process_free(p);
	return r;
}

int ironclaw_vm_exec(struct ironclaw_vm *vm, const struct ironclaw_exec_options *options,
		     struct ironclaw_exec_result *ret, struct ironclaw_error *err)
{
	struct ironclaw_exec_options mine;
	int r;

	err_clear(err);
	if (!vm || !ret)
		return err_set(err, IRONCLAW_ERR_INVALID, EINVAL,
			       "ironclaw_vm_exec() needs a VM and a result");
	r = process_options_take(options, &mine, err);
	if (r < 0)
		return r;
	if (mine.timeout_ms == 0)
		mine.timeout_ms = vm->timeout_ms;
	return exec(vm, &mine, false, ret, err);
}

int vm_exec_builtin(struct ironclaw_vm *vm, const struct ironclaw_exec_options *options,
		    struct ironclaw_exec_result *ret, struct ironclaw_error *err)
{
	err_clear(err);
	return exec(vm, options, true, ret, err);
}

static int wake(struct ironclaw_vm *vm, const struct vm_wake *record)
{
	/* Full means a hundred signals that nobody took: one more or less is not noticed. */
	if (write(vm->wake_fds[1], record, sizeof(*record)) < 0 && errno != EAGAIN)
		return -errno;
	return 0;
}

int ironclaw_vm_signal(struct ironclaw_vm *vm, int signal)
{
	const struct vm_wake record = {.signal = (uint32_t)signal};

	if (!vm || signal < 1 || signal > 64)
		return -EINVAL;
	return wake(vm, &record);
}

int ironclaw_vm_resize(struct ironclaw_vm *vm, uint16_t rows, uint16_t cols)
{
	const struct vm_wake record = {.rows = rows, .cols = cols};

	return vm ? wake(vm, &record) : -EINVAL;
}
