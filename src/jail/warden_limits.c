/* SPDX-License-Identifier: Apache-2.0 */
/*
 * warden_limits.c - the cgroup of one VMM; see warden_limits.h. Where it stands is in
 * warden_places.c.
 *
 * What is checked. Every value is read back and compared. Of a process that is in,
 * /proc/PID/cgroup must name our group in the line of each controller. No symbolic link is followed
 * and no mount is entered below the root of a hierarchy (sys/cgroup.c), and that must be a cgroup
 * file system, for the list of mounts is text in which users have a say.
 *
 * How the VMM gets in. It is born in the group with v2 (CLONE_INTO_CGROUP); with v1 it enters as
 * its first act, through descriptors that the warden opened: its own namespaces of users and
 * cgroups would stand in the way of a search. Moving it from outside would take 15 ms
 * (cgroup_add()).
 *
 * Order. Limits are written before the first process joins. The parent folder is shared by all VMs
 * and goes with the last one: a start that meets this makes it again (MAKE_TRIES).
 */
#include "jail/warden_limits.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "jail/warden_places.h"
#include "sys/cgroup.h"
#include "sys/cgroup_find.h"

#define CPU_PERIOD_US  100000U
#define US_A_PERCENT   (CPU_PERIOD_US / 100U)
#define PAGE_B	       4096U
#define MAKE_TRIES     16
#define PROBE_MEMORY_B (64U * 1024U * 1024U)
#define PROBE_PIDS     16U

/* Return: descriptor of the new group; -EOPNOTSUPP, -EEXIST, -errno */
static int make_group(const struct warden_place *place, const struct warden_folder *folder,
		      const char *vm_id)
{
	char name[WARDEN_PLACE_NAME_B];
	int r = -EBUSY;

	warden_place_name(place, vm_id, name);
	for (int i = 0; i < MAKE_TRIES; i++) {
		cleanup_close int parent = warden_place_make_parent(place, folder);

		r = parent < 0 ? parent : warden_place_refusal(cgroup_make(parent, name));
		if (r != -ENOENT && r != -ENODEV)
			break;
	}
	return r;
}

static int set_number(int group, const char *file, uint64_t number)
{
	char text[24];

	(void)snprintf(text, sizeof(text), "%" PRIu64, number);
	return cgroup_set(group, file, text);
}

static bool host_has_swap(void)
{
	cleanup_fclose FILE *f = fopen("/proc/swaps", "re");
	char line[256];
	int lines = 0;

	while (f && fgets(line, sizeof(line), f))
		lines++;
	/* The first is a heading. */
	return !f || lines > 1;
}

/*
 * A kernel without swap accounting has no file for the limit. With v2 that is accepted where there
 * is no swap. With v1 a swappiness of 0 is set in any case, for its limit is of memory and swap
 * together: it keeps guest memory in memory even when the group is full.
 */
static int limit_memory(int group, enum warden_limits_kind kind, uint64_t max_b)
{
	const uint64_t whole_b = max_b / PAGE_B * PAGE_B;
	int r;

	if (kind == WARDEN_LIMITS_V2) {
		r = set_number(group, "memory.max", whole_b);
		if (r == 0)
			r = cgroup_set(group, "memory.swap.max", "0");
		if (r == -ENOENT && !host_has_swap())
			r = 0;
		return r < 0 ? r : cgroup_set(group, "memory.oom.group", "1");
	}
	r = set_number(group, "memory.limit_in_bytes", whole_b);
	if (r == 0)
		r = set_number(group, "memory.memsw.limit_in_bytes", whole_b);
	if (r == 0 || r == -ENOENT)
		r = cgroup_set(group, "memory.swappiness", "0");
	return r;
}

static int limit_cpu(int group, enum warden_limits_kind kind, uint32_t percent)
{
	const uint64_t quota_us = (uint64_t)percent * US_A_PERCENT;
	char text[48];
	int r;

	if (kind == WARDEN_LIMITS_V2) {
		(void)snprintf(text, sizeof(text), "%" PRIu64 " %u", quota_us, CPU_PERIOD_US);
		return cgroup_set(group, "cpu.max", text);
	}
	r = set_number(group, "cpu.cfs_period_us", CPU_PERIOD_US);
	return r < 0 ? r : set_number(group, "cpu.cfs_quota_us", quota_us);
}

