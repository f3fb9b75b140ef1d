/* SPDX-License-Identifier: Apache-2.0 */
/*
 * qemu_plan.c - settings to a QEMU command line and the files it needs: pure, golden-file tested.
 *
 * The machine is `microvm`: no PCI, no BIOS devices, virtio-mmio only. A guest has one processor
 * set, one memory, one read-only disk, one serial port for last words, a random number source, and
 * the link: one virtio-serial port, or a vsock device that the host's kernel serves (vhost). No
 * network device of any kind.
 *
 * A clone must be planned with the same devices in the same order as its template, for the device
 * state names them. It gets no kernel: that is in the memory already.
 */
#include "engine/qemu.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "engine/libraries.h"

/* Not in /vm, where nothing can be executed. */
#define PRELOAD_INSIDE "/lib/ironclaw-qemu-preload.so"

static const char base_cmdline[] =
	/* Only what the kernel has to say before it dies reaches the console. */
	"console=ttyS0 quiet loglevel=3 "
	/* A guest that dies or restarts ends the VMM, which runs with -no-reboot. */
	"panic=-1 reboot=t "
	/* The emulated timer is right; the kernel's check of it is slow. */
	"no_timer_check";

static void plan_machine(struct engine_plan *p, const struct engine_settings *s)
{
	engine_plan_arg(p, "-machine");
	/* Pages that the host's KSM merged would tell one guest what another holds. */
	engine_plan_arg(p, "microvm,memory-backend=ram,mem-merge=off");
	engine_plan_arg(p, "-accel");
	/* The default for translated code, 1 GiB, is beyond what the VMM's cgroup lets it have. */
	if (s->accel == ENGINE_ACCEL_TCG)
		engine_plan_arg(p, "tcg,tb-size=%u", LIMIT_TCG_CACHE_MIB);
	else
		engine_plan_arg(p, "%s", engine_accel_name(s->accel));
	engine_plan_arg(p, "-cpu");
	/*
	 * The host's, but for its virtualisation, which would put KVM's nesting in reach of the
	 * guest. Of the emulated ones the cheapest; arat lets an idle guest stop its timer tick.
	 */
	engine_plan_arg(p, "%s",
			s->accel == ENGINE_ACCEL_KVM ? "host,vmx=off,svm=off" : "qemu64,+arat");
	engine_plan_arg(p, "-smp");
	engine_plan_arg(p, "%u", s->vcpus);
	engine_plan_arg(p, "-m");
	engine_plan_arg(p, "%lluM", (unsigned long long)s->memory_mib);
	engine_plan_arg(p, "-nodefaults");
	engine_plan_arg(p, "-no-user-config");
	engine_plan_arg(p, "-no-reboot");
	engine_plan_arg(p, "-display");
	engine_plan_arg(p, "none");
}

static void plan_memory(struct engine_plan *p, const struct engine_settings *s)
{
	unsigned long long mib = s->memory_mib;

	engine_plan_arg(p, "-object");
	switch (s->start) {
	case ENGINE_BOOT:
		engine_plan_arg(p, "memory-backend-ram,id=ram,size=%lluM", mib);
		return;
	case ENGINE_BOOT_TEMPLATE:
		engine_plan_arg(p,
				"memory-backend-file,id=ram,size=%lluM,mem-path=" QEMU_RAM_INSIDE
				",share=on",
				mib);
		engine_plan_file(p, ENGINE_FILE_RW, s->ram, QEMU_RAM_INSIDE);
		p->file_size_max_b = mib << 20;
		return;
	case ENGINE_CLONE:
		engine_plan_arg(p,
				"memory-backend-file,id=ram,size=%lluM,mem-path=" QEMU_RAM_INSIDE
				",share=off",
				mib);
		engine_plan_file(p, ENGINE_FILE_RO, s->ram, QEMU_RAM_INSIDE);
		return;
	}
}

static void plan_link(struct engine_plan *p, const struct engine_settings *s)
{
	if (s->link == ENGINE_LINK_VSOCK) {
		engine_plan_arg(p, "-device");
		engine_plan_arg(p, "vhost-vsock-device,guest-cid=%u,vhostfd=%d", s->guest_cid,
				ENGINE_FD_LINK);
		return;
	}
	engine_plan_arg(p, "-chardev");
	engine_plan_arg(p, "socket,id=link,fd=%d", ENGINE_FD_LINK);
	engine_plan_arg(p, "-device");
	engine_plan_arg(p, "virtio-serial-device,max_ports=2");
	engine_plan_arg(p, "-device");
	engine_plan_arg(p, "virtserialport,chardev=link,name=" QEMU_LINK_PORT_NAME);
}

