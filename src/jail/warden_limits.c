/* SPDX-License-Identifier: Apache-2.0 */
/*
 * warden_limits.c - the cgroup of one VMM; see warden_limits.h.
 *
 * Where it is made. cgroup v2 counts when memory, pids and cpu are all among its controllers; a
 * hybrid host, whose v2 is empty, counts as v1, and v1 must have all three. Then the first of these
 * places that the kernel lets us use:
 *
 *  1. TOP/ironclaw/ID, where TOP is the root of the hierarchy as it is mounted here; with v1 in
 *     each of the three. For root on a host that is the true root, in a container the container's
 *     own cgroup, whose limits then hold for the VM too.
 *  2. v2 only: ironclaw-ID beside the caller's own cgroup, when that folder belongs to the caller
 *     and hands out the three controllers. This is what a user has in a delegated scope. (A folder
 *     of somebody else would let that user raise the limits: root, started by sudo in a user's
 *     scope, does not use it.) v1 is not made for users.
 *
 * Why not below the caller's own cgroup, where its limits would hold as well? With v2 it cannot be:
 * a group with processes in it has no controllers for groups below. With v1 it could, but a VM
 * whose warden was killed is swept by another process, which may stand in another cgroup and would
 * not find the group any more. So limits on the caller's own cgroup do not bind the VM; the VM's
 * own do, and root could have left that cgroup anyway.
 *
 * What is checked. Every value is read back and compared. Of a process that is in,
 * /proc/PID/cgroup must name our group in the line of each controller. No symbolic link is followed
 * and no mount is entered below TOP (sys/cgroup.c), and TOP itself must be a cgroup file system,
 * for the list of mounts is text in which users have a say.
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
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "sys/cgroup.h"
#include "sys/cgroup_find.h"

#define PARENT	       "ironclaw"
#define CPU_PERIOD_US  100000U
#define US_A_PERCENT   (CPU_PERIOD_US / 100U)
#define PAGE_B	       4096U
#define MAKE_TRIES     16
#define NAME_MAX_B     (sizeof(PARENT) + 1 + JAIL_VM_ID_MAX)
#define PROBE_MEMORY_B (64U * 1024U * 1024U)
#define PROBE_PIDS     16U

/* One folder of the VM's. */
struct folder {
	const struct cgroup_hierarchy *hierarchy;
	unsigned int controllers; /* bits, by enum cgroup_controller */
};

/* One way to have all limits. */
struct place {
	enum warden_limits_kind kind;
	bool beside; /* the caller's own cgroup; else below PARENT */
	size_t n;
	struct folder folders[CGROUP_CONTROLLERS];
};

#define PLACES_MAX 3U

struct places {
	struct cgroup_host host;
	size_t n;
	struct place place[PLACES_MAX];
};

/* Whether a file of a v2 group lists memory, pids and cpu. */
static bool has_controllers(int group, const char *file)
{
	char text[CGROUP_VALUE_MAX_B];

	if (cgroup_read(group, file, text) < 0)
		return false;
	for (int c = 0; c < CGROUP_CONTROLLERS; c++) {
		if (!cgroup_has_word(text, cgroup_controller_name(c)))
			return false;
	}
	return true;
}

static bool is_usable_v2(const struct cgroup_hierarchy *h)
{
	cleanup_close int top = h->mount[0] ? cgroup_open_mount(h->mount, true) : -ENOENT;

	return top >= 0 && has_controllers(top, "cgroup.controllers");
}

static void add_v2(struct places *places, bool beside)
{
	struct place *p = &places->place[places->n++];

	*p = (struct place){.kind = WARDEN_LIMITS_V2, .beside = beside, .n = 1};
	p->folders[0].hierarchy = &places->host.v2;
	p->folders[0].controllers = (1U << CGROUP_CONTROLLERS) - 1;
}

/* Controllers that are mounted together have one folder. */
static void add_v1(struct places *places)
{
	struct place p = {.kind = WARDEN_LIMITS_V1};

	for (int c = 0; c < CGROUP_CONTROLLERS; c++) {
		const struct cgroup_hierarchy *h = &places->host.v1[c];
		size_t i = 0;

		if (!h->mount[0])
			return;
		while (i < p.n && strcmp(p.folders[i].hierarchy->mount, h->mount) != 0)
			i++;
		if (i == p.n)
			p.folders[p.n++].hierarchy = h;
		p.folders[i].controllers |= 1U << c;
	}
	places->place[places->n++] = p;
}

