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

/* Somebody who can write to the folder, and guesses the name under which a file is made. */
static void test_a_write_goes_through_no_file_that_was_there(void **state)
{
	char tmp[64], got[8] = "";
	int fd;

	(void)state;
	(void)snprintf(tmp, sizeof(tmp), "a.tmp.%d", (int)getpid());
	fd = openat(folder_fd, tmp, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	assert_true(fd >= 0);
	put("a", "secret");
	assert_int_equal(pread(fd, got, sizeof(got), 0), 0);
	(void)close(fd);
	/* A link to another file is not followed either. */
	put("b", "untouched");
	assert_int_equal(symlinkat("b", folder_fd, tmp), 0);
	put("a", "secret");
	fd = openat(folder_fd, "b", O_RDONLY | O_CLOEXEC);
	assert_int_equal(pread(fd, got, sizeof(got) - 1, 0), 7);
	assert_string_equal(got, "untouch");
	(void)close(fd);
	assert_false(exists(tmp));
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

#define HOLE_B 65536

static void fill(int fd, off_t at, size_t len, char with)
{
	char buf[HOLE_B];

	memset(buf, with, sizeof(buf));
	for (size_t done = 0; done < len; done += sizeof(buf))
		assert_int_equal(pwrite(fd, buf, sizeof(buf), at + (off_t)done), sizeof(buf));
}

/* Data, zeros, data, zeros, and a cut piece of zeros at the end. */
static void test_dig_holes(void **state)
{
	cleanup_close int fd = openat(folder_fd, "f", O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	const off_t size = 32 * HOLE_B + 100;
	char before[HOLE_B], byte;
	struct stat full, dug;

	(void)state;
	assert_true(fd >= 0);
	fill(fd, 0, 32 * HOLE_B, 0);
	fill(fd, 0, HOLE_B, 'a');
	fill(fd, 9 * HOLE_B, 2 * HOLE_B, 'b');
	/* One byte that is not zero keeps its piece. */
	assert_int_equal(pwrite(fd, "c", 1, 20 * HOLE_B + HOLE_B - 1), 1);
	assert_int_equal(ftruncate(fd, size), 0);
	assert_int_equal(fsync(fd), 0);
	assert_int_equal(fstat(fd, &full), 0);
	assert_int_equal(file_dig_holes(fd), 0);
	assert_int_equal(fsync(fd), 0);
	assert_int_equal(fstat(fd, &dug), 0);
	assert_int_equal(dug.st_size, size);
	assert_true(full.st_blocks >= 32 * HOLE_B / 512);
	assert_true(dug.st_blocks <= 6 * HOLE_B / 512);
	for (int i = 0; i < 32; i++) {
		char first = i == 0 ? 'a' : i == 9 || i == 10 ? 'b' : 0;

		assert_int_equal(pread(fd, before, sizeof(before), i * HOLE_B), sizeof(before));
		assert_int_equal(before[0], first);
		assert_int_equal(before[HOLE_B - 1], i == 20 ? 'c' : first);
	}
	/* Again, and of nothing at all. */
	assert_int_equal(file_dig_holes(fd), 0);
	assert_int_equal(ftruncate(fd, 0), 0);
	assert_int_equal(file_dig_holes(fd), 0);
	assert_int_equal(pread(fd, &byte, 1, 0), 0);
}

/* A folder, and not what a link in its place leads to. */
static void test_open_folder(void **state)
{
	int fd;

	(void)state;
	assert_int_equal(mkdirat(folder_fd, "d", 0700), 0);
	assert_int_equal(symlinkat("d", folder_fd, "link"), 0);
	put("f", "x");
	fd = file_open_folder(folder_fd, "d");
	assert_true(fd >= 0);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	assert_int_equal(close(fd), 0);
	assert_int_equal(file_open_folder(folder_fd, "link"), -ENOTDIR);
	assert_int_equal(file_open_folder(folder_fd, "f"), -ENOTDIR);
	assert_int_equal(file_open_folder(folder_fd, "none"), -ENOENT);
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_FOLDER(test_write_and_read_back),
		IN_FOLDER(test_bounded_read_refuses),
		IN_FOLDER(test_a_write_goes_through_no_file_that_was_there),
		IN_FOLDER(test_failed_write_leaves_the_old),
		IN_FOLDER(test_read_full_tells_an_early_end),
		IN_FOLDER(test_mkdir_p),
		IN_FOLDER(test_remove_tree_does_not_follow),
		IN_FOLDER(test_write_does_not_go_where_somebody_planted),
		IN_FOLDER(test_open_private),
		IN_FOLDER(test_open_folder),
		IN_FOLDER(test_dig_holes),
		IN_FOLDER(test_lock),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
