/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_template.c - `ironclaw template`: build, list and remove templates. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "cli/building.h"
#include "cli/cli.h"
#include "codec/json_write.h"
#include "machine/options.h"
#include "machine/template.h"
#include "machine/vm_start.h"

static const char help[] =
	"usage: ironclaw template build [IMAGE] [--warm COMMAND]... [FLAG...]\n"
	"       ironclaw template ls [-q] [--json]\n"
	"       ironclaw template rm KEY...\n\n"
	"A template is the saved state of a booted VM: runs start from it in a tenth of a second.\n"
	"They are built by themselves on first use, one for each image and shape.\n\n"
	"  --warm COMMAND   run COMMAND by sh -c before saving, so that what it needs is in "
	"memory;\n"
	"                   remembered for the image; '' goes back to the default: look every\n"
	"                   program up, and for the image 'default' run python3 once\n"
	"  --cpus N         as for run\n"
	"  --memory SIZE    as for run\n"
	"  --accel NAME     as for run\n"
	"  --json           as a JSON document\n"
	"  -q, --quiet      build: no progress; ls: keys only\n\n"
	"rm takes the first 4 or more digits of a key as well, if it is unique.\n";

enum template_option { OPTION_WARM = 256, OPTION_CPUS, OPTION_MEMORY, OPTION_ACCEL };

struct template_args {
	struct ironclaw_vm_options vm;
	char warm[TEMPLATE_WARM_MAX_B]; /* one command a line */
	bool warm_given, quiet;
};

static const char *add_warm(struct template_args *args, const char *command)
{
	size_t used = strlen(args->warm), n = strlen(command);

	args->warm_given = true;
	if (strchr(command, '\n'))
		return "has a line break; give --warm once for each command";
	if (used + n + 2 > sizeof(args->warm))
		return "does not fit: warm-up commands are limited to 4 KiB together";
	if (n > 0)
		(void)snprintf(args->warm + used, sizeof(args->warm) - used, "%s\n", command);
	return NULL;
}

static const char *set_memory(struct template_args *args, const char *text)
{
	uint64_t mib;

	if (parse_size_mib(text, &mib) < 0 || mib == 0 || mib > UINT32_MAX)
		return "is not a size such as 256M or 2G";
	args->vm.memory_mb = (uint32_t)mib;
	return NULL;
}

static const char *set_option(struct template_args *args, int c)
{
	switch (c) {
	case OPTION_WARM:
		return add_warm(args, optarg);
	case OPTION_CPUS:
		return parse_u32(optarg, 1, UINT32_MAX, &args->vm.vcpu_count) < 0
			       ? "is not a number of processors"
			       : NULL;
	case OPTION_MEMORY:
		return set_memory(args, optarg);
	case OPTION_ACCEL:
		args->vm.accel = optarg;
		return NULL;
	default:
		args->quiet = true;
		return NULL;
	}
}

/* Returns a negative number to go on, else the exit code. */
static int parse(int argc, char **argv, const struct option *options, struct template_args *args)
{
	int c;

	while ((c = cli_getopt(argc, argv, ":hq", options)) != -1) {
		const char *bad;

		if (c == 'h')
			return cli_help(help);
		if (c == '?')
			return CLI_EXIT_USAGE;
		bad = set_option(args, c);
		if (bad)
			return cli_usage_error(argv[0], "'%s' %s", optarg, bad);
	}
	return -1;
}

static int choose_warm(struct template_spec *spec, const struct template_args *args,
		       struct ironclaw_error *err)
{
	if (!args->warm_given || !args->warm[0])
		return args->warm_given ? template_default_warm(spec)
					: template_load_warm(spec, err);
	(void)snprintf(spec->warm, sizeof(spec->warm), "%s", args->warm);
	spec->warm_chosen = true;
	return 0;
}

static int build(const struct paths *paths, const struct template_args *args,
		 struct ironclaw_error *err)
{
	const struct vm_notices notices = {.notice = cli_notice};
	struct violations list = {0};
	struct template_spec spec;
	struct vm_config config;
	struct template found;
	int r = options_to_config(&args->vm, &config, &list, err);

	if (r == 0)
		r = vm_resolve(paths, &config, &notices, &spec, err);
	if (r == 0)
		r = choose_warm(&spec, args, err);
	if (r == 0)
		r = template_key(&spec, err);
	if (r == 0)
		r = template_get(&spec, &notices, &found, err);
	/* Remembered only when it works: every later run depends on it. */
	if (r == 0 && args->warm_given)
		r = template_store_warm(paths, spec.image.name, args->warm[0] ? args->warm : NULL,
					err);
	if (r == 0)
		(void)printf("%s\n", spec.key);
	return r;
}

