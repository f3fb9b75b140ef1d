/* SPDX-License-Identifier: Apache-2.0 */
/**
 * firecracker.h - the Firecracker engine, shared by its parts: probe, plan, API.
 *
 * Firecracker makes its sockets itself: that of its API, to which start() sends the plan's orders,
 * and that of vsock, over which the guest reaches the keeper. Both are in ENGINE_SOCKETS_INSIDE, a
 * folder that is empty when it starts: so there is never a stale one, and no path is long. The
 * guest calls port ENGINE_SOCKETS_CID, and Firecracker connects to ENGINE_VSOCK_NAME, "_" and that
 * port.
 *
 * It has KVM or nothing.
 */
#ifndef ENGINE_FIRECRACKER_H
#define ENGINE_FIRECRACKER_H

#include "engine/engine.h"

extern const struct engine firecracker_engine;

/* Inside the jail; the snapshot that save() makes is written to the last two. */
#define FIRECRACKER_PROGRAM_INSIDE		 "/usr/bin/firecracker"
#define FIRECRACKER_KERNEL_INSIDE		 "/vm/kernel"
#define FIRECRACKER_INITRAMFS_INSIDE		 "/vm/initramfs"
#define FIRECRACKER_IMAGE_INSIDE		 "/vm/image"
#define FIRECRACKER_SECCOMP_INSIDE		 "/vm/seccomp"
#define FIRECRACKER_RAM_INSIDE			 "/vm/ram"
#define FIRECRACKER_STATE_INSIDE		 "/vm/state"

/** Versions as numbers that can be compared; what follows the patch level does not count. */
#define FIRECRACKER_VERSION(major, minor, patch) ((major)*1000000U + (minor)*1000U + (patch))
#define FIRECRACKER_NUMBER_MAX			 999U
/* The first whose snapshots have a format of their own, and the last that asks for an ELF kernel.
 */
#define FIRECRACKER_OLDEST			 FIRECRACKER_VERSION(1U, 7U, 0U)
#define FIRECRACKER_BZIMAGE			 FIRECRACKER_VERSION(1U, 17U, 0U)

/**
 * firecracker_version_parse() - "1.16.1", "v1.17.0-dev"; without a patch level, as "1.16", it is 0.
 * @text:	may be hostile; no number above FIRECRACKER_NUMBER_MAX, and behind "-" letters,
 *		digits, dots and dashes
 *
 * Return: 0; -EINVAL, and *ret is as it was
 */
int firecracker_version_parse(const char *text, uint32_t *ret);

/**
 * firecracker_needs_loader() - whether an ELF program is linked dynamically.
 * @head:	its first bytes: the program headers must be among them
 * Return: 1, 0; -ENOEXEC: no 64-bit ELF program
 */
int firecracker_needs_loader(const unsigned char *head, size_t len);

int firecracker_probe(const struct paths *paths, enum engine_accel accel, enum engine_link link,
		      const char *libexec, struct engine_host *ret, struct ironclaw_error *err);
/** As engine->filter(); in firecracker_filter.c. */
int firecracker_filter(const struct engine_host *host, enum vm_seccomp level, bool saves,
		       uint8_t *buf, size_t *ret_len, struct ironclaw_error *err);
int firecracker_plan(const struct engine_host *host, const struct engine_settings *settings,
		     struct engine_plan *ret, struct ironclaw_error *err);
int firecracker_start(struct engine_monitor *monitor, const char *orders, uint32_t deadline_ms,
		      void (*idle)(void), struct ironclaw_error *err);
int firecracker_check(struct engine_monitor *monitor, struct ironclaw_error *err);
int firecracker_save(struct engine_monitor *monitor, int state_fd, uint32_t deadline_ms,
		     void (*idle)(void), struct ironclaw_error *err);
int firecracker_pause(struct engine_monitor *monitor, uint32_t deadline_ms,
		      struct ironclaw_error *err);
int firecracker_resume(struct engine_monitor *monitor, uint32_t deadline_ms,
		       struct ironclaw_error *err);
const char *firecracker_exit_reason(int wait_status);

#endif
