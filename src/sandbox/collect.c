/* SPDX-License-Identifier: Apache-2.0 */
/* collect.c - a stream of which only so much is kept; see collect.h. */
#include "sandbox/collect.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_B	  4096U
#define BETWEEN_B 96U

void collect_init(struct collect *c, size_t max, bool both_ends)
{
	*c = (struct collect){.head_max = both_ends ? max - max / 2 : max,
			      .tail_max = both_ends ? max / 2 : 0};
}

static int add_head(struct collect *c, const char *data, size_t len)
{
	if (c->head_len + len > c->head_size) {
		size_t size = c->head_size ? c->head_size : FIRST_B;
		char *grown;

		while (size < c->head_len + len)
			size *= 2;
		size = size < c->head_max ? size : c->head_max;
		grown = realloc(c->head, size);
		if (!grown)
			return -ENOMEM;
		c->head = grown;
		c->head_size = size;
	}
	memcpy(c->head + c->head_len, data, len);
	c->head_len += len;
	return 0;
}

static int add_tail(struct collect *c, const char *data, size_t len)
{
	if (c->tail_max == 0)
		return 0;
	if (!c->tail) {
		c->tail = malloc(c->tail_max);
		if (!c->tail)
			return -ENOMEM;
	}
	if (len > c->tail_max) {
		/* As if all had gone through. */
		c->tail_at = (c->tail_at + (len - c->tail_max)) % c->tail_max;
		data += len - c->tail_max;
		len = c->tail_max;
	}
	while (len > 0) {
		size_t n = c->tail_max - c->tail_at;

		n = n < len ? n : len;
		memcpy(c->tail + c->tail_at, data, n);
		c->tail_at = (c->tail_at + n) % c->tail_max;
		data += n;
		len -= n;
	}
	return 0;
}

int collect_add(struct collect *c, const void *data, size_t len)
{
	size_t room = c->head_max - c->head_len, n = len < room ? len : room;
	int r = n > 0 ? add_head(c, data, n) : 0;

	if (r == 0 && n < len)
		r = add_tail(c, (const char *)data + n, len - n);
	if (r == 0)
		c->total += len;
	return r;
}

bool collect_is_cut(const struct collect *c)
{
	return c->total > c->head_max + c->tail_max;
}

int collect_take(const struct collect *c, char **ret, size_t *ret_len)
{
	const bool is_cut = collect_is_cut(c);
	uint64_t behind = c->total - c->head_len;
	size_t tail = behind < c->tail_max ? (size_t)behind : c->tail_max;
	size_t from = is_cut ? c->tail_at : 0, n = c->head_len, first;
	char *text = malloc(c->head_len + tail + BETWEEN_B);

	if (!text)
		return -ENOMEM;
	if (n > 0)
		memcpy(text, c->head, n);
	if (is_cut && c->tail_max > 0)
		n += (size_t)snprintf(text + n, BETWEEN_B,
				      "\n[... %" PRIu64 " bytes are left out here ...]\n",
				      behind - tail);
	if (tail > 0) {
		first = c->tail_max - from < tail ? c->tail_max - from : tail;
		memcpy(text + n, c->tail + from, first);
		memcpy(text + n + first, c->tail, tail - first);
	}
	n += tail;
	text[n] = '\0';
	*ret = text;
	*ret_len = n;
	return 0;
}

void collect_done(struct collect *c)
{
	free(c->head);
	free(c->tail);
	*c = (struct collect){.total = 0};
}
