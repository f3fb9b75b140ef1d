/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_kernel.c - `ironclaw kernel`: build and list guest kernels. */
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "cli/building.h"
#include "cli/cli.h"
#include "cli/store_ls.h"
#include "codec/json_write.h"
#include "image/build.h"
#include "image/store.h"

#define FRAGMENT "kernel/small.config"

static const char help[] =
	"usage: ironclaw kernel build [--debian] [--force] [-q]\n"
	"       ironclaw kernel ls [-q] [--json]\n\n"
	"Kernels are what guests run.\n\n"
	"build makes the small kernel from Debian's linux-source-6.1, unless it is there: it "
	"boots\n"
	"in half the time of Debian's own and becomes the default. It takes 3 to 5 minutes on two\n"
	"CPUs, and 2 GB of disk meanwhile.\n\n"
	"  --debian     take Debian's cloud kernel as it is instead: seconds, not minutes; the\n"
	"               default only if there is none\n"
	"  --force      build anew although it is there\n"
	"  --json       as a JSON document\n"
	"  -q, --quiet  build: no progress; ls: names only\n";

enum kernel_option { OPTION_DEBIAN = 256, OPTION_FORCE };

struct kernel_args {
	bool debian, force, quiet;
};

/* Returns a negative number to go on, else the exit code. */
static int parse_build(int argc, char **argv, struct kernel_args *args)
{
	static const struct option options[] = {{"help", no_argument, NULL, 'h'},
						{"quiet", no_argument, NULL, 'q'},
						{"debian", no_argument, NULL, OPTION_DEBIAN},
						{"force", no_argument, NULL, OPTION_FORCE},
						{NULL, 0, NULL, 0}};
	int c;

	while ((c = cli_getopt(argc, argv, ":hq", options)) != -1) {
		switch (c) {
		case 'h':
			return cli_help(help);
		case 'q':
			args->quiet = true;
			break;
		case OPTION_DEBIAN:
			args->debian = true;
			break;
		case OPTION_FORCE:
			args->force = true;
			break;
		default:
			return CLI_EXIT_USAGE;
		}
	}
	if (optind < argc)
		return cli_usage_error(argv[0], "unexpected argument '%s'", argv[optind]);
	return -1;
}

static int kernel_build_command(int argc, char **argv, const struct paths *paths)
{
	struct kernel_args args = {.debian = false};
	struct ironclaw_error err = {0};
	struct build_settings settings;
	char fragment[1200];
	bool built;
	int r = parse_build(argc, argv, &args);

	if (r >= 0)
		return r;
	cli_set_quiet(args.quiet);
	settings = building_settings(paths, args.force);
	if (args.debian) {
		r = kernel_fetch_debian(&settings, &built, &err);
	} else {
		r = cli_data_file(FRAGMENT, fragment, sizeof(fragment));
		if (r < 0)
			r = err_sys(&err, -r, "cannot find " FRAGMENT);
		else
			r = kernel_build_small(&settings, fragment, &built, &err);
	}
	if (r < 0)
		return cli_fail(&err, CLI_EXIT_FAILED);
	cli_progress(built ? "the kernel is built" : "the kernel is there already");
	return CLI_EXIT_OK;
}

/* @userdata: the name of the default kernel. */
static void write_entry(const void *userdata, struct json_writer *w, const struct store_entry *e)
{
	const struct manifest *m = &e->manifest;

	json_write_string(w, "name", e->name);
	json_write_bool(w, "default", strcmp(e->name, userdata) == 0);
	json_write_string(w, "release", m->release[0] ? m->release : NULL);
	json_write_string(w, "sha256", m->sha256);
	json_write_u64(w, "size", m->size);
	json_write_string(w, "created", m->created);
	json_write_string(w, "ironclaw", m->ironclaw);
}

static void fill_row(const void *userdata, const struct store_entry *e, const char *size,
		     const char **cells)
{
	const struct manifest *m = &e->manifest;

	cells[1] = strcmp(e->name, userdata) == 0 ? "yes" : "-";
	cells[2] = m->release[0] ? m->release : "-";
	cells[3] = size;
	cells[4] = m->created;
}

static int kernel_ls_command(int argc, char **argv, const struct paths *paths)
{
	static const char *const headers[] = {"NAME", "DEFAULT", "RELEASE", "SIZE", "CREATED"};
	char chosen[LIMIT_NAME_MAX + 1] = "";
	const struct store_ls ls = {.kind = STORE_KERNELS,
				    .if_none = "no kernels yet: ironclaw kernel build",
				    .headers = headers,
				    .userdata = chosen,
				    .fill = fill_row,
				    .write_json = write_entry};

	(void)kernel_default(paths, chosen, NULL);
	return store_ls(argc, argv, help, paths, &ls);
}

int cmd_kernel(int argc, char **argv)
{
	static const struct cli_verb verbs[] = {{"build", kernel_build_command},
						{"ls", kernel_ls_command},
						{NULL, NULL}};

	return cli_run_verb(argc, argv, verbs, help);
}
