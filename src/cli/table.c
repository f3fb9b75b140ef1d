/* SPDX-License-Identifier: Apache-2.0 */
/* table.c - aligned columns for `ls` commands; see cli.h. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/escape.h"
#include "cli/cli.h"

#define CELL_MAX_B 1024

/* Characters, not bytes: escape_text() has made sure that the text is valid UTF-8. */
static size_t text_width(const char *s)
{
	size_t n = 0;

	for (; *s; s++)
		n += ((unsigned char)*s & 0xc0) != 0x80;
	return n;
}

void cli_table_init(struct cli_table *table, const char *const *headers, size_t n_columns)
{
	ic_assert(n_columns > 0 && n_columns <= CLI_TABLE_COLUMNS_MAX);
	*table = (struct cli_table){.headers = headers, .n_columns = n_columns};
}

int cli_table_add(struct cli_table *table, const char *const *cells)
{
	size_t used = table->n_rows * table->n_columns;
	char text[CELL_MAX_B];
	char **grown = reallocarray(table->cells, used + table->n_columns, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	table->cells = grown;
	for (size_t i = 0; i < table->n_columns; i++) {
		escape_text(text, sizeof(text), cells[i], strlen(cells[i]));
		grown[used + i] = strdup(text);
		if (!grown[used + i]) {
			while (i > 0)
				free(grown[used + --i]);
			return -ENOMEM;
		}
	}
	table->n_rows++;
	return 0;
}

static void print_row(const struct cli_table *table, const char *const *cells, const size_t *widths)
{
	for (size_t i = 0; i < table->n_columns; i++) {
		int pad =
			i + 1 == table->n_columns ? 0 : (int)(widths[i] - text_width(cells[i])) + 2;

		(void)printf("%s%*s", cells[i], pad, "");
	}
	(void)putchar('\n');
}

void cli_table_print(const struct cli_table *table)
{
	size_t widths[CLI_TABLE_COLUMNS_MAX];

	for (size_t i = 0; i < table->n_columns; i++) {
		widths[i] = text_width(table->headers[i]);
		for (size_t row = 0; row < table->n_rows; row++) {
			size_t width = text_width(table->cells[row * table->n_columns + i]);

			if (width > widths[i])
				widths[i] = width;
		}
	}
	print_row(table, table->headers, widths);
	for (size_t row = 0; row < table->n_rows; row++)
		print_row(table, (const char *const *)&table->cells[row * table->n_columns],
			  widths);
}

void cli_table_done(struct cli_table *table)
{
	for (size_t i = 0; i < table->n_rows * table->n_columns; i++)
		free(table->cells[i]);
	free(table->cells);
	table->cells = NULL;
	table->n_rows = 0;
}
