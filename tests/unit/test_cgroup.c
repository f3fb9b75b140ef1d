/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_cgroup.c - sys/cgroup_find.h: the kernel's text about mounts and groups; sys/cgroup.h, as
 * far as it needs no cgroup. What limits do is shown in tests/it/limits.bats.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "sys/cgroup.h"
#include "sys/cgroup_find.h"
#include "sys/file.h"

#define V1_MEMORY                                                                                  \
	"35 31 0:32 / /sys/fs/cgroup/memory rw,relatime shared:9 - cgroup cgroup rw,memory\n"
#define V1_PIDS "39 31 0:36 / /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids\n"
#define V1_CPU	"32 31 0:30 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n"
#define V2	"41 31 0:38 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate\n"
#define OTHER                                                                                      \
	"31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755\n"                      \
	"36 31 0:33 / /sys/fs/cgroup/cpuset rw - cgroup cgroup rw,cpuset\n"                        \
	"40 31 0:37 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,name=systemd\n"

static struct cgroup_host host, before;

static int mounts(const char *text)
{
	memset(&host, 0, sizeof(host));
	return cgroup_parse_mounts(text, strlen(text), &host);
}

static int own(const char *text)
{
	memset(&host, 0, sizeof(host));
	return cgroup_parse_own(text, strlen(text), &host);
}

static void v1_is_found(void **state)
{
	(void)state;
	assert_int_equal(mounts(OTHER V1_MEMORY V1_PIDS V1_CPU), 0);
	assert_string_equal(host.v1[CGROUP_MEMORY].mount, "/sys/fs/cgroup/memory");
	assert_string_equal(host.v1[CGROUP_PIDS].mount, "/sys/fs/cgroup/pids");
	assert_string_equal(host.v1[CGROUP_CPU].mount, "/sys/fs/cgroup/cpu,cpuacct");
	assert_string_equal(host.v1[CGROUP_CPU].root, "/");
	assert_string_equal(host.v2.mount, "");
}

static void v2_is_found(void **state)
{
	(void)state;
	assert_int_equal(mounts(V2), 0);
	assert_string_equal(host.v2.mount, "/sys/fs/cgroup");
	assert_string_equal(host.v2.root, "/");
	for (int c = 0; c < CGROUP_CONTROLLERS; c++)
		assert_string_equal(host.v1[c].mount, "");
}

static void hybrid_has_both(void **state)
{
	(void)state;
	assert_int_equal(mounts(V1_MEMORY
				"42 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 c rw\n"),
			 0);
	assert_string_equal(host.v1[CGROUP_MEMORY].mount, "/sys/fs/cgroup/memory");
	assert_string_equal(host.v2.mount, "/sys/fs/cgroup/unified");
}

static void two_controllers_share_a_mount(void **state)
{
	(void)state;
	assert_int_equal(mounts("1 0 0:1 / /c rw - cgroup x rw,pids,memory\n"), 0);
	assert_string_equal(host.v1[CGROUP_MEMORY].mount, "/c");
	assert_string_equal(host.v1[CGROUP_PIDS].mount, "/c");
}

/* Only whole names count: cpuset and cpuacct are not cpu. */
static void similar_names_are_others(void **state)
{
	(void)state;
	assert_int_equal(mounts("1 0 0:1 / /a rw - cgroup x rw,cpuset\n"
				"1 0 0:1 / /b rw - cgroup x rw,cpuacct\n"
				"1 0 0:1 / /c rw - cgroup x rw,name=cpu\n"
				"1 0 0:1 / /d rw - cgroup3 x rw,cpu\n"
				"1 0 0:1 / /e rw cpu - tmpfs cgroup rw,cpu\n"),
			 0);
	assert_string_equal(host.v1[CGROUP_CPU].mount, "");
}

static void the_first_mount_counts(void **state)
{
	(void)state;
	assert_int_equal(mounts(V2 "50 1 0:38 /user /home/u/cg rw - cgroup2 cgroup2 rw\n"), 0);
	assert_string_equal(host.v2.mount, "/sys/fs/cgroup");
}

