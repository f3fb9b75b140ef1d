/* SPDX-License-Identifier: Apache-2.0 */
/** commit.h - carry a journal out, or take it back. For apply.c. */
#ifndef WORKSPACE_COMMIT_H
#define WORKSPACE_COMMIT_H

#include "workspace/journal.h"

#define COMMIT_LOCK_MS 10000U

/** A workspace with a journal in it. */
struct commit {
	int root_fd, dir_fd; /* borrowed; of the journal's folder */
	const struct journal *journal;
	size_t failed; /* which operation met something else than was expected */
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
 * everything was taken back
 */
int commit_do(struct commit *c);

/** commit_remove() - remove the journal, its record first. Return: 0, -errno */
int commit_remove(int root_fd, int dir_fd);

#endif
