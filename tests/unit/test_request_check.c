/* SPDX-License-Identifier: Apache-2.0 */
/* test_request_check.c - jail/request_check.h: a good request, and every way to spoil it. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "jail/plan.h"
#include "jail/request_check.h"

#define N_VMM_FDS 3U
#define N_FDS	  ((size_t)JAIL_FD_FIXED + JAIL_KEEPER_FDS + N_VMM_FDS)

static struct jail_plan plan;
static struct jail_request *const r = &plan.request;
static const struct jail_confinement confinement = {
	.program = JAIL_PROGRAM_QEMU_TCG,
	.keeper = JAIL_PROGRAM_KEEPER,
	.level = JAIL_LEVEL_BASIC,
	.denied = JAIL_DENIED_KILL,
	.limits = {.memory_max_b = 1 << 20, .pids_max = 4, .cpu_percent = 100},
};

static int build(void **state)
{
	struct ironclaw_error err;

	(void)state;
	jail_plan_init(&plan, "vm-1", "/usr/libexec/ironclaw/ironclaw-keeper", 4096);
	jail_plan_confine(&plan, &confinement);
	jail_plan_mount(&plan, JAIL_BIND_RO, "/usr", "/usr");
	jail_plan_mount(&plan, JAIL_BIND_RO, "/lib/libc.so.6", "/lib/libc.so.6");
	jail_plan_mount(&plan, JAIL_BIND_DEV, "/dev/null", "/dev/null");
	jail_plan_mount(&plan, JAIL_BIND_RW, "/data/ram", "/vm/ram");
	jail_plan_arg(&plan, "/usr/bin/qemu");
	jail_plan_arg(&plan, "");
	jail_plan_arg(&plan, "-x");
	jail_plan_env(&plan, "A=");
	jail_plan_env(&plan, "B=1");
	assert_int_equal(jail_plan_finish(&plan, N_VMM_FDS, &err), 0);
	return 0;
}

static void good(void)
{
	assert_int_equal(request_check(r, N_FDS), 0);
}

/* Refused, and good again when it is put right. */
static void bad(void *field, const void *good_value, size_t size)
{
	assert_int_equal(request_check(r, N_FDS), -EINVAL);
	memcpy(field, good_value, size);
	good();
}

static void spoil(uint32_t *field, uint32_t value)
{
	uint32_t before = *field;

	*field = value;
	bad(field, &before, sizeof(before));
}

/* Puts another text in a new place and points the field at it. */
static uint32_t text(const char *s)
{
	uint32_t at = r->text_length;
	size_t n = strlen(s) + 1;

	assert_true(n <= sizeof(r->text) - at);
	memcpy(r->text + at, s, n);
	r->text_length += (uint32_t)n;
	return at;
}

static void a_good_request_is_accepted(void **state)
{
	(void)state;
	good();
	/* The least there can be. */
	r->n_mounts = r->n_env = r->n_vmm_fds = 0;
	r->n_argv = 1;
	assert_int_equal(request_check(r, N_FDS - N_VMM_FDS), 0);
}

static void it_says_what_it_is(void **state)
{
	(void)state;
	spoil(&r->magic, 0);
	spoil(&r->magic, JAIL_REQUEST_MAGIC + 1);
	spoil(&r->size, 0);
	spoil(&r->size, sizeof(*r) - 1);
	spoil(&r->size, sizeof(*r) + 1);
	spoil(&r->size, UINT32_MAX);
}

static void counts_have_bounds(void **state)
{
	(void)state;
	/* Whatever lies behind the arrays, it may look as good as what is in them. */
	for (uint32_t i = r->n_mounts; i < JAIL_MOUNTS_MAX; i++)
		r->mounts[i] = r->mounts[0];
	for (uint32_t i = r->n_argv; i < JAIL_ARGV_MAX; i++)
		r->argv[i] = r->argv[0];
	for (uint32_t i = r->n_env; i < JAIL_ENV_MAX; i++)
		r->env[i] = r->env[0];
	memcpy((char *)r + offsetof(struct jail_request, env) + sizeof(r->env), &r->env[0],
	       sizeof(r->env[0]));
	good();
	spoil(&r->n_mounts, JAIL_MOUNTS_MAX + 1);
	spoil(&r->n_mounts, UINT32_MAX);
	spoil(&r->n_argv, 0);
	spoil(&r->n_argv, JAIL_ARGV_MAX + 1);
	spoil(&r->n_argv, UINT32_MAX);
	spoil(&r->n_env, JAIL_ENV_MAX + 1);
	spoil(&r->n_env, UINT32_MAX);
	spoil(&r->n_vmm_fds, JAIL_VMM_FDS_MAX + 1);
	spoil(&r->n_vmm_fds, UINT32_MAX);
}

