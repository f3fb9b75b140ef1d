/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_image.c - `ironclaw image`: build, list, inspect and remove images. */
#include <stdio.h>

#include "base/cleanup.h"
#include "cli/building.h"
#include "cli/cli.h"
#include "cli/store_ls.h"
#include "codec/json_write.h"
#include "image/build.h"
#include "image/store.h"

static const char help[] =
	"usage: ironclaw image build [NAME] [--include PKG,PKG] [--suite SUITE] [--force] [-q]\n"
	"       ironclaw image ls [-q] [--json]\n"
	"       ironclaw image inspect NAME\n"
	"       ironclaw image rm NAME...\n\n"
	"Images are what VMs start from: read-only root file systems.\n\n"
	"build makes the image NAME, unless it is there: Debian with the packages of --include\n"
	"(python3 unless told; '' for none). The image 'default' is the one that `ironclaw run`\n"
	"takes, 'busybox' a tiny one without Debian.\n\n"
	"  --include PKG,PKG  Debian packages, joined by commas\n"
	"  --suite SUITE      release of Debian (bookworm)\n"
	"  --force            build anew although it is there\n"
	"  --json             as a JSON document; inspect prints one in any case\n"
	"  -q, --quiet        build: no progress; ls: names only\n";

enum image_option { OPTION_INCLUDE = 256, OPTION_SUITE, OPTION_FORCE, OPTION_JSON };

/* What the options of any of the sub-commands say. */
struct image_args {
	struct image_recipe recipe;
	bool force, quiet;
};

/* Returns a negative number to go on, else the exit code. */
static int parse(int argc, char **argv, const struct option *options, struct image_args *args)
{
	int c;

	while ((c = cli_getopt(argc, argv, ":hq", options)) != -1) {
		switch (c) {
		case 'h':
			return cli_help(help);
		case 'q':
			args->quiet = true;
			break;
		case OPTION_INCLUDE:
			args->recipe.include = optarg;
			break;
		case OPTION_SUITE:
			args->recipe.suite = optarg;
			break;
		case OPTION_FORCE:
			args->force = true;
			break;
		case OPTION_JSON: /* inspect: in any case */
			break;
		default:
			return CLI_EXIT_USAGE;
		}
	}
	return -1;
}

static int image_build_command(int argc, char **argv, const struct paths *paths)
{
	static const struct option options[] = {{"help", no_argument, NULL, 'h'},
						{"quiet", no_argument, NULL, 'q'},
						{"include", required_argument, NULL,
						 OPTION_INCLUDE},
						{"suite", required_argument, NULL, OPTION_SUITE},
						{"force", no_argument, NULL, OPTION_FORCE},
						{NULL, 0, NULL, 0}};
	struct image_args args = {.recipe = {.name = IMAGE_DEFAULT}};
	struct build_settings settings;
	struct ironclaw_error err = {0};
	bool built;
	int r = parse(argc, argv, options, &args);

	if (r >= 0)
		return r;
	if (argc - optind > 1)
		return cli_usage_error(argv[0], "one image at a time");
	if (optind < argc)
		args.recipe.name = argv[optind];
	cli_set_quiet(args.quiet);
	settings = building_settings(paths, args.force);
	r = image_build(&settings, &args.recipe, &built, &err);
	if (r < 0)
		return cli_fail(&err, err.code == IRONCLAW_ERR_INVALID ? CLI_EXIT_USAGE
								       : CLI_EXIT_FAILED);
	cli_progress(built ? "image '%s' is built" : "image '%s' is there already",
		     args.recipe.name);
	return CLI_EXIT_OK;
}

static void write_manifest(struct json_writer *w, const char *name, const struct manifest *m)
{
	json_write_string(w, "name", name);
	json_write_string(w, "recipe", m->recipe);
	json_write_string(w, "suite", m->suite[0] ? m->suite : NULL);
	json_write_string(w, "include", m->include[0] ? m->include : NULL);
	json_write_string(w, "sha256", m->sha256);
	json_write_u64(w, "size", m->size);
	json_write_string(w, "created", m->created);
	json_write_string(w, "ironclaw", m->ironclaw);
}

static void write_entry(const void *userdata, struct json_writer *w, const struct store_entry *e)
{
	(void)userdata;
	write_manifest(w, e->name, &e->manifest);
}

static void fill_row(const void *userdata, const struct store_entry *e, const char *size,
		     const char **cells)
{
	const struct manifest *m = &e->manifest;

	(void)userdata;
	cells[1] = size;
	cells[2] = m->suite[0] ? m->suite : "-";
	cells[3] = m->created[0] ? m->created : "-";
	cells[4] = m->include[0] ? m->include : m->recipe;
}

static int image_ls_command(int argc, char **argv, const struct paths *paths)
{
	static const char *const headers[] = {"NAME", "SIZE", "SUITE", "CREATED", "CONTENT"};
	static const struct store_ls ls = {.kind = STORE_IMAGES,
					   .if_none = "no images yet: ironclaw image build",
					   .headers = headers,
					   .fill = fill_row,
					   .write_json = write_entry};

	return store_ls(argc, argv, help, paths, &ls);
}

static int image_inspect_command(int argc, char **argv, const struct paths *paths)
{
	static const struct option options[] = {{"help", no_argument, NULL, 'h'},
						{"json", no_argument, NULL, OPTION_JSON},
						{NULL, 0, NULL, 0}};
	cleanup(manifest_done) struct manifest m = {.size = 0};
	struct ironclaw_error err = {0};
	struct image_args args = {.quiet = false};
	struct json_writer w;
	struct image image;
	int r = parse(argc, argv, options, &args);

	if (r >= 0)
		return r;
	if (argc - optind != 1)
		return cli_usage_error(argv[0], "give the name of one image");
	if (store_inspect(paths, STORE_IMAGES, argv[optind], &m, &err) < 0 ||
	    image_find(paths, argv[optind], &image, &err) < 0)
		return cli_fail(&err, CLI_EXIT_FAILED);
	json_write_begin(&w, stdout);
	json_write_open_object(&w, NULL);
	write_manifest(&w, argv[optind], &m);
	json_write_string(&w, "path", image.path);
	json_write_open_array(&w, "packages");
	for (size_t i = 0; i < m.n_packages; i++) {
		json_write_open_object(&w, NULL);
		json_write_string(&w, "name", m.packages[i].name);
		json_write_string(&w, "version", m.packages[i].version);
		json_write_close_object(&w);
	}
	json_write_close_array(&w);
	json_write_close_object(&w);
	return json_write_end(&w) < 0 ? CLI_EXIT_FAILED : CLI_EXIT_OK;
}

static int image_rm_command(int argc, char **argv, const struct paths *paths)
{
	static const struct option options[] = {{"help", no_argument, NULL, 'h'},
						{NULL, 0, NULL, 0}};
	struct image_args args = {.quiet = false};
	int code = CLI_EXIT_OK, r = parse(argc, argv, options, &args);

	if (r >= 0)
		return r;
	if (optind == argc)
		return cli_usage_error(argv[0], "give the name of an image");
	for (int i = optind; i < argc; i++) {
		struct ironclaw_error err = {0};

		if (store_remove(paths, STORE_IMAGES, argv[i], &err) < 0)
			code = cli_fail(&err, CLI_EXIT_FAILED);
	}
	return code;
}

int cmd_image(int argc, char **argv)
{
	static const struct cli_verb verbs[] = {{"build", image_build_command},
						{"ls", image_ls_command},
						{"inspect", image_inspect_command},
						{"rm", image_rm_command},
						{NULL, NULL}};

	return cli_run_verb(argc, argv, verbs, help);
}
