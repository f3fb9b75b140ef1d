/* SPDX-License-Identifier: Apache-2.0 */
/* run_args.c - the command line of `ironclaw run`. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/parse.h"
#include "cli/cli.h"
#include "cli/run.h"

static const char help[] =
	"usage: ironclaw run [IMAGE] [FLAG...] -- COMMAND [ARG...]\n"
	"\n"
	"Runs COMMAND in a fresh micro-VM of IMAGE ('default' when not given) and forgets the VM.\n"
	"\n"
	"  -e, --env NAME=VALUE   set a variable; NAME alone passes on the host's\n"
	"  -w, --workdir DIR      working directory, absolute (default: the user's home)\n"
	"  -u, --user USER        NAME or UID, with an optional :GROUP (default: user)\n"
	"  -i, --interactive      pass stdin to the command\n"
	"  -t, --tty              give the command a terminal\n"
	"      --timeout TIME     kill the command after TIME (30s, 5m, 1500ms): exit code 124\n"
	"      --cpus N           virtual processors, 1 to 32 (default: 1)\n"
	"      --memory SIZE      guest memory (256M, 2G; default: 512M)\n"
	"      --overlay SIZE     size of the guest's writable layer (default: half the memory)\n"
	"      --name ID          name of the VM, 1 to 64 of [A-Za-z0-9-] (default: made up)\n"
	"      --engine NAME      auto, qemu, firecracker\n"
	"      --accel NAME       auto, kvm, tcg\n"
	"      --link NAME        how the guest is reached: auto, virtio-serial, vsock\n"
	"      --kernel FILE      boot a bzImage of your own\n"
	"      --rootfs FILE      use an erofs file of your own instead of an image\n"
	"      --cold             boot instead of cloning a template\n"
	"      --config FILE      read the VM's configuration from JSON; flags win over it\n"
	"      --seccomp LEVEL        what the VMM may call: minimal, basic (default), permissive\n"
	"      --seccomp-mode MODE    a call that the level lacks kills the VMM (enforce) or fails "
	"(audit)\n"
	"      --require-limits       refuse to start without a cgroup that limits the VMM\n"
	"      --prove            first show what the kernel says about the VM's confinement, on\n"
	"                         stderr; refuse to run the command when a layer is missing\n"
	"      --workspace DIR[:PATH]  the command works on a copy of DIR, at PATH (/workspace); "
	"what it\n"
	"                         changes is shown at the end, and kept as far as you say\n"
	"      --exclude PATTERN  leave out of the copy what matches, as in .gitignore; again and "
	"again\n"
	"      --workspace-size SIZE  the most that is copied (default: 4G)\n"
	"      --apply            keep all changes without a question\n"
	"      --discard          keep none\n"
	"      --queue            let `ironclaw approvals` decide\n"
	"      --policy FILE      decide by these rules instead of the user's\n"
	"      --changes FILE     save the changes as an archive, whatever else is decided\n"
	"      --patch FILE       save them as a patch\n"
	"      --json             print one JSON document with the output and how it went\n"
	"  -q, --quiet            no notices, only the command's own output and errors\n"
	"\n"
	"Exit code: the command's own; 128+N when signal N killed it; 124 after --timeout;\n"
	"126 or 127 when it could not be executed; 125 when IronClaw failed; 2 for a wrong call.\n";

enum {
	OPT_TIMEOUT = 256,
	OPT_CPUS,
	OPT_MEMORY,
	OPT_OVERLAY,
	OPT_NAME,
	OPT_ENGINE,
	OPT_ACCEL,
	OPT_LINK,
	OPT_KERNEL,
	OPT_ROOTFS,
	OPT_COLD,
	OPT_CONFIG,
	OPT_SECCOMP,
	OPT_SECCOMP_MODE,
	OPT_REQUIRE_LIMITS,
	OPT_PROVE,
	OPT_WORKSPACE,
	OPT_EXCLUDE,
	OPT_WORKSPACE_SIZE,
	OPT_APPLY,
	OPT_DISCARD,
	OPT_QUEUE,
	OPT_CHANGES,
	OPT_PATCH,
	OPT_POLICY,
	OPT_JSON
};

static const struct option longs[] = {
	{"env", required_argument, NULL, 'e'},
	{"workdir", required_argument, NULL, 'w'},
	{"user", required_argument, NULL, 'u'},
	{"interactive", no_argument, NULL, 'i'},
	{"tty", no_argument, NULL, 't'},
	{"quiet", no_argument, NULL, 'q'},
	{"help", no_argument, NULL, 'h'},
	{"timeout", required_argument, NULL, OPT_TIMEOUT},
	{"cpus", required_argument, NULL, OPT_CPUS},
	{"memory", required_argument, NULL, OPT_MEMORY},
	{"overlay", required_argument, NULL, OPT_OVERLAY},
	{"name", required_argument, NULL, OPT_NAME},
	{"engine", required_argument, NULL, OPT_ENGINE},
	{"accel", required_argument, NULL, OPT_ACCEL},
	{"link", required_argument, NULL, OPT_LINK},
	{"kernel", required_argument, NULL, OPT_KERNEL},
	{"rootfs", required_argument, NULL, OPT_ROOTFS},
	{"cold", no_argument, NULL, OPT_COLD},
	{"config", required_argument, NULL, OPT_CONFIG},
	{"seccomp", required_argument, NULL, OPT_SECCOMP},
	{"seccomp-mode", required_argument, NULL, OPT_SECCOMP_MODE},
	{"require-limits", no_argument, NULL, OPT_REQUIRE_LIMITS},
	{"prove", no_argument, NULL, OPT_PROVE},
	{"workspace", required_argument, NULL, OPT_WORKSPACE},
	{"exclude", required_argument, NULL, OPT_EXCLUDE},
	{"workspace-size", required_argument, NULL, OPT_WORKSPACE_SIZE},
	{"apply", no_argument, NULL, OPT_APPLY},
	{"discard", no_argument, NULL, OPT_DISCARD},
	{"queue", no_argument, NULL, OPT_QUEUE},
	{"changes", required_argument, NULL, OPT_CHANGES},
	{"patch", required_argument, NULL, OPT_PATCH},
	{"policy", required_argument, NULL, OPT_POLICY},
	{"json", no_argument, NULL, OPT_JSON},
	{NULL, 0, NULL, 0},
};

struct parser {
	struct run_args *args;
	const char **env;
	size_t n_env;
	const char *bad; /* what is wrong with the value of an option */
};

