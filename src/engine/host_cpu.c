/* SPDX-License-Identifier: Apache-2.0 */
/* host_cpu.c - see host_cpu.h. */
#include "engine/host_cpu.h"

#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"

void host_cpu_describe(char *ret, size_t size)
{
	static const char *const fields[] = {"vendor_id", "cpu family", "model\t", "stepping",
					     "microcode"};
	cleanup_fclose FILE *f = fopen("/proc/cpuinfo", "re");
	char line[256];
	size_t used = 0;

	ret[0] = '\0';
	while (f && fgets(line, sizeof(line), f) && line[0] != '\n') {
		const char *value = strchr(line, ':');

		for (size_t i = 0; value && i < ARRAY_SIZE(fields); i++) {
			if (strncmp(line, fields[i], strlen(fields[i])) == 0 && used < size)
				used += (size_t)snprintf(ret + used, size - used, "%.*s",
							 (int)strcspn(value + 1, "\n"), value + 1);
		}
	}
}
