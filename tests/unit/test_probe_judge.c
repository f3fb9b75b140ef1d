/* SPDX-License-Identifier: Apache-2.0 */
/* Who refused an act, and whether that is who must (machine/probe_judge.c). */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "machine/probe.h"

static struct probe_row judged(const struct probe_act *act, bool denied, int errnum)
{
	struct probe_row row = {.act = act,
				.expected = probe_expect(act, JAIL_PROGRAM_QEMU_KVM),
				.denied = denied,
				.errnum = errnum};

	probe_judge(&row, true);
	return row;
}

static void test_seccomp(void **state)
{
	const struct probe_act act = {"a", "b", PROBE_VMM_SECCOMP, PROBE_PRIVILEGES, "EPERM"};
	struct probe_row row = judged(&act, true, EPERM);

	(void)state;
	assert_true(row.held);
	assert_int_equal(row.by, PROBE_BY_SECCOMP);
	/* The layer beneath refuses too, but the filter has let it through. */
	row = judged(&act, false, EPERM);
	assert_false(row.held);
	assert_int_equal(row.by, PROBE_BY_LAYER);
	row = judged(&act, false, 0);
	assert_false(row.held);
	assert_int_equal(row.by, PROBE_BY_NOBODY);
	/* Some call on the way was denied, and the act succeeded all the same. */
	assert_false(judged(&act, true, 0).held);
	assert_false(judged(&act, false, ENOSYS).held);
}

static void test_quiet(void **state)
{
	const struct probe_act act = {"a", "b",
				      PROBE_VMM_SECCOMP | PROBE_KEEPER_SECCOMP | PROBE_QUIET,
				      PROBE_NOTHING, ""};
	struct probe_row row = {.act = &act,
				.errnum = ENOSYS,
				.expected = probe_expect(&act, JAIL_PROGRAM_KEEPER)};

	(void)state;
	assert_true(judged(&act, false, ENOSYS).held);
	assert_false(judged(&act, false, EINVAL).held);
	/* The keeper's filter has no quiet answers. */
	probe_judge(&row, true);
	assert_false(row.held);
}

static void test_beneath(void **state)
{
	const struct probe_act act = {"a", "b", PROBE_VMM_BENEATH, PROBE_READONLY, "EROFS|EACCES"};

	(void)state;
	assert_true(judged(&act, false, EROFS).held);
	assert_true(judged(&act, false, EACCES).held);
	assert_false(judged(&act, false, EINVAL).held);
	assert_false(judged(&act, false, 0).held);
	/* Stricter than must be. */
	assert_true(judged(&act, true, EPERM).held);
}

static void test_control(void **state)
{
	const struct probe_act act = {"a", "control", PROBE_VMM_WORKS, PROBE_NOTHING, ""};

	(void)state;
	assert_true(judged(&act, false, 0).held);
	assert_false(judged(&act, false, ENOENT).held);
	assert_false(judged(&act, true, EPERM).held);
}

static void test_silence_is_not_refusal(void **state)
{
	const struct probe_act act = {"a", "b", PROBE_VMM_SECCOMP, PROBE_NOTHING, ""};
	struct probe_row row = {.act = &act,
				.expected = probe_expect(&act, JAIL_PROGRAM_QEMU_TCG),
				.denied = true,
				.errnum = EPERM};

	(void)state;
	probe_judge(&row, false);
	assert_false(row.held);
	assert_int_equal(row.by, PROBE_BY_UNKNOWN);
}

static void test_words(void **state)
{
	(void)state;
	assert_true(probe_words_have("EROFS", EROFS));
	assert_true(probe_words_have("EPERM|EROFS", EROFS));
	assert_false(probe_words_have("EROFSX|XEROFS", EROFS));
	assert_false(probe_words_have("", EROFS));
	assert_false(probe_words_have("EROFS", 0));
	assert_false(probe_words_have("EROFS", 999999));
}

