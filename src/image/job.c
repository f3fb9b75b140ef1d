/* SPDX-License-Identifier: Apache-2.0 */
/*
 * job.c - the frame of every build; see job.h.
 *
 * Whoever holds .lock-NAME owns .build-NAME: only the holder makes, renames or removes it. So a
 * .build-NAME whose lock is free was left by a build that was killed, and may be removed by anybody
 * who takes that lock. The lock file itself is removed by its last holder (file_lock() does not
 * accept a file that was unlinked meanwhile).
 */
#include "image/job.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/escape.h"
#include "base/name.h"
#include "sys/file.h"

#define BUILD_PREFIX  ".build-"
#define LOCK_PREFIX   ".lock-"
#define SIDE_NAME_MAX (sizeof(BUILD_PREFIX) + LIMIT_NAME_MAX + 1)
#define WAIT_NS	      100000000L

void job_progress(const struct job *job, const char *fmt, ...)
{
	char raw[512], text[600];
	va_list ap;

	if (!job->settings->progress)
		return;
	va_start(ap, fmt);
	(void)vsnprintf(raw, sizeof(raw), fmt, ap);
	va_end(ap);
	escape_text(text, sizeof(text), raw, strlen(raw));
	job->settings->progress(job->settings->ctx, text);
}

static bool is_cancelled(const struct job *job)
{
	return job->settings->cancelled && job->settings->cancelled(job->settings->ctx);
}

int job_set_cancelled(const struct job *job, struct ironclaw_error *err)
{
	return err_set(err, IRONCLAW_ERR_CANCELLED, ECANCELED,
		       "the build of %s '%s' was stopped; nothing of it is left",
		       store_noun(job->kind), job->name);
}

int job_check_cancelled(const struct job *job, struct ironclaw_error *err)
{
	return is_cancelled(job) ? job_set_cancelled(job, err) : 0;
}

static void side_name(char ret[SIDE_NAME_MAX], const char *prefix, const char *name)
{
	(void)snprintf(ret, SIDE_NAME_MAX, "%s%.*s", prefix, (int)LIMIT_NAME_MAX, name);
}

static int take_lock(struct job *job, const char *store_path, struct ironclaw_error *err)
{
	char lock[SIDE_NAME_MAX];
	bool told = false;
	int r;

	side_name(lock, LOCK_PREFIX, job->name);
	for (;;) {
		job->lock_fd = file_lock(job->store_fd, lock, false);
		if (job->lock_fd >= 0)
			return 0;
		if (job->lock_fd != -EWOULDBLOCK)
			return err_sys(err, -job->lock_fd, "cannot lock %s/%s", store_path, lock);
		if (!told)
			job_progress(job, "waiting for another build of %s '%s'",
				     store_noun(job->kind), job->name);
		told = true;
		r = job_check_cancelled(job, err);
		if (r < 0)
			return r;
		(void)nanosleep(&(struct timespec){.tv_nsec = WAIT_NS}, NULL);
	}
}

int job_begin(struct job *job, const struct build_settings *settings, const char *kind,
	      const char *name, struct ironclaw_error *err)
{
	char path[STORE_PATH_MAX];
	int r;

	*job = (struct job){.settings = settings, .kind = kind};
	job->store_fd = job->lock_fd = job->log_fd = -EBADF;
	r = store_check_name(kind, name, err);
	if (r < 0)
		return r;
	(void)snprintf(job->name, sizeof(job->name), "%s", name);
	(void)snprintf(path, sizeof(path), "%s/%s", settings->paths->data, kind);
	(void)snprintf(job->dir, sizeof(job->dir), "%.1060s/" BUILD_PREFIX "%s", path, name);
	(void)snprintf(job->out, sizeof(job->out), "%.1150s/out", job->dir);
	(void)snprintf(job->log_path, sizeof(job->log_path), "%s/logs/%s-%s.log",
		       settings->paths->cache, store_noun(kind), name);
	r = file_mkdir_p(path, 0755);
	if (r < 0)
		return err_sys(err, -r, "cannot make %s", path);
	job->store_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (job->store_fd < 0)
		return err_sys(err, errno, "cannot open %s", path);
	return take_lock(job, path, err);
}

/* Removes what belongs to subordinate ids: only root of their user namespace may. */
static void remove_as_their_root(struct job *job, const char *path)
{
	const char *argv[] = {"rm", "-rf", "--one-file-system", "--", path, NULL};
	struct job_tool tool = {.argv = argv,
				.foreign_ids = true,
				.may_fail = true,
				.cleanup = true};

	(void)job_run(job, &tool, NULL);
}

int job_remove(struct job *job, const char *path, struct ironclaw_error *err)
{
	int r = file_remove_tree(AT_FDCWD, path);

	if ((r == -EACCES || r == -EPERM) && geteuid() != 0) {
		remove_as_their_root(job, path);
		r = file_remove_tree(AT_FDCWD, path);
	}
	/* A killed tool's last child may have made one more file meanwhile. */
	for (int tries = 0; r < 0 && (r == -ENOTEMPTY || r == -EBUSY) && tries < 50; tries++) {
		(void)nanosleep(&(struct timespec){.tv_nsec = WAIT_NS}, NULL);
		r = file_remove_tree(AT_FDCWD, path);
	}
	return r < 0 ? err_sys(err, -r, "cannot remove %s", path) : 0;
}

