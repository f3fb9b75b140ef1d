/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pieces.c - text that comes in pieces, and JSON whose characters were cut in two; see pieces.h.
 *
 * A server that works on tokens or bytes may end a delta within a character: its bytes are then no
 * UTF-8, or half of a surrogate pair is written as \uD83D. Neither is JSON. pieces_mend_json() puts
 * each such byte (of half a pair: the three that an encoder which knows no pairs would make of it)
 * into a private character of its own, and pieces_add() puts the bytes together again, over the
 * border of the two pieces. What never becomes a character is U+FFFD.
 */
#include "codec/pieces.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/utf8.h"

#define PRIVATE	    0xf700U /* and the byte: U+F780 to U+F7FF */
#define GROW_MIN_B  256U
#define REPLACEMENT "\xef\xbf\xbd"

static int append(struct pieces *p, const char *data, size_t len, size_t *left_b)
{
	if (len > *left_b)
		return -EMSGSIZE;
	if (p->size - p->len <= len || !p->bytes) {
		size_t size = (p->len + len + 1) * 2;
		char *bytes = realloc(p->bytes, size > GROW_MIN_B ? size : GROW_MIN_B);

		if (!bytes)
			return -ENOMEM;
		p->bytes = bytes;
		p->size = size > GROW_MIN_B ? size : GROW_MIN_B;
	}
	memcpy(p->bytes + p->len, data, len);
	p->len += len;
	p->bytes[p->len] = '\0';
	*left_b -= len;
	return 0;
}

static bool is_half(const char *s, unsigned char low, unsigned char high)
{
	return (unsigned char)s[0] == 0xed && (unsigned char)s[1] >= low &&
	       (unsigned char)s[1] <= high && ((unsigned char)s[2] & 0xc0) == 0x80;
}

/* Both halves of a surrogate pair, three bytes each, as the one character that they are. */
static size_t join_pair(const char *s, size_t len, char ret[4])
{
	uint32_t high, low, cp;

	if (len < 6 || !is_half(s, 0xa0, 0xaf) || !is_half(s + 3, 0xb0, 0xbf))
		return 0;
	high = ((uint32_t)s[1] & 0xf) << 6 | ((uint32_t)s[2] & 0x3f);
	low = ((uint32_t)s[4] & 0xf) << 6 | ((uint32_t)s[5] & 0x3f);
	cp = 0x10000 + (high << 10 | low);
	ret[0] = (char)(0xf0 | cp >> 18);
	ret[1] = (char)(0x80 | (cp >> 12 & 0x3f));
	ret[2] = (char)(0x80 | (cp >> 6 & 0x3f));
	ret[3] = (char)(0x80 | (cp & 0x3f));
	return 6;
}

/* Whether more bytes may make a character of these, none of which they are now. */
static bool may_grow(const char *s, size_t len)
{
	unsigned char c = (unsigned char)s[0];
	size_t want = c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : c >= 0xc2 ? 2 : 0;

	if (len >= 3 && len < 6 && is_half(s, 0xa0, 0xaf))
		return len == 3 || ((unsigned char)s[3] == 0xed &&
				    (len == 4 || ((unsigned char)s[4] & 0xf0) == 0xb0));
	if (c > 0xf4 || len >= want)
		return false;
	for (size_t i = 1; i < len; i++) {
		if (((unsigned char)s[i] & 0xc0) != 0x80)
			return false;
	}
	return true;
}

/* The tail and one byte more: characters out of it, until it is one's beginning or empty. */
static int add_byte(struct pieces *p, char byte, size_t *left_b)
{
	int r = 0;

	p->tail[p->tail_len++] = byte;
	while (p->tail_len > 0 && r == 0) {
		char pair[4];
		uint32_t cp;
		size_t n = utf8_decode(p->tail, p->tail_len, &cp);

		if (n > 0) {
			r = append(p, p->tail, n, left_b);
		} else if ((n = join_pair(p->tail, p->tail_len, pair)) > 0) {
			r = append(p, pair, sizeof(pair), left_b);
		} else if (may_grow(p->tail, p->tail_len)) {
			break;
		} else {
			n = 1;
			r = append(p, REPLACEMENT, 3, left_b);
		}
		p->tail_len -= n;
		memmove(p->tail, p->tail + n, p->tail_len);
	}
	return r;
}

