/* SPDX-License-Identifier: Apache-2.0 */
/**
 * workspace.h - a host folder of which a VM sees a copy, and what comes back of it.
 *
 *	workspace_open()	finishes what a killed apply left, and looks at the folder
 *	workspace_send()	the copy, as an archive; remembers what was sent
 *	receive_start()		the archive of changes comes back, through a confined process, into
 *	  _data(), _finish()	a stage: a folder of numbered files, and an index
 *	changes_compare()	stage against what was sent: a list of changes
 *	card_*(), patch_*()	shows it
 *	changes_select()	which of them to apply
 *	changes_digest()	names exactly that selection, for an approval
 *	apply_changes()		does it, all or nothing, if the digest is the approved one
 *
 * docs/workspace.md has the archive's format and the rules of each step. All calls return 0 or
 * -errno with @err. No handle may be used by two threads at once.
 */
#ifndef WORKSPACE_WORKSPACE_H
#define WORKSPACE_WORKSPACE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/error.h"
#include "sys/digest.h"
#include "workspace/base.h"
#include "workspace/workspace_limits.h"

#define WORKSPACE_KEY_B 32U

struct ignore;

struct workspace_options {
	const char *folder; /* on the host; a link here is followed, for the user named it */
	const char *const *excludes;			  /* patterns, ends with NULL; or NULL */
	uint64_t size_max_b;				  /* 0: the default */
	const uint8_t *key;				  /* WORKSPACE_KEY_B, see workspace_key() */
	void (*notice)(void *userdata, const char *text); /* one line, escaped; or NULL */
	void *userdata;
};

struct workspace_counts {
	uint32_t files, folders, links;
	uint32_t left_out; /* by patterns; a folder counts once */
	uint32_t skipped;  /* sockets, devices, FIFOs, other file systems: each with a notice */
	uint64_t data_b;
};

/** A workspace. Members are for the files of this layer. */
struct workspace {
	struct workspace_options options;
	int root_fd;
	char *root; /* as the kernel names it */
	uint64_t dev, ino;
	uint8_t key[WORKSPACE_KEY_B];
	struct ignore *ignore;
	struct base base;
	struct workspace_counts counts;
	bool sent;
};

/**
 * workspace_key() - the key with which this user's journals are sealed; made when there is none.
 * @dirfd:	the user's state folder
 *
 * A journal says what is to be renamed in a workspace, and a workspace may come from anybody:
 * without the key, whoever ships a folder could ship a journal with it.
 */
int workspace_key(int dirfd, uint8_t ret[WORKSPACE_KEY_B], struct ironclaw_error *err);

/**
 * workspace_open() - open a folder, recover it (workspace_recover()), and look at all that is in
 * it.
 *
 * The strings of @options must live as long as the handle. Return: 0; -EBUSY when an apply goes on
 * there, -E2BIG and -EFBIG for too many entries or too much data, -EACCES for what cannot be read
 */
int workspace_open(const struct workspace_options *options, struct workspace **ret,
		   struct ironclaw_error *err);

/** workspace_free() - NULL is fine. */
void workspace_free(struct workspace *ws);

/**
 * workspace_send() - write the copy as an archive, once.
 * @fd:	blocking; SIGPIPE is the caller's matter
 *
 * May run in a thread of its own, as long as nothing else uses the handle. A file that changes
 * while it is read is sent again, once. Memory does not depend on sizes.
 *
 * Return: 0; -EBUSY for a file that changes all the time, or was replaced; -EPIPE; -errno
 */
int workspace_send(struct workspace *ws, int fd, struct ironclaw_error *err);

/**
 * workspace_recover() - finish or undo what an apply that was killed left in a folder.
 *
 * What was decided is done, what was not is undone; afterwards the tree is the old or the new one,
 * and nothing is left. May be called at any time, again and again, by any number of processes.
 *
 * Return: 0, also when there was nothing to do; -EBUSY when an apply goes on; -EBADMSG when what is
 * there is not sealed with our key (it is left alone); -ENOTRECOVERABLE, once, as apply_changes();
 * -errno
 */
int workspace_recover(int root_fd, const uint8_t key[WORKSPACE_KEY_B], struct ironclaw_error *err);

/* Below: what the VM made of it. */

struct stage_entry {
	char *path;
	char *link;
	enum tar_type type;
	bool deleted, opaque;
	uint32_t mode; /* 0 to 07777, as the guest said */
	uint64_t size;
	uint32_t content; /* of a file: its number */
	uint8_t digest[DIGEST_B];
};

/** What was received: entries, and a folder with their content. */
struct stage {
	int dir_fd; /* holds its lock */
	char *dir;  /* path, removed by stage_free() */
	struct stage_entry *entries;
	size_t n;
};

struct receive;

struct receive_options {
	const char *folder;  /* where to make the stage: private, with room for the changes; in it
				"stage.*" that no living process has goes */
	const char *program; /* ironclaw-unpack */
	uint64_t size_max_b; /* of all data; 0: WORKSPACE_SIZE_DEFAULT_B */
};

