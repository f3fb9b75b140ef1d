/* SPDX-License-Identifier: Apache-2.0 */
/* cli.c - messages, options and data files of the sub-commands; see cli.h. */
#include "cli/cli.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/escape.h"

#define LINE_MAX_B	     4096
#define SUGGEST_WORD_MAX     32U
#define SUGGEST_DISTANCE_MAX 2U

static bool quiet_mode;

static void format_line(char dst[LINE_MAX_B], const char *fmt, va_list ap)
{
	char raw[LINE_MAX_B];

	(void)vsnprintf(raw, sizeof(raw), fmt, ap);
	escape_text(dst, LINE_MAX_B, raw, strlen(raw));
}

int cli_usage_error(const char *command, const char *fmt, ...)
{
	const char *space = command ? " " : "", *name = command ? command : "";
	char line[LINE_MAX_B];
	va_list ap;

	va_start(ap, fmt);
	format_line(line, fmt, ap);
	va_end(ap);
	(void)fprintf(stderr, "ironclaw%s%s: %s\ntry 'ironclaw%s%s --help'\n", space, name, line,
		      space, name);
	return CLI_EXIT_USAGE;
}

int cli_fail(const struct ironclaw_error *err, int exit_code)
{
	(void)fprintf(stderr, "ironclaw: %s\n", err->text[0] ? err->text : "unknown failure");
	if (err->hint[0])
		(void)fprintf(stderr, "  try: %s\n", err->hint);
	return exit_code;
}

int cli_getopt(int argc, char **argv, const char *shorts, const struct option *longs)
{
	bool is_long;
	int c, at;

	opterr = 0;
	c = getopt_long(argc, argv, shorts, longs, NULL);
	if (c != '?' && c != ':')
		return c;
	at = optind > 1 ? optind - 1 : 1;
	/* In a cluster of short options argv[at] may be the argument before it. */
	is_long = strncmp(argv[at], "--", 2) == 0;
	if (c == ':')
		(void)cli_usage_error(argv[0], "option '%s' needs a value", argv[at]);
	else if (is_long && optopt != 0 && strchr(argv[at], '='))
		(void)cli_usage_error(argv[0], "option '%s' takes no value", argv[at]);
	else if (optopt != 0)
		(void)cli_usage_error(argv[0], "unknown option '-%c'", optopt);
	else
		(void)cli_usage_error(argv[0], "unknown option '%s'", argv[at]);
	return '?';
}

const char *cli_option_name(const struct option *longs, int c)
{
	while (longs->name && longs->val != c)
		longs++;
	return longs->name ? longs->name : "?";
}

int cli_help(const char *text)
{
	(void)fputs(text, stdout);
	return CLI_EXIT_OK;
}

/* Edits (insert, remove, replace a letter) that turn one word into the other. */
static size_t edit_distance(const char *a, const char *b)
{
	size_t row[SUGGEST_WORD_MAX + 1], len = strlen(b);

	if (len > SUGGEST_WORD_MAX)
		return SIZE_MAX;
	for (size_t j = 0; j <= len; j++)
		row[j] = j;
	for (size_t i = 0; a[i]; i++) {
		size_t diagonal = row[0];

		row[0] = i + 1;
		for (size_t j = 1; j <= len; j++) {
			size_t best = diagonal + (a[i] != b[j - 1]);

			diagonal = row[j];
			if (row[j] + 1 < best)
				best = row[j] + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			row[j] = best;
		}
	}
	return row[len];
}

const char *cli_suggest(const char *word, const char *const *names)
{
	const char *best = NULL;
	size_t best_distance = SUGGEST_DISTANCE_MAX + 1, len = strlen(word);

	if (len > SUGGEST_WORD_MAX)
		return NULL;
	for (; *names; names++) {
		size_t distance = edit_distance(word, *names);

		/* A word that keeps nothing of the name is not near, however short. */
		if (distance < best_distance && distance < len) {
			best = *names;
			best_distance = distance;
		}
	}
	return best;
}

void cli_set_quiet(bool quiet)
{
	quiet_mode = quiet;
}

void cli_note(const char *fmt, ...)
{
	char line[LINE_MAX_B];
	va_list ap;

	if (quiet_mode)
		return;
	va_start(ap, fmt);
	format_line(line, fmt, ap);
	va_end(ap);
	(void)fprintf(stderr, "ironclaw: %s\n", line);
}

void cli_progress(const char *fmt, ...)
{
	const char *wish = getenv("IRONCLAW_PROGRESS");
	char line[LINE_MAX_B];
	va_list ap;

	if (quiet_mode || (wish && wish[0] ? strcmp(wish, "0") == 0 : !isatty(STDERR_FILENO)))
		return;
	va_start(ap, fmt);
	format_line(line, fmt, ap);
	va_end(ap);
	(void)fprintf(stderr, "ironclaw: %s\n", line);
}

int cli_data_file(const char *name, char *ret, size_t size)
{
	static const char build_exe[] = IRONCLAW_BUILD_DIR "/ironclaw";
	char exe[sizeof(build_exe) + 1];
	ssize_t len = readlink("/proc/self/exe", exe, sizeof(exe));
	bool in_build_dir =
		len == (ssize_t)strlen(build_exe) && memcmp(exe, build_exe, (size_t)len) == 0;
	int n = snprintf(ret, size, "%s/%s", in_build_dir ? IRONCLAW_SOURCE_DIR : IRONCLAW_DATADIR,
			 name);

	return n < 0 || (size_t)n >= size ? -ENAMETOOLONG : 0;
}
