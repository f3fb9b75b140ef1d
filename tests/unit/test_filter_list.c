/* SPDX-License-Identifier: Apache-2.0 */
/* test_filter_list.c - jail/filters/list.h: what a seccomp list may say, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <cmocka.h>

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/error.h"
#include "jail/filters/list.h"

static struct filter_list list;

/* Appends; @text is a file of its own. Return: as filter_list_read() */
static int append(const char *text, char error[FILTER_LINE_MAX])
{
	FILE *f = fmemopen((char *)(uintptr_t)text, strlen(text), "r");
	int r;

	assert_non_null(f);
	error[0] = '\0';
	r = filter_list_read(&list, f, "t.list", error);
	(void)fclose(f);
	return r;
}

static int read_text(const char *text, char error[FILTER_LINE_MAX])
{
	list.n_rules = 0;
	return append(text, error);
}

static void calls_conditions_and_levels(void **state)
{
	static const char text[] = "# a comment\n"
				   "[minimal]\n"
				   "read write# and another\n"
				   "\n"
				   "errno ENOSYS clone3 seccomp\n"
				   "ioctl 1 in TCGETS 0x5402\n"
				   "\tmmap 2 & PROT_WRITE|PROT_EXEC = PROT_EXEC, 3 & 32 = 0\n"
				   "[basic]\n"
				   "tgkill 0 = 1, 2 = SIGABRT\n"
				   "[permissive]\n"
				   "ioctl\n";
	char error[FILTER_LINE_MAX];

	(void)state;
	assert_int_equal(read_text(text, error), 0);
	assert_int_equal(list.n_rules, 9);
	assert_int_equal(list.rules[1].nr, SYS_write);
	assert_int_equal(list.rules[1].level, JAIL_LEVEL_MINIMAL);
	assert_string_equal(list.rules[1].where, "t.list:3");
	assert_int_equal(list.rules[3].nr, SYS_seccomp);
	assert_int_equal(list.rules[3].errnum, ENOSYS);
	assert_string_equal(list.rules[3].text, "errno seccomp");
	assert_int_equal(list.rules[4].mask[1], 0xffffffff);
	assert_int_equal(list.rules[5].value[1], 0x5402);
	assert_string_equal(list.rules[5].text, "ioctl 1 = 0x5402");
	assert_int_equal(list.rules[6].mask[2], PROT_WRITE | PROT_EXEC);
	assert_int_equal(list.rules[6].value[2], PROT_EXEC);
	assert_int_equal(list.rules[6].mask[3], MAP_ANONYMOUS);
	assert_int_equal(list.rules[7].level, JAIL_LEVEL_BASIC);
	assert_int_equal(list.rules[7].value[2], 6);
	assert_int_equal(list.rules[8].level, JAIL_LEVEL_PERMISSIVE);
	/* The end of a text without a newline, and a text of nothing. */
	assert_int_equal(read_text("[minimal]\nread", error), 0);
	assert_int_equal(list.n_rules, 1);
	assert_int_equal(read_text("\n", error), 0);
	assert_int_equal(list.n_rules, 0);
}

static void a_rule_fits_in_the_bits_that_count(void **state)
{
	char error[FILTER_LINE_MAX];
	uint64_t args[FILTER_ARGS] = {7, 0x5401, 9, 9, 9, 9};

	(void)state;
	assert_int_equal(read_text("[minimal]\nioctl 1 = TCGETS\nclone 0 = CLONE_VM\n", error), 0);
	assert_true(filter_rule_fits(&list.rules[0], SYS_ioctl, args));
	assert_false(filter_rule_fits(&list.rules[0], SYS_fcntl, args));
	/* An int: the kernel does not read its high half. */
	args[1] |= UINT64_C(1) << 32;
	assert_true(filter_rule_fits(&list.rules[0], SYS_ioctl, args));
	args[1] |= 2;
	assert_false(filter_rule_fits(&list.rules[0], SYS_ioctl, args));
	/* A long: it does. */
	args[0] = CLONE_VM;
	assert_true(filter_rule_fits(&list.rules[1], SYS_clone, args));
	args[0] |= UINT64_C(1) << 33;
	assert_false(filter_rule_fits(&list.rules[1], SYS_clone, args));
}

