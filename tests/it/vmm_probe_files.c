/* SPDX-License-Identifier: Apache-2.0 */
/* vmm_probe_files.c - acts on what the VMM shares with others: files, and descriptors. */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "vmm_probe.h"

#define STATE_FD	5
#define PAGE_B		4096
#define FD_LIMIT	256

/* What musl's headers lack of the kernel's. */
#define SET_INODE_FLAGS _IOW('f', 2, long)
#define GET_INODE_FLAGS _IOR('f', 1, long)
#define INODE_NOATIME	0x80L

/* ---- a file that the VMM shares with others: `file PATH` ---- */

static int open_argument(int flags)
{
	return open(probe_argument, flags | O_CLOEXEC | O_NOCTTY);
}

static int act_read(void)
{
	char byte;
	int fd = open_argument(O_RDONLY);

	return fd < 0 ? errno : probe_result(read(fd, &byte, 1));
}

static int act_rw(void)
{
	int fd = open_argument(O_RDWR);

	return fd < 0 ? errno : probe_result(pwrite(fd, "\xa5", 1, 0));
}

static int act_append(void)
{
	return probe_result(open_argument(O_WRONLY | O_APPEND));
}

static int act_trunc(void)
{
	return probe_result(open_argument(O_WRONLY | O_TRUNC));
}

static int act_truncate(void)
{
	return probe_result(truncate(probe_argument, PAGE_B));
}

static int act_punch(void)
{
	int fd = open_argument(O_RDWR);

	if (fd < 0)
		fd = open_argument(O_RDONLY);
	/* FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE */
	return fd < 0 ? errno : probe_result(fallocate(fd, 3, 0, PAGE_B));
}

/* Maps the file and writes to it. */
static int map_and_write(int fd, int flags)
{
	char *at = mmap(NULL, PAGE_B, PROT_READ | PROT_WRITE, flags, fd, 0);

	if (at == MAP_FAILED)
		return errno;
	*(volatile char *)at = '\xa5';
	return 0;
}

static int act_shared(void)
{
	int fd = open_argument(O_RDWR);

	return map_and_write(fd < 0 ? open_argument(O_RDONLY) : fd, MAP_SHARED);
}

static int act_private(void)
{
	return map_and_write(open_argument(O_RDONLY), MAP_PRIVATE);
}

/* A shared mapping for reading that is made writable afterwards. */
static int act_mprotect(void)
{
	int fd = open_argument(O_RDWR);
	void *at;

	if (fd < 0)
		fd = open_argument(O_RDONLY);
	at = mmap(NULL, PAGE_B, PROT_READ, MAP_SHARED, fd, 0);
	return at == MAP_FAILED ? errno
				: probe_result(mprotect(at, PAGE_B, PROT_READ | PROT_WRITE));
}

static int reopen(const char *folder)
{
	char path[64];
	int fd = open_argument(O_RDONLY);

	if (fd < 0)
		return errno;
	(void)snprintf(path, sizeof(path), "%s/%d", folder, fd);
	fd = open(path, O_RDWR | O_CLOEXEC);
	return fd < 0 ? errno : probe_result(pwrite(fd, "\xa5", 1, 0));
}

static int act_procfd(void)
{
	return reopen("/proc/self/fd");
}

static int act_devfd(void)
{
	return reopen("/dev/fd");
}

/* The way round all paths: by the number of the file. */
static int act_handle(void)
{
	struct {
		struct file_handle handle;
		unsigned char room[128];
	} h = {.handle = {.handle_bytes = sizeof(h.room)}};
	int mount_id, fd = open_argument(O_RDONLY);

	if (fd < 0 || name_to_handle_at(AT_FDCWD, probe_argument, &h.handle, &mount_id, 0) < 0)
		return errno;
	return probe_result(open_by_handle_at(fd, &h.handle, O_RDWR));
}

static int act_chmod(void)
{
	return probe_result(chmod(probe_argument, 0666));
}

static int act_fchmod(void)
{
	return probe_result(fchmod(open_argument(O_RDONLY), 0666));
}

static int act_chown(void)
{
	return probe_result(chown(probe_argument, geteuid(), getegid()));
}

static int act_times(void)
{
	return probe_result(futimens(open_argument(O_RDONLY), NULL));
}

