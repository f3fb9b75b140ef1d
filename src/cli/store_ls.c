/* SPDX-License-Identifier: Apache-2.0 */
/* store_ls.c - list a store as a table, as names or as JSON; see store_ls.h. */
#include "cli/store_ls.h"

#include <stdio.h>

#include "base/cleanup.h"
#include "cli/building.h"
#include "cli/cli.h"

static int print_json(const struct store_ls *ls, const struct store_list *list)
{
	struct json_writer w;

	json_write_begin(&w, stdout);
	json_write_open_array(&w, NULL);
	for (size_t i = 0; i < list->n; i++) {
		json_write_open_object(&w, NULL);
		ls->write_json(ls->userdata, &w, &list->entries[i]);
		json_write_bool(&w, "damaged", list->entries[i].damaged);
		json_write_close_object(&w);
	}
	json_write_close_array(&w);
	return json_write_end(&w) < 0 ? CLI_EXIT_FAILED : CLI_EXIT_OK;
}

static int print_table(const struct store_ls *ls, const struct store_list *list)
{
	cleanup(cli_table_done) struct cli_table table = {.n_rows = 0};

	if (list->n == 0) {
		(void)printf("%s\n", ls->if_none);
		return CLI_EXIT_OK;
	}
	cli_table_init(&table, ls->headers, STORE_LS_COLUMNS);
	for (size_t i = 0; i < list->n; i++) {
		const struct store_entry *e = &list->entries[i];
		const char *cells[STORE_LS_COLUMNS] = {e->name};
		char size[32];

		building_size(e->manifest.size, size, sizeof(size));
		ls->fill(ls->userdata, e, e->damaged ? "-" : size, cells);
		if (e->damaged)
			cells[STORE_LS_COLUMNS - 1] = "damaged: build it anew";
		if (cli_table_add(&table, cells) < 0)
			return CLI_EXIT_FAILED;
	}
	cli_table_print(&table);
	return CLI_EXIT_OK;
}

int store_ls(int argc, char **argv, const char *help, const struct paths *paths,
	     const struct store_ls *ls)
{
	cleanup(store_list_done) struct store_list list = {.n = 0};
	struct ironclaw_error err = {0};
	bool json = false, quiet = false;
	int r = cli_parse_output(argc, argv, help, &json, &quiet);

	if (r >= 0)
		return r;
	if (store_list(paths, ls->kind, &list, &err) < 0)
		return cli_fail(&err, CLI_EXIT_FAILED);
	if (json)
		return print_json(ls, &list);
	if (!quiet)
		return print_table(ls, &list);
	for (size_t i = 0; i < list.n; i++)
		(void)printf("%s\n", list.entries[i].name);
	return CLI_EXIT_OK;
}
