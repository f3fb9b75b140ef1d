/* SPDX-License-Identifier: Apache-2.0 */
/* test_jail_plan.c - jail/plan.h: requests as they are built, what does not fit, and the sentences
 * for what a warden could not do. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "jail/plan.h"
#include "jail/request_check.h"

static struct jail_plan plan;
static struct ironclaw_error err;
static const struct jail_confinement confinement = {
	.program = JAIL_PROGRAM_QEMU_KVM,
	.level = JAIL_LEVEL_PERMISSIVE,
	.denied = JAIL_DENIED_REFUSE,
	.limits = {.memory_max_b = 1, .pids_max = 2, .cpu_percent = 3, .required = 1},
};

static int build(void **state)
{
	(void)state;
	jail_plan_init(&plan, "vm-1", "/keeper", 4096);
	jail_plan_confine(&plan, &confinement);
	jail_plan_arg(&plan, "/usr/bin/qemu");
	memset(&err, 0, sizeof(err));
	return 0;
}

static void fits(void)
{
	assert_false(plan.overflow);
	assert_int_equal(jail_plan_finish(&plan, 2, &err), 0);
}

static void does_not_fit(void)
{
	assert_true(plan.overflow);
	assert_int_equal(jail_plan_finish(&plan, 2, &err), -E2BIG);
	assert_int_equal(err.code, IRONCLAW_ERR_INTERNAL);
}

static void what_was_asked_for_is_in_the_request(void **state)
{
	const struct jail_request *r = &plan.request;

	(void)state;
	jail_plan_mount(&plan, JAIL_BIND_RO, "/host/usr", "/usr");
	jail_plan_mount(&plan, JAIL_BIND_DEV, "/dev/kvm", "/dev/kvm");
	jail_plan_arg(&plan, "-m");
	jail_plan_env(&plan, "A=1");
	fits();
	assert_int_equal(r->magic, JAIL_REQUEST_MAGIC);
	assert_int_equal(r->size, sizeof(*r));
	assert_string_equal(r->vm_id, "vm-1");
	assert_string_equal(r->text + r->keeper, "/keeper");
	assert_int_equal(r->file_size_max_b, 4096);
	assert_int_equal(r->vmm_program, JAIL_PROGRAM_QEMU_KVM);
	assert_int_equal(r->level, JAIL_LEVEL_PERMISSIVE);
	assert_int_equal(r->denied, JAIL_DENIED_REFUSE);
	assert_memory_equal(&r->limits, &confinement.limits, sizeof(r->limits));
	assert_int_equal(r->n_vmm_fds, 2);
	assert_int_equal(r->n_argv, 2);
	assert_string_equal(r->text + r->argv[0], "/usr/bin/qemu");
	assert_string_equal(r->text + r->argv[1], "-m");
	assert_int_equal(r->n_env, 1);
	assert_string_equal(r->text + r->env[0], "A=1");
	assert_int_equal(r->n_mounts, 2);
	assert_int_equal(r->mounts[0].kind, JAIL_BIND_RO);
	assert_string_equal(r->text + r->mounts[0].source, "/host/usr");
	assert_string_equal(r->text + r->mounts[0].target, "/usr");
	assert_int_equal(r->mounts[1].kind, JAIL_BIND_DEV);
	assert_string_equal(r->text + r->mounts[1].source, "/dev/kvm");
}

/* The request goes to another process: nothing of ours may lie between its fields. */
static void nothing_of_the_caller_is_sent_along(void **state)
{
	static struct jail_plan other;

	(void)state;
	memset(&plan, 0xa5, sizeof(plan));
	memset(&other, 0x5a, sizeof(other));
	jail_plan_init(&plan, "vm-1", "/keeper", 0);
	jail_plan_init(&other, "vm-1", "/keeper", 0);
	assert_memory_equal(&plan.request, &other.request, sizeof(plan.request));
}

