/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_firecracker_probe.c - engine/firecracker.h: versions, and how the program is found and
 * asked.
 *
 * The Firecracker is this very program, copied: called with --version it says what FAKE_SAYS holds,
 * and writes down that it ran.
 */
#include <elf.h>
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
#include "engine/firecracker.h"
#include "sys/clock.h"
#include "sys/file.h"

#define LOG_LINE "\n2026-01-01T00:00:00.000 [anonymous-instance:main] exiting successfully\n"

static struct paths paths;
static char home[] = "/tmp/ironclaw-test-XXXXXX";
static char program[1100], record[1100], runs[1100];
static struct engine_host host;
static struct ironclaw_error err;

/* As a Firecracker. */
static int fake(void)
{
	const char *says = getenv("FAKE_SAYS"), *log = getenv("FAKE_RUNS");
	int fd = log ? open(log, O_WRONLY | O_CREAT | O_APPEND, 0600) : -1;

	if (fd >= 0)
		(void)!write(fd, "x", 1);
	if (says && strcmp(says, "hang") == 0)
		(void)pause();
	while (says && strcmp(says, "flood") == 0 && puts("Firecracker v") >= 0)
		;
	(void)fputs(says ? says : "", stdout);
	return says && strstr(says, "fails") ? 1 : 0;
}

static size_t count_runs(void)
{
	struct stat st;

	return stat(runs, &st) == 0 ? (size_t)st.st_size : 0;
}

static int install(void)
{
	cleanup_free char *bytes = NULL;
	size_t len;
	int r = file_read_bounded(AT_FDCWD, "/proc/self/exe", 64U << 20, &bytes, &len);

	return r < 0 ? r : file_write_atomic(AT_FDCWD, program, bytes, len, 0755);
}

static void install_script(const char *text)
{
	assert_int_equal(file_write_atomic(AT_FDCWD, program, text, strlen(text), 0755), 0);
}

static int make_home(void **state)
{
	char bin[1080];

	(void)state;
	if (!mkdtemp(home) || setenv("IRONCLAW_HOME", home, 1) < 0 || paths_get(&paths, &err) < 0)
		return -1;
	(void)snprintf(bin, sizeof(bin), "%s/bin", home);
	(void)snprintf(program, sizeof(program), "%s/firecracker", bin);
	(void)snprintf(record, sizeof(record), "%s/firecracker-version", paths.run);
	(void)snprintf(runs, sizeof(runs), "%s/runs", home);
	return mkdir(bin, 0755) < 0 || setenv("PATH", bin, 1) < 0 ||
			       setenv("FAKE_RUNS", runs, 1) < 0
		       ? -1
		       : 0;
}

static int remove_home(void **state)
{
	(void)state;
	return file_remove_tree(AT_FDCWD, home);
}

static int build(void **state)
{
	(void)state;
	memset(&err, 0, sizeof(err));
	memset(&host, 0xa5, sizeof(host));
	(void)unlink(record);
	(void)unlink(runs);
	return install();
}

static int probe(const char *says)
{
	assert_int_equal(setenv("FAKE_SAYS", says, 1), 0);
	return firecracker_probe(&paths, ENGINE_ACCEL_KVM, ENGINE_LINK_VSOCK,
				 "/usr/libexec/ironclaw", &host, &err);
}

static void check_fails(int r, int errnum, const char *words)
{
	if (r != -errnum || !strstr(err.text, words))
		print_error("%d, '%s'; not %d, '%s'\n", r, err.text, -errnum, words);
	assert_int_equal(r, -errnum);
	assert_int_equal(err.code, IRONCLAW_ERR_UNAVAILABLE);
	assert_non_null(strstr(err.text, words));
}

static void versions_are_read_all_or_nothing(void **state)
{
	static const struct {
		const char *text;
		uint32_t version;
	} good[] = {
		{"1.7.0", FIRECRACKER_VERSION(1U, 7U, 0U)},
		{"1.16.1", FIRECRACKER_VERSION(1U, 16U, 1U)},
		{"v1.17.0-dev", FIRECRACKER_VERSION(1U, 17U, 0U)},
		{"1.16.1-5-g0123abc", FIRECRACKER_VERSION(1U, 16U, 1U)},
		{"1.16", FIRECRACKER_VERSION(1U, 16U, 0U)},
		{"v1.16-rc.1", FIRECRACKER_VERSION(1U, 16U, 0U)},
		{"999.999.999", FIRECRACKER_VERSION(999U, 999U, 999U)},
	};
	static const char *const bad[] = {"",
					  "v",
					  "1",
					  "1.",
					  "2.0.0+x",
					  "1.16.",
					  "1.16.1x",
					  "1.16.1.2",
					  "1000.0.0",
					  "1.99999999999.0",
					  "1.16.1000",
					  "-1.0.0",
					  " 1.16.1",
					  "1.16.1 ",
					  "vv1.0.0",
					  "1..1",
					  "1.16.1-",
					  "1.16.1-a_b",
					  "1.16.1-\xc3\xa4",
					  "1.16.1-\x1b[2J",
					  "1.16.1-abcdefghijklmnopqrstuvwxyz012345"};
	uint32_t version = 7;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		assert_int_equal(firecracker_version_parse(bad[i], &version), -EINVAL);
		assert_int_equal(version, 7);
	}
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		assert_int_equal(firecracker_version_parse(good[i].text, &version), 0);
		assert_int_equal(version, good[i].version);
		assert_true(i == 0 || i == 3 || version > FIRECRACKER_OLDEST);
	}
}

