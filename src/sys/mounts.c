/* SPDX-License-Identifier: Apache-2.0 */
/* mounts.c - bind mounts and pivot_root; see mounts.h. */
#include "sys/mounts.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <sched.h>
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

int mounts_bind(const char *source, int root_fd, const char *target, uint64_t attributes)
{
	cleanup_close int tree = -EBADF;
	int r;

	tree = (int)syscall(SYS_open_tree, AT_FDCWD, source,
			    OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);
	if (tree < 0)
		return -errno;
	r = set_attributes(tree, "", AT_EMPTY_PATH | AT_RECURSIVE, attributes);
	if (r < 0)
		return r;
	if (syscall(SYS_move_mount, tree, "", root_fd, target, MOVE_MOUNT_F_EMPTY_PATH) < 0)
		return -errno;
	return 0;
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

int mounts_leave_all(void)
{
	const uint64_t attributes =
		MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;
	struct mount_attr cut = {.propagation = 1 << 18 /* MS_PRIVATE */};
	cleanup_close int fs = -EBADF;
	cleanup_close int tree = -EBADF;

	if (unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0)
		return -errno;
	if (syscall(SYS_mount_setattr, AT_FDCWD, "/", AT_RECURSIVE, &cut, sizeof(cut)) < 0)
		return -errno;
	fs = (int)syscall(SYS_fsopen, "tmpfs", FSOPEN_CLOEXEC);
	if (fs < 0 || syscall(SYS_fsconfig, fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return -errno;
	tree = (int)syscall(SYS_fsmount, fs, FSMOUNT_CLOEXEC, attributes);
	/* On any folder that surely exists; nobody will see it there. */
	if (tree < 0 ||
	    syscall(SYS_move_mount, tree, "", AT_FDCWD, "/usr", MOVE_MOUNT_F_EMPTY_PATH) < 0 ||
	    fchdir(tree) < 0)
		return -errno;
	return mounts_pivot_here();
}