static const struct {
	const char *text, *error;
} malformed[] = {
	{"read\n", "t.list:1: a rule before the first section"},
	{"[minimal]\n\nreed\n", "t.list:3: no system call 'reed' on x86-64"},
	{"[minimal]\n*\n", "t.list:2: no system call '*' on x86-64"},
	{"[minimal]\nread*\n", "t.list:2: no system call 'read*' on x86-64"},
	{"[minimal]\nREAD\n", "t.list:2: no system call 'READ' on x86-64"},
	/* of another architecture */
	{"[minimal]\nsocketcall\n", "t.list:2: no system call 'socketcall' on x86-64"},
	{"[minimal]\n-1\n", "t.list:2: no system call '-1' on x86-64"},
	{"[minimal]\nread, write\n", "t.list:2: no system call ',' on x86-64"},
	{"[minimal\nread\n", "t.list:1: no section '[minimal'"},
	{"[Minimal]\n", "t.list:1: no section '[Minimal]'"},
	{"[minimal] read\n", "t.list:1: text after a section's name"},
	{"[basic]\n[minimal]\n",
	 "t.list:2: sections stand in the order minimal, basic, permissive"},
	{"[basic]\n[basic]\n", "t.list:2: sections stand in the order minimal, basic, permissive"},
	{"[minimal]\nread read\n", "t.list:2: 'read' and the rule at t.list:2: one is pointless"},
	{"[minimal]\nread\n[basic]\nread\n",
	 "t.list:4: 'read' and the rule at t.list:2: one is pointless"},
	{"[minimal]\nioctl\nioctl 1 = 1\n",
	 "t.list:3: 'ioctl' and the rule at t.list:2: one is pointless"},
	{"[minimal]\nioctl 1 = 1\nioctl\n",
	 "t.list:3: 'ioctl' and the rule at t.list:2: one is pointless"},
	{"[minimal]\nioctl 1 in 1 1\n",
	 "t.list:2: 'ioctl' and the rule at t.list:2: one is pointless"},
	{"[minimal]\nerrno ENOSYS read\n[basic]\nread\n",
	 "t.list:4: 'read' has a rule already, at t.list:2"},
	{"[minimal]\nread\nerrno ENOSYS read\n",
	 "t.list:3: 'read' has a rule already, at t.list:2"},
	{"[minimal]\nerrno ENOSYS\n", "t.list:2: a system call is missing"},
	{"[minimal]\nerrno\n", "t.list:2: 'errno' wants the name of an error"},
	{"[minimal]\nerrno 38 read\n", "t.list:2: 'errno' wants the name of an error"},
	{"[minimal]\nerrno ENOSYS 1 read\n", "t.list:2: no system call '1' on x86-64"},
	{"[minimal]\nioctl 1\n", "t.list:2: '=' expected instead of ''"},
	{"[minimal]\nioctl 1 =\n", "t.list:2: no constant ''"},
	{"[minimal]\nioctl 1 == 2\n", "t.list:2: '=' expected instead of '=='"},
	{"[minimal]\nioctl 1 != 2\n", "t.list:2: '=' expected instead of '!='"},
	{"[minimal]\nioctl 1=2\n", "t.list:2: '1=2' is no argument: 0 to 5"},
	{"[minimal]\nioctl 6 = 1\n", "t.list:2: '6' is no argument: 0 to 5"},
	{"[minimal]\nioctl 11 = 1\n", "t.list:2: '11' is no argument: 0 to 5"},
	{"[minimal]\nioctl 1 = 2 3\n", "t.list:2: ',' expected instead of '3'"},
	{"[minimal]\nioctl 1 = 2,\n", "t.list:2: '' is no argument: 0 to 5"},
	{"[minimal]\nioctl 1 = 2, 1 = 3\n", "t.list:2: argument 1 is compared twice"},
	{"[minimal]\nioctl 1 = KVM_FLY\n", "t.list:2: no constant 'KVM_FLY'"},
	{"[minimal]\nioctl 1 = TCGETS|\n", "t.list:2: no constant ''"},
	{"[minimal]\nioctl 1 = 12x\n", "t.list:2: '12x' is no number"},
	{"[minimal]\nioctl 1 = 0x1ffffffffffffffff\n",
	 "t.list:2: '0x1ffffffffffffffff' is no number"},
	{"[minimal]\nioctl 1 = 0x100000000\n", "t.list:2: this comparison can never hold"},
	{"[minimal]\nioctl 1 & 0 = 0\n", "t.list:2: a mask of nothing"},
	{"[minimal]\nioctl 1 & 1 = 2\n", "t.list:2: this comparison can never hold"},
	{"[minimal]\nioctl 1 & 0x100000000 = 0\n", "t.list:2: a mask wider than the argument"},
	{"[minimal]\nioctl 1 in\n", "t.list:2: 'in' wants values"},
	{"[minimal]\nioctl 1 in 1, 2\n", "t.list:2: no constant ','"},
	{"[minimal]\nioctl 0 = 1\n",
	 "t.list:2: argument 0 of 'ioctl' is not in the table of constants.c"},
	{"[minimal]\nread 0 in 1\n",
	 "t.list:2: argument 0 of 'read' is not in the table of constants.c"},
	{"[minimal]\nioctl 9 in 1\n",
	 "t.list:2: argument 9 of 'ioctl' is not in the table of constants.c"},
};

