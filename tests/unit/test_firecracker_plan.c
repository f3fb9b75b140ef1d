/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_firecracker_plan.c - engine/firecracker.h: command lines, files and orders, as
 * tests/golden/firecracker/NAME has them, and what must be true of every one of them.
 *
 * After a change that is meant: IRONCLAW_UPDATE_GOLDEN=1 build/tests/test_firecracker_plan, and
 * read the diff.
 */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "engine/firecracker.h"
#include "jail/request.h"
#include "sys/file.h"

#define TEXT_MAX_B    32768
#define CMDLINE_MAX_B 2048 /* of the guest's kernel, with what Firecracker appends */

static const struct {
	const char *name;
	enum engine_start start;
	bool glibc, filter;
} cases[] = {
	{"boot", ENGINE_BOOT, false, false},	   {"template", ENGINE_BOOT_TEMPLATE, false, false},
	{"clone", ENGINE_CLONE, false, false},	   {"boot-filter", ENGINE_BOOT, false, true},
	{"clone-glibc", ENGINE_CLONE, true, true},
};
#define N_CASES ARRAY_SIZE(cases)

static struct engine_host released = {.program = "/opt/fc/firecracker", .version = "1.16.1"};
static struct engine_host linked = {.program = "/usr/local/bin/firecracker", .version = "1.7.0"};
static struct ironclaw_error err;

static int add_files(void **state)
{
	(void)state;
	return engine_host_file(&linked, "/lib64/ld-linux-x86-64.so.2",
				"/lib64/ld-linux-x86-64.so.2", false) +
	       engine_host_file(&linked, "/lib/x86_64-linux-gnu/libc.so.6", "/lib/libc.so.6",
				false);
}

static struct engine_settings settings_of(size_t i)
{
	return (struct engine_settings){
		.accel = ENGINE_ACCEL_KVM,
		.start = cases[i].start,
		.vcpus = 2,
		.memory_mib = 512,
		.tsc_khz = 2000000,
		.kernel = "/data/kernels/small/vmlinux",
		.initramfs = "/run/vms/vm-1/initramfs",
		.image = "/data/images/default/root.erofs",
		.ram = "/data/templates/0123/ram",
		.state = "/data/templates/0123/state",
		.link = ENGINE_LINK_VSOCK,
		.guest_cid = ENGINE_SOCKETS_CID,
		.seccomp_filter = cases[i].filter ? "/run/firecracker.seccomp" : NULL,
	};
}

static void plan(size_t i, struct engine_plan *ret)
{
	const struct engine_settings settings = settings_of(i);

	assert_int_equal(firecracker_plan(cases[i].glibc ? &linked : &released, &settings, ret,
					  &err),
			 0);
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
	(void)fprintf(out, "descriptors %u\nsockets %s\norders\n%s", p->n_fds,
		      p->sockets ? "of its own" : "given", p->orders);
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
	(void)snprintf(path, sizeof(path), TEST_DATA "/golden/firecracker/%s", cases[i].name);
	if (getenv("IRONCLAW_UPDATE_GOLDEN"))
		assert_int_equal(file_write_atomic(AT_FDCWD, path, got, len, 0644), 0);
	assert_int_equal(file_read_bounded(AT_FDCWD, path, TEXT_MAX_B, &expected, &expected_len),
			 0);
	if (strcmp(got, expected) == 0)
		return true;
	print_error("%s is now:\n%s", path, got);
	return false;
}

static void plans_are_the_golden_ones(void **state)
{
	size_t bad = 0;

	(void)state;
	for (size_t i = 0; i < N_CASES; i++)
		bad += !golden_holds(i);
	assert_int_equal(bad, 0);
}

/* The body of the order to a path; owned by the caller; NULL when there is none. */
static json_t *body_of(const struct engine_plan *p, const char *path)
{
	const char *line = strstr(p->orders, path);
	const char *body;

	if (!line)
		return NULL;
	body = strchr(line, '{');
	return json_loadb(body, strcspn(body, "\n"), JSON_REJECT_DUPLICATES, NULL);
}

