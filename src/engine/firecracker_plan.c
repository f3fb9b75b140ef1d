/* SPDX-License-Identifier: Apache-2.0 */
/*
 * firecracker_plan.c - settings to a command line, files, and the API's requests: pure, golden-file
 * tested.
 *
 * A guest has its processors, memory, one read-only disk, a serial port for last words, a random
 * number source and vsock. No network device, no metadata service. A clone gets all of it from the
 * saved state, in which the paths are those of the template: they are the same in every jail.
 *
 * The requests hold constants and numbers, nothing that would need to be escaped; and only fields
 * that all versions since FIRECRACKER_OLDEST know, for an unknown one is refused.
 */
#include "engine/firecracker.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "engine/libraries.h"

/*
 * Given in place of Firecracker's own, which would turn off the console and, by `nomodule`, the
 * drivers of Debian's kernel. What is kept of it skips searches for a keyboard and mouse, and a
 * buffer for devices that cannot reach all memory.
 */
static const char cmdline[] =
	/* Only what the kernel has to say before it dies reaches the console. */
	"console=ttyS0 quiet loglevel=3 "
	/* A guest that dies or restarts resets by the keyboard controller: that ends the VMM. */
	"panic=-1 reboot=k "
	"i8042.noaux i8042.nomux i8042.dumbkbd swiotlb=noforce";

/* One request: a line of "METHOD PATH BODY". */
static void order(struct engine_plan *p, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static void order(struct engine_plan *p, const char *fmt, ...)
{
	size_t used = strlen(p->orders), room = sizeof(p->orders) - used;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(p->orders + used, room, fmt, ap);
	va_end(ap);
	if (n >= 0 && (size_t)n + 1 < room)
		memcpy(p->orders + used + n, "\n", 2);
	else
		p->overflow = true;
}

static void plan_program(struct engine_plan *p, const struct engine_host *host,
			 const struct engine_settings *s)
{
	for (uint32_t i = 0; i < host->n_files; i++)
		engine_plan_file(p, ENGINE_FILE_RO, host->text + host->files[i].host,
				 host->text + host->files[i].inside);
	if (host->n_files > 0)
		engine_plan_env(p, "LD_LIBRARY_PATH=" LIBRARIES_INSIDE);
	engine_plan_arg(p, FIRECRACKER_PROGRAM_INSIDE);
	engine_plan_file(p, ENGINE_FILE_RO, host->program, FIRECRACKER_PROGRAM_INSIDE);
	engine_plan_file(p, ENGINE_FILE_DEVICE, "/dev/null", "/dev/null");
	engine_plan_file(p, ENGINE_FILE_DEVICE, "/dev/kvm", "/dev/kvm");
	engine_plan_arg(p, "--api-sock");
	engine_plan_arg(p, ENGINE_SOCKETS_INSIDE "/" ENGINE_API_NAME);
	engine_plan_arg(p, "--id");
	engine_plan_arg(p, "ironclaw");
	/*
	 * Errors only, and to stdout with the console, which the keeper drains and shows the end of
	 * when the VM fails. At the default level a guest could write into the log at will, and a
	 * log of its own would be a file to bound and to read.
	 */
	engine_plan_arg(p, "--level");
	engine_plan_arg(p, "Error");
	if (s->seccomp_filter) {
		engine_plan_arg(p, "--seccomp-filter");
		engine_plan_arg(p, FIRECRACKER_SECCOMP_INSIDE);
		engine_plan_file(p, ENGINE_FILE_RO, s->seccomp_filter, FIRECRACKER_SECCOMP_INSIDE);
	}
}

static void plan_boot(struct engine_plan *p, const struct engine_settings *s)
{
	order(p, "PUT /machine-config {\"vcpu_count\":%u,\"mem_size_mib\":%llu}", s->vcpus,
	      (unsigned long long)s->memory_mib);
	order(p,
	      "PUT /boot-source {\"kernel_image_path\":\"" FIRECRACKER_KERNEL_INSIDE
	      "\",\"initrd_path\":\"" FIRECRACKER_INITRAMFS_INSIDE "\",\"boot_args\":\"%s\"}",
	      cmdline);
	/* Not as the root device: the initramfs mounts it. */
	order(p, "PUT /drives/image "
		 "{\"drive_id\":\"image\",\"path_on_host\":\"" FIRECRACKER_IMAGE_INSIDE
		 "\",\"is_root_device\":false,\"is_read_only\":true}");
	order(p,
	      "PUT /vsock {\"guest_cid\":%u,\"uds_path\":\"" ENGINE_SOCKETS_INSIDE
	      "/" ENGINE_VSOCK_NAME "\"}",
	      s->guest_cid);
	order(p, "PUT /entropy {}");
	order(p, "PUT /actions {\"action_type\":\"InstanceStart\"}");
	engine_plan_file(p, ENGINE_FILE_RO, s->kernel, FIRECRACKER_KERNEL_INSIDE);
	engine_plan_file(p, ENGINE_FILE_RO, s->initramfs, FIRECRACKER_INITRAMFS_INSIDE);
}

static void plan_start(struct engine_plan *p, const struct engine_settings *s)
{
	engine_plan_file(p, ENGINE_FILE_RO, s->image, FIRECRACKER_IMAGE_INSIDE);
	switch (s->start) {
	case ENGINE_BOOT:
		plan_boot(p, s);
		return;
	case ENGINE_BOOT_TEMPLATE:
		plan_boot(p, s);
		engine_plan_file(p, ENGINE_FILE_RW, s->ram, FIRECRACKER_RAM_INSIDE);
		engine_plan_file(p, ENGINE_FILE_RW, s->state, FIRECRACKER_STATE_INSIDE);
		p->file_size_max_b = s->memory_mib << 20;
		return;
	case ENGINE_CLONE:
		order(p, "PUT /snapshot/load {\"snapshot_path\":\"" FIRECRACKER_STATE_INSIDE
			 "\",\"mem_backend\":{\"backend_type\":\"File\",\"backend_path\":"
			 "\"" FIRECRACKER_RAM_INSIDE "\"},\"resume_vm\":true}");
		engine_plan_file(p, ENGINE_FILE_RO, s->ram, FIRECRACKER_RAM_INSIDE);
		engine_plan_file(p, ENGINE_FILE_RO, s->state, FIRECRACKER_STATE_INSIDE);
		return;
	}
}

/* Firecracker itself takes any CID, and then has a vsock that never works. */
static int check(const struct engine_settings *s, struct ironclaw_error *err)
{
	if (s->accel != ENGINE_ACCEL_KVM)
		return err_set(err, IRONCLAW_ERR_INTERNAL, EINVAL, "Firecracker has KVM only");
	if (s->link != ENGINE_LINK_VSOCK || s->guest_cid != ENGINE_SOCKETS_CID)
		return err_set(err, IRONCLAW_ERR_INTERNAL, EINVAL,
			       "Firecracker's link is vsock with the CID %u", ENGINE_SOCKETS_CID);
	return 0;
}

int firecracker_plan(const struct engine_host *host, const struct engine_settings *settings,
		     struct engine_plan *ret, struct ironclaw_error *err)
{
	int r = check(settings, err);

	if (r < 0)
		return r;
	memset(ret, 0, sizeof(*ret));
	ret->sockets = true;
	plan_program(ret, host, settings);
	plan_start(ret, settings);
	if (ret->overflow)
		return err_set(err, IRONCLAW_ERR_INTERNAL, E2BIG,
			       "Firecracker's command line does not fit its plan");
	return 0;
}
