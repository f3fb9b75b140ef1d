/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scan.c - look at all that is in a workspace; see scan.h.
 *
 * A folder is opened from the one that holds it, by one component and without following a link, so
 * no path is walked twice and nobody can lead the scan elsewhere. Names are sorted a folder at a
 * time, which makes the order of the archive.
 */
#include "workspace/scan.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/escape.h"
#include "sys/file.h"
#include "workspace/ignore.h"

struct walk {
	struct workspace *ws;
	struct ironclaw_error *err;
	char path[TAR_PATH_MAX_B + 1];
	uint64_t entries;
};

bool scan_is_reserved(const char *path)
{
	return strncasecmp(path, WORKSPACE_RESERVED, sizeof(WORKSPACE_RESERVED) - 1) == 0;
}

static void notice(const struct walk *w, const char *what)
{
	const struct workspace_options *o = &w->ws->options;
	char path[512], text[640];

	if (!o->notice)
		return;
	escape_text(path, sizeof(path), w->path, strlen(w->path));
	(void)snprintf(text, sizeof(text), "left out: %s: %s", path, what);
	o->notice(o->userdata, text);
}

static int failed(const struct walk *w, int errnum, const char *what)
{
	return err_sys(w->err, errnum, "cannot %s '%s'", what, w->path);
}

struct names {
	char **names;
	size_t n, room;
};

