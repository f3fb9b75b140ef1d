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
 * mounts_bind() - show a host file or folder at another place.
 * @source:	absolute host path; a symlink is followed, for the host's owner chose it
 * @target:	relative path below @root_fd; must exist, of the same type
 * @attributes:	MOUNT_ATTR_* to add; always with what beneath @source is mounted
 */
int mounts_bind(const char *source, int root_fd, const char *target, uint64_t attributes);

/** mounts_restrict() - add MOUNT_ATTR_* to the mount at the current folder. */
int mounts_restrict(uint64_t attributes);

/** mounts_pivot_here() - make the current folder, a mount point, the root and drop the old root. */
int mounts_pivot_here(void);

#endif
