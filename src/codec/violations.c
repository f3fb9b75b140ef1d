/* SPDX-License-Identifier: Apache-2.0 */
/* violations.c - everything that is wrong with a document; see violations.h. */
#include "codec/violations.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/escape.h"

static void add(struct violations *list, bool warning, const char *field, const char *fmt,
		va_list ap) __attribute__((format(printf, 4, 0)));

static void add(struct violations *list, bool warning, const char *field, const char *fmt,
		va_list ap)
{
	char raw[VIOLATION_TEXT_MAX_B];
	struct violation *item;

	if (!warning)
		list->n_errors++;
	if (list->n_items == VIOLATIONS_MAX) {
		list->n_dropped++;
		return;
	}
	item = &list->items[list->n_items++];
	item->warning = warning;
	escape_text(item->field, sizeof(item->field), field, strlen(field));
	(void)vsnprintf(raw, sizeof(raw), fmt, ap);
	escape_text(item->text, sizeof(item->text), raw, strlen(raw));
}

void violations_add(struct violations *list, const char *field, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add(list, false, field, fmt, ap);
	va_end(ap);
}

void violations_warn(struct violations *list, const char *field, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add(list, true, field, fmt, ap);
	va_end(ap);
}

void violation_line(const struct violation *item, char ret[VIOLATION_LINE_MAX_B])
{
	(void)snprintf(ret, VIOLATION_LINE_MAX_B, "%s%s%s", item->field, item->field[0] ? ": " : "",
		       item->text);
}

int violations_to_error(const struct violations *list, const char *what, struct ironclaw_error *err)
{
	char text[IRONCLAW_ERROR_TEXT_MAX - 128], line[VIOLATION_LINE_MAX_B];
	size_t used = 0, told = 0;

	if (list->n_errors == 0)
		return 0;
	for (size_t i = 0; i < list->n_items; i++) {
		size_t len;

		if (list->items[i].warning)
			continue;
		violation_line(&list->items[i], line);
		len = strlen(line);
		if (used + len + sizeof("; ") > sizeof(text))
			break;
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s",
					 told > 0 ? "; " : "", line);
		told++;
	}
	if (told == list->n_errors)
		return err_set(err, IRONCLAW_ERR_INVALID, EINVAL, "%s: %s", what, text);
	return err_set(err, IRONCLAW_ERR_INVALID, EINVAL, "%s: %s; and %zu more", what, text,
		       list->n_errors - told);
}
