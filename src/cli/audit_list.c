/* SPDX-License-Identifier: Apache-2.0 */
/* audit_list.c - `ironclaw audit ls` and `show`: the records of DATA/audit/log. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "audit/log.h"
#include "audit/verify.h"
#include "base/cleanup.h"
#include "base/parse.h"
#include "cli/audit.h"
#include "cli/cli.h"
#include "vm/config.h"

static const char ls_help[] =
	"usage: ironclaw audit ls [--since TIME] [--kind KIND] [--vm ID] [--json]\n\n"
	"Lists the records of the audit log, oldest first.\n\n"
	"  --since TIME  not before: a span (10m, 24h), or a date in UTC such as 2026-01-31 or\n"
	"                2026-01-31T12:00:00\n"
	"  --kind KIND   start, exec, end, decision, apply, outcome, tool_call or recover\n"
	"  --vm ID       only those of this VM\n"
	"  --json        as JSON objects, one a line\n";

static const char show_help[] = "usage: ironclaw audit show N [--json]\n\n"
				"Prints record N of the audit log.\n\n"
				"  --json  in one line, as it is stored\n";

enum { OPTION_JSON = 256, OPTION_SINCE, OPTION_KIND, OPTION_VM };

struct ls_args {
	char since[AUDIT_TIME_MAX_B];
	const char *kind, *vm_id;
	bool json;
};

static int open_log(const struct paths *paths, FILE **ret)
{
	char path[sizeof(paths->data) + 16];

	(void)snprintf(path, sizeof(path), "%s/audit/" AUDIT_LOG_FILE, paths->data);
	*ret = fopen(path, "re");
	return *ret ? 0 : -errno;
}

static int fail_read(int r)
{
	struct ironclaw_error err = {0};

	(void)err_sys(&err, -r, "cannot read the audit log");
	return cli_fail(&err, CLI_EXIT_FAILED);
}

/* A date as the log has it, so that text sorts as time does. */
static bool is_date(const char *s)
{
	static const char shape[] = "0000-00-00T00:00:00";
	size_t len = strlen(s);

	if (len != sizeof("0000-00-00") - 1 && len != sizeof(shape) - 1)
		return false;
	for (size_t i = 0; i < len; i++) {
		if (shape[i] == '0' ? s[i] < '0' || s[i] > '9' : s[i] != shape[i])
			return false;
	}
	return true;
}

static bool parse_since(const char *text, char ret[AUDIT_TIME_MAX_B])
{
	uint64_t ms;
	time_t then;
	struct tm tm;

	if (is_date(text)) {
		(void)snprintf(ret, AUDIT_TIME_MAX_B, "%s", text);
		return true;
	}
	if (parse_duration_ms(text, &ms) < 0)
		return false;
	then = time(NULL) - (time_t)(ms / 1000);
	(void)gmtime_r(&then, &tm);
	return strftime(ret, AUDIT_TIME_MAX_B, "%Y-%m-%dT%H:%M:%S", &tm) > 0;
}

static bool is_kind(const char *text)
{
	for (enum audit_kind kind = 0; kind < AUDIT_KIND_MAX; kind++) {
		if (strcmp(text, audit_kind_name(kind)) == 0)
			return true;
	}
	return false;
}

/* Returns a negative number to go on, else the exit code. */
static int parse_ls(int argc, char **argv, struct ls_args *args)
{
	static const struct option options[] = {{"help", no_argument, NULL, 'h'},
						{"json", no_argument, NULL, OPTION_JSON},
						{"since", required_argument, NULL, OPTION_SINCE},
						{"kind", required_argument, NULL, OPTION_KIND},
						{"vm", required_argument, NULL, OPTION_VM},
						{NULL, 0, NULL, 0}};
	int c;

	while ((c = cli_getopt(argc, argv, ":h", options)) != -1) {
		switch (c) {
		case 'h':
			return cli_help(ls_help);
		case OPTION_JSON:
			args->json = true;
			break;
		case OPTION_SINCE:
			if (!parse_since(optarg, args->since))
				return cli_usage_error(argv[0], "--since: '%s' is no time", optarg);
			break;
		case OPTION_KIND:
			if (!is_kind(optarg))
				return cli_usage_error(argv[0],
						       "--kind: no records are of kind '%s'",
						       optarg);
			args->kind = optarg;
			break;
		case OPTION_VM:
			if (!vm_id_valid(optarg))
				return cli_usage_error(argv[0], "--vm: '%s' is no VM id", optarg);
			args->vm_id = optarg;
			break;
		default:
			return CLI_EXIT_USAGE;
		}
	}
	if (optind < argc)
		return cli_usage_error(argv[0], "unexpected argument '%s'", argv[optind]);
	return -1;
}