static void names_done(struct names *names)
{
	for (size_t i = 0; i < names->n; i++)
		free(names->names[i]);
	free(names->names);
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int add_name(struct names *names, const char *name)
{
	if (names->n == names->room) {
		size_t room = names->room ? 2 * names->room : 32;
		char **grown = realloc(names->names, room * sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		names->names = grown;
		names->room = room;
	}
	names->names[names->n] = strdup(name);
	return names->names[names->n++] ? 0 : -ENOMEM;
}

static int read_names(int fd, struct names *names)
{
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	cleanup_closedir DIR *dir = copy < 0 ? NULL : fdopendir(copy);

	if (!dir) {
		int saved = errno;

		if (copy >= 0)
			(void)close(copy);
		return -saved;
	}
	for (;;) {
		struct dirent *entry;

		errno = 0;
		entry = readdir(dir);
		if (!entry)
			break;
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 &&
		    (names->n > WORKSPACE_ENTRIES_MAX || add_name(names, entry->d_name) < 0))
			return names->n > WORKSPACE_ENTRIES_MAX ? -E2BIG : -ENOMEM;
	}
	if (errno)
		return -errno;
	if (names->n > 0)
		qsort(names->names, names->n, sizeof(*names->names), compare_names);
	return 0;
}

static int too_many(const struct walk *w)
{
	(void)err_set(w->err, IRONCLAW_ERR_INVALID, E2BIG,
		      "the workspace has more than %u files and folders", WORKSPACE_ENTRIES_MAX);
	err_hint(w->err, "leave some out: --exclude PATTERN, or " IGNORE_FILE);
	return -E2BIG;
}

static int count(struct walk *w, const struct stat *st)
{
	struct workspace_counts *c = &w->ws->counts;

	if (++w->entries > WORKSPACE_ENTRIES_MAX)
		return too_many(w);
	if (S_ISDIR(st->st_mode)) {
		c->folders++;
	} else if (S_ISLNK(st->st_mode)) {
		c->links++;
	} else {
		/* What it takes on the disk, if that is less: holes are not sent. */
		uint64_t blocks = (uint64_t)st->st_blocks * 512;

		c->files++;
		c->data_b += blocks < (uint64_t)st->st_size ? blocks : (uint64_t)st->st_size;
	}
	if (c->data_b > w->ws->options.size_max_b) {
		(void)err_set(w->err, IRONCLAW_ERR_INVALID, EFBIG,
			      "the workspace holds more than %" PRIu64
			      " MiB of data, counted up to '%s'",
			      w->ws->options.size_max_b >> 20, w->path);
		err_hint(w->err, "--workspace-size SIZE allows more; --exclude PATTERN leaves out");
		return -EFBIG;
	}
	return 0;
}

static int add(struct walk *w, const char *link, const struct stat *st)
{
	int r = count(w, st);

	if (r < 0)
		return r;
	return base_add(&w->ws->base, w->path, link, st) ? 0 : failed(w, ENOMEM, "remember");
}

static int take_link(struct walk *w, int folder_fd, const char *name, const struct stat *st)
{
	char target[TAR_PATH_MAX_B + 1];
	ssize_t n = readlinkat(folder_fd, name, target, sizeof(target));

	if (n < 0)
		return failed(w, errno, "read the link");
	if (n == 0 || (size_t)n == sizeof(target))
		return failed(w, ENAMETOOLONG, "send the link");
	target[n] = '\0';
	return add(w, target, st);
}

static int take_file(struct walk *w, int folder_fd, const char *name, const struct stat *st)
{
	if (faccessat(folder_fd, name, R_OK, AT_EACCESS | AT_SYMLINK_NOFOLLOW) < 0) {
		(void)failed(w, errno, "read");
		err_hint(w->err, "--exclude PATTERN, or " IGNORE_FILE ", leaves it out");
		return -EACCES;
	}
	if ((uint64_t)st->st_size > TAR_SIZE_MAX_B)
		return failed(w, EFBIG, "send");
	return add(w, NULL, st);
}

static int read_rules(struct walk *w, int fd)
{
	cleanup_free char *text = NULL;
	cleanup_close int file = openat(fd, IGNORE_FILE, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;
	size_t len;
	int r;

	/* One that is a link, or no file, is not read: as git has it. */
	if (file < 0 || fstat(file, &st) < 0 || !S_ISREG(st.st_mode))
		return file < 0 && errno != ENOENT ? failed(w, errno, "read the patterns of") : 0;
	r = file_read_bounded(fd, IGNORE_FILE, IGNORE_FILE_MAX_B, &text, &len);
	if (r < 0)
		return failed(w, -r, "read the patterns of");
	r = ignore_add(w->ws->ignore, w->path, text, len, w->err);
	if (r < 0)
		err_prefix(w->err, "%s/" IGNORE_FILE, w->path[0] ? w->path : ".");
	return r;
}

static int walk_folder(struct walk *w, int fd, unsigned int depth);

static int take_folder(struct walk *w, int folder_fd, const char *name, const struct stat *st,
		       unsigned int depth)
{
	cleanup_close int fd =
		openat(folder_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct stat opened;
	int r;

	if (fd < 0) {
		(void)failed(w, errno, "read the folder");
		err_hint(w->err, "--exclude PATTERN, or " IGNORE_FILE ", leaves it out");
		return -w->err->errnum;
	}
	if (fstat(fd, &opened) < 0)
		return failed(w, errno, "look at");
	if (opened.st_dev != st->st_dev) {
		w->ws->counts.skipped++;
		notice(w, "another file system is mounted there");
		return 0;
	}
	r = add(w, NULL, &opened);
	return r < 0 ? r : walk_folder(w, fd, depth + 1);
}

static int take(struct walk *w, int folder_fd, const char *name, unsigned int depth)
{
	struct workspace *ws = w->ws;
	struct stat st;

	if (depth == 0 && scan_is_reserved(name)) {
		notice(w, "the name is reserved");
		ws->counts.skipped++;
		return 0;
	}
	if (fstatat(folder_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : failed(w, errno, "look at");
	if (ignore_matches(ws->ignore, w->path, S_ISDIR(st.st_mode))) {
		ws->counts.left_out++;
		return 0;
	}
	if (st.st_dev != ws->dev) {
		ws->counts.skipped++;
		notice(w, "another file system is mounted there");
		return 0;
	}
	if (S_ISDIR(st.st_mode))
		return take_folder(w, folder_fd, name, &st, depth);
	if (S_ISLNK(st.st_mode))
		return take_link(w, folder_fd, name, &st);
	if (S_ISREG(st.st_mode))
		return take_file(w, folder_fd, name, &st);
	ws->counts.skipped++;
	notice(w, S_ISSOCK(st.st_mode) ? "a socket" : S_ISFIFO(st.st_mode) ? "a FIFO" : "a device");
	return 0;
}

/* @w->path is the folder's; so it is again afterwards. */
static int walk_folder(struct walk *w, int fd, unsigned int depth)
{
	cleanup(names_done) struct names names = {.n = 0};
	const size_t length = strlen(w->path);
	int r = read_rules(w, fd);

	if (r < 0)
		return r;
	r = read_names(fd, &names);
	if (r < 0)
		return r == -E2BIG ? too_many(w) : failed(w, -r, "read the folder");
	for (size_t i = 0; r == 0 && i < names.n; i++) {
		const size_t n = strlen(names.names[i]);

		if (depth >= TAR_DEPTH_MAX || length + 1 + n > TAR_PATH_MAX_B)
			return err_set(w->err, IRONCLAW_ERR_INVALID, ENAMETOOLONG,
				       "what is in '%s' has too long or too deep a path", w->path);
		(void)snprintf(w->path + length, sizeof(w->path) - length, "%s%s",
			       length ? "/" : "", names.names[i]);
		r = take(w, fd, names.names[i], depth);
		w->path[length] = '\0';
	}
	return r;
}

int scan_tree(struct workspace *ws, struct ironclaw_error *err)
{
	struct ironclaw_error own = {.code = IRONCLAW_ERR_NONE};
	cleanup_free struct walk *w = calloc(1, sizeof(*w));

	if (!w)
		return err_sys(err, ENOMEM, "cannot look at the workspace");
	w->ws = ws;
	w->err = err ? err : &own;
	return walk_folder(w, ws->root_fd, 0);
}
