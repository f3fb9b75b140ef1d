/* SPDX-License-Identifier: Apache-2.0 */
/* mounts.c - bind mounts and pivot_root; see mounts.h. */
#include "sys/mounts.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"

/* From <sys/mount.h>, which cannot be included beside <linux/mount.h>. */
int umount2(const char *target, int flags);
#define UMOUNT_DETACH 2 /* MNT_DETACH */

static int set_attributes(int fd, const char *path, unsigned int flags, uint64_t attributes)
{
	struct mount_attr attr = {.attr_set = attributes};

	if (syscall(SYS_mount_setattr, fd, path, flags, &attr, sizeof(attr)) < 0)
		return -errno;
	return 0;
}

int mounts_open(const char *source, uint64_t attributes)
{
	cleanup_close int tree = (int)syscall(SYS_open_tree, AT_FDCWD, source,
					      OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);
	int r;

	if (tree < 0)
		return -errno;
	r = set_attributes(tree, "", AT_EMPTY_PATH | AT_RECURSIVE, attributes);
	return r < 0 ? r : take_fd(&tree);
}

int mounts_attach(int tree_fd, int dir_fd, const char *target)
{
	unsigned int flags =
		MOVE_MOUNT_F_EMPTY_PATH | (target[0] == '\0' ? MOVE_MOUNT_T_EMPTY_PATH : 0);

	return syscall(SYS_move_mount, tree_fd, "", dir_fd, target, flags) < 0 ? -errno : 0;
}

int mounts_restrict(uint64_t attributes)
{
	return set_attributes(AT_FDCWD, ".", 0, attributes);
}

int mounts_pivot_here(void)
{
	/* pivot_root(".", ".") stacks the old root over the new one; see pivot_root(2), NOTES. */
	if (syscall(SYS_pivot_root, ".", ".") < 0)
		return -errno;
	if (umount2(".", UMOUNT_DETACH) < 0)
		return -errno;
	if (chdir("/") < 0)
		return -errno;
	return 0;
}
