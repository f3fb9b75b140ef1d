/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_diff.c - any two texts: a diff takes the one to the other, line by line. */
#include <stdlib.h>
#include <string.h>

#include "workspace/diff.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

struct sides {
	struct diff_text a, b;
	size_t a_at, b_at, a_line, b_line;
};

static void require(bool condition)
{
	if (!condition)
		abort();
}

/* Passes one line, which must be this one. */
static void pass(const struct diff_text *text, size_t *at, const char *line, size_t len,
		 bool has_newline)
{
	require(len + has_newline <= text->len - *at);
	require(len == 0 || memcmp(text->data + *at, line, len) == 0);
	*at += len;
	if (has_newline)
		require(text->data[(*at)++] == '\n');
	else
		require(*at == text->len);
}

static void skip(const struct diff_text *text, size_t *at)
{
	const char *newline = memchr(text->data + *at, '\n', text->len - *at);

	*at = newline ? (size_t)(newline + 1 - text->data) : text->len;
}

/* What no hunk has is the same on both sides. */
static void pass_same(struct sides *s, size_t lines)
{
	for (size_t i = 0; i < lines; i++) {
		size_t a = s->a_at, b = s->b_at;

		skip(&s->a, &s->a_at);
		skip(&s->b, &s->b_at);
		require(s->a_at - a == s->b_at - b &&
			memcmp(s->a.data + a, s->b.data + b, s->a_at - a) == 0);
	}
	s->a_line += lines;
	s->b_line += lines;
}

static int hunk(void *ctx, size_t a_from, size_t a_n, size_t b_from, size_t b_n)
{
	struct sides *s = ctx;
	size_t a_next = a_from + (a_n == 0), b_next = b_from + (b_n == 0);

	require(a_next >= s->a_line && a_next - s->a_line == b_next - s->b_line);
	pass_same(s, a_next - s->a_line);
	return 0;
}

static int line(void *ctx, char mark, const char *text, size_t len, bool has_newline)
{
	struct sides *s = ctx;

	if (mark != '+') {
		pass(&s->a, &s->a_at, text, len, has_newline);
		s->a_line++;
	}
	if (mark != '-') {
		pass(&s->b, &s->b_at, text, len, has_newline);
		s->b_line++;
	}
	return 0;
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	const unsigned char *half = memchr(data, 0xff, size);
	const struct diff_sink sink = {hunk, line, &(struct sides){.a_line = 1}};
	struct sides *s = sink.ctx;

	if (!half)
		return 0;
	s->b_line = 1;
	s->a = (struct diff_text){(const char *)data, (size_t)(half - data)};
	s->b = (struct diff_text){(const char *)half + 1, size - s->a.len - 1};
	if (diff_run(&s->a, &s->b, &sink, NULL, NULL) < 0)
		return 0;
	require(s->a.len - s->a_at == s->b.len - s->b_at);
	require(s->a.len == s->a_at ||
		memcmp(s->a.data + s->a_at, s->b.data + s->b_at, s->a.len - s->a_at) == 0);
	return 0;
}
