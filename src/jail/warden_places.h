/* SPDX-License-Identifier: Apache-2.0 */
/**
 * warden_places.h - where in the cgroup hierarchies the groups of a VM may stand.
 *
 * Of use to warden_limits.c only. Descriptors are O_PATH and the caller's.
 */
#ifndef JAIL_WARDEN_PLACES_H
#define JAIL_WARDEN_PLACES_H

#include <stdbool.h>
#include <stddef.h>

#include "jail/request.h"
#include "jail/warden_limits.h"
#include "sys/cgroup_find.h"

#define WARDEN_PLACE_NAME_B (sizeof("ironclaw-") + JAIL_VM_ID_MAX)
#define WARDEN_PLACES_MAX   2U

/** One folder of a VM's. */
struct warden_folder {
	const struct cgroup_hierarchy *hierarchy;
	unsigned int controllers; /* bits, by enum cgroup_controller */
};

/** One way to have all limits: one folder with v2, up to three with v1. */
struct warden_place {
	enum warden_limits_kind kind;
	bool beside; /* the caller's own cgroup; else below the root */
	size_t n;
	struct warden_folder folders[CGROUP_CONTROLLERS];
};

/** In the order in which they are tried. Not to be copied: it points into itself. */
struct warden_places {
	struct cgroup_host host;
	size_t n;
	struct warden_place place[WARDEN_PLACES_MAX];
};

/** warden_places_find() - the places of this host; there may be none. Return: 0, -errno */
int warden_places_find(struct warden_places *ret);

/** warden_places_with() - the place of @kind at which the VM has a group; NULL. */
const struct warden_place *warden_places_with(const struct warden_places *places, const char *vm_id,
					      enum warden_limits_kind kind);

/** warden_place_name() - the name of the VM's group in its parent. */
void warden_place_name(const struct warden_place *place, const char *vm_id,
		       char ret[WARDEN_PLACE_NAME_B]);

/**
 * warden_place_open_parent() - the folder that holds the VM's group.
 * Return: descriptor; -ENOENT; -EOPNOTSUPP when it cannot be ours; -errno
 */
int warden_place_open_parent(const struct warden_place *place, const struct warden_folder *folder);

/**
 * warden_place_make_parent() - the same, made when missing, with its controllers switched on.
 * Return: descriptor; -EOPNOTSUPP when this process may not; -ENODEV when it was removed meanwhile
 */
int warden_place_make_parent(const struct warden_place *place, const struct warden_folder *folder);

/** warden_place_remove_parent() - remove it when no VM is in it; one of the caller's stays. */
void warden_place_remove_parent(const struct warden_place *place,
				const struct warden_folder *folder);

/**
 * warden_place_open_group() - the VM's group, when we may fill it: another user's VM may have the
 * same id. Return: descriptor, -errno
 */
int warden_place_open_group(const struct warden_place *place, const struct warden_folder *folder,
			    const char *vm_id);

/** warden_place_is() - whether @path, from /proc/PID/cgroup, is the VM's group. */
bool warden_place_is(const struct warden_place *place, const struct warden_folder *folder,
		     const char *vm_id, const char *path);

/** warden_place_refusal() - -EOPNOTSUPP for what the kernel says when a hierarchy is not ours. */
int warden_place_refusal(int r);

#endif
