/* SPDX-License-Identifier: Apache-2.0 */
/* test_initramfs.c - image/initramfs.h: the archive is what the kernel's format says. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "image/initramfs.h"
#include "sys/file.h"

static char home[64], agent[128], modules[128];

static void put(const char *dir, const char *name, const void *content, size_t len)
{
	char path[256];

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	assert_int_equal(file_write_atomic(AT_FDCWD, path, content, len, 0644), 0);
}

static int make_home(void **state)
{
	(void)state;
	(void)snprintf(home, sizeof(home), "/tmp/ironclaw-test-XXXXXX");
	if (!mkdtemp(home))
		return -1;
	(void)snprintf(agent, sizeof(agent), "%s/agent", home);
	(void)snprintf(modules, sizeof(modules), "%s/modules", home);
	if (mkdir(modules, 0755) < 0)
		return -1;
	put(home, "agent", "#!agent", 7);
	put(modules, "10-c.ko", "cc", 2);
	put(modules, "02-b.ko", "b", 1);
	put(modules, "00-a.ko", "aaaa", 4);
	put(modules, "notes.txt", "x", 1);
	put(modules, ".ko", "x", 1);
	return 0;
}

static int remove_home(void **state)
{
	(void)state;
	return file_remove_tree(AT_FDCWD, home);
}

struct member {
	char name[128];
	unsigned int mode, uid, size, major, minor;
	const char *content;
};

/* Reads one member at *at as init/initramfs.c of the kernel does; false at the trailer. */
static bool next_member(const char *archive, size_t len, size_t *at, struct member *m)
{
	unsigned int field[13], name_b;
	char hex[9];

	assert_true(*at % 4 == 0 && *at + 110 <= len);
	assert_memory_equal(archive + *at, "070701", 6);
	for (size_t i = 0; i < 13; i++) {
		memcpy(hex, archive + *at + 6 + 8 * i, 8);
		hex[8] = '\0';
		assert_int_equal(sscanf(hex, "%8x", &field[i]), 1);
	}
	name_b = field[11];
	assert_true(name_b > 1 && name_b <= sizeof(m->name) && *at + 110 + name_b <= len);
	memcpy(m->name, archive + *at + 110, name_b);
	assert_int_equal(m->name[name_b - 1], '\0');
	m->mode = field[1];
	m->uid = field[2];
	m->size = field[6];
	m->major = field[9];
	m->minor = field[10];
	*at = (*at + 110 + name_b + 3) & ~(size_t)3;
	assert_true(*at + m->size <= len);
	m->content = archive + *at;
	*at = (*at + m->size + 3) & ~(size_t)3;
	return strcmp(m->name, "TRAILER!!!") != 0;
}

static void read_all(int fd, char *buf, size_t size, size_t *ret_len)
{
	struct stat st;

	assert_int_equal(fstat(fd, &st), 0);
	assert_true((size_t)st.st_size <= size);
	*ret_len = (size_t)st.st_size;
	assert_int_equal(pread(fd, buf, *ret_len, 0), *ret_len);
}

static void test_members(void **state)
{
	static const char *const names[] = {"dev",
					    "proc",
					    "sys",
					    "modules",
					    "dev/console",
					    "init",
					    "modules/00-a.ko",
					    "modules/02-b.ko",
					    "modules/10-c.ko"};
	cleanup_close int fd = memfd_create("initramfs", MFD_CLOEXEC);
	struct kernel kernel = {.name = "k"};
	struct ironclaw_error err = {0};
	struct member m;
	char buf[8192];
	size_t len, at = 0, n = 0;

	(void)state;
	(void)snprintf(kernel.modules_dir, sizeof(kernel.modules_dir), "%s", modules);
	assert_int_equal(initramfs_write(fd, &kernel, agent, &err), 0);
	read_all(fd, buf, sizeof(buf), &len);
	while (next_member(buf, len, &at, &m)) {
		assert_true(n < 9);
		assert_string_equal(m.name, names[n]);
		assert_int_equal(m.uid, 0);
		if (n == 4) {
			assert_int_equal(m.mode, S_IFCHR | 0600);
			assert_int_equal(m.major, 5);
			assert_int_equal(m.minor, 1);
		}
		if (n == 5) {
			assert_int_equal(m.mode, S_IFREG | 0755);
			assert_int_equal(m.size, 7);
			assert_memory_equal(m.content, "#!agent", 7);
		}
		if (n == 6)
			assert_memory_equal(m.content, "aaaa", m.size);
		n++;
	}
	assert_int_equal(n, 9);
	assert_int_equal(at, len);
}

static void test_without_modules(void **state)
{
	cleanup_close int fd = memfd_create("initramfs", MFD_CLOEXEC);
	struct kernel kernel = {.name = "k"};
	struct member m;
	char buf[4096];
	size_t len, at = 0, n = 0;

	(void)state;
	assert_int_equal(initramfs_write(fd, &kernel, agent, NULL), 0);
	read_all(fd, buf, sizeof(buf), &len);
	while (next_member(buf, len, &at, &m))
		n++;
	assert_int_equal(n, 6);
}

static void test_the_same_twice(void **state)
{
	cleanup_close int a = memfd_create("a", MFD_CLOEXEC), b = memfd_create("b", MFD_CLOEXEC);
	struct kernel kernel = {.name = "k"};
	char buf[2][8192];
	size_t len[2];

	(void)state;
	(void)snprintf(kernel.modules_dir, sizeof(kernel.modules_dir), "%s", modules);
	assert_int_equal(initramfs_write(a, &kernel, agent, NULL), 0);
	assert_int_equal(initramfs_write(b, &kernel, agent, NULL), 0);
	read_all(a, buf[0], sizeof(buf[0]), &len[0]);
	read_all(b, buf[1], sizeof(buf[1]), &len[1]);
	assert_int_equal(len[0], len[1]);
	assert_memory_equal(buf[0], buf[1], len[0]);
}

static void test_failures(void **state)
{
	cleanup_close int fd = memfd_create("initramfs", MFD_CLOEXEC);
	cleanup_close int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
	struct kernel kernel = {.name = "k"};
	struct ironclaw_error err = {0};

	(void)state;
	assert_int_equal(initramfs_write(fd, &kernel, "/nonexistent/agent", &err), -ENOENT);
	assert_non_null(strstr(err.text, "/nonexistent/agent"));
	assert_int_equal(initramfs_write(full, &kernel, agent, &err), -ENOSPC);
	assert_int_equal(err.code, IRONCLAW_ERR_NO_SPACE);
	(void)snprintf(kernel.modules_dir, sizeof(kernel.modules_dir), "/nonexistent");
	assert_int_equal(initramfs_write(fd, &kernel, agent, &err), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_members),
		cmocka_unit_test(test_without_modules),
		cmocka_unit_test(test_the_same_twice),
		cmocka_unit_test(test_failures),
	};

	return cmocka_run_group_tests_name("initramfs", tests, make_home, remove_home);
}
