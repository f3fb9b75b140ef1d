/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_config.c - vm/config.h: tests/golden/config/NAME.json has exactly the violations of
 * NAME.expect, flags follow the same rules, and bounds hold on both sides.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "sys/file.h"
#include "vm/config.h"

#define HOST_MIB 4096

static void valid_config(struct vm_config *config)
{
	struct ironclaw_error err;

	vm_config_init(config);
	assert_int_equal(vm_config_complete(config, &err), 0);
}

static void print_violations(const struct violations *list, char *out, size_t size)
{
	char line[VIOLATION_LINE_MAX_B];
	size_t used = 0;

	out[0] = '\0';
	for (size_t i = 0; i < list->n_items; i++) {
		violation_line(&list->items[i], line);
		used += (size_t)snprintf(out + used, size - used, "%s%s\n",
					 list->items[i].warning ? "warning: " : "", line);
		assert_true(used < size);
	}
}

static bool golden_holds(const char *json_path)
{
	cleanup_free char *expected = NULL;
	struct violations list = {0};
	struct ironclaw_error err;
	char path[4096], got[8192];
	struct vm_config config;
	size_t len = strlen(json_path);
	int r;

	(void)snprintf(path, sizeof(path), "%.*s.expect", (int)(len - strlen(".json")), json_path);
	assert_int_equal(file_read_bounded(AT_FDCWD, path, sizeof(got), &expected, &len), 0);
	vm_config_init(&config);
	r = vm_config_load(json_path, &config, &list, &err);
	assert_int_equal(r, list.n_errors > 0 ? -EINVAL : 0);
	assert_int_equal(vm_config_complete(&config, &err), 0);
	r = vm_config_validate(&config, HOST_MIB, &list);
	assert_int_equal(r, list.n_errors > 0 ? -EINVAL : 0);
	print_violations(&list, got, sizeof(got));
	if (strcmp(got, expected) == 0)
		return true;
	print_error("%s:\n%s", json_path, got);
	return false;
}

static void test_golden(void **state)
{
	size_t bad = 0;
	glob_t files;

	(void)state;
	assert_int_equal(glob(TEST_DATA "/golden/config/*.json", 0, NULL, &files), 0);
	assert_true(files.gl_pathc >= 20);
	for (size_t i = 0; i < files.gl_pathc; i++)
		bad += !golden_holds(files.gl_pathv[i]);
	globfree(&files);
	assert_int_equal(bad, 0);
}

static void test_full_file_is_taken_over(void **state)
{
	struct violations list = {0};
	struct ironclaw_error err;
	struct vm_config config;

	(void)state;
	vm_config_init(&config);
	assert_int_equal(vm_config_load(TEST_DATA "/golden/config/full.json", &config, &list, &err),
			 0);
	assert_string_equal(config.vm_id, "agent-42");
	assert_string_equal(config.image, "busybox");
	assert_string_equal(config.kernel_path, "/boot/vmlinuz");
	assert_string_equal(config.rootfs_path, "");
	assert_int_equal(config.vcpu_count, 32);
	assert_int_equal(config.memory_mib, 4096);
	assert_true(config.rootfs_read_only);
	assert_int_equal(config.overlay_type, VM_OVERLAY_TMPFS);
	assert_int_equal(config.overlay_size_mib, 64);
	assert_false(config.enable_networking);
	assert_int_equal(config.engine, VM_ENGINE_QEMU);
	assert_int_equal(config.accel, VM_ACCEL_TCG);
	assert_int_equal(config.link, VM_LINK_VSOCK);
	assert_true(config.cold);
	assert_int_equal(config.timeout_ms, 604800000);
}

static void test_defaults(void **state)
{
	struct vm_config config;

	(void)state;
	valid_config(&config);
	assert_string_equal(config.image, "default");
	assert_true(vm_id_valid(config.vm_id));
	assert_int_equal(config.vcpu_count, 1);
	assert_int_equal(config.memory_mib, 512);
	assert_false(config.enable_networking);
	assert_true(config.rootfs_read_only);
}

static void test_names_are_fresh(void **state)
{
	struct vm_config configs[100];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(configs); i++) {
		valid_config(&configs[i]);
		for (size_t j = 0; j < i; j++)
			assert_string_not_equal(configs[i].vm_id, configs[j].vm_id);
	}
}

static void test_given_names_stay(void **state)
{
	struct vm_config config;
	struct ironclaw_error err;

	(void)state;
	vm_config_init(&config);
	strcpy(config.vm_id, "mine");
	strcpy(config.rootfs_path, "/x");
	assert_int_equal(vm_config_complete(&config, &err), 0);
	assert_string_equal(config.vm_id, "mine");
	assert_string_equal(config.image, "");
}

static void check_flag(const char *field, const char *text, bool ok)
{
	struct violations list = {0};
	struct vm_config config;
	int r;

	valid_config(&config);
	vm_config_set_text(&config, field, text, &list);
	r = vm_config_validate(&config, HOST_MIB, &list);
	if ((r == 0) != ok)
		print_error("%s=%s\n", field, text);
	assert_int_equal(r, ok ? 0 : -EINVAL);
	if (!ok) {
		assert_int_equal(list.n_errors, 1);
		assert_string_equal(list.items[0].field, field);
	}
}