/** receive_start() - start the confined reader. Return: 0; -EPERM when it cannot be confined */
int receive_start(const struct receive_options *options, struct receive **ret,
		  struct ironclaw_error *err);

/**
 * receive_data() - bytes of the guest, as they come; may block while the reader is busy.
 * Return: 0; -EPIPE when the reader gave up: receive_finish() says why
 */
int receive_data(struct receive *receive, const void *data, size_t len);

/**
 * receive_finish() - all bytes came: wait for the reader, check its index, hash the content.
 * @ret:	to be given to stage_free()
 *
 * The handle is gone afterwards. Return: 0; -EBADMSG for an archive that is refused
 */
int receive_finish(struct receive *receive, struct stage **ret, struct ironclaw_error *err);

/** receive_cancel() - end the reader and remove the stage; NULL is fine. */
void receive_cancel(struct receive *receive);

/** stage_free() - remove the folder; NULL is fine. */
void stage_free(struct stage *stage);

enum change_kind {
	CHANGE_CREATED = 1,
	CHANGE_EDITED, /* content of a file, target of a link */
	CHANGE_MODE,   /* permissions only */
	CHANGE_TYPE,   /* a file became a folder, and so on */
	CHANGE_DELETED,
	CHANGE_KINDS
};

/** Why a change may act on the host later, beyond being there. */
enum change_risk {
	RISK_NONE = 0,
	RISK_EXECUTABLE, /* gains, keeps or changes a bit x */
	RISK_TOOL,	 /* read and obeyed by a tool that a user runs in the folder */
	RISK_AUTOMATIC,	 /* obeyed without being asked for: hooks, editor tasks, shell rc, CI */
	RISK_LINK_OUT,	 /* a link that leads out of the workspace */
	RISK_KINDS
};

/** A change. Strings belong to workspace and stage. */
struct change {
	enum change_kind kind;
	enum change_risk risk;
	const char *why;       /* of a risk: for people; static */
	bool odd_name;	       /* holds what is not printable ASCII */
	bool had_special_mode; /* the guest set setuid, setgid or sticky: dropped */
	const char *path;
	const struct base_entry *before; /* NULL: created */
	const struct stage_entry *after; /* NULL: deleted */
	uint32_t mode;			 /* afterwards: 0 to 0777 */
	bool selected;
};

struct changes {
	const struct workspace *ws;
	const struct stage *stage;
	struct change *changes; /* in the order of paths */
	size_t n;
	uint32_t counts[CHANGE_KINDS];
	uint32_t left_out; /* in paths that the workspace leaves out: never applied */
};

/**
 * changes_compare() - hold a stage against what was sent. Both must outlive the result.
 *
 * What is the same is no change, whatever the guest says. All are selected. Return: 0; -EINVAL when
 * nothing was sent, -ENOMEM
 */
int changes_compare(const struct workspace *ws, const struct stage *stage, struct changes **ret,
		    struct ironclaw_error *err);

void changes_free(struct changes *changes);

/**
 * changes_select() - choose a change or not, with what it needs.
 *
 * With a new entry come the new folders that hold it, with a folder that goes come all deletions
 * beneath; and the other way round, what depends on a change that is not chosen is not chosen
 * either.
 */
void changes_select(struct changes *changes, size_t index, bool selected);

void changes_select_all(struct changes *changes, bool selected);

/**
 * changes_digest() - SHA-256 that names the selection: folder, paths, kinds, modes, contents before
 * and after.
 */
void changes_digest(const struct changes *changes, uint8_t ret[DIGEST_B]);

/** Where a change met something that is not as it was when it was copied. */
struct conflict {
	const struct change *change;
	char host[128]; /* what is there now, for people */
};

#define APPLY_CONFLICTS_MAX 64U

struct apply_result {
	size_t applied;
	size_t n_conflicts; /* all of them */
	struct conflict conflicts[APPLY_CONFLICTS_MAX];
	size_t n_relinked; /* files with other names (hard links): those keep the old content */
};

/**
 * apply_changes() - carry out the selection, all or nothing.
 * @approved:	what changes_digest() said when it was approved
 * @ret:	filled on success, and when the host's files had changed
 *
 * Return: 0; -EPERM when the selection is not the approved one; -ESTALE when something is not as it
 * was when it was copied: *ret says what, and nothing was changed; -EOPNOTSUPP when the file system
 * cannot exchange two files; -EBUSY when another apply goes on; -ENOTRECOVERABLE when somebody
 * changed the folder meanwhile so that something could not be put back, or put something into what
 * went: @err says where it is now; -errno: nothing was changed. ret->applied says whether it was
 */
int apply_changes(const struct changes *changes, const uint8_t approved[DIGEST_B],
		  struct apply_result *ret, struct ironclaw_error *err);

/**
 * workspace_rebase() - what was sent, with the selection in it that was applied: what later stages
 * of the same VM are compared with.
 * @changes:	that were applied; they live on @ret_old from now on
 * @ret_old:	for base_done(), after changes_free()
 *
 * Return: 0, -ENOMEM
 */
int workspace_rebase(struct workspace *ws, const struct changes *changes, struct base *ret_old);

#endif