static int find_places(struct places *ret)
{
	int r = cgroup_find(&ret->host);

	if (r < 0)
		return r;
	ret->n = 0;
	if (is_usable_v2(&ret->host.v2)) {
		add_v2(ret, false);
		add_v2(ret, true);
	} else {
		add_v1(ret);
	}
	return 0;
}

/* The path of a cgroup below the folder where its hierarchy is mounted; NULL: it is not there. */
static const char *below_mount(const struct cgroup_hierarchy *h, const char *path)
{
	size_t n = strcmp(h->root, "/") == 0 ? 0 : strlen(h->root);

	if (strncmp(path, h->root, n) != 0 || path[n] != '/')
		return NULL;
	return path + n + 1;
}

/*
 * The folder that holds the caller's own cgroup, when it is the caller's. Return: descriptor;
 * -EOPNOTSUPP; -errno
 */
static int open_own_parent(const struct cgroup_hierarchy *h, int top)
{
	const char *own = below_mount(h, h->own);
	cleanup_close int parent = -EBADF;
	char path[CGROUP_PATH_MAX_B + 2];
	struct stat st;
	char *slash;

	/* The root of what is mounted has nothing beside it. */
	if (!own || own[0] == '\0' || own[0] == '.')
		return -EOPNOTSUPP;
	(void)snprintf(path, sizeof(path), "./%s", own);
	slash = strrchr(path, '/');
	*slash = '\0';
	parent = cgroup_open(top, path);
	if (parent < 0)
		return parent == -ENOENT ? -EOPNOTSUPP : parent;
	if (fstat(parent, &st) < 0)
		return -errno;
	return st.st_uid == geteuid() ? take_fd(&parent) : -EOPNOTSUPP;
}

/* The folder that holds the VM's; it must exist. Return: descriptor, -EOPNOTSUPP, -errno */
static int open_parent(const struct place *place, const struct folder *folder)
{
	cleanup_close int top =
		cgroup_open_mount(folder->hierarchy->mount, place->kind == WARDEN_LIMITS_V2);

	if (top < 0)
		return top;
	return place->beside ? open_own_parent(folder->hierarchy, top) : cgroup_open(top, PARENT);
}

static void name_group(const struct place *place, const char *vm_id, char ret[NAME_MAX_B])
{
	(void)snprintf(ret, NAME_MAX_B, "%s%s", place->beside ? PARENT "-" : "", vm_id);
}

/* What the kernel says when the hierarchy is not ours to write. */
static int unavailable(int r)
{
	return r == -EACCES || r == -EPERM || r == -EROFS ? -EOPNOTSUPP : r;
}

static int enable_controllers(int fd)
{
	int r = cgroup_write(fd, "cgroup.subtree_control", "+memory +pids +cpu");

	/* Refused, for instance, to a container whose own processes stand in its root. */
	return r == -ENODEV ? r : r < 0 ? -EOPNOTSUPP : 0;
}

/* Makes PARENT below the root of a hierarchy. Return: descriptor, -EOPNOTSUPP, -errno */
static int make_parent(const struct place *place, const struct folder *folder)
{
	const bool v2 = place->kind == WARDEN_LIMITS_V2;
	cleanup_close int top = cgroup_open_mount(folder->hierarchy->mount, v2);
	cleanup_close int parent = -EBADF;
	int r = 0;

	/* Something else may be mounted over it. */
	if (top < 0)
		return -EOPNOTSUPP;
	if (mkdirat(top, PARENT, 0755) < 0 && errno != EEXIST)
		return unavailable(-errno);
	parent = cgroup_open(top, PARENT);
	if (parent >= 0 && v2)
		r = enable_controllers(top);
	if (parent >= 0 && v2 && r == 0)
		r = enable_controllers(parent);
	if (r < 0) {
		(void)unlinkat(top, PARENT, AT_REMOVEDIR);
		return r;
	}
	return take_fd(&parent);
}

/* The parent of a group beside our own cgroup. Return: descriptor, -EOPNOTSUPP, -errno */
static int open_delegated(const struct place *place, const struct folder *folder)
{
	cleanup_close int parent = open_parent(place, folder);

	if (parent < 0)
		return parent == -ENOENT ? -EOPNOTSUPP : parent;
	if (faccessat(parent, "cgroup.procs", W_OK, AT_EACCESS | AT_SYMLINK_NOFOLLOW) < 0)
		return -EOPNOTSUPP;
	if (!has_controllers(parent, "cgroup.subtree_control"))
		return -EOPNOTSUPP;
	return take_fd(&parent);
}

