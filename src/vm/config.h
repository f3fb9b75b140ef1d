/* SPDX-License-Identifier: Apache-2.0 */
/**
 * config.h - what one VM is to be: a plain structure, its sources, and its validation.
 *
 *   vm_config_init()          defaults
 *   vm_config_load()          one JSON file over them
 *   vm_config_set_text()      flags over that
 *   vm_config_complete()      what nobody chose: the name of the VM and of the image
 *   vm_config_validate()      every violation at once; from here on the structure does not change
 *
 * Sources and validation append to the same list, so that the user is told of all mistakes in one
 * go. Whoever starts a VM calls vm_config_check() itself: no way to a VM goes round validation.
 * An option that this version cannot enforce is refused, never ignored.
 */
#ifndef VM_CONFIG_H
#define VM_CONFIG_H

#include <stdint.h>

#include "base/limits.h"
#include "codec/violations.h"

#define VM_PATH_MAX_B	     1024
#define VM_DEFAULT_IMAGE     "default"
#define VM_OVERLAY_SIZE_AUTO UINT64_MAX /* half of the guest's memory, as tmpfs does by itself */

enum vm_engine { VM_ENGINE_AUTO, VM_ENGINE_QEMU, VM_ENGINE_FIRECRACKER, VM_ENGINE_MAX };
enum vm_accel { VM_ACCEL_AUTO, VM_ACCEL_KVM, VM_ACCEL_TCG, VM_ACCEL_MAX };
enum vm_seccomp { VM_SECCOMP_MINIMAL, VM_SECCOMP_BASIC, VM_SECCOMP_PERMISSIVE, VM_SECCOMP_MAX };
enum vm_seccomp_mode { VM_SECCOMP_ENFORCE, VM_SECCOMP_AUDIT, VM_SECCOMP_MODE_MAX };
enum vm_link { VM_LINK_AUTO, VM_LINK_SERIAL, VM_LINK_VSOCK, VM_LINK_MAX };
enum vm_overlay { VM_OVERLAY_TMPFS, VM_OVERLAY_EXT4, VM_OVERLAY_MAX };

/** The JSON name of a field stands beside it where it differs. Empty strings: not given. */
struct vm_config {
	char vm_id[LIMIT_VM_ID_MAX + 1];
	char image[LIMIT_NAME_MAX + 1];
	char kernel_path[VM_PATH_MAX_B]; /* bzImage of the user's own instead of a built kernel */
	char rootfs_path[VM_PATH_MAX_B]; /* erofs file of the user's own instead of an image */
	uint32_t vcpu_count;
	uint64_t memory_mib;	      /* memory_mb */
	bool rootfs_read_only;	      /* rootfs.read_only */
	enum vm_overlay overlay_type; /* rootfs.overlay.type */
	uint64_t overlay_size_mib;    /* rootfs.overlay.size_mb; or VM_OVERLAY_SIZE_AUTO */
	bool enable_networking;
	char vsock_path[VM_PATH_MAX_B];
	enum vm_seccomp seccomp;	   /* seccomp_filter: what the VMM may call */
	enum vm_seccomp_mode seccomp_mode; /* a denied call kills the VMM, or fails */
	bool require_limits;		   /* no start without a cgroup */
	enum vm_engine engine;
	enum vm_accel accel;
	enum vm_link link;
	bool cold;	     /* boot instead of cloning a template */
	uint64_t timeout_ms; /* of one command; 0: none */
};

/** vm_config_init() - the defaults; name and image stay empty until vm_config_complete(). */
void vm_config_init(struct vm_config *config);

/**
 * vm_config_from_json() - lay a JSON object over a configuration.
 * @text, @len:	hostile bytes, any length
 * @list:	gets the violations; well-formed fields are taken over even so
 *
 * Return: 0, -EINVAL when @list got an error, -ENOMEM
 */
int vm_config_from_json(const char *text, size_t len, struct vm_config *config,
			struct violations *list);

/**
 * vm_config_load() - as vm_config_from_json(), from a regular file of at most
 * LIMIT_CONFIG_FILE_MAX_B.
 *
 * Return: 0; -EINVAL when @list got an error (@err holds the same: a caller that goes on to
 * vm_config_validate() with the same list ignores it); another -errno when the file cannot be read
 */
int vm_config_load(const char *path, struct vm_config *config, struct violations *list,
		   struct ironclaw_error *err);

/**
 * vm_config_set_text() - set one field from the text of a flag.
 * @field:	dotted name of a field that is no boolean: "engine", "rootfs.overlay.type"
 * @text:	a size ("256M") for *_mb, a duration ("30s") for timeout_ms, else as in JSON
 */
void vm_config_set_text(struct vm_config *config, const char *field, const char *text,
			struct violations *list);

/**
 * vm_config_complete() - fill in what was not given: a fresh vm_id such as "calm-otter-5f03a9c1",
 * and the default image where there is no rootfs_path.
 *
 * Return: 0, -errno when the kernel gives no random bytes
 */
int vm_config_complete(struct vm_config *config, struct ironclaw_error *err);

/**
 * vm_config_validate() - check every field. Pure.
 * @host_memory_mib:	upper bound of the memory
 * @list:		may hold violations of the sources already; errors and warnings are appended
 *
 * Return: 0 when @list holds no error (warnings are fine), else -EINVAL
 */
int vm_config_validate(const struct vm_config *config, uint64_t host_memory_mib,
		       struct violations *list);

/** vm_config_check() - vm_config_validate() on this host, with the outcome in @err. Microseconds.
 */
int vm_config_check(const struct vm_config *config, struct ironclaw_error *err);

/** vm_host_memory_mib() - the memory of this host. */
uint64_t vm_host_memory_mib(void);

/** vm_id_valid() - 1..64 of [A-Za-z0-9-]. */
bool vm_id_valid(const char *id);

#endif