static void plan_devices(struct engine_plan *p, const struct engine_settings *s)
{
	engine_plan_arg(p, "-chardev");
	engine_plan_arg(p, "stdio,id=console,signal=off");
	engine_plan_arg(p, "-serial");
	engine_plan_arg(p, "chardev:console");
	plan_link(p, s);
	/* The format is said, never guessed: a guessed one is the guest's choice. */
	engine_plan_arg(p, "-blockdev");
	engine_plan_arg(p,
			"driver=file,node-name=image,filename=/vm/image,read-only=on,locking=off");
	engine_plan_arg(p, "-blockdev");
	engine_plan_arg(p, "driver=raw,node-name=root,file=image,read-only=on");
	engine_plan_arg(p, "-device");
	engine_plan_arg(p, "virtio-blk-device,drive=root");
	engine_plan_file(p, ENGINE_FILE_RO, s->image, "/vm/image");
	engine_plan_arg(p, "-object");
	engine_plan_arg(p, "rng-builtin,id=entropy");
	engine_plan_arg(p, "-device");
	engine_plan_arg(p, "virtio-rng-device,rng=entropy");
	engine_plan_arg(p, "-chardev");
	engine_plan_arg(p, "socket,id=monitor,fd=%d", ENGINE_FD_MONITOR);
	engine_plan_arg(p, "-mon");
	engine_plan_arg(p, "chardev=monitor,mode=control");
}

static void plan_start(struct engine_plan *p, const struct engine_settings *s)
{
	if (s->start == ENGINE_CLONE) {
		engine_plan_arg(p, "-incoming");
		engine_plan_arg(p, "defer");
		(void)snprintf(p->orders, sizeof(p->orders),
			       QEMU_NEGOTIATE QEMU_SHARE_MEMORY
			       "{\"execute\":\"migrate-incoming\",\"arguments\":"
			       "{\"uri\":\"fd:%d\"}}\n",
			       ENGINE_FD_STATE);
		return;
	}
	engine_plan_arg(p, "-kernel");
	engine_plan_arg(p, "/vm/kernel");
	engine_plan_arg(p, "-initrd");
	engine_plan_arg(p, "/vm/initramfs");
	engine_plan_arg(p, "-append");
	/*
	 * An emulated processor does not speculate, so the guest need not pay for it. Its time
	 * stamp counter is the host's: the guest is told how fast that is, for measuring it against
	 * the emulated timer fails on a loaded host, and the kernel then waits for ever.
	 */
	if (s->accel == ENGINE_ACCEL_TCG)
		engine_plan_arg(p, "%s mitigations=off tsc=reliable tsc_early_khz=%u", base_cmdline,
				s->tsc_khz);
	else
		engine_plan_arg(p, "%s", base_cmdline);
	engine_plan_file(p, ENGINE_FILE_RO, s->kernel, "/vm/kernel");
	engine_plan_file(p, ENGINE_FILE_RO, s->initramfs, "/vm/initramfs");
}

/* The program, and what it and the loader open: file by file, for its guest may take it over. */
static void plan_program(struct engine_plan *p, const struct engine_host *host,
			 const struct engine_settings *s)
{
	for (uint32_t i = 0; i < host->n_files; i++) {
		const struct engine_host_file *f = &host->files[i];

		if (!f->boot_only || s->start != ENGINE_CLONE)
			engine_plan_file(p, ENGINE_FILE_RO, host->text + f->host,
					 host->text + f->inside);
	}
	/* Their folder is not among the default ones of every loader. */
	engine_plan_env(p, "LD_LIBRARY_PATH=" LIBRARIES_INSIDE);
	/* QEMU looks for its firmware beside the folder that it is in. */
	engine_plan_arg(p, QEMU_PROGRAM_INSIDE);
	engine_plan_file(p, ENGINE_FILE_RO, host->program, QEMU_PROGRAM_INSIDE);
	engine_plan_file(p, ENGINE_FILE_DEVICE, "/dev/null", "/dev/null");
	if (s->accel == ENGINE_ACCEL_KVM)
		engine_plan_file(p, ENGINE_FILE_DEVICE, "/dev/kvm", "/dev/kvm");
	if (s->start == ENGINE_CLONE) {
		engine_plan_file(p, ENGINE_FILE_RO, host->preload, PRELOAD_INSIDE);
		engine_plan_env(p, "LD_PRELOAD=" PRELOAD_INSIDE);
	}
}

int qemu_plan(const struct engine_host *host, const struct engine_settings *settings,
	      struct engine_plan *ret, struct ironclaw_error *err)
{
	memset(ret, 0, sizeof(*ret));
	plan_program(ret, host, settings);
	plan_machine(ret, settings);
	plan_memory(ret, settings);
	plan_devices(ret, settings);
	plan_start(ret, settings);
	ret->n_fds = settings->start == ENGINE_CLONE ? 3 : 2;
	if (ret->overflow)
		return err_set(err, IRONCLAW_ERR_INTERNAL, E2BIG,
			       "QEMU's command line does not fit its plan");
	return 0;
}
