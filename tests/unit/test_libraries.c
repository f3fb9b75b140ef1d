/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_libraries.c - engine/libraries.h: the loader's answer and the record of it, and that the
 * record counts only while everything that it was made from is the same.
 */
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
#include "engine/libraries.h"
#include "sys/file.h"

/* Something that is linked against libc, and can be copied and replaced. */
#define PROGRAM "/proc/self/exe"

static struct paths paths;
static char program[1100], record[1100];
static struct library_list list;
static struct ironclaw_error err;

static int copy_program(void)
{
	cleanup_free char *bytes = NULL;
	size_t len;
	int r = file_read_bounded(AT_FDCWD, PROGRAM, 64U << 20, &bytes, &len);

	return r < 0 ? r : file_write_atomic(AT_FDCWD, program, bytes, len, 0755);
}

static int make_home(void **state)
{
	char home[] = "/tmp/ironclaw-test-XXXXXX";

	(void)state;
	if (!mkdtemp(home) || setenv("IRONCLAW_HOME", home, 1) < 0 || paths_get(&paths, &err) < 0)
		return -1;
	(void)snprintf(program, sizeof(program), "%s/program", home);
	(void)snprintf(record, sizeof(record), "%s/libraries", paths.run);
	return copy_program();
}

static int remove_home(void **state)
{
	(void)state;
	return file_remove_tree(AT_FDCWD, getenv("IRONCLAW_HOME"));
}

static const char *host_of(const struct library_list *l, const char *inside)
{
	for (uint32_t i = 0; i < l->n; i++) {
		if (strcmp(l->text + l->files[i].inside, inside) == 0)
			return l->text + l->files[i].host;
	}
	return NULL;
}

static int find(const char *object)
{
	const char *const objects[] = {object, NULL};

	memset(&list, 0xa5, sizeof(list));
	return libraries_find(&paths, "libraries", objects, &list, &err);
}

static void check_list(void)
{
	const char *libc = host_of(&list, "/lib/libc.so.6");

	assert_non_null(libc);
	assert_int_equal(access(libc, R_OK), 0);
	assert_non_null(host_of(&list, "/lib64/ld-linux-x86-64.so.2"));
	assert_non_null(host_of(&list, LIBRARIES_NOWHERE));
	/* What the kernel provides is no file. */
	for (uint32_t i = 0; i < list.n; i++)
		assert_null(strstr(list.text + list.files[i].host, "vdso"));
}

static ino_t record_inode(void)
{
	struct stat st;

	return stat(record, &st) == 0 ? st.st_ino : 0;
}

static void a_record_is_used_again(void **state)
{
	static struct library_list first;
	ino_t inode;

	(void)state;
	assert_int_equal(find(program), 0);
	check_list();
	first = list;
	inode = record_inode();
	assert_true(inode != 0);
	assert_int_equal(find(program), 0);
	check_list();
	assert_int_equal(list.n, first.n);
	assert_memory_equal(list.text, first.text, first.text_used);
	assert_true(record_inode() == inode);
}

/* Puts another text in the record's place and asks again: it must be made anew, and be right. */
static void check_made_anew(const char *text, size_t len)
{
	ino_t bad;

	assert_int_equal(file_write_atomic(AT_FDCWD, record, text, len, 0600), 0);
	bad = record_inode();
	assert_int_equal(find(program), 0);
	check_list();
	assert_true(record_inode() != bad);
	bad = record_inode();
	assert_int_equal(find(program), 0);
	assert_true(record_inode() == bad);
}

static void a_damaged_record_is_made_anew(void **state)
{
	cleanup_free char *good = NULL;
	size_t len;

	(void)state;
	assert_int_equal(find(program), 0);
	assert_int_equal(file_read_bounded(AT_FDCWD, record, 1U << 20, &good, &len), 0);
	for (size_t at = 0; at < len; at += len / 16) {
		cleanup_free char *bad = malloc(len + 1);

		assert_non_null(bad);
		memcpy(bad, good, len + 1);
		bad[at] ^= 1;
		check_made_anew(bad, len);
	}
	check_made_anew("", 0);
	check_made_anew(good, len / 2);
	/* At the end of a line, and with another file behind. */
	*(char *)memrchr(good, '\n', len - 1) = '\0';
	check_made_anew(good, strlen(good));
	good[strlen(good)] = '\n';
	check_made_anew(good, (size_t)((char *)memrchr(good, '\n', len - 1) - good) + 1);
	good[len - 1] = 'x';
	check_made_anew(good, len);
}

