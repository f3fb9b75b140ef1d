/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kernel_small.c - the small kernel from Debian's linux-source-6.1; see build.h.
 *
 * `make allnoconfig` on top of a fragment of the options that stay. An option of the fragment that
 * did not survive (renamed, or a dependency is missing) would show as a guest that does not boot,
 * so it stops the build.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "image/apt.h"
#include "image/kernel_common.h"
#include "sys/file.h"

#define SOURCE_PACKAGE	 "linux-source-6.1"
#define SOURCE_TAR	 "usr/src/linux-source-6.1.tar.xz"
#define SOURCE_FOLDER	 "linux-source-6.1"
#define CONFIG_MAX_B	 (1024U * 1024U)
#define LINES_PER_WORD	 250U
#define HEADER_OF_LIBELF "/usr/include/libelf.h"

/* What all steps share. */
struct work {
	struct job *job;
	const char *fragment;
	char tree[STORE_PATH_MAX]; /* the unpacked source */
	char jobs[16];		   /* -jN */
	char config[STORE_PATH_MAX + 32];
	unsigned int lines;
	struct manifest m;
};

/* Everybody's build of the same source gives the same bytes. */
static const char *const environment[] = {
	"KBUILD_BUILD_USER=ironclaw",
	"KBUILD_BUILD_HOST=ironclaw",
	"KBUILD_BUILD_TIMESTAMP=Thu Jan  1 00:00:00 UTC 1970",
	"KBUILD_BUILD_VERSION=1",
	"LC_ALL=C",
	NULL,
};

static void work_done(struct work *w)
{
	manifest_done(&w->m);
}

/* One line of make's output is about one file. */
static void count_line(void *ctx, const char *line)
{
	struct work *w = ctx;

	(void)line;
	if (++w->lines % LINES_PER_WORD == 0)
		job_progress(w->job, "kernel '%s': %u files", w->job->name, w->lines);
}

/* Runs make with at most three arguments; its lines go to @line, which gets @w. */
static int make(struct work *w, const char *const args[3], void (*line)(void *, const char *),
		struct ironclaw_error *err)
{
	const char *argv[] = {"make", "--no-print-directory", args[0], args[1], args[2], NULL};
	struct job_tool tool = {.argv = argv,
				.env = environment,
				.cwd = w->tree,
				.line = line,
				.line_stderr = line == count_line,
				.ctx = w,
				.contained = true};

	return job_run(w->job, &tool, err);
}

/* The source's archive: the installed package's, or downloaded. */
static int find_source(struct work *w, char ret[STORE_PATH_MAX], struct ironclaw_error *err)
{
	char dir[STORE_PATH_MAX], version[MANIFEST_WORD_MAX + 1] = "";
	struct apt apt = {.job = w->job};
	int r;

	(void)snprintf(ret, STORE_PATH_MAX, "/" SOURCE_TAR);
	if (access(ret, R_OK) == 0) {
		r = apt_installed_version(w->job, SOURCE_PACKAGE, version, err);
	} else {
		(void)snprintf(dir, sizeof(dir), "%.1100s/source", w->job->dir);
		(void)snprintf(ret, STORE_PATH_MAX, "%.1150s/" SOURCE_TAR, dir);
		r = file_mkdir_p(dir, 0755);
		if (r < 0)
			return err_sys(err, -r, "cannot make %s", dir);
		r = apt_unpack(&apt, SOURCE_PACKAGE, dir, version, err);
	}
	if (r == 0 && version[0])
		r = manifest_add_package(&w->m, SOURCE_PACKAGE, version);
	return r;
}

static int unpack(struct work *w, struct ironclaw_error *err)
{
	char archive[STORE_PATH_MAX];
	const char *argv[] = {"tar",   "--extract",   "--no-same-owner", "--file",
			      archive, "--directory", w->job->dir,	 NULL};
	struct job_tool tool = {.argv = argv, .contained = true};
	int r = find_source(w, archive, err);

	if (r < 0)
		return r;
	job_progress(w->job, "kernel '%s': unpacking the source", w->job->name);
	return job_run(w->job, &tool, err);
}

/* Makes sure that each "CONFIG_X=y" line of the fragment is a line of .config. */
static int check_config(const struct work *w, struct ironclaw_error *err)
{
	cleanup_free char *wanted = NULL, *got = NULL;
	char path[STORE_PATH_MAX + 16], *save = NULL;
	size_t len;
	int r;

	(void)snprintf(path, sizeof(path), "%s/.config", w->tree);
	r = file_read_bounded(AT_FDCWD, w->fragment, CONFIG_MAX_B, &wanted, &len);
	if (r < 0)
		return err_sys(err, -r, "cannot read %s", w->fragment);
	r = file_read_bounded(AT_FDCWD, path, CONFIG_MAX_B, &got, &len);
	if (r < 0)
		return err_sys(err, -r, "cannot read %s", path);
	for (char *s = strtok_r(wanted, "\n", &save); s; s = strtok_r(NULL, "\n", &save)) {
		const char *at = got;
		size_t n = strlen(s);

		if (s[0] == '#')
			continue;
		while ((at = strstr(at, s)) && !((at == got || at[-1] == '\n') && at[n] == '\n'))
			at += n;
		if (!at)
			return err_set(err, IRONCLAW_ERR_INVALID, EINVAL,
				       "%s: this kernel source does not accept '%s'", w->fragment,
				       s);
	}
	return 0;
}