int pieces_add(struct pieces *p, const char *s, size_t len, bool mended, size_t *left_b)
{
	int r = 0;

	if (!mended && p->tail_len == 0)
		return len > 0 ? append(p, s, len, left_b) : 0;
	for (size_t at = 0, n; at < len && r == 0; at += n) {
		uint32_t cp = 0;

		n = utf8_decode(s + at, len - at, &cp);
		ic_assert(n > 0);
		if (mended && cp >= PRIVATE + 0x80 && cp <= PRIVATE + 0xff)
			r = add_byte(p, (char)(cp - PRIVATE), left_b);
		else
			for (size_t i = 0; i < n && r == 0; i++)
				r = add_byte(p, s[at + i], left_b);
	}
	return r;
}

int pieces_end(struct pieces *p, size_t *left_b)
{
	int r = p->tail_len > 0 ? append(p, REPLACEMENT, 3, left_b) : 0;

	p->tail_len = 0;
	return r;
}

static size_t put_private(char *to, unsigned int byte)
{
	unsigned int cp = PRIVATE + byte;

	to[0] = (char)(0xe0 | cp >> 12);
	to[1] = (char)(0x80 | (cp >> 6 & 0x3f));
	to[2] = (char)(0x80 | (cp & 0x3f));
	return 3;
}

/* The number of "\uXXXX", or 0 when it is none. */
static unsigned int unit_at(const char *s, size_t len)
{
	unsigned int unit = 0;

	if (len < 6 || s[0] != '\\' || s[1] != 'u')
		return 0;
	for (size_t i = 2; i < 6; i++) {
		const char *digits = "0123456789abcdef", *d;

		d = s[i] ? strchr(digits, s[i] >= 'A' && s[i] <= 'F' ? s[i] | 0x20 : s[i]) : NULL;
		if (!d)
			return 0;
		unit = unit << 4 | (unsigned int)(d - digits);
	}
	return unit;
}

/* One escape: copied as it is, or private characters. Returns what was taken, *ret what was put. */
static size_t mend_escape(const char *s, size_t len, char *to, size_t *ret)
{
	unsigned int unit = unit_at(s, len);
	size_t take = len > 1 ? 2 : 1;

	*ret = 0;
	if (unit >= 0xd800 && unit <= 0xdbff) {
		unsigned int next = unit_at(s + 6, len - 6);

		take = next >= 0xdc00 && next <= 0xdfff ? 12 : 6;
	} else if (unit >= 0xdc00 && unit <= 0xdfff) {
		take = 6;
	}
	if (take == 6) {
		*ret += put_private(to, 0xed);
		*ret += put_private(to + 3, 0x80 | (unit >> 6 & 0x3f));
		*ret += put_private(to + 6, 0x80 | (unit & 0x3f));
		return take;
	}
	memcpy(to, s, take);
	*ret = take;
	return take;
}

char *pieces_mend_json(const char *json, size_t len, size_t *ret_len)
{
	char *out = malloc(3 * len + 1);
	size_t n = 0;

	for (size_t at = 0, take, put; out && at < len; at += take, n += put) {
		uint32_t cp;

		if (json[at] == '\\') {
			take = mend_escape(json + at, len - at, out + n, &put);
			continue;
		}
		take = put = utf8_decode(json + at, len - at, &cp);
		if (take > 0) {
			memcpy(out + n, json + at, take);
		} else {
			take = 1;
			put = put_private(out + n, (unsigned char)json[at]);
		}
	}
	*ret_len = n;
	return out;
}
