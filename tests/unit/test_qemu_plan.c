/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_qemu_plan.c - engine/qemu.h: the command lines, as tests/golden/qemu/NAME has them, and what
 * must be true of every one of them.
 *
 * After a change that is meant: IRONCLAW_UPDATE_GOLDEN=1 build/tests/test_qemu_plan, and read the
 * diff.
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

#include <cmocka.h>

#include "base/cleanup.h"
#include "engine/qemu.h"
#include "sys/file.h"

#define TEXT_MAX_B 32768

static const struct {
	const char *name;
	enum engine_start start;
	enum engine_accel accel;
	enum engine_link link;
} cases[] = {
	{"boot-tcg", ENGINE_BOOT, ENGINE_ACCEL_TCG, ENGINE_LINK_SERIAL},
	{"boot-kvm", ENGINE_BOOT, ENGINE_ACCEL_KVM, ENGINE_LINK_SERIAL},
	{"template-tcg", ENGINE_BOOT_TEMPLATE, ENGINE_ACCEL_TCG, ENGINE_LINK_SERIAL},
	{"template-kvm", ENGINE_BOOT_TEMPLATE, ENGINE_ACCEL_KVM, ENGINE_LINK_SERIAL},
	{"clone-tcg", ENGINE_CLONE, ENGINE_ACCEL_TCG, ENGINE_LINK_SERIAL},
	{"clone-kvm", ENGINE_CLONE, ENGINE_ACCEL_KVM, ENGINE_LINK_SERIAL},
	{"boot-vsock", ENGINE_BOOT, ENGINE_ACCEL_KVM, ENGINE_LINK_VSOCK},
	{"template-vsock", ENGINE_BOOT_TEMPLATE, ENGINE_ACCEL_KVM, ENGINE_LINK_VSOCK},
	{"clone-vsock", ENGINE_CLONE, ENGINE_ACCEL_KVM, ENGINE_LINK_VSOCK},
};
#define N_CASES ARRAY_SIZE(cases)

/* With files as qemu_probe() finds them, see add_files(). */
static struct engine_host host = {
	.program = "/usr/bin/qemu-system-x86_64",
	.identity = "qemu",
	.preload = "/usr/libexec/ironclaw/ironclaw-qemu-preload.so",
};

static int add_files(void **state)
{
	(void)state;
	if (engine_host_file(&host, "/lib64/ld-linux-x86-64.so.2", "/lib64/ld-linux-x86-64.so.2",
			     false) < 0 ||
	    engine_host_file(&host, "/lib/x86_64-linux-gnu/libc.so.6", "/lib/libc.so.6", false) <
		    0 ||
	    engine_host_file(&host, "/usr/share/seabios/bios-microvm.bin",
			     "/usr/share/qemu/bios-microvm.bin", false) < 0)
		return -1;
	return engine_host_file(&host, "/usr/share/qemu/pvh.bin", "/usr/share/qemu/pvh.bin", true);
}

static struct engine_settings settings_of(size_t i)
{
	return (struct engine_settings){
		.accel = cases[i].accel,
		.start = cases[i].start,
		.vcpus = 2,
		.memory_mib = 512,
		.tsc_khz = 2000000,
		.kernel = "/data/kernels/small/bzImage",
		.initramfs = "/run/vms/vm-1/initramfs",
		.image = "/data/images/default/root.erofs",
		.ram = "/data/templates/0123/ram",
		.link = cases[i].link,
		.guest_cid = cases[i].link == ENGINE_LINK_VSOCK ? 1234567 : 0,
	};
}

static void plan(size_t i, struct engine_plan *ret)
{
	const struct engine_settings settings = settings_of(i);
	struct ironclaw_error err;

	assert_int_equal(qemu_plan(&host, &settings, ret, &err), 0);
	assert_false(ret->overflow);
}

static void print(const struct engine_plan *p, FILE *out)
{
	static const char *const kinds[] = {[ENGINE_FILE_RO] = "read-only",
					    [ENGINE_FILE_RW] = "writable",
					    [ENGINE_FILE_DEVICE] = "device"};

	for (size_t i = 0; i < p->n_argv; i++)
		(void)fprintf(out, "arg %s\n", p->argv[i]);
	for (size_t i = 0; i < p->n_env; i++)
		(void)fprintf(out, "env %s\n", p->env[i]);
	for (size_t i = 0; i < p->n_files; i++)
		(void)fprintf(out, "%s %s <- %s\n", kinds[p->files[i].kind], p->files[i].inside,
			      p->files[i].host);
	(void)fprintf(out, "largest file %llu\n", (unsigned long long)p->file_size_max_b);
	(void)fprintf(out, "descriptors %u\norders\n%s", p->n_fds, p->orders);
}

