/* SPDX-License-Identifier: Apache-2.0 */
/*
 * compile.c - build-time program: seccomp lists in, a C file with the programs for the kernel out.
 *
 *	compile OUTPUT.c PROGRAM=LIST[,LIST]...
 *
 * For each program and level libseccomp makes the BPF: a binary search over the call numbers, then
 * the arguments. What becomes of a call that no rule names, and of every call of another ABI (i386,
 * x32), is up to who loads the programs: see the two tables below. All programs of one output are
 * of one table. The output depends on the lists and on libseccomp alone, not on the machine's
 * kernel.
 */
#include <errno.h>
#include <linux/filter.h>
#include <seccomp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "jail/filters/list.h"

/* What libseccomp may use: as of Linux 5.7, where the supervisor's answers are as we need them. */
#define LIBSECCOMP_API 6U
#define BINARY_TREE    2U

struct table {
	const char *header, *declaration;
	const char *level; /* prefix of the levels' constants */
	uint32_t denied, bad_arch;
};

/* The warden loads these, and supervises. */
static const struct table of_warden = {
	.header = "jail/filters_table.h",
	.declaration = "filters_table[FILTERS_PROGRAMS][FILTERS_LEVELS]",
	.level = "JAIL_LEVEL_",
	.denied = SCMP_ACT_NOTIFY,
	.bad_arch = SCMP_ACT_NOTIFY,
};

/*
 * Firecracker loads these itself, one a thread. A trap lets its handler of SIGSYS run, which logs
 * the call and ends the process. Killing one thread would leave a VM that hangs, so another ABI,
 * which nothing but an attack would use, kills the process.
 */
static const struct table of_firecracker = {
	.header = "engine/firecracker_filter_table.h",
	.declaration = "firecracker_filter_table[FIRECRACKER_RULES][FIRECRACKER_THREADS]"
		       "[VM_SECCOMP_MAX]",
	.level = "VM_SECCOMP_",
	.denied = SCMP_ACT_TRAP,
	.bad_arch = SCMP_ACT_KILL_PROCESS,
};

struct target {
	const struct table *table;
	const char *argument; /* PROGRAM in PROGRAM=LIST */
	const char *prefix;   /* of the C names */
	const char *index;    /* in the table, without the level */
};

static const struct target targets[] = {
	{&of_warden, "keeper", "keeper", "[JAIL_PROGRAM_KEEPER]"},
	{&of_warden, "qemu-tcg", "qemu_tcg", "[JAIL_PROGRAM_QEMU_TCG]"},
	{&of_warden, "qemu-kvm", "qemu_kvm", "[JAIL_PROGRAM_QEMU_KVM]"},
	{&of_warden, "keeper-vsock", "keeper_vsock", "[JAIL_PROGRAM_KEEPER_VSOCK]"},
	{&of_warden, "firecracker", "firecracker", "[JAIL_PROGRAM_FIRECRACKER]"},
	{&of_warden, "keeper-sockets", "keeper_sockets", "[JAIL_PROGRAM_KEEPER_SOCKETS]"},
#define FIRECRACKER(argument, prefix, rules, thread)                                               \
	{                                                                                          \
		&of_firecracker, argument, prefix,                                                 \
			"[FIRECRACKER_RULES_" rules "][FIRECRACKER_THREAD_" thread "]"             \
	}
	FIRECRACKER("api-1.7", "api_1_7", "1_7", "API"),
	FIRECRACKER("vcpu-1.7", "vcpu_1_7", "1_7", "VCPU"),
	FIRECRACKER("vmm-1.7", "vmm_1_7", "1_7", "VMM"),
	FIRECRACKER("api-1.16", "api_1_16", "1_16", "API"),
	FIRECRACKER("vcpu-1.16", "vcpu_1_16", "1_16", "VCPU"),
	FIRECRACKER("vmm-1.16", "vmm_1_16", "1_16", "VMM"),
	FIRECRACKER("api-1.17", "api_1_17", "1_17", "API"),
	FIRECRACKER("vcpu-1.17", "vcpu_1_17", "1_17", "VCPU"),
	FIRECRACKER("vmm-1.17", "vmm_1_17", "1_17", "VMM"),
#undef FIRECRACKER
};

static const char *const level_names[] = {
	[JAIL_LEVEL_MINIMAL] = "MINIMAL",
	[JAIL_LEVEL_BASIC] = "BASIC",
	[JAIL_LEVEL_PERMISSIVE] = "PERMISSIVE",
};

static void release_context(scmp_filter_ctx *context)
{
	seccomp_release(*context);
}

/* Whether a rule of no condition makes this one superfluous at this level. */
static bool is_covered(const struct filter_list *list, const struct filter_rule *rule,
		       enum jail_level level)
{
	static const uint64_t none[FILTER_ARGS];

	if (memcmp(rule->mask, none, sizeof(none)) == 0)
		return false;
	for (size_t i = 0; i < list->n_rules; i++) {
		const struct filter_rule *other = &list->rules[i];

		if (other->nr == rule->nr && other->level <= level &&
		    memcmp(other->mask, none, sizeof(none)) == 0)
			return true;
	}
	return false;
}

static int add_rule(scmp_filter_ctx context, const struct filter_rule *rule)
{
	const uint32_t action =
		rule->errnum ? SCMP_ACT_ERRNO((uint32_t)rule->errnum) : SCMP_ACT_ALLOW;
	struct scmp_arg_cmp compare[FILTER_ARGS];
	unsigned int n = 0;

	for (unsigned int i = 0; i < FILTER_ARGS; i++) {
		if (rule->mask[i])
			compare[n++] =
				SCMP_CMP64(i, SCMP_CMP_MASKED_EQ, rule->mask[i], rule->value[i]);
	}
	return seccomp_rule_add_exact_array(context, action, rule->nr, n, compare);
}

