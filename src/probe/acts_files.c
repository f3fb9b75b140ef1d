/* SPDX-License-Identifier: Apache-2.0 */
/* acts_files.c - acts on files that VMMs share: template, image, the program; and on the state. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/uio.h>

#include "probe/act.h"

#define STATE_FD	5 /* engine_fd: the device state */
#define PAGE_B		4096UL
#define CHANGED_BYTE	'\xa5'

/* What musl's headers lack of the kernel's. */
#define SET_INODE_FLAGS _IOW('f', 2, long)
#define GET_INODE_FLAGS _IOR('f', 1, long)
#define INODE_NOATIME	0x80L
#define PUNCH_HOLE	3 /* FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE */

int probe_open(const char *path, int flags)
{
	return (int)syscall(SYS_openat, AT_FDCWD, path, flags | O_CLOEXEC | O_NOCTTY | O_NONBLOCK,
			    0);
}

/* Closes after an act; what the act said is kept. */
static int done(int fd, int errnum)
{
	(void)syscall(SYS_close, fd);
	return errnum;
}

static int write_byte(int fd)
{
	const char byte = CHANGED_BYTE;

	return probe_result(syscall(SYS_pwrite64, fd, &byte, 1UL, 0UL));
}

int act_read(const char *path)
{
	char byte;
	int fd = probe_open(path, O_RDONLY);

	return fd < 0 ? errno : done(fd, probe_call(SYS_pread64, fd, &byte, 1UL, 0UL));
}

int act_write(const char *path)
{
	int fd = probe_open(path, O_RDWR);

	return fd < 0 ? errno : done(fd, write_byte(fd));
}

int act_append(const char *path)
{
	int fd = probe_open(path, O_WRONLY | O_APPEND);

	return fd < 0 ? errno : done(fd, 0);
}

int act_truncate(const char *path)
{
	int fd = probe_open(path, O_WRONLY | O_TRUNC);

	return fd < 0 ? errno : done(fd, 0);
}

/* For writing when that is possible, else for reading: the next call is the act. */
static int open_somehow(const char *path)
{
	int fd = probe_open(path, O_RDWR);

	return fd < 0 ? probe_open(path, O_RDONLY) : fd;
}

int act_punch(const char *path)
{
	int fd = open_somehow(path);

	return fd < 0 ? errno : done(fd, probe_call(SYS_fallocate, fd, PUNCH_HOLE, 0UL, PAGE_B));
}

static int map_and_write(int fd, int flags)
{
	char *at = mmap(NULL, PAGE_B, PROT_READ | PROT_WRITE, flags, fd, 0);

	if (at == MAP_FAILED)
		return errno;
	*(volatile char *)at = CHANGED_BYTE;
	(void)munmap(at, PAGE_B);
	return 0;
}

int act_map_shared(const char *path)
{
	int fd = open_somehow(path);

	return fd < 0 ? errno : done(fd, map_and_write(fd, MAP_SHARED));
}

int act_map_private(const char *path)
{
	int fd = probe_open(path, O_RDONLY);

	return fd < 0 ? errno : done(fd, map_and_write(fd, MAP_PRIVATE));
}

/* A shared mapping for reading that is made writable afterwards. */
int act_mprotect(const char *path)
{
	int fd = open_somehow(path), r;
	void *at;

	if (fd < 0)
		return errno;
	at = mmap(NULL, PAGE_B, PROT_READ, MAP_SHARED, fd, 0);
	if (at == MAP_FAILED)
		return done(fd, errno);
	r = probe_result(mprotect(at, PAGE_B, PROT_READ | PROT_WRITE));
	(void)munmap(at, PAGE_B);
	return done(fd, r);
}

static int reopen_fd(int fd, const char *folder)
{
	char path[64];
	int again;

	(void)snprintf(path, sizeof(path), "%s/%d", folder, fd);
	again = probe_open(path, O_RDWR);
	return again < 0 ? errno : done(again, write_byte(again));
}

int act_reopen(const char *folder)
{
	return reopen_fd(STDIN_FILENO, folder);
}