/* "NAME=VALUE" as it is; "NAME" with the host's value, or nothing when it has none. */
static void add_env(struct parser *p, char *text)
{
	size_t n = strlen(text);
	const char *value;
	char *joined;

	if (n == 0 || text[0] == '=') {
		p->bad = "is not NAME or NAME=VALUE";
		return;
	}

	if (strchr(text, '=')) {
		p->env[p->n_env++] = text;
		return;
	}
	value = getenv(text);
	if (!value)
		return;
	joined = malloc(n + strlen(value) + 2);
	if (!joined) {
		p->bad = "out of memory";
		return;
	}
	/* Lives as long as the process; one for each -e. */
	memcpy(joined, text, n);
	joined[n] = '=';
	memcpy(joined + n + 1, value, strlen(value) + 1);
	p->env[p->n_env++] = joined;
}

static void set_size(struct parser *p, const char *text, uint32_t *ret)
{
	uint64_t mib;

	if (parse_size_mib(text, &mib) < 0 || mib == 0 || mib > UINT32_MAX)
		p->bad = "is not a size such as 256M or 2G";
	else
		*ret = (uint32_t)mib;
}

static void set_number(struct parser *p, int c, const char *text)
{
	switch (c) {
	case OPT_TIMEOUT:
		if (parse_duration_ms(text, &p->args->exec.timeout_ms) < 0)
			p->bad = "is not a time such as 30s, 5m or 1500ms (at most 7 days)";
		return;
	case OPT_CPUS:
		/* Zero is the library's "default": refuse it here. */
		if (parse_u32(text, 1, UINT32_MAX, &p->args->vm.vcpu_count) < 0)
			p->bad = "is not a number of processors";
		return;
	case OPT_MEMORY:
		set_size(p, text, &p->args->vm.memory_mb);
		return;
	default:
		set_size(p, text, &p->args->vm.overlay_size_mb);
		return;
	}
}

static void set_switch(struct run_args *args, int c)
{
	switch (c) {
	case 'i':
		args->interactive = args->exec.use_stdin = true;
		return;
	case 't':
		args->exec.tty = true;
		return;
	case 'q':
		args->quiet = true;
		return;
	case OPT_COLD:
		args->vm.cold = true;
		return;
	case OPT_REQUIRE_LIMITS:
		args->vm.require_limits = true;
		return;
	case OPT_PROVE:
		args->prove = true;
		return;
	case OPT_APPLY:
		args->workspace.apply = true;
		return;
	case OPT_DISCARD:
		args->workspace.discard = true;
		return;
	case OPT_QUEUE:
		args->workspace.queue = true;
		return;
	default:
		args->json = true;
		return;
	}
}

static const char **text_field(struct run_args *args, int c)
{
	switch (c) {
	case 'w':
		return &args->exec.cwd;
	case 'u':
		return &args->exec.user;
	case OPT_NAME:
		return &args->vm.vm_id;
	case OPT_ENGINE:
		return &args->vm.engine;
	case OPT_ACCEL:
		return &args->vm.accel;
	case OPT_LINK:
		return &args->vm.link;
	case OPT_KERNEL:
		return &args->vm.kernel_path;
	case OPT_ROOTFS:
		return &args->vm.rootfs_path;
	case OPT_CONFIG:
		return &args->vm.config_file;
	case OPT_SECCOMP:
		return &args->vm.seccomp_filter;
	case OPT_SECCOMP_MODE:
		return &args->vm.seccomp_mode;
	case OPT_CHANGES:
		return &args->workspace.changes_file;
	case OPT_PATCH:
		return &args->workspace.patch_file;
	case OPT_POLICY:
		return &args->workspace.policy_file;
	default:
		return NULL;
	}
}