static void too_many_mounts(void **state)
{
	char target[16];

	(void)state;
	for (unsigned int i = 0; i < JAIL_MOUNTS_MAX; i++) {
		(void)snprintf(target, sizeof(target), "/m%u", i);
		jail_plan_mount(&plan, JAIL_BIND_RO, "/usr", target);
	}
	fits();
	jail_plan_mount(&plan, JAIL_BIND_RO, "/usr", "/more");
	does_not_fit();
	assert_int_equal(plan.request.n_mounts, JAIL_MOUNTS_MAX);
}

static void too_many_arguments(void **state)
{
	(void)state;
	for (unsigned int i = 1; i < JAIL_ARGV_MAX; i++)
		jail_plan_arg(&plan, "-x");
	fits();
	jail_plan_arg(&plan, "-x");
	does_not_fit();
	assert_int_equal(plan.request.n_argv, JAIL_ARGV_MAX);
}

static void too_many_variables(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < JAIL_ENV_MAX; i++)
		jail_plan_env(&plan, "A=1");
	fits();
	jail_plan_env(&plan, "A=1");
	does_not_fit();
	assert_int_equal(plan.request.n_env, JAIL_ENV_MAX);
}

static void too_much_text(void **state)
{
	static char text[JAIL_TEXT_MAX_B + 1];
	size_t left = JAIL_TEXT_MAX_B - plan.request.text_length;

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	jail_plan_arg(&plan, text + JAIL_TEXT_MAX_B - (left - 1));
	assert_int_equal(plan.request.text_length, JAIL_TEXT_MAX_B);
	fits();
	jail_plan_arg(&plan, "");
	does_not_fit();
	(void)build(NULL);
	jail_plan_arg(&plan, text + JAIL_TEXT_MAX_B - left);
	does_not_fit();
	(void)build(NULL);
	jail_plan_arg(&plan, text);
	does_not_fit();
	jail_plan_init(&plan, "vm-1", text, 0);
	does_not_fit();
}

static void a_full_plan_stays_full(void **state)
{
	static char text[JAIL_TEXT_MAX_B + 1];

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	jail_plan_mount(&plan, JAIL_BIND_RO, text, "/usr");
	jail_plan_arg(&plan, "-x");
	does_not_fit();
}

static void what_the_warden_would_refuse_is_not_sent(void **state)
{
	(void)state;
	jail_plan_mount(&plan, JAIL_BIND_RO, "/usr", "/a/../b");
	assert_int_equal(jail_plan_finish(&plan, 2, &err), -EINVAL);
	assert_int_equal(err.code, IRONCLAW_ERR_INTERNAL);
	(void)build(NULL);
	assert_int_equal(jail_plan_finish(&plan, JAIL_VMM_FDS_MAX + 1, &err), -EINVAL);
	jail_plan_init(&plan, "a/b", "/keeper", 0);
	jail_plan_arg(&plan, "/usr/bin/qemu");
	assert_int_equal(jail_plan_finish(&plan, 2, &err), -EINVAL);
	jail_plan_init(&plan, "vm-1", "/keeper", 0);
	assert_int_equal(jail_plan_finish(&plan, 2, &err), -EINVAL);
}

static void failure(uint32_t stage, int32_t errnum, uint32_t detail, int expected, const char *text)
{
	const struct jail_event event = {.kind = JAIL_EVENT_FAILED,
					 .stage = stage,
					 .errnum = errnum,
					 .detail = detail};

	assert_int_equal(jail_failure(&plan, &event, &err), -expected);
	assert_int_equal(err.code, IRONCLAW_ERR_JAIL);
	assert_int_equal(err.errnum, expected);
	if (!strstr(err.text, text))
		print_error("'%s' does not say '%s'\n", err.text, text);
	assert_non_null(strstr(err.text, text));
}

static void a_failure_names_the_step_and_the_file(void **state)
{
	(void)state;
	jail_plan_mount(&plan, JAIL_BIND_RO, "/host/usr", "/usr");
	jail_plan_mount(&plan, JAIL_BIND_DEV, "/dev/kvm", "/dev/kvm");
	failure(JAIL_STAGE_MOUNT, ENOENT, 1, ENOENT,
		"could not mount a file /dev/kvm: No such file or directory");
	failure(JAIL_STAGE_READABLE, EACCES, 0, EACCES,
		"could not read as the user of the jail /host/usr: ");
	assert_non_null(strstr(err.hint, "chmod"));
	failure(JAIL_STAGE_EXEC, ENOEXEC, 0, ENOEXEC, "could not execute /usr/bin/qemu: ");
	failure(JAIL_STAGE_PIVOT, EPERM, 0, EPERM, "could not leave the host's file tree: ");
}