/* The way round all paths: by the number of the file. */
int act_handle(const char *path)
{
	struct {
		struct file_handle handle;
		unsigned char room[128];
	} h = {.handle = {.handle_bytes = sizeof(h.room)}};
	int mount_id, fd = probe_open(path, O_RDONLY), r;

	if (fd < 0)
		return errno;
	if (syscall(SYS_name_to_handle_at, AT_FDCWD, path, &h.handle, &mount_id, 0) < 0)
		return done(fd, errno);
	r = (int)syscall(SYS_open_by_handle_at, fd, &h.handle, O_RDWR | O_CLOEXEC);
	return done(fd, probe_result(r));
}

int act_rename(const char *path)
{
	char other[PROBE_PATH_B];

	(void)snprintf(other, sizeof(other), "%s.other", path);
	if (syscall(SYS_rename, path, other) < 0)
		return errno;
	return probe_call(SYS_rename, other, path);
}

int act_link(const char *path)
{
	char other[PROBE_PATH_B];

	(void)snprintf(other, sizeof(other), "%s.link", path);
	if (syscall(SYS_link, path, other) < 0)
		return errno;
	return probe_call(SYS_unlink, other);
}

int act_fchmod(const char *path)
{
	int fd = probe_open(path, O_RDONLY);

	return fd < 0 ? errno : done(fd, probe_call(SYS_fchmod, fd, 0666));
}

int act_flags(const char *path)
{
	long flags = 0;
	int fd = probe_open(path, O_RDONLY);

	if (fd < 0)
		return errno;
	if (syscall(SYS_ioctl, fd, GET_INODE_FLAGS, &flags) < 0)
		return done(fd, errno);
	flags ^= INODE_NOATIME;
	if (syscall(SYS_ioctl, fd, SET_INODE_FLAGS, &flags) < 0)
		return done(fd, errno);
	flags ^= INODE_NOATIME;
	return done(fd, probe_call(SYS_ioctl, fd, SET_INODE_FLAGS, &flags));
}

/* Pages of the file into a pipe, as they are in the cache: where page-cache bugs begin. */
int act_splice(const char *path)
{
	int fd = probe_open(path, O_RDONLY), ends[2];

	if (fd < 0)
		return errno;
	if (syscall(SYS_pipe2, ends, O_CLOEXEC) < 0)
		return done(fd, errno);
	if (syscall(SYS_splice, fd, NULL, ends[1], NULL, PAGE_B, 0) < 0)
		return done(fd, errno);
	return done(fd, 0);
}

/* Tells when other clones open the file. */
int act_watch(const char *path)
{
	int fd = (int)syscall(SYS_inotify_init1, O_CLOEXEC);

	return fd < 0 ? errno : done(fd, probe_call(SYS_inotify_add_watch, fd, path, 0x20));
}

/* Tells which pages of a shared file somebody used. */
int act_page_cache(const char *path)
{
	unsigned char in_core = 0;
	int fd = probe_open(path, O_RDONLY), r;
	void *at;

	if (fd < 0)
		return errno;
	at = mmap(NULL, PAGE_B, PROT_READ, MAP_SHARED, fd, 0);
	if (at == MAP_FAILED)
		return done(fd, errno);
	r = probe_call(SYS_mincore, at, PAGE_B, &in_core);
	(void)munmap(at, PAGE_B);
	return done(fd, r);
}

int act_state_write(const char *unused)
{
	(void)unused;
	return write_byte(STATE_FD);
}

int act_state_map(const char *unused)
{
	(void)unused;
	return map_and_write(STATE_FD, MAP_SHARED);
}

int act_state_reopen(const char *unused)
{
	(void)unused;
	return reopen_fd(STATE_FD, "/proc/self/fd");
}

/* RLIMIT_FSIZE binds a file in memory too. */
int act_write_past_limit(const char *unused)
{
	int fd = (int)syscall(SYS_memfd_create, "probe", 0);

	(void)unused;
	return fd < 0 ? errno : done(fd, write_byte(fd));
}
