/* SPDX-License-Identifier: Apache-2.0 */
/* initramfs.c - the first file system of a guest, as a newc archive; see initramfs.h. */
#include "image/initramfs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "sys/file.h"

#define ALIGN	      4U
#define HEADER_B      110U
#define NAME_MAX_B    128U
#define CONTENT_MAX_B (64U * 1024U * 1024U)
#define MODULES_MAX   64
#define CONSOLE_MAJOR 5U
#define CONSOLE_MINOR 1U

struct archive {
	int fd;
	unsigned int entries;
	size_t len; /* bytes written so far */
};

/* One file system object. */
struct entry {
	const char *name; /* without a leading slash */
	mode_t mode;
	const void *content;
	size_t len;
	unsigned int major, minor;
};

static int put(struct archive *a, const void *buf, size_t len)
{
	static const char zeros[ALIGN];
	size_t pad = (ALIGN - (a->len + len) % ALIGN) % ALIGN;
	int r = file_write_full(a->fd, buf, len);

	if (r == 0)
		r = file_write_full(a->fd, zeros, pad);
	a->len += len + pad;
	return r;
}

static int put_entry(struct archive *a, const struct entry *e)
{
	char head[HEADER_B + NAME_MAX_B + 1];
	size_t name_b = strlen(e->name) + 1;
	int n, r;

	if (name_b > NAME_MAX_B)
		return -ENAMETOOLONG;
	/* magic, ino, mode, uid, gid, nlink, mtime, size, dev major and minor, rdev major and
	 * minor, length of the name, checksum */
	n = snprintf(head, sizeof(head),
		     "070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%s", ++a->entries,
		     e->mode, 0U, 0U, S_ISDIR(e->mode) ? 2U : 1U, 0U, (unsigned int)e->len, 0U, 0U,
		     e->major, e->minor, (unsigned int)name_b, 0U, e->name);
	ic_assert(n == (int)(HEADER_B + name_b - 1));
	r = put(a, head, (size_t)n + 1);
	return r == 0 && e->len > 0 ? put(a, e->content, e->len) : r;
}

static int put_file(struct archive *a, const char *name, mode_t mode, const char *path,
		    struct ironclaw_error *err)
{
	cleanup_free char *content = NULL;
	struct entry e = {.name = name, .mode = S_IFREG | mode};
	int r = file_read_bounded(AT_FDCWD, path, CONTENT_MAX_B, &content, &e.len);

	if (r < 0)
		return err_sys(err, -r, "cannot read %s", path);
	e.content = content;
	r = put_entry(a, &e);
	return r < 0 ? err_sys(err, -r, "cannot write the initramfs") : 0;
}

static int is_module(const struct dirent *entry)
{
	size_t len = strlen(entry->d_name);

	return entry->d_name[0] != '.' && len > 3 && strcmp(entry->d_name + len - 3, ".ko") == 0;
}

static int by_bytes(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int put_modules(struct archive *a, const char *dir, struct ironclaw_error *err)
{
	struct dirent **list = NULL;
	char name[NAME_MAX_B * 2], path[STORE_PATH_MAX + 300];
	int n = scandir(dir, &list, is_module, by_bytes), r = 0;

	if (n < 0)
		return err_sys(err, errno, "cannot list %s", dir);
	if (n > MODULES_MAX)
		r = err_set(err, IRONCLAW_ERR_INVALID, E2BIG, "there are too many modules in %s",
			    dir);
	for (int i = 0; i < n; i++) {
		if (r == 0) {
			(void)snprintf(name, sizeof(name), "modules/%.200s", list[i]->d_name);
			(void)snprintf(path, sizeof(path), "%s/%s", dir, list[i]->d_name);
			r = put_file(a, name, 0444, path, err);
		}
		free(list[i]);
	}
	free(list);
	return r;
}

int initramfs_write(int fd, const struct kernel *kernel, const char *agent_path,
		    struct ironclaw_error *err)
{
	static const struct entry skeleton[] = {
		{.name = "dev", .mode = S_IFDIR | 0755},
		{.name = "proc", .mode = S_IFDIR | 0555},
		{.name = "sys", .mode = S_IFDIR | 0555},
		{.name = "modules", .mode = S_IFDIR | 0755},
		{.name = "dev/console",
		 .mode = S_IFCHR | 0600,
		 .major = CONSOLE_MAJOR,
		 .minor = CONSOLE_MINOR},
	};
	static const struct entry trailer = {.name = "TRAILER!!!"};
	struct archive a = {.fd = fd};
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(skeleton); i++)
		r = put_entry(&a, &skeleton[i]);
	if (r < 0)
		return err_sys(err, -r, "cannot write the initramfs");
	r = put_file(&a, "init", 0755, agent_path, err);
	if (r == 0 && kernel->modules_dir[0])
		r = put_modules(&a, kernel->modules_dir, err);
	if (r < 0)
		return r;
	r = put_entry(&a, &trailer);
	return r < 0 ? err_sys(err, -r, "cannot write the initramfs") : 0;
}
