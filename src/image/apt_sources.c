/* SPDX-License-Identifier: Apache-2.0 */
/* apt_sources.c - the Debian mirror and the download settings of the host; see apt.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "image/apt.h"
#include "sys/file.h"

#define URIS_MAX	 256U
#define URI_MAX_B	 400U
#define ACQUIRE_MAX_B	 16384U
#define MAIN_DEFAULT	 "http://deb.debian.org/debian"
#define SECURITY_DEFAULT "http://deb.debian.org/debian-security"
#define KEYRING		 "/usr/share/keyrings/debian-archive-keyring.gpg"

/* What a folder "BASE/dists/SUITE/" says. */
struct mirror {
	char base[URI_MAX_B];
	bool found, same_suite;
};

bool apt_word_valid(const char *s, size_t len)
{
	return len >= 2 && len <= APT_PACKAGE_MAX && s[0] >= 'a' && s[0] <= 'z' &&
	       strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789+-.") >= len;
}

static bool ends_with(const char *s, size_t len, const char *end)
{
	size_t n = strlen(end);

	return len >= n && memcmp(s + len - n, end, n) == 0;
}

/*
 * Whether a base is an archive of Debian's own: other vendors have suites of the same names
 * (docker: https://download.docker.com/linux/debian), and nothing but the Release file tells them
 * apart.
 */
static bool is_archive(const char *base, size_t len, const char *name)
{
	const char *path = strstr(base, "://");
	size_t path_len;
	char host_end[2][64];

	if (!path || (strncmp(base, "http://", 7) != 0 && strncmp(base, "https://", 8) != 0))
		return false;
	path = strchr(path + 3, '/');
	if (!path || path >= base + len)
		return false;
	path_len = len - (size_t)(path - base);
	(void)snprintf(host_end[0], sizeof(host_end[0]), "/%s", name);
	(void)snprintf(host_end[1], sizeof(host_end[1]), "/pub/%s", name);
	for (size_t i = 0; i < 2; i++) {
		if (path_len == strlen(host_end[i]) && ends_with(base, len, host_end[i]))
			return true;
	}
	/* snapshot.debian.org/archive/debian/20250520T000000Z and the like. */
	return path - base > 11 && memcmp(path - 11, ".debian.org", 11) == 0 &&
	       strstr(path, host_end[0]) != NULL;
}

static void consider(const char *uri, const char *name, const char *suite, struct mirror *m)
{
	const char *dists = strstr(uri, "/dists/");
	size_t len = dists ? (size_t)(dists - uri) : 0, suite_len;
	bool same;

	if (!dists || len >= sizeof(m->base) || strpbrk(uri, " []\"'\\") ||
	    !is_archive(uri, len, name))
		return;
	dists += strlen("/dists/");
	suite_len = strcspn(dists, "/");
	same = suite_len == strlen(suite) && strncmp(dists, suite, suite_len) == 0;
	/* The first, but rather one that is known to have the suite. */
	if (m->found && (m->same_suite || !same))
		return;
	memcpy(m->base, uri, len);
	m->base[len] = '\0';
	m->found = true;
	m->same_suite = same;
}

static void add_source(struct apt_sources *s, const char *base, const char *suite,
		       const char *suffix)
{
	(void)snprintf(s->lines[s->n++], APT_SOURCE_B, "deb [signed-by=%s] %s %s%s main", KEYRING,
		       base, suite, suffix);
}

void apt_pick_sources(const char *const *uris, size_t n, const char *suite, struct apt_sources *ret)
{
	struct mirror archive = {.found = false}, security = {.found = false};
	bool rolling = strcmp(suite, "sid") == 0 || strcmp(suite, "unstable") == 0 ||
		       strcmp(suite, "experimental") == 0;
	char secure_suite[MANIFEST_WORD_MAX + 16];

	(void)snprintf(secure_suite, sizeof(secure_suite), "%.64s-security", suite);
	for (size_t i = 0; i < n; i++) {
		consider(uris[i], "debian", suite, &archive);
		consider(uris[i], "debian-security", secure_suite, &security);
	}
	ret->n = 0;
	add_source(ret, archive.found ? archive.base : MAIN_DEFAULT, suite, "");
	if (rolling)
		return;
	add_source(ret, archive.found ? archive.base : MAIN_DEFAULT, suite, "-updates");
	/* A host with a mirror of its own but none for security may not reach another one. */
	if (security.found || !archive.found)
		add_source(ret, security.found ? security.base : SECURITY_DEFAULT, suite,
			   "-security");
}

struct uri_list {
	char *uris[URIS_MAX];
	size_t n;
};

static void uri_list_done(struct uri_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		free(list->uris[i]);
}

/* 'URI' FILE SIZE HASH */
static void take_uri(void *ctx, const char *line)
{
	struct uri_list *list = ctx;
	size_t len = line[0] == '\'' ? strcspn(line + 1, "'") : 0;

	if (len == 0 || len >= URI_MAX_B || list->n == URIS_MAX)
		return;
	list->uris[list->n] = strndup(line + 1, len);
	if (list->uris[list->n])
		list->n++;
}

int apt_sources(struct job *job, const char *suite, struct apt_sources *ret,
		struct ironclaw_error *err)
{
	const char *argv[] = {"apt-get", "update", "--print-uris", NULL};
	struct uri_list list cleanup(uri_list_done) = {.n = 0};
	struct job_tool tool = {.argv = argv, .line = take_uri, .ctx = &list, .may_fail = true};
	int r = job_run(job, &tool, err);

	/* An apt that cannot read its own sources leaves us with the default. */
	if (r < 0 && r != -EIO)
		return r;
	if (access(KEYRING, R_OK) < 0) {
		r = err_set(err, IRONCLAW_ERR_UNAVAILABLE, ENOENT,
			    "Debian's keys, which downloads are verified with, are not installed");
		err_hint(err, "apt-get install debian-archive-keyring");
		return r;
	}
	apt_pick_sources((const char *const *)list.uris, list.n, suite, ret);
	return 0;
}

struct text {
	char buf[ACQUIRE_MAX_B];
	size_t len;
};

static void take_setting(void *ctx, const char *line)
{
	static const char *const wanted[] = {"Acquire::http:", "Acquire::https:", "Acquire::Check-",
					     "Acquire::Retries", "Acquire::ForceIPv4"};
	struct text *t = ctx;
	size_t len = strlen(line);

	for (size_t i = 0; i < ARRAY_SIZE(wanted); i++) {
		if (strncmp(line, wanted[i], strlen(wanted[i])) != 0)
			continue;
		if (len < SPAWN_LINE_MAX - 1 && t->len + len + 1 < sizeof(t->buf)) {
			memcpy(t->buf + t->len, line, len);
			t->len += len;
			t->buf[t->len++] = '\n';
		}
		return;
	}
}

int apt_write_acquire(struct job *job, char ret[STORE_PATH_MAX], struct ironclaw_error *err)
{
	const char *argv[] = {"apt-config",   "dump",	 "--no-empty", "--format",
			      "%f \"%v\";%n", "Acquire", NULL};
	struct text text = {.len = 0};
	struct job_tool tool = {.argv = argv, .line = take_setting, .ctx = &text, .may_fail = true};
	int r = job_run(job, &tool, err);

	if (r < 0 && r != -EIO)
		return r;
	(void)snprintf(ret, STORE_PATH_MAX, "%.1150s/acquire.conf", job->dir);
	r = file_write_atomic(AT_FDCWD, ret, text.buf, text.len, 0600);
	return r < 0 ? err_sys(err, -r, "cannot write %s", ret) : 0;
}