/* A row without an errno for its layer, or that nobody judges, would be green for nothing. */
static void test_catalogue(void **state)
{
	(void)state;
	for (size_t i = 0; i < probe_catalogue_n; i++) {
		const struct probe_act *act = &probe_catalogue[i];
		bool tried = false;

		for (int p = JAIL_PROGRAM_KEEPER; p < JAIL_PROGRAM_MAX; p++) {
			struct probe_expected e = probe_expect(act, (enum jail_program)p);

			tried |= e.first != 0;
			if (e.beneath != PROBE_NOTHING)
				assert_true(e.words[0] != '\0');
		}
		assert_true(tried);
		for (size_t j = 0; j < i; j++)
			assert_string_not_equal(act->name, probe_catalogue[j].name);
	}
}

static const struct probe_act *act_of(const char *name)
{
	for (size_t i = 0; i < probe_catalogue_n; i++) {
		if (strcmp(probe_catalogue[i].name, name) == 0)
			return &probe_catalogue[i];
	}
	fail_msg("there is no act '%s'", name);
	return NULL;
}

static bool works(const char *name, enum jail_program program)
{
	return probe_expect(act_of(name), program).first & (PROBE_VMM_WORKS | PROBE_KEEPER_WORKS);
}

static bool denied(const char *name, enum jail_program program)
{
	return probe_expect(act_of(name), program).first &
	       (PROBE_VMM_SECCOMP | PROBE_KEEPER_SECCOMP);
}

/* What one program may do is not let through for another. */
static void test_programs_differ(void **state)
{
	(void)state;
	assert_true(works("socket-unix", JAIL_PROGRAM_FIRECRACKER));
	assert_true(works("socket-unix", JAIL_PROGRAM_KEEPER_SOCKETS));
	assert_true(denied("socket-unix", JAIL_PROGRAM_QEMU_KVM));
	assert_true(denied("socket-unix", JAIL_PROGRAM_QEMU_TCG));
	assert_true(denied("socket-unix", JAIL_PROGRAM_KEEPER));
	assert_true(denied("socket-unix", JAIL_PROGRAM_KEEPER_VSOCK));
	assert_true(works("accept-call", JAIL_PROGRAM_KEEPER_VSOCK));
	assert_true(denied("accept-call", JAIL_PROGRAM_KEEPER));
	assert_true(denied("socketpair", JAIL_PROGRAM_KEEPER_SOCKETS));
	assert_true(denied("own-supervisor", JAIL_PROGRAM_KEEPER_SOCKETS));
	assert_true(denied("socket-inet", JAIL_PROGRAM_FIRECRACKER));
	assert_true(denied("fork", JAIL_PROGRAM_FIRECRACKER));
	/* Each has its state one way. */
	assert_int_equal(probe_expect(act_of("state-write"), JAIL_PROGRAM_FIRECRACKER).first, 0);
	assert_int_equal(probe_expect(act_of("state-file-write"), JAIL_PROGRAM_QEMU_KVM).first, 0);
}

/* One of a name that no act has would be of no effect. */
static void test_differences_are_of_acts(void **state)
{
	const char *name;

	(void)state;
	for (size_t i = 0; (name = probe_difference(i)); i++)
		(void)act_of(name);
	assert_non_null(probe_difference(0));
}

static void test_held_needs_all(void **state)
{
	static struct probe_results results;

	(void)state;
	assert_false(probe_held(&results));
	results.n_rows = results.n_effects = 1;
	results.rows[0].held = true;
	assert_false(probe_held(&results));
	results.effects[0].held = true;
	assert_true(probe_held(&results));
	results.rows[0].held = false;
	assert_false(probe_held(&results));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_seccomp),
		cmocka_unit_test(test_quiet),
		cmocka_unit_test(test_beneath),
		cmocka_unit_test(test_control),
		cmocka_unit_test(test_silence_is_not_refusal),
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_catalogue),
		cmocka_unit_test(test_programs_differ),
		cmocka_unit_test(test_differences_are_of_acts),
		cmocka_unit_test(test_held_needs_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
