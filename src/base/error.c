/* SPDX-License-Identifier: Apache-2.0 */
/* error.c - fill a caller-owned struct ironclaw_error; see error.h. */
#include "base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/escape.h"

void err_assert_failed(const char *cond, const char *file, int line)
{
	(void)fprintf(stderr, "ironclaw: bug: assertion '%s' failed at %s:%d\n", cond, file, line);
	abort();
}

static void format_escaped(char *dst, size_t size, const char *fmt, va_list ap)
{
	char raw[IRONCLAW_ERROR_TEXT_MAX];

	(void)vsnprintf(raw, sizeof(raw), fmt, ap);
	escape_text(dst, size, raw, strlen(raw));
}

int err_set(struct ironclaw_error *err, enum ironclaw_errcode code, int errnum, const char *fmt,
	    ...)
{
	va_list ap;

	ic_assert(errnum >= 0);
	if (errnum == 0)
		errnum = EINVAL;
	if (!err)
		return -errnum;

	err->code = code;
	err->errnum = errnum;
	err->hint[0] = '\0';
	va_start(ap, fmt);
	format_escaped(err->text, sizeof(err->text), fmt, ap);
	va_end(ap);
	return -errnum;
}

int err_sys(struct ironclaw_error *err, int errnum, const char *fmt, ...)
{
	bool full = errnum == ENOSPC || errnum == EDQUOT || errnum == ENOMEM;
	va_list ap;
	size_t len;

	if (!err)
		return -errnum;

	err->code = full ? IRONCLAW_ERR_NO_SPACE : IRONCLAW_ERR_SYSTEM;
	err->errnum = errnum;
	err->hint[0] = '\0';
	va_start(ap, fmt);
	format_escaped(err->text, sizeof(err->text), fmt, ap);
	va_end(ap);
	len = strlen(err->text);
	(void)snprintf(err->text + len, sizeof(err->text) - len, ": %s", strerror(errnum));
	return -errnum;
}

void err_prefix(struct ironclaw_error *err, const char *fmt, ...)
{
	char cause[IRONCLAW_ERROR_TEXT_MAX];
	size_t room, used, cause_len;
	va_list ap;

	if (!err || err->code == IRONCLAW_ERR_NONE)
		return;
	/* Where both do not fit, the context is cut, never the cause. */
	memcpy(cause, err->text, sizeof(cause));
	cause_len = strlen(cause);
	room = sizeof(err->text) - 1 - cause_len;
	if (room < sizeof(": "))
		return;
	va_start(ap, fmt);
	format_escaped(err->text, room - 1, fmt, ap);
	va_end(ap);
	used = strlen(err->text);
	memcpy(err->text + used, ": ", 2);
	memcpy(err->text + used + 2, cause, cause_len + 1);
}

void err_hint(struct ironclaw_error *err, const char *fmt, ...)
{
	va_list ap;

	if (!err)
		return;
	va_start(ap, fmt);
	format_escaped(err->hint, sizeof(err->hint), fmt, ap);
	va_end(ap);
}

void err_clear(struct ironclaw_error *err)
{
	if (err)
		memset(err, 0, sizeof(*err));
}
