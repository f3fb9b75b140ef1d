/* SPDX-License-Identifier: Apache-2.0 */
/* kernel_files.c - the files of a kernel, in the order of its digest; see store_internal.h. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "image/store_internal.h"

static int add(struct kernel_files *files, const char *dir, const char *label)
{
	char *path = NULL;

	if (files->n == VERIFIED_FILES_MAX)
		return -E2BIG;
	if (asprintf(&path, "%s/%s", dir, label) < 0)
		return -ENOMEM;
	files->paths[files->n] = path;
	files->files[files->n].path = path;
	files->files[files->n].label = path + strlen(dir) + 1;
	files->n++;
	return 0;
}

static int by_label(const void *a, const void *b)
{
	const struct verified_file *x = a, *y = b;

	return strcmp(x->label, y->label);
}

static int add_modules(struct kernel_files *files, const char *dir)
{
	cleanup_closedir DIR *d = NULL;
	size_t first = files->n;
	const struct dirent *entry;
	char path[STORE_PATH_MAX];
	int r;

	(void)snprintf(path, sizeof(path), "%.1100s/modules", dir);
	d = opendir(path);
	if (!d)
		return errno == ENOENT ? 0 : -errno;
	while ((entry = readdir(d))) {
		char label[64];

		if (entry->d_name[0] == '.')
			continue;
		if ((size_t)snprintf(label, sizeof(label), "modules/%s", entry->d_name) >=
		    sizeof(label))
			return -ENAMETOOLONG;
		r = add(files, dir, label);
		if (r < 0)
			return r;
	}
	qsort(&files->files[first], files->n - first, sizeof(files->files[0]), by_label);
	return 0;
}

int kernel_files_list(const char *dir, struct kernel_files *ret, struct ironclaw_error *err)
{
	struct kernel_files files = {.n = 0};
	char vmlinux[STORE_PATH_MAX];
	int r;

	(void)snprintf(vmlinux, sizeof(vmlinux), "%.1100s/vmlinux", dir);
	r = add(&files, dir, "bzImage");
	if (r == 0 && access(vmlinux, F_OK) == 0)
		r = add(&files, dir, "vmlinux");
	if (r == 0)
		r = add_modules(&files, dir);
	if (r < 0) {
		kernel_files_done(&files);
		return err_sys(err, -r, "cannot list the files in %s", dir);
	}
	/* The labels and paths point to heap strings, so the struct may be copied. */
	*ret = files;
	return 0;
}

void kernel_files_done(struct kernel_files *files)
{
	for (size_t i = 0; i < files->n; i++)
		free(files->paths[i]);
	files->n = 0;
}
