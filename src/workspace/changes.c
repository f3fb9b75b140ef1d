/* SPDX-License-Identifier: Apache-2.0 */
/*
 * changes.c - what a VM changed, which of it is chosen, and its digest; see workspace.h.
 *
 * Base and stage are both in the order of paths, in which a folder is followed by all that is in
 * it. So one walk over both finds everything, and what is beneath an entry are the entries after
 * it.
 */
#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "workspace/ignore.h"
#include "workspace/risk.h"
#include "workspace/workspace.h"

void changes_free(struct changes *changes)
{
	if (!changes)
		return;
	free(changes->changes);
	free(changes);
}

static void changes_freep(struct changes **changes)
{
	changes_free(*changes);
}

struct compare {
	struct changes *out;
	size_t room;
	/* What of the base is gone since an entry of the stage said so: all beneath this path. */
	const char *gone_below;
};

static int add(struct compare *c, const struct change *change)
{
	struct changes *out = c->out;
	struct change *added;

	if (out->n == c->room) {
		size_t room = c->room ? 2 * c->room : 64;

		added = realloc(out->changes, room * sizeof(*added));
		if (!added)
			return -ENOMEM;
		out->changes = added;
		c->room = room;
	}
	added = &out->changes[out->n];
	*added = *change;
	if (ignore_covers(out->ws->ignore, added->path,
			  added->after && added->after->type == TAR_DIR)) {
		out->left_out++;
		return 0;
	}
	risk_judge(added);
	added->selected = true;
	out->counts[added->kind]++;
	out->n++;
	return 0;
}

static int add_deleted(struct compare *c, const struct base_entry *before)
{
	return add(c, &(struct change){.kind = CHANGE_DELETED,
				       .path = before->path,
				       .before = before});
}

static bool is_same_content(const struct base_entry *before, const struct stage_entry *after)
{
	if (before->type == TAR_DIR)
		return true;
	if (before->type == TAR_LINK)
		return strcmp(before->link, after->link) == 0;
	return before->size == after->size && memcmp(before->digest, after->digest, DIGEST_B) == 0;
}

/* @before NULL: there was nothing. */
static int add_entry(struct compare *c, const struct base_entry *before,
		     const struct stage_entry *after)
{
	struct change change = {
		.path = after->path,
		.before = before,
		.after = after,
		.mode = after->type == TAR_LINK ? 0 : after->mode & 0777,
		.had_special_mode = after->mode & 07000,
	};

	if (!before)
		change.kind = CHANGE_CREATED;
	else if (before->type != after->type)
		change.kind = CHANGE_TYPE;
	else if (!is_same_content(before, after))
		change.kind = CHANGE_EDITED;
	else if (before->mode != change.mode)
		change.kind = CHANGE_MODE;
	else
		return 0;
	return add(c, &change);
}

static bool is_gone(const struct compare *c, const char *path)
{
	return c->gone_below && tar_path_is_below(path, c->gone_below);
}

/*
 * An entry of the base that the stage says nothing about. What the VM was not sent and has no more
 * leaves no trace there.
 */
static int take_before(struct compare *c, const struct base_entry *before)
{
	return is_gone(c, before->path) || before->from_vm ? add_deleted(c, before) : 0;
}

static int take_after(struct compare *c, const struct base_entry *before,
		      const struct stage_entry *after)
{
	/* Beneath what is gone, another word about the same changes nothing. */
	if (!is_gone(c, after->path))
		c->gone_below = NULL;
	if (!c->gone_below && (after->deleted || after->opaque || after->type != TAR_DIR))
		c->gone_below = after->path;
	if (after->deleted)
		return before ? add_deleted(c, before) : 0;
	return add_entry(c, before, after);
}

static int compare_all(struct compare *c, const struct base *base, const struct stage *stage)
{
	size_t b = 0, s = 0;
	int r = 0;

	while (r == 0 && (b < base->n || s < stage->n)) {
		int order = b == base->n    ? 1
			    : s == stage->n ? -1
					    : tar_path_compare(base->entries[b].path,
							       stage->entries[s].path);

		if (order < 0)
			r = take_before(c, &base->entries[b]);
		else
			r = take_after(c, order == 0 ? &base->entries[b] : NULL,
				       &stage->entries[s]);
		b += order <= 0;
		s += order >= 0;
	}
	return r;
}