/* Kept until the process ends; one that cannot be resolved is named by the library. */
static const char *absolute_path(struct parser *p, const char *path)
{
	char *resolved = realpath(path, NULL);

	if (!resolved && errno == ENOMEM)
		p->bad = "cannot be resolved: out of memory";
	return resolved ? resolved : path;
}

/* "DIR", or "DIR:/PATH": a colon that no slash follows belongs to the folder's name. */
static void set_workspace(struct parser *p, char *text)
{
	struct run_workspace_args *w = &p->args->workspace;
	char *colon = NULL;

	for (char *c = strstr(text, ":/"); c; c = strstr(c + 1, ":/"))
		colon = c;
	if (colon)
		*colon = '\0';
	w->folder = text;
	w->guest_path = colon ? colon + 1 : NULL;
	if (!text[0])
		p->bad = "names no folder";
}

static void set_workspace_part(struct parser *p, int c)
{
	struct run_workspace_args *w = &p->args->workspace;
	uint64_t mib;

	if (c == OPT_WORKSPACE)
		set_workspace(p, optarg);
	else if (c == OPT_EXCLUDE && w->n_excludes == RUN_EXCLUDES_MAX)
		p->bad = "is one pattern too many: .ironclawignore takes more";
	else if (c == OPT_EXCLUDE)
		w->excludes[w->n_excludes++] = optarg;
	else if (parse_size_mib(optarg, &mib) < 0 || mib == 0 || mib > UINT64_MAX >> 20)
		p->bad = "is not a size such as 256M or 2G";
	else
		w->size_max_b = mib << 20;
}

/* What a workspace's flags mean together. */
static int check_workspace(const char *name, struct run_args *args)
{
	const struct run_workspace_args *w = &args->workspace;

	if (!w->folder && (w->apply || w->discard || w->queue || w->changes_file || w->patch_file ||
			   w->policy_file || w->n_excludes > 0 || w->size_max_b > 0))
		return cli_usage_error(name, "there is no --workspace that this could be about");
	if (w->apply + w->discard + w->queue > 1)
		return cli_usage_error(name, "--apply, --discard and --queue exclude each other");
	if (w->folder && !args->exec.cwd)
		args->exec.cwd = run_workspace_path(w);
	return -1;
}

static void set_option(struct parser *p, int c)
{
	const char **field = text_field(p->args, c);

	if (c == OPT_KERNEL || c == OPT_ROOTFS)
		*field = absolute_path(p, optarg);
	else if (field)
		*field = optarg;
	else if (c == 'e')
		add_env(p, optarg);
	else if (c >= OPT_WORKSPACE && c <= OPT_WORKSPACE_SIZE)
		set_workspace_part(p, c);
	else if (c >= OPT_TIMEOUT && c <= OPT_OVERLAY)
		set_number(p, c, optarg);
	else
		set_switch(p->args, c);
}

static const char *option_name(int c)
{
	size_t i = 0;

	while (longs[i].name && longs[i].val != c)
		i++;
	return longs[i].name ? longs[i].name : "?";
}

/* What stands before "--": options in any order, and one image name. */
static int parse_flags(int argc, char **argv, struct parser *p)
{
	int c;

	optind = 1;
	while ((c = cli_getopt(argc, argv, "-:e:w:u:itqh", longs)) != -1) {
		if (c == '?')
			return CLI_EXIT_USAGE;
		if (c == 'h')
			return cli_help(help);
		if (c == 1 && p->args->vm.image)
			return cli_usage_error(argv[0],
					       "unexpected '%s': the command comes after '--'",
					       optarg);
		if (c == 1)
			p->args->vm.image = optarg;
		else
			set_option(p, c);
		if (p->bad)
			return cli_usage_error(argv[0], "--%s '%s' %s", option_name(c), optarg,
					       p->bad);
	}
	return -1;
}

static int find_separator(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--") == 0)
			return i;
	}
	return argc;
}

int run_parse(int argc, char **argv, struct run_args *ret, const char ***ret_env)
{
	int code, separator = find_separator(argc, argv);
	struct parser p = {.args = ret};
	char *terminator = argv[separator];

	memset(ret, 0, sizeof(*ret));
	ret->vm.size = sizeof(ret->vm);
	ret->exec.size = sizeof(ret->exec);
	p.env = calloc((size_t)argc + 1, sizeof(*p.env));
	if (!p.env)
		return cli_usage_error(argv[0], "out of memory");
	*ret_env = p.env;
	/* getopt sees what is before "--" only. */
	argv[separator] = NULL;
	code = parse_flags(separator, argv, &p);
	argv[separator] = terminator;
	if (code >= 0)
		return code;
	if (separator + 1 >= argc)
		return cli_usage_error(argv[0], "no command given; it comes after '--'");
	ret->exec.argv = (const char *const *)argv + separator + 1;
	if (!ret->exec.argv[0][0])
		return cli_usage_error(argv[0], "the command is empty");
	ret->exec.env = p.env;
	ret->exec.stdin_fd = STDIN_FILENO;
	return check_workspace(argv[0], ret);
}
