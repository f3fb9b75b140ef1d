/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_seccomp.c - `ironclaw seccomp compile`: a filter file for a VMM that loads its filter itself.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/cli.h"
#include "engine/firecracker_filter.h"
#include "sys/file.h"

#define MODE 0644

static const char help[] =
	"usage: ironclaw seccomp compile --for firecracker --fc-version VERSION LEVEL -o FILE\n\n"
	"Writes what Firecracker may call, for its option --seccomp-filter.\n\n"
	"  LEVEL                 minimal: boots and runs, and runs as a clone; cannot be saved\n"
	"                        basic: and is saved\n"
	"                        permissive: all that Firecracker's own filter allows\n"
	"  --for firecracker     the VMM; there is no other yet\n"
	"  --fc-version VERSION  what `firecracker --version` says: 1.7 to 1.17\n"
	"  -o, --output FILE     replaced when it is complete; - is standard output, unless that "
	"is\n"
	"                        a terminal\n";

enum seccomp_option { OPTION_FOR = 256, OPTION_VERSION };

struct seccomp_args {
	const char *vmm, *version, *output;
	enum vm_seccomp level;
};

static int set_level(const char *command, const char *name, enum vm_seccomp *ret)
{
	static const char *const names[] = {[VM_SECCOMP_MINIMAL] = "minimal",
					    [VM_SECCOMP_BASIC] = "basic",
					    [VM_SECCOMP_PERMISSIVE] = "permissive",
					    [VM_SECCOMP_MAX] = NULL};
	const char *near;

	for (int i = 0; names[i]; i++) {
		if (strcmp(names[i], name) != 0)
			continue;
		*ret = (enum vm_seccomp)i;
		return 0;
	}
	near = cli_suggest(name, names);
	if (near)
		return cli_usage_error(command, "unknown level '%s'; did you mean '%s'?", name,
				       near);
	return cli_usage_error(command, "unknown level '%s'; say minimal, basic or permissive",
			       name);
}

/* Returns 0 or the exit code. */
static int check(const char *command, const struct seccomp_args *args)
{
	if (!args->vmm)
		return cli_usage_error(command, "say for which VMM: --for firecracker");
	if (strcmp(args->vmm, "firecracker") != 0)
		return cli_usage_error(command,
				       "--for '%s' is no VMM that takes a filter; say firecracker",
				       args->vmm);
	if (!args->version)
		return cli_usage_error(command, "--fc-version is missing");
	if (!args->output)
		return cli_usage_error(command, "say where to: -o FILE");
	if (!*args->output)
		return cli_usage_error(command, "the name of the file is empty");
	return 0;
}

/* Returns a negative number to go on, else the exit code. */
static int parse(int argc, char **argv, struct seccomp_args *args)
{
	static const struct option options[] = {{"help", no_argument, NULL, 'h'},
						{"output", required_argument, NULL, 'o'},
						{"for", required_argument, NULL, OPTION_FOR},
						{"fc-version", required_argument, NULL,
						 OPTION_VERSION},
						{NULL, 0, NULL, 0}};
	int c, code;

	while ((c = cli_getopt(argc, argv, ":ho:", options)) != -1) {
		switch (c) {
		case 'h':
			return cli_help(help);
		case 'o':
			args->output = optarg;
			break;
		case OPTION_FOR:
			args->vmm = optarg;
			break;
		case OPTION_VERSION:
			args->version = optarg;
			break;
		default:
			return CLI_EXIT_USAGE;
		}
	}
	code = check(argv[0], args);
	if (code == 0 && optind == argc)
		code = cli_usage_error(argv[0], "say which level: minimal, basic or permissive");
	if (code == 0 && argc - optind > 1)
		code = cli_usage_error(argv[0], "unexpected argument '%s'", argv[optind + 1]);
	if (code == 0)
		code = set_level(argv[0], argv[optind], &args->level);
	return code == 0 ? -1 : code;
}

static int write_stdout(const char *command, const uint8_t *file, size_t len)
{
	if (isatty(STDOUT_FILENO))
		return cli_usage_error(command,
				       "the filter is binary and standard output is a terminal");
	/* main() sees whether it was written. */
	(void)fwrite(file, 1, len, stdout);
	return CLI_EXIT_OK;
}

/* The rename would replace a device, a pipe or a link by a file: not what anybody means. */
static int check_target(const char *path, struct ironclaw_error *err)
{
	struct stat st;

	if (lstat(path, &st) < 0)
		return errno == ENOENT ? 0 : err_sys(err, errno, "cannot write %s", path);
	if (S_ISREG(st.st_mode))
		return 0;
	return err_set(err, IRONCLAW_ERR_EXISTS, EEXIST,
		       "cannot write %s: it is there already, and is no ordinary file", path);
}

static int compile(int argc, char **argv, const struct paths *paths)
{
	static uint8_t file[FIRECRACKER_FILTER_MAX_B];
	struct seccomp_args args = {.level = VM_SECCOMP_BASIC};
	struct ironclaw_error err = {0};
	size_t len;
	int r = parse(argc, argv, &args);

	(void)paths;
	if (r >= 0)
		return r;
	if (firecracker_filter_make(args.version, args.level, file, sizeof(file), &len, &err) < 0)
		return cli_fail(&err, err.code == IRONCLAW_ERR_INVALID ? CLI_EXIT_USAGE
								       : CLI_EXIT_FAILED);
	if (strcmp(args.output, "-") == 0)
		return write_stdout(argv[0], file, len);
	r = check_target(args.output, &err);
	if (r == 0) {
		r = file_write_atomic(AT_FDCWD, args.output, file, len, MODE);
		if (r < 0)
			(void)err_sys(&err, -r, "cannot write %s", args.output);
	}
	return r < 0 ? cli_fail(&err, CLI_EXIT_FAILED) : CLI_EXIT_OK;
}

int cmd_seccomp(int argc, char **argv)
{
	static const struct cli_verb verbs[] = {{"compile", compile}, {NULL, NULL}};

	return cli_run_verb(argc, argv, verbs, help);
}
