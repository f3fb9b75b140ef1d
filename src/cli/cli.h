/* SPDX-License-Identifier: Apache-2.0 */
/**
 * cli.h - what the sub-commands of `ironclaw` share.
 *
 * A sub-command is `int cmd_NAME(int argc, char **argv)` with argv[0] its own name ("run"); it
 * returns the exit code of the program. Results go to stdout, everything else to stderr. What a
 * command prints about foreign text goes through base/escape.h; the helpers below do that.
 */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include <getopt.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/paths.h"

/** Exit codes. `run` passes on the guest command's own code as well, see ironclaw-run(1). */
enum cli_exit {
	CLI_EXIT_OK = 0,
	CLI_EXIT_FAILED = 1, /* commands other than run */
	CLI_EXIT_USAGE = 2,
	CLI_EXIT_RUN_FAILED = 125 /* run: our own failure, not the command's */
};

int cmd_run(int argc, char **argv);
int cmd_ps(int argc, char **argv);
int cmd_inspect(int argc, char **argv);
int cmd_prove(int argc, char **argv);
int cmd_image(int argc, char **argv);
int cmd_template(int argc, char **argv);
int cmd_kernel(int argc, char **argv);
int cmd_audit(int argc, char **argv);
int cmd_seccomp(int argc, char **argv);
int cmd_approvals(int argc, char **argv);
int cmd_doctor(int argc, char **argv);
int cmd_version(int argc, char **argv);

/**
 * cmd_agent() - `agent`, `replay` and `mcp`: become the program that has them, ironclaw-agent.
 *
 * Return: only when it cannot be executed
 */
int cmd_agent(int argc, char **argv);

/* Of the program ironclaw-agent. */
int cmd_mcp(int argc, char **argv);

/**
 * cli_usage_error() - say that a command line is wrong.
 * @command:	name of the sub-command, such as "run" or "image build"; NULL for none
 * @fmt:	what is wrong; control characters of the result are escaped
 *
 * Writes "ironclaw COMMAND: TEXT" and a line that points to --help.
 *
 * Return: CLI_EXIT_USAGE
 */
int cli_usage_error(const char *command, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/**
 * cli_fail() - write a failure as "ironclaw: TEXT", and its hint as "  try: HINT".
 *
 * Return: @exit_code
 */
int cli_fail(const struct ironclaw_error *err, int exit_code);

/**
 * cli_getopt() - getopt_long(3) with error texts of ours.
 * @argv:	argv[0] is the name for the texts: "run", "image build"
 * @shorts:	as for getopt_long; ':' must come first, after an optional '+' or '-'
 *
 * Return: as getopt_long, but '?' for every mistake, after cli_usage_error() has described it:
 * the caller only returns CLI_EXIT_USAGE
 */
int cli_getopt(int argc, char **argv, const char *shorts, const struct option *longs);

/** cli_option_name() - the long name of an option that cli_getopt() returned; "?" for others. */
const char *cli_option_name(const struct option *longs, int c);

/**
 * cli_parse_output() - the options of a command that only prints: --help, --json, and -q, --quiet.
 * @ret_quiet:	NULL: there is no -q
 *
 * Return: a negative number to go on, else the exit code
 */
int cli_parse_output(int argc, char **argv, const char *help, bool *ret_json, bool *ret_quiet);

/** An action of a command, such as `ls` of `image`. */
struct cli_verb {
	const char *name;
	int (*run)(int argc, char **argv, const struct paths *paths); /* argv[0]: "image ls" */
};

/**
 * cli_run_verb() - run the action that argv[1] names, or say which there are.
 * @argv:	argv[0] is the command's name
 * @verbs:	at most 8; a NULL name ends them
 *
 * Return: the exit code
 */
int cli_run_verb(int argc, char **argv, const struct cli_verb *verbs, const char *help);

/** cli_help() - print a help text as it is. Return: CLI_EXIT_OK. */
int cli_help(const char *text);

/**
 * cli_suggest() - the nearest of several names, or NULL when none is near.
 * @names:	array that ends with NULL
 */
const char *cli_suggest(const char *word, const char *const *names);

/** cli_set_quiet() - from now on cli_note() and cli_progress() write nothing (-q). */
void cli_set_quiet(bool quiet);

/** cli_note() - one line "ironclaw: TEXT" that the user should see, such as "using emulation". */
void cli_note(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/**
 * cli_progress() - one line "ironclaw: TEXT" about what is going on during a long job.
 *
 * Written when stderr is a terminal, or when IRONCLAW_PROGRESS is set to something other than "0";
 * IRONCLAW_PROGRESS=0 turns it off on a terminal as well.
 */
void cli_progress(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/** cli_notice() - a library's notice as cli_note() or cli_progress(); @userdata is not used. */
void cli_notice(void *userdata, enum ironclaw_notice notice, const char *text);

/**
 * cli_data_file() - path of a read-only data file that comes with the program.
 * @name:	relative to the source tree and to the data folder alike: "kernel/small.config"
 * @ret:	the path; whether the file exists is not checked
 *
 * In the build folder the source tree serves, everywhere else the installed data folder.
 *
 * Return: 0, -ENAMETOOLONG
 */
int cli_data_file(const char *name, char *ret, size_t size);

/* A table for `ls` commands: aligned columns under upper-case headers. */
#define CLI_TABLE_COLUMNS_MAX 8

struct cli_table {
	const char *const *headers;
	size_t n_columns, n_rows;
	char **cells; /* n_rows * n_columns, owned */
};

/** cli_table_init() - @headers must outlive the table; the last column is not padded. */
void cli_table_init(struct cli_table *table, const char *const *headers, size_t n_columns);

/** cli_table_add() - append a row of n_columns strings (copied, escaped). Return: 0, -ENOMEM. */
int cli_table_add(struct cli_table *table, const char *const *cells);

/** cli_table_print() - write the table to stdout; headers are written even without rows. */
void cli_table_print(const struct cli_table *table);

/** cli_table_done() - free the rows; for use with cleanup(). */
void cli_table_done(struct cli_table *table);

#endif