/* Return: descriptor of the new group; -EOPNOTSUPP, -EEXIST, -errno */
static int make_group(const struct place *place, const struct folder *folder, const char *vm_id)
{
	char name[NAME_MAX_B];
	int r = -EBUSY;

	name_group(place, vm_id, name);
	for (int i = 0; i < MAKE_TRIES; i++) {
		cleanup_close int parent =
			place->beside ? open_delegated(place, folder) : make_parent(place, folder);

		r = parent < 0 ? parent : unavailable(cgroup_make(parent, name));
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

	/* The first line is a heading. */
	return !f || (fgets(line, sizeof(line), f) && fgets(line, sizeof(line), f));
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

/* PARENT goes when no other VM is in it. */
static void remove_parent(const struct place *place, const struct folder *folder)
{
	cleanup_close int top = -EBADF;

	if (place->beside)
		return;
	top = cgroup_open_mount(folder->hierarchy->mount, place->kind == WARDEN_LIMITS_V2);
	if (top >= 0)
		(void)unlinkat(top, PARENT, AT_REMOVEDIR);
}

static int remove_group(const struct place *place, const struct folder *folder, const char *vm_id,
			bool kill_members)
{
	cleanup_close int parent = open_parent(place, folder);
	char name[NAME_MAX_B];
	int r;

	if (parent == -ENOENT || parent == -ENODEV || parent == -EOPNOTSUPP)
		return 0;
	if (parent < 0)
		return parent;
	name_group(place, vm_id, name);
	r = cgroup_remove(parent, name, kill_members);
	remove_parent(place, folder);
	return r;
}

/* All folders of a place, or none. Return: 0; -EOPNOTSUPP, -EEXIST, -errno */
static int make_all(const struct place *place, const char *vm_id, const struct jail_limits *limits)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < place->n; i++) {
		const struct folder *folder = &place->folders[i];
		cleanup_close int group = make_group(place, folder, vm_id);

		r = group < 0 ? group : set_limits(group, place->kind, folder->controllers, limits);
		if (r == 0)
			continue;
		if (group < 0)
			remove_parent(place, folder);
		/* Made here and still empty, so that nothing waits or is killed. */
		for (size_t j = 0; j < i + (group >= 0); j++)
			(void)remove_group(place, &place->folders[j], vm_id, false);
	}
	return r;
}

int warden_limits_make(const char *vm_id, const struct jail_limits *limits)
{
	struct places places;
	int r;

	if (limits->memory_max_b < PAGE_B || limits->pids_max == 0 || limits->cpu_percent == 0)
		return -EINVAL;
	r = find_places(&places);
	if (r < 0)
		return r;
	r = -EOPNOTSUPP;
	for (size_t i = 0; r == -EOPNOTSUPP && i < places.n; i++) {
		r = make_all(&places.place[i], vm_id, limits);
		if (r == 0)
			return places.place[i].kind;
	}
	return r == -EOPNOTSUPP && !limits->required ? WARDEN_LIMITS_NONE : r;
}

/*
 * A group that exists and that we may fill; another user's VM may have the same id. Return:
 * descriptor, -errno
 */
