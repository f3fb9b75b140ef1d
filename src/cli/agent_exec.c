/* SPDX-License-Identifier: Apache-2.0 */
/* agent_exec.c - `ironclaw agent`, `replay` and `mcp` are a program of their own; see cli.h. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "machine/programs.h"

int cmd_agent(int argc, char **argv)
{
	struct ironclaw_error err = {0};
	char folder[PATH_MAX - 32], program[PATH_MAX];

	(void)argc;
	if (programs_dir(folder, sizeof(folder), &err) < 0)
		return cli_fail(&err, CLI_EXIT_RUN_FAILED);
	(void)snprintf(program, sizeof(program), "%s/ironclaw-agent", folder);
	(void)execv(program, argv);
	(void)err_sys(&err, errno, "cannot execute '%s'", program);
	return cli_fail(&err, CLI_EXIT_RUN_FAILED);
}
