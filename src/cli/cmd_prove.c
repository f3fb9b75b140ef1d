/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_prove.c - `ironclaw prove`: forbidden acts in the place of VMM and keeper, and who refuses.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "cli/cli.h"
#include "codec/json_write.h"
#include "machine/probe.h"
#include "sys/syscall_name.h"

static const char help[] =
	"usage: ironclaw prove [--image NAME] [--engine NAME] [--link NAME] [--audit-only] [-q]\n"
	"                      [--json]\n\n"
	"Starts VMs with a probe in the place of the VMM, then of the keeper, in the very same\n"
	"jail. The probe tries what a VMM that its guest has taken over would try, and the table\n"
	"says which layer refused each act. Its denials go into the record of 'ironclaw audit "
	"seccomp'; nothing else on the host is changed.\n\n"
	"      --image NAME  the image whose template the probe stands in for (default, else\n"
	"                    busybox)\n"
	"      --engine NAME in whose jail: qemu (default), firecracker, auto\n"
	"      --link NAME   and with which link: auto (default), virtio-serial, vsock\n"
	"      --audit-only  leave out the starts in which a denied call kills, one for each of "
	"some\n"
	"                    acts\n"
	"  -q, --quiet       only what is not as it must be, and the sum\n"
	"      --json        as a JSON document\n\n"
	"Exit code: 0 when every act was refused as it must be; 1 when one was not, or for a\n"
	"failure; 2 for a wrong call.\n";

#define CELL_B 64

enum { OPTION_IMAGE = 256, OPTION_JSON, OPTION_AUDIT_ONLY, OPTION_ENGINE, OPTION_LINK };

struct prove_args {
	struct probe_wishes wishes;
	bool json, quiet;
};

static const char *call_name(const struct probe_row *row)
{
	const char *name = syscall_name(row->arch, row->call);

	return name ? name : "an unknown call";
}

/* The layer that must refuse first. */
static const char *layer_of(const struct probe_row *row)
{
	uint32_t first = row->expected.first;

	if (first & (PROBE_VMM_WORKS | PROBE_KEEPER_WORKS))
		return "-";
	if (row->enforce || (first & (PROBE_VMM_SECCOMP | PROBE_KEEPER_SECCOMP)))
		return "seccomp";
	return probe_layer_name(row->expected.beneath);
}

static void expected_of(const struct probe_row *row, char ret[CELL_B])
{
	uint32_t first = row->expected.first;
	const char *text = row->expected.words;

	if (row->enforce)
		text = "killed";
	else if (first & (PROBE_VMM_WORKS | PROBE_KEEPER_WORKS))
		text = "works";
	else if (first & PROBE_QUIET)
		text = "ENOSYS";
	else if (first & (PROBE_VMM_SECCOMP | PROBE_KEEPER_SECCOMP))
		text = "denied";
	(void)snprintf(ret, CELL_B, "%s", text);
}

static const char *errno_text(int errnum)
{
	const char *name = strerrorname_np(errnum);

	return name ? name : "an error of no name";
}

static void got_of(const struct probe_row *row, char ret[CELL_B])
{
	switch (row->by) {
	case PROBE_BY_NOBODY:
		(void)snprintf(ret, CELL_B, "%s", row->held ? "works" : "IT SUCCEEDED");
		return;
	case PROBE_BY_SECCOMP:
		(void)snprintf(ret, CELL_B, "denied: %s", call_name(row));
		return;
	case PROBE_BY_KILL:
		(void)snprintf(ret, CELL_B, "killed: %s", call_name(row));
		return;
	case PROBE_BY_QUIET:
	case PROBE_BY_LAYER:
		if (row->signal)
			(void)snprintf(ret, CELL_B, "signal %u", row->signal);
		else
			(void)snprintf(ret, CELL_B, "%s", errno_text(row->errnum));
		return;
	case PROBE_BY_UNKNOWN:
	default:
		(void)snprintf(ret, CELL_B, "NO REPORT");
		return;
	}
}

static const char *place_of(const struct probe_row *row)
{
	return row->keeper ? "keeper" : "vmm";
}

static size_t count_bad(const struct probe_results *results)
{
	size_t n = 0;

	for (size_t i = 0; i < results->n_rows; i++)
		n += !results->rows[i].held;
	for (size_t i = 0; i < results->n_effects; i++)
		n += !results->effects[i].held;
	return n;
}

static int print_rows(const struct probe_results *results, bool quiet)
{
	static const char *const headers[] = {"PLACE", "ACT",	   "STANDS FOR",
					      "LAYER", "EXPECTED", "GOT"};
	cleanup(cli_table_done) struct cli_table table = {.n_rows = 0};

	cli_table_init(&table, headers, ARRAY_SIZE(headers));
	for (size_t i = 0; i < results->n_rows; i++) {
		const struct probe_row *row = &results->rows[i];
		char expected[CELL_B], got[CELL_B], judged[CELL_B + 16];
		const char *cells[] = {place_of(row), row->act->name, row->act->stands_for,
				       layer_of(row), expected,	      judged};

		if (quiet && row->held)
			continue;
		expected_of(row, expected);
		got_of(row, got);
		(void)snprintf(judged, sizeof(judged), "%s%s", row->held ? "" : "NOT HELD: ", got);
		if (cli_table_add(&table, cells) < 0)
			return CLI_EXIT_FAILED;
	}
	if (table.n_rows > 0)
		cli_table_print(&table);
	return CLI_EXIT_OK;
}