static void every_doubtful_line_is_refused_by_number(void **state)
{
	char error[FILTER_LINE_MAX];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(malformed); i++) {
		if (read_text(malformed[i].text, error) != -EINVAL)
			fail_msg("accepted: %s", malformed[i].text);
		assert_string_equal(error, malformed[i].error);
	}
}

static void lines_and_rules_have_limits(void **state)
{
	char error[FILTER_LINE_MAX], text[8192] = "[minimal]\n";
	size_t used = strlen(text);

	(void)state;
	memset(text + used, ' ', FILTER_LINE_MAX);
	text[used + FILTER_LINE_MAX] = '\0';
	assert_int_equal(read_text(text, error), -EINVAL);
	assert_string_equal(error, "t.list:2: the line is too long");

	for (int i = 0; i < 80; i++)
		(void)snprintf(text + used + 2 * (size_t)i, 3, "a ");
	assert_int_equal(read_text(text, error), -EINVAL);
	assert_string_equal(error, "t.list:2: too many words");

	assert_int_equal(read_text("[minimal]\n", error), 0);
	for (unsigned int i = 0; i < FILTER_RULES_MAX; i++) {
		(void)snprintf(text, sizeof(text), "[minimal]\nioctl 1 = %u\n", i);
		assert_int_equal(append(text, error), 0);
	}
	assert_int_equal(append("[minimal]\nread\n", error), -EINVAL);
	assert_string_equal(error, "t.list:2: more than 512 rules");
}

/* Two texts of one program are held against each other. */
static void lists_are_joined(void **state)
{
	char error[FILTER_LINE_MAX];

	(void)state;
	assert_int_equal(read_text("[minimal]\nread\n", error), 0);
	assert_int_equal(append("[basic]\nwrite\n[permissive]\nclose\n", error), 0);
	assert_int_equal(list.n_rules, 3);
	assert_int_equal(append("[permissive]\nread\n", error), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(calls_conditions_and_levels),
		cmocka_unit_test(a_rule_fits_in_the_bits_that_count),
		cmocka_unit_test(every_doubtful_line_is_refused_by_number),
		cmocka_unit_test(lines_and_rules_have_limits),
		cmocka_unit_test(lists_are_joined),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