static int set_limits(int group, enum warden_limits_kind kind, unsigned int controllers,
		      const struct jail_limits *limits)
{
	int r = 0;

	if (controllers & 1U << CGROUP_MEMORY)
		r = limit_memory(group, kind, limits->memory_max_b);
	if (r == 0 && controllers & 1U << CGROUP_PIDS)
		r = set_number(group, "pids.max", limits->pids_max);
	if (r == 0 && controllers & 1U << CGROUP_CPU)
		r = limit_cpu(group, kind, limits->cpu_percent);
	/* A kernel built without one of them. */
	return r == -ENOENT ? -EOPNOTSUPP : r;
}

static int remove_group(const struct warden_place *place, const struct warden_folder *folder,
			const char *vm_id, bool kill_members)
{
	cleanup_close int parent = warden_place_open_parent(place, folder);
	char name[WARDEN_PLACE_NAME_B];
	int r;

	if (parent == -ENOENT || parent == -ENODEV || parent == -EOPNOTSUPP)
		return 0;
	if (parent < 0)
		return parent;
	warden_place_name(place, vm_id, name);
	r = cgroup_remove(parent, name, kill_members);
	warden_place_remove_parent(place, folder);
	return r;
}

/* All folders of a place, or none. Return: 0; -EOPNOTSUPP, -EEXIST, -errno */
static int make_all(const struct warden_place *place, const char *vm_id,
		    const struct jail_limits *limits, struct warden_limits_hold *hold)
{
	unsigned int n;
	int r = 0;

	hold->n = 0;
	for (size_t i = 0; r == 0 && i < place->n; i++) {
		const struct warden_folder *folder = &place->folders[i];
		int group = make_group(place, folder, vm_id);

		r = group;
		if (group >= 0) {
			hold->fds[hold->n++] = group;
			r = set_limits(group, place->kind, folder->controllers, limits);
		} else {
			warden_place_remove_parent(place, folder);
		}
	}
	if (r == 0)
		return 0;
	n = hold->n;
	warden_limits_release(hold);
	/* Made here and still empty, so that nothing waits or is killed. */
	for (unsigned int i = 0; i < n; i++)
		(void)remove_group(place, &place->folders[i], vm_id, false);
	return r;
}

void warden_limits_release(struct warden_limits_hold *hold)
{
	while (hold->n > 0)
		close_fd(&hold->fds[--hold->n]);
}

int warden_limits_make(const char *vm_id, const struct jail_limits *limits,
		       struct warden_limits_hold *ret_hold)
{
	struct warden_places places;
	int r;

	if (limits->memory_max_b < PAGE_B || limits->pids_max == 0 || limits->cpu_percent == 0)
		return -EINVAL;
	r = warden_places_find(&places);
	if (r < 0)
		return r;
	r = -EOPNOTSUPP;
	for (size_t i = 0; r == -EOPNOTSUPP && i < places.n; i++) {
		r = make_all(&places.place[i], vm_id, limits, ret_hold);
		if (r == 0)
			return places.place[i].kind;
	}
	return r == -EOPNOTSUPP && !limits->required ? WARDEN_LIMITS_NONE : r;
}

static int verify_joined(const struct warden_place *place, const char *vm_id, pid_t pid)
{
	struct cgroup_host there;
	int r = cgroup_find_own(pid, &there);

	if (r < 0)
		return r == -ENOENT ? -ESRCH : r;
	for (int c = 0; c < CGROUP_CONTROLLERS; c++) {
		const char *path = place->kind == WARDEN_LIMITS_V2 ? there.v2.own : there.v1[c].own;
		const struct warden_folder *folder = &place->folders[0];

		while (!(folder->controllers & 1U << c))
			folder++;
		if (!warden_place_is(place, folder, vm_id, path))
			return -EXDEV;
	}
	return 0;
}

/* Finds the group of a VM again. Return: 0; -ENOENT; -errno */
static int find_again(const char *vm_id, enum warden_limits_kind kind, struct warden_places *places,
		      const struct warden_place **ret)
{
	int r = warden_places_find(places);

	if (r < 0)
		return r;
	*ret = warden_places_with(places, vm_id, kind);
	return *ret ? 0 : -ENOENT;
}

