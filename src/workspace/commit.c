/* SPDX-License-Identifier: Apache-2.0 */
/*
 * commit.c - carry a journal out, or take it back; see commit.h.
 *
 * Every operation is one rename between workspace and journal (or one chmod), so it is done or not
 * done, and which of the two shows: by the inode that now has the name in the journal. Nothing is
 * removed before all is done: what was taken lies in the journal, and goes back if need be.
 *
 * What is taken is looked at after the rename, when nobody can exchange it any more, and once more
 * when all is done: is it what was checked before? If it is not, everything goes back. So no check
 * is worth less for what somebody does between it and the rename, nor for a kill after that. What
 * is taken back is looked at in the same way: is it the new file that we made? One that somebody
 * has written to since stays.
 *
 *	no record		undecided: the journal is removed, the tree was not touched
 *	record			decided: all that is left to do is done, then the record is removed
 *	no record, old files	finished: the journal is removed
 *
 * What cannot go back, because somebody has put something else in its place, stays in the journal,
 * and so does a taken folder into which somebody still put something. Then the journal is put aside
 * under a name that nothing of ours looks at again.
 */
#include "workspace/commit.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "sys/beneath.h"
#include "sys/clock.h"
#include "sys/file.h"

#define LOCK_PAUSE_US 20000U
#define NAME_B	      16U
#define RESCUE_TRIES  16U
#define RESCUED_B     (sizeof(COMMIT_RESCUED) + 8)

int commit_lock(int root_fd, int how)
{
	const uint64_t deadline = clock_now_us() + COMMIT_LOCK_MS * 1000ULL;
	cleanup_close int fd = openat(root_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	while (flock(fd, how | LOCK_NB) < 0) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return -errno;
		if (clock_now_us() > deadline)
			return -EBUSY;
		(void)usleep(LOCK_PAUSE_US);
	}
	return take_fd(&fd);
}

int commit_write(const struct commit *c, const uint8_t key[WORKSPACE_KEY_B])
{
	cleanup_free uint8_t *record = NULL;
	size_t len;
	int r = journal_encode(c->journal, key, &record, &len);

	if (r == 0)
		r = file_write_atomic(c->dir_fd, JOURNAL_RECORD, record, len, 0600);
	if (r == 0 && fsync(c->dir_fd) < 0)
		r = -errno;
	return r;
}

static void name_of(const struct journal_op *op, char name[NAME_B])
{
	(void)snprintf(name, NAME_B, "%u", op->number);
}

/* Return: 0 with the inode, or 0 for none; -errno */
static int inode_at(int dir_fd, const char *name, uint64_t *ret)
{
	struct stat st;

	*ret = 0;
	if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0)
		*ret = st.st_ino;
	else if (errno != ENOENT)
		return -errno;
	return 0;
}

static bool is_empty_folder(int dir_fd, const char *name)
{
	int fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	cleanup_closedir DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;

	if (!dir) {
		if (fd >= 0)
			(void)close(fd);
		return false;
	}
	while ((entry = readdir(dir))) {
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			return false;
	}
	return true;
}

