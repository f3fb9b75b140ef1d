/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_filters.c - the compiled seccomp programs, in the kernel.
 *
 * Two kinds of test: that the programs do exactly what the lists say (the lists are the oracle, and
 * every call number and every rule with each bit of its arguments changed is tried), and that what
 * they say is what we want (calls named here by hand).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <cmocka.h>

#include <fcntl.h>
#include <linux/audit.h>
#include <linux/kvm.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "jail/filters.h"
#include "jail/filters/list.h"
#include "supervised.h"

#define LISTS	TEST_DATA "/../src/jail/filters/"
#define NUMBERS 1024 /* call numbers that are tried */
#define X32_BIT 0x40000000L
#define THREAD_FLAGS                                                                               \
	(CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM |        \
	 CLONE_SETTLS | CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID)

static const struct {
	enum jail_program program;
	const char *lists[3];
} programs[] = {
	{JAIL_PROGRAM_KEEPER, {LISTS "keeper.list"}},
	{JAIL_PROGRAM_QEMU_TCG, {LISTS "qemu.list", LISTS "qemu-tcg.list"}},
	{JAIL_PROGRAM_QEMU_KVM, {LISTS "qemu.list", LISTS "qemu-kvm.list"}},
	{JAIL_PROGRAM_KEEPER_VSOCK, {LISTS "keeper.list", LISTS "keeper-vsock.list"}},
	{JAIL_PROGRAM_FIRECRACKER, {LISTS "firecracker.list"}},
	{JAIL_PROGRAM_KEEPER_SOCKETS,
	 {LISTS "keeper.list", LISTS "keeper-vsock.list", LISTS "keeper-sockets.list"}},
};

static void read_lists(size_t which, struct filter_list *list)
{
	char error[FILTER_LINE_MAX];

	list->n_rules = 0;
	for (size_t i = 0; i < ARRAY_SIZE(programs[which].lists) && programs[which].lists[i]; i++) {
		FILE *f = fopen(programs[which].lists[i], "re");

		assert_non_null(f);
		assert_int_equal(filter_list_read(list, f, "list", error), 0);
		(void)fclose(f);
	}
}

/* The rule that a call falls under; NULL when it is denied. */
static const struct filter_rule *rule_for(const struct filter_list *list, enum jail_level level,
					  const struct attempt *a)
{
	for (size_t i = 0; i < list->n_rules; i++) {
		const struct filter_rule *rule = &list->rules[i];

		if (rule->level <= level && filter_rule_fits(rule, (int)a->nr, a->args))
			return rule;
	}
	return NULL;
}

static void check_against_list(const struct filter_list *list, enum jail_level level,
			       const struct attempt *a)
{
	const struct filter_rule *rule = rule_for(list, level, a);

	if (!rule) {
		if (a->n_denied != 1)
			fail_msg("level %d: call %ld (%lx %lx %lx %lx) is not in the list, and was "
				 "not denied",
				 (int)level, a->nr, (long)a->args[0], (long)a->args[1],
				 (long)a->args[2], (long)a->args[3]);
		assert_int_equal(a->result, -EPERM);
		assert_int_equal(a->told.nr, a->nr);
		assert_int_equal(a->told.arch, AUDIT_ARCH_X86_64);
		assert_memory_equal(a->told.args, a->args, sizeof(a->args));
		return;
	}
	if (a->n_denied != 0)
		fail_msg("level %d: call %ld (%lx %lx %lx %lx) is allowed at %s, and was denied",
			 (int)level, a->nr, (long)a->args[0], (long)a->args[1], (long)a->args[2],
			 (long)a->args[3], rule->where);
	if (rule->errnum)
		assert_int_equal(a->result, -rule->errnum);
}

/*
 * Allowed calls that would end or stop the child, and two that Linux keeps from every seccomp
 * program (since 6.14): the kernel's own trampolines of user-space probes make them, and anybody
 * else who does gets SIGILL.
 */
static bool is_deadly(long nr)
{
	const long uretprobe = 335, uprobe = 336;

	return nr == SYS_exit || nr == SYS_exit_group || nr == SYS_rt_sigreturn ||
	       nr == SYS_pause || nr == uretprobe || nr == uprobe;
}

static void each_level(void (*test)(size_t which, enum jail_level level))
{
	for (size_t i = 0; i < ARRAY_SIZE(programs); i++) {
		for (int level = JAIL_LEVEL_MINIMAL; level <= JAIL_LEVEL_PERMISSIVE; level++)
			test(i, (enum jail_level)level);
	}
}