static bool wanted(const struct ls_args *args, const struct audit_summary *s)
{
	return strcmp(s->time, args->since) >= 0 &&
	       (!args->kind || strcmp(s->kind, args->kind) == 0) &&
	       (!args->vm_id || strcmp(s->vm, args->vm_id) == 0);
}

static void print_row(uint64_t n, const struct audit_summary *s)
{
	(void)printf("%-6" PRIu64 "  %-30s  %-9s  %-20s  %s\n", n, s->time, s->kind,
		     s->vm[0] ? s->vm : "-", s->rest);
}

/* Returns the exit code: 1 when a line is no record, which is shown as such in its place. */
static int list(FILE *in, const struct ls_args *args)
{
	struct audit_reader reader = {.in = in};
	int code = CLI_EXIT_OK, r;

	for (uint64_t place = 1; (r = audit_read_line(&reader)) > 0; place++) {
		struct audit_summary s;
		struct audit_link link;

		if (audit_record_check(reader.line, reader.len, &link) < 0 ||
		    audit_record_describe(reader.line, reader.len, &s) < 0) {
			cli_note("line %" PRIu64 " of the log is not what was written", place);
			code = CLI_EXIT_FAILED;
		} else if (wanted(args, &s) && args->json) {
			cleanup_free char *text = NULL;

			if (audit_record_json(reader.line, reader.len, false, &text) < 0)
				return CLI_EXIT_FAILED;
			(void)printf("%s\n", text);
		} else if (wanted(args, &s)) {
			print_row(link.n, &s);
		}
	}
	if (r == -ENODATA)
		cli_note("the last record was not written to its end");
	if (r == -EIO || r == -EBADMSG)
		return fail_read(r);
	return code;
}

int audit_ls_command(int argc, char **argv, const struct paths *paths)
{
	struct ls_args args = {.json = false};
	cleanup_fclose FILE *in = NULL;
	int r = parse_ls(argc, argv, &args);

	if (r >= 0)
		return r;
	r = open_log(paths, &in);
	if (r < 0 && r != -ENOENT)
		return fail_read(r);
	if (!args.json)
		(void)printf("%-6s  %-30s  %-9s  %-20s  %s\n", "N", "TIME", "KIND", "VM", "WHAT");
	return in ? list(in, &args) : CLI_EXIT_OK;
}

static int show(const struct paths *paths, uint64_t n, bool json)
{
	struct audit_reader reader = {.in = NULL};
	cleanup_free char *text = NULL;
	cleanup_fclose FILE *in = NULL;
	struct ironclaw_error err = {0};
	struct audit_link link;
	uint64_t place = 0;
	int r = open_log(paths, &in);

	reader.in = in;
	while (r >= 0 && place < n && (r = audit_read_line(&reader)) > 0)
		place++;
	if (r < 0 && r != -ENOENT && r != -ENODATA)
		return fail_read(r);
	if (r <= 0 || place < n) {
		(void)err_set(&err, IRONCLAW_ERR_NOT_FOUND, ENOENT,
			      "the audit log has no record %" PRIu64, n);
		return cli_fail(&err, CLI_EXIT_FAILED);
	}
	if (audit_record_check(reader.line, reader.len, &link) < 0 || link.n != n ||
	    audit_record_json(reader.line, reader.len, !json, &text) < 0) {
		(void)err_set(&err, IRONCLAW_ERR_CORRUPT, EBADMSG,
			      "record %" PRIu64 " is not what was written", n);
		err_hint(&err, "ironclaw audit verify");
		return cli_fail(&err, CLI_EXIT_FAILED);
	}
	(void)printf("%s\n", text);
	return CLI_EXIT_OK;
}

int audit_show_command(int argc, char **argv, const struct paths *paths)
{
	static const struct option options[] = {{"help", no_argument, NULL, 'h'},
						{"json", no_argument, NULL, OPTION_JSON},
						{NULL, 0, NULL, 0}};
	bool json = false;
	uint64_t n;
	int c;

	while ((c = cli_getopt(argc, argv, ":h", options)) != -1) {
		if (c == 'h')
			return cli_help(show_help);
		if (c == '?')
			return CLI_EXIT_USAGE;
		json = true;
	}
	if (optind + 1 != argc)
		return cli_usage_error(argv[0], "say which record: its number in 'audit ls'");
	if (parse_u64(argv[optind], 1, UINT64_MAX, &n) < 0)
		return cli_usage_error(argv[0], "'%s' is no number of a record", argv[optind]);
	return show(paths, n, json);
}
