/* SPDX-License-Identifier: Apache-2.0 */
/*
 * diff.c - a unified diff of two texts; see diff.h.
 *
 * Lines become numbers (equal lines, equal number), what both have at start and end is cut off, and
 * the rest goes through Myers' greedy algorithm, whose memory and time grow with the number of
 * differing lines and not with the texts. Beyond the limit the rest is replaced as a whole.
 */
#include "workspace/diff.h"

#include <errno.h>
#include <sodium.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

struct line {
	const char *text;
	size_t len; /* with the newline */
	uint32_t number;
	bool changed;
};

struct side {
	struct line *lines;
	size_t n;
};

struct diff {
	struct side a, b;
	size_t from;	     /* lines that both begin with */
	size_t a_end, b_end; /* where what both end with begins */
};

static void diff_done(struct diff *d)
{
	free(d->a.lines);
	free(d->b.lines);
}

bool diff_is_text(const struct diff_text *text)
{
	return text->len <= DIFF_TEXT_MAX_B &&
	       (text->len == 0 || !memchr(text->data, '\0', text->len));
}

static int split(const struct diff_text *text, struct side *side)
{
	const char *at = text->len > 0 ? text->data : "", *end = at + text->len;
	size_t n = 0;

	for (const char *p = at; p < end; n++) {
		const char *newline = memchr(p, '\n', (size_t)(end - p));

		p = newline ? newline + 1 : end;
	}
	side->lines = calloc(n + 1, sizeof(*side->lines));
	if (!side->lines)
		return -ENOMEM;
	for (side->n = 0; side->n < n; side->n++) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));

		side->lines[side->n].text = at;
		side->lines[side->n].len = (size_t)((newline ? newline + 1 : end) - at);
		at += side->lines[side->n].len;
	}
	return 0;
}

/* A table of all lines, by a keyed hash: nobody can make them all meet in one place. */
struct table {
	const struct line **slots;
	size_t mask;
	uint8_t key[crypto_shorthash_KEYBYTES];
	uint32_t numbers;
};

static void number_lines(struct table *t, struct side *side)
{
	for (size_t i = 0; i < side->n; i++) {
		struct line *line = &side->lines[i];
		uint64_t at;

		(void)crypto_shorthash((uint8_t *)&at, (const uint8_t *)line->text, line->len,
				       t->key);
		for (;; at++) {
			const struct line **slot = &t->slots[at & t->mask];

			if (!*slot) {
				line->number = t->numbers++;
				*slot = line;
				break;
			}
			if ((*slot)->len == line->len &&
			    memcmp((*slot)->text, line->text, line->len) == 0) {
				line->number = (*slot)->number;
				break;
			}
		}
	}
}

static int number_all(struct diff *d)
{
	cleanup_free const struct line **slots = NULL;
	struct table t = {.mask = 1};

	while (t.mask < 2 * (d->a.n + d->b.n) + 2)
		t.mask *= 2;
	slots = calloc(t.mask, sizeof(const struct line *));
	if (!slots)
		return -ENOMEM;
	t.slots = slots;
	t.mask--;
	crypto_shorthash_keygen(t.key);
	number_lines(&t, &d->a);
	number_lines(&t, &d->b);
	return 0;
}

static void trim(struct diff *d)
{
	d->a_end = d->a.n;
	d->b_end = d->b.n;
	while (d->from < d->a_end && d->from < d->b_end &&
	       d->a.lines[d->from].number == d->b.lines[d->from].number)
		d->from++;
	while (d->a_end > d->from && d->b_end > d->from &&
	       d->a.lines[d->a_end - 1].number == d->b.lines[d->b_end - 1].number) {
		d->a_end--;
		d->b_end--;
	}
}

static void replace_rest(struct diff *d)
{
	for (size_t i = d->from; i < d->a_end; i++)
		d->a.lines[i].changed = true;
	for (size_t i = d->from; i < d->b_end; i++)
		d->b.lines[i].changed = true;
}

/* The furthest points of @edits edits, one for each diagonal -edits ... edits. */
static int32_t *row(int32_t *rows, int edits)
{
	/* Row e begins after those of 2 * e' + 1 for all e' below, and its middle is at e. */
	return rows + (size_t)edits * (size_t)edits + (size_t)edits;
}

/* Goes back from the end along the rows and marks what changed. */
static void mark(struct diff *d, int32_t *rows, int edits)
{
	int32_t x = (int32_t)(d->a_end - d->from), y = (int32_t)(d->b_end - d->from);

	for (int e = edits; e > 0; e--) {
		const int32_t *before = row(rows, e - 1);
		const int32_t k = x - y;
		const bool down = k == -e || (k != e && before[k - 1] < before[k + 1]);

		if (down) {
			x = before[k + 1];
			y = x - (k + 1);
			d->b.lines[d->from + (size_t)y].changed = true;
		} else {
			x = before[k - 1];
			y = x - (k - 1);
			d->a.lines[d->from + (size_t)x].changed = true;
		}
	}
}