static void take_release(void *ctx, const char *line)
{
	struct manifest *m = &((struct work *)ctx)->m;

	if (!m->release[0] && strlen(line) <= MANIFEST_WORD_MAX)
		(void)snprintf(m->release, sizeof(m->release), "%s", line);
}

static int compile(struct work *w, struct ironclaw_error *err)
{
	char from[STORE_PATH_MAX + 64], to[STORE_PATH_MAX + 16];
	const char *argv[] = {"strip", "-o", to, from, NULL};
	struct job_tool strip = {.argv = argv};
	const char *const configure[3] = {"--silent", w->config, "allnoconfig"};
	const char *const build[3] = {w->jobs, "bzImage"};
	const char *const tell[3] = {"--silent", "kernelrelease"};
	int r = make(w, configure, NULL, err);

	if (r == 0)
		r = check_config(w, err);
	if (r < 0)
		return r;
	job_progress(w->job, "kernel '%s': compiling (3 to 5 minutes on two CPUs)", w->job->name);
	r = make(w, build, count_line, err);
	if (r == 0)
		r = make(w, tell, take_release, err);
	if (r < 0)
		return r;
	(void)snprintf(from, sizeof(from), "%s/vmlinux", w->tree);
	(void)snprintf(to, sizeof(to), "%s/vmlinux", w->job->out);
	r = job_run(w->job, &strip, err);
	if (r < 0)
		return r;
	(void)snprintf(from, sizeof(from), "%s/arch/x86/boot/bzImage", w->tree);
	(void)snprintf(to, sizeof(to), "%s/bzImage", w->job->out);
	return kernel_copy_file(from, to, err);
}

static int need(struct ironclaw_error *err)
{
	static const char *const programs[] = {"make", "gcc",  "flex", "bison", "bc",	   "tar",
					       "xz",   "gzip", "perl", "strip", "unshare", NULL};
	int r = job_need(programs, err);

	if (r < 0 || access(HEADER_OF_LIBELF, F_OK) == 0)
		return r;
	r = err_set(err, IRONCLAW_ERR_UNAVAILABLE, ENOENT, "not installed here: libelf's headers");
	err_hint(err, "apt-get install libelf-dev");
	return r;
}

static unsigned int count_cpus(void)
{
	cpu_set_t set;

	return sched_getaffinity(0, sizeof(set), &set) == 0 ? (unsigned int)CPU_COUNT(&set) : 1;
}

/* Leaves only the lines of options in a text; returns its length. */
static size_t drop_comments(char *text)
{
	size_t used = 0;

	for (const char *s = text; *s;) {
		size_t len = strcspn(s, "\n");

		len += s[len] == '\n';
		if (s[0] != '#' && s[0] != '\n') {
			memmove(text + used, s, len);
			used += len;
		}
		s += len;
	}
	return used;
}

/* The digest of the options tells whether a kernel is that of this ironclaw. */
static int read_fragment(struct work *w, struct ironclaw_error *err)
{
	cleanup_free char *text = NULL;
	size_t len;
	int r = file_read_bounded(AT_FDCWD, w->fragment, CONFIG_MAX_B, &text, &len);

	if (r < 0)
		return err_sys(err, -r, "cannot read %s", w->fragment);
	digest_bytes(text, drop_comments(text), w->m.config);
	return 0;
}

static int do_work(struct work *w, struct ironclaw_error *err)
{
	int r = need(err);

	(void)snprintf(w->tree, sizeof(w->tree), "%.1150s/" SOURCE_FOLDER, w->job->dir);
	(void)snprintf(w->config, sizeof(w->config), "KCONFIG_ALLCONFIG=%.1200s", w->fragment);
	(void)snprintf(w->jobs, sizeof(w->jobs), "-j%u", count_cpus());
	(void)snprintf(w->m.recipe, sizeof(w->m.recipe), "%s", KERNEL_SMALL);
	if (r == 0)
		r = job_start_work(w->job, err);
	if (r == 0)
		r = unpack(w, err);
	if (r == 0)
		r = compile(w, err);
	return r == 0 ? kernel_commit(w->job, &w->m, err) : r;
}

int kernel_build_small(const struct build_settings *settings, const char *fragment, bool *ret_built,
		       struct ironclaw_error *err)
{
	struct job job cleanup(job_end) = {.store_fd = -EBADF, .lock_fd = -EBADF, .log_fd = -EBADF};
	struct work w cleanup(work_done) = {.job = &job, .fragment = fragment};
	char current[LIMIT_NAME_MAX + 1];
	bool there = false;
	int r;

	r = read_fragment(&w, err);
	if (r == 0)
		r = job_begin(&job, settings, STORE_KERNELS, KERNEL_SMALL, err);
	if (r < 0)
		return r;
	there = kernel_is_there(&job, w.m.config);
	if (!there)
		r = do_work(&w, err);
	if (r == 0 && (!there || kernel_default(settings->paths, current, NULL) < 0))
		r = kernel_set_default(settings->paths, KERNEL_SMALL, err);
	if (r < 0) {
		err_prefix(err, "cannot build the kernel '" KERNEL_SMALL "'");
		return r;
	}
	if (ret_built)
		*ret_built = !there;
	return 0;
}
