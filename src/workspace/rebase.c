/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rebase.c - what was applied is no change any more; see workspace.h.
 *
 * The VM's copy stays as it was sent, and its archive always says all that differs from it. So it
 * is the base that moves: what was applied is in it as it was applied, by digest. When it was put
 * there on the host is not looked up, for by then it may be somebody else's; without times a file
 * is held against its digest, before the next apply touches it.
 */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "workspace/workspace.h"

static struct base_entry *add(struct base *base, const char *path, const char *link)
{
	static const struct stat none = {.st_mode = S_IFREG, .st_nlink = 1};

	return base_add(base, path, link, &none);
}

/* Return: false without memory */
static bool add_same(struct base *base, const struct base_entry *entry)
{
	struct base_entry *added = add(base, entry->path, entry->link);

	if (!added)
		return false;
	/* All but the strings, which are its own. */
	*added = (struct base_entry){.path = added->path,
				     .link = added->link,
				     .type = entry->type,
				     .mode = entry->mode,
				     .nlink = entry->nlink,
				     .size = entry->size,
				     .dev = entry->dev,
				     .ino = entry->ino,
				     .mtime_ns = entry->mtime_ns,
				     .ctime_ns = entry->ctime_ns,
				     .has_digest = entry->has_digest,
				     .from_vm = entry->from_vm};
	memcpy(added->digest, entry->digest, DIGEST_B);
	return true;
}

static bool add_applied(struct base *base, const struct change *change)
{
	const struct stage_entry *after = change->after;
	struct base_entry *added = add(base, change->path, after->link);

	if (!added)
		return false;
	added->type = after->type;
	added->mode = change->mode;
	added->size = after->type == TAR_FILE ? after->size : 0;
	added->has_digest = after->type == TAR_FILE;
	added->from_vm = change->before ? change->before->from_vm : true;
	if (added->has_digest)
		memcpy(added->digest, after->digest, DIGEST_B);
	return true;
}

/* Both lists are in the order of paths. */
static bool merge(struct base *to, const struct base *from, const struct changes *changes)
{
	size_t b = 0, c = 0;
	bool ok = true;

	while (ok && (b < from->n || c < changes->n)) {
		const struct change *change = &changes->changes[c];
		int order;

		if (c < changes->n && !change->selected) {
			c++;
			continue;
		}
		order = c == changes->n ? -1
			: b == from->n	? 1
					: tar_path_compare(from->entries[b].path, change->path);
		if (order < 0)
			ok = add_same(to, &from->entries[b]);
		else if (change->after)
			ok = add_applied(to, change);
		b += order <= 0;
		c += order >= 0;
	}
	return ok;
}

int workspace_rebase(struct workspace *ws, const struct changes *changes, struct base *ret_old)
{
	struct base base = {.n = 0};

	ic_assert(changes->ws == ws);
	if (!merge(&base, &ws->base, changes)) {
		base_done(&base);
		return -ENOMEM;
	}
	*ret_old = ws->base;
	ws->base = base;
	return 0;
}
