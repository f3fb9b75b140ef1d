/* SPDX-License-Identifier: Apache-2.0 */
/* test_image_build.c - image/build.h with the busybox image, which needs no network. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "image/build.h"
#include "image/store.h"
#include "sys/file.h"
#include "sys/spawn.h"

#define SKIPPED 77

static char home[64];
static struct paths paths;

static void set_paths(const char *dir)
{
	(void)snprintf(paths.data, sizeof(paths.data), "%s/data", dir);
	(void)snprintf(paths.cache, sizeof(paths.cache), "%s/cache", dir);
	(void)snprintf(paths.run, sizeof(paths.run), "%s/run", dir);
}

static int make_home(void **state)
{
	(void)state;
	(void)snprintf(home, sizeof(home), "/tmp/ironclaw-test-XXXXXX");
	if (!mkdtemp(home))
		return -1;
	set_paths(home);
	return 0;
}

static int remove_home(void **state)
{
	(void)state;
	return file_remove_tree(AT_FDCWD, home);
}

static void need_tools(void)
{
	if (spawn_find("mkfs.erofs", NULL, 0) < 0 || spawn_find("busybox", NULL, 0) < 0)
		skip();
}

static int build(const struct build_settings *settings, bool *ret_built, struct ironclaw_error *err)
{
	struct image_recipe recipe = {.name = IMAGE_BUSYBOX};

	return image_build(settings, &recipe, ret_built, err);
}

/* How many things there are in the store, hidden ones included. */
static unsigned int count_entries(void)
{
	char path[1200];
	cleanup_closedir DIR *d = NULL;
	unsigned int n = 0;
	const struct dirent *e;

	(void)snprintf(path, sizeof(path), "%s/images", paths.data);
	d = opendir(path);
	while (d && (e = readdir(d)))
		n += strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0;
	return n;
}

static void test_build(void **state)
{
	struct build_settings settings = {.paths = &paths, .version = "test"};
	struct image_recipe again = {.name = "busybox"};
	struct ironclaw_error err = {0};
	struct manifest m = {.size = 0};
	char first[DIGEST_HEX_B + 1];
	struct image image;
	bool built = false;

	(void)state;
	need_tools();
	assert_int_equal(build(&settings, &built, &err), 0);
	assert_true(built);
	assert_int_equal(count_entries(), 1);
	assert_int_equal(image_find(&paths, "busybox", &image, &err), 0);
	memcpy(first, image.digest, sizeof(first));
	assert_int_equal(store_inspect(&paths, STORE_IMAGES, "busybox", &m, &err), 0);
	assert_string_equal(m.recipe, "busybox");
	assert_string_equal(m.ironclaw, "test");
	manifest_done(&m);

	assert_int_equal(build(&settings, &built, &err), 0);
	assert_false(built);
	/* The same bytes each time. */
	settings.force = true;
	assert_int_equal(image_build(&settings, &again, &built, &err), 0);
	assert_true(built);
	assert_int_equal(count_entries(), 1);
	assert_int_equal(image_find(&paths, "busybox", &image, &err), 0);
	assert_string_equal(image.digest, first);
}

static void test_damage_is_repaired(void **state)
{
	struct build_settings settings = {.paths = &paths, .version = "test"};
	struct ironclaw_error err = {0};
	struct image image;
	bool built = false;

	(void)state;
	need_tools();
	assert_int_equal(build(&settings, NULL, &err), 0);
	assert_int_equal(image_find(&paths, "busybox", &image, &err), 0);
	assert_int_equal(truncate(image.path, 5000), 0);
	assert_int_equal(image_find(&paths, "busybox", &image, &err), -EBADMSG);
	assert_int_equal(build(&settings, &built, &err), 0);
	assert_true(built);
	assert_int_equal(image_find(&paths, "busybox", &image, &err), 0);
}

static void test_bad_recipes(void **state)
{
	static const struct image_recipe bad[] = {
		{.name = "../x"},
		{.name = ""},
		{.name = "busybox", .suite = "bookworm"},
		{.name = "busybox", .include = "git"},
		{.name = "x", .suite = "--help"},
		{.name = "x", .suite = "a/b"},
		{.name = "x", .include = "git;rm"},
		{.name = "x", .include = "git,"},
		{.name = "x", .include = ",git"},
		{.name = "x", .include = "git,-o"},
		{.name = "x", .include = "git,?essential"},
	};
	struct build_settings settings = {.paths = &paths, .version = "test"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct ironclaw_error err = {0};

		assert_int_equal(image_build(&settings, &bad[i], NULL, &err), -EINVAL);
		assert_int_equal(err.code, IRONCLAW_ERR_INVALID);
	}
}