static void a_container_sees_a_part(void **state)
{
	(void)state;
	assert_int_equal(mounts("9 8 0:32 /docker/0a1b /sys/fs/cgroup/memory ro master:3 "
				"propagate_from:2 - cgroup cgroup rw,memory\n"
				"9 8 0:32 /../.. /cg rw - cgroup2 cgroup2 rw\n"),
			 0);
	assert_string_equal(host.v1[CGROUP_MEMORY].root, "/docker/0a1b");
	assert_string_equal(host.v2.root, "/../..");
}

static void escapes_are_undone(void **state)
{
	(void)state;
	assert_int_equal(
		mounts("1 0 0:1 /a\\134b /with\\040blank\\011tab\\012line rw - cgroup2  rw\n"), 0);
	assert_string_equal(host.v2.root, "/a\\b");
	assert_string_equal(host.v2.mount, "/with blank\ttab\nline");
}

static void broken_mounts_are_refused_whole(void **state)
{
	static const char *const texts[] = {
		V1_MEMORY "39 31",
		V1_MEMORY "39 31\n",
		V1_MEMORY "\n",
		V1_MEMORY "1 0 0:1 / /c rw cgroup cgroup rw,pids\n",
		V1_MEMORY "1 0 0:1 / /c rw - cgroup\n",
		V1_MEMORY "1 0 0:1 / /c rw - cgroup x\n",
		V1_MEMORY "1 0 0:1 / c rw - cgroup x rw,pids\n",
		V1_MEMORY "1 0 0:1  /c rw - cgroup x rw,pids\n",
		V1_MEMORY "1 0 0:1 / /c\\04 rw - cgroup x rw,pids\n",
		V1_MEMORY "1 0 0:1 / /c\\ rw - cgroup x rw,pids\n",
		V1_MEMORY "1 0 0:1 / /c\\048 rw - cgroup x rw,pids\n",
		V1_MEMORY "1 0 0:1 / /c\\000d rw - cgroup x rw,pids\n",
		V1_MEMORY "1 0 0:1 / /c\\777 rw - cgroup x rw,pids\n",
		V1_MEMORY "1 0 0:1 / /c rw - cgroup x rw,pids",
	};

	(void)state;
	memset(&before, 0, sizeof(before));
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		if (mounts(texts[i]) != -EINVAL)
			print_error("text '%s'\n", texts[i]);
		assert_int_equal(mounts(texts[i]), -EINVAL);
		assert_memory_equal(&host, &before, sizeof(host));
	}
	assert_int_equal(mounts(""), 0);
}

static void long_paths_are_refused(void **state)
{
	char text[CGROUP_PATH_MAX_B + 64];
	char path[CGROUP_PATH_MAX_B + 1];

	(void)state;
	memset(path, 'x', sizeof(path));
	path[0] = '/';
	path[CGROUP_PATH_MAX_B] = '\0';
	(void)snprintf(text, sizeof(text), "1 0 0:1 / %s rw - cgroup2 x rw\n", path);
	assert_int_equal(mounts(text), -ENAMETOOLONG);
	(void)snprintf(text, sizeof(text), "0::%s\n", path);
	assert_int_equal(own(text), -ENAMETOOLONG);
	path[CGROUP_PATH_MAX_B - 1] = '\0';
	(void)snprintf(text, sizeof(text), "1 0 0:1 / %s rw - cgroup2 x rw\n", path);
	assert_int_equal(mounts(text), 0);
	assert_string_equal(host.v2.mount, path);
	(void)snprintf(text, sizeof(text), "0::%s\n", path);
	assert_int_equal(own(text), 0);
	assert_string_equal(host.v2.own, path);
}

