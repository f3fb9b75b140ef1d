/* SPDX-License-Identifier: Apache-2.0 */
/* cgroup.c - cgroups of sessions; see cgroup.h. */
#include "guest/cgroup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "guest/clock.h"
#include "guest/file.h"
#include "guest/power.h"

#define CGROUP_ROOT "/sys/fs/cgroup"
#define RESERVE_MIN_KIB                                                                            \
	(12U * 1024U)	     /* of the free memory after boot, for PID 1 and the kernel            \
			      */
#define RESERVE_FRACTION 20U /* or a twentieth, if that is more */
#define PIDS_PERCENT	 80U /* of the threads that the kernel allows */
#define SESSION_PIDS_MAX 4096U
#define DEPTH_MAX	 8 /* of cgroups below a session */
#define EMPTY_WAIT_MS	 1000

static int sessions_fd = -EBADF, sessions_events = -EBADF;
static uint64_t session_pids;

static uint64_t available_kib(void)
{
	static const char key[] = "MemAvailable:";
	char buf[512];
	const char *at;

	if (file_read(AT_FDCWD, "/proc/meminfo", buf, sizeof(buf)) < 0)
		return 0;
	at = strstr(buf, key);
	return at ? strtoull(at + sizeof(key) - 1, NULL, 10) : 0;
}

static void write_number(int dir, const char *file, uint64_t value)
{
	char text[32];

	(void)snprintf(text, sizeof(text), "%llu", (unsigned long long)value);
	(void)file_write(dir, file, text);
}

static void limit_memory(void)
{
	uint64_t free_kib = available_kib(), reserve_kib = free_kib / RESERVE_FRACTION;

	if (reserve_kib < RESERVE_MIN_KIB)
		reserve_kib = RESERVE_MIN_KIB;
	if (free_kib > 2 * reserve_kib)
		write_number(sessions_fd, "memory.max", (free_kib - reserve_kib) * 1024);
	(void)file_write(sessions_fd, "memory.swap.max", "0");
}

static void limit_pids(void)
{
	uint64_t threads = SESSION_PIDS_MAX, pids = SESSION_PIDS_MAX, max;

	(void)file_read_u64(AT_FDCWD, "/proc/sys/kernel/threads-max", &threads);
	(void)file_read_u64(AT_FDCWD, "/proc/sys/kernel/pid_max", &pids);
	max = (threads < pids ? threads : pids) * PIDS_PERCENT / 100;
	session_pids = max < SESSION_PIDS_MAX ? max : SESSION_PIDS_MAX;
	write_number(sessions_fd, "pids.max", max);
}

/* A kernel may lack a controller; then the limit is not there, and the VM's own limits stand. */
static void enable_controllers(int dir)
{
	static const char *const controllers[] = {"+pids", "+memory", "+cpu"};

	for (size_t i = 0; i < sizeof(controllers) / sizeof(controllers[0]); i++)
		(void)file_write(dir, "cgroup.subtree_control", controllers[i]);
}