static bool has(const struct engine_plan *p, const char *path, const char *body)
{
	json_t *got = body_of(p, path), *want = json_loads(body, 0, NULL);
	bool same = got && want && json_equal(got, want);

	json_decref(got);
	json_decref(want);
	return same;
}

static const struct engine_file *file_at(const struct engine_plan *p, const char *inside)
{
	for (size_t i = 0; i < p->n_files; i++) {
		if (strcmp(p->files[i].inside, inside) == 0)
			return &p->files[i];
	}
	return NULL;
}

static bool has_arg(const struct engine_plan *p, const char *arg)
{
	for (size_t i = 0; i < p->n_argv; i++) {
		if (strcmp(p->argv[i], arg) == 0)
			return true;
	}
	return false;
}

/* "METHOD PATH BODY" lines, each body one JSON object. */
static void every_order_is_a_request(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_CASES; i++) {
		char orders[ENGINE_ORDERS_MAX_B], *save = NULL;
		struct engine_plan p;
		size_t n = 0;

		plan(i, &p);
		assert_int_equal(p.orders[strlen(p.orders) - 1], '\n');
		memcpy(orders, p.orders, sizeof(orders));
		for (char *line = strtok_r(orders, "\n", &save); line;
		     line = strtok_r(NULL, "\n", &save)) {
			char *body = strchr(line, '{');
			json_t *json;

			assert_int_equal(strncmp(line, "PUT /", 5), 0);
			assert_non_null(body);
			assert_int_equal(body[-1], ' ');
			json = json_loads(body, JSON_REJECT_DUPLICATES, NULL);
			assert_true(json_is_object(json));
			json_decref(json);
			n++;
		}
		assert_int_equal(n, cases[i].start == ENGINE_CLONE ? 1 : 6);
	}
}

static void a_boot_is_started_last(void **state)
{
	static const char start[] = "PUT /actions {\"action_type\":\"InstanceStart\"}\n";

	(void)state;
	for (size_t i = 0; i < N_CASES; i++) {
		struct engine_plan p;
		const char *found;

		plan(i, &p);
		found = strstr(p.orders, start);
		if (cases[i].start == ENGINE_CLONE)
			assert_null(found);
		else
			assert_string_equal(found, start);
	}
}

static void no_plan_has_a_network(void **state)
{
	static const char *const words[] = {"network", "mmds", "iface", "host_dev", "tap"};

	(void)state;
	for (size_t i = 0; i < N_CASES; i++) {
		struct engine_plan p;

		plan(i, &p);
		for (size_t w = 0; w < ARRAY_SIZE(words); w++)
			assert_null(strstr(p.orders, words[w]));
		assert_false(has_arg(&p, "--metadata"));
		assert_false(has_arg(&p, "--config-file"));
		assert_null(file_at(&p, "/dev/net/tun"));
	}
}

/* Whatever is said of a filter, there is always one; and ours is really passed on. */
static void a_filter_is_never_left_out(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_CASES; i++) {
		struct engine_plan p;

		plan(i, &p);
		assert_false(has_arg(&p, "--no-seccomp"));
		assert_true(has_arg(&p, "--seccomp-filter") == cases[i].filter);
		if (!cases[i].filter) {
			assert_null(file_at(&p, "/vm/seccomp"));
			continue;
		}
		assert_true(has_arg(&p, "/vm/seccomp"));
		assert_string_equal(file_at(&p, "/vm/seccomp")->host, "/run/firecracker.seccomp");
		assert_int_equal(file_at(&p, "/vm/seccomp")->kind, ENGINE_FILE_RO);
	}
}

