/* SPDX-License-Identifier: Apache-2.0 */
/* image_build.c - from a recipe to an image in its place; see build.h. */
#include "image/build.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "image/apt.h"
#include "image/image_recipes.h"

#define MKFS_ARGV_MAX 16U

/* Every name of a comma-separated list is one of a Debian package, and all of it fits a manifest.
 */
static bool include_valid(const char *include)
{
	if (strlen(include) > MANIFEST_INCLUDE_MAX)
		return false;
	while (*include) {
		size_t len = strcspn(include, ",");

		if (!apt_word_valid(include, len) || (include[len] == ',' && !include[len + 1]))
			return false;
		include += len + (include[len] == ',');
	}
	return true;
}

/* Checks a recipe and writes what it asks for into a manifest. */
static int check_recipe(const struct image_recipe *recipe, struct manifest *m,
			struct ironclaw_error *err)
{
	bool busybox = strcmp(recipe->name, IMAGE_BUSYBOX) == 0;
	const char *suite = recipe->suite ? recipe->suite : IMAGE_SUITE_DEFAULT;
	const char *include = recipe->include ? recipe->include : IMAGE_INCLUDE_DEFAULT;
	int r = store_check_name(STORE_IMAGES, recipe->name, err);

	if (r < 0)
		return r;
	if (busybox && (recipe->suite || recipe->include))
		return err_set(err, IRONCLAW_ERR_INVALID, EINVAL,
			       "the image '" IMAGE_BUSYBOX "' has neither a suite nor packages");
	if (strlen(suite) > MANIFEST_WORD_MAX || !apt_word_valid(suite, strlen(suite)))
		return err_set(err, IRONCLAW_ERR_INVALID, EINVAL,
			       "'%.80s' is no name of a Debian release", suite);
	if (!include_valid(include))
		return err_set(err, IRONCLAW_ERR_INVALID, EINVAL,
			       "'%.200s' is no list of Debian packages, joined by commas", include);
	(void)snprintf(m->recipe, sizeof(m->recipe), "%s",
		       busybox ? RECIPE_BUSYBOX : RECIPE_DEBIAN);
	(void)snprintf(m->suite, sizeof(m->suite), "%s", busybox ? "" : suite);
	(void)snprintf(m->include, sizeof(m->include), "%s", busybox ? "" : include);
	return 0;
}

static bool is_there(const struct job *job, const struct manifest *wanted)
{
	struct manifest m cleanup(manifest_done) = {.size = 0};
	const struct paths *paths = job->settings->paths;
	struct image image;

	return !job->settings->force &&
	       store_read_manifest(paths, STORE_IMAGES, job->name, &m, NULL) == 0 &&
	       strcmp(m.recipe, wanted->recipe) == 0 && strcmp(m.suite, wanted->suite) == 0 &&
	       strcmp(m.include, wanted->include) == 0 &&
	       image_find(paths, job->name, &image, NULL) == 0;
}

static int make_erofs(struct job *job, const char *root, const char *const *options,
		      const char *erofs, struct ironclaw_error *err)
{
	const char *argv[MKFS_ARGV_MAX] = {"mkfs.erofs", "--quiet"};
	struct job_tool tool = {.argv = argv, .contained = true, .foreign_ids = true};
	size_t n = 2;

	/* What the recipe made as ourselves needs no other ids. */
	if (strcmp(options[0], "--all-root") == 0)
		tool.contained = tool.foreign_ids = false;
	for (; *options; options++) {
		ic_assert(n + 3 < MKFS_ARGV_MAX);
		argv[n++] = *options;
	}
	argv[n++] = erofs;
	argv[n++] = root;
	argv[n] = NULL;
	job_progress(job, "image '%s': making the file system", job->name);
	return job_run(job, &tool, err);
}

static int digest_image(const char *erofs, struct manifest *m, struct ironclaw_error *err)
{
	cleanup_close int fd = open(erofs, O_RDONLY | O_CLOEXEC);
	int r = fd < 0 ? -errno : digest_fd(fd, m->sha256, &m->size);

	return r < 0 ? err_sys(err, -r, "cannot read %s", erofs) : 0;
}

static int do_work(struct job *job, struct manifest *m, struct ironclaw_error *err)
{
	static const char *const debian_needs[] = {"mmdebstrap", "mkfs.erofs", "unshare",
						   "dpkg-query", "apt-get",    "apt-config",
						   NULL};
	static const char *const busybox_needs[] = {"mkfs.erofs", "dpkg-query", NULL};
	bool busybox = strcmp(m->recipe, RECIPE_BUSYBOX) == 0;
	const char *const *mkfs_options = NULL;
	char root[STORE_PATH_MAX], erofs[STORE_PATH_MAX];
	int r;

	(void)snprintf(root, sizeof(root), "%.1150s/root", job->dir);
	(void)snprintf(erofs, sizeof(erofs), "%.1150s/root.erofs", job->out);
	r = job_need(busybox ? busybox_needs : debian_needs, err);
	if (r == 0)
		r = job_start_work(job, err);
	if (r == 0)
		r = busybox ? recipe_busybox(job, root, m, &mkfs_options, err)
			    : recipe_debian(job, root, m, &mkfs_options, err);
	if (r == 0)
		r = make_erofs(job, root, mkfs_options, erofs, err);
	if (r == 0)
		r = job_remove(job, root, err);
	if (r == 0)
		r = digest_image(erofs, m, err);
	return r == 0 ? job_commit(job, m, err) : r;
}

int image_build(const struct build_settings *settings, const struct image_recipe *recipe,
		bool *ret_built, struct ironclaw_error *err)
{
	struct manifest m cleanup(manifest_done) = {.size = 0};
	struct job job cleanup(job_end) = {.store_fd = -EBADF, .lock_fd = -EBADF, .log_fd = -EBADF};
	bool there;
	int r;

	r = check_recipe(recipe, &m, err);
	if (r == 0)
		r = job_begin(&job, settings, STORE_IMAGES, recipe->name, err);
	if (r < 0)
		return r;
	there = is_there(&job, &m);
	if (!there)
		r = do_work(&job, &m, err);
	if (r < 0) {
		err_prefix(err, "cannot build image '%s'", recipe->name);
		return r;
	}
	if (ret_built)
		*ret_built = !there;
	return 0;
}
