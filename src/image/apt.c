/* SPDX-License-Identifier: Apache-2.0 */
/* apt.c - packages of Debian's, found and downloaded by apt; see apt.h. */
#include "image/apt.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "sys/file.h"

#define OPTIONS	    6U /* of apt, for lists of our own */
#define OPTION_B    (STORE_PATH_MAX + 64U)
#define ARGV_MAX    (2 * OPTIONS + 8U)
#define LISTS_SUITE IMAGE_SUITE_DEFAULT

struct options {
	char text[OPTIONS][OPTION_B];
};

/* Fills in "PROGRAM [-o OPTION...] WORDS..." and returns it as an argv in @argv. */
static void make_argv(const struct apt *apt, const char *program, const char *const *words,
		      struct options *options, const char *argv[ARGV_MAX])
{
	const char *dir = apt->job->dir;
	size_t n = 0;

	argv[n++] = program;
	if (apt->own_lists) {
		(void)snprintf(options->text[0], OPTION_B, "Dir::Etc::sourcelist=%s/apt/list", dir);
		(void)snprintf(options->text[1], OPTION_B, "Dir::Etc::sourceparts=/dev/null");
		(void)snprintf(options->text[2], OPTION_B, "Dir::State::lists=%s/apt/lists", dir);
		(void)snprintf(options->text[3], OPTION_B, "Dir::Cache=%s/apt/cache", dir);
		(void)snprintf(options->text[4], OPTION_B, "Dir::State::status=/dev/null");
		(void)snprintf(options->text[5], OPTION_B, "Acquire::Languages=none");
		for (size_t i = 0; i < OPTIONS; i++) {
			argv[n++] = "-o";
			argv[n++] = options->text[i];
		}
	}
	for (; *words; words++) {
		ic_assert(n + 1 < ARGV_MAX);
		argv[n++] = *words;
	}
	argv[n] = NULL;
}