/* One more row. Return: whether it reaches the end */
static bool extend(const struct diff *d, int32_t *rows, int e)
{
	const int32_t a_n = (int32_t)(d->a_end - d->from), b_n = (int32_t)(d->b_end - d->from);
	const struct line *a = d->a.lines + d->from, *b = d->b.lines + d->from;
	const int32_t *before = e > 0 ? row(rows, e - 1) : NULL;
	int32_t *now = row(rows, e);

	for (int k = -e; k <= e; k += 2) {
		int32_t x = 0, y;

		if (before && (k == -e || (k != e && before[k - 1] < before[k + 1])))
			x = before[k + 1];
		else if (before)
			x = before[k - 1] + 1;
		y = x - k;
		while (x < a_n && y < b_n && a[x].number == b[y].number) {
			x++;
			y++;
		}
		now[k] = x;
		if (x == a_n && y == b_n)
			return true;
	}
	return false;
}

static int compare(struct diff *d)
{
	const size_t all = (d->a_end - d->from) + (d->b_end - d->from);
	const int most = all < DIFF_EDITS_MAX ? (int)all : DIFF_EDITS_MAX;
	cleanup_free int32_t *rows = NULL;

	if (d->from == d->a_end || d->from == d->b_end) {
		replace_rest(d);
		return 0;
	}
	rows = calloc((size_t)(most + 1) * (size_t)(most + 1), sizeof(*rows));
	if (!rows)
		return -ENOMEM;
	for (int e = 0; e <= most; e++) {
		if (extend(d, rows, e)) {
			mark(d, rows, e);
			return 0;
		}
	}
	replace_rest(d);
	return 0;
}

static int tell(const struct diff_sink *sink, char mark_byte, const struct line *line)
{
	const bool has_newline = line->text[line->len - 1] == '\n';

	return sink->line(sink->ctx, mark_byte, line->text, line->len - has_newline, has_newline);
}

/* The lines of a hunk: a[i .. a_to), b[j .. b_to). */
static int tell_lines(const struct diff *d, const struct diff_sink *sink, size_t i, size_t a_to,
		      size_t j, size_t b_to)
{
	int r = 0;

	while (r == 0 && (i < a_to || j < b_to)) {
		if (i < a_to && d->a.lines[i].changed) {
			r = tell(sink, '-', &d->a.lines[i++]);
		} else if (j < b_to && d->b.lines[j].changed) {
			r = tell(sink, '+', &d->b.lines[j++]);
		} else {
			r = tell(sink, ' ', &d->a.lines[i++]);
			j++;
		}
	}
	return r;
}

/* Where the next change is, from a[i] and b[j] on, which are at the same place. */
static bool find_change(const struct diff *d, size_t *i, size_t *j)
{
	while (*i < d->a.n || *j < d->b.n) {
		if ((*i < d->a.n && d->a.lines[*i].changed) ||
		    (*j < d->b.n && d->b.lines[*j].changed))
			return true;
		++*i;
		++*j;
	}
	return false;
}

static void skip_change(const struct diff *d, size_t *i, size_t *j)
{
	while (*i < d->a.n && d->a.lines[*i].changed)
		++*i;
	while (*j < d->b.n && d->b.lines[*j].changed)
		++*j;
}

static int tell_hunks(const struct diff *d, const struct diff_sink *sink)
{
	size_t i = 0, j = 0;
	int r = 0;

	while (r == 0 && find_change(d, &i, &j)) {
		const size_t lead = i < DIFF_CONTEXT ? i : DIFF_CONTEXT;
		const size_t a_from = i - lead, b_from = j - lead;
		size_t a_to, b_to, tail;

		/* Changes with little between them stand in one hunk. */
		do {
			skip_change(d, &i, &j);
			a_to = i;
			b_to = j;
		} while (find_change(d, &i, &j) && i - a_to <= 2 * DIFF_CONTEXT);
		tail = d->a.n - a_to < DIFF_CONTEXT ? d->a.n - a_to : DIFF_CONTEXT;
		i = a_to;
		j = b_to;
		r = sink->hunk(sink->ctx, a_from + (a_to + tail > a_from), a_to + tail - a_from,
			       b_from + (b_to + tail > b_from), b_to + tail - b_from);
		if (r == 0)
			r = tell_lines(d, sink, a_from, a_to + tail, b_from, b_to + tail);
	}
	return r;
}

static size_t count(const struct side *side)
{
	size_t n = 0;

	for (size_t i = 0; i < side->n; i++)
		n += side->lines[i].changed;
	return n;
}

int diff_run(const struct diff_text *a, const struct diff_text *b, const struct diff_sink *sink,
	     size_t *ret_added, size_t *ret_removed)
{
	cleanup(diff_done) struct diff d = {.from = 0};
	int r;

	if (!diff_is_text(a) || !diff_is_text(b))
		return -E2BIG;
	r = split(a, &d.a);
	if (r == 0)
		r = split(b, &d.b);
	if (r == 0)
		r = number_all(&d);
	if (r < 0)
		return r;
	trim(&d);
	r = compare(&d);
	if (r == 0 && sink)
		r = tell_hunks(&d, sink);
	if (r == 0 && ret_added)
		*ret_added = count(&d.b);
	if (r == 0 && ret_removed)
		*ret_removed = count(&d.a);
	return r;
}
