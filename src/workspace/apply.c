/* SPDX-License-Identifier: Apache-2.0 */
/*
 * apply.c - carry chosen changes out, all or nothing; see workspace.h.
 *
 *	1. the selection's digest is made again, and must be the approved one
 *	2. every path on the host is held against what was copied
 *	3. all new files are written into the journal's folder, in the workspace's own file system,
 *	   and their content is held against the digest
 *	4. the record is written: from here on it is decided, and commit.c does the rest
 *
 * A file of the workspace is never opened for writing: it is exchanged. So another name of it (hard
 * link), or a program that has it open, keeps the old content.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "sys/beneath.h"
#include "workspace/commit.h"
#include "workspace/content.h"

/* Up to so many files are synced one by one; beyond, the whole file system is, once. */
#define SYNC_FILES_MAX 64U

struct apply {
	const struct changes *changes;
	int root_fd, dir_fd;
	struct journal journal;
	struct apply_result *result;
	struct ironclaw_error *err;
	uint32_t contents;
	bool rescued; /* the journal is put aside, not removed */
};

static int failed(const struct apply *a, int errnum, const char *what, const char *path)
{
	return err_sys(a->err, errnum, "cannot %s '%s'", what, path);
}

__attribute__((format(printf, 3, 4))) static int
conflict(struct apply *a, const struct change *change, const char *format, ...)
{
	struct apply_result *result = a->result;
	va_list args;

	if (result->n_conflicts < APPLY_CONFLICTS_MAX) {
		struct conflict *c = &result->conflicts[result->n_conflicts];

		c->change = change;
		va_start(args, format);
		(void)vsnprintf(c->host, sizeof(c->host), format, args);
		va_end(args);
	}
	result->n_conflicts++;
	return 0;
}

static const char *type_name(mode_t mode)
{
	return S_ISREG(mode)   ? "a file"
	       : S_ISDIR(mode) ? "a folder"
	       : S_ISLNK(mode) ? "a link"
			       : "a special file";
}

static bool has_type(mode_t mode, enum tar_type type)
{
	return type == TAR_FILE ? S_ISREG(mode) : type == TAR_DIR ? S_ISDIR(mode) : S_ISLNK(mode);
}