static void as_many_descriptors_as_promised(void **state)
{
	(void)state;
	for (size_t n = 0; n <= JAIL_FDS_MAX + 1; n++)
		assert_int_equal(request_check(r, n), n == N_FDS ? 0 : -EINVAL);
	assert_int_equal(request_check(r, SIZE_MAX), -EINVAL);
	for (uint32_t n = 0; n <= JAIL_VMM_FDS_MAX; n++) {
		if (n != N_VMM_FDS)
			spoil(&r->n_vmm_fds, n);
	}
	r->n_vmm_fds = JAIL_VMM_FDS_MAX;
	assert_int_equal(request_check(r, JAIL_FDS_MAX), 0);
	/* Nothing that wraps around helps. */
	r->n_vmm_fds = UINT32_MAX - JAIL_FD_FIXED - JAIL_KEEPER_FDS;
	assert_int_equal(request_check(r, UINT32_MAX), -EINVAL);
}

static void the_text_is_terminated(void **state)
{
	char before;

	(void)state;
	spoil(&r->text_length, 0);
	spoil(&r->text_length, JAIL_TEXT_MAX_B + 1);
	spoil(&r->text_length, UINT32_MAX);
	/* In the middle of the last string. */
	spoil(&r->text_length, r->text_length - 1);
	before = r->text[r->text_length - 1];
	r->text[r->text_length - 1] = 'x';
	bad(&r->text[r->text_length - 1], &before, 1);
}

static void check_offset(uint32_t *field)
{
	spoil(field, r->text_length);
	spoil(field, JAIL_TEXT_MAX_B);
	spoil(field, JAIL_TEXT_MAX_B + 1);
	spoil(field, UINT32_MAX);
}

static void all_text_lies_inside(void **state)
{
	(void)state;
	/* Behind the text there is more that looks like it. */
	memset(r->text + r->text_length, '/', sizeof(r->text) - r->text_length);
	check_offset(&r->keeper);
	for (uint32_t i = 0; i < r->n_mounts; i++) {
		check_offset(&r->mounts[i].source);
		check_offset(&r->mounts[i].target);
	}
	for (uint32_t i = 0; i < r->n_argv; i++)
		check_offset(&r->argv[i]);
	for (uint32_t i = 0; i < r->n_env; i++)
		check_offset(&r->env[i]);
	/* What lies behind the counts is not looked at. */
	r->argv[r->n_argv] = r->env[r->n_env] = UINT32_MAX;
	r->mounts[r->n_mounts].target = UINT32_MAX;
	good();
}

static void strings_that_may_not_be_empty(void **state)
{
	uint32_t empty = text("");

	(void)state;
	good();
	spoil(&r->keeper, empty);
	spoil(&r->argv[0], empty);
	spoil(&r->env[1], empty);
	spoil(&r->mounts[0].source, empty);
	spoil(&r->mounts[0].target, empty);
	spoil(&r->mounts[1].source, empty);
	r->argv[2] = empty;
	good();
}

static void paths_are_absolute(void **state)
{
	uint32_t relative = text("usr/x"), dot = text("./x");

	(void)state;
	spoil(&r->keeper, relative);
	spoil(&r->argv[0], relative);
	spoil(&r->argv[0], dot);
	for (uint32_t i = 0; i < r->n_mounts; i++) {
		spoil(&r->mounts[i].target, relative);
		spoil(&r->mounts[i].source, relative);
	}
}

static void variables_have_a_value(void **state)
{
	(void)state;
	spoil(&r->env[0], text("A"));
	spoil(&r->env[1], text("LD_PRELOAD"));
}

static void mounts_are_of_a_known_kind(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < r->n_mounts; i++) {
		spoil(&r->mounts[i].kind, 0);
		spoil(&r->mounts[i].kind, JAIL_BIND_DEV + 1);
		spoil(&r->mounts[i].kind, UINT32_MAX);
	}
}

static void targets_stay_in_the_tree(void **state)
{
	static const char *const bad_targets[] = {
		"/",	 "//",	 "/.",	 "/..",	  "/a/",     "/a/.",  "/a/..",
		"/a//b", "//a",	 "/./a", "/../a", "/a/../b", "/a/./", "/a/b/../../..",
		"a",	 "../a", "..",
	};
	static const char *const good_targets[] = {"/a",   "/...",   "/.a",
						   "/a..", "/a/b/c", "/..a/b."};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad_targets); i++)
		spoil(&r->mounts[0].target, text(bad_targets[i]));
	for (size_t i = 0; i < ARRAY_SIZE(good_targets); i++) {
		r->mounts[0].target = text(good_targets[i]);
		good();
	}
}

