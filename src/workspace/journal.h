/* SPDX-License-Identifier: Apache-2.0 */
/**
 * journal.h - what an apply is about to do, as a sealed record.
 *
 * The record lies in the workspace, and a workspace may come from anybody. So it is sealed with a
 * key of the user's (HMAC-SHA-256), names the folder that it is for, and is read as foreign bytes
 * even so.
 */
#ifndef WORKSPACE_JOURNAL_H
#define WORKSPACE_JOURNAL_H

#include <stddef.h>
#include <stdint.h>

#include "workspace/workspace.h"

#define JOURNAL_DIR	".ironclaw-apply" /* in the workspace, 0700 */
#define JOURNAL_RECORD	"record"	  /* in it; with the new files, which are called 0, 1 ... */
#define JOURNAL_OPS_MAX (3 * WORKSPACE_ENTRIES_MAX)
#define JOURNAL_MAX_B	(256U * 1024U * 1024U)

enum journal_kind {
	JOURNAL_TAKE = 1, /* what is at the path goes into the journal */
	JOURNAL_PUT,	  /* what is in the journal goes to the path, where nothing is */
	JOURNAL_SWAP,	  /* both at once */
	JOURNAL_MODE,	  /* a folder gets other permissions */
	JOURNAL_KINDS
};

struct journal_op {
	enum journal_kind kind;
	uint32_t number;		    /* name in the journal */
	uint64_t new_ino, old_ino;	    /* what is put, what is taken */
	uint64_t new_size, old_size;	    /* of files, as they were made and checked */
	int64_t new_mtime_ns, old_mtime_ns; /* the same; 0 of others */
	uint32_t old_mode, new_mode;	    /* JOURNAL_MODE: 0 to 07777 */
	char *path;
};

struct journal {
	uint64_t root_ino, dir_ino;
	struct journal_op *ops; /* in the order in which they are done */
	size_t n, room;
};

/** journal_add() - append an operation with a copy of its path. Return: 0, -ENOMEM */
int journal_add(struct journal *journal, const struct journal_op *op);

void journal_done(struct journal *journal);

/** journal_encode() - the sealed record; to be freed. Return: 0, -ENOMEM, -EFBIG */
int journal_encode(const struct journal *journal, const uint8_t key[WORKSPACE_KEY_B], uint8_t **ret,
		   size_t *ret_len);

/**
 * journal_decode() - read a record, all or nothing.
 * @ret:	for journal_done()
 *
 * Return: 0; -EBADMSG when it is not sealed with this key, or is none; -ENOMEM
 */
int journal_decode(const uint8_t *record, size_t len, const uint8_t key[WORKSPACE_KEY_B],
		   struct journal *ret);

#endif