static void test_flags(void **state)
{
	static const struct {
		const char *field, *text;
		bool ok;
	} cases[] = {
		{"vcpu_count", "1", true},
		{"vcpu_count", "32", true},
		{"vcpu_count", "0", false},
		{"vcpu_count", "33", false},
		{"vcpu_count", "-1", false},
		{"vcpu_count", "1x", false},
		{"vcpu_count", "", false},
		{"vcpu_count", "4294967297", false},
		{"vcpu_count", "18446744073709551617", false},
		{"memory_mb", "128", true},
		{"memory_mb", "128M", true},
		{"memory_mb", "4G", true},
		{"memory_mb", "127M", false},
		{"memory_mb", "4097M", false},
		{"memory_mb", "1T", false},
		{"memory_mb", "128K", false},
		{"memory_mb", "99999999999999999999", false},
		{"rootfs.overlay.size_mb", "64M", true},
		{"rootfs.overlay.size_mb", "63M", false},
		{"rootfs.overlay.type", "tmpfs", true},
		{"rootfs.overlay.type", "ext4", false},
		{"rootfs.overlay.type", "xfs", false},
		{"timeout_ms", "30s", true},
		{"timeout_ms", "1500ms", true},
		{"timeout_ms", "0", false},
		{"timeout_ms", "169h", false},
		{"timeout_ms", "soon", false},
		{"vm_id", "a", true},
		{"vm_id", "-", true},
		{"vm_id", "", false},
		{"vm_id", "a b", false},
		{"vm_id", "a\nb", false},
		{"vm_id", "\xff", false},
		{"image", "busybox", true},
		{"image", "../x", false},
		{"image", "Default", false},
		{"engine", "qemu", true},
		{"engine", "firecracker", true},
		{"engine", "Firecracker", false},
		{"engine", "bochs", false},
		{"accel", "kvm", true},
		{"accel", "fast", false},
		{"link", "virtio-serial", true},
		{"link", "serial", false},
		{"seccomp_filter", "basic", true},
		{"seccomp_filter", "minimal", true},
		{"seccomp_filter", "permissive", true},
		{"seccomp_filter", "none", false},
		{"seccomp_mode", "enforce", true},
		{"seccomp_mode", "audit", true},
		{"seccomp_mode", "log", false},
		{"vsock_path", "/run/v", false},
		{"kernel_path", "/boot/x", true},
		{"kernel_path", "x", false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		check_flag(cases[i].field, cases[i].text, cases[i].ok);
}

static void test_foreign_values_are_refused(void **state)
{
	struct ironclaw_error err = {0};
	struct vm_config config;

	(void)state;
	valid_config(&config);
	config.memory_mib = LIMIT_MEMORY_MIN_MIB;
	assert_int_equal(vm_config_check(&config, &err), 0);
	config.engine = (enum vm_engine)7;
	config.accel = (enum vm_accel) - 1;
	config.link = (enum vm_link)3;
	assert_int_equal(vm_config_check(&config, &err), -EINVAL);
	assert_int_equal(err.code, IRONCLAW_ERR_INVALID);
	assert_non_null(strstr(err.text, "engine"));
	assert_non_null(strstr(err.text, "accel"));
	assert_non_null(strstr(err.text, "link"));
}

/* It would be ignored otherwise, or the VM be another than was asked for. */
static void test_firecracker_does_not_emulate(void **state)
{
	struct ironclaw_error err = {0};
	struct vm_config config;

	(void)state;
	valid_config(&config);
	config.memory_mib = LIMIT_MEMORY_MIN_MIB;
	config.engine = VM_ENGINE_FIRECRACKER;
	assert_int_equal(vm_config_check(&config, &err), 0);
	config.accel = VM_ACCEL_KVM;
	assert_int_equal(vm_config_check(&config, &err), 0);
	config.accel = VM_ACCEL_TCG;
	assert_int_equal(vm_config_check(&config, &err), -EINVAL);
	assert_non_null(strstr(err.text, "accel: must not be tcg"));
	config.engine = VM_ENGINE_QEMU;
	assert_int_equal(vm_config_check(&config, &err), 0);
}

static void test_unreadable_files(void **state)
{
	struct violations list = {0};
	struct ironclaw_error err;
	struct vm_config config;

	(void)state;
	vm_config_init(&config);
	assert_int_equal(vm_config_load("/none.json", &config, &list, &err), -ENOENT);
	assert_non_null(strstr(err.text, "/none.json"));
	assert_int_equal(vm_config_load("/", &config, &list, &err), -EISDIR);
	assert_int_equal(vm_config_load("/dev/zero", &config, &list, &err), -ENOTSUP);
	assert_int_equal(err.code, IRONCLAW_ERR_INVALID);
	assert_int_equal(list.n_items, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_golden),
		cmocka_unit_test(test_full_file_is_taken_over),
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_names_are_fresh),
		cmocka_unit_test(test_given_names_stay),
		cmocka_unit_test(test_flags),
		cmocka_unit_test(test_foreign_values_are_refused),
		cmocka_unit_test(test_firecracker_does_not_emulate),
		cmocka_unit_test(test_unreadable_files),
	};

	return cmocka_run_group_tests_name("config", tests, NULL, NULL);
}
