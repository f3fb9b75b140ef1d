/* SPDX-License-Identifier: Apache-2.0 */
/* vm_start.c - from what a VM is made of to a handle; see vm_start.h. */
#include "machine/vm_start.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "engine/kvm_probe.h"
#include "machine/programs.h"

static int choose_accel(const struct paths *paths, enum vm_accel wanted,
			const struct vm_notices *notices, enum engine_accel *ret,
			struct ironclaw_error *err)
{
	struct kvm_probe probe;

	if (wanted == VM_ACCEL_TCG) {
		*ret = ENGINE_ACCEL_TCG;
		return 0;
	}
	kvm_probe_cached(paths, &probe);
	if (probe.outcome == KVM_WORKING) {
		*ret = ENGINE_ACCEL_KVM;
		return 0;
	}
	if (wanted == VM_ACCEL_KVM) {
		(void)err_set(err, IRONCLAW_ERR_UNAVAILABLE, ENODEV, "KVM cannot be used: %s",
			      probe.why);
		err_hint(err, "%s", probe.remedy[0] ? probe.remedy : "--accel tcg");
		return -ENODEV;
	}
	vm_notice(notices, IRONCLAW_NOTICE_WARNING, "using software emulation, which is slow: %s",
		  probe.why);
	*ret = ENGINE_ACCEL_TCG;
	return 0;
}

static int find_root(const struct paths *paths, const struct vm_config *config, struct image *ret,
		     struct ironclaw_error *err)
{
	if (config->rootfs_path[0])
		return image_from_path(paths, config->rootfs_path, ret, err);
	return image_find(paths, config->image, ret, err);
}

static int find_kernel(const struct paths *paths, const struct vm_config *config,
		       struct kernel *ret, struct ironclaw_error *err)
{
	if (config->kernel_path[0])
		return kernel_from_path(paths, config->kernel_path, ret, err);
	return kernel_find(paths, NULL, ret, err);
}

static int choose_link(const struct engine *engine, enum vm_link wanted, enum engine_link *ret,
		       struct ironclaw_error *err)
{
	enum engine_link link = wanted == VM_LINK_VSOCK ? ENGINE_LINK_VSOCK : ENGINE_LINK_SERIAL;

	if (wanted == VM_LINK_AUTO)
		link = engine->link;
	if (link != engine->link && !engine->other_link)
		return err_set(err, IRONCLAW_ERR_INVALID, EINVAL,
			       "the engine '%s' has no link over %s", engine->name,
			       engine_link_name(link));
	*ret = link;
	return 0;
}

/* Takes an engine for a resolved kernel and accelerator. -ENOENT: it is not installed */
static int take_engine(enum vm_engine kind, enum vm_link link, struct template_spec *ret,
		       struct ironclaw_error *err)
{
	int r;

	ret->engine = engine_of(kind);
	ic_assert(ret->engine);
	r = choose_link(ret->engine, link, &ret->link, err);
	if (r == 0)
		r = ret->engine->probe(ret->paths, ret->accel, ret->link, ret->programs, &ret->host,
				       err);
	if (r < 0 || !ret->host.elf_kernel_only || ret->kernel.vmlinux[0])
		return r;
	(void)err_set(err, IRONCLAW_ERR_UNAVAILABLE, ENOEXEC,
		      "%s %s boots a vmlinux only, and the kernel '%s' is a bzImage",
		      ret->engine->name, ret->host.version, ret->kernel.name);
	err_hint(err, "ironclaw kernel build");
	return -ENOEXEC;
}

/* What was asked for and this Firecracker does not give. */
static int check_firecracker(const struct vm_config *config, const struct template_spec *spec,
			     struct ironclaw_error *err)
{
	cleanup_free uint8_t *buf = malloc(ENGINE_FILTER_MAX_B);
	size_t len;
	int r;

