/* SPDX-License-Identifier: Apache-2.0 */
/** sides.h - the text before a change and after it. */
#ifndef WORKSPACE_SIDES_H
#define WORKSPACE_SIDES_H

#include "workspace/diff.h"
#include "workspace/workspace.h"

/** Both sides; what is not there (a new file's before) is empty. */
struct sides {
	struct diff_text before, after;
	char *before_data, *after_data; /* owned */
	bool is_text;			/* both; else there is nothing in it */
};

/**
 * sides_load() - contents of files, targets of links.
 *
 * What is loaded is held against the digests: it is what was copied, and what came back. Return: 0;
 * -ESTALE when the host's file is not what was copied any more; -EBADMSG for the stage's; -errno
 */
int sides_load(const struct changes *changes, const struct change *change, struct sides *ret);

/** sides_done() - for cleanup(). */
void sides_done(struct sides *sides);

#endif