static void own_groups_are_found(void **state)
{
	(void)state;
	assert_int_equal(own("9:name=systemd:/s\n8:pids:/\n4:memory:/process/8bc9\n3:cpuset:/x\n"
			     "1:cpu,cpuacct:/c\n0::/user.slice/u\n"),
			 0);
	assert_string_equal(host.v1[CGROUP_PIDS].own, "/");
	assert_string_equal(host.v1[CGROUP_MEMORY].own, "/process/8bc9");
	assert_string_equal(host.v1[CGROUP_CPU].own, "/c");
	assert_string_equal(host.v2.own, "/user.slice/u");
	/* Outside of our cgroup namespace; with a colon in the name; removed meanwhile. */
	assert_int_equal(own("0::/../../x\n"), 0);
	assert_string_equal(host.v2.own, "/../../x");
	assert_int_equal(own("0::/a:b c (deleted)\n"), 0);
	assert_string_equal(host.v2.own, "/a:b c (deleted)");
	assert_string_equal(host.v1[CGROUP_MEMORY].own, "");
}

static void broken_groups_are_refused_whole(void **state)
{
	static const char *const texts[] = {
		"8:pids:/a\n4:memory\n",
		"8:pids:/a\n\n",
		"8:pids:/a\n4:memory:\n",
		"8:pids:/a\n0:/\n",
		"8:pids:/a\n0:pids:/b\n",
		"8:pids:/a\n4:memory:b\n",
		"8:pids:/a",
	};

	(void)state;
	memset(&before, 0, sizeof(before));
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		assert_int_equal(own(texts[i]), -EINVAL);
		assert_memory_equal(&host, &before, sizeof(host));
	}
	memset(&host, 0, sizeof(host));
	assert_int_equal(cgroup_parse_own("0::/a\0b\n", 8, &host), -EINVAL);
	assert_memory_equal(&host, &before, sizeof(host));
}

static void this_process_is_found(void **state)
{
	(void)state;
	assert_int_equal(cgroup_find(&host), 0);
	assert_true(host.v2.own[0] || host.v1[CGROUP_MEMORY].own[0]);
	assert_int_equal(cgroup_find_own(getpid(), &before), 0);
	assert_string_equal(host.v2.own, before.v2.own);
	assert_int_equal(cgroup_find_own(0x7fffffff, &before), -ENOENT);
}

/* A tree on any file system: these calls do not care. */
static char top[64];
static int top_fd = -EBADF;

static int build(void **state)
{
	(void)state;
	(void)snprintf(top, sizeof(top), "/tmp/test_cgroup.XXXXXX");
	assert_non_null(mkdtemp(top));
	top_fd = open(top, O_PATH | O_DIRECTORY | O_CLOEXEC);
	assert_true(top_fd >= 0);
	assert_int_equal(mkdirat(top_fd, "group", 0755), 0);
	assert_int_equal(mkdirat(top_fd, "elsewhere", 0755), 0);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	close_fd(&top_fd);
	return file_remove_tree(AT_FDCWD, top);
}