/* Whether what lies in the journal now is the one with @ino, with nothing done to it since. */
static bool is_untouched(const struct commit *c, const struct journal_op *op, uint64_t ino,
			 uint64_t size, int64_t mtime_ns)
{
	char name[NAME_B];
	struct stat st;

	name_of(op, name);
	if (fstatat(c->dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0 || st.st_ino != ino)
		return false;
	if (S_ISDIR(st.st_mode))
		return is_empty_folder(c->dir_fd, name);
	return !S_ISREG(st.st_mode) ||
	       ((uint64_t)st.st_size == size &&
		(int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec == mtime_ns);
}

static bool is_what_was_checked(const struct commit *c, const struct journal_op *op)
{
	return is_untouched(c, op, op->old_ino, op->old_size, op->old_mtime_ns);
}

static bool is_what_was_made(const struct commit *c, const struct journal_op *op)
{
	return is_untouched(c, op, op->new_ino, op->new_size, op->new_mtime_ns);
}

static int move(int from_fd, const char *from, int to_fd, const char *to, unsigned int flags)
{
	return renameat2(from_fd, from, to_fd, to, flags) < 0 ? -errno : 0;
}

/* What is not there, or there too much, is a change by somebody else. */
static int as_stale(int r)
{
	return r == -ENOENT || r == -EEXIST || r == -ELOOP || r == -ENOTDIR || r == -EXDEV ? -ESTALE
											   : r;
}

/* By what lies in the journal. Return: 1, 0, -errno; -ESTALE for something foreign */
static int is_done(const struct commit *c, const struct journal_op *op)
{
	char name[NAME_B];
	uint64_t there;
	int r;

	name_of(op, name);
	r = inode_at(c->dir_fd, name, &there);
	if (r < 0 || op->kind == JOURNAL_MODE)
		return r;
	if (op->kind == JOURNAL_TAKE)
		return there != 0;
	if (op->kind == JOURNAL_PUT ? !there : there == op->old_ino)
		return 1;
	return there == op->new_ino ? 0 : -ESTALE;
}

/* @from to @to; what has neither was changed by somebody else. */
static int change_mode(int fd, const char *base, uint32_t from, uint32_t to)
{
	cleanup_close int folder = openat(fd, base, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	char path[32];
	struct stat st;

	if (folder < 0 || fstat(folder, &st) < 0)
		return -errno;
	if ((st.st_mode & 07777) == to)
		return 0;
	if ((st.st_mode & 07777) != from)
		return -ESTALE;
	/* The very folder that was looked at; fchmod(2) takes no O_PATH. */
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", folder);
	return chmod(path, to) < 0 ? -errno : 0;
}

/* What somebody has written to, or put something into, stays. */
static int undo_put(const struct commit *c, const struct journal_op *op, int fd, const char *base)
{
	char name[NAME_B];

	name_of(op, name);
	/* Only something new stays behind where this fails. */
	if (move(fd, base, c->dir_fd, name, RENAME_NOREPLACE) < 0 || is_what_was_made(c, op))
		return 0;
	return move(c->dir_fd, name, fd, base, RENAME_NOREPLACE);
}

/* The same; then the old one stays in the journal. */
static int undo_swap(const struct commit *c, const struct journal_op *op, int fd, const char *base)
{
	char name[NAME_B];
	int r;

	name_of(op, name);
	r = move(c->dir_fd, name, fd, base, RENAME_EXCHANGE);
	if (r < 0 || is_what_was_made(c, op))
		return r;
	r = move(c->dir_fd, name, fd, base, RENAME_EXCHANGE);
	return r < 0 ? r : -EEXIST;
}

/*
 * Takes an operation back if it was done. Where somebody has meanwhile put something else, that is
 * left alone.
 *
 * Return: 0; -errno when the journal still holds what belongs in the workspace
 */
static int undo_op(const struct commit *c, const struct journal_op *op)
{
	const char *base;
	cleanup_close int fd = beneath_parent(c->root_fd, op->path, &base);
	uint64_t in_journal, in_place = 0;
	char name[NAME_B];
	int r;

	name_of(op, name);
	if (op->kind == JOURNAL_MODE) {
		if (fd >= 0)
			(void)change_mode(fd, base, op->new_mode, op->old_mode);
		return 0;
	}
	r = inode_at(c->dir_fd, name, &in_journal);
	if (r < 0)
		return r;
	if (fd >= 0)
		r = inode_at(fd, base, &in_place);
	if (op->kind == JOURNAL_PUT)
		return fd >= 0 && r == 0 && !in_journal && in_place == op->new_ino
			       ? undo_put(c, op, fd, base)
			       : 0;
	if (!in_journal || (op->kind == JOURNAL_SWAP && in_journal == op->new_ino))
		return 0;
	if (fd < 0 || r < 0)
		return fd < 0 ? fd : r;
	if (op->kind == JOURNAL_TAKE)
		return move(c->dir_fd, name, fd, base, RENAME_NOREPLACE);
	return in_place == op->new_ino ? undo_swap(c, op, fd, base) : -EEXIST;
}

/* Moves; what comes out of the workspace by it must be what was checked, or goes back. */
static int take(const struct commit *c, const struct journal_op *op, int fd, const char *base)
{
	char name[NAME_B];
	int r;

	name_of(op, name);
	r = op->kind == JOURNAL_SWAP ? move(c->dir_fd, name, fd, base, RENAME_EXCHANGE)
				     : move(fd, base, c->dir_fd, name, RENAME_NOREPLACE);
	if (r < 0 || is_what_was_checked(c, op))
		return r;
	/* At once, so that few see it; where it cannot, undo_all() finds the same and says so. */
	(void)undo_op(c, op);
	return -ESTALE;
}

static int put(const struct commit *c, const struct journal_op *op, int fd, const char *base)
{
	char name[NAME_B];

	name_of(op, name);
	return move(c->dir_fd, name, fd, base, RENAME_NOREPLACE);
}

static int do_op(const struct commit *c, const struct journal_op *op)
{
	const char *base;
	cleanup_close int fd = -EBADF;
	int r = is_done(c, op);

	/* The folder of what is done may be in the journal as well: it is not asked for. */
	if (r != 0)
		return r < 0 ? r : 0;
	fd = beneath_parent(c->root_fd, op->path, &base);
	if (fd < 0)
		return fd;
	if (op->kind == JOURNAL_MODE)
		return change_mode(fd, base, op->old_mode, op->new_mode);
	return op->kind == JOURNAL_PUT ? put(c, op, fd, base) : take(c, op, fd, base);
}

static void undo_all(struct commit *c)
{
	for (size_t i = c->journal->n; i-- > 0;) {
		if (undo_op(c, &c->journal->ops[i]) == 0)
			continue;
		c->stranded = i;
		c->n_stranded++;
	}
}

/* Return: 0; -ESTALE when something was done meanwhile to what was taken */
static int check_taken(struct commit *c)
{
	for (c->failed = 0; c->failed < c->journal->n; c->failed++) {
		const struct journal_op *op = &c->journal->ops[c->failed];

		if ((op->kind == JOURNAL_TAKE || op->kind == JOURNAL_SWAP) &&
		    !is_what_was_checked(c, op))
			return -ESTALE;
	}
	return 0;
}

int commit_do(struct commit *c)
{
	int r = 0;

	for (c->failed = 0; r == 0 && c->failed < c->journal->n; c->failed++)
		r = do_op(c, &c->journal->ops[c->failed]);
	if (r < 0)
		c->failed--;
	else
		r = check_taken(c);
	if (r < 0)
		undo_all(c);
	return as_stale(r);
}

/*
 * Not with all beneath: a folder in it that is not empty holds what somebody else put there.
 *
 * Return: 0; -errno with the first name that stays
 */
static int empty_journal(int dir_fd, char ret[NAME_MAX + 1])
{
	int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), r = 0;
	cleanup_closedir DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;

	(void)snprintf(ret, NAME_MAX + 1, ".");
	if (!dir) {
		r = -errno;
		if (fd >= 0)
			(void)close(fd);
		return r;
	}
	while ((entry = readdir(dir))) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 ||
		    unlinkat(dir_fd, entry->d_name, 0) == 0 ||
		    unlinkat(dir_fd, entry->d_name, AT_REMOVEDIR) == 0 || r < 0)
			continue;
		r = -errno;
		(void)snprintf(ret, NAME_MAX + 1, "%s", entry->d_name);
	}
	return r;
}

