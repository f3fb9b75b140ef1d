/* SPDX-License-Identifier: Apache-2.0 */
/* audit_seccomp.c - `ironclaw audit seccomp`: the system calls that were denied, from RUN/denials.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "cli/audit.h"
#include "cli/cli.h"
#include "codec/json_write.h"
#include "vm/config.h"

static const char help[] =
	"usage: ironclaw audit seccomp [--vm ID] [-n N] [-f] [--json]\n\n"
	"Prints the system calls that the seccomp filters of VMMs and keepers denied, oldest\n"
	"first: the last 10000 of all VMs of this user. A VM with more than 10 is an ALERT.\n\n"
	"  --vm ID       only those of this VM; it may have ended\n"
	"  -n, --tail N  only the newest N\n"
	"  -f, --follow  print further ones as they come, until Ctrl-C\n"
	"  --json        as a JSON document; with -f as one JSON object a line\n";

enum audit_option { OPTION_VM = 256, OPTION_JSON };

static int print_json(const struct audit_snapshot *s, size_t from,
		      const struct audit_alerts *alerts)
{
	struct json_writer w;

	json_write_begin(&w, stdout);
	json_write_open_object(&w, NULL);
	json_write_u64(&w, "dropped", s->dropped);
	json_write_u64(&w, "skipped", s->skipped);
	json_write_open_array(&w, "alerts");
	for (size_t i = 0; i < alerts->n; i++) {
		json_write_open_object(&w, NULL);
		json_write_string(&w, "vm_id", alerts->items[i].vm_id);
		json_write_u64(&w, "count", alerts->items[i].count);
		json_write_close_object(&w);
	}
	json_write_close_array(&w);
	json_write_open_array(&w, "entries");
	for (size_t i = from; i < s->n; i++)
		audit_write_json(&w, &s->entries[i]);
	json_write_close_array(&w);
	json_write_close_object(&w);
	return json_write_end(&w) < 0 ? CLI_EXIT_FAILED : CLI_EXIT_OK;
}

static int print_text(const struct audit_snapshot *s, size_t from,
		      const struct audit_alerts *alerts, const char *vm_id)
{
	cleanup(cli_table_done) struct cli_table table = {.n_rows = 0};

	audit_print_dropped(s->dropped);
	if (s->skipped > 0)
		(void)printf("%" PRIu64 " half-written %s skipped\n", s->skipped,
			     s->skipped == 1 ? "entry was" : "entries were");
	if (s->n == 0) {
		(void)printf(vm_id ? "no denied system calls of VM '%s'\n"
				   : "no denied system calls\n",
			     vm_id);
		return CLI_EXIT_OK;
	}
	cli_table_init(&table, audit_headers, AUDIT_COLUMNS);
	for (size_t i = from; i < s->n; i++) {
		struct audit_row row;

		audit_row(&s->entries[i], &row);
		if (cli_table_add(&table, row.cells) < 0)
			return CLI_EXIT_FAILED;
	}
	cli_table_print(&table);
	for (size_t i = 0; i < alerts->n; i++)
		audit_print_alert(alerts->items[i].vm_id, alerts->items[i].count);
	return CLI_EXIT_OK;
}

static int load(const struct paths *paths, const char *vm_id, struct audit_snapshot *ret)
{
	cleanup_close int fd = audit_open(paths);
	struct denials *ring;
	int r;

	if (fd < 0)
		return fd == -ENOENT ? 0 : fd;
	ring = denials_map(fd, false);
	if (!ring)
		return -errno;
	r = audit_snapshot(ring, vm_id, ret);
	denials_unmap(ring);
	return r;
}

static int print_once(const struct paths *paths, const struct audit_args *args)
{
	cleanup(audit_snapshot_done) struct audit_snapshot s = {.n = 0};
	cleanup(audit_alerts_done) struct audit_alerts alerts = {.n = 0};
	size_t from = 0;
	int r = load(paths, args->vm_id, &s);

	for (size_t i = 0; r >= 0 && i < s.n; i++)
		r = audit_alerts_note(&alerts, &s.entries[i]);
	if (r < 0)
		return audit_fail(paths, -r);
	if (args->limited && args->newest < s.n)
		from = s.n - args->newest;
	return args->json ? print_json(&s, from, &alerts)
			  : print_text(&s, from, &alerts, args->vm_id);
}

/* Returns a negative number to go on, else the exit code. */
static int parse(int argc, char **argv, struct audit_args *args)
{
	static const struct option options[] = {{"help", no_argument, NULL, 'h'},
						{"vm", required_argument, NULL, OPTION_VM},
						{"tail", required_argument, NULL, 'n'},
						{"follow", no_argument, NULL, 'f'},
						{"json", no_argument, NULL, OPTION_JSON},
						{NULL, 0, NULL, 0}};
	int c;

	while ((c = cli_getopt(argc, argv, ":hn:f", options)) != -1) {
		switch (c) {
		case 'h':
			return cli_help(help);
		case OPTION_VM:
			if (!vm_id_valid(optarg))
				return cli_usage_error(argv[0],
						       "'%s' is no VM id: 1 to %u characters of "
						       "A-Z, a-z, 0-9 and '-'",
						       optarg, JAIL_VM_ID_MAX);
			args->vm_id = optarg;
			break;
		case 'n':
			if (parse_u32(optarg, 0, UINT32_MAX, &args->newest) < 0)
				return cli_usage_error(argv[0], "-n: '%s' is no number", optarg);
			args->limited = true;
			break;
		case 'f':
			args->follow = true;
			break;
		case OPTION_JSON:
			args->json = true;
			break;
		default:
			return CLI_EXIT_USAGE;
		}
	}
	if (optind < argc)
		return cli_usage_error(argv[0], "unexpected argument '%s'", argv[optind]);
	return -1;
}

int audit_seccomp_command(int argc, char **argv, const struct paths *paths)
{
	struct audit_args args = {.vm_id = NULL};
	int r = parse(argc, argv, &args);

	if (r >= 0)
		return r;
	return args.follow ? audit_follow(paths, &args) : print_once(paths, &args);
}
