/* SPDX-License-Identifier: Apache-2.0 */
/* main.c - the table of sub-commands. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/paths.h"
#include "cli/cli.h"
#include "machine/vmdir.h"

struct command {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *help;
};

static const struct command commands[] = {
	{"run", cmd_run, "run a command in a fresh micro-VM"},
	{"agent", cmd_agent, "let a model work on a task inside a VM"},
	{"replay", cmd_agent, "run a recorded session of an agent again, without model and VM"},
	{"mcp", cmd_agent, "serve a VM's tools to an agent, by the Model Context Protocol"},
	{"ps", cmd_ps, "list the VMs that are running"},
	{"inspect", cmd_inspect, "show what the kernel says about the confinement of a running VM"},
	{"prove", cmd_prove, "try forbidden acts in the place of VMM and keeper"},
	{"image", cmd_image, "build, list, inspect and remove images"},
	{"template", cmd_template,
	 "build, list and remove templates, the saved VMs that runs start from"},
	{"kernel", cmd_kernel, "build and list guest kernels"},
	{"audit", cmd_audit,
	 "show and verify what was done and decided, and which system calls were denied"},
	{"approvals", cmd_approvals, "list and answer what waits for an approval"},
	{"seccomp", cmd_seccomp, "write a filter file for a VMM that loads its filter itself"},
	{"doctor", cmd_doctor, "check whether this machine can run VMs, and say what is missing"},
	{"version", cmd_version, "print the version"},
};

static int print_help(void)
{
	(void)printf("usage: ironclaw COMMAND [ARG...]\n\n"
		     "Runs a command in a fresh QEMU micro-VM that has no network.\n\n");
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		(void)printf("  %-10s %s\n", commands[i].name, commands[i].help);
	(void)printf("\n`ironclaw COMMAND --help` explains a command.\n"
		     "Start with: ironclaw run -- uname -a\n");
	return CLI_EXIT_OK;
}

static const struct command *find_command(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	}
	return NULL;
}

static int unknown_command(const char *name)
{
	const char *names[ARRAY_SIZE(commands) + 2];
	const char *near;

	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		names[i] = commands[i].name;
	names[ARRAY_SIZE(commands)] = "help";
	names[ARRAY_SIZE(commands) + 1] = NULL;
	near = cli_suggest(name, names);
	if (near)
		return cli_usage_error(NULL, "unknown command '%s'; did you mean '%s'?", name,
				       near);
	return cli_usage_error(NULL, "unknown command '%s'", name);
}

static int cmd_help(int argc, char **argv)
{
	char help[] = "--help";
	const struct command *command;

	if (argc > 2)
		return cli_usage_error(NULL, "help explains one command at a time");
	if (argc < 2 || strcmp(argv[1], "help") == 0 || strcmp(argv[1], "--help") == 0)
		return print_help();
	command = find_command(argv[1]);
	if (!command)
		return unknown_command(argv[1]);
	return command->run(2, (char *[]){argv[1], help, NULL});
}

/* What a power cut or a killed warden left of a VM goes with the next command, whichever it is. */
static void sweep(void)
{
	struct paths paths;

	if (paths_get(&paths, NULL) == 0 && access(paths.run, F_OK) == 0)
		(void)vmdir_sweep(&paths, NULL);
}

static int dispatch(int argc, char **argv)
{
	const struct command *command;
	char version[] = "version";

	if (argc < 2)
		return cli_usage_error(NULL, "no command given");
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)
		return print_help();
	if (strcmp(argv[1], "help") == 0)
		return cmd_help(argc - 1, argv + 1);
	if (strcmp(argv[1], "--version") == 0) {
		argv[1] = version;
		return cmd_version(argc - 1, argv + 1);
	}
	if (argv[1][0] == '-')
		return cli_usage_error(NULL, "unknown option '%s'; options follow the command",
				       argv[1]);
	command = find_command(argv[1]);
	if (!command)
		return unknown_command(argv[1]);
	/* A run does it itself, under the same lock as it takes its name. */
	if (command->run != cmd_run)
		sweep();
	return command->run(argc - 1, argv + 1);
}

/* A closed standard descriptor would be taken by the next open(), which then gets our messages. */
static bool open_standard_fds(void)
{
	for (int fd = 0; fd <= 2; fd++) {
		if (fcntl(fd, F_GETFD) < 0 && errno == EBADF &&
		    open("/dev/null", fd == 0 ? O_RDONLY : O_WRONLY) != fd)
			return false;
	}
	return true;
}

int main(int argc, char **argv)
{
	int code;

	if (!open_standard_fds())
		return CLI_EXIT_RUN_FAILED;
	code = dispatch(argc, argv);
	if ((fflush(stdout) != 0 || ferror(stdout)) && code == CLI_EXIT_OK) {
		(void)fprintf(stderr, "ironclaw: cannot write to standard output\n");
		return CLI_EXIT_FAILED;
	}
	return code;
}
