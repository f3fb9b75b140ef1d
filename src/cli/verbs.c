/* SPDX-License-Identifier: Apache-2.0 */
/* verbs.c - what `ironclaw image`, `kernel`, `template` and `seccomp` do alike with their words;
 * see cli.h. */
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"

#define VERBS_MAX 8

/* "build, ls or rm" */
static void join(char *ret, size_t size, const char *const *names)
{
	size_t used = 0;

	ret[0] = '\0';
	for (size_t i = 0; names[i] && used < size; i++) {
		const char *before = i == 0 ? "" : names[i + 1] ? ", " : " or ";

		used += (size_t)snprintf(ret + used, size - used, "%s%s", before, names[i]);
	}
}

static const struct cli_verb *find(const struct cli_verb *verbs, const char *name)
{
	for (; verbs->name; verbs++) {
		if (strcmp(verbs->name, name) == 0)
			return verbs;
	}
	return NULL;
}

static int unknown(const char *command, const char *verb, const char *const *names)
{
	const char *near = cli_suggest(verb, names);
	char list[128];

	join(list, sizeof(list), names);
	if (near)
		return cli_usage_error(command, "unknown action '%s'; did you mean '%s'?", verb,
				       near);
	return cli_usage_error(command, "unknown action '%s'; say %s", verb, list);
}

int cli_run_verb(int argc, char **argv, const struct cli_verb *verbs, const char *help)
{
	const char *names[VERBS_MAX + 1] = {NULL};
	const struct cli_verb *verb;
	struct ironclaw_error err = {0};
	struct paths paths;
	char title[64], list[128];

	for (size_t i = 0; verbs[i].name; i++) {
		ic_assert(i < VERBS_MAX);
		names[i] = verbs[i].name;
	}
	if (argc < 2) {
		join(list, sizeof(list), names);
		return cli_usage_error(argv[0], "say what to do: %s", list);
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)
		return cli_help(help);
	verb = find(verbs, argv[1]);
	if (!verb)
		return unknown(argv[0], argv[1], names);
	if (paths_get(&paths, &err) < 0)
		return cli_fail(&err, CLI_EXIT_FAILED);
	(void)snprintf(title, sizeof(title), "%s %s", argv[0], verb->name);
	argv[1] = title;
	return verb->run(argc - 1, argv + 1, &paths);
}

int cli_parse_output(int argc, char **argv, const char *help, bool *ret_json, bool *ret_quiet)
{
	static const struct option with_quiet[] = {{"help", no_argument, NULL, 'h'},
						   {"json", no_argument, NULL, 'j'},
						   {"quiet", no_argument, NULL, 'q'},
						   {NULL, 0, NULL, 0}};
	static const struct option plain[] = {{"help", no_argument, NULL, 'h'},
					      {"json", no_argument, NULL, 'j'},
					      {NULL, 0, NULL, 0}};
	int c;

	while ((c = cli_getopt(argc, argv, ret_quiet ? ":hq" : ":h",
			       ret_quiet ? with_quiet : plain)) != -1) {
		switch (c) {
		case 'h':
			return cli_help(help);
		case 'j':
			*ret_json = true;
			break;
		case 'q':
			*ret_quiet = true;
			break;
		default:
			return CLI_EXIT_USAGE;
		}
	}
	if (optind < argc)
		return cli_usage_error(argv[0], "unexpected argument '%s'", argv[optind]);
	return -1;
}

void cli_notice(void *userdata, enum ironclaw_notice notice, const char *text)
{
	(void)userdata;
	if (notice == IRONCLAW_NOTICE_WARNING)
		cli_note("%s", text);
	else
		cli_progress("%s", text);
}
