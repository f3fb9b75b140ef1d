/* SPDX-License-Identifier: Apache-2.0 */
/* mcp_args.c - the command line of `ironclaw mcp`. */
#include <string.h>

#include "base/parse.h"
#include "cli/cli.h"
#include "cli/mcp.h"

static const char help[] =
	"usage: ironclaw mcp [FLAG...]\n"
	"\n"
	"Serves the Model Context Protocol on standard input and output, or over HTTP: tools to "
	"run\n"
	"commands and to read and write files in a micro-VM, for an agent that starts this, or for "
	"several.\n"
	"\n"
	"      --http ADDRESS[:PORT]  listen there (127.0.0.1:8474, [::1], localhost; port 0: "
	"any). "
	"Each\n"
	"                         client has a VM of its own\n"
	"      --token-file FILE  what clients have to show as `Authorization: Bearer`; without, "
	"it is\n"
	"                         $IRONCLAW_MCP_TOKEN. Without any, every user of this host may "
	"connect,\n"
	"                         and no other host\n"
	"      --image NAME       image of the VMs (default: 'default')\n"
	"      --timeout TIME     the most that a command may take (30s, 5m; default: as --config "
	"says,\n"
	"                         else 10m)\n" VM_ARGS_HELP
	"      --workspace DIR[:PATH]  the VMs get a copy of DIR, at PATH (/workspace); "
	"sandbox_apply can\n"
	"                         bring changes back, if a policy allows it, or you do\n"
	"      --exclude PATTERN  leave out of the copy what matches, as in .gitignore; again and "
	"again\n"
	"      --workspace-size SIZE  the most that is copied (default: 4G)\n"
	"      --queue            let `ironclaw approvals` decide what sandbox_apply may do\n"
	"      --policy FILE      decide by these rules instead of the user's\n"
	"  -q, --quiet            no notices on stderr\n"
	"\n"
	"Exit code: 0 when the client has closed our input or output, or a signal asked for the "
	"end; "
	"1\n"
	"when IronClaw failed; 2 for a wrong call.\n";

enum { OPT_IMAGE = 256, OPT_TIMEOUT, OPT_HTTP, OPT_TOKEN_FILE };

static const struct option longs[] = {
	{"image", required_argument, NULL, OPT_IMAGE},
	{"timeout", required_argument, NULL, OPT_TIMEOUT},
	{"http", required_argument, NULL, OPT_HTTP},
	{"token-file", required_argument, NULL, OPT_TOKEN_FILE},
	{"quiet", no_argument, NULL, 'q'},
	{"help", no_argument, NULL, 'h'},
	VM_ARGS_OPTIONS,
	{NULL, 0, NULL, 0},
};

/* Return: NULL, or what is wrong with the argument */
static const char *set_option(struct mcp_args *args, int c)
{
	if (c == 'q')
		args->quiet = true;
	else if (c == OPT_IMAGE)
		args->on.vm.image = optarg;
	else if (c == OPT_HTTP)
		args->http = optarg;
	else if (c == OPT_TOKEN_FILE)
		args->token_file = optarg;
	else if (c != OPT_TIMEOUT)
		return vm_args_take(&args->on, c, optarg);
	else if (parse_duration_ms(optarg, &args->timeout_ms) < 0)
		return "is not a time such as 30s, 5m or 1500ms (at most 7 days)";
	return NULL;
}

/* What all commands with a VM have, but makes no sense for many VMs, and answers to come. */
static int check(const char *name, const struct mcp_args *args)
{
	const struct run_workspace_args *w = &args->on.workspace;

	if (args->on.vm.vm_id)
		return cli_usage_error(name, "--name: there may be several VMs");
	if (args->token_file && !args->http)
		return cli_usage_error(name, "--token-file is for --http");
	if (w->apply || w->discard || w->changes_file || w->patch_file)
		return cli_usage_error(
			name,
			"--apply, --discard, --changes and --patch are about the end of a run: "
			"here the client asks, and a policy or --queue answers");
	return vm_args_check(name, &args->on, false);
}

int mcp_parse(int argc, char **argv, struct mcp_args *ret)
{
	const char *bad;
	int c;

	memset(ret, 0, sizeof(*ret));
	vm_args_init(&ret->on);
	optind = 1;
	while ((c = cli_getopt(argc, argv, ":qh", longs)) != -1) {
		if (c == '?')
			return CLI_EXIT_USAGE;
		if (c == 'h')
			return cli_help(help);
		bad = set_option(ret, c);
		if (bad)
			return cli_usage_error(argv[0], "--%s '%s' %s", cli_option_name(longs, c),
					       optarg, bad);
	}
	if (optind < argc)
		return cli_usage_error(argv[0], "unexpected '%s'", argv[optind]);
	return check(argv[0], ret);
}
