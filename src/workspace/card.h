/* SPDX-License-Identifier: Apache-2.0 */
/**
 * card.h - show changes to a person, or to a program.
 *
 * All text of the guest goes through card_put(): on a terminal it can neither act nor hide, and no
 * two texts look the same. Nothing is cut.
 */
#ifndef WORKSPACE_CARD_H
#define WORKSPACE_CARD_H

#include "codec/json_write.h"
#include "workspace/workspace.h"

/** card_text() - counts, then what may act on the host, then a line for every change. */
void card_text(FILE *out, const struct changes *changes);

/** card_change() - the lines of card_text() about one change. */
void card_change(FILE *out, const struct changes *changes, size_t index);

/**
 * card_diff() - one change in full: a unified diff, or sizes and digests.
 * @index:	of the change
 *
 * Return: 0; -ESTALE when the host's file is not what was copied any more (said on @out too);
 * -errno
 */
int card_diff(FILE *out, const struct changes *changes, size_t index, struct ironclaw_error *err);

/** A text as rows. */
struct card_rows {
	char *text;
	size_t len;
	const char **lines;
	size_t n;
};

/** What of a card. */
enum card_part {
	CARD_OVERVIEW,
	CARD_CHANGE, /* one change, @index */
	CARD_DIFF,   /* the same in full */
	CARD_DIFFS,  /* all that are chosen in full */
	CARD_ALL     /* and the overview before them */
};

/**
 * card_rows_make() - what a person reads before the answer.
 * @ret:	for card_rows_done(), whatever is returned
 *
 * Return: 0; -errno when something cannot be shown: then it must not be asked about either
 */
int card_rows_make(const struct changes *changes, enum card_part part, size_t index,
		   struct card_rows *ret, struct ironclaw_error *err);

void card_rows_done(struct card_rows *rows);

/** card_conflicts() - what is not as it was, in three ways: copied, here now, in the VM. */
void card_conflicts(FILE *out, const struct apply_result *result);

/** card_json() - all of it but the diffs, as a member @key of the open object. */
void card_json(struct json_writer *w, const char *key, const struct changes *changes);

/** card_conflicts_json() - an array, as a member @key. */
void card_conflicts_json(struct json_writer *w, const char *key, const struct apply_result *result);

/** card_kind() - "created", "edited" ...; card_risk() - "none", "executable" ... */
const char *card_kind(enum change_kind kind);
const char *card_risk(enum change_risk risk);

/**
 * card_put() - foreign bytes of any length, as escape_text() has them, and a backslash as two: so
 * `\\n` is not taken for the newline `\n`. Not to be used on what it has written.
 */
void card_put(FILE *out, const char *text, size_t len);

#endif
