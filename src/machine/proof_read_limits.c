/* SPDX-License-Identifier: Apache-2.0 */
/*
 * proof_read_limits.c - what the cgroups of a process limit, from their own files; see proof.h.
 *
 * The process's cgroup is looked for where the caller sees that hierarchy mounted whole. The limit
 * of a parent is not counted: it is shared with whoever else is below it.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "machine/proof.h"

/* cgroup v1 says "no limit" by the largest number of whole pages. */
#define V1_UNLIMITED_B (1ULL << 62)

/* Where the hierarchy with this controller is mounted; "" as controller: cgroup v2. */
static int find_mount(const char *controller, char *ret, size_t size)
{
	cleanup_free char *text = NULL;
	const char *type = controller[0] ? "cgroup" : "cgroup2";
	int r = proof_read_text(AT_FDCWD, "/proc/self/mountinfo", &text);

	if (r < 0)
		return r;
	for (const char *p = text; *p;) {
		struct proof_mount m;

		r = proof_parse_mount_line(&p, &m);
		if (r < 0)
			return r;
		if (strcmp(m.type, type) != 0 || strcmp(m.root, "/") != 0)
			continue;
		if (controller[0] && !proof_has_word(m.super, controller))
			continue;
		return snprintf(ret, size, "%s", m.point) >= (int)size ? -ENAMETOOLONG : 0;
	}
	return -ENOENT;
}

/* One file of the process's cgroup, without its line break. */
static int read_value(const struct proof_cgroups *groups, const char *controller, const char *file,
		      char *ret, size_t size)
{
	const struct proof_cgroup *group = proof_find_cgroup(groups, controller);
	char mount[PROOF_NAME_B], path[3 * PROOF_NAME_B];
	cleanup_free char *text = NULL;
	int r = group ? find_mount(controller, mount, sizeof(mount)) : -ENOENT;

	/* A path that was cut would be another one. */
	if (r == 0 && strlen(group->path) + 1 >= sizeof(group->path))
		r = -ENAMETOOLONG;
	if (r < 0)
		return r;
	(void)snprintf(path, sizeof(path), "%s%s/%s", mount, group->path, file);
	r = proof_read_text(AT_FDCWD, path, &text);
	if (r < 0)
		return r;
	text[strcspn(text, "\n")] = '\0';
	return snprintf(ret, size, "%s", text) >= (int)size ? -EINVAL : 0;
}

static bool read_number(const struct proof_cgroups *groups, const char *controller,
			const char *file, uint64_t *ret)
{
	char text[64];

	if (read_value(groups, controller, file, text, sizeof(text)) < 0)
		return false;
	if (strcmp(text, "max") == 0 || strcmp(text, "-1") == 0) {
		*ret = PROOF_UNLIMITED;
		return true;
	}
	return parse_u64(text, 0, UINT64_MAX - 1, ret) == 0;
}

static uint64_t percent(uint64_t quota, uint64_t period)
{
	return quota == PROOF_UNLIMITED || period == 0 || quota > UINT64_MAX / 100
		       ? PROOF_UNLIMITED
		       : quota * 100 / period;
}

/* "QUOTA PERIOD", "max PERIOD" */
static bool read_cpu_max(const struct proof_cgroups *groups, uint64_t *ret)
{
	uint64_t quota = PROOF_UNLIMITED, period;
	char text[64], *space;

	if (read_value(groups, "", "cpu.max", text, sizeof(text)) < 0)
		return false;
	space = strchr(text, ' ');
	if (!space)
		return false;
	*space = '\0';
	if (strcmp(text, "max") != 0 && parse_u64(text, 0, UINT64_MAX - 1, &quota) < 0)
		return false;
	if (parse_u64(space + 1, 1, UINT64_MAX, &period) < 0)
		return false;
	*ret = percent(quota, period);
	return true;
}

static void read_v2(const struct proof_cgroups *groups, struct proof_limits *l)
{
	if (!l->has_memory) {
		l->has_memory = read_number(groups, "", "memory.max", &l->memory_b);
		l->has_swap = read_number(groups, "", "memory.swap.max", &l->swap_b);
	}
	if (!l->has_pids)
		l->has_pids = read_number(groups, "", "pids.max", &l->pids);
	if (!l->has_cpu)
		l->has_cpu = read_cpu_max(groups, &l->cpu_percent);
}

void proof_read_limits(const struct proof_cgroups *cgroups, struct proof_limits *ret)
{
	uint64_t both, quota, period;

	memset(ret, 0, sizeof(*ret));
	ret->has_memory = read_number(cgroups, "memory", "memory.limit_in_bytes", &ret->memory_b);
	if (ret->has_memory && ret->memory_b >= V1_UNLIMITED_B)
		ret->memory_b = PROOF_UNLIMITED;
	/* cgroup v1 limits memory and swap together. */
	ret->has_swap = ret->has_memory &&
			read_number(cgroups, "memory", "memory.memsw.limit_in_bytes", &both);
	if (ret->has_swap)
		ret->swap_b = both >= V1_UNLIMITED_B  ? PROOF_UNLIMITED
			      : both >= ret->memory_b ? both - ret->memory_b
						      : 0;
	ret->has_pids = read_number(cgroups, "pids", "pids.max", &ret->pids);
	ret->has_cpu = read_number(cgroups, "cpu", "cpu.cfs_quota_us", &quota) &&
		       read_number(cgroups, "cpu", "cpu.cfs_period_us", &period);
	if (ret->has_cpu)
		ret->cpu_percent = percent(quota, period);
	read_v2(cgroups, ret);
}
