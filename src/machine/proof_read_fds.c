/* SPDX-License-Identifier: Apache-2.0 */
/*
 * proof_read_fds.c - the open descriptors of a process; see proof.h.
 *
 * The list comes from fdinfo, which the owner of a user namespace may read even where /proc/PID/fd
 * belongs to root (a process that may not be dumped). There, and for the family of a socket, the
 * file itself is asked, by a copy of the descriptor (pidfd_getfd(2)) that is closed at once.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "machine/proof.h"

static void take_link(int dirfd, const char *path, char ret[PROOF_NAME_B])
{
	ssize_t n = readlinkat(dirfd, path, ret, PROOF_NAME_B - 1);

	ret[n < 0 ? 0 : n] = '\0';
}

static void take_stat(const struct stat *st, int lock_fd, struct proof_fd *ret)
{
	struct stat lock;

	ret->mode = st->st_mode;
	ret->rdev = st->st_rdev;
	ret->unlinked = st->st_nlink == 0;
	ret->is_lock = lock_fd >= 0 && fstat(lock_fd, &lock) == 0 && lock.st_dev == st->st_dev &&
		       lock.st_ino == st->st_ino;
}

/* By the link in /proc/PID/fd, for who may read that folder. */
static bool look_by_link(int proc_fd, int lock_fd, struct proof_fd *ret)
{
	char path[32];
	struct stat st;

	(void)snprintf(path, sizeof(path), "fd/%u", ret->number);
	if (fstatat(proc_fd, path, &st, 0) < 0)
		return false;
	take_link(proc_fd, path, ret->target);
	take_stat(&st, lock_fd, ret);
	return true;
}

static void look_by_copy(int pidfd, int lock_fd, struct proof_fd *ret)
{
	cleanup_close int copy =
		pidfd < 0 ? -EBADF : (int)syscall(SYS_pidfd_getfd, pidfd, ret->number, 0);
	socklen_t size = sizeof(ret->family);
	char path[32];
	struct stat st;

	if (copy < 0 || fstat(copy, &st) < 0)
		return;
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", copy);
	take_link(AT_FDCWD, path, ret->target);
	take_stat(&st, lock_fd, ret);
	if (getsockopt(copy, SOL_SOCKET, SO_DOMAIN, &ret->family, &size) < 0)
		ret->family = -1;
}

/* Pipes, sockets and the like live on mounts of the kernel's own that nobody has. */
static bool is_outside(const struct proof_fd *fd, const struct proof_mounts *mounts)
{
	if (!S_ISREG(fd->mode) && !S_ISDIR(fd->mode) && !S_ISCHR(fd->mode) && !S_ISBLK(fd->mode))
		return false;
	for (uint32_t i = 0; i < mounts->n; i++) {
		if (mounts->list[i].id == fd->mount_id)
			return false;
	}
	return true;
}

/* Return: 0, also for one that was closed meanwhile; -errno */
static int add_fd(int proc_fd, int pidfd, int lock_fd, const char *name, struct proof_fds *ret)
{
	struct proof_fd fd = {.family = -1};
	cleanup_free char *text = NULL;
	struct proof_fdinfo info = {0};
	char path[64];
	int r;

	if (parse_u32(name, 0, UINT32_MAX, &fd.number) < 0)
		return 0;
	(void)snprintf(path, sizeof(path), "fdinfo/%u", fd.number);
	r = proof_read_text(proc_fd, path, &text);
	if (r == -ENOENT)
		return 0;
	if (r == 0)
		r = proof_parse_fdinfo(text, &info);
	if (r < 0)
		return r;
	if (ret->n == PROOF_FDS_MAX) {
		ret->cut = true;
		return 0;
	}
	fd.flags = info.flags;
	fd.mount_id = info.mount_id;
	if (!look_by_link(proc_fd, lock_fd, &fd) || S_ISSOCK(fd.mode))
		look_by_copy(pidfd, lock_fd, &fd);
	ret->list[ret->n++] = fd;
	return 0;
}

int proof_read_fds(int proc_fd, pid_t pid, int lock_fd, const struct proof_mounts *mounts,
		   struct proof_fds *ret)
{
	/* Whether it is of the process that proc_fd holds is seen by the caller's last look. */
	cleanup_close int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	cleanup_closedir DIR *dir = NULL;
	struct dirent *entry;
	int r = 0, fd = openat(proc_fd, "fdinfo", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	dir = fdopendir(fd);
	if (!dir) {
		r = -errno;
		(void)close(fd);
		return r;
	}
	for (errno = 0; r == 0 && (entry = readdir(dir)); errno = 0)
		r = add_fd(proc_fd, pidfd, lock_fd, entry->d_name, ret);
	if (r == 0 && errno)
		r = -errno;
	for (uint32_t i = 0; i < ret->n; i++)
		ret->list[i].outside = is_outside(&ret->list[i], mounts);
	return r;
}