static bool golden_holds(size_t i)
{
	cleanup_free char *got = NULL, *expected = NULL;
	struct engine_plan p;
	char path[1024];
	size_t len, expected_len;
	FILE *out = open_memstream(&got, &len);

	assert_non_null(out);
	plan(i, &p);
	print(&p, out);
	assert_int_equal(fclose(out), 0);
	(void)snprintf(path, sizeof(path), TEST_DATA "/golden/qemu/%s", cases[i].name);
	if (getenv("IRONCLAW_UPDATE_GOLDEN"))
		assert_int_equal(file_write_atomic(AT_FDCWD, path, got, len, 0644), 0);
	assert_int_equal(file_read_bounded(AT_FDCWD, path, TEXT_MAX_B, &expected, &expected_len),
			 0);
	if (strcmp(got, expected) == 0)
		return true;
	print_error("%s is now:\n%s", path, got);
	return false;
}

static void command_lines_are_the_golden_ones(void **state)
{
	size_t bad = 0;

	(void)state;
	for (size_t i = 0; i < N_CASES; i++)
		bad += !golden_holds(i);
	assert_int_equal(bad, 0);
}

static bool has_arg(const struct engine_plan *p, const char *arg)
{
	for (size_t i = 0; i < p->n_argv; i++) {
		if (strcmp(p->argv[i], arg) == 0)
			return true;
	}
	return false;
}

static size_t count_args(const struct engine_plan *p, const char *part)
{
	size_t n = 0;

	for (size_t i = 0; i < p->n_argv; i++)
		n += strstr(p->argv[i], part) != NULL;
	return n;
}

static void no_plan_has_a_network(void **state)
{
	static const char *const words[] = {"-net", "-nic",  "virtio-net", "e1000",
					    "tap",  "user,", "slirp",	   "vhost-user"};

	(void)state;
	for (size_t i = 0; i < N_CASES; i++) {
		struct engine_plan p;

		plan(i, &p);
		for (size_t w = 0; w < ARRAY_SIZE(words); w++)
			assert_int_equal(count_args(&p, words[w]), 0);
		/* The one thing that the host's kernel serves, and not beside the other link. */
		assert_int_equal(count_args(&p, "vhost"),
				 cases[i].link == ENGINE_LINK_VSOCK ? 1 : 0);
		assert_int_equal(count_args(&p, "virtserialport"),
				 cases[i].link == ENGINE_LINK_SERIAL ? 1 : 0);
		/* And none that comes by itself. */
		assert_true(has_arg(&p, "-nodefaults"));
		assert_true(has_arg(&p, "-no-user-config"));
	}
}

static void no_plan_guesses_a_format(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_CASES; i++) {
		struct engine_plan p;
		size_t drives = 0;

		plan(i, &p);
		assert_false(has_arg(&p, "-drive"));
		assert_false(has_arg(&p, "-hda"));
		assert_int_equal(count_args(&p, "if="), 0);
		for (size_t k = 0; k + 1 < p.n_argv; k++) {
			const char *value = p.argv[k + 1];

			if (strcmp(p.argv[k], "-blockdev") != 0)
				continue;
			drives++;
			/* QEMU refuses a -blockdev without a driver; an image is never written. */
			assert_true(strncmp(value, "driver=file,", 12) == 0 ||
				    strncmp(value, "driver=raw,", 11) == 0);
			assert_non_null(strstr(value, "read-only=on"));
		}
		assert_int_equal(drives, 2);
	}
}

/* A monitor, a console and the link, and nothing else that QEMU listens to. */
static void no_plan_listens(void **state)
{
	static const char *const words[] = {"-vnc", "-spice",	"-gdb",	      "-s",
					    "-qmp", "-monitor", "-daemonize", "-sandbox"};

	(void)state;
	for (size_t i = 0; i < N_CASES; i++) {
		struct engine_plan p;

		plan(i, &p);
		for (size_t w = 0; w < ARRAY_SIZE(words); w++)
			assert_false(has_arg(&p, words[w]));
		assert_int_equal(count_args(&p, "server"), 0);
		assert_int_equal(count_args(&p, "path=/"), count_args(&p, "mem-path=/vm/ram"));
		assert_true(has_arg(&p, "-display"));
	}
}