/* Well-formed records of another state of the host, one file at a time. */
static void a_changed_library_is_asked_anew(void **state)
{
	static char text[LIBRARIES_RECORD_MAX_B];
	struct library_list good, bad;
	ino_t inode;
	int len;

	(void)state;
	assert_int_equal(find(program), 0);
	good = list;
	for (uint32_t i = 0; i < good.n; i++) {
		uint64_t *const numbers[] = {&bad.files[i].identity.dev, &bad.files[i].identity.ino,
					     &bad.files[i].identity.ctime_s,
					     &bad.files[i].identity.ctime_ns};

		for (size_t k = 0; k < ARRAY_SIZE(numbers); k++) {
			bad = good;
			*numbers[k] ^= 1;
			len = libraries_write_record(&bad, text, sizeof(text));
			assert_true(len > 0);
			check_made_anew(text, (size_t)len);
		}
		/* Gone: its name differs in the last letter. */
		bad = good;
		bad.text[bad.files[i].host + strlen(bad.text + bad.files[i].host) - 1] ^= 1;
		len = libraries_write_record(&bad, text, sizeof(text));
		assert_true(len > 0);
		check_made_anew(text, (size_t)len);
	}
	/* Control: the same way, unchanged. */
	len = libraries_write_record(&good, text, sizeof(text));
	assert_int_equal(file_write_atomic(AT_FDCWD, record, text, (size_t)len, 0600), 0);
	inode = record_inode();
	assert_int_equal(find(program), 0);
	assert_true(record_inode() == inode);
}

static void a_changed_program_is_asked_anew(void **state)
{
	ino_t inode;

	(void)state;
	assert_int_equal(find(program), 0);
	inode = record_inode();
	assert_int_equal(copy_program(), 0);
	assert_int_equal(find(program), 0);
	check_list();
	assert_true(record_inode() != inode);
	/* Another program under the same record: its list, not the first one's. */
	inode = record_inode();
	assert_int_equal(find("/bin/sh"), 0);
	assert_string_equal(list.text + list.files[1].host, "/bin/sh");
	assert_true(record_inode() != inode);
}

/* A library of its own, from a folder that the user chose: not the VMM's. */
static void the_environment_does_not_matter(void **state)
{
	char fake[1200];

	(void)state;
	(void)snprintf(fake, sizeof(fake), "%s/libc.so.6", getenv("IRONCLAW_HOME"));
	assert_int_equal(symlink("/lib/x86_64-linux-gnu/libc.so.6", fake), 0);
	(void)unlink(record);
	assert_int_equal(setenv("LD_LIBRARY_PATH", getenv("IRONCLAW_HOME"), 1), 0);
	assert_int_equal(find(program), 0);
	assert_int_equal(unsetenv("LD_LIBRARY_PATH"), 0);
	assert_string_not_equal(host_of(&list, "/lib/libc.so.6"), fake);
	check_list();
}

static void a_folder_that_others_may_write_is_not_used(void **state)
{
	(void)state;
	assert_int_equal(find(program), 0);
	assert_int_equal(unlink(record), 0);
	assert_int_equal(chmod(paths.run, 0777), 0);
	assert_int_equal(find(program), 0);
	check_list();
	assert_int_equal(record_inode(), 0);
	assert_int_equal(chmod(paths.run, 0700), 0);
	assert_int_equal(find(program), 0);
	assert_true(record_inode() != 0);
}

static void what_is_no_program_is_refused(void **state)
{
	char text[1200];

	(void)state;
	(void)snprintf(text, sizeof(text), "%s/text", getenv("IRONCLAW_HOME"));
	assert_int_equal(file_write_atomic(AT_FDCWD, text, "#!/bin/sh\n", 10, 0755), 0);
	(void)unlink(record);
	assert_int_equal(find(text), -ENOEXEC);
	assert_int_equal(err.code, IRONCLAW_ERR_UNAVAILABLE);
	assert_non_null(strstr(err.text, text));
	assert_int_equal(find("/nonexistent/program"), -ENOEXEC);
	assert_int_equal(find("relative"), -EINVAL);
	assert_int_equal(record_inode(), 0);
}

