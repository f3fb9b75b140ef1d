/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_config.c - any bytes as a VM configuration: never a crash, and what passes is within bounds.
 */
#include <stdlib.h>
#include <string.h>

#include "vm/config.h"

#define HOST_MIB 4096

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition)
{
	if (!condition)
		abort();
}

static void require_bounds(const struct vm_config *config)
{
	require(vm_id_valid(config->vm_id));
	require(config->vcpu_count >= 1 && config->vcpu_count <= LIMIT_VCPU_MAX);
	require(config->memory_mib >= LIMIT_MEMORY_MIN_MIB && config->memory_mib <= HOST_MIB);
	require(config->overlay_size_mib >= LIMIT_OVERLAY_MIN_MIB);
	require(config->overlay_type == VM_OVERLAY_TMPFS && config->rootfs_read_only);
	require(!config->enable_networking);
	require(config->engine < VM_ENGINE_MAX && config->accel < VM_ACCEL_MAX);
	require(config->timeout_ms <= LIMIT_TIMEOUT_MS_MAX);
	require(config->kernel_path[0] == '\0' || config->kernel_path[0] == '/');
	require((config->rootfs_path[0] == '/') != (config->image[0] != '\0'));
	require(strlen(config->image) <= LIMIT_NAME_MAX && !strchr(config->image, '/'));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct violations list = {0};
	struct vm_config config;
	int decoded;

	vm_config_init(&config);
	decoded = vm_config_from_json((const char *)data, size, &config, &list);
	require((decoded == 0) == (list.n_errors == 0));
	require(vm_config_complete(&config, NULL) == 0);
	if (vm_config_validate(&config, HOST_MIB, &list) == 0) {
		require(decoded == 0);
		require_bounds(&config);
	} else {
		require(violations_to_error(&list, "fuzz", NULL) < 0);
	}
	return 0;
}
