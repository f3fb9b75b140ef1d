/* SPDX-License-Identifier: Apache-2.0 */
/**
 * queue.h - questions that wait for `ironclaw approvals`.
 *
 * Who asks writes RUN/approvals/ID.pending and looks for ID.answer, five times a second. Who
 * answers makes that file, which must not exist: the first answer counts. It names the digest of
 * the action that was shown, and belongs to who gave it, which the kernel says: the user.
 * Who asks compares the digest with that of his own action, so a question that was exchanged
 * between showing and answering is answered by nothing. The files go when the question is over; of
 * an asker who died, with the next command here.
 */
#ifndef APPROVAL_QUEUE_H
#define APPROVAL_QUEUE_H

#include "approval/store.h"

#define QUEUE_ENTRY_MAX_B (8U * 1024U * 1024U)
#define QUEUE_LINES_MAX	  200000U
#define QUEUE_LIST_MAX	  1024U

/** A question, as its file has it; texts are foreign. */
struct queue_entry {
	char id[APPROVAL_ID_B + 1], digest[DIGEST_HEX_B + 1];
	char kind[32], risk[16], asked[32];
	char target[APPROVAL_TARGET_MAX_B + 1];
	uint64_t pid, pid_start;
	struct store_end end;
	char *description;
	char **lines; /* n_lines */
	size_t n_lines;
};

/** What was answered, and by whom. */
struct queue_reply {
	bool yes;
	struct approval_by by;
};

/**
 * queue_ask() - ask, and wait for the answer.
 *
 * Return: 0 with *ret; -ETIMEDOUT; -E2BIG for a card that is too large for the queue; -errno
 */
int queue_ask(const struct paths *paths, const struct approval_action *action,
	      const struct approval_card *card, uint64_t timeout_ms, struct queue_reply *ret,
	      struct ironclaw_error *err);

/**
 * queue_entry_parse() - all or nothing; hostile bytes, at most QUEUE_ENTRY_MAX_B.
 * @ret:	for queue_entry_done()
 *
 * Return: 0, -EBADMSG, -ENOMEM
 */
int queue_entry_parse(const char *text, size_t len, struct queue_entry *ret);

void queue_entry_done(struct queue_entry *entry);

/**
 * queue_list() - the questions that wait; sweeps what is over.
 * @ret:	ids, owned by the caller; at most QUEUE_LIST_MAX
 */
int queue_list(const struct paths *paths, char (**ret)[APPROVAL_ID_B + 1], size_t *ret_n,
	       struct ironclaw_error *err);

/**
 * queue_find() - one of them.
 * @id:		hostile; the whole one
 *
 * Return: 0; -ENOENT when it does not wait (any more), -EINVAL for what is no id
 */
int queue_find(const struct paths *paths, const char *id, struct queue_entry *ret,
	       struct ironclaw_error *err);

/** queue_answer() - Return: 0, -EEXIST when somebody was first, -errno */
int queue_answer(const struct paths *paths, const struct queue_entry *entry, bool yes,
		 const struct approval_by *by, struct ironclaw_error *err);

#endif
