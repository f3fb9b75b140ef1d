/* SPDX-License-Identifier: Apache-2.0 */
/* launch_plan.c - settings to a request: the engine's plan, put into the jail's terms; the files
 * that it names are made in the VM's folder. See launch.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "image/initramfs.h"
#include "machine/launch_internal.h"
#include "sys/clock.h"
#include "sys/file.h"

/* The boot's initramfs, in the VM's own folder. */
static int write_initramfs(const struct launch_settings *s, const struct launch *l, char *path,
			   size_t size, struct ironclaw_error *err)
{
	cleanup_close int fd = -EBADF;
	char agent[1200], name[LIMIT_VM_ID_MAX + 16];

	(void)snprintf(agent, sizeof(agent), "%s/ironclaw-guest", s->programs);
	(void)snprintf(name, sizeof(name), "%s/initramfs", l->vm_id);
	(void)snprintf(path, size, "%s/vms/%s", s->paths->run, name);
	/* Closed to others by the folder; the VMM may be another user. */
	fd = openat(l->dir.vms_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0400);
	if (fd < 0 || fchmod(fd, 0444) < 0)
		return err_sys(err, errno, "cannot make '%s'", path);
	return initramfs_write(fd, s->kernel, agent, err);
}

/* The VMM's own filter, in the VM's folder; @path stays empty when none is to be given. */
static int write_filter(const struct launch_settings *s, const struct launch *l, char *path,
			size_t size, struct ironclaw_error *err)
{
	cleanup_free uint8_t *buf = malloc(ENGINE_FILTER_MAX_B);
	cleanup_close int fd = -EBADF;
	char name[LIMIT_VM_ID_MAX + 16];
	size_t len = 0;
	int r;

	path[0] = '\0';
	if (!buf)
		return err_sys(err, ENOMEM, "no room for the VMM's filter");
	r = s->engine->filter(s->host, s->seccomp, s->vmm.start == ENGINE_BOOT_TEMPLATE, buf, &len,
			      err);
	if (r < 0 || len == 0)
		return r;
	(void)snprintf(name, sizeof(name), "%s/seccomp", l->vm_id);
	(void)snprintf(path, size, "%s/vms/%s", s->paths->run, name);
	/* As the initramfs. */
	fd = openat(l->dir.vms_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0400);
	if (fd < 0 || fchmod(fd, 0444) < 0)
		return err_sys(err, errno, "cannot make '%s'", path);
	r = file_write_full(fd, buf, len);
	return r < 0 ? err_sys(err, -r, "cannot write '%s'", path) : 0;
}

/* @twin: stands where the plan has the VMM's program. */
static void mount_files(struct jail_plan *jail, const struct engine_plan *plan,
			const struct launch_twin *twin)
{
	static const enum jail_mount_kind kinds[] = {
		[ENGINE_FILE_RO] = JAIL_BIND_RO,
		[ENGINE_FILE_RW] = JAIL_BIND_RW,
		[ENGINE_FILE_DEVICE] = JAIL_BIND_DEV,
	};

	for (size_t i = 0; i < plan->n_files; i++) {
		const struct engine_file *f = &plan->files[i];
		bool is_program = strcmp(f->inside, plan->argv[0]) == 0;

		jail_plan_mount(jail, kinds[f->kind], twin && is_program ? twin->program : f->host,
				f->inside);
	}
}

int launch_plan(const struct launch_settings *s, struct launch *l, struct engine_plan *plan,
		struct ironclaw_error *err)
{
	struct jail_confinement confinement = s->confinement;
	struct engine_settings vmm = s->vmm;
	char initramfs[1200], filter[1200], keeper[1200];
	int r = 0;

	vmm.guest_cid = l->guest_cid;
	if (vmm.start != ENGINE_CLONE) {
		r = write_initramfs(s, l, initramfs, sizeof(initramfs), err);
		vmm.initramfs = initramfs;
		vmm.tsc_khz = clock_tsc_khz();
	}
	if (r == 0 && s->engine->filter) {
		r = write_filter(s, l, filter, sizeof(filter), err);
		vmm.seccomp_filter = filter[0] ? filter : NULL;
	}
	if (r == 0)
		r = s->engine->plan(s->host, &vmm, plan, err);
	if (r < 0)
		return r;
	if (s->twin && s->twin->keeper)
		(void)snprintf(keeper, sizeof(keeper), "%s", s->twin->program);
	else
		(void)snprintf(keeper, sizeof(keeper), "%s/ironclaw-keeper", s->programs);
	jail_plan_init(&l->plan, l->vm_id, keeper, plan->file_size_max_b);
	confinement.keeper = plan->sockets		     ? JAIL_PROGRAM_KEEPER_SOCKETS
			     : vmm.link == ENGINE_LINK_VSOCK ? JAIL_PROGRAM_KEEPER_VSOCK
							     : JAIL_PROGRAM_KEEPER;
	confinement.sockets = plan->sockets;
	jail_plan_confine(&l->plan, &confinement);
	mount_files(&l->plan, plan, s->twin);
	for (size_t i = 0; i < plan->n_argv; i++)
		jail_plan_arg(&l->plan, plan->argv[i]);
	if (s->twin)
		jail_plan_arg(&l->plan, s->twin->orders);
	for (size_t i = 0; i < plan->n_env; i++)
		jail_plan_env(&l->plan, plan->env[i]);
	return jail_plan_finish(&l->plan, plan->n_fds, err);
}
