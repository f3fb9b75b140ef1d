/* SPDX-License-Identifier: Apache-2.0 */
/* test_file.c - sys/file.h in a folder of its own under /tmp. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "sys/file.h"

static char folder[64];
static int folder_fd = -EBADF;

static int make_folder(void **state)
{
	(void)state;
	(void)snprintf(folder, sizeof(folder), "/tmp/ironclaw-test-file-XXXXXX");
	if (!mkdtemp(folder))
		return -1;
	folder_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return folder_fd < 0 ? -1 : 0;
}

static int remove_folder(void **state)
{
	(void)state;
	close_fd(&folder_fd);
	return file_remove_tree(AT_FDCWD, folder);
}

static bool exists(const char *path)
{
	struct stat st;

	return fstatat(folder_fd, path, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

static void put(const char *path, const char *text)
{
	assert_int_equal(file_write_atomic(folder_fd, path, text, strlen(text), 0600), 0);
}

static void test_write_and_read_back(void **state)
{
	cleanup_free char *text = NULL;
	size_t len = 0;
	struct stat st;

	(void)state;
	put("a", "first");
	put("a", "second text");
	assert_int_equal(file_read_bounded(folder_fd, "a", 64, &text, &len), 0);
	assert_int_equal(len, 11);
	assert_string_equal(text, "second text");
	assert_int_equal(fstatat(folder_fd, "a", &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
}

static void test_bounded_read_refuses(void **state)
{
	char *text = NULL;
	size_t len = 7;

	(void)state;
	put("a", "12345");
	assert_int_equal(mkfifoat(folder_fd, "fifo", 0600), 0);
	assert_int_equal(file_read_bounded(folder_fd, "a", 4, &text, &len), -EFBIG);
	assert_int_equal(file_read_bounded(folder_fd, "none", 64, &text, &len), -ENOENT);
	assert_int_equal(file_read_bounded(folder_fd, ".", 64, &text, &len), -EISDIR);
	assert_int_equal(file_read_bounded(folder_fd, "fifo", 64, &text, &len), -EINVAL);
	assert_null(text);
	assert_int_equal(len, 7);
}

static void test_failed_write_leaves_the_old(void **state)
{
	cleanup_free char *text = NULL;
	size_t len;

	(void)state;
	assert_int_equal(mkdirat(folder_fd, "d", 0700), 0);
	assert_true(file_write_atomic(folder_fd, "d", "x", 1, 0600) < 0);
	assert_true(file_write_atomic(folder_fd, "none/x", "x", 1, 0600) < 0);
	put("a", "old");
	assert_int_equal(file_read_bounded(folder_fd, "a", 64, &text, &len), 0);
	assert_string_equal(text, "old");
	/* No half-written neighbour stays behind: the folder holds "d" and "a", and can go. */
	assert_int_equal(unlinkat(folder_fd, "a", 0), 0);
	assert_int_equal(unlinkat(folder_fd, "d", AT_REMOVEDIR), 0);
	assert_int_equal(rmdir(folder), 0);
	assert_int_equal(mkdir(folder, 0700), 0);
}

