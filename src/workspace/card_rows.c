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

static int put_diffs(FILE *out, const struct changes *changes, struct ironclaw_error *err)
{
	for (size_t i = 0; i < changes->n; i++) {
		int r = changes->changes[i].selected ? card_diff(out, changes, i, err) : 0;

		/* That the host's file is another one now is said in its place, and stops an apply.
		 */
		if (r < 0 && r != -ESTALE)
			return r;
	}
	err_clear(err);
	return 0;
}

static int put(FILE *out, const struct changes *changes, enum card_part part, size_t index,
	       struct ironclaw_error *err)
{
	if (part == CARD_OVERVIEW || part == CARD_ALL)
		card_text(out, changes);
	if (part == CARD_DIFFS || part == CARD_ALL)
		return put_diffs(out, changes, err);
	if (part == CARD_CHANGE)
		card_change(out, changes, index);
	return part == CARD_DIFF ? card_diff(out, changes, index, err) : 0;
}

int card_rows_make(const struct changes *changes, enum card_part part, size_t index,
		   struct card_rows *ret, struct ironclaw_error *err)
{
	FILE *out;
	int r;

	*ret = (struct card_rows){.text = NULL};
	out = open_memstream(&ret->text, &ret->len);
	if (!out)
		return err_sys(err, ENOMEM, "no room for the changes");
	r = put(out, changes, part, index, err);
	if (fclose(out) != 0 || (r == 0 && split(ret) < 0))
		return err_sys(err, ENOMEM, "no room for the changes");
	return r;
}
