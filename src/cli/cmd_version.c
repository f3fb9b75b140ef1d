/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_version.c - `ironclaw version`. */
#include <stdio.h>

#include "cli/cli.h"

static const char help[] = "usage: ironclaw version [--json]\n\n"
			   "Prints the version.\n\n"
			   "  --json  as a JSON document\n";

int cmd_version(int argc, char **argv)
{
	static const struct option options[] = {{"help", no_argument, NULL, 'h'},
						{"json", no_argument, NULL, 'j'},
						{NULL, 0, NULL, 0}};
	bool json = false;
	int c;

	while ((c = cli_getopt(argc, argv, ":h", options)) != -1) {
		switch (c) {
		case 'h':
			return cli_help(help);
		case 'j':
			json = true;
			break;
		default:
			return CLI_EXIT_USAGE;
		}
	}
	if (optind < argc)
		return cli_usage_error("version", "unexpected argument '%s'", argv[optind]);
	(void)printf(json ? "{\"version\":\"%s\"}\n" : "ironclaw %s\n", IRONCLAW_VERSION);
	return CLI_EXIT_OK;
}