	/* Its own filter comes before the jail's, traps, and so lets no call fail. */
	if (config->seccomp_mode == VM_SECCOMP_AUDIT) {
		(void)err_set(err, IRONCLAW_ERR_INVALID, EOPNOTSUPP,
			      "firecracker has no seccomp mode 'audit'");
		err_hint(err, "--engine qemu");
		return -EOPNOTSUPP;
	}
	if (!buf)
		return err_sys(err, ENOMEM, "no room for the VMM's filter");
	r = spec->engine->filter(&spec->host, spec->seccomp, false, buf, &len, err);
	if (r < 0)
		err_hint(err, "--seccomp basic, or --engine qemu");
	return r;
}

/* One that is linked dynamically is no release: the filter that is built into it allows all. */
static int check_release(const struct template_spec *spec, struct ironclaw_error *err)
{
	if (spec->host.n_files == 0)
		return 0;
	(void)err_set(err, IRONCLAW_ERR_UNAVAILABLE, ENOTSUP,
		      "'%s' is no release of Firecracker: its seccomp filter allows all",
		      spec->host.program);
	return -ENOTSUP;
}

/* Firecracker, unless there is a reason against it; then QEMU. */
static int choose_engine(const struct vm_config *config, const struct vm_notices *notices,
			 struct template_spec *ret, struct ironclaw_error *err)
{
	struct ironclaw_error why = {0};
	int r;

	if (config->engine == VM_ENGINE_FIRECRACKER) {
		r = take_engine(VM_ENGINE_FIRECRACKER, config->link, ret, err);
		return r < 0 ? r : check_firecracker(config, ret, err);
	}
	if (config->engine == VM_ENGINE_AUTO && ret->accel == ENGINE_ACCEL_KVM &&
	    config->link != VM_LINK_SERIAL) {
		r = take_engine(VM_ENGINE_FIRECRACKER, config->link, ret, &why);
		if (r == 0)
			r = check_release(ret, &why);
		if (r == 0)
			r = check_firecracker(config, ret, &why);
		if (r == 0)
			return 0;
		if (r != -ENOENT)
			vm_notice(notices, IRONCLAW_NOTICE_WARNING, "using QEMU: %s", why.text);
	}
	return take_engine(VM_ENGINE_QEMU, config->link, ret, err);
}

/* Firecracker does not emulate. */
static int choose_accel_of(const struct paths *paths, const struct vm_config *config,
			   const struct vm_notices *notices, enum engine_accel *ret,
			   struct ironclaw_error *err)
{
	bool firecracker = config->engine == VM_ENGINE_FIRECRACKER;
	int r = choose_accel(paths, firecracker ? VM_ACCEL_KVM : config->accel, notices, ret, err);

	if (r < 0 && firecracker) {
		err_prefix(err, "Firecracker needs KVM");
		err_hint(err, "--engine qemu");
	}
	return r;
}

int vm_resolve(const struct paths *paths, const struct vm_config *config,
	       const struct vm_notices *notices, struct template_spec *ret,
	       struct ironclaw_error *err)
{
	int r = vm_config_check(config, err);

	/* Every way to a VM comes through here. */
	if (r < 0)
		return r;
	memset(ret, 0, sizeof(*ret));
	ret->paths = paths;
	ret->vcpus = config->vcpu_count;
	ret->memory_mib = config->memory_mib;
	ret->image_by_path = config->rootfs_path[0] != '\0';
	ret->kernel_by_path = config->kernel_path[0] != '\0';
	ret->seccomp = config->seccomp;
	ret->seccomp_mode = config->seccomp_mode;
	ret->require_limits = config->require_limits;
	r = programs_dir(ret->programs, sizeof(ret->programs), err);
	if (r == 0)
		r = find_root(paths, config, &ret->image, err);
	if (r == 0)
		r = find_kernel(paths, config, &ret->kernel, err);
	if (r == 0)
		r = choose_accel_of(paths, config, notices, &ret->accel, err);
	if (r == 0)
		r = choose_engine(config, notices, ret, err);
	return r;
}

uint32_t vm_overlay_mib(const struct vm_config *config)
{
	if (config->overlay_size_mib != VM_OVERLAY_SIZE_AUTO)
		return (uint32_t)config->overlay_size_mib;
	return (uint32_t)(config->memory_mib / 2);
}

