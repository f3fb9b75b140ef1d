/* SPDX-License-Identifier: Apache-2.0 */
/* journal.c - what an apply is about to do, as a sealed record; see journal.h. */
#include "workspace/journal.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

#define SEAL_B crypto_auth_hmacsha256_BYTES

/* The machine's own byte order: a journal is finished where it was begun. No padding in it. */
struct head {
	char magic[8];
	uint64_t root_ino, dir_ino, ops;
};

struct record {
	uint32_t kind, number;
	uint64_t new_ino, old_ino, new_size, old_size;
	int64_t new_mtime_ns, old_mtime_ns;
	uint32_t old_mode, new_mode, path_length, zero;
};

static const char magic[8] = "ICapply2";

int journal_add(struct journal *journal, const struct journal_op *op)
{
	struct journal_op *added;

	if (journal->n == journal->room) {
		size_t room = journal->room ? 2 * journal->room : 64;

		added = realloc(journal->ops, room * sizeof(*added));
		if (!added)
			return -ENOMEM;
		journal->ops = added;
		journal->room = room;
	}
	added = &journal->ops[journal->n];
	*added = *op;
	added->path = strdup(op->path);
	if (!added->path)
		return -ENOMEM;
	journal->n++;
	return 0;
}

void journal_done(struct journal *journal)
{
	for (size_t i = 0; i < journal->n; i++)
		free(journal->ops[i].path);
	free(journal->ops);
	*journal = (struct journal){.n = 0};
}

static uint8_t *put(uint8_t *at, const void *data, size_t len)
{
	memcpy(at, data, len);
	return at + len;
}

int journal_encode(const struct journal *journal, const uint8_t key[WORKSPACE_KEY_B], uint8_t **ret,
		   size_t *ret_len)
{
	struct head head = {.root_ino = journal->root_ino,
			    .dir_ino = journal->dir_ino,
			    .ops = journal->n};
	size_t len = sizeof(head);
	uint8_t *record, *at;

	memcpy(head.magic, magic, sizeof(magic));
	for (size_t i = 0; i < journal->n; i++)
		len += sizeof(struct record) + strlen(journal->ops[i].path);
	if (journal->n > JOURNAL_OPS_MAX || len + SEAL_B > JOURNAL_MAX_B)
		return -EFBIG;
	record = malloc(len + SEAL_B);
	if (!record)
		return -ENOMEM;
	at = put(record, &head, sizeof(head));
	for (size_t i = 0; i < journal->n; i++) {
		const struct journal_op *op = &journal->ops[i];
		const struct record r = {
			.kind = op->kind,
			.number = op->number,
			.new_ino = op->new_ino,
			.old_ino = op->old_ino,
			.new_size = op->new_size,
			.old_size = op->old_size,
			.new_mtime_ns = op->new_mtime_ns,
			.old_mtime_ns = op->old_mtime_ns,
			.old_mode = op->old_mode,
			.new_mode = op->new_mode,
			.path_length = (uint32_t)strlen(op->path),
		};

		at = put(at, &r, sizeof(r));
		at = put(at, op->path, r.path_length);
	}
	(void)crypto_auth_hmacsha256(at, record, len, key);
	*ret = record;
	*ret_len = len + SEAL_B;
	return 0;
}

static int decode_op(const uint8_t **at, size_t *left, struct journal *journal)
{
	char path[TAR_PATH_MAX_B + 1];
	struct record r;

	if (*left < sizeof(r))
		return -EBADMSG;
	memcpy(&r, *at, sizeof(r));
	*at += sizeof(r);
	*left -= sizeof(r);
	if (r.path_length > TAR_PATH_MAX_B || r.path_length > *left || r.zero || r.kind < 1 ||
	    r.kind >= JOURNAL_KINDS || r.old_mode > 07777 || r.new_mode > 07777 ||
	    memchr(*at, '\0', r.path_length))
		return -EBADMSG;
	memcpy(path, *at, r.path_length);
	path[r.path_length] = '\0';
	*at += r.path_length;
	*left -= r.path_length;
	if (tar_path_check(path))
		return -EBADMSG;
	return journal_add(journal, &(struct journal_op){
					    .kind = (enum journal_kind)r.kind,
					    .number = r.number,
					    .new_ino = r.new_ino,
					    .old_ino = r.old_ino,
					    .new_size = r.new_size,
					    .old_size = r.old_size,
					    .new_mtime_ns = r.new_mtime_ns,
					    .old_mtime_ns = r.old_mtime_ns,
					    .old_mode = r.old_mode,
					    .new_mode = r.new_mode,
					    .path = path,
				    });
}

int journal_decode(const uint8_t *record, size_t len, const uint8_t key[WORKSPACE_KEY_B],
		   struct journal *ret)
{
	cleanup(journal_done) struct journal journal = {.n = 0};
	struct head head;

	if (len < sizeof(head) + SEAL_B ||
	    crypto_auth_hmacsha256_verify(record + len - SEAL_B, record, len - SEAL_B, key) != 0)
		return -EBADMSG;
	len -= SEAL_B + sizeof(head);
	memcpy(&head, record, sizeof(head));
	record += sizeof(head);
	if (memcmp(head.magic, magic, sizeof(magic)) != 0 || head.ops > JOURNAL_OPS_MAX)
		return -EBADMSG;
	journal.root_ino = head.root_ino;
	journal.dir_ino = head.dir_ino;
	for (uint64_t i = 0; i < head.ops; i++) {
		int r = decode_op(&record, &len, &journal);

		if (r < 0)
			return r;
	}
	if (len > 0)
		return -EBADMSG;
	*ret = journal;
	journal = (struct journal){.n = 0};
	return 0;
}
