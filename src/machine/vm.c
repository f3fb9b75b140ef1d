/* SPDX-License-Identifier: Apache-2.0 */
/* vm.c - the public handle: start, facts, end; see ironclaw.h. */
#include "machine/vm.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "machine/options.h"
#include "machine/process_internal.h"
#include "machine/template.h"
#include "machine/vm_start.h"

const char *ironclaw_version(void)
{
	return IRONCLAW_VERSION;
}

void vm_notice(const struct vm_notices *notices, enum ironclaw_notice notice, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	if (!notices->notice)
		return;
	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	notices->notice(notices->userdata, notice, text);
}

static int start_clone(struct template_spec *spec, const struct vm_config *config,
		       const struct vm_notices *notices, struct ironclaw_vm **ret,
		       struct ironclaw_error *err)
{
	cleanup_close int state_fd = -EBADF;
	struct template template;
	struct vm_start_mode mode = {.vm_id = config->vm_id,
				     .start = ENGINE_CLONE,
				     .ram = template.ram,
				     .state = template.state,
				     .overlay_mib = vm_overlay_mib(config)};
	int r = template_load_warm(spec, err);

	if (r == 0)
		r = template_key(spec, err);
	if (r == 0)
		r = template_get(spec, notices, &template, err);
	if (r == 0)
		r = template_open_state(spec, &template, &state_fd, err);
	if (r < 0)
		return r;
	mode.state_fd = state_fd;
	return vm_start(spec, &mode, ret, err);
}

static int start_boot(const struct template_spec *spec, const struct vm_config *config,
		      struct ironclaw_vm **ret, struct ironclaw_error *err)
{
	const struct vm_start_mode mode = {.vm_id = config->vm_id,
					   .start = ENGINE_BOOT,
					   .state_fd = -EBADF,
					   .overlay_mib = vm_overlay_mib(config)};

	return vm_start(spec, &mode, ret, err);
}

int ironclaw_vm_start(const struct ironclaw_vm_options *options, struct ironclaw_vm **ret,
		      struct ironclaw_error *err)
{
	struct violations list = {0};
	struct vm_notices notices;
	struct template_spec spec;
	struct vm_config config;
	struct ironclaw_vm *vm;
	struct paths paths;
	int r;

	err_clear(err);
	r = options_to_config(options, &config, &list, err);
	if (r < 0)
		return r;
	notices = (struct vm_notices){options->notice, options->userdata};
	for (size_t i = 0; i < list.n_items; i++)
		vm_notice(&notices, IRONCLAW_NOTICE_WARNING, "%s: %s", list.items[i].field,
			  list.items[i].text);
	r = paths_get(&paths, err);
	if (r == 0)
		r = vm_resolve(&paths, &config, &notices, &spec, err);
	if (r < 0)
		return r;
	r = config.cold ? start_boot(&spec, &config, &vm, err)
			: start_clone(&spec, &config, &notices, &vm, err);
	if (r < 0)
		return r;
	if (!vm->launch.limited)
		vm_notice(&notices, IRONCLAW_NOTICE_WARNING,
			  "nothing limits the VMM's memory, processes and processor time: there is "
			  "no cgroup to be had ('ironclaw doctor' says why)");
	vm->cloned = !config.cold;
	vm->timeout_ms = config.timeout_ms;
	*ret = vm;
	return 0;
}

void ironclaw_vm_get_info(const struct ironclaw_vm *vm, struct ironclaw_vm_info *ret)
{
	const struct ironclaw_vm_info info = {
		.size = ret->size,
		.id = vm->launch.vm_id,
		.image = vm->image,
		.engine = vm->engine->name,
		.accel = engine_accel_name(vm->accel),
		.cloned = vm->cloned,
		.vmm_start_us = vm->launch.started_us - vm->launch.begin_us,
		.answer_us = vm->launch.ready_us - vm->launch.started_us,
		.timeout_ms = vm->timeout_ms,
	};

	memcpy(ret, &info, ret->size < sizeof(info) ? ret->size : sizeof(info));
}

/* What their owners still hold stays, and knows that it has ended. */
static void let_go_of_processes(struct ironclaw_vm *vm)
{
	struct ironclaw_error why = {.code = IRONCLAW_ERR_NONE};
	struct vm_process *next;

	(void)err_set(&why, IRONCLAW_ERR_LOST, EPIPE, "VM '%s' was ended under the command",
		      vm->launch.vm_id);
	process_end_all(vm, &why);
	for (struct vm_process *p = vm->processes; p; p = next) {
		next = p->next;
		p->vm = NULL;
		if (p->detached)
			process_remove(p);
	}
}

int ironclaw_vm_destroy(struct ironclaw_vm *vm, struct ironclaw_error *err)
{
	int r;

	if (!vm)
		return 0;
	r = launch_end(&vm->launch, err);
	let_go_of_processes(vm);
	session_link_done(&vm->link);
	close_fd(&vm->wake_fds[0]);
	close_fd(&vm->wake_fds[1]);
	free(vm);
	return r;
}

int ironclaw_run(const struct ironclaw_vm_options *options,
		 const struct ironclaw_exec_options *exec, struct ironclaw_exec_result *ret,
		 struct ironclaw_error *err)
{
	struct ironclaw_vm *vm;
	int r = ironclaw_vm_start(options, &vm, err), ended;

	if (r < 0)
		return r;
	r = ironclaw_vm_exec(vm, exec, ret, err);
	ended = ironclaw_vm_destroy(vm, r < 0 ? NULL : err);
	return r < 0 ? r : ended;
}