static void lines_of_the_loader_are_read(void **state)
{
	static const struct {
		const char *line;
		int result;
		const char *inside, *host; /* NULL: nothing is added */
	} cases[] = {
		{"\tlinux-vdso.so.1 (0x00007f5a766a3000)", 0, NULL, NULL},
		{"\tlibz.so.1 => /lib/x/libz.so.1 (0x7f)", 0, "/lib/libz.so.1", "/lib/x/libz.so.1"},
		{"\t/lib64/ld.so.2 (0x0)", 0, "/lib64/ld.so.2", "/lib64/ld.so.2"},
		{"\t/lib64/ld.so.2 => /opt/ld.so.2 (0x0)", 0, "/lib64/ld.so.2", "/opt/ld.so.2"},
		{"\tliba.so => /opt/my libs/liba.so (0x1)", 0, "/lib/liba.so",
		 "/opt/my libs/liba.so"},
		{"\tliba.so => /opt/x/../liba.so (0x1)", 0, "/lib/liba.so", "/opt/x/../liba.so"},
		{"\tstatically linked", 0, NULL, NULL},
		{"\tliba.so => not found", -ENOENT, NULL, NULL},
		{"\tliba.so => liba.so (0x1)", -EINVAL, NULL, NULL},
		{"\tliba.so => /opt//liba.so (0x1)", -EINVAL, NULL, NULL},
		{"\t../liba.so => /opt/liba.so (0x1)", -EINVAL, NULL, NULL},
		{"\t/a/../../b (0x1)", -EINVAL, NULL, NULL},
		{"\tliba.so => /opt/li\tba.so (0x1)", -EINVAL, NULL, NULL},
		{"\tliba.so => /opt/liba.so", -EBADMSG, NULL, NULL},
		{"\tliba.so => /opt/liba.so (0x)", -EBADMSG, NULL, NULL},
		{"\tliba.so => /opt/liba.so (0x1) and more", -EBADMSG, NULL, NULL},
		{"x: error while loading shared libraries", -EBADMSG, NULL, NULL},
		{"", -EBADMSG, NULL, NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		list.n = list.text_used = 0;
		assert_int_equal(libraries_read_line(&list, cases[i].line), cases[i].result);
		assert_int_equal(list.n, cases[i].inside != NULL);
		if (cases[i].inside)
			assert_string_equal(host_of(&list, cases[i].inside), cases[i].host);
	}
}

static void a_place_is_taken_once(void **state)
{
	(void)state;
	list.n = list.text_used = 0;
	assert_int_equal(libraries_add(&list, "/a/x", "/lib/x"), 0);
	assert_int_equal(libraries_add(&list, "/a/x", "/lib/x"), 0);
	assert_int_equal(list.n, 1);
	assert_int_equal(libraries_add(&list, "/b/x", "/lib/x"), -EEXIST);
	assert_int_equal(libraries_add(&list, "/b/x", "/lib/y"), 0);
	assert_int_equal(list.n, 2);
}

static void too_many_are_refused(void **state)
{
	static char bytes[LIBRARIES_RECORD_MAX_B];
	char path[1100];

	(void)state;
	list.n = list.text_used = 0;
	for (unsigned int i = 0; i < LIBRARIES_MAX; i++) {
		(void)snprintf(path, sizeof(path), "/lib/%u", i);
		assert_int_equal(libraries_add(&list, path, path), 0);
	}
	assert_int_equal(libraries_add(&list, "/lib/more", "/lib/more"), -E2BIG);
	assert_true(libraries_write_record(&list, bytes, sizeof(bytes)) > 0);
	assert_int_equal(libraries_write_record(&list, bytes, 512), -E2BIG);
	list.n = list.text_used = 0;
	memset(path, 'x', sizeof(path));
	path[0] = '/';
	path[1023] = '\0';
	assert_int_equal(libraries_add(&list, path, "/lib/x"), 0);
	path[1023] = 'x';
	path[1024] = '\0';
	assert_int_equal(libraries_add(&list, path, "/lib/y"), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_record_is_used_again),
		cmocka_unit_test(a_damaged_record_is_made_anew),
		cmocka_unit_test(a_changed_library_is_asked_anew),
		cmocka_unit_test(a_changed_program_is_asked_anew),
		cmocka_unit_test(the_environment_does_not_matter),
		cmocka_unit_test(a_folder_that_others_may_write_is_not_used),
		cmocka_unit_test(what_is_no_program_is_refused),
		cmocka_unit_test(lines_of_the_loader_are_read),
		cmocka_unit_test(a_place_is_taken_once),
		cmocka_unit_test(too_many_are_refused),
	};

	return cmocka_run_group_tests_name("libraries", tests, make_home, remove_home);
}
