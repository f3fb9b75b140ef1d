/* SPDX-License-Identifier: Apache-2.0 */
/* config.c - defaults and validation of a VM's configuration; see config.h. */
#include "vm/config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/name.h"

#define CHARS_UPPER  "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define CHARS_LOWER  "abcdefghijklmnopqrstuvwxyz"
#define CHARS_DIGITS "0123456789"

void vm_config_init(struct vm_config *config)
{
	*config = (struct vm_config){
		.vcpu_count = 1,
		.memory_mib = 512,
		.rootfs_read_only = true,
		.overlay_type = VM_OVERLAY_TMPFS,
		.overlay_size_mib = VM_OVERLAY_SIZE_AUTO,
		.engine = VM_ENGINE_AUTO,
		.accel = VM_ACCEL_AUTO,
		.seccomp = VM_SECCOMP_BASIC,
		.seccomp_mode = VM_SECCOMP_ENFORCE,
	};
}

bool vm_id_valid(const char *id)
{
	size_t len = strlen(id);

	return len >= 1 && len <= LIMIT_VM_ID_MAX &&
	       strspn(id, CHARS_UPPER CHARS_LOWER CHARS_DIGITS "-") == len;
}

int vm_config_complete(struct vm_config *config, struct ironclaw_error *err)
{
	static const char *const adjectives[16] = {"agile", "brave", "calm",  "clear",
						   "eager", "fair",  "fresh", "gentle",
						   "keen",  "light", "mild",  "neat",
						   "quick", "quiet", "swift", "warm"};
	static const char *const animals[16] = {"badger", "crane", "dolphin", "falcon",
						"gecko",  "heron", "ibex",    "lynx",
						"marten", "newt",  "otter",   "puffin",
						"raven",  "seal",  "tern",    "wren"};
	uint64_t random;

	if (config->image[0] == '\0' && config->rootfs_path[0] == '\0')
		memcpy(config->image, VM_DEFAULT_IMAGE, sizeof(VM_DEFAULT_IMAGE));
	if (config->vm_id[0] != '\0')
		return 0;
	if (getrandom(&random, sizeof(random), 0) != (ssize_t)sizeof(random))
		return err_sys(err, errno, "cannot make a name for the VM");
	(void)snprintf(config->vm_id, sizeof(config->vm_id), "%s-%s-%08" PRIx32,
		       adjectives[random & 15], animals[random >> 4 & 15],
		       (uint32_t)(random >> 32));
	return 0;
}

static void check_names(const struct vm_config *config, struct violations *list)
{
	if (!vm_id_valid(config->vm_id))
		violations_add(list, "vm_id", "must be 1 to %u characters of A-Z, a-z, 0-9 and '-'",
			       LIMIT_VM_ID_MAX);
	if (config->rootfs_path[0] != '\0' && config->image[0] != '\0')
		violations_add(list, "rootfs_path", "cannot be combined with image");
	else if (config->rootfs_path[0] == '\0' && !name_valid(config->image))
		violations_add(list, "image",
			       "must be 1 to %u characters of a-z, 0-9, '.', '_' and '-', "
			       "starting with a letter or a digit",
			       LIMIT_NAME_MAX);
	if (config->rootfs_path[0] != '\0' && config->rootfs_path[0] != '/')
		violations_add(list, "rootfs_path", "must be an absolute path");
	if (config->kernel_path[0] != '\0' && config->kernel_path[0] != '/')
		violations_add(list, "kernel_path", "must be an absolute path");
}

static void check_numbers(const struct vm_config *config, uint64_t host_memory_mib,
			  struct violations *list)
{
	uint64_t memory = config->memory_mib, overlay = config->overlay_size_mib;

	if (config->vcpu_count < 1 || config->vcpu_count > LIMIT_VCPU_MAX)
		violations_add(list, "vcpu_count", "must be 1 to %u, not %" PRIu32, LIMIT_VCPU_MAX,
			       config->vcpu_count);
	if (memory < LIMIT_MEMORY_MIN_MIB)
		violations_add(list, "memory_mb", "must be at least %u, not %" PRIu64,
			       LIMIT_MEMORY_MIN_MIB, memory);
	else if (memory > host_memory_mib)
		violations_add(list, "memory_mb",
			       "must be at most %" PRIu64 ", the memory of this host, not %" PRIu64,
			       host_memory_mib, memory);
	if (overlay < LIMIT_OVERLAY_MIN_MIB)
		violations_add(list, "rootfs.overlay.size_mb", "must be at least %u, not %" PRIu64,
			       LIMIT_OVERLAY_MIN_MIB, overlay);
	else if (overlay > LIMIT_OVERLAY_WARN_MIB && overlay != VM_OVERLAY_SIZE_AUTO)
		violations_warn(list, "rootfs.overlay.size_mb",
				"is above %u: it lives in the memory of the VM",
				LIMIT_OVERLAY_WARN_MIB);
	if (config->timeout_ms > LIMIT_TIMEOUT_MS_MAX)
		violations_add(list, "timeout_ms", "must be at most %llu (7 days), not %" PRIu64,
			       LIMIT_TIMEOUT_MS_MAX, config->timeout_ms);
}

/* What a caller may write down but this version does not do. */
static void check_choices(const struct vm_config *config, struct violations *list)
{
	if ((unsigned int)config->engine >= VM_ENGINE_MAX)
		violations_add(list, "engine", "unknown engine");
	if ((unsigned int)config->accel >= VM_ACCEL_MAX)
		violations_add(list, "accel", "unknown accelerator");
	if (config->engine == VM_ENGINE_FIRECRACKER && config->accel == VM_ACCEL_TCG)
		violations_add(list, "accel", "must not be tcg: firecracker does not emulate");
	if ((unsigned int)config->link >= VM_LINK_MAX)
		violations_add(list, "link", "unknown link");
	if ((unsigned int)config->seccomp >= VM_SECCOMP_MAX)
		violations_add(list, "seccomp_filter", "unknown level");
	if ((unsigned int)config->seccomp_mode >= VM_SECCOMP_MODE_MAX)
		violations_add(list, "seccomp_mode", "unknown mode");
	if (!config->rootfs_read_only)
		violations_add(list, "rootfs.read_only", "must be true: no VM may write its image");
	if (config->overlay_type != VM_OVERLAY_TMPFS)
		violations_add(list, "rootfs.overlay.type",
			       "ext4 is not supported by this version: use tmpfs");
	if (config->enable_networking)
		violations_add(list, "enable_networking",
			       "must be false: no VM has a network interface");
	if (config->vsock_path[0] != '\0')
		violations_add(list, "vsock_path",
			       "is not supported: the sockets of a VM are inside of its jail");
}

int vm_config_validate(const struct vm_config *config, uint64_t host_memory_mib,
		       struct violations *list)
{
	check_names(config, list);
	check_numbers(config, host_memory_mib, list);
	check_choices(config, list);
	return list->n_errors > 0 ? -EINVAL : 0;
}

int vm_config_check(const struct vm_config *config, struct ironclaw_error *err)
{
	struct violations list = {0};

	(void)vm_config_validate(config, vm_host_memory_mib(), &list);
	return violations_to_error(&list, "invalid VM configuration", err);
}

uint64_t vm_host_memory_mib(void)
{
	long pages = sysconf(_SC_PHYS_PAGES), page_b = sysconf(_SC_PAGESIZE);

	if (pages < 0 || page_b < 0)
		return 0;
	return (uint64_t)pages * (uint64_t)page_b / (1024 * 1024);
}