static int open_group(const struct place *place, const struct folder *folder, const char *vm_id)
{
	cleanup_close int parent = open_parent(place, folder);
	cleanup_close int group = -EBADF;
	char name[NAME_MAX_B];

	if (parent < 0)
		return parent;
	name_group(place, vm_id, name);
	group = cgroup_open(parent, name);
	if (group >= 0 &&
	    faccessat(group, "cgroup.procs", W_OK, AT_EACCESS | AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	return take_fd(&group);
}

/* The place of @kind that has the VM's group. */
static const struct place *find_group(const struct places *places, const char *vm_id,
				      enum warden_limits_kind kind)
{
	for (size_t i = 0; i < places->n; i++) {
		const struct place *place = &places->place[i];
		cleanup_close int group = -EBADF;

		if (place->kind != kind)
			continue;
		group = open_group(place, &place->folders[0], vm_id);
		if (group >= 0)
			return place;
	}
	return NULL;
}

/* The group as /proc/PID/cgroup must name it. */
static bool is_group(const struct place *place, const struct folder *folder, const char *vm_id,
		     const char *path)
{
	const struct cgroup_hierarchy *h = folder->hierarchy;
	char expected[CGROUP_PATH_MAX_B], name[NAME_MAX_B];
	size_t parent_len = strcmp(h->root, "/") == 0 ? 0 : strlen(h->root);
	const char *parent = h->root, *between = "/" PARENT "/";

	if (place->beside) {
		parent = h->own;
		parent_len = (size_t)(strrchr(h->own, '/') - h->own);
		between = "/";
	}
	name_group(place, vm_id, name);
	if (snprintf(expected, sizeof(expected), "%.*s%s%s", (int)parent_len, parent, between,
		     name) >= (int)sizeof(expected))
		return false;
	return strcmp(path, expected) == 0;
}

static int verify_joined(const struct place *place, const char *vm_id, pid_t pid)
{
	struct cgroup_host there;
	int r = cgroup_find_own(pid, &there);

	if (r < 0)
		return r == -ENOENT ? -ESRCH : r;
	for (int c = 0; c < CGROUP_CONTROLLERS; c++) {
		const char *path = place->kind == WARDEN_LIMITS_V2 ? there.v2.own : there.v1[c].own;
		const struct folder *folder = &place->folders[0];

		while (!(folder->controllers & 1U << c))
			folder++;
		if (!is_group(place, folder, vm_id, path))
			return -EXDEV;
	}
	return 0;
}

/* Finds the group of a VM again. Return: 0; -ENOENT; -errno */
static int find_again(const char *vm_id, enum warden_limits_kind kind, struct places *places,
		      const struct place **ret)
{
	int r = find_places(places);

	if (r < 0)
		return r;
	*ret = find_group(places, vm_id, kind);
	return *ret ? 0 : -ENOENT;
}

static int open_entries(const struct place *place, const char *vm_id,
			struct warden_limits_entry *entry)
{
	for (size_t i = 0; i < place->n; i++) {
		cleanup_close int group = open_group(place, &place->folders[i], vm_id);
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
	const struct place *place;
	struct places places;
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
	const struct place *place;
	struct places places;
	int r = find_again(vm_id, kind, &places, &place);

	return r < 0 ? r : verify_joined(place, vm_id, pid);
}

int warden_limits_join(const char *vm_id, enum warden_limits_kind kind, pid_t pid)
{
	const struct place *place;
	struct places places;
	int r = find_again(vm_id, kind, &places, &place);

	if (r < 0)
		return r;
	for (size_t i = 0; r == 0 && i < place->n; i++) {
		cleanup_close int group = open_group(place, &place->folders[i], vm_id);

		r = group < 0 ? group : cgroup_add(group, pid);
	}
	return r < 0 ? r : verify_joined(place, vm_id, pid);
}

bool warden_limits_oom(const char *vm_id, enum warden_limits_kind kind)
{
	const char *file = kind == WARDEN_LIMITS_V2 ? "memory.events" : "memory.oom_control";
	const struct place *place;
	struct places places;

	if (find_again(vm_id, kind, &places, &place) < 0)
		return false;
	for (size_t i = 0; i < place->n; i++) {
		cleanup_close int group = -EBADF;

		if (!(place->folders[i].controllers & 1U << CGROUP_MEMORY))
			continue;
		group = open_group(place, &place->folders[i], vm_id);
		return group >= 0 && cgroup_count(group, file, "oom_kill") > 0;
	}
	return false;
}

static int remove_everywhere(const char *vm_id, bool kill_members)
{
	struct places places;
	int r = find_places(&places);

	for (size_t i = 0; r == 0 && i < places.n; i++) {
		const struct place *place = &places.place[i];

		for (size_t j = 0; j < place->n; j++) {
			int removed = remove_group(place, &place->folders[j], vm_id, kill_members);

			/* What is not ours to remove is of another user's VM. */
			if (r == 0 && unavailable(removed) != -EOPNOTSUPP)
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
	char name[JAIL_VM_ID_MAX];
	int kind;

	/* A dot is in no id. */
	(void)snprintf(name, sizeof(name), "probe.%d", (int)getpid());
	kind = warden_limits_make(name, &limits);
	if (kind <= WARDEN_LIMITS_NONE)
		return WARDEN_LIMITS_NONE;
	(void)warden_limits_remove(name);
	return (enum warden_limits_kind)kind;
}
