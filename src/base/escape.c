/* SPDX-License-Identifier: Apache-2.0 */
/* escape.c - make foreign text safe to show; see escape.h. */
#include "base/escape.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/columns.h"
#include "base/error.h"
#include "base/utf8.h"

#define COMBINING_MAX 2

struct range {
	uint32_t first, last;
};

/* Code points that hide, reorder or act: C1, bidi and zero-width marks, fillers, selectors, tags.
 */
static bool is_invisible(uint32_t cp)
{
	static const struct range ranges[] = {
		{0x80, 0x9f},	  {0xad, 0xad},	      {0x34f, 0x34f},	  {0x61c, 0x61c},
		{0x115f, 0x1160}, {0x17b4, 0x17b5},   {0x180b, 0x180f},	  {0x200b, 0x200f},
		{0x2028, 0x202e}, {0x2060, 0x206f},   {0x2800, 0x2800},	  {0x3164, 0x3164},
		{0xfe00, 0xfe0f}, {0xfeff, 0xfeff},   {0xffa0, 0xffa0},	  {0xfff0, 0xfffb},
		{0xfffe, 0xffff}, {0x1bca0, 0x1bca3}, {0x1d173, 0x1d17a}, {0xe0000, 0xe0fff}};

	for (size_t i = 0; i < ARRAY_SIZE(ranges); i++) {
		if (cp >= ranges[i].first && cp <= ranges[i].last)
			return true;
	}
	return false;
}

static size_t escape_byte(char out[5], unsigned char c)
{
	if (c == '\n')
		return (size_t)snprintf(out, 5, "\\n");
	if (c == '\t')
		return (size_t)snprintf(out, 5, "\\t");
	return (size_t)snprintf(out, 5, "\\x%02x", c);
}

/*
 * One character: its bytes at *ret_from (in @src, or in @piece when it must be escaped), and how
 * many. @combining counts the marks on the character before.
 *
 * Return: bytes of @src taken
 */
static size_t next_piece(const char *src, size_t len, unsigned int *combining, char piece[5],
			 const char **ret_from, size_t *ret_n)
{
	unsigned char c = (unsigned char)src[0];
	size_t take = 1;
	uint32_t cp;

	*ret_from = src;
	*ret_n = 1;
	if (c >= 0x20 && c < 0x7f) {
		*combining = 0;
		return 1;
	}
	if (c >= 0x80 && (take = utf8_decode(src, len, &cp)) > 0 && !is_invisible(cp)) {
		*combining = columns_is_combining(cp) ? *combining + 1 : 0;
		if (*combining <= COMBINING_MAX) {
			*ret_n = take;
			return take;
		}
	}
	*ret_from = piece;
	*ret_n = escape_byte(piece, c);
	return 1;
}

/* Returns how much of @dst is used. */
static size_t escape_into(char *dst, size_t size, const char *src, size_t len)
{
	unsigned int combining = 0;
	size_t at = 0, used = 0;

	ic_assert(size > 0);
	while (at < len) {
		char piece[5];
		const char *from;
		size_t n, take = next_piece(src + at, len - at, &combining, piece, &from, &n);

		if (used + n >= size)
			break;
		memcpy(dst + used, from, n);
		used += n;
		at += take;
	}
	dst[used] = '\0';
	return used;
}

void escape_text(char *dst, size_t size, const char *src, size_t len)
{
	(void)escape_into(dst, size, src, len);
}

void escape_name(char *dst, size_t size, const char *src, size_t len)
{
	size_t shown = escape_into(dst, size, src, len), used = shown;
	bool plain = true;

	for (size_t i = 0; i < shown; i++)
		plain = plain && (unsigned char)dst[i] < 0x80;
	if (plain)
		return;
	for (size_t at = 0, take; at < shown && used + 16 < size; at += take) {
		uint32_t cp = 0;

		take = utf8_decode(dst + at, shown - at, &cp);
		ic_assert(take > 0);
		if (at == 0)
			used += (size_t)snprintf(dst + used, size - used, " (");
		if (take == 1)
			dst[used++] = dst[at];
		else
			used += (size_t)snprintf(dst + used, size - used, "\\u{%x}",
						 (unsigned int)cp);
	}
	if (used > shown && used + 1 < size)
		dst[used++] = ')';
	dst[used] = '\0';
}
