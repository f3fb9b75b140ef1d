/* SPDX-License-Identifier: Apache-2.0 */
/**
 * vm_start.h - from what a VM is made of to a handle; used by starts and by the making of
 * templates.
 */
#ifndef MACHINE_VM_START_H
#define MACHINE_VM_START_H

#include "machine/template.h"
#include "machine/vm.h"
#include "vm/config.h"

/** How to start; strings are borrowed. */
struct vm_start_mode {
	const char *vm_id;
	enum engine_start start;
	const char *ram;      /* templates and clones */
	int state_fd;	      /* clones; borrowed */
	const char *state;    /* templates and clones: the same file's path */
	uint32_t overlay_mib; /* size of the guest's writable layer */
};

/**
 * vm_start() - launch and wait until the guest has its identity.
 *
 * Return: 0 with a handle for ironclaw_vm_destroy(); -errno with nothing left
 */
int vm_start(const struct template_spec *spec, const struct vm_start_mode *mode,
	     struct ironclaw_vm **ret, struct ironclaw_error *err);

/** vm_launch_settings() - what vm_start() gives to launch_start(); borrows from both. */
void vm_launch_settings(const struct template_spec *spec, const struct vm_start_mode *mode,
			struct launch_settings *ret);

/** vm_jail_program() - whose filter its VMM gets. */
enum jail_program vm_jail_program(const struct template_spec *spec);

/**
 * vm_resolve() - find everything that a configuration names: programs, engine, accelerator, image,
 * kernel.
 * @paths:	borrowed by @ret
 */
int vm_resolve(const struct paths *paths, const struct vm_config *config,
	       const struct vm_notices *notices, struct template_spec *ret,
	       struct ironclaw_error *err);

/** vm_overlay_mib() - what the configuration says, or half of the memory, as tmpfs has it. */
uint32_t vm_overlay_mib(const struct vm_config *config);

#endif