static void only_the_first_line_is_read(void **state)
{
	struct stat st;

	(void)state;
	assert_int_equal(probe("Firecracker v1.16.1" LOG_LINE), 0);
	assert_string_equal(host.version, "1.16.1");
	assert_string_equal(host.program, program);
	assert_true(host.elf_kernel_only);
	assert_int_equal(stat(program, &st), 0);
	assert_int_equal(strncmp(host.identity, "firecracker 1.16.1 ", 19), 0);
	/* It is linked, so its libraries come along. */
	assert_true(host.n_files > 1);
	assert_int_equal(host.preload[0], '\0');
}

static void kernels_depend_on_the_version(void **state)
{
	(void)state;
	assert_int_equal(probe("Firecracker v1.17.0-dev" LOG_LINE), 0);
	assert_string_equal(host.version, "1.17.0-dev");
	assert_false(host.elf_kernel_only);
	assert_int_equal(build(NULL), 0);
	assert_int_equal(probe("Firecracker v1.7.0" LOG_LINE), 0);
	assert_true(host.elf_kernel_only);
	assert_int_equal(build(NULL), 0);
	assert_int_equal(probe("Firecracker v2.0.0" LOG_LINE), 0);
	assert_false(host.elf_kernel_only);
}

static void old_versions_are_refused_by_name(void **state)
{
	(void)state;
	check_fails(probe("Firecracker v1.6.4" LOG_LINE), ENOTSUP, "Firecracker 1.6.4");
	assert_non_null(strstr(err.text, "too old"));
	assert_non_null(strstr(err.hint, "1.7"));
	assert_int_equal(build(NULL), 0);
	check_fails(probe("Firecracker v0.25.2\n"), ENOTSUP, "too old");
}

static void what_is_no_version_is_refused(void **state)
{
	static const char *const said[] = {
		"",
		"\n",
		"1.16.1\n",
		"Firecracker\n",
		"Firecracker v\n",
		"Firecracker 1.16.1\n",
		"Firecracker v1.16.\n",
		"firecracker v1.16.1\n",
		"warning\nFirecracker v1.16.1\n",
		"Firecracker v1.16.1-0123456789012345678901234567890123456789012345\n",
		"Firecracker v1.16.1-fails\n",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(said); i++) {
		check_fails(probe(said[i]), ENOTSUP, "does not tell a version");
		/* Nor is it remembered. */
		assert_int_not_equal(access(record, F_OK), 0);
	}
	check_fails(probe("Firecracker v\x1b[2J\n"), ENOTSUP, "\\x1b[2J");
}

static void one_that_hangs_or_floods_is_ended(void **state)
{
	uint64_t begin = clock_now_us();

	(void)state;
	check_fails(probe("flood"), ENOTSUP, "does not tell a version");
	assert_true(clock_now_us() - begin < 4000000);
	check_fails(probe("hang"), ENOTSUP, "does not tell a version");
	assert_true(clock_now_us() - begin < 20000000);
}

static void the_answer_is_kept_while_the_program_is_the_same(void **state)
{
	const struct timespec times[2] = {{.tv_sec = 1}, {.tv_sec = 1}};
	char identity[ENGINE_IDENTITY_B];

	(void)state;
	assert_int_equal(probe("Firecracker v1.16.1" LOG_LINE), 0);
	memcpy(identity, host.identity, sizeof(identity));
	/* Now it would say something else, but is not asked. */
	assert_int_equal(probe("Firecracker v1.15.0" LOG_LINE), 0);
	assert_string_equal(host.version, "1.16.1");
	assert_string_equal(host.identity, identity);
	assert_int_equal(count_runs(), 1);
	/* Another file in its place. */
	assert_int_equal(install(), 0);
	assert_int_equal(probe("Firecracker v1.15.0" LOG_LINE), 0);
	assert_string_equal(host.version, "1.15.0");
	assert_string_not_equal(host.identity, identity);
	/* The same file with another time. */
	assert_int_equal(utimensat(AT_FDCWD, program, times, 0), 0);
	assert_int_equal(probe("Firecracker v1.14.0" LOG_LINE), 0);
	assert_string_equal(host.version, "1.14.0");
	assert_int_equal(count_runs(), 3);
}

