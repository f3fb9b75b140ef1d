/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_firecracker_rules.c - the programs that Firecracker loads, in the kernel, as its threads
 * load them: without a supervisor, with a handler of SIGSYS.
 *
 * As in test_filters.c there are two kinds of test: that the programs do exactly what the lists say
 * (every call number, every rule with each bit of its arguments changed), and that what they say is
 * what we want.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <cmocka.h>

#include <fcntl.h>
#include <linux/audit.h>
#include <linux/kvm.h>
#include <stdio.h>
#include <sys/ioctl.h>

#include "base/error.h"
#include "engine/firecracker_filter_table.h"
#include "jail/filters/list.h"
#include "supervised.h"

#define LISTS	   TEST_DATA "/../src/jail/filters/firecracker-"
#define NUMBERS	   1024 /* call numbers that are tried */
#define X32_BIT	   0x40000000L
#define VARIANTS   130 /* of a rule with two arguments: itself, and a change of each bit */
#define READ_WRITE (PROT_READ | PROT_WRITE)

static const char *const lists[FIRECRACKER_RULES][FIRECRACKER_THREADS][2] = {
	[FIRECRACKER_RULES_1_7] = {[FIRECRACKER_THREAD_API] = {"api", "1.7-api"},
				   [FIRECRACKER_THREAD_VCPU] = {"vcpu", "1.7-vcpu"},
				   [FIRECRACKER_THREAD_VMM] = {"vmm", "1.7-vmm"}},
	[FIRECRACKER_RULES_1_16] = {[FIRECRACKER_THREAD_API] = {"api"},
				    [FIRECRACKER_THREAD_VCPU] = {"vcpu"},
				    [FIRECRACKER_THREAD_VMM] = {"vmm"}},
	[FIRECRACKER_RULES_1_17] = {[FIRECRACKER_THREAD_API] = {"api"},
				    [FIRECRACKER_THREAD_VCPU] = {"vcpu", "1.17-vcpu"},
				    [FIRECRACKER_THREAD_VMM] = {"vmm"}},
};

/* Which program: the table's three indices. */
struct which {
	enum firecracker_rules rules;
	enum firecracker_thread thread;
	enum vm_seccomp level;
};

static const struct seccomp_program *program_of(const struct which *which)
{
	return &firecracker_filter_table[which->rules][which->thread][which->level];
}

static void each_program(void (*test)(const struct which *which))
{
	for (int rules = 0; rules < FIRECRACKER_RULES; rules++) {
		for (int thread = 0; thread < FIRECRACKER_THREADS; thread++) {
			for (int level = 0; level < VM_SECCOMP_MAX; level++)
				test(&(struct which){rules, thread, level});
		}
	}
}

static void read_lists(enum firecracker_rules rules, enum firecracker_thread thread,
		       struct filter_list *list)
{
	list->n_rules = 0;
	for (size_t i = 0; i < 2 && lists[rules][thread][i]; i++) {
		char path[512], error[FILTER_LINE_MAX];
		FILE *f;

		(void)snprintf(path, sizeof(path), LISTS "%s.list", lists[rules][thread][i]);
		f = fopen(path, "re");
		assert_non_null(f);
		assert_int_equal(filter_list_read(list, f, lists[rules][thread][i], error), 0);
		(void)fclose(f);
	}
}

static const struct filter_rule *rule_for(const struct filter_list *list, enum vm_seccomp level,
					  const struct attempt *a)
{
	for (size_t i = 0; i < list->n_rules; i++) {
		const struct filter_rule *rule = &list->rules[i];

		if ((int)rule->level - JAIL_LEVEL_MINIMAL <= (int)level &&
		    filter_rule_fits(rule, (int)a->nr, a->args))
			return rule;
	}
	return NULL;
}

/*
 * The child. A trap does not return from its handler: that takes a call which the API's thread does
 * not have, so the handler jumps out, with the compiler's jump, which makes no call at all.
 */
static struct supervised *volatile child_attempts;
static void *child_resume[5];

__attribute__((noreturn, no_sanitize("address"))) static void on_trap(int sig, siginfo_t *info,
								      void *context)
{
	struct attempt *a = &child_attempts->attempts[child_attempts->current];

	(void)sig;
	(void)context;
	a->n_denied++;
	a->told.nr = info->si_syscall;
	a->told.arch = info->si_arch;
	__builtin_longjmp(child_resume, 1);
}