static void try_numbers(size_t which, enum jail_level level)
{
	static struct filter_list list;
	struct supervised *s = supervised_new(NUMBERS + 1);
	size_t n_denied = 0;

	read_lists(which, &list);
	for (long nr = 0; nr < NUMBERS; nr++) {
		if (!is_deadly(nr))
			(void)supervised_add(s, nr);
	}
	/* What no kernel has, and what a tracer would make of a call. */
	(void)supervised_add(s, -1);
	supervised_run(s, filters_find(programs[which].program, level));
	for (size_t i = 0; i < s->n; i++) {
		check_against_list(&list, level, &s->attempts[i]);
		n_denied += s->attempts[i].n_denied;
	}
	/* The other half of them do not exist, or are left out. */
	assert_true(n_denied > NUMBERS / 2 && n_denied < NUMBERS);
	supervised_free(s);
}

static void every_number_is_denied_unless_listed(void **state)
{
	(void)state;
	each_level(try_numbers);
}

/* The rule's own arguments, and each with one bit changed. */
static void add_variants(struct supervised *s, const struct filter_rule *rule)
{
	struct attempt base = {.nr = rule->nr};

	memset(base.args, 0xff, sizeof(base.args));
	for (size_t arg = 0; arg < FILTER_ARGS; arg++) {
		if (rule->mask[arg])
			base.args[arg] = rule->value[arg];
	}
	memcpy(supervised_add(s, rule->nr)->args, base.args, sizeof(base.args));
	for (size_t arg = 0; arg < FILTER_ARGS; arg++) {
		for (unsigned int bit = 0; rule->mask[arg] && bit < 64; bit++) {
			struct attempt *a = supervised_add(s, rule->nr);

			memcpy(a->args, base.args, sizeof(base.args));
			a->args[arg] ^= UINT64_C(1) << bit;
		}
	}
}

static void try_arguments(size_t which, enum jail_level level)
{
	static struct filter_list list;
	struct supervised *s = supervised_new(FILTER_RULES_MAX * 130);

	read_lists(which, &list);
	for (size_t i = 0; i < list.n_rules; i++) {
		static const uint64_t none[FILTER_ARGS];

		if (memcmp(list.rules[i].mask, none, sizeof(none)) != 0)
			add_variants(s, &list.rules[i]);
	}
	supervised_run(s, filters_find(programs[which].program, level));
	for (size_t i = 0; i < s->n; i++)
		check_against_list(&list, level, &s->attempts[i]);
	supervised_free(s);
}

static void every_argument_rule_holds_in_each_bit(void **state)
{
	(void)state;
	each_level(try_arguments);
}

/* What attacks need and no level gives. A quiet refusal (ENOSYS) is as good as a denial. */
static const char *const never[] = {
	"execve",
	"execveat",
	"fork",
	"vfork",
	"clone3",
	"ptrace",
	"process_vm_readv",
	"process_vm_writev",
	"process_madvise",
	"process_mrelease",
	"kcmp",
	"kill",
	"tkill",
	"rt_sigqueueinfo",
	"rt_tgsigqueueinfo",
	"pidfd_open",
	"pidfd_getfd",
	"pidfd_send_signal",
	"mount",
	"umount2",
	"pivot_root",
	"chroot",
	"fsopen",
	"fsconfig",
	"fsmount",
	"fspick",
	"open_tree",
	"move_mount",
	"mount_setattr",
	"keyctl",
	"add_key",
	"request_key",
	"bpf",
	"perf_event_open",
	"userfaultfd",
	"io_uring_setup",
	"io_uring_enter",
	"io_uring_register",
	"setns",
	"unshare",
	"init_module",
	"finit_module",
	"delete_module",
	"kexec_load",
	"kexec_file_load",
	"personality",
	"modify_ldt",
	"name_to_handle_at",
	"open_by_handle_at",
	"seccomp",
	"splice",
	"vmsplice",
	"tee",
	"sendfile",
	"copy_file_range",
	"inotify_init",
	"inotify_init1",
	"inotify_add_watch",
	"fanotify_init",
	"fanotify_mark",
	"memfd_create",
	"memfd_secret",
	"mincore",
	"mknod",
	"mknodat",
	"chown",
	"fchown",
	"lchown",
	"fchownat",
	"setuid",
	"setgid",
	"setreuid",
	"setregid",
	"setresuid",
	"setresgid",
	"setgroups",
	"setfsuid",
	"setfsgid",
	"capset",
	"setsid",
	"setpgid",
	"reboot",
	"swapon",
	"swapoff",
	"acct",
	"syslog",
	"sethostname",
	"setdomainname",
	"settimeofday",
	"clock_settime",
	"clock_adjtime",
	"adjtimex",
	"iopl",
	"ioperm",
	"quotactl",
	"sched_setscheduler",
	"sched_setparam",
	"sched_setattr",
	"setpriority",
	"ioprio_set",
	"mlockall",
	"migrate_pages",
	"move_pages",
	"mbind",
	"remap_file_pages",
	"pkey_mprotect",
	"shmget",
	"shmat",
	"msgget",
	"semget",
	"mq_open",
	"setxattr",
	"fsetxattr",
	"landlock_create_ruleset",
	"vhangup",
	"lookup_dcookie",
};

