/* SPDX-License-Identifier: Apache-2.0 */
/**
 * escape.h - make foreign text safe to show on a terminal or in a log.
 */
#ifndef BASE_ESCAPE_H
#define BASE_ESCAPE_H

#include <stddef.h>

/**
 * escape_text() - copy text so that it cannot act on a terminal.
 * @dst:	result, always terminated
 * @size:	size of @dst in bytes, at least 1
 * @src:	foreign bytes, NUL included
 * @len:	number of bytes at @src
 *
 * Printable ASCII and valid UTF-8 pass, except C1 controls, bidirectional overrides, characters
 * that show nothing (zero-width, fillers, variation selectors, tags) and combining marks beyond two
 * on one character; every other byte becomes \n, \t or \xHH. What comes out goes through
 * unchanged. The result is cut between characters when it does not fit.
 */
void escape_text(char *dst, size_t size, const char *src, size_t len);

/** The most that a byte becomes, for buffers that must hold all of a text: \xHH. */
#define ESCAPE_GROWTH 4U

/**
 * escape_name() - escape_text(), and where letters beyond ASCII are in it, behind it once more with
 * each of them as a number: a name that only looks like another one is told from it.
 *
 *   "p\u0430ypal" (with a Cyrillic letter)  ->  "p\u0430ypal (p\u{430}ypal)"
 */
void escape_name(char *dst, size_t size, const char *src, size_t len);

#endif
