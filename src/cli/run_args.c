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
	"      --timeout TIME     kill the command after TIME (30s, 5m, 1500ms): exit code "
	"124\n" VM_ARGS_HELP
	"      --prove            first show what the kernel says about the VM's confinement, on\n"
	"                         stderr; refuse to run the command when a layer is "
	"missing\n" VM_ARGS_WORKSPACE_HELP
	"      --json             print one JSON document with the output "
	"and how it went\n"
	"  -q, --quiet            no notices, only the command's own output "
	"and errors\n"
	"\n"
	"Exit code: the command's own; 128+N when signal N killed it; 124 "
	"after --timeout;\n"
	"126 or 127 when it could not be executed; 125 when IronClaw "
	"failed; 2 for a wrong call.\n";

enum { OPT_TIMEOUT = 256, OPT_PROVE, OPT_JSON };

static const struct option longs[] = {
	{"env", required_argument, NULL, 'e'},
	{"workdir", required_argument, NULL, 'w'},
	{"user", required_argument, NULL, 'u'},
	{"interactive", no_argument, NULL, 'i'},
	{"tty", no_argument, NULL, 't'},
	{"quiet", no_argument, NULL, 'q'},
	{"help", no_argument, NULL, 'h'},
	{"timeout", required_argument, NULL, OPT_TIMEOUT},
	{"prove", no_argument, NULL, OPT_PROVE},
	{"json", no_argument, NULL, OPT_JSON},
	VM_ARGS_OPTIONS,
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
	case OPT_PROVE:
		args->prove = true;
		return;
	default:
		args->json = true;
		return;
	}
}

static void set_option(struct parser *p, int c)
{
	if (c >= VM_ARG_CPUS)
		p->bad = vm_args_take(&p->args->on, c, optarg);
	else if (c == 'w')
		p->args->exec.cwd = optarg;
	else if (c == 'u')
		p->args->exec.user = optarg;
	else if (c == 'e')
		add_env(p, optarg);
	else if (c != OPT_TIMEOUT)
		set_switch(p->args, c);
	else if (parse_duration_ms(optarg, &p->args->exec.timeout_ms) < 0)
		p->bad = "is not a time such as 30s, 5m or 1500ms (at most 7 days)";
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
		if (c == 1 && p->args->on.vm.image)
			return cli_usage_error(argv[0],
					       "unexpected '%s': the command comes after '--'",
					       optarg);
		if (c == 1)
			p->args->on.vm.image = optarg;
		else
			set_option(p, c);
		if (p->bad)
			return cli_usage_error(argv[0], "--%s '%s' %s", cli_option_name(longs, c),
					       optarg, p->bad);
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
	vm_args_init(&ret->on);
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
	if (ret->on.workspace.folder && !ret->exec.cwd)
		ret->exec.cwd = run_workspace_path(&ret->on.workspace);
	return vm_args_check(argv[0], &ret->on, false);
}