static int build_command(int argc, char **argv, const struct paths *paths)
{
	static const struct option options[] = {{"help", no_argument, NULL, 'h'},
						{"quiet", no_argument, NULL, 'q'},
						{"warm", required_argument, NULL, OPTION_WARM},
						{"cpus", required_argument, NULL, OPTION_CPUS},
						{"memory", required_argument, NULL, OPTION_MEMORY},
						{"accel", required_argument, NULL, OPTION_ACCEL},
						{NULL, 0, NULL, 0}};
	struct template_args args = {.vm = {.size = sizeof(args.vm)}};
	struct ironclaw_error err = {0};
	int r = parse(argc, argv, options, &args);

	if (r >= 0)
		return r;
	if (argc - optind > 1)
		return cli_usage_error(argv[0], "unexpected argument '%s'", argv[optind + 1]);
	args.vm.image = argv[optind];
	cli_set_quiet(args.quiet);
	if (build(paths, &args, &err) < 0)
		return cli_fail(&err, err.code == IRONCLAW_ERR_INVALID ? CLI_EXIT_USAGE
								       : CLI_EXIT_FAILED);
	return CLI_EXIT_OK;
}

static int print_json(const struct template_info *list, size_t n)
{
	struct json_writer w;

	json_write_begin(&w, stdout);
	json_write_open_array(&w, NULL);
	for (size_t i = 0; i < n; i++) {
		json_write_open_object(&w, NULL);
		json_write_string(&w, "key", list[i].key);
		json_write_string(&w, "image", list[i].image);
		json_write_string(&w, "kernel", list[i].kernel);
		json_write_string(&w, "engine", list[i].engine);
		json_write_string(&w, "accel", list[i].accel);
		json_write_u64(&w, "vcpu_count", list[i].vcpus);
		json_write_u64(&w, "memory_mb", list[i].memory_mib);
		json_write_u64(&w, "size", list[i].size_b);
		json_write_string(&w, "created", list[i].created);
		json_write_close_object(&w);
	}
	json_write_close_array(&w);
	return json_write_end(&w) < 0 ? CLI_EXIT_FAILED : CLI_EXIT_OK;
}

static int print_table(const struct template_info *list, size_t n)
{
	static const char *const headers[] = {"KEY",  "IMAGE", "KERNEL",  "ACCEL",
					      "CPUS", "MEM",   "ON DISK", "CREATED"};
	cleanup(cli_table_done) struct cli_table table = {.n_rows = 0};

	if (n == 0) {
		(void)printf("no templates yet: they are built on first use\n");
		return CLI_EXIT_OK;
	}
	cli_table_init(&table, headers, ARRAY_SIZE(headers));
	for (size_t i = 0; i < n; i++) {
		const struct template_info *t = &list[i];
		char key[13], cpus[16], memory[32], size[32];
		const char *cells[] = {key,  t->image, t->kernel, t->accel,
				       cpus, memory,   size,	  t->created};

		(void)snprintf(key, sizeof(key), "%.12s", t->key);
		(void)snprintf(cpus, sizeof(cpus), "%u", t->vcpus);
		(void)snprintf(memory, sizeof(memory), "%llu MiB",
			       (unsigned long long)t->memory_mib);
		building_size(t->size_b, size, sizeof(size));
		if (cli_table_add(&table, cells) < 0)
			return CLI_EXIT_FAILED;
	}
	cli_table_print(&table);
	return CLI_EXIT_OK;
}

static int ls_command(int argc, char **argv, const struct paths *paths)
{
	cleanup_free struct template_info *list = NULL;
	struct ironclaw_error err = {0};
	bool json = false, quiet = false;
	size_t n;
	int r = cli_parse_output(argc, argv, help, &json, &quiet);

	if (r >= 0)
		return r;
	if (template_list(paths, &list, &n, &err) < 0)
		return cli_fail(&err, CLI_EXIT_FAILED);
	if (json)
		return print_json(list, n);
	if (!quiet)
		return print_table(list, n);
	for (size_t i = 0; i < n; i++)
		(void)printf("%s\n", list[i].key);
	return CLI_EXIT_OK;
}

static int rm_command(int argc, char **argv, const struct paths *paths)
{
	static const struct option options[] = {{"help", no_argument, NULL, 'h'},
						{NULL, 0, NULL, 0}};
	struct template_args args = {.quiet = false};
	struct ironclaw_error err = {0};
	int r = parse(argc, argv, options, &args);

	if (r >= 0)
		return r;
	if (optind == argc)
		return cli_usage_error(argv[0], "say which: a KEY of 'ironclaw template ls'");
	for (int i = optind; i < argc; i++) {
		if (template_remove(paths, argv[i], &err) < 0)
			return cli_fail(&err, CLI_EXIT_FAILED);
	}
	return CLI_EXIT_OK;
}

int cmd_template(int argc, char **argv)
{
	static const struct cli_verb verbs[] = {{"build", build_command},
						{"ls", ls_command},
						{"rm", rm_command},
						{NULL, NULL}};

	return cli_run_verb(argc, argv, verbs, help);
}