/* Many at once: one of them builds, the others find it done. */
static void test_concurrent(void **state)
{
	enum { N = 5 };
	struct build_settings settings = {.paths = &paths, .version = "test"};
	unsigned int builders = 0;
	struct image image;
	char path[1200];
	pid_t pids[N];
	int status;

	(void)state;
	need_tools();
	(void)snprintf(path, sizeof(path), "%s/images", paths.data);
	assert_int_equal(file_remove_tree(AT_FDCWD, path), 0);
	for (int i = 0; i < N; i++) {
		pids[i] = fork();
		if (pids[i] == 0) {
			bool built = false;
			int r = build(&settings, &built, NULL);

			_exit(r < 0 ? 100 : built ? 1 : 0);
		}
	}
	for (int i = 0; i < N; i++) {
		assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
		assert_true(WIFEXITED(status) && WEXITSTATUS(status) <= 1);
		builders += (unsigned int)WEXITSTATUS(status);
	}
	assert_int_equal(builders, 1);
	assert_int_equal(count_entries(), 1);
	assert_int_equal(image_find(&paths, "busybox", &image, NULL), 0);
}

static bool always(void *ctx)
{
	(void)ctx;
	return true;
}

static void test_cancelled(void **state)
{
	struct build_settings settings = {.paths = &paths,
					  .version = "test",
					  .force = true,
					  .cancelled = always};
	struct ironclaw_error err = {0};
	struct image before, after;

	(void)state;
	need_tools();
	assert_int_equal(build(&(struct build_settings){.paths = &paths, .version = "t"}, NULL,
			       NULL),
			 0);
	assert_int_equal(image_find(&paths, "busybox", &before, &err), 0);
	assert_int_equal(build(&settings, NULL, &err), -ECANCELED);
	assert_int_equal(err.code, IRONCLAW_ERR_CANCELLED);
	assert_int_equal(count_entries(), 1);
	assert_int_equal(image_find(&paths, "busybox", &after, &err), 0);
	assert_string_equal(before.digest, after.digest);
}

/* What killed builds left behind goes, another name's too, but not what is being built. */
static void test_sweep(void **state)
{
	struct build_settings settings = {.paths = &paths, .version = "test", .force = true};
	cleanup_close int lock = -EBADF;
	char path[1200];

	(void)state;
	need_tools();
	(void)snprintf(path, sizeof(path), "%s/images/.build-busybox/root/x", paths.data);
	assert_int_equal(file_mkdir_p(path, 0755), 0);
	(void)snprintf(path, sizeof(path), "%s/images/.build-dead/out", paths.data);
	assert_int_equal(file_mkdir_p(path, 0755), 0);
	(void)snprintf(path, sizeof(path), "%s/images/.build-alive/out", paths.data);
	assert_int_equal(file_mkdir_p(path, 0755), 0);
	(void)snprintf(path, sizeof(path), "%s/images/.lock-alive", paths.data);
	lock = file_lock(AT_FDCWD, path, false);
	assert_true(lock >= 0);
	assert_int_equal(build(&settings, NULL, NULL), 0);
	assert_int_equal(count_entries(), 3);
	close_fd(&lock);
	assert_int_equal(build(&settings, NULL, NULL), 0);
	assert_int_equal(count_entries(), 1);
}

static bool write_to(const char *path, const char *text)
{
	cleanup_close int fd = open(path, O_WRONLY | O_CLOEXEC);

	return fd >= 0 && file_write_full(fd, text, strlen(text)) == 0;
}

/* In namespaces of its own: a file system of @size, and a build on it. Returns an exit code. */
static int build_on_small_disk(const char *size)
{
	struct build_settings settings = {.paths = &paths, .version = "test"};
	char uids[64], gids[64], options[64], dir[80];
	struct ironclaw_error err = {0};
	int r;

	(void)snprintf(uids, sizeof(uids), "0 %u 1", (unsigned int)geteuid());
	(void)snprintf(gids, sizeof(gids), "0 %u 1", (unsigned int)getegid());
	(void)snprintf(options, sizeof(options), "size=%s,mode=0755", size);
	(void)snprintf(dir, sizeof(dir), "%s/disk", home);
	if (unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0 || !write_to("/proc/self/setgroups", "deny") ||
	    !write_to("/proc/self/uid_map", uids) || !write_to("/proc/self/gid_map", gids) ||
	    file_mkdir_p(dir, 0755) < 0 || mount("tmpfs", dir, "tmpfs", 0, options) < 0)
		return SKIPPED;
	set_paths(dir);
	r = build(&settings, NULL, &err);
	if (r != -ENOSPC || err.code != IRONCLAW_ERR_NO_SPACE || !strstr(err.text, "busybox"))
		return 1;
	return count_entries() == 0 ? 0 : 2;
}

static void test_full_disk(void **state)
{
	/* While the program is copied, and while the file system is made. */
	static const char *const sizes[] = {"600k", "3m"};

	(void)state;
	need_tools();
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		pid_t pid = fork();
		int status;

		if (pid == 0)
			_exit(build_on_small_disk(sizes[i]));
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFEXITED(status));
		if (WEXITSTATUS(status) == SKIPPED)
			skip();
		assert_int_equal(WEXITSTATUS(status), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_build),	    cmocka_unit_test(test_damage_is_repaired),
		cmocka_unit_test(test_bad_recipes), cmocka_unit_test(test_concurrent),
		cmocka_unit_test(test_cancelled),   cmocka_unit_test(test_sweep),
		cmocka_unit_test(test_full_disk),
	};

	return cmocka_run_group_tests_name("image_build", tests, make_home, remove_home);
}