/* Not moved, nothing is lost either: the next recovery tries again. */
static void put_aside(int root_fd, char ret[RESCUED_B])
{
	for (unsigned int i = 0; i < RESCUE_TRIES; i++) {
		(void)snprintf(ret, RESCUED_B, COMMIT_RESCUED "%08x", randombytes_random());
		if (move(root_fd, JOURNAL_DIR, root_fd, ret, RENAME_NOREPLACE) == 0)
			return;
	}
	(void)snprintf(ret, RESCUED_B, JOURNAL_DIR);
}

int commit_remove(int root_fd, int dir_fd, struct ironclaw_error *err)
{
	char stays[NAME_MAX + 1], name[RESCUED_B];
	int r;

	if (unlinkat(dir_fd, JOURNAL_RECORD, 0) < 0 && errno != ENOENT)
		return err_sys(err, errno, "cannot remove the journal in the workspace");
	r = empty_journal(dir_fd, stays);
	if (r == 0 && unlinkat(root_fd, JOURNAL_DIR, AT_REMOVEDIR) == 0)
		return 0;
	if (r == 0)
		r = -errno;
	put_aside(root_fd, name);
	(void)err_set(err, IRONCLAW_ERR_BUSY, ENOTRECOVERABLE,
		      r == -ENOTEMPTY || r == -EEXIST
			      ? "somebody put something into a folder of the workspace that was "
				"taken away just now: it is in '%s/%s'"
			      : "what was to be removed from the workspace is still in '%s/%s': %s",
		      name, stays, strerror(-r));
	err_hint(err, "move what is needed back, then remove '%s'", name);
	return -ENOTRECOVERABLE;
}