static void a_damaged_record_is_made_again(void **state)
{
	static const char *const ends[] = {"",	     "\n",	"x\n",
					   "1.16.1", "1.16.\n", "1.16.1\n1.16.1\n"};
	cleanup_free char *text = NULL;
	char bad[2200];
	size_t len;

	(void)state;
	assert_int_equal(probe("Firecracker v1.16.1" LOG_LINE), 0);
	assert_int_equal(file_read_bounded(AT_FDCWD, record, 4096, &text, &len), 0);
	assert_string_equal(text + len - strlen("\n1.16.1\n"), "\n1.16.1\n");
	text[len - strlen("1.16.1\n")] = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(ends); i++) {
		(void)snprintf(bad, sizeof(bad), "%s%s", text, ends[i]);
		assert_int_equal(file_write_atomic(AT_FDCWD, record, bad, strlen(bad), 0600), 0);
		assert_int_equal(probe("Firecracker v1.15.0" LOG_LINE), 0);
		assert_string_equal(host.version, "1.15.0");
		assert_int_equal(count_runs(), i + 2);
	}
	/* A control: what is whole counts. */
	(void)snprintf(bad, sizeof(bad), "%s1.16.1\n", text);
	assert_int_equal(file_write_atomic(AT_FDCWD, record, bad, strlen(bad), 0600), 0);
	assert_int_equal(probe("Firecracker v1.15.0" LOG_LINE), 0);
	assert_string_equal(host.version, "1.16.1");
}

static void without_kvm_there_is_none(void **state)
{
	(void)state;
	check_fails(firecracker_probe(&paths, ENGINE_ACCEL_TCG, ENGINE_LINK_VSOCK, "", &host, &err),
		    ENOENT, "Firecracker needs KVM");
	assert_string_equal(err.hint, "--engine qemu");
	assert_int_equal(count_runs(), 0);
}

static void one_that_is_not_there_is_missing(void **state)
{
	(void)state;
	assert_int_equal(unlink(program), 0);
	check_fails(probe(""), ENOENT, "Firecracker is not installed");
	assert_true(err.hint[0]);
}

/* Its interpreter is not in the jail. */
static void a_script_is_no_program_for_a_jail(void **state)
{
	(void)state;
	install_script("#!/bin/sh\necho Firecracker v1.16.1\n");
	check_fails(probe(""), ENOEXEC, "no program that a jail could hold");
	install_script("\177ELF");
	assert_int_equal(probe(""), -ENOEXEC);
}

struct elf {
	Elf64_Ehdr head;
	Elf64_Phdr parts[2];
};

static int needs_loader(const struct elf *elf, size_t len)
{
	unsigned char bytes[sizeof(*elf)];

	memcpy(bytes, elf, sizeof(bytes));
	return firecracker_needs_loader(bytes, len);
}

static void a_static_program_has_no_interpreter(void **state)
{
	const struct elf good = {
		.head = {.e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64},
			 .e_phentsize = sizeof(Elf64_Phdr),
			 .e_phoff = sizeof(Elf64_Ehdr),
			 .e_phnum = 2},
		.parts = {{.p_type = PT_LOAD}, {.p_type = PT_DYNAMIC}},
	};
	struct elf elf = good;

	(void)state;
	assert_int_equal(needs_loader(&elf, sizeof(elf)), 0);
	elf.parts[1].p_type = PT_INTERP;
	assert_int_equal(needs_loader(&elf, sizeof(elf)), 1);
	/* Half a header, and parts that are elsewhere. */
	for (size_t len = 0; len < sizeof(elf); len++)
		assert_int_equal(needs_loader(&elf, len), -ENOEXEC);
	elf.head.e_phnum = 3;
	assert_int_equal(needs_loader(&elf, sizeof(elf)), -ENOEXEC);
	elf = good;
	elf.head.e_phoff = UINT64_MAX - 8;
	assert_int_equal(needs_loader(&elf, sizeof(elf)), -ENOEXEC);
	elf = good;
	elf.head.e_phentsize = 1;
	assert_int_equal(needs_loader(&elf, sizeof(elf)), -ENOEXEC);
	elf = good;
	elf.head.e_ident[EI_CLASS] = ELFCLASS32;
	assert_int_equal(needs_loader(&elf, sizeof(elf)), -ENOEXEC);
	elf = good;
	elf.head.e_ident[0] = '#';
	assert_int_equal(needs_loader(&elf, sizeof(elf)), -ENOEXEC);
}

#define TEST(name) cmocka_unit_test_setup(name, build)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		TEST(versions_are_read_all_or_nothing),
		TEST(only_the_first_line_is_read),
		TEST(kernels_depend_on_the_version),
		TEST(old_versions_are_refused_by_name),
		TEST(what_is_no_version_is_refused),
		TEST(one_that_hangs_or_floods_is_ended),
		TEST(the_answer_is_kept_while_the_program_is_the_same),
		TEST(a_damaged_record_is_made_again),
		TEST(without_kvm_there_is_none),
		TEST(one_that_is_not_there_is_missing),
		TEST(a_script_is_no_program_for_a_jail),
		TEST(a_static_program_has_no_interpreter),
	};

	if (argc > 1 && strcmp(argv[1], "--version") == 0)
		return fake();
	return cmocka_run_group_tests_name("firecracker_probe", tests, make_home, remove_home);
}