void cgroup_boot(void)
{
	int root = open(CGROUP_ROOT, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (root < 0)
		power_fail("cannot open %s: %s", CGROUP_ROOT, strerror(errno));
	enable_controllers(root);
	if (mkdirat(root, "sessions", 0755) < 0)
		power_fail("cannot make the cgroup of sessions: %s", strerror(errno));
	sessions_fd = openat(root, "sessions", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (sessions_fd < 0)
		power_fail("cannot open the cgroup of sessions: %s", strerror(errno));
	/* What a session leaves must die with one write; kernels before 5.14 cannot do it. */
	if (faccessat(sessions_fd, "cgroup.kill", F_OK, 0) < 0)
		power_fail("the guest kernel has no cgroup.kill");
	sessions_events = openat(sessions_fd, "cgroup.events", O_RDONLY | O_CLOEXEC);
	if (sessions_events < 0)
		power_fail("cannot open cgroup.events: %s", strerror(errno));
	(void)close(root);
	limit_memory();
	limit_pids();
	write_number(sessions_fd, "cgroup.max.depth", DEPTH_MAX);
	enable_controllers(sessions_fd);
}

static void close_cgroup(struct cgroup *cgroup)
{
	if (cgroup->dir >= 0)
		(void)close(cgroup->dir);
	if (cgroup->events >= 0)
		(void)close(cgroup->events);
	if (cgroup->memory >= 0)
		(void)close(cgroup->memory);
}

static int make(unsigned int number, struct cgroup *cgroup)
{
	struct cgroup new = {.dir = -EBADF, .events = -EBADF, .memory = -EBADF};
	char name[16];
	int r;

	(void)snprintf(name, sizeof(name), "%u", number);
	if (mkdirat(sessions_fd, name, 0755) < 0 && errno != EEXIST)
		return -errno;
	new.dir = openat(sessions_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (new.dir >= 0)
		new.events = openat(new.dir, "cgroup.events", O_RDONLY | O_CLOEXEC);
	if (new.events >= 0)
		new.memory = openat(new.dir, "memory.events", O_RDONLY | O_CLOEXEC);
	if (new.events < 0 || (new.memory < 0 && errno != ENOENT)) {
		r = -errno;
		close_cgroup(&new);
		return r;
	}
	write_number(new.dir, "pids.max", session_pids);
	*cgroup = new;
	return 0;
}

/* The value of "key N" in a flat keyed file; 0 when it is not there. */
static uint64_t keyed(const char *text, const char *key)
{
	size_t len = strlen(key);

	while (text && *text) {
		if (strncmp(text, key, len) == 0 && text[len] == ' ')
			return strtoull(text + len + 1, NULL, 10);
		text = strchr(text, '\n');
		if (text)
			text++;
	}
	return 0;
}

/* A key of an open file. Return: 0 when it is not there or cannot be read. */
static uint64_t read_keyed(int fd, const char *key)
{
	char buf[256];
	ssize_t n = pread(fd, buf, sizeof(buf) - 1, 0);

	if (n < 0)
		return 0;
	buf[n] = '\0';
	return keyed(buf, key);
}

int cgroup_take(unsigned int number, struct cgroup *cgroup, bool alone)
{
	int r = cgroup->dir > 0 ? 0 : make(number, cgroup);

	if (r == 0 && !alone)
		cgroup_kill(cgroup);
	return r;
}

void cgroup_kill(const struct cgroup *cgroup)
{
	(void)file_write(cgroup->dir, "cgroup.kill", "1");
}

void cgroup_kill_strays(void)
{
	if (read_keyed(sessions_events, "populated") != 0)
		(void)file_write(sessions_fd, "cgroup.kill", "1");
}

void cgroup_empty_all(void)
{
	for (int waited_ms = 0; waited_ms < EMPTY_WAIT_MS; waited_ms++) {
		if (read_keyed(sessions_events, "populated") == 0)
			return;
		cgroup_kill_strays();
		clock_sleep_ms(1);
	}
}

bool cgroup_populated(const struct cgroup *cgroup)
{
	return read_keyed(cgroup->events, "populated") != 0;
}

bool cgroup_oom(struct cgroup *cgroup)
{
	uint64_t kills = cgroup->memory < 0 ? 0 : read_keyed(cgroup->memory, "oom_kill");
	bool more = kills > cgroup->oom_kills;

	cgroup->oom_kills = kills;
	return more;
}

/* Depth first; cgroup.max.depth bounds the recursion, and the level bounds it again. */
static void remove_below(int dir, int level)
{
	int copy = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *list = copy < 0 ? NULL : fdopendir(copy);
	struct dirent *entry;

	if (!list) {
		if (copy >= 0)
			(void)close(copy);
		return;
	}
	while ((entry = readdir(list)) != NULL) {
		int child;

		if (entry->d_type != DT_DIR || entry->d_name[0] == '.')
			continue;
		child = level < DEPTH_MAX
				? openat(dir, entry->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
				: -EBADF;
		if (child >= 0) {
			remove_below(child, level + 1);
			(void)close(child);
		}
		(void)unlinkat(dir, entry->d_name, AT_REMOVEDIR);
	}
	(void)closedir(list);
}

void cgroup_clean(const struct cgroup *cgroup)
{
	struct stat st;

	/* "." and the entry in the parent: no folder below. */
	if (fstat(cgroup->dir, &st) == 0 && st.st_nlink <= 2)
		return;
	remove_below(cgroup->dir, 0);
}
