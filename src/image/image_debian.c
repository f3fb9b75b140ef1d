/* SPDX-License-Identifier: Apache-2.0 */
/*
 * image_debian.c - a Debian root folder by mmdebstrap; see image_recipes.h.
 *
 * mmdebstrap runs in "root" mode in a mount and pid namespace of its own: as root just so, as an
 * ordinary user as root of a user namespace in which our own id is 0 and the subordinate ids are
 * the others. So everything works below a private home folder, the tree needs no copying through a
 * tar archive, and no mount and no process survives us. The shell text in the hooks is constant.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "image/apt.h"
#include "image/image_recipes.h"
#include "sys/file.h"

#define ARGV_MAX  32U
#define SAFE_PATH "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

static const char *const environment[] = {SAFE_PATH, "LC_ALL=C.UTF-8", NULL};

static const char *const fixed_arguments[] = {
	"--mode=root",
	"--format=directory",
	"--variant=minbase",
	/* The licences stay: whoever passes an image on has to have them. */
	"--dpkgopt=path-exclude=/usr/share/man/*",
	"--dpkgopt=path-exclude=/usr/share/info/*",
	"--dpkgopt=path-exclude=/usr/share/locale/*",
	"--dpkgopt=path-exclude=/usr/share/doc/*",
	"--dpkgopt=path-include=/usr/share/doc/*/copyright",
	"--customize-hook=chroot \"$1\" useradd -u 1000 --user-group -m -s /bin/bash user",
	/* What is the host's own, or different in each build, or no use in a guest. */
	"--customize-hook=cd \"$1/etc\" && : >machine-id && : >resolv.conf",
	"--customize-hook=echo ironclaw >\"$1/etc/hostname\"",
	"--customize-hook=printf '127.0.0.1 localhost\\n::1 localhost\\n' >\"$1/etc/hosts\"",
	"--customize-hook=cd \"$1/etc\" && chmod 0644 machine-id resolv.conf hostname hosts",
	"--customize-hook=rm -rf \"$1/etc/apt/apt.conf.d/99mmdebstrap\" \"$1/var/log/apt\"",
	"--customize-hook=cd \"$1/var\" && rm -f log/*.log cache/debconf/*-old lib/dpkg/*-old",
};

_Static_assert(ARRAY_SIZE(fixed_arguments) + APT_SOURCES_MAX + 6 <= ARGV_MAX, "argv");

static const char *const mkfs_options[] = {
	/* Python's .pyc files are valid for one mtime of their source. */
	"--preserve-mtime",
	/* The guest mounts a /dev of its own. */
	"--exclude-regex=^dev/",
	NULL,
};

/* An ordinary user needs ids to give files to. */
static int check_ids(struct job *job, struct ironclaw_error *err)
{
	const char *argv[] = {"true", NULL};
	struct job_tool tool = {.argv = argv, .foreign_ids = true, .may_fail = true};
	int r;

	if (geteuid() == 0)
		return 0;
	r = job_need((const char *const[]){"newuidmap", NULL}, err);
	if (r == 0)
		r = job_run(job, &tool, err);
	if (r != -EIO)
		return r;
	r = err_set(err, IRONCLAW_ERR_UNAVAILABLE, EPERM,
		    "no user namespace with subordinate ids: none are assigned to user %u in"
		    " /etc/subuid and /etc/subgid, or this host forbids user namespaces",
		    (unsigned int)geteuid());
	err_hint(err, "sudo usermod --add-subuids 100000-165535 --add-subgids 100000-165535 $USER");
	return r;
}

/* NAME TAB VERSION */
static void take_package(void *ctx, const char *line)
{
	struct manifest *m = ctx;
	size_t len = strcspn(line, "\t");
	char name[MANIFEST_WORD_MAX * 2 + 1];

	if (len == 0 || len >= sizeof(name) || line[len] != '\t' || !line[len + 1])
		return;
	memcpy(name, line, len);
	name[len] = '\0';
	(void)manifest_add_package(m, name, line + len + 1);
}

static int list_packages(struct job *job, const char *root, struct manifest *m,
			 struct ironclaw_error *err)
{
	char admin[STORE_PATH_MAX + 32];
	const char *argv[] = {"dpkg-query", admin, "--show",
			      "--showformat=${Package}\t${Version}\n", NULL};
	struct job_tool tool = {.argv = argv, .line = take_package, .ctx = m};

	(void)snprintf(admin, sizeof(admin), "--admindir=%s/var/lib/dpkg", root);
	return job_run(job, &tool, err);
}

int recipe_debian(struct job *job, const char *root, struct manifest *m,
		  const char *const **ret_mkfs, struct ironclaw_error *err)
{
	char include[MANIFEST_INCLUDE_MAX + 16], aptopt[STORE_PATH_MAX + 16];
	char acquire[STORE_PATH_MAX];
	struct apt_sources sources;
	const char *argv[ARGV_MAX];
	struct job_tool tool = {.argv = argv,
				.env = environment,
				.progress = true,
				.contained = true,
				.foreign_ids = true};
	size_t n = 0;
	int r;

	r = check_ids(job, err);
	if (r == 0)
		r = apt_sources(job, m->suite, &sources, err);
	if (r == 0)
		r = apt_write_acquire(job, acquire, err);
	if (r < 0)
		return r;
	(void)snprintf(include, sizeof(include), "--include=%s", m->include);
	(void)snprintf(aptopt, sizeof(aptopt), "--aptopt=%s", acquire);
	argv[n++] = "mmdebstrap";
	for (size_t i = 0; i < ARRAY_SIZE(fixed_arguments); i++)
		argv[n++] = fixed_arguments[i];
	argv[n++] = aptopt;
	if (m->include[0])
		argv[n++] = include;
	argv[n++] = m->suite;
	argv[n++] = root;
	for (size_t i = 0; i < sources.n; i++)
		argv[n++] = sources.lines[i];
	argv[n] = NULL;

	job_progress(job, "image '%s': Debian %s with %s", job->name, m->suite,
		     m->include[0] ? m->include : "no further packages");
	r = job_run(job, &tool, err);
	if (r == 0)
		r = list_packages(job, root, m, err);
	if (r == 0)
		*ret_mkfs = mkfs_options;
	return r;
}