static int print_text(const struct probe_results *results, bool quiet)
{
	size_t bad = count_bad(results), n = results->n_rows + results->n_effects;

	if (print_rows(results, quiet) != CLI_EXIT_OK)
		return CLI_EXIT_FAILED;
	if (!quiet)
		(void)printf("\nAfter all of it:\n");
	for (size_t i = 0; i < results->n_effects; i++) {
		if (!quiet || !results->effects[i].held)
			(void)printf("  %-3s %s\n", results->effects[i].held ? "yes" : "NO",
				     results->effects[i].name);
	}
	(void)printf("%s%zu of %zu held (image %s, %s, %s, %s)\n", quiet ? "" : "\n", n - bad, n,
		     results->image, results->engine, results->kvm ? "kvm" : "tcg", results->link);
	return probe_held(results) ? CLI_EXIT_OK : CLI_EXIT_FAILED;
}

static void print_row_json(struct json_writer *w, const struct probe_row *row)
{
	char expected[CELL_B], got[CELL_B];

	expected_of(row, expected);
	got_of(row, got);
	json_write_open_object(w, NULL);
	json_write_string(w, "place", place_of(row));
	json_write_string(w, "mode", row->enforce ? "enforce" : "audit");
	json_write_string(w, "act", row->act->name);
	json_write_string(w, "stands_for", row->act->stands_for);
	json_write_string(w, "layer", layer_of(row));
	json_write_string(w, "beneath", probe_layer_name(row->expected.beneath));
	json_write_string(w, "expected", expected);
	json_write_string(w, "got", got);
	if (row->errnum)
		json_write_string(w, "errno", errno_text(row->errnum));
	else
		json_write_null(w, "errno");
	if (row->denied)
		json_write_string(w, "denied_call", call_name(row));
	else
		json_write_null(w, "denied_call");
	json_write_bool(w, "held", row->held);
	json_write_close_object(w);
}

static int print_json(const struct probe_results *results)
{
	struct json_writer w;

	json_write_begin(&w, stdout);
	json_write_open_object(&w, NULL);
	json_write_bool(&w, "held", probe_held(results));
	json_write_string(&w, "image", results->image);
	json_write_string(&w, "engine", results->engine);
	json_write_string(&w, "accel", results->kvm ? "kvm" : "tcg");
	json_write_string(&w, "link", results->link);
	json_write_open_array(&w, "acts");
	for (size_t i = 0; i < results->n_rows; i++)
		print_row_json(&w, &results->rows[i]);
	json_write_close_array(&w);
	json_write_open_array(&w, "effects");
	for (size_t i = 0; i < results->n_effects; i++) {
		json_write_open_object(&w, NULL);
		json_write_string(&w, "effect", results->effects[i].name);
		json_write_bool(&w, "held", results->effects[i].held);
		json_write_close_object(&w);
	}
	json_write_close_array(&w);
	json_write_close_object(&w);
	if (json_write_end(&w) < 0)
		return CLI_EXIT_FAILED;
	return probe_held(results) ? CLI_EXIT_OK : CLI_EXIT_FAILED;
}

/* Returns a negative number to go on, else the exit code. */
static int parse(int argc, char **argv, struct prove_args *args)
{
	static const struct option options[] = {{"help", no_argument, NULL, 'h'},
						{"quiet", no_argument, NULL, 'q'},
						{"image", required_argument, NULL, OPTION_IMAGE},
						{"engine", required_argument, NULL, OPTION_ENGINE},
						{"link", required_argument, NULL, OPTION_LINK},
						{"json", no_argument, NULL, OPTION_JSON},
						{"audit-only", no_argument, NULL,
						 OPTION_AUDIT_ONLY},
						{NULL, 0, NULL, 0}};
	int c;

	while ((c = cli_getopt(argc, argv, ":hq", options)) != -1) {
		if (c == 'h')
			return cli_help(help);
		if (c == '?')
			return CLI_EXIT_USAGE;
		if (c == 'q')
			args->quiet = true;
		else if (c == OPTION_IMAGE)
			args->wishes.image = optarg;
		else if (c == OPTION_ENGINE)
			args->wishes.engine = optarg;
		else if (c == OPTION_LINK)
			args->wishes.link = optarg;
		else if (c == OPTION_AUDIT_ONLY)
			args->wishes.audit_only = true;
		else
			args->json = true;
	}
	if (optind < argc)
		return cli_usage_error(argv[0], "unexpected argument '%s'", argv[optind]);
	return -1;
}

int cmd_prove(int argc, char **argv)
{
	const struct vm_notices notices = {cli_notice, NULL};
	cleanup_free struct probe_results *results = calloc(1, sizeof(*results));
	struct prove_args args = {.json = false};
	struct ironclaw_error err = {0};
	int r = parse(argc, argv, &args);

	if (r >= 0)
		return r;
	if (!results) {
		(void)err_sys(&err, ENOMEM, "no room for the results");
		return cli_fail(&err, CLI_EXIT_FAILED);
	}
	cli_set_quiet(args.quiet);
	if (probe_run(&args.wishes, &notices, results, &err) < 0)
		return cli_fail(&err, err.code == IRONCLAW_ERR_INVALID ? CLI_EXIT_USAGE
								       : CLI_EXIT_FAILED);
	return args.json ? print_json(results) : print_text(results, args.quiet);
}
