/* SPDX-License-Identifier: Apache-2.0 */
/* store_list.c - list and remove images and kernels; see store.h. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/name.h"
#include "image/store_internal.h"
#include "sys/file.h"

#define ENTRIES_MAX 1024U

static int add_entry(const struct paths *paths, const char *kind, const char *name,
		     struct store_list *list)
{
	struct store_entry *grown;
	struct store_entry *e;

	if (list->n >= ENTRIES_MAX)
		return -E2BIG;
	grown = reallocarray(list->entries, list->n + 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	list->entries = grown;
	e = &grown[list->n++];
	*e = (struct store_entry){.damaged = false};
	(void)snprintf(e->name, sizeof(e->name), "%.*s", (int)LIMIT_NAME_MAX, name);
	e->damaged = store_read_manifest(paths, kind, name, &e->manifest, NULL) < 0;
	return 0;
}

static int by_name(const void *a, const void *b)
{
	const struct store_entry *x = a, *y = b;

	return strcmp(x->name, y->name);
}

int store_list(const struct paths *paths, const char *kind, struct store_list *ret,
	       struct ironclaw_error *err)
{
	struct store_list list cleanup(store_list_done) = {.n = 0};
	cleanup_closedir DIR *d = NULL;
	const struct dirent *entry;
	char path[STORE_PATH_MAX];
	struct stat st;
	int r;

	(void)snprintf(path, sizeof(path), "%s/%s", paths->data, kind);
	d = opendir(path);
	if (!d && errno != ENOENT)
		return err_sys(err, errno, "cannot list %s", path);
	while (d && (entry = readdir(d))) {
		if (!name_valid(entry->d_name) ||
		    fstatat(dirfd(d), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
		    !S_ISDIR(st.st_mode))
			continue;
		r = add_entry(paths, kind, entry->d_name, &list);
		if (r < 0)
			return err_sys(err, -r, "cannot list %s", path);
	}
	if (list.n > 0)
		qsort(list.entries, list.n, sizeof(*list.entries), by_name);
	*ret = list;
	list = (struct store_list){.n = 0};
	return 0;
}

void store_list_done(struct store_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		manifest_done(&list->entries[i].manifest);
	free(list->entries);
	*list = (struct store_list){.n = 0};
}

int store_remove(const struct paths *paths, const char *kind, const char *name,
		 struct ironclaw_error *err)
{
	char path[STORE_PATH_MAX], lock[LIMIT_NAME_MAX + 16], trash[LIMIT_NAME_MAX + 16];
	cleanup_close int store = -EBADF, held = -EBADF;
	int r = store_check_name(kind, name, err);

	if (r < 0)
		return r;
	if (!store_exists(paths, kind, name))
		return err_set(err, IRONCLAW_ERR_NOT_FOUND, ENOENT, "there is no %s '%s'",
			       store_noun(kind), name);
	(void)snprintf(path, sizeof(path), "%s/%s", paths->data, kind);
	(void)snprintf(lock, sizeof(lock), ".lock-%s", name);
	(void)snprintf(trash, sizeof(trash), ".build-%s", name);
	store = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (store < 0)
		return err_sys(err, errno, "cannot open %s", path);
	held = file_lock(store, lock, false);
	if (held == -EWOULDBLOCK)
		return err_set(err, IRONCLAW_ERR_BUSY, EBUSY, "%s '%s' is being built",
			       store_noun(kind), name);
	if (held < 0)
		return err_sys(err, -held, "cannot lock %s/%s", path, lock);
	/* Out of sight at once, then gone: an interrupted removal leaves no half image. */
	r = file_remove_tree(store, trash);
	if (r == 0 && renameat(store, name, store, trash) < 0)
		r = -errno;
	if (r == 0)
		r = file_remove_tree(store, trash);
	(void)unlinkat(store, lock, 0);
	(void)snprintf(lock, sizeof(lock), "%s-%s", store_noun(kind), name);
	verified_forget(paths, lock);
	return r < 0 ? err_sys(err, -r, "cannot remove %s/%s", path, name) : 0;
}
