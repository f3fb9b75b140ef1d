/* SPDX-License-Identifier: Apache-2.0 */
/* gated.c - the only way from changes to the host's folder; see gated.h. */
#include "workspace/gated.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>

#include "base/cleanup.h"

static uint32_t effects_of(const struct change *c)
{
	uint32_t effects = c->risk != RISK_NONE ? APPROVAL_RUNS_CODE : 0;

	switch (c->kind) {
	case CHANGE_CREATED:
		return effects | APPROVAL_CREATES;
	case CHANGE_DELETED:
		return effects | APPROVAL_DELETES;
	case CHANGE_TYPE:
		return effects | APPROVAL_CREATES | APPROVAL_DELETES;
	case CHANGE_EDITED:
	case CHANGE_MODE:
	case CHANGE_KINDS:
	default:
		return effects | APPROVAL_EDITS;
	}
}

int gated_changes_make(const struct changes *changes, struct gated_changes *ret)
{
	uint8_t digest[DIGEST_B];

	*ret = (struct gated_changes){.paths = calloc(changes->n + 1, sizeof(*ret->paths))};
	if (!ret->paths)
		return -ENOMEM;
	ret->action.kind = APPROVAL_WORKSPACE_APPLY;
	ret->action.target = changes->ws->root;
	ret->action.paths = ret->paths;
	for (size_t i = 0; i < changes->n; i++) {
		const struct change *c = &changes->changes[i];

		if (!c->selected)
			continue;
		ret->paths[ret->action.n_paths++] = c->path;
		ret->action.effects |= effects_of(c);
	}
	changes_digest(changes, digest);
	(void)sodium_bin2hex(ret->content, sizeof(ret->content), digest, sizeof(digest));
	ret->action.content = ret->content;
	return 0;
}

void gated_changes_free(struct gated_changes *gated)
{
	free(gated->paths);
	*gated = (struct gated_changes){.paths = NULL};
}

/* The act is over, whatever becomes of its record: a failure to write it is only told. */
static void record_outcome(const struct approval_gate *gate, const struct approval_grant *grant,
			   const struct changes *changes, const struct apply_result *result,
			   const struct ironclaw_error *why)
{
	const struct workspace_options *options = &changes->ws->options;
	struct ironclaw_error err = {.code = IRONCLAW_ERR_NONE};
	struct audit_field fields[] = {audit_text("approval", grant->id),
				       audit_text("target", changes->ws->root),
				       audit_number("applied", result->applied),
				       audit_number("conflicts", result->n_conflicts),
				       audit_number("error", why ? why->code : IRONCLAW_ERR_NONE)};
	struct audit_event event = {AUDIT_OUTCOME, gate->vm_id, fields,
				    ARRAY_SIZE(fields) - (why ? 0 : 2)};

	if (audit_log_append(gate->log, &event, &err) == 0)
		return;
	err_prefix(&err, "the changes were %s, but the audit log does not say so",
		   result->applied == 0 ? "not applied" : "applied");
	if (options->notice)
		options->notice(options->userdata, err.text);
}

int gated_apply(const struct approval_gate *gate, const struct approval_grant *grant,
		const struct changes *changes, struct apply_result *ret, struct ironclaw_error *err)
{
	cleanup(gated_changes_free) struct gated_changes gated;
	struct ironclaw_error own = {.code = IRONCLAW_ERR_NONE}, *why = err ? err : &own;
	uint8_t digest[DIGEST_B];
	int r = gated_changes_make(changes, &gated);

	if (r < 0)
		return err_sys(err, -r, "no room for the paths of the changes");
	r = approval_consume(gate, grant, &gated.action, err);
	if (r < 0)
		return r;
	changes_digest(changes, digest);
	r = apply_changes(changes, digest, ret, why);
	record_outcome(gate, grant, changes, ret, r < 0 ? why : NULL);
	return r;
}
