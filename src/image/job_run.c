/* SPDX-License-Identifier: Apache-2.0 */
/* job_run.c - run the tools of a build, contained, and say why one failed; see job.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "image/job.h"

#define ARGV_MAX     64U
#define TAIL_B	     4096U /* of the log, to be searched for a reason */
#define SHOWN_LINES  4U
#define FULL_DISK_B  (1024U * 1024U)
#define SHOWN_LINE_B 160

/* Which Debian package has a program. */
struct provider {
	const char *program, *package;
};

static const struct provider providers[] = {
	{"mmdebstrap", "mmdebstrap"},
	{"mkfs.erofs", "erofs-utils"},
	{"unshare", "util-linux"},
	{"newuidmap", "uidmap"},
	{"apt-get", "apt"},
	{"apt-cache", "apt"},
	{"apt-config", "apt"},
	{"dpkg-deb", "dpkg"},
	{"dpkg-query", "dpkg"},
	{"make", "make"},
	{"gcc", "gcc"},
	{"flex", "flex"},
	{"bison", "bison"},
	{"bc", "bc"},
	{"tar", "tar"},
	{"xz", "xz-utils"},
	{"zstd", "zstd"},
	{"lz4", "lz4"},
	{"strip", "binutils"},
	{"perl", "perl"},
	{"gzip", "gzip"},
	{"rm", "coreutils"},
};

static const char *package_of(const char *program)
{
	for (size_t i = 0; i < ARRAY_SIZE(providers); i++) {
		if (strcmp(program, providers[i].program) == 0)
			return providers[i].package;
	}
	return NULL;
}

/* Whether a list " a b c" has a word. */
static bool has_word(const char *list, const char *word)
{
	const char *at = list;
	size_t len = strlen(word);

	while ((at = strstr(at, word))) {
		if (at > list && at[-1] == ' ' && (at[len] == ' ' || at[len] == '\0'))
			return true;
		at += len;
	}
	return false;
}

int job_need(const char *const *names, struct ironclaw_error *err)
{
	char missing[200] = "", packages[200] = "";
	size_t used = 0, used_packages = 0;

	for (; *names; names++) {
		const char *package = package_of(*names);

		if (spawn_find(*names, NULL, 0) == 0)
			continue;
		if (used < sizeof(missing))
			used += (size_t)snprintf(missing + used, sizeof(missing) - used, "%s%s",
						 used ? ", " : "", *names);
		if (package && used_packages < sizeof(packages) && !has_word(packages, package))
			used_packages +=
				(size_t)snprintf(packages + used_packages,
						 sizeof(packages) - used_packages, " %s", package);
	}
	if (used == 0)
		return 0;
	(void)err_set(err, IRONCLAW_ERR_UNAVAILABLE, ENOENT, "not installed here: %s", missing);
	if (used_packages > 0)
		err_hint(err, "apt-get install%s", packages);
	return -ENOENT;
}

/* What the lines of a tool pass through. */
struct listener {
	const struct job *job;
	const struct job_tool *tool;
	char tail[TAIL_B]; /* the last lines, for a log that could not be written */
	size_t tail_len;
};

static void remember(struct listener *l, const char *line)
{
	size_t len = strnlen(line, sizeof(l->tail) / 4), drop;

	if (l->tail_len + len + 1 >= sizeof(l->tail)) {
		drop = sizeof(l->tail) / 2;
		memmove(l->tail, l->tail + drop, l->tail_len - drop);
		l->tail_len -= drop;
	}
	memcpy(l->tail + l->tail_len, line, len);
	l->tail_len += len;
	l->tail[l->tail_len++] = '\n';
	l->tail[l->tail_len] = '\0';
}

/* Of mmdebstrap's lines those that say "I: what happens now...", but not our hooks' text. */
static bool is_news(const char *line)
{
	size_t len = strlen(line);

	return strncmp(line, "I: ", 3) == 0 && len > 3 && strcmp(line + len - 3, "...") == 0 &&
	       !strstr(line, "hook") && !strstr(line, "signal");
}

static void hear_line(void *ctx, const char *line)
{
	struct listener *l = ctx;

	remember(l, line);
	if (l->tool->line)
		l->tool->line(l->tool->ctx, line);
	else if (l->tool->progress && is_news(line))
		job_progress(l->job, "%s '%s': %.200s", store_noun(l->job->kind), l->job->name,
			     line + 3);
}

static bool hear_cancelled(void *ctx)
{
	const struct listener *l = ctx;

	return l->job->settings->cancelled && l->job->settings->cancelled(l->job->settings->ctx);
}