static void put(const char *path, const char *text)
{
	cleanup_close int fd = openat(top_fd, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
}

static void what_is_no_cgroup_is_no_mount(void **state)
{
	(void)state;
	assert_int_equal(cgroup_open_mount(top, true), -ENODEV);
	assert_int_equal(cgroup_open_mount(top, false), -ENODEV);
	assert_int_equal(cgroup_open_mount("/nowhere", true), -ENOENT);
}

static void links_are_not_followed(void **state)
{
	cleanup_close int group = cgroup_open(top_fd, "group");
	char way_out[128], text[CGROUP_VALUE_MAX_B];

	(void)state;
	assert_true(group >= 0);
	put("elsewhere/pids.max", "as it was");
	(void)snprintf(way_out, sizeof(way_out), "%s/elsewhere/pids.max", top);
	assert_int_equal(symlinkat("elsewhere", top_fd, "link"), 0);
	assert_int_equal(symlinkat("/proc", top_fd, "out"), 0);
	assert_int_equal(symlinkat(way_out, group, "pids.max"), 0);
	assert_int_equal(cgroup_open(top_fd, "link"), -ELOOP);
	assert_int_equal(cgroup_open(top_fd, "out/self"), -ELOOP);
	assert_int_equal(cgroup_open(top_fd, "../etc"), -EXDEV);
	assert_int_equal(cgroup_open(top_fd, "/etc"), -EXDEV);
	assert_int_equal(cgroup_write(group, "pids.max", "7"), -ELOOP);
	assert_int_equal(cgroup_set(group, "pids.max", "7"), -ELOOP);
	assert_int_equal(cgroup_make(top_fd, "link"), -ELOOP);
	assert_int_equal(cgroup_remove(top_fd, "link", true), -ENOTDIR);
	assert_int_equal(faccessat(top_fd, "elsewhere/pids.max", F_OK, 0), 0);
	assert_int_equal(cgroup_read(top_fd, "elsewhere/pids.max", text), 0);
	assert_string_equal(text, "as it was");
	assert_int_equal(unlinkat(group, "pids.max", 0), 0);
}

static void a_value_that_the_kernel_changes_is_an_error(void **state)
{
	cleanup_close int group = cgroup_open(top_fd, "group");

	(void)state;
	/* What is longer before stays in a plain file: it reads back as something else. */
	put("group/memory.max", "max\n");
	assert_int_equal(cgroup_set(group, "memory.max", "12"), -EDOM);
	put("group/memory.max", "");
	assert_int_equal(cgroup_set(group, "memory.max", "4096"), 0);
	assert_int_equal(cgroup_set(group, "nothing", "1"), -ENOENT);
}

static void words_and_counts_are_whole(void **state)
{
	static const char list[] = "cpuset cpu  io memory_x pids";
	cleanup_close int group = cgroup_open(top_fd, "group");
	char text[CGROUP_VALUE_MAX_B];

	(void)state;
	assert_true(cgroup_has_word(list, "cpu"));
	assert_true(cgroup_has_word(list, "pids"));
	assert_true(cgroup_has_word(list, "cpuset"));
	assert_false(cgroup_has_word(list, "memory"));
	assert_false(cgroup_has_word(list, ""));
	assert_false(cgroup_has_word("", "cpu"));
	put("group/c", "one line\n");
	assert_int_equal(cgroup_read(group, "c", text), 0);
	assert_string_equal(text, "one line");
	memset(text, 'x', sizeof(text));
	text[CGROUP_VALUE_MAX_B - 1] = '\0';
	put("group/c", text);
	assert_int_equal(cgroup_read(group, "c", text), 0);
	assert_int_equal(cgroup_read(group, "nothing", text), -ENOENT);
	put("group/e", "low 1\noom 3\noom_kill 2\noom_group_kill 4\n");
	assert_int_equal(cgroup_count(group, "e", "oom_kill"), 2);
	assert_int_equal(cgroup_count(group, "e", "oom"), 3);
	assert_int_equal(cgroup_count(group, "e", "kill"), 0);
	assert_int_equal(cgroup_count(group, "nothing", "oom"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(v1_is_found),
		cmocka_unit_test(v2_is_found),
		cmocka_unit_test(hybrid_has_both),
		cmocka_unit_test(two_controllers_share_a_mount),
		cmocka_unit_test(similar_names_are_others),
		cmocka_unit_test(the_first_mount_counts),
		cmocka_unit_test(a_container_sees_a_part),
		cmocka_unit_test(escapes_are_undone),
		cmocka_unit_test(broken_mounts_are_refused_whole),
		cmocka_unit_test(long_paths_are_refused),
		cmocka_unit_test(own_groups_are_found),
		cmocka_unit_test(broken_groups_are_refused_whole),
		cmocka_unit_test(this_process_is_found),
		cmocka_unit_test(what_is_no_cgroup_is_no_mount),
		cmocka_unit_test(links_are_not_followed),
		cmocka_unit_test(a_value_that_the_kernel_changes_is_an_error),
		cmocka_unit_test(words_and_counts_are_whole),
	};

	return cmocka_run_group_tests(tests, build, tear_down);
}