/* Removes the working folders of builds that were killed, our own name's included. */
static void sweep(struct job *job)
{
	cleanup_closedir DIR *d = NULL;
	const struct dirent *entry;
	int fd = openat(job->store_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	d = fd < 0 ? NULL : fdopendir(fd);
	if (!d && fd >= 0)
		(void)close(fd);
	while (d && (entry = readdir(d))) {
		const char *name = entry->d_name + strlen(BUILD_PREFIX);
		cleanup_close int lock = -EBADF;
		char path[STORE_PATH_MAX], lock_name[SIDE_NAME_MAX];

		if (strncmp(entry->d_name, BUILD_PREFIX, strlen(BUILD_PREFIX)) != 0 ||
		    !name_valid(name))
			continue;
		side_name(lock_name, LOCK_PREFIX, name);
		if (strcmp(name, job->name) != 0) {
			lock = file_lock(job->store_fd, lock_name, false);
			if (lock < 0)
				continue;
		}
		(void)snprintf(path, sizeof(path), "%s/%s/" BUILD_PREFIX "%.64s",
			       job->settings->paths->data, job->kind, name);
		(void)job_remove(job, path, NULL);
		if (lock >= 0)
			(void)unlinkat(job->store_fd, lock_name, 0);
	}
}

int job_start_work(struct job *job, struct ironclaw_error *err)
{
	char logs[STORE_PATH_MAX];
	int r;

	sweep(job);
	(void)snprintf(logs, sizeof(logs), "%s/logs", job->settings->paths->cache);
	r = file_mkdir_p(logs, 0700);
	if (r < 0)
		return err_sys(err, -r, "cannot make %s", logs);
	job->log_fd = open(job->log_path,
			   O_RDWR | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (job->log_fd < 0)
		return err_sys(err, errno, "cannot write %s", job->log_path);
	r = file_mkdir_p(job->out, 0755);
	return r < 0 ? err_sys(err, -r, "cannot make %s", job->out) : 0;
}

static void set_created(struct manifest *m)
{
	time_t now = time(NULL);
	struct tm tm;

	(void)gmtime_r(&now, &tm);
	(void)strftime(m->created, sizeof(m->created), "%Y-%m-%dT%H:%M:%SZ", &tm);
}

static int sync_file(int dirfd, const char *name)
{
	cleanup_close int fd = openat(dirfd, name, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	return fsync(fd) < 0 ? -errno : 0;
}

/* Makes the entry durable, then swaps it in. The old one, if any, ends up in the working folder. */
static int put_in_place(struct job *job)
{
	static const char *const files[] = {"root.erofs", "bzImage", "vmlinux", "modules", "."};
	cleanup_close int out = open(job->out, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r;

	if (out < 0)
		return -errno;
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		r = sync_file(out, files[i]);
		if (r < 0)
			return r;
	}
	if (renameat2(AT_FDCWD, job->out, job->store_fd, job->name, RENAME_NOREPLACE) < 0 &&
	    (errno != EEXIST ||
	     renameat2(AT_FDCWD, job->out, job->store_fd, job->name, RENAME_EXCHANGE) < 0))
		return -errno;
	return fsync(job->store_fd) < 0 ? -errno : 0;
}

int job_commit(struct job *job, struct manifest *m, struct ironclaw_error *err)
{
	cleanup_free char *text = NULL;
	char path[STORE_PATH_MAX + 16];
	int r = job_check_cancelled(job, err);

	if (r < 0)
		return r;
	(void)snprintf(m->kind, sizeof(m->kind), "%s", store_noun(job->kind));
	(void)snprintf(m->name, sizeof(m->name), "%s", job->name);
	(void)snprintf(m->ironclaw, sizeof(m->ironclaw), "%s", job->settings->version);
	set_created(m);
	r = manifest_write(m, &text);
	if (r < 0)
		return err_sys(err, -r, "cannot write the manifest");
	(void)snprintf(path, sizeof(path), "%s/manifest.json", job->out);
	r = file_write_atomic(AT_FDCWD, path, text, strlen(text), 0644);
	if (r < 0)
		return err_sys(err, -r, "cannot write %s", path);
	r = put_in_place(job);
	if (r < 0)
		return err_sys(err, -r, "cannot put %s '%s' in its place", store_noun(job->kind),
			       job->name);
	close_fd(&job->log_fd);
	(void)unlink(job->log_path);
	return 0;
}

void job_end(struct job *job)
{
	char lock[SIDE_NAME_MAX];

	if (job->lock_fd >= 0) {
		(void)job_remove(job, job->dir, NULL);
		side_name(lock, LOCK_PREFIX, job->name);
		(void)unlinkat(job->store_fd, lock, 0);
	}
	close_fd(&job->log_fd);
	close_fd(&job->lock_fd);
	close_fd(&job->store_fd);
}