enum jail_program vm_jail_program(const struct template_spec *spec)
{
	if (spec->engine->kind == VM_ENGINE_FIRECRACKER)
		return JAIL_PROGRAM_FIRECRACKER;
	return spec->accel == ENGINE_ACCEL_TCG ? JAIL_PROGRAM_QEMU_TCG : JAIL_PROGRAM_QEMU_KVM;
}

static struct jail_confinement confinement(const struct template_spec *spec)
{
	bool tcg = spec->accel == ENGINE_ACCEL_TCG;
	uint64_t overhead_mib = tcg ? LIMIT_OVERHEAD_TCG_MIB : LIMIT_OVERHEAD_KVM_MIB;
	uint64_t tables_mib = spec->memory_mib / LIMIT_VMM_TABLES_PART;

	return (struct jail_confinement){
		.program = vm_jail_program(spec),
		.level = (enum jail_level)(JAIL_LEVEL_MINIMAL + (int)spec->seccomp),
		.denied = spec->seccomp_mode == VM_SECCOMP_AUDIT ? JAIL_DENIED_REFUSE
								 : JAIL_DENIED_KILL,
		.limits = {.memory_max_b = (spec->memory_mib + tables_mib + overhead_mib) << 20,
			   .pids_max = spec->vcpus + LIMIT_VMM_PIDS,
			   /* One for QEMU's own threads. */
			   .cpu_percent = (spec->vcpus + 1) * 100,
			   .required = spec->require_limits},
	};
}

void vm_launch_settings(const struct template_spec *spec, const struct vm_start_mode *mode,
			struct launch_settings *ret)
{
	*ret = (struct launch_settings){
		.paths = spec->paths,
		.programs = spec->programs,
		.vm_id = mode->vm_id,
		.engine = spec->engine,
		.host = &spec->host,
		.kernel = &spec->kernel,
		.state_fd = mode->state_fd,
		.confinement = confinement(spec),
		.seccomp = spec->seccomp,
		.overlay_mib = mode->overlay_mib,
		.vmm = {.accel = spec->accel,
			.start = mode->start,
			.vcpus = spec->vcpus,
			.memory_mib = spec->memory_mib,
			/* Uncompressed, where there is one, and entered without real mode (PVH). */
			.kernel =
				spec->kernel.vmlinux[0] ? spec->kernel.vmlinux : spec->kernel.path,
			.image = spec->image.path,
			.ram = mode->ram,
			.state = mode->state,
			.link = spec->link,
			.guest_cid = spec->engine->own_sockets ? ENGINE_SOCKETS_CID : 0},
	};
}

static int launch_spec(const struct template_spec *spec, const struct vm_start_mode *mode,
		       struct launch *launch, struct ironclaw_error *err)
{
	struct launch_settings settings;
	int r;

	vm_launch_settings(spec, mode, &settings);
	r = launch_start(&settings, launch, err);
	if (r == 0)
		r = launch_wait(launch, err);
	return r;
}

int vm_start(const struct template_spec *spec, const struct vm_start_mode *mode,
	     struct ironclaw_vm **ret, struct ironclaw_error *err)
{
	struct ironclaw_vm *vm = calloc(1, sizeof(*vm));
	int r;

	if (!vm)
		return err_sys(err, ENOMEM, "no room for a VM's handle");
	vm->engine = spec->engine;
	vm->accel = spec->accel;
	vm->wake_fds[0] = vm->wake_fds[1] = -EBADF;
	(void)snprintf(vm->image, sizeof(vm->image), "%s", spec->image.name);
	launch_init(&vm->launch);
	r = pipe2(vm->wake_fds, O_CLOEXEC | O_NONBLOCK) < 0
		    ? err_sys(err, errno, "cannot make a pipe")
		    : launch_spec(spec, mode, &vm->launch, err);
	if (r < 0) {
		/* The failure to tell is the first one. */
		(void)ironclaw_vm_destroy(vm, NULL);
		return r;
	}
	session_link_init(&vm->link, vm->launch.client_fd);
	*ret = vm;
	return 0;
}
