/* SPDX-License-Identifier: Apache-2.0 */
/* proof_read.c - one process, from its folder in /proc; see proof.h. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "machine/proof.h"

#define TEXT_MAX_B  (1024U * 1024U)
#define TEXT_STEP_B (16U * 1024U)
#define TASKS_MAX   4096U

/* Files of /proc have no size: read until their end. */
int proof_read_text(int dirfd, const char *path, char **ret)
{
	cleanup_close int fd = openat(dirfd, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	cleanup_free char *text = NULL;
	size_t used = 0, size = 0;

	if (fd < 0)
		return -errno;
	for (;;) {
		ssize_t n;

		if (size - used < TEXT_STEP_B) {
			char *grown = realloc(text, size + TEXT_STEP_B + 1);

			if (!grown)
				return -ENOMEM;
			text = grown;
			size += TEXT_STEP_B;
		}
		n = read(fd, text + used, size - used);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		used += (size_t)n;
		if (used > TEXT_MAX_B)
			return -EFBIG;
	}
	if (memchr(text, '\0', used))
		return -EINVAL;
	text[used] = '\0';
	*ret = take_ptr(text);
	return 0;
}

/* Return: a positive errno, 0 */
static int read_with(int proc_fd, const char *path, int (*parse)(const char *, void *), void *ret)
{
	cleanup_free char *text = NULL;
	int r = proof_read_text(proc_fd, path, &text);

	return -(r < 0 ? r : parse(text, ret));
}

static int parse_id_map(const char *text, void *ret)
{
	return proof_parse_id_map(text, ret);
}

static int parse_mounts(const char *text, void *ret)
{
	return proof_parse_mounts(text, ret);
}

static int parse_memory(const char *text, void *ret)
{
	return proof_parse_memory(text, ret);
}

static int parse_rlimits(const char *text, void *ret)
{
	return proof_parse_rlimits(text, ret);
}

static int parse_cgroups(const char *text, void *ret)
{
	return proof_parse_cgroups(text, ret);
}

static int parse_stat(const char *text, void *ret)
{
	return proof_parse_stat(text, ret);
}

/* The weakest of two tasks: a capability that one has, a bar that one lacks. */
static void add_task(struct proof_tasks *all, const struct proof_status *task)
{
	struct proof_status *s = &all->status;

	if (all->n++ == 0) {
		*s = *task;
		return;
	}
	for (int i = 0; i < PROOF_CAP_SETS; i++)
		s->caps[i] |= task->caps[i];
	s->no_new_privs = s->no_new_privs && task->no_new_privs;
	/* Filter is the highest of the modes. */
	if (task->seccomp_mode < s->seccomp_mode)
		s->seccomp_mode = task->seccomp_mode;
	if (task->seccomp_filters < s->seccomp_filters)
		s->seccomp_filters = task->seccomp_filters;
	if (memcmp(s->uid, task->uid, sizeof(s->uid)) != 0 ||
	    memcmp(s->gid, task->gid, sizeof(s->gid)) != 0 || s->n_groups != task->n_groups ||
	    memcmp(s->groups, task->groups, sizeof(s->groups)) != 0)
		all->ids_differ = true;
}

/* Return: 0, also for a task that ended meanwhile; -errno */
static int read_task(int proc_fd, const char *tid, struct proof_tasks *all)
{
	cleanup_free char *text = NULL;
	struct proof_status status;
	char path[64];
	int r;

	(void)snprintf(path, sizeof(path), "task/%.20s/status", tid);
	r = proof_read_text(proc_fd, path, &text);
	if (r == -ENOENT || r == -ESRCH)
		return 0;
	if (r == 0)
		r = proof_parse_status(text, &status);
	if (r == 0)
		add_task(all, &status);
	return r;
}

static int read_tasks(int proc_fd, struct proof_tasks *ret)
{
	cleanup_closedir DIR *dir = NULL;
	int fd = openat(proc_fd, "task", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	dir = fdopendir(fd);
	if (!dir) {
		int saved = errno;

		(void)close(fd);
		return -saved;
	}
	for (;;) {
		struct dirent *entry;
		int r;

		errno = 0;
		entry = readdir(dir);
		if (!entry && errno)
			return -errno;
		if (!entry)
			return ret->n > 0 ? 0 : -ESRCH;
		if (entry->d_name[0] == '.')
			continue;
		r = ret->n == TASKS_MAX ? -EFBIG : read_task(proc_fd, entry->d_name, ret);
		if (r < 0)
			return r;
	}
}

static int read_namespaces(int proc_fd, struct proof_process *ret)
{
	for (int i = 0; i < PROOF_NAMESPACES; i++) {
		char path[32];
		struct stat st;

		(void)snprintf(path, sizeof(path), "ns/%s", proof_namespace_name(i));
		if (fstatat(proc_fd, path, &st, 0) == 0)
			ret->ns[i] = st.st_ino;
		else if (errno != ENOENT) /* a kernel without that kind */
			return errno;
	}
	return 0;
}

/* Mounts of one device node have no nodev, for their node is to work. */
static void mark_nodes(int proc_fd, struct proof_mounts *mounts)
{
	for (uint32_t i = 0; i < mounts->n; i++) {
		char path[PROOF_NAME_B + 8];
		struct stat st;

		(void)snprintf(path, sizeof(path), "root%s", mounts->list[i].point);
		mounts->list[i].node = fstatat(proc_fd, path, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
				       S_ISCHR(st.st_mode);
	}
}

static int read_root(int proc_fd, struct proof_process *ret)
{
	struct stat st;

	if (fstatat(proc_fd, "root", &st, 0) < 0)
		return errno;
	ret->root_dev = st.st_dev;
	ret->root_ino = st.st_ino;
	return 0;
}

/* What a process that may not be dumped has in /proc belongs to root. */
static int read_dumpable(int proc_fd, struct proof_process *ret)
{
	struct stat st;

	if (fstatat(proc_fd, "environ", &st, 0) < 0)
		return errno;
	if (ret->tasks_error)
		return ret->tasks_error;
	ret->dumpable = st.st_uid == ret->tasks.status.uid[1];
	ret->dumpable_known = ret->tasks.status.uid[1] != 0;
	return 0;
}

static void read_setgroups(int proc_fd, struct proof_process *ret)
{
	cleanup_free char *text = NULL;

	ret->setgroups_denied =
		proof_read_text(proc_fd, "setgroups", &text) == 0 && strcmp(text, "deny\n") == 0;
}

int proof_read_process(int proc_fd, pid_t pid, int lock_fd, struct proof_process *ret)
{
	memset(ret, 0, sizeof(*ret));
	ret->pid = pid;
	ret->tasks_error = -read_tasks(proc_fd, &ret->tasks);
	ret->uid_map_error = read_with(proc_fd, "uid_map", parse_id_map, &ret->uid_map);
	ret->gid_map_error = read_with(proc_fd, "gid_map", parse_id_map, &ret->gid_map);
	read_setgroups(proc_fd, ret);
	ret->ns_error = read_namespaces(proc_fd, ret);
	ret->root_error = read_root(proc_fd, ret);
	ret->mounts_error = read_with(proc_fd, "mountinfo", parse_mounts, &ret->mounts);
	mark_nodes(proc_fd, &ret->mounts);
	ret->memory_error = read_with(proc_fd, "maps", parse_memory, &ret->memory);
	ret->rlimits_error = read_with(proc_fd, "limits", parse_rlimits, &ret->rlimits);
	ret->cgroups_error = read_with(proc_fd, "cgroup", parse_cgroups, &ret->cgroups);
	proof_read_limits(&ret->cgroups, &ret->limits);
	ret->dumpable_error = read_dumpable(proc_fd, ret);
	ret->fds_error = -proof_read_fds(proc_fd, pid, lock_fd, &ret->mounts, &ret->fds);
	ret->net_error = -proof_read_net(proc_fd, &ret->net);
	/* Last, so that it also tells whether the process was there all the while. */
	return read_with(proc_fd, "stat", parse_stat, &ret->stat) ? -ESRCH : 0;
}
