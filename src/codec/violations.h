/* SPDX-License-Identifier: Apache-2.0 */
/**
 * violations.h - everything that is wrong with a document, field by field.
 *
 * Checks append to one list and go on, so that the user is told of all mistakes at once. The list
 * is caller-owned and fixed in size: what does not fit is counted.
 */
#ifndef CODEC_VIOLATIONS_H
#define CODEC_VIOLATIONS_H

#include "base/error.h"

#define VIOLATIONS_MAX	      32
#define VIOLATION_FIELD_MAX_B 64
#define VIOLATION_TEXT_MAX_B  192
#define VIOLATION_LINE_MAX_B  (VIOLATION_FIELD_MAX_B + VIOLATION_TEXT_MAX_B + 2)

/** Both strings are escaped, so they may be shown. */
struct violation {
	char field[VIOLATION_FIELD_MAX_B]; /* dotted: "rootfs.read_only"; empty: the document */
	char text[VIOLATION_TEXT_MAX_B];   /* "must be 1 to 32, not 0" */
	bool warning;			   /* worth saying, but no reason to refuse */
};

/** Zero is the empty list. */
struct violations {
	size_t n_items;
	size_t n_errors; /* all errors, dropped ones included; warnings excluded */
	size_t n_dropped;
	struct violation items[VIOLATIONS_MAX];
};

/** violations_add() - append an error; @field and the text may hold foreign bytes. */
void violations_add(struct violations *list, const char *field, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/** violations_warn() - append a warning. */
void violations_warn(struct violations *list, const char *field, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/** violation_line() - "FIELD: TEXT" for the user. */
void violation_line(const struct violation *item, char ret[VIOLATION_LINE_MAX_B]);

/**
 * violations_to_error() - join the errors into one sentence, "WHAT: FIELD: TEXT; FIELD: TEXT".
 *
 * What does not fit the error is counted at its end ("and 3 more").
 *
 * Return: 0 when the list holds no error, else -EINVAL with IRONCLAW_ERR_INVALID
 */
int violations_to_error(const struct violations *list, const char *what,
			struct ironclaw_error *err);

#endif
