/* SPDX-License-Identifier: Apache-2.0 */
/*
 * agent_main.c - the program ironclaw-agent: what `ironclaw agent`, `replay` and `mcp` become.
 *
 * It is apart from `ironclaw` for the libraries that it needs (HTTP, TLS), which no start of a VM
 * should load, and which parse what strangers send.
 */
#include <stdio.h>
#include <string.h>

#include "cli/agent.h"
#include "cli/cli.h"

struct command {
	const char *name;
	int (*run)(int argc, char **argv);
};

static const struct command commands[] = {
	{"agent", cmd_agent_loop},
	{"replay", cmd_replay},
	{"mcp", cmd_mcp},
	{NULL, NULL},
};

int main(int argc, char **argv)
{
	for (const struct command *c = commands; argc > 0 && c->name; c++) {
		int code;

		if (strcmp(c->name, argv[0]) != 0)
			continue;
		code = c->run(argc, argv);
		if ((fflush(stdout) != 0 || ferror(stdout)) && code == CLI_EXIT_OK)
			code = CLI_EXIT_FAILED;
		return code;
	}
	(void)fprintf(stderr, "ironclaw-agent: started by `ironclaw agent`, `replay` and `mcp`\n");
	return CLI_EXIT_USAGE;
}