static void try_never(size_t which, enum jail_level level)
{
	struct supervised *s = supervised_new(ARRAY_SIZE(never));

	for (size_t i = 0; i < ARRAY_SIZE(never); i++) {
		int nr = filter_call_number(never[i]);

		assert_true(nr >= 0);
		/* It narrows itself with it, and cannot do more. */
		if (programs[which].program == JAIL_PROGRAM_FIRECRACKER && nr == SYS_seccomp)
			continue;
		memset(supervised_add(s, nr)->args, 0, sizeof(s->attempts[0].args));
	}
	supervised_run(s, filters_find(programs[which].program, level));
	for (size_t i = 0; i < s->n; i++) {
		const struct attempt *a = &s->attempts[i];

		if (a->n_denied == 1 ? a->result != -EPERM : a->result != -ENOSYS)
			fail_msg("level %d: call %ld came through: %ld", (int)level, a->nr,
				 a->result);
	}
	supervised_free(s);
}

static void what_attacks_need_is_in_no_list(void **state)
{
	(void)state;
	each_level(try_never);
}

/* Return: whether the call was denied */
static bool denied(enum jail_program program, enum jail_level level, long nr, uint64_t a0,
		   uint64_t a1, uint64_t a2, uint64_t a3)
{
	struct supervised *s = supervised_new(1);
	struct attempt *a = supervised_add(s, nr);
	bool r;

	a->args[0] = a0;
	a->args[1] = a1;
	a->args[2] = a2;
	a->args[3] = a3;
	supervised_run(s, filters_find(program, level));
	r = a->n_denied == 1;
	supervised_free(s);
	return r;
}

static void processes_cannot_be_made_but_threads(void **state)
{
	const uint64_t flags[] = {
		SIGCHLD,
		CLONE_VM | CLONE_VFORK | SIGCHLD,
		THREAD_FLAGS & ~(uint64_t)CLONE_THREAD,
		THREAD_FLAGS | CLONE_NEWUSER,
		THREAD_FLAGS | CLONE_NEWNS,
		THREAD_FLAGS | CLONE_PTRACE,
		THREAD_FLAGS | CLONE_UNTRACED,
		CLONE_NEWUSER | SIGCHLD,
	};

	(void)state;
	for (int level = JAIL_LEVEL_MINIMAL; level <= JAIL_LEVEL_PERMISSIVE; level++) {
		/* A bad address for the thread's own data: allowed, and then the kernel's EPERM. */
		assert_false(denied(JAIL_PROGRAM_QEMU_KVM, level, SYS_clone, THREAD_FLAGS,
				    UINT64_MAX, 0, 0));
		assert_true(denied(JAIL_PROGRAM_KEEPER, level, SYS_clone, THREAD_FLAGS, UINT64_MAX,
				   0, 0));
		for (size_t i = 0; i < ARRAY_SIZE(flags); i++)
			assert_true(
				denied(JAIL_PROGRAM_QEMU_TCG, level, SYS_clone, flags[i], 0, 0, 0));
	}
}

static void sockets_are_of_one_family_and_one_level(void **state)
{
	(void)state;
	for (uint64_t family = 0; family < 64; family++) {
		assert_true(denied(JAIL_PROGRAM_KEEPER, JAIL_LEVEL_MINIMAL, SYS_socket, family,
				   SOCK_STREAM, 0, 0));
		assert_true(denied(JAIL_PROGRAM_QEMU_TCG, JAIL_LEVEL_BASIC, SYS_socket, family,
				   SOCK_STREAM, 0, 0));
		assert_int_equal(denied(JAIL_PROGRAM_QEMU_TCG, JAIL_LEVEL_PERMISSIVE, SYS_socket,
					family, SOCK_STREAM, 0, 0),
				 family != AF_UNIX);
		assert_int_equal(denied(JAIL_PROGRAM_FIRECRACKER, JAIL_LEVEL_MINIMAL, SYS_socket,
					family, SOCK_STREAM, 0, 0),
				 family != AF_UNIX);
		assert_true(denied(JAIL_PROGRAM_KEEPER_VSOCK, JAIL_LEVEL_MINIMAL, SYS_socket,
				   family, SOCK_STREAM | SOCK_CLOEXEC, 0, 0));
		assert_int_equal(denied(JAIL_PROGRAM_KEEPER_SOCKETS, JAIL_LEVEL_MINIMAL, SYS_socket,
					family, SOCK_STREAM | SOCK_CLOEXEC, 0, 0),
				 family != AF_UNIX);
	}
}