static void test_read_full_tells_an_early_end(void **state)
{
	cleanup_close int fd = -EBADF;
	char buf[8];

	(void)state;
	put("a", "1234");
	fd = openat(folder_fd, "a", O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(file_read_full(fd, buf, 3), 0);
	assert_int_equal(file_read_full(fd, buf, 3), -ENODATA);
}

static void test_mkdir_p(void **state)
{
	char path[128], link[128];
	int fd;

	(void)state;
	(void)snprintf(path, sizeof(path), "%s/x/y/z", folder);
	assert_int_equal(file_mkdir_p(path, 0700), 0);
	assert_int_equal(file_mkdir_p(path, 0700), 0);
	assert_true(exists("x/y/z"));
	assert_int_equal(file_mkdir_p("relative/x", 0700), -EINVAL);
	put("f", "x");
	(void)snprintf(path, sizeof(path), "%s/f/x", folder);
	assert_int_equal(file_mkdir_p(path, 0700), -ENOTDIR);

	(void)snprintf(path, sizeof(path), "%s/x/y", folder);
	fd = file_mkdir_private(path);
	assert_true(fd >= 0);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	assert_int_equal(close(fd), 0);
	assert_int_equal(chmod(path, 0777), 0);
	assert_int_equal(file_mkdir_private(path), -EPERM);
	(void)snprintf(link, sizeof(link), "%s/link", folder);
	assert_int_equal(symlink("x", link), 0);
	assert_int_equal(file_mkdir_private(link), -ENOTDIR);
}

static void test_remove_tree_does_not_follow(void **state)
{
	(void)state;
	assert_int_equal(mkdirat(folder_fd, "keep", 0700), 0);
	put("keep/file", "x");
	assert_int_equal(mkdirat(folder_fd, "tree", 0700), 0);
	assert_int_equal(mkdirat(folder_fd, "tree/sub", 0700), 0);
	put("tree/sub/file", "x");
	assert_int_equal(symlinkat("../../keep", folder_fd, "tree/sub/link"), 0);
	assert_int_equal(symlinkat("keep", folder_fd, "link"), 0);
	assert_int_equal(file_remove_tree(folder_fd, "tree"), 0);
	assert_int_equal(file_remove_tree(folder_fd, "tree"), 0);
	assert_int_equal(file_remove_tree(folder_fd, "link"), 0);
	assert_false(exists("tree"));
	assert_false(exists("link"));
	assert_true(exists("keep/file"));
}

/* What bears the name of the new file: the old one of a hard link, a FIFO that nobody reads. */
static void test_write_does_not_go_where_somebody_planted(void **state)
{
	cleanup_free char *text = NULL;
	char name[64];
	size_t len = 0;

	(void)state;
	(void)snprintf(name, sizeof(name), "a.tmp.%d", (int)getpid());
	put("precious", "x");
	assert_int_equal(linkat(folder_fd, "precious", folder_fd, name, 0), 0);
	put("a", "new");
	assert_int_equal(file_read_bounded(folder_fd, "precious", 99, &text, &len), 0);
	assert_string_equal(text, "x");
	assert_int_equal(mkfifoat(folder_fd, name, 0600), 0);
	put("a", "newer");
	assert_int_equal(symlinkat("precious", folder_fd, name), 0);
	put("a", "newest");
	assert_int_equal(mkdirat(folder_fd, name, 0700), 0);
	assert_int_equal(file_write_atomic(folder_fd, "a", "", 0, 0600), -EISDIR);
}

static void test_open_private(void **state)
{
	int fd;

	(void)state;
	assert_int_equal(mkdirat(folder_fd, "d", 0700), 0);
	assert_int_equal(symlinkat("d", folder_fd, "link"), 0);
	put("f", "x");
	fd = file_open_private(folder_fd, "d");
	assert_true(fd >= 0);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	assert_int_equal(close(fd), 0);
	assert_int_equal(file_open_private(folder_fd, "none"), -ENOENT);
	assert_int_equal(file_open_private(folder_fd, "link"), -ENOTDIR);
	assert_int_equal(file_open_private(folder_fd, "f"), -ENOTDIR);
	assert_int_equal(fchmodat(folder_fd, "d", 0770, 0), 0);
	assert_int_equal(file_open_private(folder_fd, "d"), -EPERM);
	if (geteuid() != 0)
		return;
	assert_int_equal(fchmodat(folder_fd, "d", 0700, 0), 0);
	assert_int_equal(fchownat(folder_fd, "d", 1, 1, 0), 0);
	assert_int_equal(file_open_private(folder_fd, "d"), -EPERM);
}

static void test_lock(void **state)
{
	int first = file_lock(folder_fd, "lock", false);

	(void)state;
	assert_true(first >= 0);
	assert_true(fcntl(first, F_GETFD) & FD_CLOEXEC);
	assert_int_equal(file_lock(folder_fd, "lock", false), -EWOULDBLOCK);
	close_fd(&first);
	first = file_lock(folder_fd, "lock", true);
	assert_true(first >= 0);
	/* The name is free again once somebody removed the file: a new lock is another file. */
	assert_int_equal(unlinkat(folder_fd, "lock", 0), 0);
	{
		cleanup_close int second = file_lock(folder_fd, "lock", false);

		assert_true(second >= 0);
	}
	close_fd(&first);
	assert_int_equal(symlinkat("keep", folder_fd, "planted"), 0);
	assert_int_equal(file_lock(folder_fd, "planted", false), -ELOOP);
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_FOLDER(test_write_and_read_back),
		IN_FOLDER(test_bounded_read_refuses),
		IN_FOLDER(test_failed_write_leaves_the_old),
		IN_FOLDER(test_read_full_tells_an_early_end),
		IN_FOLDER(test_mkdir_p),
		IN_FOLDER(test_remove_tree_does_not_follow),
		IN_FOLDER(test_write_does_not_go_where_somebody_planted),
		IN_FOLDER(test_open_private),
		IN_FOLDER(test_lock),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
