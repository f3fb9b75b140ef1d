/* SPDX-License-Identifier: Apache-2.0 */
/* columns.c - how wide a character is; see columns.h. */
#include "base/columns.h"

#include "base/utf8.h"

struct range {
	uint32_t first, last;
};

static bool in(const struct range *ranges, size_t n, uint32_t cp)
{
	for (size_t i = 0; i < n; i++) {
		if (cp >= ranges[i].first && cp <= ranges[i].last)
			return true;
	}
	return false;
}

bool columns_is_combining(uint32_t cp)
{
	static const struct range marks[] = {{0x300, 0x36f},   {0x483, 0x489},	 {0x591, 0x5bd},
					     {0x610, 0x61a},   {0x64b, 0x65f},	 {0x6d6, 0x6dc},
					     {0x730, 0x74a},   {0x900, 0x902},	 {0x93c, 0x93c},
					     {0x941, 0x948},   {0x94d, 0x957},	 {0xe31, 0xe31},
					     {0xe34, 0xe3a},   {0xe47, 0xe4e},	 {0x1ab0, 0x1aff},
					     {0x1dc0, 0x1dff}, {0x20d0, 0x20ff}, {0x302a, 0x302d},
					     {0x3099, 0x309a}, {0xa66f, 0xa672}, {0xfe20, 0xfe2f}};

	return cp >= marks[0].first && in(marks, sizeof(marks) / sizeof(marks[0]), cp);
}

unsigned int columns_of(uint32_t cp)
{
	static const struct range wide[] = {{0x1100, 0x115f},	{0x231a, 0x231b},
					    {0x2e80, 0x303e},	{0x3041, 0xa4cf},
					    {0xa960, 0xa97c},	{0xac00, 0xd7a3},
					    {0xf900, 0xfaff},	{0xfe30, 0xfe6f},
					    {0xff00, 0xff60},	{0xffe0, 0xffe6},
					    {0x1f000, 0x1faff}, {0x20000, 0x3fffd}};

	if (columns_is_combining(cp))
		return 0;
	return cp >= wide[0].first && in(wide, sizeof(wide) / sizeof(wide[0]), cp) ? 2 : 1;
}

size_t columns_fit(const char *text, size_t len, unsigned int columns)
{
	unsigned int used = 0;
	size_t at = 0;

	while (at < len) {
		uint32_t cp;
		size_t n = utf8_decode(text + at, len - at, &cp);

		if (n == 0)
			return at > 0 ? at : 1;
		used += columns_of(cp);
		if (used > columns && at > 0)
			return at;
		at += n;
	}
	return len;
}