static void a_clone_has_the_devices_of_its_template(void **state)
{
	static const size_t pairs[][2] = {{2, 4}, {3, 5}, {7, 8}};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(pairs); i++) {
		struct engine_plan template, clone;
		size_t at = 0;

		plan(pairs[i][0], &template);
		plan(pairs[i][1], &clone);
		assert_int_equal(cases[pairs[i][0]].accel, cases[pairs[i][1]].accel);
		for (size_t k = 0; k < template.n_argv; k++) {
			if (strcmp(template.argv[k], "-kernel") == 0)
				break;
			if (strstr(template.argv[k], "mem-path="))
				continue;
			/* In the same places, up to how it starts. */
			assert_string_equal(template.argv[k], clone.argv[k]);
			at = k;
		}
		assert_string_equal(clone.argv[at + 1], "-incoming");
		assert_int_equal(clone.n_argv, at + 3);
		assert_int_equal(count_args(&template, "share=on"), 1);
		assert_int_equal(count_args(&clone, "share=off"), 1);
		assert_int_equal(count_args(&clone, "share=on"), 0);
	}
}

static const struct engine_file *file_at(const struct engine_plan *p, const char *inside)
{
	for (size_t i = 0; i < p->n_files; i++) {
		if (strcmp(p->files[i].inside, inside) == 0)
			return &p->files[i];
	}
	return NULL;
}

static void only_a_template_in_the_making_is_written(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_CASES; i++) {
		bool making = cases[i].start == ENGINE_BOOT_TEMPLATE;
		struct engine_plan p;
		size_t writable = 0;

		plan(i, &p);
		for (size_t k = 0; k < p.n_files; k++)
			writable += p.files[k].kind == ENGINE_FILE_RW;
		assert_int_equal(writable, making ? 1 : 0);
		assert_int_equal(p.file_size_max_b, making ? UINT64_C(512) << 20 : 0);
		if (making)
			assert_int_equal(file_at(&p, "/vm/ram")->kind, ENGINE_FILE_RW);
		assert_int_equal(file_at(&p, "/vm/image")->kind, ENGINE_FILE_RO);
	}
}

static void only_hardware_gets_its_device(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_CASES; i++) {
		bool kvm = cases[i].accel == ENGINE_ACCEL_KVM;
		struct engine_plan p;

		plan(i, &p);
		assert_true((file_at(&p, "/dev/kvm") != NULL) == kvm);
		assert_true(has_arg(&p, kvm ? "kvm" : "tcg,tb-size=256"));
		assert_non_null(file_at(&p, "/dev/null"));
	}
}

static void a_program_elsewhere_is_brought_along(void **state)
{
	const struct engine_settings settings = settings_of(4);
	struct engine_host elsewhere = host;
	struct ironclaw_error err;
	struct engine_plan p;

	(void)state;
	(void)snprintf(elsewhere.program, sizeof(elsewhere.program), "/opt/qemu/bin/qemu");
	assert_int_equal(qemu_plan(&elsewhere, &settings, &p, &err), 0);
	assert_string_equal(p.argv[0], "/usr/bin/qemu-system-x86_64");
	assert_string_equal(file_at(&p, "/usr/bin/qemu-system-x86_64")->host, "/opt/qemu/bin/qemu");
	assert_int_equal(file_at(&p, "/usr/bin/qemu-system-x86_64")->kind, ENGINE_FILE_RO);
}

/* Nothing but single files: no folder that holds more than was meant. */
static void only_the_files_of_the_host_are_there(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_CASES; i++) {
		bool boots = cases[i].start != ENGINE_CLONE;
		size_t of_vm = 5, more = cases[i].accel == ENGINE_ACCEL_KVM;
		struct engine_plan p;

		plan(i, &p);
		for (uint32_t f = 0; f < host.n_files; f++) {
			const struct engine_file *found =
				file_at(&p, host.text + host.files[f].inside);

			if (host.files[f].boot_only && !boots) {
				assert_null(found);
				continue;
			}
			assert_non_null(found);
			assert_string_equal(found->host, host.text + host.files[f].host);
			assert_int_equal(found->kind, ENGINE_FILE_RO);
		}
		/* Program, /dev/null, image; kernel and initramfs, or preload and memory. */
		of_vm += cases[i].start == ENGINE_BOOT_TEMPLATE;
		assert_int_equal(p.n_files, host.n_files - !boots + of_vm + more);
	}
}