/* Its parser takes "--name value" as two words only, and each name once. */
static void arguments_have_the_form_that_is_parsed(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_CASES; i++) {
		struct engine_plan p;

		plan(i, &p);
		assert_int_equal(p.n_argv % 2, 1);
		for (size_t k = 1; k < p.n_argv; k += 2) {
			assert_int_equal(strncmp(p.argv[k], "--", 2), 0);
			assert_null(strchr(p.argv[k], '='));
			assert_int_not_equal(strncmp(p.argv[k + 1], "--", 2), 0);
			for (size_t other = k + 2; other < p.n_argv; other += 2)
				assert_string_not_equal(p.argv[k], p.argv[other]);
		}
	}
}

static void the_image_is_no_root_and_read_only(void **state)
{
	struct engine_plan p;

	(void)state;
	plan(0, &p);
	assert_true(has(&p, "/drives/image",
			"{\"drive_id\":\"image\",\"path_on_host\":\"/vm/image\","
			"\"is_root_device\":false,\"is_read_only\":true}"));
	for (size_t i = 0; i < N_CASES; i++) {
		plan(i, &p);
		assert_int_equal(file_at(&p, "/vm/image")->kind, ENGINE_FILE_RO);
	}
}

/* Engine and jail do not know each other: the names of one must be those of the other. */
static void the_jail_listens_where_the_guest_calls(void **state)
{
	char listener[64];

	(void)state;
	assert_string_equal(ENGINE_SOCKETS_INSIDE, JAIL_SOCKETS);
	(void)snprintf(listener, sizeof(listener), "%s/%s_%u", ENGINE_SOCKETS_INSIDE,
		       ENGINE_VSOCK_NAME, ENGINE_SOCKETS_CID);
	assert_string_equal(listener, JAIL_LISTENER);
}

static void vsock_is_where_the_keeper_is(void **state)
{
	struct engine_plan p;

	(void)state;
	plan(0, &p);
	assert_true(has(&p, "/vsock", "{\"guest_cid\":3,\"uds_path\":\"/run/v.sock\"}"));
	assert_true(has_arg(&p, "/run/api.sock"));
	for (size_t i = 0; i < N_CASES; i++) {
		plan(i, &p);
		assert_true(p.sockets);
		assert_int_equal(p.n_fds, 0);
	}
}

/* 2 is the host, 0 and 1 work by accident: Firecracker takes them all. */
static void another_cid_or_link_is_refused(void **state)
{
	static const uint32_t cids[] = {0, 1, 2, 4, UINT32_MAX};
	struct engine_settings settings = settings_of(0);
	struct engine_plan p;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cids); i++) {
		settings.guest_cid = cids[i];
		assert_int_equal(firecracker_plan(&released, &settings, &p, &err), -EINVAL);
		assert_int_equal(err.code, IRONCLAW_ERR_INTERNAL);
	}
	settings = settings_of(0);
	settings.link = ENGINE_LINK_SERIAL;
	assert_int_equal(firecracker_plan(&released, &settings, &p, &err), -EINVAL);
	settings = settings_of(0);
	settings.accel = ENGINE_ACCEL_TCG;
	assert_int_equal(firecracker_plan(&released, &settings, &p, &err), -EINVAL);
}

static void the_guests_kernel_gets_what_the_default_had(void **state)
{
	static const char *const words[] = {"reboot=k", "panic=-1", "console=ttyS0"};
	static const char *const never[] = {"nomodule", "acpi=off", "nr_uarts=0", "root=", "pci="};
	struct engine_plan p;
	json_t *body;
	const char *args;

	(void)state;
	plan(0, &p);
	body = body_of(&p, "/boot-source");
	args = json_string_value(json_object_get(body, "boot_args"));
	assert_non_null(args);
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		assert_non_null(strstr(args, words[i]));
	for (size_t i = 0; i < ARRAY_SIZE(never); i++)
		assert_null(strstr(args, never[i]));
	assert_null(strpbrk(args, "\n\t"));
	/* It appends a device for each of up to five drives and the like. */
	assert_true(strlen(args) < CMDLINE_MAX_B / 4);
	json_decref(body);
}

