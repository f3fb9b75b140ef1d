/* SPDX-License-Identifier: Apache-2.0 */
/**
 * collect.h - a stream of which only so much is kept: its beginning, or its beginning and its end.
 */
#ifndef SANDBOX_COLLECT_H
#define SANDBOX_COLLECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct collect {
	size_t head_max, tail_max;
	char *head; /* the first head_len bytes; grows */
	size_t head_len, head_size;
	char *tail;	/* a ring of tail_max, of what came behind the head */
	size_t tail_at; /* where the next byte goes */
	uint64_t total;
};

/** collect_init() - keep @max bytes. @both_ends: half of them for the end */
void collect_init(struct collect *c, size_t max, bool both_ends);

/** collect_add() - Return: 0, -ENOMEM */
int collect_add(struct collect *c, const void *data, size_t len);

/**
 * collect_take() - all that is kept, with a line between the ends that says how much is left out.
 * @ret:	owned by the caller; a NUL behind it, not counted
 *
 * Return: 0; -ENOMEM. What is collected stays until collect_done()
 */
int collect_take(const struct collect *c, char **ret, size_t *ret_len);

/** collect_is_cut() - whether something is left out. */
bool collect_is_cut(const struct collect *c);

void collect_done(struct collect *c);

#endif
