/* SPDX-License-Identifier: Apache-2.0 */
/*
 * changes.c - what the workspace has become, and its way to the host; see sandbox.h.
 *
 * The VM's archive always says all that differs from the copy that was sent. What was applied moves
 * into the base that it is compared with (workspace_rebase()), so it is no change any more, and
 * what somebody else does on the host meanwhile is still found: at the next apply, path by path.
 */
#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "base/cleanup.h"
#include "sandbox/sandbox_internal.h"
#include "workspace/card.h"
#include "workspace/gated.h"
#include "workspace/in_vm.h"

void sandbox_forget_changes(struct sandbox *s)
{
	changes_free(s->changes);
	stage_free(s->stage);
	base_done(&s->old_base);
	s->changes = NULL;
	s->stage = NULL;
	s->applied = false;
}

int sandbox_changes(struct sandbox *s, struct changes **ret, struct ironclaw_error *err)
{
	int r;

	err_clear(err);
	if (!s->ws)
		return err_set(err, IRONCLAW_ERR_INVALID, EINVAL,
			       "there is no workspace in this sandbox");
	sandbox_forget_changes(s);
	r = in_vm_receive(s->ws, s->vm, s->guest_path, &s->paths, &s->stage, err);
	if (r == 0)
		r = changes_compare(s->ws, s->stage, &s->changes, err);
	if (r < 0) {
		sandbox_forget_changes(s);
		return r;
	}
	*ret = s->changes;
	return 0;
}

static int require_selection(const struct sandbox *s, struct ironclaw_error *err)
{
	for (size_t i = 0; s->changes && !s->applied && i < s->changes->n; i++)
		if (s->changes->changes[i].selected)
			return 0;
	return err_set(err, IRONCLAW_ERR_NOT_FOUND, ENODATA, "there are no changes to apply");
}

int sandbox_approve(const struct sandbox *s, enum approval_way way, struct approval_grant *ret,
		    struct ironclaw_error *err)
{
	/* Another thread may append to the sandbox's own. */
	cleanup(audit_log_close) struct audit_log log = {.dirfd = -EBADF};
	cleanup(gated_changes_free) struct gated_changes gated = {.paths = NULL};
	cleanup(card_rows_done) struct card_rows rows = {.text = NULL};
	struct approval_gate gate = s->gate;
	struct approval_card card;
	int r;

	err_clear(err);
	r = require_selection(s, err);
	if (r == 0)
		r = audit_log_open(&s->paths, &log, err);
	if (r < 0)
		return r;
	gate.log = &log;
	r = card_rows_make(s->changes, way == APPROVAL_ASK_QUEUE ? CARD_ALL : CARD_OVERVIEW, 0,
			   &rows, err);
	if (r < 0)
		return r;
	if (gated_changes_make(s->changes, &gated) < 0)
		return err_sys(err, ENOMEM, "no room for the changes");
	card = (struct approval_card){.description = s->ws->root,
				      .lines = rows.lines,
				      .n_lines = rows.n};
	return approval_obtain(&gate, &gated.action, &card, way, ret, err);
}

/* Return: 0; -ENOMEM: what was applied will be told once more, and be in conflict */
static int rebase(struct sandbox *s, struct ironclaw_error *err)
{
	s->applied = true;
	if (workspace_rebase(s->ws, s->changes, &s->old_base) == 0)
		return 0;
	return err_sys(err, ENOMEM,
		       "the changes were applied, but there is no room to remember them");
}

int sandbox_apply(struct sandbox *s, const struct approval_grant *grant, struct apply_result *ret,
		  struct ironclaw_error *err)
{
	int r, based;

	err_clear(err);
	r = require_selection(s, err);
	if (r < 0)
		return r;
	*ret = (struct apply_result){.applied = 0};
	r = gated_apply(&s->gate, grant, s->changes, ret, err);
	/* A journal that could not be removed, say: they are on the host all the same. */
	if (ret->applied == 0)
		return r;
	based = rebase(s, r < 0 ? NULL : err);
	return r < 0 ? r : based;
}