static void targets_have_a_greatest_length(void **state)
{
	char path[300];

	(void)state;
	memset(path, 'x', sizeof(path));
	path[0] = '/';
	path[256] = '\0';
	spoil(&r->mounts[0].target, text(path));
	path[255] = '\0';
	r->mounts[0].target = text(path);
	good();
}

static void the_name_of_a_vm_is_a_name(void **state)
{
	static const char *const bad_ids[] = {"",    "a/b", "..",  ".",
					      "a.b", "a b", "a_b", "\xc3\xa4"};
	char before[sizeof(r->vm_id)];

	(void)state;
	memcpy(before, r->vm_id, sizeof(before));
	for (size_t i = 0; i < ARRAY_SIZE(bad_ids); i++) {
		memset(r->vm_id, 0, sizeof(r->vm_id));
		memcpy(r->vm_id, bad_ids[i], strlen(bad_ids[i]));
		bad(r->vm_id, before, sizeof(before));
	}
	/* Not terminated. */
	memset(r->vm_id, 'a', sizeof(r->vm_id));
	bad(r->vm_id, before, sizeof(before));
	memset(r->vm_id, 'a', JAIL_VM_ID_MAX);
	r->vm_id[JAIL_VM_ID_MAX] = '\0';
	good();
}

/* The keeper that may make sockets is that of a VMM with sockets of its own, and of no other. */
static void keepers_fit_the_sockets(void)
{
	spoil(&r->sockets, 1);
	spoil(&r->keeper_program, JAIL_PROGRAM_KEEPER_SOCKETS);
	r->keeper_program = JAIL_PROGRAM_KEEPER_VSOCK;
	good();
	spoil(&r->sockets, 1);
	r->keeper_program = JAIL_PROGRAM_KEEPER_SOCKETS;
	r->sockets = 1;
	good();
	spoil(&r->sockets, 0);
	spoil(&r->sockets, 2);
	spoil(&r->sockets, UINT32_MAX);
	r->keeper_program = JAIL_PROGRAM_KEEPER;
	r->sockets = 0;
	good();
}

static void confinement_is_chosen(void **state)
{
	uint64_t memory = r->limits.memory_max_b, too_much = UINT64_MAX, none = 0;

	(void)state;
	spoil(&r->vmm_program, 0);
	spoil(&r->vmm_program, JAIL_PROGRAM_KEEPER);
	spoil(&r->vmm_program, JAIL_PROGRAM_KEEPER_VSOCK);
	spoil(&r->vmm_program, JAIL_PROGRAM_KEEPER_SOCKETS);
	spoil(&r->vmm_program, JAIL_PROGRAM_MAX);
	spoil(&r->keeper_program, 0);
	spoil(&r->keeper_program, JAIL_PROGRAM_QEMU_TCG);
	spoil(&r->keeper_program, JAIL_PROGRAM_MAX);
	spoil(&r->sockets, 2);
	keepers_fit_the_sockets();
	spoil(&r->level, 0);
	spoil(&r->level, JAIL_LEVEL_PERMISSIVE + 1);
	spoil(&r->denied, 0);
	spoil(&r->denied, JAIL_DENIED_REFUSE + 1);
	spoil(&r->limits.pids_max, 0);
	spoil(&r->limits.cpu_percent, 0);
	spoil(&r->limits.required, 2);
	r->limits.memory_max_b = none;
	bad(&r->limits.memory_max_b, &memory, sizeof(memory));
	r->limits.memory_max_b = too_much;
	bad(&r->limits.memory_max_b, &memory, sizeof(memory));
}

#define TEST(name) cmocka_unit_test_setup(name, build)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_good_request_is_accepted),
		TEST(it_says_what_it_is),
		TEST(counts_have_bounds),
		TEST(as_many_descriptors_as_promised),
		TEST(the_text_is_terminated),
		TEST(all_text_lies_inside),
		TEST(strings_that_may_not_be_empty),
		TEST(paths_are_absolute),
		TEST(variables_have_a_value),
		TEST(mounts_are_of_a_known_kind),
		TEST(targets_stay_in_the_tree),
		TEST(targets_have_a_greatest_length),
		TEST(the_name_of_a_vm_is_a_name),
		TEST(confinement_is_chosen),
	};

	return cmocka_run_group_tests_name("request_check", tests, NULL, NULL);
}
