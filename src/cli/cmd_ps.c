/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_ps.c - `ironclaw ps`: the VMs of this user that are running. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/cleanup.h"
#include "cli/cli.h"
#include "cli/inspect.h"
#include "codec/json_write.h"
#include "machine/living.h"

static const char help[] = "usage: ironclaw ps [-q] [--json]\n\n"
			   "Lists the VMs of this user that are running.\n\n"
			   "  --json        as a JSON document\n"
			   "  -q, --quiet   ids only\n";

enum { OPTION_JSON = 256 };

static int print_json(const struct living_vm *list, size_t n)
{
	struct json_writer w;

	json_write_begin(&w, stdout);
	json_write_open_array(&w, NULL);
	for (size_t i = 0; i < n; i++) {
		const struct jail_status *s = &list[i].status;
		char started[32];

		json_write_open_object(&w, NULL);
		json_write_string(&w, "id", list[i].id);
		json_write_string(&w, "state", list[i].started ? "running" : "starting");
		if (list[i].started) {
			inspect_time(s->started_ns, started, sizeof(started));
			json_write_string(&w, "started", started);
			json_write_string(&w, "program", inspect_program(s->vmm_program));
			json_write_string(&w, "seccomp_level", inspect_level(s->level));
			json_write_string(&w, "limits", inspect_limits(s->limits));
			json_write_u64(&w, "uid", s->uid);
			json_write_i64(&w, "vmm_pid", s->vmm_pid);
			json_write_i64(&w, "keeper_pid", s->keeper_pid);
			json_write_i64(&w, "warden_pid", s->warden_pid);
		}
		json_write_close_object(&w);
	}
	json_write_close_array(&w);
	return json_write_end(&w) < 0 ? CLI_EXIT_FAILED : CLI_EXIT_OK;
}

/* "12s", "5m", "3h", "2d" */
static void format_age(uint64_t since_ns, char *ret, size_t size)
{
	static const struct {
		uint64_t seconds;
		char unit;
	} units[] = {{86400, 'd'}, {3600, 'h'}, {60, 'm'}, {1, 's'}};
	uint64_t now = (uint64_t)time(NULL), then = since_ns / 1000000000ULL;
	uint64_t age = now > then ? now - then : 0;
	size_t i = 0;

	while (i + 1 < ARRAY_SIZE(units) && age < units[i].seconds)
		i++;
	(void)snprintf(ret, size, "%llu%c", (unsigned long long)(age / units[i].seconds),
		       units[i].unit);
}

static int print_table(const struct living_vm *list, size_t n)
{
	static const char *const headers[] = {"ID",  "UP",  "SECCOMP", "LIMITS",
					      "UID", "VMM", "KEEPER",  "WARDEN"};
	cleanup(cli_table_done) struct cli_table table;

	cli_table_init(&table, headers, ARRAY_SIZE(headers));
	for (size_t i = 0; i < n; i++) {
		const struct jail_status *s = &list[i].status;
		char up[32] = "starting", uid[16] = "-", vmm[16] = "-", keeper[16] = "-",
		     warden[16] = "-";
		const char *cells[] = {list[i].id, up, "-", "-", uid, vmm, keeper, warden};

		if (list[i].started) {
			format_age(s->started_ns, up, sizeof(up));
			(void)snprintf(uid, sizeof(uid), "%u", s->uid);
			(void)snprintf(vmm, sizeof(vmm), "%d", s->vmm_pid);
			(void)snprintf(keeper, sizeof(keeper), "%d", s->keeper_pid);
			(void)snprintf(warden, sizeof(warden), "%d", s->warden_pid);
			cells[2] = inspect_level(s->level);
			cells[3] = inspect_limits(s->limits);
		}
		if (cli_table_add(&table, cells) < 0)
			return CLI_EXIT_FAILED;
	}
	cli_table_print(&table);
	return CLI_EXIT_OK;
}

int cmd_ps(int argc, char **argv)
{
	static const struct option options[] = {{"help", no_argument, NULL, 'h'},
						{"quiet", no_argument, NULL, 'q'},
						{"json", no_argument, NULL, OPTION_JSON},
						{NULL, 0, NULL, 0}};
	cleanup_free struct living_vm *list = NULL;
	struct ironclaw_error err = {0};
	bool json = false, quiet = false;
	struct paths paths;
	size_t n;
	int c;

	while ((c = cli_getopt(argc, argv, ":hq", options)) != -1) {
		if (c == 'h')
			return cli_help(help);
		if (c == '?')
			return CLI_EXIT_USAGE;
		if (c == 'q')
			quiet = true;
		else
			json = true;
	}
	if (optind < argc)
		return cli_usage_error(argv[0], "unexpected argument '%s'", argv[optind]);
	if (paths_get(&paths, &err) < 0 || living_list(&paths, &list, &n, &err) < 0)
		return cli_fail(&err, CLI_EXIT_FAILED);
	if (json)
		return print_json(list, n);
	if (!quiet)
		return print_table(list, n);
	for (size_t i = 0; i < n; i++)
		(void)printf("%s\n", list[i].id);
	return CLI_EXIT_OK;
}