static void a_failure_says_whose_it_was_and_what_a_tool_said(void **state)
{
	struct jail_event event = {.kind = JAIL_EVENT_FAILED,
				   .stage = JAIL_STAGE_EXEC,
				   .errnum = EACCES,
				   .program = JAIL_PROGRAM_KEEPER};

	(void)state;
	assert_int_equal(jail_failure(&plan, &event, &err), -EACCES);
	assert_non_null(strstr(err.text, "could not execute /keeper for the keeper: Permission"));
	event = (struct jail_event){.stage = JAIL_STAGE_FIREWALL, .errnum = EIO};
	/* All of it, and no terminator: the text of a warden that is not ours. */
	memset(event.text, 'x', sizeof(event.text));
	assert_int_equal(jail_failure(&plan, &event, &err), -EIO);
	assert_non_null(strstr(err.text, "could not put up the firewall: xxx"));
	assert_string_equal(err.hint, "");
	event.errnum = EOPNOTSUPP;
	assert_int_equal(jail_failure(&plan, &event, &err), -EOPNOTSUPP);
	assert_non_null(strstr(err.hint, "modprobe nf_tables"));
	event.errnum = EPERM;
	assert_int_equal(jail_failure(&plan, &event, &err), -EPERM);
	assert_non_null(strstr(err.hint, "CAP_NET_ADMIN"));
}

static void every_stage_has_a_sentence(void **state)
{
	(void)state;
	for (uint32_t stage = JAIL_STAGE_NONE; stage < JAIL_STAGE_MAX; stage++) {
		failure(stage, EPERM, 0, EPERM, ": Operation not permitted");
		assert_null(strstr(err.text, "(null)"));
	}
}

static void missing_namespaces_get_a_hint(void **state)
{
	(void)state;
	failure(JAIL_STAGE_USERNS, ENOSPC, 0, ENOSPC, "could not make the namespaces");
	assert_non_null(strstr(err.hint, "user.max_user_namespaces"));
}

static void numbers_that_make_no_sense_do_no_harm(void **state)
{
	(void)state;
	failure(JAIL_STAGE_MOUNT, ENOENT, 0, ENOENT, "could not mount a file: ");
	failure(JAIL_STAGE_MOUNT, ENOENT, UINT32_MAX, ENOENT, "could not mount a file: ");
	failure(JAIL_STAGE_MAX, ENOENT, 0, ENOENT, "could not go on: ");
	failure(UINT32_MAX, 0, 0, EIO, "could not go on: ");
	failure(JAIL_STAGE_PIVOT, -EPERM, 0, EIO, "leave the host's file tree");
	failure(JAIL_STAGE_USERNS, -EPERM, 0, EIO, "could not make the namespaces");
	failure(JAIL_STAGE_USERNS, 0, 0, EIO, "could not make the namespaces");
}

#define TEST(name) cmocka_unit_test_setup(name, build)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_was_asked_for_is_in_the_request),
		TEST(nothing_of_the_caller_is_sent_along),
		TEST(too_many_mounts),
		TEST(too_many_arguments),
		TEST(too_many_variables),
		TEST(too_much_text),
		TEST(a_full_plan_stays_full),
		TEST(what_the_warden_would_refuse_is_not_sent),
		TEST(a_failure_names_the_step_and_the_file),
		TEST(a_failure_says_whose_it_was_and_what_a_tool_said),
		TEST(every_stage_has_a_sentence),
		TEST(missing_namespaces_get_a_hint),
		TEST(numbers_that_make_no_sense_do_no_harm),
	};

	return cmocka_run_group_tests_name("jail_plan", tests, NULL, NULL);
}