static void only_a_template_in_the_making_is_written(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_CASES; i++) {
		bool making = cases[i].start == ENGINE_BOOT_TEMPLATE;
		bool boots = cases[i].start != ENGINE_CLONE;
		struct engine_plan p;
		size_t writable = 0;

		plan(i, &p);
		for (size_t k = 0; k < p.n_files; k++)
			writable += p.files[k].kind == ENGINE_FILE_RW;
		assert_int_equal(writable, making ? 2 : 0);
		assert_int_equal(p.file_size_max_b, making ? UINT64_C(512) << 20 : 0);
		assert_true((file_at(&p, "/vm/kernel") != NULL) == boots);
		assert_true((file_at(&p, "/vm/initramfs") != NULL) == boots);
		assert_true((file_at(&p, "/vm/ram") != NULL) == (making || !boots));
		assert_true((file_at(&p, "/vm/state") != NULL) == (making || !boots));
		assert_non_null(file_at(&p, "/dev/kvm"));
		assert_non_null(file_at(&p, "/dev/null"));
	}
}

/* Fields that one version knows and another refuses: a template's clone is resumed by the load. */
static void a_clone_is_loaded_with_fields_that_all_versions_know(void **state)
{
	struct engine_plan p;

	(void)state;
	plan(2, &p);
	assert_true(has(&p, "/snapshot/load",
			"{\"snapshot_path\":\"/vm/state\",\"resume_vm\":true,\"mem_backend\":"
			"{\"backend_type\":\"File\",\"backend_path\":\"/vm/ram\"}}"));
}

static void the_program_and_its_libraries_are_brought_along(void **state)
{
	struct engine_plan p;

	(void)state;
	plan(0, &p);
	assert_string_equal(p.argv[0], "/usr/bin/firecracker");
	assert_string_equal(file_at(&p, "/usr/bin/firecracker")->host, "/opt/fc/firecracker");
	assert_int_equal(p.n_env, 0);
	/* Program, two devices, kernel, initramfs, image: and nothing else. */
	assert_int_equal(p.n_files, 6);
	plan(4, &p);
	assert_string_equal(file_at(&p, "/lib/libc.so.6")->host, "/lib/x86_64-linux-gnu/libc.so.6");
	assert_string_equal(p.env[0], "LD_LIBRARY_PATH=/lib");
}

static void the_largest_numbers_and_longest_paths_fit(void **state)
{
	struct engine_settings settings = settings_of(1);
	struct engine_host longest = released;
	struct engine_plan p;
	char path[1024];

	(void)state;
	memset(path, 'x', sizeof(path) - 1);
	path[0] = '/';
	path[sizeof(path) - 1] = '\0';
	memcpy(longest.program, path, sizeof(path));
	settings.kernel = settings.initramfs = settings.image = settings.ram = settings.state =
		settings.seccomp_filter = path;
	settings.vcpus = UINT32_MAX;
	settings.memory_mib = UINT64_MAX >> 20;
	assert_int_equal(firecracker_plan(&longest, &settings, &p, &err), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plans_are_the_golden_ones),
		cmocka_unit_test(every_order_is_a_request),
		cmocka_unit_test(a_boot_is_started_last),
		cmocka_unit_test(no_plan_has_a_network),
		cmocka_unit_test(a_filter_is_never_left_out),
		cmocka_unit_test(arguments_have_the_form_that_is_parsed),
		cmocka_unit_test(the_image_is_no_root_and_read_only),
		cmocka_unit_test(the_jail_listens_where_the_guest_calls),
		cmocka_unit_test(vsock_is_where_the_keeper_is),
		cmocka_unit_test(another_cid_or_link_is_refused),
		cmocka_unit_test(the_guests_kernel_gets_what_the_default_had),
		cmocka_unit_test(only_a_template_in_the_making_is_written),
		cmocka_unit_test(a_clone_is_loaded_with_fields_that_all_versions_know),
		cmocka_unit_test(the_program_and_its_libraries_are_brought_along),
		cmocka_unit_test(the_largest_numbers_and_longest_paths_fit),
	};

	return cmocka_run_group_tests_name("firecracker_plan", tests, add_files, NULL);
}
