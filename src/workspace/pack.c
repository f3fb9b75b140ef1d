/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pack.c - send the copy of a workspace; see workspace.h.
 *
 * What a file was is read from its descriptor before its content and after it. When the two differ,
 * somebody writes to it, and what was sent may be a mixture that never existed: it is sent once
 * more. The base remembers what was sent last.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "sys/beneath.h"
#include "workspace/tar_write.h"
#include "workspace/workspace.h"

#define TRIES_MAX 2

static uint64_t seconds(int64_t ns)
{
	return ns < 0 ? 0 : (uint64_t)ns / 1000000000;
}

/* Return: 1 when it changed meanwhile, 0, -errno */
static int send_once(struct tar_writer *w, struct base_entry *entry, int fd,
		     struct ironclaw_error *err)
{
	struct tar_item item = {.path = entry->path};
	struct stat st;
	int r;

	if (fstat(fd, &st) < 0)
		return err_sys(err, errno, "cannot look at '%s'", entry->path);
	if (!S_ISREG(st.st_mode))
		return err_set(err, IRONCLAW_ERR_BUSY, EBUSY,
			       "'%s' was a file and is none any more", entry->path);
	base_set_stat(entry, &st);
	item.mode = entry->mode;
	item.mtime_s = seconds(entry->mtime_ns);
	item.size = entry->size;
	r = tar_write_file(w, &item, fd, entry->digest);
	if (r < 0)
		return err_sys(err, -r, "cannot send '%s'", entry->path);
	if (fstat(fd, &st) < 0)
		return err_sys(err, errno, "cannot look at '%s'", entry->path);
	return base_is_same(entry, &st) ? 0 : 1;
}

static int send_file(const struct workspace *ws, struct tar_writer *w, struct base_entry *entry,
		     struct ironclaw_error *err)
{
	/* A FIFO that took the file's place must not hold us up. */
	cleanup_close int fd = beneath_open(ws->root_fd, entry->path, O_RDONLY | O_NONBLOCK, 0);

	if (fd < 0)
		return err_sys(err, -fd, "cannot read '%s'", entry->path);
	for (int i = 0; i < TRIES_MAX; i++) {
		int r = send_once(w, entry, fd, err);

		if (r <= 0) {
			entry->has_digest = r == 0;
			return r;
		}
	}
	return err_set(err, IRONCLAW_ERR_BUSY, EBUSY, "'%s' changes while it is read", entry->path);
}

static int send_other(struct tar_writer *w, const struct base_entry *entry,
		      struct ironclaw_error *err)
{
	int r = tar_write_item(w, &(struct tar_item){
					  .type = entry->type,
					  .mode = entry->mode,
					  .mtime_s = seconds(entry->mtime_ns),
					  .path = entry->path,
					  .link = entry->link,
				  });

	return r < 0 ? err_sys(err, -r, "cannot send '%s'", entry->path) : 0;
}

int workspace_send(struct workspace *ws, int fd, struct ironclaw_error *err)
{
	cleanup_free struct tar_writer *w = tar_write_new(fd);
	int r = 0;

	if (!w)
		return err_sys(err, ENOMEM, "cannot send the workspace");
	for (size_t i = 0; r == 0 && i < ws->base.n; i++) {
		struct base_entry *entry = &ws->base.entries[i];

		r = entry->type == TAR_FILE ? send_file(ws, w, entry, err)
					    : send_other(w, entry, err);
	}
	if (r < 0)
		return r;
	r = tar_write_end(w);
	if (r < 0)
		return err_sys(err, -r, "cannot send the workspace");
	ws->sent = true;
	return 0;
}
