/* SPDX-License-Identifier: Apache-2.0 */
/** commit.h - carry a journal out, or take it back. For apply.c. */
#ifndef WORKSPACE_COMMIT_H
#define WORKSPACE_COMMIT_H

#include "workspace/journal.h"

#define COMMIT_LOCK_MS 10000U
#define COMMIT_RESCUED WORKSPACE_RESERVED "rescued-" /* and 8 digits: a journal put aside */

/** A workspace with a journal in it. */
struct commit {
	int root_fd, dir_fd; /* borrowed; of the journal's folder */
	const struct journal *journal;
	size_t failed;		     /* which operation met something else than was expected */
	size_t n_stranded, stranded; /* that could not be taken back, and the first of them */
};

/**
 * commit_lock() - nobody else applies, recovers or looks at this workspace while it is held.
 * @how:	LOCK_EX, LOCK_SH
 *
 * Return: descriptor, whose end is the lock's; -EBUSY after COMMIT_LOCK_MS; -errno
 */
int commit_lock(int root_fd, int how);

/** commit_write() - write the record, and with that decide. Return: 0; -errno: not decided */
int commit_write(const struct commit *c, const uint8_t key[WORKSPACE_KEY_B]);

/**
 * commit_do() - do what is not done yet; all of it, or take all of it back.
 *
 * Return: 0; -ESTALE when something was not as it was checked (c->failed), -errno; both after
 * everything was taken back, but for c->n_stranded: then commit_rescue() comes next, for the
 * journal holds the only copy of something
 */
int commit_do(struct commit *c);

/**
 * commit_rescue() - put the journal aside with all that is in it, and say where it is.
 *
 * Return: -ENOTRECOVERABLE, with the sentence
 */
int commit_rescue(const struct commit *c, struct ironclaw_error *err);

/**
 * commit_remove() - remove the journal, its record first. What cannot be removed, such as a folder
 * into which somebody has put something since, is put aside like a rescued journal.
 *
 * Return: 0; -ENOTRECOVERABLE, with the sentence; -errno
 */
int commit_remove(int root_fd, int dir_fd, struct ironclaw_error *err);

#endif
