/* SPDX-License-Identifier: Apache-2.0 */
/**
 * error.h - fill a caller-owned struct ironclaw_error.
 *
 * A function that can fail at a module border takes `struct ironclaw_error *err` (may be NULL) and
 * returns a negative errno. The first failure writes the sentence with err_set(); callers on the
 * way up put context in front with err_prefix(). Nothing here allocates, so it works without memory
 * and after fork.
 */
#ifndef BASE_ERROR_H
#define BASE_ERROR_H

#include <ironclaw/ironclaw.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/**
 * ic_assert() - stop on a programming error; compiled in always. Never used on foreign input.
 */
#define ic_assert(cond)                                                                            \
	do {                                                                                       \
		if (__builtin_expect(!(cond), 0))                                                  \
			err_assert_failed(#cond, __FILE__, __LINE__);                              \
	} while (0)

__attribute__((noreturn)) void err_assert_failed(const char *cond, const char *file, int line);

/**
 * err_set() - write a failure.
 * @err:	where to, or NULL
 * @code:	stable reason
 * @errnum:	positive errno that becomes the return value; its text is NOT appended
 * @fmt:	one sentence without a full stop; control characters of the result are escaped, so
 *		foreign text may be formatted in
 *
 * Return: -errnum (errnum 0 is taken as EINVAL)
 */
int err_set(struct ironclaw_error *err, enum ironclaw_errcode code, int errnum, const char *fmt,
	    ...) __attribute__((format(printf, 4, 5)));

/**
 * err_sys() - write a failed system call: like err_set() with ": strerror(errnum)" appended.
 * @errnum:	positive errno; ENOSPC, EDQUOT and ENOMEM become IRONCLAW_ERR_NO_SPACE, everything
 *		else IRONCLAW_ERR_SYSTEM
 */
int err_sys(struct ironclaw_error *err, int errnum, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/** err_prefix() - put "TEXT: " in front of the sentence; a no-op on an empty or NULL error. */
void err_prefix(struct ironclaw_error *err, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/** err_hint() - say what to run next; replaces an earlier hint. */
void err_hint(struct ironclaw_error *err, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/** err_clear() - back to "no failure". */
void err_clear(struct ironclaw_error *err);

#endif
