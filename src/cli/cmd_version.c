/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_version.c - `ironclaw version`. */
#include <stdio.h>

#include "cli/cli.h"

static const char help[] = "usage: ironclaw version [--json]\n\n"
			   "Prints the version.\n\n"
			   "  --json  as a JSON document\n";

int cmd_version(int argc, char **argv)
{
	bool json = false;
	int r = cli_parse_output(argc, argv, help, &json, NULL);

	if (r >= 0)
		return r;
	(void)printf(json ? "{\"version\":\"%s\"}\n" : "ironclaw %s\n", IRONCLAW_VERSION);
	return CLI_EXIT_OK;
}
