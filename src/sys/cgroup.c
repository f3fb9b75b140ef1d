/* SPDX-License-Identifier: Apache-2.0 */
/* cgroup.c - one cgroup of either version; see cgroup.h. */
#include "sys/cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"

#define PAUSE_FIRST_US 100
#define PAUSE_MOST_US  20000
#define PIDS_A_ROUND   128 /* killed before the group is asked again */

static int open_beneath(int dir_fd, const char *path, uint64_t flags)
{
	struct open_how how = {
		.flags = flags | O_CLOEXEC,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV,
	};
	int fd = (int)syscall(SYS_openat2, dir_fd, path, &how, sizeof(how));

	return fd < 0 ? -errno : fd;
}

int cgroup_open_mount(const char *mount, bool v2)
{
	cleanup_close int fd = open(mount, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct statfs fs;

	if (fd < 0 || fstatfs(fd, &fs) < 0)
		return -errno;
	if ((unsigned long)fs.f_type != (v2 ? CGROUP2_SUPER_MAGIC : CGROUP_SUPER_MAGIC))
		return -ENODEV;
	return take_fd(&fd);
}

int cgroup_open(int parent_fd, const char *path)
{
	return open_beneath(parent_fd, path, O_PATH | O_DIRECTORY);
}

/* Opens a group with its lock. Return: descriptor; -EWOULDBLOCK when somebody has it; -errno */
static int hold(int parent_fd, const char *name)
{
	cleanup_close int fd = open_beneath(parent_fd, name, O_RDONLY | O_DIRECTORY);

	if (fd < 0)
		return fd;
	return flock(fd, LOCK_EX | LOCK_NB) < 0 ? -errno : take_fd(&fd);
}

/*
 * A group that nobody holds and nothing is in.
 * Return: 0, also when there is none; -EWOULDBLOCK when held; -EBUSY when in use; -errno
 */
static int remove_leftover(int parent_fd, const char *name)
{
	cleanup_close int fd = hold(parent_fd, name);

	if (fd == -ENOENT || fd == -ENODEV)
		return 0;
	if (fd < 0)
		return fd;
	if (unlinkat(parent_fd, name, AT_REMOVEDIR) == 0 || errno == ENOENT || errno == ENODEV)
		return 0;
	return errno == ENOTEMPTY ? -EBUSY : -errno;
}

int cgroup_make(int parent_fd, const char *name)
{
	int r = mkdirat(parent_fd, name, 0755) < 0 ? -errno : 0;

	if (r == -EEXIST) {
		/* Of somebody else's the kernel says that it exists, not that it may not be made.
		 */
		if (faccessat(parent_fd, ".", W_OK, AT_EACCESS) < 0)
			return -errno;
		r = remove_leftover(parent_fd, name);
		if (r == 0 && mkdirat(parent_fd, name, 0755) < 0)
			r = -errno;
	}
	if (r == 0)
		r = hold(parent_fd, name);
	return r == -EBUSY || r == -EWOULDBLOCK ? -EEXIST : r;
}

static int write_text(int fd, const char *text)
{
	ssize_t n = write(fd, text, strlen(text));

	if (n < 0)
		return -errno;
	return n == (ssize_t)strlen(text) ? 0 : -EIO;
}

/* The whole of a short file, without the newline at its end. Return: 0, -errno */
static int read_text(int fd, char ret[CGROUP_VALUE_MAX_B])
{
	ssize_t n = pread(fd, ret, CGROUP_VALUE_MAX_B, 0);

	if (n < 0)
		return -errno;
	if (n == CGROUP_VALUE_MAX_B)
		return -EFBIG;
	if (n > 0 && ret[n - 1] == '\n')
		n--;
	ret[n] = '\0';
	return 0;
}

int cgroup_read(int group_fd, const char *file, char ret[CGROUP_VALUE_MAX_B])
{
	cleanup_close int fd = open_beneath(group_fd, file, O_RDONLY);

	return fd < 0 ? fd : read_text(fd, ret);
}

int cgroup_write(int group_fd, const char *file, const char *value)
{
	cleanup_close int fd = open_beneath(group_fd, file, O_WRONLY);

	return fd < 0 ? fd : write_text(fd, value);
}

int cgroup_set(int group_fd, const char *file, const char *value)
{
	cleanup_close int fd = open_beneath(group_fd, file, O_RDWR);
	char kept[CGROUP_VALUE_MAX_B];
	int r;

	if (fd < 0)
		return fd;
	r = write_text(fd, value);
	if (r == 0)
		r = read_text(fd, kept);
	if (r < 0)
		return r;
	return strcmp(kept, value) == 0 ? 0 : -EDOM;
}

bool cgroup_has_word(const char *text, const char *word)
{
	size_t len = strlen(word);

	for (const char *p = text; *p; p += strspn(p, " ")) {
		size_t n = strcspn(p, " ");

		if (n == len && memcmp(p, word, n) == 0)
			return true;
		p += n;
	}
	return false;
}

uint64_t cgroup_count(int group_fd, const char *file, const char *key)
{
	char text[CGROUP_VALUE_MAX_B];
	size_t len = strlen(key);

	if (cgroup_read(group_fd, file, text) < 0)
		return 0;
	for (const char *p = text; *p; p += strspn(p, "\n")) {
		if (strncmp(p, key, len) == 0 && p[len] == ' ')
			return strtoull(p + len + 1, NULL, 10);
		p += strcspn(p, "\n");
	}
	return 0;
}

int cgroup_add(int group_fd, pid_t pid)
{
	char text[16];

	(void)snprintf(text, sizeof(text), "%d", (int)pid);
	return cgroup_write(group_fd, "cgroup.procs", text);
}

int cgroup_open_entry(int group_fd)
{
	return open_beneath(group_fd, "tasks", O_WRONLY);
}

int cgroup_enter(int entry_fd)
{
	/* 0 in "tasks" is the one move for which the kernel stops nobody else. */
	return write_text(entry_fd, "0");
}

/*
 * Up to PIDS_A_ROUND members. A process of a pid namespace that cannot be seen from here is listed
 * as 0, and left out.
 */
static int read_members(int group_fd, pid_t pids[PIDS_A_ROUND])
{
	int fd = open_beneath(group_fd, "cgroup.procs", O_RDONLY);
	cleanup_fclose FILE *f = fd < 0 ? NULL : fdopen(fd, "r");
	char line[32];
	int n = 0;

	if (!f) {
		int r = fd < 0 ? fd : -errno;

		if (fd >= 0)
			(void)close(fd);
		return r;
	}
	while (n < PIDS_A_ROUND && fgets(line, sizeof(line), f)) {
		pid_t pid = (pid_t)strtol(line, NULL, 10);

		if (pid > 0)
			pids[n++] = pid;
	}
	return n;
}

/*
 * A number may have passed to a stranger since it was read: a handle is taken, and the process is
 * killed by the handle when the number is still listed after that.
 */
static int kill_one_by_one(int group_fd)
{
	pid_t pids[PIDS_A_ROUND], again[PIDS_A_ROUND];
	int handles[PIDS_A_ROUND];
	int n = read_members(group_fd, pids), m;

	if (n < 0)
		return n;
	for (int i = 0; i < n; i++)
		handles[i] = (int)syscall(SYS_pidfd_open, pids[i], 0);
	m = read_members(group_fd, again);
	for (int i = 0; i < n; i++) {
		bool listed = false;

		for (int j = 0; j < m && !listed; j++)
			listed = again[j] == pids[i];
		if (handles[i] >= 0 && listed)
			(void)syscall(SYS_pidfd_send_signal, handles[i], SIGKILL, NULL, 0);
		close_fd(&handles[i]);
	}
	return m < 0 ? m : 0;
}

static int kill_members_of(int parent_fd, const char *name)
{
	cleanup_close int group = cgroup_open(parent_fd, name);
	int r;

	if (group < 0)
		return group;
	/* Since Linux 5.14, and not in v1. */
	r = cgroup_write(group, "cgroup.kill", "1");
	return r == -ENOENT ? kill_one_by_one(group) : r;
}

int cgroup_remove(int parent_fd, const char *name, bool kill_members)
{
	long pause_us = PAUSE_FIRST_US, waited_us = 0;

	if (!kill_members)
		return remove_leftover(parent_fd, name);
	for (;;) {
		int r;

		if (unlinkat(parent_fd, name, AT_REMOVEDIR) == 0 || errno == ENOENT ||
		    errno == ENODEV)
			return 0;
		if (errno != EBUSY || waited_us >= CGROUP_GONE_MS * 1000L)
			return -errno;
		r = kill_members_of(parent_fd, name);
		if (r < 0 && r != -ENOENT && r != -ENODEV)
			return r;
		(void)nanosleep(&(struct timespec){.tv_nsec = pause_us * 1000}, NULL);
		waited_us += pause_us;
		pause_us = 2 * pause_us < PAUSE_MOST_US ? 2 * pause_us : PAUSE_MOST_US;
	}
}
