/* SPDX-License-Identifier: Apache-2.0 */
/**
 * mounts.h - bind mounts with their attributes in one step, and pivot_root.
 *
 * Bare negative errno. All need CAP_SYS_ADMIN in the user namespace that owns the mount namespace.
 * The attributes are set on the detached copy before it appears in the tree (open_tree(2),
 * mount_setattr(2), move_mount(2): Linux 5.12), so there is no moment at which it is writable.
 */
#ifndef SYS_MOUNTS_H
#define SYS_MOUNTS_H

#include <stdint.h>

/**
 * mounts_open() - a detached copy of the mount at a host file or folder.
 * @source:	absolute host path; a symlink is followed, for the host's owner chose it
 * @attributes:	MOUNT_ATTR_* to add; always with what beneath @source is mounted
 *
 * Return: descriptor, for mounts_attach(); -errno
 */
int mounts_open(const char *source, uint64_t attributes);

/**
 * mounts_attach() - show it at a place.
 * @target:	relative to @dir_fd, of the same type; empty: @dir_fd itself
 */
int mounts_attach(int tree_fd, int dir_fd, const char *target);

/** mounts_restrict() - add MOUNT_ATTR_* to the mount at the current folder. */
int mounts_restrict(uint64_t attributes);

/** mounts_pivot_here() - make the current folder, a mount point, the root and drop the old root. */
int mounts_pivot_here(void);

#endif
