/* SPDX-License-Identifier: Apache-2.0 */
/* escape.c - make foreign text safe to show; see escape.h. */
#include "base/escape.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/utf8.h"

/* Code points that hide, reorder or act: C1, soft hyphen, bidi and zero-width marks, tags. */
static bool is_invisible(uint32_t cp)
{
	return (cp >= 0x80 && cp <= 0x9f) || cp == 0xad || cp == 0x61c || cp == 0x180e ||
	       (cp >= 0x200b && cp <= 0x200f) || (cp >= 0x2028 && cp <= 0x202e) ||
	       (cp >= 0x2060 && cp <= 0x206f) || cp == 0xfeff || (cp >= 0xfff9 && cp <= 0xfffb) ||
	       (cp >= 0xe0000 && cp <= 0xe0fff);
}

static size_t escape_byte(char out[5], unsigned char c)
{
	if (c == '\n')
		return (size_t)snprintf(out, 5, "\\n");
	if (c == '\t')
		return (size_t)snprintf(out, 5, "\\t");
	return (size_t)snprintf(out, 5, "\\x%02x", c);
}

void escape_text(char *dst, size_t size, const char *src, size_t len)
{
	size_t at = 0, used = 0;

	ic_assert(size > 0);
	while (at < len) {
		unsigned char c = (unsigned char)src[at];
		char piece[5];
		const char *from = piece;
		size_t take = 1, n;
		uint32_t cp;

		if (c >= 0x20 && c < 0x7f) {
			from = src + at;
			n = 1;
		} else if (c >= 0x80 && (take = utf8_decode(src + at, len - at, &cp)) > 0 &&
			   !is_invisible(cp)) {
			from = src + at;
			n = take;
		} else {
			take = 1;
			n = escape_byte(piece, c);
		}
		if (used + n >= size)
			break;
		memcpy(dst + used, from, n);
		used += n;
		at += take;
	}
	dst[used] = '\0';
}