static int act_xattr(void)
{
	return probe_result(setxattr(probe_argument, "user.ironclaw", "x", 1, 0));
}

static int change_flags(int fd)
{
	long flags = 0;

	if (ioctl(fd, GET_INODE_FLAGS, &flags) < 0)
		return errno;
	flags ^= INODE_NOATIME;
	return probe_result(ioctl(fd, SET_INODE_FLAGS, &flags));
}

static int act_flags(void)
{
	return change_flags(open_argument(O_RDONLY));
}

static int act_link(void)
{
	char path[sizeof(probe_argument) + 8];

	(void)snprintf(path, sizeof(path), "%s.link", probe_argument);
	return probe_result(link(probe_argument, path));
}

static int act_rename(void)
{
	char path[sizeof(probe_argument) + 8];

	(void)snprintf(path, sizeof(path), "%s.other", probe_argument);
	if (rename(probe_argument, path) < 0)
		return errno;
	return probe_result(rename(path, probe_argument));
}

/* The last one: outside of a jail the file is gone. */
static int act_unlink(void)
{
	return probe_result(unlink(probe_argument));
}

const struct act probe_file_acts[] = {
	{"read", act_read},	    {"rw", act_rw},
	{"append", act_append},	    {"trunc", act_trunc},
	{"truncate", act_truncate}, {"punch", act_punch},
	{"shared", act_shared},	    {"private", act_private},
	{"mprotect", act_mprotect}, {"procfd", act_procfd},
	{"devfd", act_devfd},	    {"handle", act_handle},
	{"chmod", act_chmod},	    {"fchmod", act_fchmod},
	{"chown", act_chown},	    {"times", act_times},
	{"xattr", act_xattr},	    {"flags", act_flags},
	{"link", act_link},	    {"rename", act_rename},
	{"unlink", act_unlink},	    {.name = NULL},
};

/* ---- what it was given: `descriptors` ---- */

static int act_open_fds(void)
{
	size_t used = 0;

	for (int fd = 0; fd < FD_LIMIT && used < PROBE_RESULT_B; fd++) {
		if (fcntl(fd, F_GETFD) >= 0)
			used += (size_t)snprintf(probe_told + used, PROBE_RESULT_B - used, "%s%d",
						 used ? "," : "", fd);
	}
	return 0;
}

static int act_state_read(void)
{
	char byte;

	return probe_result(pread(STATE_FD, &byte, 1, 0));
}

static int act_state_write(void)
{
	return probe_result(pwrite(STATE_FD, "\xa5", 1, 0));
}

static int act_state_truncate(void)
{
	return probe_result(ftruncate(STATE_FD, 0));
}

static int act_state_shared(void)
{
	return map_and_write(STATE_FD, MAP_SHARED);
}

static int act_state_chmod(void)
{
	return probe_result(fchmod(STATE_FD, 0));
}

static int act_state_chown(void)
{
	return probe_result(fchown(STATE_FD, geteuid(), getegid()));
}

static int act_state_times(void)
{
	const struct timespec times[2] = {{.tv_sec = 1}, {.tv_sec = 1}};

	return probe_result(futimens(STATE_FD, times));
}

static int act_state_flags(void)
{
	return change_flags(STATE_FD);
}

static int act_null_write(void)
{
	int fd = open("/dev/null", O_RDWR | O_CLOEXEC);

	return fd < 0 ? errno : probe_result(write(fd, "x", 1));
}

/* The mode stays what it is where this works: no host is harmed by the test. */
static int act_null_chmod(void)
{
	return probe_result(chmod("/dev/null", 0666));
}

static int act_stdin_chmod(void)
{
	struct stat st;

	if (fstat(STDIN_FILENO, &st) < 0)
		return errno;
	return probe_result(fchmod(STDIN_FILENO, st.st_mode & 07777));
}

const struct act probe_descriptor_acts[] = {
	{"open", act_open_fds},
	{"state-read", act_state_read},
	{"state-write", act_state_write},
	{"state-truncate", act_state_truncate},
	{"state-shared", act_state_shared},
	{"state-chmod", act_state_chmod},
	{"state-chown", act_state_chown},
	{"state-times", act_state_times},
	{"state-flags", act_state_flags},
	{"null-write", act_null_write},
	{"null-chmod", act_null_chmod},
	{"stdin-chmod", act_stdin_chmod},
	{.name = NULL},
};
