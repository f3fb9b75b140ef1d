/* SPDX-License-Identifier: Apache-2.0 */
/* acts_tree.c - what there is to be found: paths of the host, descriptors, devices. */
#include <dirent.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include "probe/act.h"

#define FD_LIMIT	256
#define DEPTH_MAX	8
#define O_TMPFILE_BITS	020200000
#define RESOLVE_NOTHING 0

int act_create(const char *path)
{
	int fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
			      0600);

	if (fd < 0)
		return errno;
	(void)close(fd);
	(void)syscall(SYS_unlink, path);
	return 0;
}

/* A file without a name, by openat2(2), whose flags no filter sees. */
int act_create_unnamed(const char *path)
{
	const uint64_t how[3] = {O_TMPFILE_BITS | O_RDWR | O_CLOEXEC, 0600, RESOLVE_NOTHING};
	int fd = (int)syscall(SYS_openat2, AT_FDCWD, path, how, sizeof(how));

	if (fd < 0)
		return errno;
	(void)close(fd);
	return 0;
}

static int open_host(const char *prefix, int flags)
{
	char path[2 * PROBE_PATH_B];
	int fd;

	(void)snprintf(path, sizeof(path), "%s%s", prefix, probe_orders.file);
	fd = probe_open(path, flags);
	if (fd < 0)
		return errno;
	(void)close(fd);
	return 0;
}

int act_host_file(const char *prefix)
{
	return open_host(prefix, O_RDONLY);
}

int act_host_write(const char *prefix)
{
	return open_host(prefix, O_WRONLY);
}

/* From each descriptor: the file below it, and what is above it. */
int act_climb_by_fd(const char *unused)
{
	int last = ENOTDIR;

	(void)unused;
	for (int dir = 0; dir < FD_LIMIT; dir++) {
		static const char *const ways[] = {"etc/passwd", "../../../../../etc/passwd"};

		for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
			int fd = (int)syscall(SYS_openat, dir, ways[i], O_RDONLY | O_CLOEXEC);

			if (fd >= 0) {
				(void)close(fd);
				return 0;
			}
			if (errno != EBADF)
				last = errno;
		}
	}
	return last;
}

/* A descriptor beyond what the program is given. */
int act_foreign_fd(const char *unused)
{
	(void)unused;
	for (int fd = probe_orders.n_given; fd < FD_LIMIT; fd++) {
		if (syscall(SYS_fcntl, fd, F_GETFL) >= 0)
			return 0;
	}
	return EBADF;
}

/* Whether a file below @path has one of these mode bits, or is of this type. */
static int find_mode(int parent, const char *name, mode_t mask, mode_t wanted, int depth)
{
	char entries[4096] __attribute__((aligned(8)));
	int dir, found = ENOENT;
	long n;

	if (depth == DEPTH_MAX)
		return ENOENT;
	dir = (int)syscall(SYS_openat, parent, name,
			   O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
	if (dir < 0)
		return errno;
	while (found == ENOENT &&
	       (n = syscall(SYS_getdents64, dir, entries, sizeof(entries))) > 0) {
		for (long at = 0; found == ENOENT && at < n;) {
			struct dirent *d = (struct dirent *)(void *)(entries + at);
			struct stat st;

			at += d->d_reclen;
			if (d->d_name[0] == '.')
				continue;
			if (syscall(SYS_newfstatat, dir, d->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
				continue;
			if ((st.st_mode & mask) == wanted &&
			    strcmp(d->d_name, probe_orders.own_socket) != 0)
				found = 0;
			else if (S_ISDIR(st.st_mode))
				found = find_mode(dir, d->d_name, mask, wanted, depth + 1);
			if (found != 0)
				found = ENOENT;
		}
	}
	(void)close(dir);
	return found;
}

int act_find_socket(const char *unused)
{
	(void)unused;
	return find_mode(AT_FDCWD, "/", S_IFMT, S_IFSOCK, 0);
}

int act_find_setuid(const char *unused)
{
	(void)unused;
	return find_mode(AT_FDCWD, "/", S_ISUID, S_ISUID, 0);
}

int act_openat2_magic(const char *unused)
{
	const uint64_t how[3] = {O_RDONLY | O_CLOEXEC, 0, 0};
	int fd =
		(int)syscall(SYS_openat2, AT_FDCWD, "/proc/self/root/etc/passwd", how, sizeof(how));

	(void)unused;
	if (fd < 0)
		return errno;
	(void)close(fd);
	return 0;
}

/* A request of /dev/kvm that the VMM does not need; without the device there is none. */
int act_kvm(const char *request)
{
	uint32_t room[64] = {0};
	int fd = probe_open("/dev/kvm", O_RDWR), vm, r;

	if (fd < 0)
		return errno;
	vm = (int)syscall(SYS_ioctl, fd, 0xae01UL /* KVM_CREATE_VM */, 0UL);
	if (vm < 0) {
		r = errno;
		(void)close(fd);
		return r;
	}
	r = probe_call(SYS_ioctl, vm, strtoul(request, NULL, 0), room);
	(void)close(vm);
	(void)close(fd);
	return r;
}
