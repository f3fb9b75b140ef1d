/* SPDX-License-Identifier: Apache-2.0 */
/* card_rows.c - a card as rows, for a question; see card.h. */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "workspace/card.h"

void card_rows_done(struct card_rows *rows)
{
	free(rows->text);
	free(rows->lines);
	*rows = (struct card_rows){.text = NULL};
}

static int split(struct card_rows *rows)
{
	char *next = rows->text;

	for (size_t i = 0; i < rows->len; i++)
		rows->n += rows->text[i] == '\n';
	rows->lines = calloc(rows->n + 1, sizeof(*rows->lines));
	if (!rows->lines)
		return -ENOMEM;
	for (size_t i = 0; i < rows->n; i++) {
		rows->lines[i] = next;
		next = strchr(next, '\n');
		*next++ = '\0';
	}
	return 0;
}

int card_rows_make(const struct changes *changes, bool card, bool diff, size_t index,
		   struct card_rows *ret)
{
	struct ironclaw_error err;
	FILE *out;

	*ret = (struct card_rows){.text = NULL};
	out = open_memstream(&ret->text, &ret->len);
	if (!out)
		return -ENOMEM;
	if (card)
		card_text(out, changes);
	for (size_t i = 0; diff && i < changes->n; i++) {
		if (index == i || (index == SIZE_MAX && changes->changes[i].selected))
			(void)card_diff(out, changes, i, &err);
	}
	if (fclose(out) != 0)
		return -ENOMEM;
	return split(ret);
}
