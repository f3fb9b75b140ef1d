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
 * Printable ASCII and valid UTF-8 pass, except C1 controls, bidirectional overrides and other
 * invisible format characters; every other byte becomes \n, \t or \xHH. The result is cut between
 * characters when it does not fit.
 */
void escape_text(char *dst, size_t size, const char *src, size_t len);

#endif