static void too_many_files_of_a_host_are_refused(void **state)
{
	static struct engine_host full;
	static char path[ENGINE_HOST_TEXT_MAX_B];

	(void)state;
	for (size_t i = 0; i < ENGINE_HOST_FILES_MAX; i++)
		assert_int_equal(engine_host_file(&full, "/a", "/b", false), 0);
	assert_int_equal(engine_host_file(&full, "/a", "/b", false), -E2BIG);
	assert_int_equal(full.n_files, ENGINE_HOST_FILES_MAX);
	full = (struct engine_host){.n_files = 0};
	memset(path, 'x', sizeof(path) - 1);
	assert_int_equal(engine_host_file(&full, path, "/", false), -E2BIG);
	/* Two bytes for the other path. */
	assert_int_equal(engine_host_file(&full, path + 2, "/", false), 0);
	assert_int_equal(engine_host_file(&full, "", "", false), -E2BIG);
	/* All of them fit a plan, with the most that a VM has of its own. */
	assert_true(ENGINE_HOST_FILES_MAX + 8 <= ENGINE_FILES_MAX);
}

static void what_does_not_fit_is_noticed(void **state)
{
	static char text[ENGINE_TEXT_MAX_B + 1];
	static struct engine_plan p;

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	p = (struct engine_plan){.n_argv = 0};
	for (size_t i = 0; i < ENGINE_ARGV_MAX; i++)
		engine_plan_arg(&p, "%zu", i);
	assert_false(p.overflow);
	assert_null(p.argv[ENGINE_ARGV_MAX]);
	engine_plan_arg(&p, "one more");
	assert_true(p.overflow);
	assert_int_equal(p.n_argv, ENGINE_ARGV_MAX);
	p = (struct engine_plan){.n_argv = 0};
	for (size_t i = 0; i < ENGINE_ENV_MAX; i++)
		engine_plan_env(&p, "A=%zu", i);
	assert_false(p.overflow);
	engine_plan_env(&p, "B=1");
	assert_true(p.overflow);
	p = (struct engine_plan){.n_argv = 0};
	for (size_t i = 0; i < ENGINE_FILES_MAX; i++)
		engine_plan_file(&p, ENGINE_FILE_RO, "/a", "/b");
	assert_false(p.overflow);
	engine_plan_file(&p, ENGINE_FILE_RO, "/a", "/b");
	assert_true(p.overflow);
	/* With its NUL it is one byte too long; one byte less fits. */
	p = (struct engine_plan){.n_argv = 0};
	engine_plan_arg(&p, "%s", text);
	assert_true(p.overflow);
	p = (struct engine_plan){.n_argv = 0};
	engine_plan_arg(&p, "%s", text + 1);
	assert_false(p.overflow);
	engine_plan_arg(&p, "%s", "");
	assert_true(p.overflow);
}

static void the_longest_paths_fit(void **state)
{
	struct engine_settings settings = settings_of(3);
	struct engine_host longest = host;
	struct ironclaw_error err;
	struct engine_plan p;
	char path[1024];

	(void)state;
	memset(path, 'x', sizeof(path) - 1);
	path[0] = '/';
	path[sizeof(path) - 1] = '\0';
	memcpy(longest.program, path, sizeof(path));
	memcpy(longest.preload, path, sizeof(path));
	settings.kernel = settings.initramfs = settings.image = settings.ram = path;
	settings.vcpus = UINT32_MAX;
	settings.memory_mib = UINT64_MAX >> 20;
	assert_int_equal(qemu_plan(&longest, &settings, &p, &err), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(command_lines_are_the_golden_ones),
		cmocka_unit_test(no_plan_has_a_network),
		cmocka_unit_test(no_plan_guesses_a_format),
		cmocka_unit_test(no_plan_listens),
		cmocka_unit_test(a_clone_has_the_devices_of_its_template),
		cmocka_unit_test(only_a_template_in_the_making_is_written),
		cmocka_unit_test(only_hardware_gets_its_device),
		cmocka_unit_test(a_program_elsewhere_is_brought_along),
		cmocka_unit_test(only_the_files_of_the_host_are_there),
		cmocka_unit_test(too_many_files_of_a_host_are_refused),
		cmocka_unit_test(what_does_not_fit_is_noticed),
		cmocka_unit_test(the_longest_paths_fit),
	};

	return cmocka_run_group_tests_name("qemu_plan", tests, add_files, NULL);
}
