/* SPDX-License-Identifier: Apache-2.0 */
/* workspace.c - the handle of a workspace; see workspace.h. */
#include "workspace/workspace.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include <sodium.h>

#include "base/cleanup.h"
#include "sys/file.h"
#include "workspace/commit.h"
#include "workspace/ignore.h"
#include "workspace/scan.h"

#define KEY_FILE "workspace.key"

int workspace_key(int dirfd, uint8_t ret[WORKSPACE_KEY_B], struct ironclaw_error *err)
{
	cleanup_close int lock = file_lock(dirfd, KEY_FILE ".lock", true);
	cleanup_free char *text = NULL;
	size_t len;
	int r = lock < 0 ? lock : file_read_bounded(dirfd, KEY_FILE, WORKSPACE_KEY_B, &text, &len);

	if (r == 0 && len != WORKSPACE_KEY_B)
		return err_set(err, IRONCLAW_ERR_CORRUPT, EBADMSG, KEY_FILE " is damaged");
	if (r == 0) {
		memcpy(ret, text, WORKSPACE_KEY_B);
		return 0;
	}
	if (r == -ENOENT) {
		uint8_t key[WORKSPACE_KEY_B];

		randombytes_buf(key, sizeof(key));
		r = file_write_atomic(dirfd, KEY_FILE, key, sizeof(key), 0600);
		if (r == 0)
			memcpy(ret, key, sizeof(key));
	}
	return r < 0 ? err_sys(err, -r, "cannot keep the key of workspaces") : 0;
}

void workspace_free(struct workspace *ws)
{
	if (!ws)
		return;
	close_fd(&ws->root_fd);
	ignore_free(ws->ignore);
	base_done(&ws->base);
	free(ws->root);
	free(ws);
}

static void freep(struct workspace **ws)
{
	workspace_free(*ws);
}

static int open_root(struct workspace *ws, struct ironclaw_error *err)
{
	const char *folder = ws->options.folder;
	struct stat st;

	ws->root_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (ws->root_fd < 0 || fstat(ws->root_fd, &st) < 0)
		return err_sys(err, errno, "cannot open the workspace '%s'", folder);
	ws->dev = st.st_dev;
	ws->ino = st.st_ino;
	ws->root = realpath(folder, NULL);
	if (!ws->root)
		return err_sys(err, errno, "cannot open the workspace '%s'", folder);
	if (strcmp(ws->root, "/") == 0)
		return err_set(err, IRONCLAW_ERR_INVALID, EINVAL, "'/' cannot be a workspace");
	return 0;
}

/* While nobody applies anything there. */
static int scan_locked(struct workspace *ws, struct ironclaw_error *err)
{
	cleanup_close int lock = commit_lock(ws->root_fd, LOCK_SH);

	if (lock < 0)
		return err_sys(err, -lock, "cannot lock the workspace");
	return scan_tree(ws, err);
}

int workspace_open(const struct workspace_options *options, struct workspace **ret,
		   struct ironclaw_error *err)
{
	cleanup(freep) struct workspace *ws = calloc(1, sizeof(*ws));
	int r;

	if (!ws)
		return err_sys(err, ENOMEM, "cannot open the workspace");
	ws->root_fd = -EBADF;
	ws->options = *options;
	if (ws->options.size_max_b == 0)
		ws->options.size_max_b = WORKSPACE_SIZE_DEFAULT_B;
	memcpy(ws->key, options->key, sizeof(ws->key));
	ws->ignore = ignore_new();
	if (!ws->ignore)
		return err_sys(err, ENOMEM, "cannot open the workspace");
	r = open_root(ws, err);
	for (size_t i = 0; r == 0 && options->excludes && options->excludes[i]; i++)
		r = ignore_add_exclude(ws->ignore, options->excludes[i], err);
	if (r == 0)
		r = workspace_recover(ws->root_fd, ws->key, err);
	if (r == 0)
		r = scan_locked(ws, err);
	if (r < 0)
		return r;
	*ret = take_ptr(ws);
	return 0;
}