/* Return: 1 when the file's content is as it was, 0, -errno */
static int has_same_content(const struct apply *a, const struct base_entry *before)
{
	cleanup_close int fd =
		beneath_open(a->root_fd, before->path, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
	uint8_t digest[DIGEST_B];
	int r;

	if (fd < 0)
		return fd;
	r = content_copy(fd, before->size, NULL, NULL, digest);
	return r < 0 ? r : memcmp(digest, before->digest, DIGEST_B) == 0;
}

static int has_same_target(const struct apply *a, const struct base_entry *before)
{
	char target[TAR_PATH_MAX_B + 1];
	const char *name;
	cleanup_close int fd = beneath_parent(a->root_fd, before->path, &name);
	ssize_t n = fd < 0 ? -1 : readlinkat(fd, name, target, sizeof(target));

	return n >= 0 && strlen(before->link) == (size_t)n &&
	       memcmp(before->link, target, (size_t)n) == 0;
}

/* Holds what is at the path now against what was copied. Return: 0, also for a conflict; -errno */
static int check_host(struct apply *a, const struct change *change, struct stat *ret)
{
	const struct base_entry *before = change->before;
	int r = beneath_stat(a->root_fd, change->path, ret);

	/* A folder that is to hold it may be a file or a link yet. */
	if (!before && (r == -ENOTDIR || r == -ELOOP))
		return 0;
	if (r < 0 && r != -ENOENT)
		return r == -ELOOP || r == -ENOTDIR || r == -EXDEV
			       ? conflict(a, change, "a folder on the way to it was replaced")
			       : failed(a, -r, "look at", change->path);
	if (!before)
		return r == 0 ? conflict(a, change, "there is %s now", type_name(ret->st_mode)) : 0;
	if (r < 0)
		return conflict(a, change, "gone");
	if (!has_type(ret->st_mode, before->type))
		return conflict(a, change, "%s now", type_name(ret->st_mode));
	if (geteuid() != 0 && ret->st_uid != geteuid())
		return conflict(a, change, "belongs to user %u", (unsigned int)ret->st_uid);
	if (before->type == TAR_LINK)
		return has_same_target(a, before) ? 0 : conflict(a, change, "leads elsewhere now");
	if ((ret->st_mode & 0777) != before->mode)
		return conflict(a, change, "mode is %03o now, was %03o", ret->st_mode & 0777U,
				before->mode);
	if (before->type == TAR_DIR || base_is_same(before, ret))
		return 0;
	if ((uint64_t)ret->st_size != before->size)
		return conflict(a, change, "has %" PRIu64 " bytes now, had %" PRIu64,
				(uint64_t)ret->st_size, before->size);
	r = has_same_content(a, before);
	if (r < 0)
		return failed(a, -r, "read", change->path);
	return r ? 0 : conflict(a, change, "has another content now");
}

/* Files of root get the owner of what they replace, or of the nearest folder that is there. */
static int give_owner(const struct apply *a, const struct change *change, const struct stat *there,
		      const char *name)
{
	char path[TAR_PATH_MAX_B + 1];
	struct stat st;
	char *slash;

	if (geteuid() != 0)
		return 0;
	if (change->before)
		return fchownat(a->dir_fd, name, there->st_uid, there->st_gid,
				AT_SYMLINK_NOFOLLOW) < 0
			       ? -errno
			       : 0;
	(void)snprintf(path, sizeof(path), "%s", change->path);
	do {
		slash = strrchr(path, '/');
		if (slash)
			*slash = '\0';
	} while (slash && beneath_stat(a->root_fd, path, &st) < 0);
	if (!slash && fstat(a->root_fd, &st) < 0)
		return -errno;
	return fchownat(a->dir_fd, name, st.st_uid, st.st_gid, AT_SYMLINK_NOFOLLOW) < 0 ? -errno
											: 0;
}

static int write_piece(void *ctx, uint64_t offset, const void *data, size_t len)
{
	const char *p = data;

	while (len > 0) {
		ssize_t n = pwrite(*(int *)ctx, p, len, (off_t)offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		p += n;
		offset += (uint64_t)n;
		len -= (size_t)n;
	}
	return 0;
}

static int copy_content(struct apply *a, const struct change *change, int from, int to)
{
	uint8_t digest[DIGEST_B];
	int r = content_copy(from, change->after->size, write_piece, &to, digest);

	if (r == 0 && ftruncate(to, (off_t)change->after->size) < 0)
		r = -errno;
	if (r < 0)
		return failed(a, -r, "write the new", change->path);
	if (memcmp(digest, change->after->digest, DIGEST_B) != 0)
		return err_set(a->err, IRONCLAW_ERR_CORRUPT, EBADMSG,
			       "the content of '%s' is not the one that was compared",
			       change->path);
	return 0;
}

static int stage_file(struct apply *a, const struct change *change, const struct stat *there,
		      const char *name)
{
	char content[16];
	cleanup_close int from = -EBADF, to = -EBADF;
	int r;

	(void)snprintf(content, sizeof(content), "%u", change->after->content);
	from = openat(a->changes->stage->dir_fd, content,
		      O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	to = openat(a->dir_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (from < 0 || to < 0)
		return failed(a, errno, "write the new", change->path);
	r = copy_content(a, change, from, to);
	if (r < 0)
		return r;
	r = give_owner(a, change, there, name);
	if (r == 0 && fchmod(to, change->mode) < 0)
		r = -errno;
	if (r == 0 && a->contents <= SYNC_FILES_MAX && fsync(to) < 0)
		r = -errno;
	return r < 0 ? failed(a, -r, "write the new", change->path) : 0;
}

static int stage_other(struct apply *a, const struct change *change, const struct stat *there,
		       const char *name)
{
	int r;

	/* Folders are open to us until what belongs in them is there: JOURNAL_MODE comes last. */
	r = change->after->type == TAR_LINK ? symlinkat(change->after->link, a->dir_fd, name)
					    : mkdirat(a->dir_fd, name, 0700);
	if (r < 0)
		return failed(a, errno, "make the new", change->path);
	r = give_owner(a, change, there, name);
	if (r == 0 && change->after->type == TAR_DIR &&
	    fchmodat(a->dir_fd, name, change->mode | 0700, 0) < 0)
		r = -errno;
	return r < 0 ? failed(a, -r, "make the new", change->path) : 0;
}

static int add_op(struct apply *a, const struct journal_op *op)
{
	return journal_add(&a->journal, op) < 0 ? failed(a, ENOMEM, "change", op->path) : 0;
}

static int64_t mtime_ns(const struct stat *st)
{
	return (int64_t)st->st_mtim.tv_sec * 1000000000 + st->st_mtim.tv_nsec;
}

static void set_old(struct journal_op *op, const struct stat *st)
{
	op->old_ino = st->st_ino;
	op->old_size = S_ISREG(st->st_mode) ? (uint64_t)st->st_size : 0;
	op->old_mtime_ns = S_ISREG(st->st_mode) ? mtime_ns(st) : 0;
}

static void set_new(struct journal_op *op, const struct stat *st)
{
	op->new_ino = st->st_ino;
	op->new_size = S_ISREG(st->st_mode) ? (uint64_t)st->st_size : 0;
	op->new_mtime_ns = S_ISREG(st->st_mode) ? mtime_ns(st) : 0;
}

/* Writes what is new into the journal, and notes how it gets to its place. */
static int plan_new(struct apply *a, const struct change *change, uint32_t number)
{
	struct journal_op op = {.kind = change->before ? JOURNAL_SWAP : JOURNAL_PUT,
				.number = number,
				.path = (char *)(uintptr_t)change->path};
	struct stat there = {.st_ino = 0}, st;
	const size_t before = a->result->n_conflicts;
	char name[16];
	int r = check_host(a, change, &there);

	if (r < 0 || a->result->n_conflicts > before)
		return r;
	(void)snprintf(name, sizeof(name), "%u", number);
	r = change->after->type == TAR_FILE ? stage_file(a, change, &there, name)
					    : stage_other(a, change, &there, name);
	if (r < 0)
		return r;
	if (fstatat(a->dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return failed(a, errno, "look at the new", change->path);
	set_new(&op, &st);
	if (change->before) {
		set_old(&op, &there);
		a->result->n_relinked += S_ISREG(there.st_mode) && there.st_nlink > 1;
	}
	return add_op(a, &op);
}

static int plan_taken(struct apply *a, const struct change *change, uint32_t number)
{
	struct journal_op op = {.kind = JOURNAL_TAKE,
				.number = number,
				.path = (char *)(uintptr_t)change->path};
	const size_t before = a->result->n_conflicts;
	struct stat there;
	int r = check_host(a, change, &there);

	if (r < 0 || a->result->n_conflicts > before)
		return r;
	set_old(&op, &there);
	return add_op(a, &op);
}

/* A folder that stays and has another mode; or a new one, whose mode was not the last. */
static int plan_mode(struct apply *a, const struct change *change)
{
	struct journal_op op = {.kind = JOURNAL_MODE,
				.new_mode = change->mode,
				.path = (char *)(uintptr_t)change->path};
	const size_t before = a->result->n_conflicts;
	struct stat there;
	int r;

	if (change->kind != CHANGE_MODE) {
		op.old_mode = change->mode | 0700;
		return op.old_mode == op.new_mode ? 0 : add_op(a, &op);
	}
	r = check_host(a, change, &there);
	if (r < 0 || a->result->n_conflicts > before)
		return r;
	op.old_mode = there.st_mode & 07777;
	return add_op(a, &op);
}

static bool is_folder_mode(const struct change *change)
{
	return change->kind == CHANGE_MODE && change->after->type == TAR_DIR;
}

/*
 * The order: what goes, the innermost first; then what comes or is exchanged, folders before what
 * is in them; then modes, the innermost first, for they may close a folder to us.
 */
static int plan(struct apply *a)
{
	const struct changes *changes = a->changes;
	uint32_t number = 0;
	int r = 0;

	for (size_t i = changes->n; r == 0 && i-- > 0;) {
		if (changes->changes[i].selected && changes->changes[i].kind == CHANGE_DELETED)
			r = plan_taken(a, &changes->changes[i], number++);
	}
	for (size_t i = 0; r == 0 && i < changes->n; i++) {
		const struct change *change = &changes->changes[i];

		if (change->selected && change->after && !is_folder_mode(change))
			r = plan_new(a, change, number++);
	}
	for (size_t i = changes->n; r == 0 && i-- > 0;) {
		const struct change *change = &changes->changes[i];

		if (change->selected && change->after && change->after->type == TAR_DIR)
			r = plan_mode(a, change);
	}
	return r;
}

/* Whether this file system can do what commit.c needs; asked in the journal's folder. */
static int check_file_system(const struct apply *a)
{
	struct stat st;
	int r = 0;

	if (mkdirat(a->dir_fd, "a", 0700) < 0 || mkdirat(a->dir_fd, "b", 0700) < 0)
		return failed(a, errno, "write to", JOURNAL_DIR);
	if (renameat2(a->dir_fd, "a", a->dir_fd, "b", RENAME_EXCHANGE) < 0)
		r = err_set(a->err, IRONCLAW_ERR_UNAVAILABLE, EOPNOTSUPP,
			    "the file system of the workspace cannot exchange two files");
	else if (fstatat(a->dir_fd, "A", &st, AT_SYMLINK_NOFOLLOW) == 0)
		r = err_set(a->err, IRONCLAW_ERR_UNAVAILABLE, EOPNOTSUPP,
			    "the file system of the workspace takes 'a' and 'A' for the same name");
	if (r < 0)
		err_hint(a->err, "save the changes as a patch or an archive");
	(void)unlinkat(a->dir_fd, "a", AT_REMOVEDIR);
	(void)unlinkat(a->dir_fd, "b", AT_REMOVEDIR);
	return r;
}

static int make_journal(struct apply *a)
{
	struct stat root, dir;

	if (mkdirat(a->root_fd, JOURNAL_DIR, 0700) < 0)
		return failed(a, errno, "make", JOURNAL_DIR);
	a->dir_fd = beneath_open(a->root_fd, JOURNAL_DIR, O_RDONLY | O_DIRECTORY, 0);
	if (a->dir_fd < 0)
		return failed(a, -a->dir_fd, "open", JOURNAL_DIR);
	if (fstat(a->root_fd, &root) < 0 || fstat(a->dir_fd, &dir) < 0)
		return failed(a, errno, "look at", JOURNAL_DIR);
	a->journal.root_ino = root.st_ino;
	a->journal.dir_ino = dir.st_ino;
	return check_file_system(a);
}

static const struct change *find_change(const struct changes *changes, const char *path)
{
	for (size_t i = 0; i < changes->n; i++) {
		if (strcmp(changes->changes[i].path, path) == 0)
			return &changes->changes[i];
	}
	return NULL;
}

static int stale(struct apply *a)
{
	const struct apply_result *result = a->result;

	return err_set(
		a->err, IRONCLAW_ERR_BUSY, ESTALE,
		"%zu of the chosen paths are not as they were when they were copied, such as "
		"'%s': %s",
		result->n_conflicts, result->conflicts[0].change->path, result->conflicts[0].host);
}

static int decide(struct apply *a)
{
	struct commit c = {.root_fd = a->root_fd, .dir_fd = a->dir_fd, .journal = &a->journal};
	int r = 0;

	if (a->contents > SYNC_FILES_MAX && syncfs(a->dir_fd) < 0)
		r = -errno;
	if (r == 0)
		r = commit_write(&c, a->changes->ws->key);
	if (r < 0)
		return failed(a, -r, "write", JOURNAL_DIR);
	r = commit_do(&c);
	if (r == 0)
		return 0;
	if (c.n_stranded > 0) {
		a->rescued = true;
		return commit_rescue(&c, a->err);
	}
	if (r == -ESTALE) {
		(void)conflict(a, find_change(a->changes, a->journal.ops[c.failed].path),
			       "somebody changed it just now, or put something into the folder");
		return stale(a);
	}
	return failed(a, -r, "change", a->journal.ops[c.failed].path);
}

static int carry_out(struct apply *a)
{
	int r = plan(a);

	if (r == 0 && a->result->n_conflicts > 0)
		r = stale(a);
	return r < 0 ? r : decide(a);
}

static int apply_locked(struct apply *a)
{
	struct ironclaw_error why = {.code = IRONCLAW_ERR_NONE};
	int r = make_journal(a), removed;

	if (r == 0)
		r = carry_out(a);
	if (r < 0)
		a->result->applied = 0;
	if (a->dir_fd < 0 || a->rescued)
		return r;
	removed = commit_remove(a->root_fd, a->dir_fd, &why);
	if (removed == 0)
		return r;
	err_prefix(&why, "%s", r == 0 ? "the changes were made" : a->err->text);
	*a->err = why;
	return removed;
}

static void count(struct apply *a)
{
	for (size_t i = 0; i < a->changes->n; i++) {
		const struct change *change = &a->changes->changes[i];

		a->result->applied += change->selected;
		a->contents += change->selected && change->after && change->after->type == TAR_FILE;
	}
}

int apply_changes(const struct changes *changes, const uint8_t approved[DIGEST_B],
		  struct apply_result *ret, struct ironclaw_error *err)
{
	struct ironclaw_error own = {.code = IRONCLAW_ERR_NONE};
	struct apply a = {.changes = changes,
			  .dir_fd = -EBADF,
			  .result = ret,
			  .err = err ? err : &own};
	cleanup_close int lock = -EBADF;
	uint8_t digest[DIGEST_B];
	int r;

	*ret = (struct apply_result){.applied = 0};
	changes_digest(changes, digest);
	if (sodium_memcmp(digest, approved, DIGEST_B) != 0)
		return err_set(err, IRONCLAW_ERR_INVALID, EPERM,
			       "what is to be applied is not what was approved");
	a.root_fd = changes->ws->root_fd;
	r = workspace_recover(a.root_fd, changes->ws->key, err);
	if (r < 0)
		return r;
	lock = commit_lock(a.root_fd, LOCK_EX);
	if (lock < 0)
		return err_sys(err, -lock, "cannot lock the workspace");
	count(&a);
	r = apply_locked(&a);
	journal_done(&a.journal);
	close_fd(&a.dir_fd);
	return r;
}
