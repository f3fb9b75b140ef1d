/* SPDX-License-Identifier: Apache-2.0 */
/**
 * utf8.h - strict UTF-8 decoding (RFC 3629): no overlong forms, no surrogates, nothing past
 * U+10FFFF.
 */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/**
 * utf8_decode() - read one character.
 * @src:	foreign bytes
 * @len:	how many there are
 * @ret_cp:	the code point; untouched when invalid
 *
 * Return: bytes taken (1 to 4), or 0 when @src does not start with a complete valid character
 */
size_t utf8_decode(const char *src, size_t len, uint32_t *ret_cp);

/** utf8_valid() - whether all @len bytes are valid UTF-8. */
bool utf8_valid(const char *src, size_t len);

#endif