__attribute__((noreturn, no_sanitize("address"))) static void
child(struct supervised *s, const struct seccomp_program *program)
{
	const struct sigaction action = {.sa_sigaction = on_trap,
					 .sa_flags = SA_SIGINFO | SA_NODEFER};
	const struct sock_fprog prog = {program->n, (struct sock_filter *)(uintptr_t)program->code};

	/* cmocka's handlers would run the other tests in here. */
	for (int sig = 1; sig < 32; sig++)
		(void)signal(sig, SIG_DFL);
	child_attempts = s;
	if (sigaction(SIGSYS, &action, NULL) < 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
	    syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &prog) < 0)
		_exit(101);
	for (s->current = 0; s->current < s->n; s->current++) {
		struct attempt *a = &s->attempts[s->current];

		if (__builtin_setjmp(child_resume) == 0)
			a->result = a->abi == ABI_I386 ? raw_syscall_i386(a->nr)
						       : raw_syscall(a->nr, a->args);
		s->attempts[s->current].done = true;
	}
	for (;;)
		(void)raw_syscall(SYS_exit_group, (const uint64_t[6]){0});
}

/* Return: the child's wait status */
static int run(struct supervised *s, const struct which *which)
{
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0)
		child(s, program_of(which));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static void run_to_the_end(struct supervised *s, const struct which *which)
{
	int status = run(s, which);

	if (status != 0)
		fail_msg("rules %d, thread %d, level %d: the child ended with %#x at call %ld",
			 (int)which->rules, (int)which->thread, (int)which->level,
			 (unsigned int)status, s->attempts[s->current].nr);
	for (size_t i = 0; i < s->n; i++)
		assert_true(s->attempts[i].done);
}

/* Return: whether the call was denied, as the list says */
static bool check_against_list(const struct filter_list *list, const struct which *which,
			       const struct attempt *a)
{
	const struct filter_rule *rule = rule_for(list, which->level, a);

	if (a->n_denied != (rule ? 0 : 1))
		fail_msg("rules %d, thread %d, level %d: call %ld (%lx %lx %lx %lx) is %s (%s), "
			 "and was %s",
			 (int)which->rules, (int)which->thread, (int)which->level, a->nr,
			 (long)a->args[0], (long)a->args[1], (long)a->args[2], (long)a->args[3],
			 rule ? "allowed" : "in no list", rule ? rule->where : "-",
			 rule ? "denied" : "not denied");
	if (rule)
		return false;
	assert_int_equal(a->told.nr, a->nr);
	assert_int_equal(a->told.arch, AUDIT_ARCH_X86_64);
	return true;
}

/* Allowed calls that would end the child, and those of docs/seccomp.md that no program sees. */
static bool is_deadly(long nr)
{
	const long uretprobe = 335, uprobe = 336;

	return nr == SYS_exit || nr == SYS_exit_group || nr == SYS_rt_sigreturn ||
	       nr == uretprobe || nr == uprobe;
}

static void try_numbers(const struct which *which)
{
	static struct filter_list list;
	struct supervised *s = supervised_new(NUMBERS + 1);
	size_t n_denied = 0;

	read_lists(which->rules, which->thread, &list);
	for (long nr = 0; nr < NUMBERS; nr++) {
		if (!is_deadly(nr))
			(void)supervised_add(s, nr);
	}
	(void)supervised_add(s, -1);
	run_to_the_end(s, which);
	for (size_t i = 0; i < s->n; i++)
		n_denied += check_against_list(&list, which, &s->attempts[i]);
	assert_true(n_denied > NUMBERS - 80 && n_denied < NUMBERS);
	supervised_free(s);
}

static void every_number_traps_unless_listed(void **state)
{
	(void)state;
	each_program(try_numbers);
}

/* The rule's own arguments, and each with one bit changed. */
static void add_variants(struct supervised *s, const struct filter_rule *rule)
{
	uint64_t base[FILTER_ARGS];

	memset(base, 0xff, sizeof(base));
	for (size_t arg = 0; arg < FILTER_ARGS; arg++) {
		if (rule->mask[arg])
			base[arg] = rule->value[arg];
	}
	memcpy(supervised_add(s, rule->nr)->args, base, sizeof(base));
	for (size_t arg = 0; arg < FILTER_ARGS; arg++) {
		for (unsigned int bit = 0; rule->mask[arg] && bit < 64; bit++) {
			struct attempt *a = supervised_add(s, rule->nr);

			memcpy(a->args, base, sizeof(base));
			a->args[arg] ^= UINT64_C(1) << bit;
		}
	}
}

