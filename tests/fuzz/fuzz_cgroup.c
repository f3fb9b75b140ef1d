/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_cgroup.c - any bytes as /proc/PID/mountinfo (first byte even) or /proc/PID/cgroup (odd).
 *
 * All or nothing: on failure nothing was written, on success every path that is there is absolute
 * and ends inside its field.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "sys/cgroup_find.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct cgroup_host host, before;

static void require(bool condition)
{
	if (!condition)
		abort();
}

static void require_path(const char path[CGROUP_PATH_MAX_B])
{
	require(memchr(path, '\0', CGROUP_PATH_MAX_B) != NULL);
	require(path[0] == '\0' || path[0] == '/');
}

static void require_hierarchy(const struct cgroup_hierarchy *h)
{
	require_path(h->mount);
	require_path(h->root);
	require_path(h->own);
	require(!h->mount[0] == !h->root[0]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data + 1;
	int r;

	if (size == 0)
		return 0;
	memset(&host, 0, sizeof(host));
	memset(&before, 0, sizeof(before));
	if (data[0] % 2 == 0)
		r = cgroup_parse_mounts(text, size - 1, &host);
	else
		r = cgroup_parse_own(text, size - 1, &host);
	require(r == 0 || r == -EINVAL || r == -ENAMETOOLONG);
	if (r < 0)
		require(memcmp(&host, &before, sizeof(host)) == 0);
	require_hierarchy(&host.v2);
	for (int c = 0; c < CGROUP_CONTROLLERS; c++)
		require_hierarchy(&host.v1[c]);
	return 0;
}