static int use_own_lists(struct apt *apt, struct ironclaw_error *err)
{
	static const char *const folders[] = {"apt/lists/partial", "apt/cache/archives/partial"};
	const char *argv[ARGV_MAX], *words[] = {"update", NULL};
	struct job_tool tool = {.argv = argv};
	char path[STORE_PATH_MAX + 32], text[APT_SOURCES_MAX * (APT_SOURCE_B + 1)];
	struct apt_sources sources;
	struct options options;
	size_t len = 0;
	int r;

	job_progress(apt->job, "downloading Debian's package lists");
	r = apt_sources(apt->job, LISTS_SUITE, &sources, err);
	if (r < 0)
		return r;
	for (size_t i = 0; i < ARRAY_SIZE(folders); i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", apt->job->dir, folders[i]);
		r = file_mkdir_p(path, 0755);
		if (r < 0)
			return err_sys(err, -r, "cannot make %s", path);
	}
	for (size_t i = 0; i < sources.n; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%s\n", sources.lines[i]);
	(void)snprintf(path, sizeof(path), "%s/apt/list", apt->job->dir);
	r = file_write_atomic(AT_FDCWD, path, text, len, 0644);
	if (r < 0)
		return err_sys(err, -r, "cannot write %s", path);
	apt->own_lists = true;
	make_argv(apt, "apt-get", words, &options, argv);
	return job_run(apt->job, &tool, err);
}

/* What take_dependency() looks for. */
struct search {
	const char *prefix;
	char found[APT_PACKAGE_MAX + 1];
};

/* "  Depends: NAME" */
static void take_dependency(void *ctx, const char *line)
{
	static const char depends[] = "  Depends: ";
	struct search *s = ctx;
	const char *name = line + sizeof(depends) - 1;

	if (strncmp(line, depends, sizeof(depends) - 1) == 0 && !s->found[0] &&
	    strncmp(name, s->prefix, strlen(s->prefix)) == 0 && apt_word_valid(name, strlen(name)))
		(void)snprintf(s->found, sizeof(s->found), "%s", name);
}

static int find_once(struct apt *apt, const char *package, struct search *s,
		     struct ironclaw_error *err)
{
	const char *argv[ARGV_MAX], *words[] = {"depends", package, NULL};
	struct job_tool tool = {.argv = argv, .line = take_dependency, .ctx = s, .may_fail = true};
	struct options options;
	int r;

	make_argv(apt, "apt-cache", words, &options, argv);
	r = job_run(apt->job, &tool, err);
	return r == -EIO ? 0 : r;
}

int apt_find(struct apt *apt, const char *package, const char *prefix,
	     char ret[APT_PACKAGE_MAX + 1], struct ironclaw_error *err)
{
	struct search s = {.prefix = prefix};
	int r = find_once(apt, package, &s, err);

	if (r == 0 && !s.found[0] && !apt->own_lists) {
		r = use_own_lists(apt, err);
		if (r == 0)
			r = find_once(apt, package, &s, err);
	}
	if (r < 0)
		return r;
	if (!s.found[0])
		return err_set(err, IRONCLAW_ERR_NOT_FOUND, ENOENT,
			       "no Debian mirror that apt knows has the package %s", package);
	memcpy(ret, s.found, sizeof(s.found));
	return 0;
}

static int download(struct apt *apt, const char *package, const char *dir, bool may_fail,
		    struct ironclaw_error *err)
{
	const char *argv[ARGV_MAX], *words[] = {"download", package, NULL};
	struct job_tool tool = {.argv = argv, .cwd = dir, .may_fail = may_fail};
	struct options options;

	make_argv(apt, "apt-get", words, &options, argv);
	return job_run(apt->job, &tool, err);
}

/* The one .deb in a folder. */
static int find_deb(const char *dir, char ret[STORE_PATH_MAX], struct ironclaw_error *err)
{
	cleanup_closedir DIR *d = opendir(dir);
	const struct dirent *entry;

	while (d && (entry = readdir(d))) {
		size_t len = strlen(entry->d_name);

		if (len > 4 && strcmp(entry->d_name + len - 4, ".deb") == 0 &&
		    (size_t)snprintf(ret, STORE_PATH_MAX, "%s/%s", dir, entry->d_name) <
			    STORE_PATH_MAX)
			return 0;
	}
	return err_set(err, IRONCLAW_ERR_SYSTEM, EIO, "apt-get left no package in %s", dir);
}

static void take_version(void *ctx, const char *line)
{
	char *ret = ctx;

	if (!ret[0] && strlen(line) <= MANIFEST_WORD_MAX)
		(void)snprintf(ret, MANIFEST_WORD_MAX + 1, "%s", line);
}

int apt_unpack(struct apt *apt, const char *package, const char *dir,
	       char ret_version[MANIFEST_WORD_MAX + 1], struct ironclaw_error *err)
{
	char folder[STORE_PATH_MAX], deb[STORE_PATH_MAX], version[MANIFEST_WORD_MAX + 1] = "";
	const char *unpack_argv[] = {"dpkg-deb", "--extract", deb, dir, NULL};
	const char *field_argv[] = {"dpkg-deb", "--field", deb, "Version", NULL};
	struct job_tool unpack = {.argv = unpack_argv};
	struct job_tool field = {.argv = field_argv, .line = take_version, .ctx = version};
	int r;

	(void)snprintf(folder, sizeof(folder), "%.1050s/debs/%s", apt->job->dir, package);
	r = file_mkdir_p(folder, 0755);
	if (r < 0)
		return err_sys(err, -r, "cannot make %s", folder);
	job_progress(apt->job, "downloading %s", package);
	r = download(apt, package, folder, !apt->own_lists, err);
	/* Lists that are old may name files that the mirror no longer has. */
	if (r == -EIO && !apt->own_lists) {
		r = use_own_lists(apt, err);
		if (r == 0)
			r = download(apt, package, folder, false, err);
	}
	if (r == 0)
		r = find_deb(folder, deb, err);
	if (r == 0)
		r = job_run(apt->job, &field, err);
	if (r == 0)
		r = job_run(apt->job, &unpack, err);
	if (r == 0)
		r = job_remove(apt->job, folder, err);
	if (r == 0 && ret_version)
		memcpy(ret_version, version, sizeof(version));
	return r;
}

int apt_installed_version(struct job *job, const char *package, char ret[MANIFEST_WORD_MAX + 1],
			  struct ironclaw_error *err)
{
	const char *argv[] = {"dpkg-query", "--show", "--showformat=${Version}\n", package, NULL};
	struct job_tool tool = {.argv = argv, .line = take_version, .ctx = ret, .may_fail = true};
	int r;

	ret[0] = '\0';
	r = job_run(job, &tool, err);
	return r == -EIO ? 0 : r;
}