static void try_arguments(const struct which *which)
{
	static const uint64_t none[FILTER_ARGS];
	static struct filter_list list;
	struct supervised *s = supervised_new((size_t)FILTER_RULES_MAX * VARIANTS);
	size_t n_denied = 0;

	read_lists(which->rules, which->thread, &list);
	for (size_t i = 0; i < list.n_rules; i++) {
		if (memcmp(list.rules[i].mask, none, sizeof(none)) != 0)
			add_variants(s, &list.rules[i]);
	}
	run_to_the_end(s, which);
	for (size_t i = 0; i < s->n; i++)
		n_denied += check_against_list(&list, which, &s->attempts[i]);
	/* Both fates were seen. */
	assert_true(n_denied > 100 && n_denied < s->n);
	supervised_free(s);
}

static void every_argument_rule_holds_in_each_bit(void **state)
{
	(void)state;
	each_program(try_arguments);
}

static bool denied(const struct which *which, long nr, const uint64_t args[4])
{
	struct supervised *s = supervised_new(1);
	struct attempt *a = supervised_add(s, nr);
	bool r;

	memcpy(a->args, args, 4 * sizeof(*args));
	run_to_the_end(s, which);
	r = a->n_denied == 1;
	supervised_free(s);
	return r;
}

#define NEVER VM_SECCOMP_MAX
#define NONE  UINT64_MAX

