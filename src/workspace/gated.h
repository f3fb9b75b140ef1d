/* SPDX-License-Identifier: Apache-2.0 */
/**
 * gated.h - changes of a workspace as an action of the gate, and their apply with its grant.
 */
#ifndef WORKSPACE_GATED_H
#define WORKSPACE_GATED_H

#include "approval/gate.h"
#include "workspace/workspace.h"

/** The action that applying a selection is. */
struct gated_changes {
	struct approval_action action;
	char content[DIGEST_HEX_B + 1];
	const char **paths;
};

/**
 * gated_changes_make() - the selection as it is now, as an action.
 * @ret:	for gated_changes_free(); borrows from @changes
 *
 * Return: 0, -ENOMEM
 */
int gated_changes_make(const struct changes *changes, struct gated_changes *ret);

void gated_changes_free(struct gated_changes *gated);

/**
 * gated_apply() - use a grant up for the selection, and carry it out.
 * @grant:	hostile: for whatever it was given
 *
 * What is compared with the grant is made of the changes here, not by the caller. Return: 0; -EPERM
 * without a good grant, nothing was changed; else as apply_changes(), with a record of the outcome
 * in the audit log. When that cannot be written, the workspace's notice says so, and the value
 * stays.
 */
int gated_apply(const struct approval_gate *gate, const struct approval_grant *grant,
		const struct changes *changes, struct apply_result *ret,
		struct ironclaw_error *err);

#endif