/* Whoever is called needs accept4; whoever calls, connect. */
static void a_keeper_calls_only_a_vmm_with_sockets_of_its_own(void **state)
{
	static const struct {
		enum jail_program program;
		bool accept4, connect;
	} keepers[] = {
		{JAIL_PROGRAM_KEEPER, false, false},
		{JAIL_PROGRAM_KEEPER_VSOCK, true, false},
		{JAIL_PROGRAM_KEEPER_SOCKETS, true, true},
	};
	const uint64_t no_fd = UINT64_MAX;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(keepers); i++) {
		enum jail_program program = keepers[i].program;

		assert_int_equal(denied(program, JAIL_LEVEL_MINIMAL, SYS_accept4, no_fd, 0, 0,
					SOCK_CLOEXEC | SOCK_NONBLOCK),
				 !keepers[i].accept4);
		assert_int_equal(denied(program, JAIL_LEVEL_MINIMAL, SYS_connect, no_fd, 0, 0, 0),
				 !keepers[i].connect);
	}
}

static void memory_is_never_written_and_executed_under_kvm(void **state)
{
	static const struct {
		uint64_t prot, flags;
		bool denied;
	} maps[] = {
		{PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, false},
		{PROT_READ | PROT_WRITE, MAP_SHARED, false},
		{PROT_READ | PROT_EXEC, MAP_PRIVATE, false},
		{PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, true},
		{PROT_EXEC, MAP_SHARED | MAP_ANONYMOUS, true},
		{PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE, true},
		{PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, true},
	};

	(void)state;
	for (int level = JAIL_LEVEL_MINIMAL; level <= JAIL_LEVEL_PERMISSIVE; level++) {
		for (size_t i = 0; i < ARRAY_SIZE(maps); i++) {
			assert_int_equal(denied(JAIL_PROGRAM_QEMU_KVM, level, SYS_mmap, 0, 0,
						maps[i].prot, maps[i].flags),
					 maps[i].denied);
			assert_false(denied(JAIL_PROGRAM_QEMU_TCG, level, SYS_mmap, 0, 0,
					    maps[i].prot, maps[i].flags));
		}
		assert_true(denied(JAIL_PROGRAM_QEMU_KVM, level, SYS_mprotect, 0, 0,
				   PROT_READ | PROT_EXEC, 0));
		assert_false(
			denied(JAIL_PROGRAM_QEMU_KVM, level, SYS_mprotect, 0, 0, PROT_READ, 0));
		assert_false(denied(JAIL_PROGRAM_QEMU_TCG, level, SYS_mprotect, 0, 0,
				    PROT_READ | PROT_WRITE | PROT_EXEC, 0));
		assert_true(denied(JAIL_PROGRAM_KEEPER, level, SYS_mprotect, 0, 0, PROT_EXEC, 0));
		assert_true(
			denied(JAIL_PROGRAM_KEEPER, level, SYS_mmap, 0, 0, PROT_READ, MAP_PRIVATE));
	}
}

static void ioctls_are_those_of_a_virtual_machine(void **state)
{
	const uint64_t run = KVM_RUN, clock = KVM_GET_CLOCK;

	(void)state;
	for (int level = JAIL_LEVEL_MINIMAL; level <= JAIL_LEVEL_PERMISSIVE; level++) {
		const enum jail_program kvm = JAIL_PROGRAM_QEMU_KVM, tcg = JAIL_PROGRAM_QEMU_TCG;

		assert_false(denied(kvm, level, SYS_ioctl, UINT64_MAX, run, 0, 0));
		assert_true(denied(tcg, level, SYS_ioctl, UINT64_MAX, run, 0, 0));
		/* QEMU's numbers are ints: a number with the high bit set arrives sign-extended. */
		assert_false(denied(kvm, level, SYS_ioctl, UINT64_MAX, clock, 0, 0));
		assert_false(denied(kvm, level, SYS_ioctl, UINT64_MAX,
				    (uint64_t)(int64_t)(int32_t)clock, 0, 0));
		assert_true(denied(kvm, level, SYS_ioctl, UINT64_MAX, KVM_CREATE_DEVICE, 0, 0));
		assert_true(denied(kvm, level, SYS_ioctl, UINT64_MAX, KVM_MEMORY_ENCRYPT_OP, 0, 0));
		assert_true(denied(kvm, level, SYS_ioctl, UINT64_MAX, TIOCSTI, 0, 0));
		assert_true(denied(tcg, level, SYS_ioctl, UINT64_MAX, TIOCLINUX, 0, 0));
		assert_true(denied(tcg, level, SYS_ioctl, UINT64_MAX, TIOCSCTTY, 0, 0));
	}
}