/* By hand: from which level on a thread may make a call, in each set of rules. */
static const struct {
	enum firecracker_thread thread;
	enum vm_seccomp from[FIRECRACKER_RULES];
	long nr;
	uint64_t args[4];
} wanted[] = {
#define FROM(level)                                                                                \
	{                                                                                          \
		level, level, level                                                                \
	}
#define MINIMAL	   FROM(VM_SECCOMP_MINIMAL)
#define BASIC	   FROM(VM_SECCOMP_BASIC)
#define PERMISSIVE FROM(VM_SECCOMP_PERMISSIVE)
#define IN_NONE	   FROM(NEVER)
	/* The guest runs on its own threads alone. */
	{FIRECRACKER_THREAD_VCPU, MINIMAL, SYS_ioctl, {NONE, KVM_RUN}},
	{FIRECRACKER_THREAD_VMM, IN_NONE, SYS_ioctl, {NONE, KVM_RUN}},
	{FIRECRACKER_THREAD_API, IN_NONE, SYS_ioctl, {NONE, KVM_RUN}},
	/* A number whose high bit is set arrives with junk above it. */
	{FIRECRACKER_THREAD_VMM, BASIC, SYS_ioctl, {NONE, (uint64_t)(int32_t)KVM_GET_CLOCK}},
	/* To save a VM. */
	{FIRECRACKER_THREAD_VMM, BASIC, SYS_ioctl, {NONE, KVM_GET_IRQCHIP}},
	{FIRECRACKER_THREAD_VMM, BASIC, SYS_ftruncate, {NONE}},
	{FIRECRACKER_THREAD_VCPU, BASIC, SYS_ioctl, {NONE, KVM_GET_SREGS}},
	/* What no VM of ours has. */
	{FIRECRACKER_THREAD_VMM, PERMISSIVE, SYS_io_uring_setup, {NONE, NONE}},
	{FIRECRACKER_THREAD_VMM, PERMISSIVE, SYS_io_uring_enter, {NONE, NONE}},
	{FIRECRACKER_THREAD_VMM, PERMISSIVE, SYS_memfd_create, {NONE, 3}},
	{FIRECRACKER_THREAD_VMM, PERMISSIVE, SYS_sendmsg, {NONE}},
	{FIRECRACKER_THREAD_VCPU, PERMISSIVE, SYS_sendmsg, {NONE}},
	{FIRECRACKER_THREAD_VMM, PERMISSIVE, SYS_ioctl, {NONE, 0x400454ca /* TUNSETIFF */}},
	{FIRECRACKER_THREAD_VMM, PERMISSIVE, SYS_ioctl, {NONE, KVM_SET_USER_MEMORY_REGION}},
	/* The host side of vsock. */
	{FIRECRACKER_THREAD_VMM, MINIMAL, SYS_socket, {AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0}},
	{FIRECRACKER_THREAD_VMM, IN_NONE, SYS_socket, {AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0}},
	{FIRECRACKER_THREAD_VMM, IN_NONE, SYS_socket, {AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0}},
	{FIRECRACKER_THREAD_VMM, IN_NONE, SYS_socket, {AF_VSOCK, SOCK_STREAM | SOCK_CLOEXEC, 0}},
	{FIRECRACKER_THREAD_VCPU, IN_NONE, SYS_socket, {AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0}},
	{FIRECRACKER_THREAD_API, PERMISSIVE, SYS_socket, {AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0}},
	{FIRECRACKER_THREAD_VMM, MINIMAL, SYS_connect, {NONE, NONE}},
	{FIRECRACKER_THREAD_API, IN_NONE, SYS_connect, {NONE, NONE}},
	/* Nothing is ever mapped executable. */
	{FIRECRACKER_THREAD_VMM,
	 MINIMAL,
	 SYS_mmap,
	 {0, 0, READ_WRITE, MAP_PRIVATE | MAP_ANONYMOUS}},
	{FIRECRACKER_THREAD_VMM, IN_NONE, SYS_mmap, {0, 0, PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS}},
	{FIRECRACKER_THREAD_VCPU,
	 IN_NONE,
	 SYS_mmap,
	 {0, 0, READ_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS}},
	{FIRECRACKER_THREAD_API, IN_NONE, SYS_mmap, {0, 0, PROT_READ | PROT_EXEC, MAP_SHARED}},
	{FIRECRACKER_THREAD_VMM, MINIMAL, SYS_mprotect, {1, 0, PROT_READ}},
	{FIRECRACKER_THREAD_VMM, IN_NONE, SYS_mprotect, {1, 0, PROT_EXEC}},
	/* A signal to a thread: abort, and a kick. */
	{FIRECRACKER_THREAD_VMM, MINIMAL, SYS_tkill, {0, 35}},
	{FIRECRACKER_THREAD_VCPU, IN_NONE, SYS_tkill, {0, 35}},
	{FIRECRACKER_THREAD_VMM, IN_NONE, SYS_tkill, {0, SIGKILL}},
	/* Where the versions differ. */
	{FIRECRACKER_THREAD_VCPU, {NEVER, NEVER, VM_SECCOMP_MINIMAL}, SYS_epoll_ctl, {NONE}},
	{FIRECRACKER_THREAD_VCPU,
	 {NEVER, NEVER, VM_SECCOMP_PERMISSIVE},
	 SYS_io_uring_enter,
	 {NONE, NONE}},
	{FIRECRACKER_THREAD_VCPU,
	 {VM_SECCOMP_MINIMAL, NEVER, NEVER},
	 SYS_ioctl,
	 {NONE, KVM_SET_REGS}},
	{FIRECRACKER_THREAD_API, {VM_SECCOMP_MINIMAL, NEVER, NEVER}, SYS_madvise, {1, 0, 8}},
	{FIRECRACKER_THREAD_VMM, {VM_SECCOMP_PERMISSIVE, NEVER, NEVER}, SYS_uname, {NONE}},
};

static void each_level_has_what_we_want_it_to(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(wanted); i++) {
		for (int rules = 0; rules < FIRECRACKER_RULES; rules++) {
			for (int level = 0; level < VM_SECCOMP_MAX; level++) {
				const struct which which = {rules, wanted[i].thread, level};
				const bool want = level < (int)wanted[i].from[rules];

				if (denied(&which, wanted[i].nr, wanted[i].args) != want)
					fail_msg("row %zu, rules %d, level %d: not as wanted", i,
						 rules, level);
			}
		}
	}
}

static const char *const never[] = {
	"execve",
	"execveat",
	"fork",
	"vfork",
	"clone",
	"clone3",
	"ptrace",
	"process_vm_readv",
	"kill",
	"tgkill",
	"pidfd_open",
	"pidfd_getfd",
	"bind",
	"listen",
	"socketpair",
	"openat",
	"openat2",
	"unlink",
	"rename",
	"mkdir",
	"mount",
	"umount2",
	"chroot",
	"unshare",
	"setns",
	"bpf",
	"perf_event_open",
	"userfaultfd",
	"keyctl",
	"add_key",
	"seccomp",
	"prctl",
	"setuid",
	"capset",
	"personality",
	"modify_ldt",
	"process_madvise",
	"splice",
	"vmsplice",
	"init_module",
	"kexec_load",
	"mq_open",
	"shmget",
	"inotify_init1",
	"fanotify_init",
	"name_to_handle_at",
	"open_by_handle_at",
	"landlock_create_ruleset",
};

