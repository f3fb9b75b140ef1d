/* SPDX-License-Identifier: Apache-2.0 */
/*
 * warden_places.c - where in the cgroup hierarchies the groups of a VM may stand; see
 * warden_places.h.
 *
 * cgroup v2 counts when memory, pids and cpu are all among its controllers; a
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
 */
#include "jail/warden_places.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "sys/cgroup.h"

#define PARENT "ironclaw"

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

static void add_v2(struct warden_places *places, bool beside)
{
	struct warden_place *p = &places->place[places->n++];

	*p = (struct warden_place){.kind = WARDEN_LIMITS_V2, .beside = beside, .n = 1};
	p->folders[0].hierarchy = &places->host.v2;
	p->folders[0].controllers = (1U << CGROUP_CONTROLLERS) - 1;
}

/* Controllers that are mounted together have one folder. */
static void add_v1(struct warden_places *places)
{
	struct warden_place p = {.kind = WARDEN_LIMITS_V1};

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

int warden_places_find(struct warden_places *ret)
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

int warden_place_open_parent(const struct warden_place *place, const struct warden_folder *folder)
{
	cleanup_close int top =
		cgroup_open_mount(folder->hierarchy->mount, place->kind == WARDEN_LIMITS_V2);

	if (top < 0)
		return top;
	return place->beside ? open_own_parent(folder->hierarchy, top) : cgroup_open(top, PARENT);
}

void warden_place_name(const struct warden_place *place, const char *vm_id,
		       char ret[WARDEN_PLACE_NAME_B])
{
	(void)snprintf(ret, WARDEN_PLACE_NAME_B, "%s%s", place->beside ? PARENT "-" : "", vm_id);
}

int warden_place_refusal(int r)
{
	return r == -EACCES || r == -EPERM || r == -EROFS ? -EOPNOTSUPP : r;
}

static int enable_controllers(int fd)
{
	int r = cgroup_write(fd, "cgroup.subtree_control", "+memory +pids +cpu");

	/* The folder was removed meanwhile. */
	if (r == -ENODEV || r == -ENOENT)
		return -ENODEV;
	/* Refused, for instance, to a container whose own processes stand in its root. */
	return r < 0 ? -EOPNOTSUPP : 0;
}

/* Makes PARENT below the root of a hierarchy. Return: descriptor, -EOPNOTSUPP, -errno */
static int make_below_root(const struct warden_place *place, const struct warden_folder *folder)
{
	const bool v2 = place->kind == WARDEN_LIMITS_V2;
	cleanup_close int top = cgroup_open_mount(folder->hierarchy->mount, v2);
	cleanup_close int parent = -EBADF;
	int r = 0;

	/* Something else may be mounted over it. */
	if (top < 0)
		return -EOPNOTSUPP;
	if (mkdirat(top, PARENT, 0755) < 0 && errno != EEXIST)
		return warden_place_refusal(-errno);
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
static int open_delegated(const struct warden_place *place, const struct warden_folder *folder)
{
	cleanup_close int parent = warden_place_open_parent(place, folder);

	if (parent < 0)
		return parent == -ENOENT ? -EOPNOTSUPP : parent;
	if (faccessat(parent, "cgroup.procs", W_OK, AT_EACCESS | AT_SYMLINK_NOFOLLOW) < 0)
		return -EOPNOTSUPP;
	if (!has_controllers(parent, "cgroup.subtree_control"))
		return -EOPNOTSUPP;
	return take_fd(&parent);
}

int warden_place_make_parent(const struct warden_place *place, const struct warden_folder *folder)
{
	return place->beside ? open_delegated(place, folder) : make_below_root(place, folder);
}

void warden_place_remove_parent(const struct warden_place *place,
				const struct warden_folder *folder)
{
	cleanup_close int top = -EBADF;

	if (place->beside)
		return;
	top = cgroup_open_mount(folder->hierarchy->mount, place->kind == WARDEN_LIMITS_V2);
	if (top >= 0)
		(void)unlinkat(top, PARENT, AT_REMOVEDIR);
}

int warden_place_open_group(const struct warden_place *place, const struct warden_folder *folder,
			    const char *vm_id)
{
	cleanup_close int parent = warden_place_open_parent(place, folder);
	cleanup_close int group = -EBADF;
	char name[WARDEN_PLACE_NAME_B];

	if (parent < 0)
		return parent;
	warden_place_name(place, vm_id, name);
	group = cgroup_open(parent, name);
	if (group >= 0 &&
	    faccessat(group, "cgroup.procs", W_OK, AT_EACCESS | AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	return take_fd(&group);
}

const struct warden_place *warden_places_with(const struct warden_places *places, const char *vm_id,
					      enum warden_limits_kind kind)
{
	for (size_t i = 0; i < places->n; i++) {
		const struct warden_place *place = &places->place[i];
		cleanup_close int group = -EBADF;

		if (place->kind != kind)
			continue;
		group = warden_place_open_group(place, &place->folders[0], vm_id);
		if (group >= 0)
			return place;
	}
	return NULL;
}

bool warden_place_is(const struct warden_place *place, const struct warden_folder *folder,
		     const char *vm_id, const char *path)
{
	const struct cgroup_hierarchy *h = folder->hierarchy;
	char expected[CGROUP_PATH_MAX_B], name[WARDEN_PLACE_NAME_B];
	size_t parent_len = strcmp(h->root, "/") == 0 ? 0 : strlen(h->root);
	const char *parent = h->root, *between = "/" PARENT "/";

	if (place->beside) {
		parent = h->own;
		parent_len = (size_t)(strrchr(h->own, '/') - h->own);
		between = "/";
	}
	warden_place_name(place, vm_id, name);
	if (snprintf(expected, sizeof(expected), "%.*s%s%s", (int)parent_len, parent, between,
		     name) >= (int)sizeof(expected))
		return false;
	return strcmp(path, expected) == 0;
}