static int open_entries(const struct warden_place *place, const char *vm_id,
			struct warden_limits_entry *entry)
{
	for (size_t i = 0; i < place->n; i++) {
		cleanup_close int group = warden_place_open_group(place, &place->folders[i], vm_id);
		int fd;

		if (group < 0)
			return group;
		if (place->kind == WARDEN_LIMITS_V2) {
			entry->group_fd = take_fd(&group);
			continue;
		}
		fd = cgroup_open_entry(group);
		if (fd < 0)
			return fd;
		entry->tasks_fds[entry->n_tasks++] = fd;
	}
	return 0;
}

int warden_limits_open(const char *vm_id, enum warden_limits_kind kind,
		       struct warden_limits_entry *ret)
{
	struct warden_limits_entry entry = {.group_fd = -EBADF};
	const struct warden_place *place;
	struct warden_places places;
	int r = find_again(vm_id, kind, &places, &place);

	if (r == 0)
		r = open_entries(place, vm_id, &entry);
	if (r < 0) {
		warden_limits_close(&entry);
		return r;
	}
	*ret = entry;
	return 0;
}

int warden_limits_enter(const struct warden_limits_entry *entry)
{
	int r = 0;

	for (unsigned int i = 0; r == 0 && i < entry->n_tasks; i++)
		r = cgroup_enter(entry->tasks_fds[i]);
	return r;
}

void warden_limits_close(struct warden_limits_entry *entry)
{
	close_fd(&entry->group_fd);
	for (unsigned int i = 0; i < entry->n_tasks; i++)
		close_fd(&entry->tasks_fds[i]);
	entry->n_tasks = 0;
}

int warden_limits_verify(const char *vm_id, enum warden_limits_kind kind, pid_t pid)
{
	const struct warden_place *place;
	struct warden_places places;
	int r = find_again(vm_id, kind, &places, &place);

	return r < 0 ? r : verify_joined(place, vm_id, pid);
}

int warden_limits_join(const char *vm_id, enum warden_limits_kind kind, pid_t pid)
{
	const struct warden_place *place;
	struct warden_places places;
	int r = find_again(vm_id, kind, &places, &place);

	if (r < 0)
		return r;
	for (size_t i = 0; r == 0 && i < place->n; i++) {
		cleanup_close int group = warden_place_open_group(place, &place->folders[i], vm_id);

		r = group < 0 ? group : cgroup_add(group, pid);
	}
	return r < 0 ? r : verify_joined(place, vm_id, pid);
}

bool warden_limits_oom(const char *vm_id, enum warden_limits_kind kind)
{
	const char *file = kind == WARDEN_LIMITS_V2 ? "memory.events" : "memory.oom_control";
	const struct warden_place *place;
	struct warden_places places;

	if (find_again(vm_id, kind, &places, &place) < 0)
		return false;
	for (size_t i = 0; i < place->n; i++) {
		cleanup_close int group = -EBADF;

		if (!(place->folders[i].controllers & 1U << CGROUP_MEMORY))
			continue;
		group = warden_place_open_group(place, &place->folders[i], vm_id);
		return group >= 0 && cgroup_count(group, file, "oom_kill") > 0;
	}
	return false;
}

static int remove_everywhere(const char *vm_id, bool kill_members)
{
	struct warden_places places;
	int r = warden_places_find(&places);

	for (size_t i = 0; r == 0 && i < places.n; i++) {
		const struct warden_place *place = &places.place[i];

		for (size_t j = 0; j < place->n; j++) {
			int removed = remove_group(place, &place->folders[j], vm_id, kill_members);

			/* What is not ours to remove is of another user's VM. */
			if (r == 0 && warden_place_refusal(removed) != -EOPNOTSUPP)
				r = removed;
		}
	}
	return r;
}

int warden_limits_remove(const char *vm_id)
{
	return remove_everywhere(vm_id, true);
}

int warden_limits_sweep(const char *vm_id)
{
	return remove_everywhere(vm_id, false);
}

enum warden_limits_kind warden_limits_available(void)
{
	const struct jail_limits limits = {
		.memory_max_b = PROBE_MEMORY_B,
		.pids_max = PROBE_PIDS,
		.cpu_percent = 100,
	};
	struct warden_limits_hold hold;
	char name[JAIL_VM_ID_MAX];
	int kind;

	/* A dot is in no id. */
	(void)snprintf(name, sizeof(name), "probe.%d", (int)getpid());
	kind = warden_limits_make(name, &limits, &hold);
	if (kind <= WARDEN_LIMITS_NONE)
		return WARDEN_LIMITS_NONE;
	(void)warden_limits_remove(name);
	warden_limits_release(&hold);
	return (enum warden_limits_kind)kind;
}