static void calls_of_other_abis_are_denied(void **state)
{
	const bool i386 = has_i386();

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(programs); i++) {
		struct supervised *s = supervised_new(3);
		struct attempt *a;

		/* read(2) is in every list; under these numbers it is not. */
		(void)supervised_add(s, X32_BIT | SYS_read);
		(void)supervised_add(s, X32_BIT);
		if (i386) {
			a = supervised_add(s, 3);
			a->abi = ABI_I386;
		}
		supervised_run(s, filters_find(programs[i].program, JAIL_LEVEL_PERMISSIVE));
		for (size_t k = 0; k < s->n; k++) {
			a = &s->attempts[k];
			assert_int_equal(a->n_denied, 1);
			assert_int_equal(a->result, -EPERM);
			assert_int_equal(a->told.nr, a->nr);
			assert_int_equal(a->told.arch,
					 a->abi == ABI_I386 ? AUDIT_ARCH_I386 : AUDIT_ARCH_X86_64);
		}
		supervised_free(s);
	}
	if (!i386)
		print_message("# this kernel has no 32-bit entry: x32 alone was tried\n");
}

static void a_denied_call_has_no_effect(void **state)
{
	char folder[] = "/tmp/ironclaw-filters-XXXXXX", name[sizeof(folder) + 2];
	struct supervised *s = supervised_new(1);
	struct attempt *a = supervised_add(s, SYS_mkdir);

	(void)state;
	assert_non_null(mkdtemp(folder));
	(void)snprintf(name, sizeof(name), "%s/d", folder);
	a->args[0] = (uint64_t)(uintptr_t)name;
	a->args[1] = 0700;
	supervised_run(s, filters_find(JAIL_PROGRAM_QEMU_TCG, JAIL_LEVEL_BASIC));
	assert_int_equal(a->n_denied, 1);
	assert_int_equal(rmdir(name), -1);
	/* The control: another level has it, and then there is a folder. */
	a->n_denied = 0;
	supervised_run(s, filters_find(JAIL_PROGRAM_QEMU_TCG, JAIL_LEVEL_PERMISSIVE));
	assert_int_equal(a->n_denied, 0);
	assert_int_equal(rmdir(name), 0);
	assert_int_equal(rmdir(folder), 0);
	supervised_free(s);
}

static void only_real_programs_and_levels_are_found(void **state)
{
	(void)state;
	assert_non_null(filters_find(JAIL_PROGRAM_KEEPER, (enum jail_level)0));
	assert_non_null(filters_find(JAIL_PROGRAM_QEMU_KVM, JAIL_LEVEL_PERMISSIVE));
	assert_null(filters_find(JAIL_PROGRAM_QEMU_KVM, (enum jail_level)0));
	assert_null(filters_find(JAIL_PROGRAM_QEMU_KVM, (enum jail_level)4));
	assert_null(filters_find(JAIL_PROGRAM_QEMU_TCG, (enum jail_level) - 1));
	assert_null(filters_find((enum jail_program)0, JAIL_LEVEL_BASIC));
	assert_null(filters_find(JAIL_PROGRAM_MAX, JAIL_LEVEL_BASIC));
	assert_null(filters_find((enum jail_program)0x40000001, JAIL_LEVEL_BASIC));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_number_is_denied_unless_listed),
		cmocka_unit_test(every_argument_rule_holds_in_each_bit),
		cmocka_unit_test(what_attacks_need_is_in_no_list),
		cmocka_unit_test(processes_cannot_be_made_but_threads),
		cmocka_unit_test(sockets_are_of_one_family_and_one_level),
		cmocka_unit_test(a_keeper_calls_only_a_vmm_with_sockets_of_its_own),
		cmocka_unit_test(memory_is_never_written_and_executed_under_kvm),
		cmocka_unit_test(ioctls_are_those_of_a_virtual_machine),
		cmocka_unit_test(calls_of_other_abis_are_denied),
		cmocka_unit_test(a_denied_call_has_no_effect),
		cmocka_unit_test(only_real_programs_and_levels_are_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