int commit_rescue(const struct commit *c, struct ironclaw_error *err)
{
	const struct journal_op *op = &c->journal->ops[c->stranded];
	char name[RESCUED_B];

	put_aside(c->root_fd, name);
	(void)err_set(err, IRONCLAW_ERR_BUSY, ENOTRECOVERABLE,
		      "somebody changed the workspace just now, and %zu of its old files could not "
		      "be put back: the content of '%s' is '%s/%u' there",
		      c->n_stranded, op->path, name, op->number);
	err_hint(err, "move what is needed back, then remove that folder");
	return -ENOTRECOVERABLE;
}

/* The journal's folder, if it is one that we may take for ours. Return: descriptor, -errno */
static int open_journal(int root_fd, struct ironclaw_error *err)
{
	cleanup_close int fd = beneath_open(root_fd, JOURNAL_DIR, O_RDONLY | O_DIRECTORY, 0);
	struct stat st;

	if (fd == -ENOENT)
		return fd;
	if (fd < 0)
		return err_sys(err, -fd, "cannot open '" JOURNAL_DIR "' in the workspace");
	if (fstat(fd, &st) < 0)
		return err_sys(err, errno, "cannot look at '" JOURNAL_DIR "'");
	if (st.st_uid != geteuid() || (st.st_mode & 077)) {
		(void)err_set(err, IRONCLAW_ERR_CORRUPT, EBADMSG,
			      "'" JOURNAL_DIR "' in the workspace is not of IronClaw's making");
		err_hint(err, "look at it, and remove it");
		return -EBADMSG;
	}
	return take_fd(&fd);
}

static int read_journal(int root_fd, int dir_fd, const uint8_t key[WORKSPACE_KEY_B],
			struct journal *ret, struct ironclaw_error *err)
{
	cleanup_free char *record = NULL;
	struct stat root, dir;
	size_t len;
	int r = file_read_bounded(dir_fd, JOURNAL_RECORD, JOURNAL_MAX_B, &record, &len);

	if (r == -ENOENT)
		return r;
	if (r == 0)
		r = journal_decode((const uint8_t *)record, len, key, ret);
	if (r == 0 && (fstat(root_fd, &root) < 0 || fstat(dir_fd, &dir) < 0))
		r = -errno;
	if (r == 0 && (ret->root_ino != root.st_ino || ret->dir_ino != dir.st_ino))
		r = -EBADMSG;
	if (r == -EBADMSG) {
		journal_done(ret);
		(void)err_set(err, IRONCLAW_ERR_CORRUPT, EBADMSG,
			      "'" JOURNAL_DIR "' in the workspace is not of this user's making");
		err_hint(err, "look at it, and remove it");
		return r;
	}
	return r < 0 ? err_sys(err, -r, "cannot read the journal in the workspace") : 0;
}

int workspace_recover(int root_fd, const uint8_t key[WORKSPACE_KEY_B], struct ironclaw_error *err)
{
	cleanup(journal_done) struct journal journal = {.n = 0};
	cleanup_close int lock = commit_lock(root_fd, LOCK_EX);
	struct commit c = {.root_fd = root_fd, .journal = &journal};
	cleanup_close int fd = -EBADF;
	int r;

	if (lock < 0)
		return err_sys(err, -lock, "cannot lock the workspace");
	fd = open_journal(root_fd, err);
	if (fd < 0)
		return fd == -ENOENT ? 0 : fd;
	c.dir_fd = fd;
	r = read_journal(root_fd, fd, key, &journal, err);
	if (r < 0 && r != -ENOENT)
		return r;
	/* -ESTALE: somebody changed the tree since. All is taken back, so this is the old one. */
	if (r == 0)
		r = commit_do(&c);
	if (c.n_stranded > 0)
		return commit_rescue(&c, err);
	if (r < 0 && r != -ENOENT && r != -ESTALE)
		return err_sys(err, -r, "cannot finish what was begun in the workspace");
	return commit_remove(root_fd, fd, err);
}
