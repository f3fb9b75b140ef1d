/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_inspect.c - `ironclaw inspect`: what the kernel says about a running VM's confinement. */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "cli/cli.h"
#include "cli/inspect.h"
#include "machine/living.h"

static const char help[] =
	"usage: ironclaw inspect ID [--json]\n\n"
	"Shows what the kernel says about the three processes of a running VM, the VMM, its "
	"keeper\n"
	"and its warden, and whether that is what it must be. 'ironclaw ps' lists the VMs.\n\n"
	"  --json   as a JSON document\n\n"
	"Exit code: 0 when it was shown, whatever it says; 1 for a failure; 2 for a wrong call.\n";

enum { OPTION_JSON = 256 };

/* The nearest of those that run, in place of the general hint. */
static void suggest(const struct paths *paths, const char *id, struct ironclaw_error *err)
{
	cleanup_free struct living_vm *list = NULL;
	cleanup_free const char **names = NULL;
	const char *near;
	size_t n;

	if (living_list(paths, &list, &n, NULL) < 0)
		return;
	names = calloc(n + 1, sizeof(*names));
	for (size_t i = 0; i < n && names; i++)
		names[i] = list[i].id;
	near = names ? cli_suggest(id, names) : NULL;
	if (near)
		err_hint(err, "ironclaw inspect %s", near);
}

static int show(const struct paths *paths, const char *id, bool json, struct ironclaw_error *err)
{
	cleanup_free struct proof *proof = NULL;
	cleanup_close int vms_fd = -EBADF;
	struct proof_report report;
	struct living_vm vm;
	int r = living_find(paths, id, &vm, err);

	if (r == -ENOENT)
		suggest(paths, id, err);
	if (r < 0)
		return r;
	vms_fd = living_open(paths, err);
	if (vms_fd < 0)
		return vms_fd;
	r = proof_read(vms_fd, vm.id, &proof, err);
	if (r < 0)
		return r;
	proof_judge(proof, &report);
	if (json)
		return inspect_print_json(proof, &report);
	inspect_print(proof, &report);
	return 0;
}

int cmd_inspect(int argc, char **argv)
{
	static const struct option options[] = {{"help", no_argument, NULL, 'h'},
						{"json", no_argument, NULL, OPTION_JSON},
						{NULL, 0, NULL, 0}};
	struct ironclaw_error err = {0};
	struct paths paths;
	bool json = false;
	int c;

	while ((c = cli_getopt(argc, argv, ":h", options)) != -1) {
		if (c == 'h')
			return cli_help(help);
		if (c == '?')
			return CLI_EXIT_USAGE;
		json = true;
	}
	if (optind == argc)
		return cli_usage_error(argv[0], "say which: an ID of 'ironclaw ps'");
	if (optind + 1 < argc)
		return cli_usage_error(argv[0], "unexpected argument '%s'", argv[optind + 1]);
	if (paths_get(&paths, &err) < 0 || show(&paths, argv[optind], json, &err) < 0)
		return cli_fail(&err, err.code == IRONCLAW_ERR_INVALID ? CLI_EXIT_USAGE
								       : CLI_EXIT_FAILED);
	return CLI_EXIT_OK;
}