static void try_never(const struct which *which)
{
	struct supervised *s = supervised_new(ARRAY_SIZE(never));

	for (size_t i = 0; i < ARRAY_SIZE(never); i++) {
		int nr = filter_call_number(never[i]);

		assert_true(nr >= 0);
		memset(supervised_add(s, nr)->args, 0, sizeof(s->attempts[0].args));
	}
	run_to_the_end(s, which);
	for (size_t i = 0; i < s->n; i++) {
		if (s->attempts[i].n_denied != 1)
			fail_msg("rules %d, thread %d, level %d: %s came through",
				 (int)which->rules, (int)which->thread, (int)which->level,
				 never[i]);
	}
	supervised_free(s);
}

static void what_attacks_need_is_in_no_list(void **state)
{
	(void)state;
	each_program(try_never);
}

/* As many as Firecracker's own filters have: a rule lost or added in our lists shows here. */
static void the_lists_have_as_many_rules_as_firecracker(void **state)
{
	static const size_t counts[FIRECRACKER_RULES][FIRECRACKER_THREADS] = {
		[FIRECRACKER_RULES_1_16] = {[FIRECRACKER_THREAD_API] = 36,
					    [FIRECRACKER_THREAD_VCPU] = 46,
					    [FIRECRACKER_THREAD_VMM] = 76},
		[FIRECRACKER_RULES_1_17] = {[FIRECRACKER_THREAD_API] = 36,
					    [FIRECRACKER_THREAD_VCPU] = 49,
					    [FIRECRACKER_THREAD_VMM] = 76},
	};
	static struct filter_list list;

	(void)state;
	for (int rules = FIRECRACKER_RULES_1_16; rules < FIRECRACKER_RULES; rules++) {
		for (int thread = 0; thread < FIRECRACKER_THREADS; thread++) {
			read_lists(rules, thread, &list);
			assert_int_equal(list.n_rules, counts[rules][thread]);
		}
	}
}

static void try_other_abis(const struct which *which)
{
	/* read(2) in both: the first is in the lists of api and vmm as a call of x86-64. */
	const struct attempt calls[] = {{.nr = X32_BIT | SYS_read},
					{.nr = X32_BIT},
					{.nr = 3, .abi = ABI_I386}};

	for (size_t i = 0; i < ARRAY_SIZE(calls); i++) {
		struct supervised *s = supervised_new(1);
		int status;

		if (calls[i].abi == ABI_I386 && !has_i386()) {
			print_message("# this kernel has no 32-bit entry: x32 alone was tried\n");
			continue;
		}
		*supervised_add(s, calls[i].nr) = calls[i];
		status = run(s, which);
		/* The process, though there is a handler; it never ran. */
		assert_true(WIFSIGNALED(status));
		assert_int_equal(WTERMSIG(status), SIGSYS);
		assert_int_equal(s->attempts[0].n_denied, 0);
		assert_false(s->attempts[0].done);
		supervised_free(s);
	}
}

static void calls_of_other_abis_kill_the_process(void **state)
{
	(void)state;
	each_program(try_other_abis);
}

/* A killed thread leaves a VM that hangs. */
static void look_at_returns(const struct which *which)
{
	const struct seccomp_program *program = program_of(which);
	size_t n = 0;

	for (size_t i = 0; i < program->n; i++) {
		const uint32_t action = program->code[i].k;

		if (BPF_CLASS(program->code[i].code) != BPF_RET)
			continue;
		assert_true(action == SECCOMP_RET_ALLOW || action == SECCOMP_RET_TRAP ||
			    action == SECCOMP_RET_KILL_PROCESS);
		n++;
	}
	assert_true(n >= 3);
}

static void no_program_kills_a_thread(void **state)
{
	(void)state;
	each_program(look_at_returns);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_number_traps_unless_listed),
		cmocka_unit_test(every_argument_rule_holds_in_each_bit),
		cmocka_unit_test(each_level_has_what_we_want_it_to),
		cmocka_unit_test(what_attacks_need_is_in_no_list),
		cmocka_unit_test(the_lists_have_as_many_rules_as_firecracker),
		cmocka_unit_test(calls_of_other_abis_kill_the_process),
		cmocka_unit_test(no_program_kills_a_thread),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
