/* SPDX-License-Identifier: Apache-2.0 */
/**
 * job.h - the frame of every build: lock, working folder, log, tools, and the end of it.
 */
#ifndef IMAGE_JOB_H
#define IMAGE_JOB_H

#include "image/build.h"
#include "image/store_internal.h"
#include "sys/spawn.h"

/* One build of one entry. */
struct job {
	const struct build_settings *settings;
	const char *kind; /* STORE_IMAGES or STORE_KERNELS */
	char name[LIMIT_NAME_MAX + 1];
	char dir[STORE_PATH_MAX]; /* the working folder; the entry itself is made in dir/out */
	char out[STORE_PATH_MAX];
	char log_path[STORE_PATH_MAX];
	int store_fd, lock_fd, log_fd;
};

/* How to run a tool; zero means no. */
struct job_tool {
	const char *const *argv;
	const char *const *env;
	const char *cwd;
	void (*line)(void *ctx, const char *line); /* for each line of stdout */
	bool line_stderr;			   /* and of stderr */
	void *ctx;
	bool progress;	  /* report the lines "I: TEXT" of its stderr */
	bool contained;	  /* in its own pid and mount namespace: dies with us to the last process */
	bool foreign_ids; /* contained, and root of a user namespace with subordinate ids */
	bool may_fail;	  /* a non-zero exit code is -EIO without a text */
	bool cleanup;	  /* runs although the build was stopped */
};

/**
 * job_begin() - take the lock, waiting for another build of the name.
 *
 * On failure job_end() still has to be called, as with cleanup().
 */
int job_begin(struct job *job, const struct build_settings *settings, const char *kind,
	      const char *name, struct ironclaw_error *err);

/** job_start_work() - clear what killed builds left, make the working folder and the log. */
int job_start_work(struct job *job, struct ironclaw_error *err);

/** job_progress() - say what is going on. */
void job_progress(const struct job *job, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/** job_set_cancelled() - the error of a build that was stopped. Return: -ECANCELED. */
int job_set_cancelled(const struct job *job, struct ironclaw_error *err);

/** job_check_cancelled() - 0, or -ECANCELED with a text. */
int job_check_cancelled(const struct job *job, struct ironclaw_error *err);

/**
 * job_run() - run a tool to success.
 *
 * Return: 0; -ENOENT with the package that has it as hint; -ECANCELED; -ENOSPC; -EIO with the
 * tool's last lines and where its log is
 */
int job_run(struct job *job, const struct job_tool *tool, struct ironclaw_error *err);

/** job_need() - make sure that programs are there. @names ends with NULL. */
int job_need(const char *const *names, struct ironclaw_error *err);

/** job_remove() - remove a tree in the working folder, whoever its files belong to. */
int job_remove(struct job *job, const char *path, struct ironclaw_error *err);

/**
 * job_commit() - complete the manifest (kind, name, date, version), write it to out/, and put out/
 * in the place of the entry.
 */
int job_commit(struct job *job, struct manifest *m, struct ironclaw_error *err);

/** job_end() - release everything; removes the working folder. For use with cleanup(). */
void job_end(struct job *job);

#endif
