/* SPDX-License-Identifier: Apache-2.0 */
/**
 * qemu.h - the QEMU engine, shared by its parts: probe, plan, monitor.
 */
#ifndef ENGINE_QEMU_H
#define ENGINE_QEMU_H

#include "engine/engine.h"

extern const struct engine qemu_engine;

/* Name of the link's port in the guest: /sys/class/virtio-ports/NAME/name. */
#define QEMU_LINK_PORT_NAME "ironclaw"
/* QMP: guest memory is in its own file and is not copied; both sides must agree. */
#define QEMU_NEGOTIATE	    "{\"execute\":\"qmp_capabilities\"}\n"
#define QEMU_SHARE_MEMORY                                                                          \
	"{\"execute\":\"migrate-set-capabilities\",\"arguments\":{\"capabilities\":"               \
	"[{\"capability\":\"x-ignore-shared\",\"state\":true}]}}\n"
/* Where QEMU is installed inside the jail: it looks for modules and firmware beside its program. */
#define QEMU_PREFIX_INSIDE  "/usr"
#define QEMU_PROGRAM_INSIDE QEMU_PREFIX_INSIDE "/bin/qemu-system-x86_64"
/* Where the memory of a template is inside the jail; qemu_preload.c knows it as well. */
#define QEMU_RAM_INSIDE	    "/vm/ram"

int qemu_probe(const struct paths *paths, enum engine_accel accel, enum engine_link link,
	       const char *libexec, struct engine_host *ret, struct ironclaw_error *err);
int qemu_plan(const struct engine_host *host, const struct engine_settings *settings,
	      struct engine_plan *ret, struct ironclaw_error *err);
int qemu_start(struct engine_monitor *monitor, const char *orders, uint32_t deadline_ms,
	       void (*idle)(void), struct ironclaw_error *err);
int qemu_check(struct engine_monitor *monitor, struct ironclaw_error *err);
int qemu_save(struct engine_monitor *monitor, int state_fd, uint32_t deadline_ms,
	      void (*idle)(void), struct ironclaw_error *err);
int qemu_pause(struct engine_monitor *monitor, uint32_t deadline_ms, struct ironclaw_error *err);
int qemu_resume(struct engine_monitor *monitor, uint32_t deadline_ms, struct ironclaw_error *err);

#endif