/* The last lines of @tail as one text "a / b / c", without mere news. Cuts @tail into lines. */
static void last_lines(char *tail, char *ret, size_t size)
{
	const char *lines[SHOWN_LINES] = {NULL};
	char *save = NULL;
	size_t used = 0;

	for (char *s = strtok_r(tail, "\r\n", &save); s; s = strtok_r(NULL, "\r\n", &save)) {
		if (s[strspn(s, " \t.")] == '\0' || strncmp(s, "I: ", 3) == 0)
			continue;
		memmove(lines, lines + 1, sizeof(lines) - sizeof(lines[0]));
		lines[SHOWN_LINES - 1] = s;
	}
	ret[0] = '\0';
	for (size_t i = 0; i < SHOWN_LINES; i++) {
		int n;

		if (!lines[i])
			continue;
		n = snprintf(ret + used, size - used, "%s%.*s", used ? " / " : "", SHOWN_LINE_B,
			     lines[i]);
		if (n < 0 || (size_t)n >= size - used)
			break;
		used += (size_t)n;
	}
}

static bool tells_full_disk(const struct job *job, const char *tail)
{
	struct statvfs v;

	if (statvfs(job->dir, &v) == 0 && v.f_bavail * v.f_frsize < FULL_DISK_B)
		return true;
	return strstr(tail, "No space left on device") || strstr(tail, "Disk quota exceeded") ||
	       strstr(tail, "You don't have enough free space");
}

static int tell_failure(struct listener *l, int status, struct ironclaw_error *err)
{
	char lines[SHOWN_LINES * (SHOWN_LINE_B + 4)], how[64];
	const char *program = l->tool->argv[0];
	bool full = tells_full_disk(l->job, l->tail);

	last_lines(l->tail, lines, sizeof(lines));
	if (WIFSIGNALED(status))
		(void)snprintf(how, sizeof(how), "was killed by signal %d", WTERMSIG(status));
	else
		(void)snprintf(how, sizeof(how), "failed with exit code %d", WEXITSTATUS(status));
	(void)err_set(err, full ? IRONCLAW_ERR_NO_SPACE : IRONCLAW_ERR_SYSTEM, full ? ENOSPC : EIO,
		      "%s%s %s%s%s", full ? "no space left on the disk: " : "", program, how,
		      lines[0] ? "; its last lines: " : "", lines);
	err_hint(err, "less %s", l->job->log_path);
	return full ? -ENOSPC : -EIO;
}

/* The arguments that put a program into namespaces, for the front of its own. */
static size_t containment(const struct job_tool *tool, const char **argv)
{
	bool root = geteuid() == 0;
	size_t n = 0;

	if (!tool->contained && (!tool->foreign_ids || root))
		return 0;
	argv[n++] = "unshare";
	if (!root) {
		argv[n++] = "--user";
		argv[n++] = "--map-root-user";
	}
	if (!root && tool->foreign_ids)
		argv[n++] = "--map-auto";
	argv[n++] = "--mount";
	argv[n++] = "--pid";
	argv[n++] = "--fork";
	argv[n++] = "--kill-child=SIGKILL";
	argv[n++] = "--";
	return n;
}

int job_run(struct job *job, const struct job_tool *tool, struct ironclaw_error *err)
{
	const char *argv[ARGV_MAX];
	struct listener listener = {.job = job, .tool = tool};
	struct spawn s = {.argv = argv,
			  .env = tool->env,
			  .cwd = tool->cwd,
			  .log_fd = job->log_fd,
			  .line = hear_line,
			  .line_stderr = !tool->line || tool->line_stderr,
			  .cancelled = tool->cleanup ? NULL : hear_cancelled,
			  .ctx = &listener};
	size_t n = containment(tool, argv), i = 0;
	int status = 0, r;

	for (; tool->argv[i]; i++) {
		ic_assert(n + 1 < ARGV_MAX);
		argv[n++] = tool->argv[i];
	}
	argv[n] = NULL;
	r = spawn_run(&s, &status);
	if (r == -ECANCELED)
		return job_set_cancelled(job, err);
	if (r == -ENOENT && spawn_find(argv[0], NULL, 0) < 0)
		return job_need((const char *const[]){argv[0], NULL}, err);
	if (r < 0)
		return err_sys(err, -r, "cannot run %s", argv[0]);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	if (tool->may_fail)
		return -EIO;
	return tell_failure(&listener, status, err);
}
