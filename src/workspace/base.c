/* SPDX-License-Identifier: Apache-2.0 */
/* base.c - what a workspace was when it was copied; see base.h. */
#include "workspace/base.h"

#include <stdlib.h>
#include <string.h>

static int64_t nanoseconds(const struct timespec *t)
{
	return (int64_t)t->tv_sec * 1000000000 + t->tv_nsec;
}

static enum tar_type type_of(mode_t mode)
{
	return S_ISDIR(mode) ? TAR_DIR : S_ISLNK(mode) ? TAR_LINK : TAR_FILE;
}

void base_set_stat(struct base_entry *entry, const struct stat *st)
{
	entry->type = type_of(st->st_mode);
	/* A link's mode means nothing. */
	entry->mode = entry->type == TAR_LINK ? 0 : st->st_mode & 0777;
	entry->nlink = (uint32_t)st->st_nlink;
	entry->size = entry->type == TAR_FILE ? (uint64_t)st->st_size : 0;
	entry->dev = st->st_dev;
	entry->ino = st->st_ino;
	entry->mtime_ns = nanoseconds(&st->st_mtim);
	entry->ctime_ns = nanoseconds(&st->st_ctim);
}

struct base_entry *base_add(struct base *base, const char *path, const char *link,
			    const struct stat *st)
{
	struct base_entry *entry;

	if (base->n == base->room) {
		size_t room = base->room ? 2 * base->room : 256;
		struct base_entry *grown = realloc(base->entries, room * sizeof(*grown));

		if (!grown)
			return NULL;
		base->entries = grown;
		base->room = room;
	}
	entry = &base->entries[base->n];
	memset(entry, 0, sizeof(*entry));
	entry->path = strdup(path);
	entry->link = link ? strdup(link) : NULL;
	if (!entry->path || (link && !entry->link)) {
		free(entry->path);
		free(entry->link);
		return NULL;
	}
	base_set_stat(entry, st);
	base->n++;
	return entry;
}

static int compare(const void *path, const void *entry)
{
	return tar_path_compare(path, ((const struct base_entry *)entry)->path);
}

struct base_entry *base_find(const struct base *base, const char *path)
{
	if (base->n == 0)
		return NULL;
	return bsearch(path, base->entries, base->n, sizeof(*base->entries), compare);
}

bool base_is_same(const struct base_entry *entry, const struct stat *st)
{
	struct base_entry now = {.path = NULL};

	base_set_stat(&now, st);
	return now.type == entry->type && now.mode == entry->mode && now.size == entry->size &&
	       now.dev == entry->dev && now.ino == entry->ino && now.mtime_ns == entry->mtime_ns &&
	       now.ctime_ns == entry->ctime_ns;
}

void base_done(struct base *base)
{
	for (size_t i = 0; i < base->n; i++) {
		free(base->entries[i].path);
		free(base->entries[i].link);
	}
	free(base->entries);
	*base = (struct base){.n = 0};
}