/* Return: instructions, -errno */
static int compile(const struct table *table, const struct filter_list *list, enum jail_level level,
		   struct sock_filter code[BPF_MAXINSNS])
{
	cleanup(release_context) scmp_filter_ctx context = seccomp_init(table->denied);
	cleanup_close int fd = memfd_create("bpf", MFD_CLOEXEC);
	ssize_t n;
	int r;

	if (!context || fd < 0)
		return -ENOMEM;
	r = seccomp_attr_set(context, SCMP_FLTATR_ACT_BADARCH, table->bad_arch);
	if (r == 0)
		r = seccomp_attr_set(context, SCMP_FLTATR_CTL_OPTIMIZE, BINARY_TREE);
	/* A call number of -1 is somebody's mistake, not a tracer's wish: it is denied. */
	for (size_t i = 0; r == 0 && i < list->n_rules; i++) {
		const struct filter_rule *rule = &list->rules[i];

		if (rule->level > level || is_covered(list, rule, level))
			continue;
		r = add_rule(context, rule);
		if (r < 0)
			(void)fprintf(stderr, "%s: libseccomp refuses the rule: %s\n", rule->where,
				      strerror(-r));
	}
	if (r == 0)
		r = seccomp_export_bpf(context, fd);
	if (r < 0)
		return r;
	n = pread(fd, code, BPF_MAXINSNS * sizeof(*code), 0);
	if (n <= 0 || n % (ssize_t)sizeof(*code) != 0 || lseek(fd, 0, SEEK_END) != n)
		return -EFBIG;
	return (int)(n / (ssize_t)sizeof(*code));
}

static int read_lists(const char *paths, struct filter_list *list)
{
	char text[4096], *rest = text, *path;
	char error[FILTER_LINE_MAX];

	if (strlen(paths) >= sizeof(text))
		return -ENAMETOOLONG;
	(void)snprintf(text, sizeof(text), "%s", paths);
	while ((path = strsep(&rest, ","))) {
		const char *name = strrchr(path, '/');
		cleanup_fclose FILE *file = fopen(path, "re");

		if (!file) {
			(void)fprintf(stderr, "%s: %s\n", path, strerror(errno));
			return -errno;
		}
		if (filter_list_read(list, file, name ? name + 1 : path, error) < 0) {
			(void)fprintf(stderr, "%s\n", error);
			return -EINVAL;
		}
	}
	return 0;
}

static void write_code(FILE *out, const char *prefix, enum jail_level level,
		       const struct sock_filter *code, int n)
{
	(void)fprintf(out, "static const struct sock_filter %s_%d[%d] = {\n", prefix, (int)level,
		      n);
	for (int i = 0; i < n; i++)
		(void)fprintf(out, "\t{0x%02x, %u, %u, 0x%08x},\n", code[i].code, code[i].jt,
			      code[i].jf, code[i].k);
	(void)fprintf(out, "};\n\n");
}

static int write_target(FILE *out, const struct target *target, const char *paths, char rows[],
			size_t rows_size)
{
	static struct filter_list list;
	static struct sock_filter code[BPF_MAXINSNS];
	int r;

	list.n_rules = 0;
	r = read_lists(paths, &list);
	for (int level = JAIL_LEVEL_MINIMAL; r >= 0 && level <= JAIL_LEVEL_PERMISSIVE; level++) {
		size_t used = strlen(rows);

		r = compile(target->table, &list, (enum jail_level)level, code);
		if (r < 0) {
			(void)fprintf(stderr, "%s: cannot be compiled: %s\n", target->argument,
				      strerror(-r));
			return r;
		}
		write_code(out, target->prefix, (enum jail_level)level, code, r);
		(void)snprintf(rows + used, rows_size - used, "\t%s[%s%s] = {%s_%d, %d},\n",
			       target->index, target->table->level, level_names[level],
			       target->prefix, level, r);
	}
	return r < 0 ? r : 0;
}

static const struct target *find_target(const char *argument)
{
	size_t n = strcspn(argument, "=");

	for (size_t i = 0; i < ARRAY_SIZE(targets); i++) {
		if (strlen(targets[i].argument) == n && argument[n] == '=' &&
		    strncmp(targets[i].argument, argument, n) == 0)
			return &targets[i];
	}
	return NULL;
}

int main(int argc, char **argv)
{
	char rows[8192] = "";
	cleanup_fclose FILE *out = NULL;
	const struct target *first = argc > 2 ? find_target(argv[2]) : NULL;

	if (!first || seccomp_api_set(LIBSECCOMP_API) < 0) {
		(void)fprintf(stderr, "usage: compile OUTPUT PROGRAM=LIST[,LIST]...\n");
		return 2;
	}
	out = fopen(argv[1], "we");
	if (!out) {
		(void)fprintf(stderr, "%s: %s\n", argv[1], strerror(errno));
		return 1;
	}
	(void)fprintf(out,
		      "/* Made by compile.c from the lists in src/jail/filters/. */\n"
		      "#include \"%s\"\n\n",
		      first->table->header);
	for (int i = 2; i < argc; i++) {
		const struct target *target = find_target(argv[i]);

		if (!target || target->table != first->table) {
			(void)fprintf(stderr, "compile: no program of this table in '%s'\n",
				      argv[i]);
			return 2;
		}
		if (write_target(out, target, strchr(argv[i], '=') + 1, rows, sizeof(rows)) < 0)
			return 1;
	}
	(void)fprintf(out, "const struct seccomp_program %s = {\n%s};\n", first->table->declaration,
		      rows);
	return fflush(out) != 0 || ferror(out) ? 1 : 0;
}
