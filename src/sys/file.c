/* SPDX-License-Identifier: Apache-2.0 */
/* file.c - files and folders; see file.h. */
#include "sys/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"

#define TREE_DEPTH_MAX 64
#define HOLE_B	       65536

int file_write_full(int fd, const void *buf, size_t len)
{
	const char *p = buf;

	while (len > 0) {
		ssize_t n = write(fd, p, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

int file_read_full(int fd, void *buf, size_t len)
{
	char *p = buf;

	while (len > 0) {
		ssize_t n = read(fd, p, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			return -ENODATA;
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

int file_read_bounded(int dirfd, const char *path, size_t max, char **ret, size_t *ret_len)
{
	cleanup_close int fd = openat(dirfd, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	cleanup_free char *buf = NULL;
	struct stat st;
	size_t len;
	int r;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (S_ISDIR(st.st_mode))
		return -EISDIR;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	if ((unsigned long long)st.st_size > max)
		return -EFBIG;
	len = (size_t)st.st_size;
	buf = malloc(len + 1);
	if (!buf)
		return -ENOMEM;
	r = file_read_full(fd, buf, len);
	if (r < 0)
		return r;
	buf[len] = '\0';
	*ret = take_ptr(buf);
	*ret_len = len;
	return 0;
}

int file_write_atomic(int dirfd, const char *path, const void *buf, size_t len, mode_t mode)
{
	cleanup_close int fd = -EBADF;
	char tmp[4096];
	int r, n;

	n = snprintf(tmp, sizeof(tmp), "%s.tmp.%d", path, (int)getpid());
	if (n < 0 || (size_t)n >= sizeof(tmp))
		return -ENAMETOOLONG;
	/* Left by one of our number who died here; or planted: a hard link, a FIFO. */
	if (unlinkat(dirfd, tmp, 0) < 0 && errno != ENOENT)
		return -errno;
	fd = openat(dirfd, tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
	if (fd < 0)
		return -errno;
	r = file_write_full(fd, buf, len);
	if (r == 0 && fsync(fd) < 0)
		r = -errno;
	if (r == 0 && renameat(dirfd, tmp, dirfd, path) < 0)
		r = -errno;
	if (r < 0)
		(void)unlinkat(dirfd, tmp, 0);
	return r;
}

static bool is_zero(const char *buf, size_t len)
{
	return buf[0] == 0 && memcmp(buf, buf + 1, len - 1) == 0;
}

int file_dig_holes(int fd)
{
	off_t at = 0;

	for (;;) {
		char buf[HOLE_B];
		off_t data = lseek(fd, at, SEEK_DATA);
		ssize_t n;

		if (data < 0)
			return errno == ENXIO ? 0 : -errno;
		at = data - data % HOLE_B;
		n = pread(fd, buf, sizeof(buf), at);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : 0;
		if (n == HOLE_B && is_zero(buf, HOLE_B) &&
		    fallocate(fd, FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE, at, HOLE_B) < 0)
			return -errno;
		at += n;
	}
}

int file_mkdir_p(const char *path, mode_t mode)
{
	char part[4096];
	size_t len = strlen(path);

	if (len == 0 || path[0] != '/')
		return -EINVAL;
	if (len >= sizeof(part))
		return -ENAMETOOLONG;
	memcpy(part, path, len + 1);
	for (size_t i = 1; i <= len; i++) {
		if (part[i] != '/' && part[i] != '\0')
			continue;
		part[i] = '\0';
		if (mkdir(part, mode) < 0 && errno != EEXIST) {
			int saved = errno;
			struct stat st;

			/* An existing folder on a read-only file system says EROFS. */
			if (stat(part, &st) < 0 || !S_ISDIR(st.st_mode))
				return -saved;
		}
		part[i] = path[i];
	}
	return 0;
}

int file_open_folder(int dirfd, const char *name)
{
	int fd = openat(dirfd, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

int file_open_private(int dirfd, const char *path)
{
	/* Of a folder of somebody else's, which may be closed to us, -EPERM all the same. */
	cleanup_close int there = file_open_folder(dirfd, path);
	struct stat st;
	int fd;

	if (there < 0)
		return there;
	if (fstat(there, &st) < 0)
		return -errno;
	if (st.st_uid != geteuid() || (st.st_mode & 022))
		return -EPERM;
	fd = openat(there, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int file_mkdir_private(const char *path)
{
	int r = file_mkdir_p(path, 0700);

	return r < 0 ? r : file_open_private(AT_FDCWD, path);
}

/* Whether something is mounted there, which a bind mount does not show by its device's number. */
static int is_mount(int fd, bool *ret)
{
	struct statx st;

	if (statx(fd, "", AT_EMPTY_PATH, STATX_TYPE, &st) < 0)
		return -errno;
	*ret = st.stx_attributes & STATX_ATTR_MOUNT_ROOT;
	return 0;
}

static int remove_tree_at(int dirfd, const char *name, int depth)
{
	cleanup_closedir DIR *dir = NULL;
	bool mount = true;
	int fd, r;

	if (unlinkat(dirfd, name, 0) == 0 || errno == ENOENT)
		return 0;
	if (errno != EISDIR && errno != EPERM)
		return -errno;
	if (depth >= TREE_DEPTH_MAX)
		return -ELOOP;
	fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	dir = fdopendir(fd);
	if (!dir) {
		int saved = errno;

		(void)close(fd);
		return -saved;
	}
	r = is_mount(fd, &mount);
	if (r < 0 || mount)
		return r < 0 ? r : -EXDEV;
	for (;;) {
		struct dirent *entry;

		errno = 0;
		entry = readdir(dir);
		if (!entry) {
			if (errno)
				return -errno;
			break;
		}
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		r = remove_tree_at(fd, entry->d_name, depth + 1);
		if (r < 0)
			return r;
	}
	if (unlinkat(dirfd, name, AT_REMOVEDIR) < 0 && errno != ENOENT)
		return -errno;
	return 0;
}

int file_remove_tree(int dirfd, const char *path)
{
	return remove_tree_at(dirfd, path, 0);
}

int file_lock(int dirfd, const char *path, bool wait)
{
	for (;;) {
		cleanup_close int fd =
			openat(dirfd, path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
		struct stat ours, there;

		if (fd < 0)
			return -errno;
		while (flock(fd, LOCK_EX | (wait ? 0 : LOCK_NB)) < 0) {
			if (errno != EINTR)
				return -errno;
		}
		if (fstat(fd, &ours) < 0)
			return -errno;
		if (fstatat(dirfd, path, &there, AT_SYMLINK_NOFOLLOW) == 0 &&
		    ours.st_ino == there.st_ino && ours.st_dev == there.st_dev)
			return take_fd(&fd);
	}
}
