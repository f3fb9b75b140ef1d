/* SPDX-License-Identifier: Apache-2.0 */
/* beneath.c - paths below a folder; see beneath.h. */
#include "sys/beneath.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"

#define PATH_MAX_B 4096U
/* The kernel says EAGAIN when anything on the host was renamed while it walked. */
#define TRIES_MAX  1000U

int beneath_open(int root_fd, const char *path, int flags, mode_t mode)
{
	const struct open_how how = {
		.flags = (uint64_t)(unsigned int)(flags | O_CLOEXEC | O_NOFOLLOW),
		.mode = flags & O_CREAT ? mode : 0,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS |
			   RESOLVE_NO_XDEV,
	};
	long fd = -1;

	errno = EAGAIN;
	for (unsigned int i = 0; fd < 0 && i < TRIES_MAX && (errno == EAGAIN || errno == EINTR);
	     i++)
		fd = syscall(SYS_openat2, root_fd, path, &how, sizeof(how));
	return fd < 0 ? -errno : (int)fd;
}

int beneath_parent(int root_fd, const char *path, const char **ret_name)
{
	const char *slash = strrchr(path, '/');
	char folder[PATH_MAX_B] = ".";
	int fd;

	if (slash) {
		if ((size_t)(slash - path) >= sizeof(folder))
			return -ENAMETOOLONG;
		memcpy(folder, path, (size_t)(slash - path));
		folder[slash - path] = '\0';
	}
	fd = beneath_open(root_fd, folder, O_PATH | O_DIRECTORY, 0);
	if (fd >= 0)
		*ret_name = slash ? slash + 1 : path;
	return fd;
}

int beneath_stat(int root_fd, const char *path, struct stat *ret)
{
	const char *name;
	cleanup_close int fd = beneath_parent(root_fd, path, &name);

	if (fd < 0)
		return fd;
	return fstatat(fd, name, ret, AT_SYMLINK_NOFOLLOW) < 0 ? -errno : 0;
}