int changes_compare(const struct workspace *ws, const struct stage *stage, struct changes **ret,
		    struct ironclaw_error *err)
{
	cleanup(changes_freep) struct changes *changes = calloc(1, sizeof(*changes));
	struct compare c = {.out = changes};
	int r;

	if (!ws->sent)
		return err_set(err, IRONCLAW_ERR_INVALID, EINVAL,
			       "nothing of the workspace was sent");
	if (!changes)
		return err_sys(err, ENOMEM, "cannot compare the workspace");
	changes->ws = ws;
	changes->stage = stage;
	r = compare_all(&c, &ws->base, stage);
	if (r < 0)
		return err_sys(err, -r, "cannot compare the workspace");
	*ret = take_ptr(changes);
	return 0;
}

/* Whether the change leaves a folder where there was none. */
static bool makes_folder(const struct change *change)
{
	return change->after && change->after->type == TAR_DIR &&
	       (!change->before || change->before->type != TAR_DIR);
}

/* Whether it takes a folder away. */
static bool takes_folder(const struct change *change)
{
	return change->before && change->before->type == TAR_DIR &&
	       (!change->after || change->after->type != TAR_DIR);
}

/* Chosen or not, the change has this wish for those above it, and those beneath. */
static void select_above(struct changes *changes, size_t index, bool selected)
{
	const char *path = changes->changes[index].path;

	for (size_t i = index; i-- > 0;) {
		struct change *above = &changes->changes[i];

		if (!tar_path_is_below(path, above->path))
			continue;
		if (selected ? makes_folder(above) : takes_folder(above))
			above->selected = selected;
	}
}

static void select_beneath(struct changes *changes, size_t index, bool selected)
{
	const struct change *top = &changes->changes[index];

	if (selected ? !takes_folder(top) : !makes_folder(top))
		return;
	for (size_t i = index + 1;
	     i < changes->n && tar_path_is_below(changes->changes[i].path, top->path); i++)
		changes->changes[i].selected = selected;
}

void changes_select(struct changes *changes, size_t index, bool selected)
{
	ic_assert(index < changes->n);
	changes->changes[index].selected = selected;
	select_above(changes, index, selected);
	select_beneath(changes, index, selected);
}

void changes_select_all(struct changes *changes, bool selected)
{
	for (size_t i = 0; i < changes->n; i++)
		changes->changes[i].selected = selected;
}

static void hash_number(crypto_hash_sha256_state *h, uint64_t n)
{
	uint8_t bytes[8];

	for (int i = 0; i < 8; i++, n >>= 8)
		bytes[i] = (uint8_t)n;
	(void)crypto_hash_sha256_update(h, bytes, sizeof(bytes));
}

static void hash_text(crypto_hash_sha256_state *h, const char *text)
{
	size_t n = text ? strlen(text) : 0;

	hash_number(h, n);
	if (n > 0)
		(void)crypto_hash_sha256_update(h, (const uint8_t *)text, n);
}

static void hash_change(crypto_hash_sha256_state *h, const struct change *change)
{
	hash_number(h, change->kind);
	hash_text(h, change->path);
	hash_number(h, change->before ? change->before->type : 0);
	if (change->before) {
		hash_number(h, change->before->mode);
		hash_number(h, change->before->size);
		hash_text(h, change->before->link);
		(void)crypto_hash_sha256_update(h, change->before->digest, DIGEST_B);
	}
	hash_number(h, change->after ? change->after->type : 0);
	if (change->after) {
		hash_number(h, change->mode);
		hash_number(h, change->after->size);
		hash_text(h, change->after->link);
		(void)crypto_hash_sha256_update(h, change->after->digest, DIGEST_B);
	}
}

void changes_digest(const struct changes *changes, uint8_t ret[DIGEST_B])
{
	crypto_hash_sha256_state h;

	(void)crypto_hash_sha256_init(&h);
	hash_text(&h, "ironclaw workspace changes 1");
	hash_text(&h, changes->ws->root);
	hash_number(&h, changes->ws->dev);
	hash_number(&h, changes->ws->ino);
	for (size_t i = 0; i < changes->n; i++) {
		if (changes->changes[i].selected)
			hash_change(&h, &changes->changes[i]);
	}
	(void)crypto_hash_sha256_final(&h, ret);
}
