/* SPDX-License-Identifier: Apache-2.0 */
/* gate.c - approvals: given once, used once; see gate.h. */
#include "approval/gate.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "approval/ask.h"
#include "approval/queue.h"
#include "approval/store.h"
#include "base/cleanup.h"
#include "base/escape.h"

#define QUESTION_MAX_B 4096U

struct approval_by approval_by_caller(enum approval_how how, const char *detail)
{
	struct approval_by by = {.how = how, .uid = geteuid()};
	struct passwd entry, *found = NULL;
	char buf[4096];

	if (getpwuid_r(by.uid, &entry, buf, sizeof(buf), &found) == 0 && found)
		escape_text(by.user, sizeof(by.user), found->pw_name, strlen(found->pw_name));
	escape_text(by.detail, sizeof(by.detail), detail, strlen(detail));
	return by;
}

static uint64_t timeout_ms(const struct approval_gate *gate)
{
	return gate->timeout_ms ? gate->timeout_ms : APPROVAL_TIMEOUT_MS;
}

static int check(const struct approval_action *action, struct ironclaw_error *err)
{
	if (!action->target || action->target[0] == '\0' ||
	    strlen(action->target) > APPROVAL_TARGET_MAX_B)
		return err_set(err, IRONCLAW_ERR_INVALID, EINVAL,
			       "an action's target must have 1 to %u bytes", APPROVAL_TARGET_MAX_B);
	if (action->n_paths > APPROVAL_PATHS_MAX)
		return err_set(err, IRONCLAW_ERR_INVALID, E2BIG, "an action has too many paths");
	return 0;
}

static const char *how_name(enum approval_how how)
{
	static const char *const names[] = {"terminal", "queue", "policy", "flag"};

	ic_assert((unsigned int)how < APPROVAL_HOW_MAX);
	return names[how];
}

/* Arguments and paths may hold secrets: the digest stands for them. */
static int record_decision(const struct approval_gate *gate, const struct approval_action *action,
			   const struct approval_by *by, const char *id, const char *answer,
			   struct ironclaw_error *err)
{
	char digest[DIGEST_HEX_B + 1];
	struct audit_field fields[] = {audit_text("answer", answer),
				       audit_text("action", approval_kind_name(action->kind)),
				       audit_text("target", action->target),
				       audit_text("risk",
						  approval_risk_name(approval_risk_of(action))),
				       audit_text("sha256", digest),
				       audit_text("approval", id),
				       audit_text("how", how_name(by->how)),
				       audit_number("uid", by->uid),
				       audit_text("user", by->user),
				       audit_text("detail", by->detail)};
	struct audit_event event = {AUDIT_DECISION, gate->vm_id, fields, ARRAY_SIZE(fields)};

	approval_digest(action, digest);
	return audit_log_append(gate->log, &event, err);
}

int approval_grant(const struct approval_gate *gate, const struct approval_action *action,
		   const struct approval_by *by, struct approval_grant *ret,
		   struct ironclaw_error *err)
{
	struct store_grant grant = {.by = *by};
	cleanup_close int dirfd = -EBADF;
	int r = check(action, err);

	if (r < 0)
		return r;
	dirfd = store_open(gate->paths, true, err);
	if (dirfd < 0)
		return dirfd;
	r = store_end_in(timeout_ms(gate), &grant.end);
	if (r < 0)
		return err_sys(err, -r, "cannot read the clock");
	store_id_make(grant.id);
	approval_digest(action, grant.digest);
	r = record_decision(gate, action, by, grant.id, "allowed", err);
	if (r < 0)
		return r;
	r = store_grant_write(dirfd, &grant);
	if (r < 0)
		return err_sys(err, -r, "cannot store the approval");
	memcpy(ret->id, grant.id, sizeof(ret->id));
	return 0;
}

int approval_refuse(const struct approval_gate *gate, const struct approval_action *action,
		    const struct approval_by *by, const char *why, struct ironclaw_error *err)
{
	int r = check(action, err);

	if (r == 0)
		r = record_decision(gate, action, by, NULL, why, err);
	if (r < 0)
		return r;
	r = err_set(err, IRONCLAW_ERR_CANCELLED, EPERM, "%s of '%s' was not approved: %s",
		    approval_kind_name(action->kind), action->target, why);
	return r;
}

static int ask_terminal(const struct approval_gate *gate, const struct approval_action *action,
			const struct approval_card *card, enum approval_risk risk,
			struct approval_grant *ret, struct ironclaw_error *err)
{
	static const char *const choices[] = {"yes", "no", NULL};
	char head[QUESTION_MAX_B], target[2 * ESCAPE_GROWTH * APPROVAL_TARGET_MAX_B];
	char terminal[APPROVAL_DETAIL_MAX_B] = "";
	struct ask_question question = {.title = head,
					.description = card->description,
					.lines = card->lines,
					.n_lines = card->n_lines,
					.choices = choices,
					.critical = risk == APPROVAL_CRITICAL,
					.timeout_ms = timeout_ms(gate)};
	struct approval_by by;
	size_t choice = 1;
	int r;

	escape_name(target, sizeof(target), action->target, strlen(action->target));
	(void)snprintf(head, sizeof(head), "approve? [%s] %s: %.3900s", approval_risk_name(risk),
		       approval_kind_name(action->kind), target);
	r = ask_choice(&question, &choice, terminal, err);
	by = approval_by_caller(APPROVAL_BY_TERMINAL, terminal);
	if (r == 0 && choice == 0)
		return approval_grant(gate, action, &by, ret, err);
	return approval_refuse(gate, action, &by, r == 0 ? "denied" : ask_failure(r), err);
}

static int ask_queue(const struct approval_gate *gate, const struct approval_action *action,
		     const struct approval_card *card, struct approval_grant *ret,
		     struct ironclaw_error *err)
{
	struct queue_reply reply = {false, approval_by_caller(APPROVAL_BY_QUEUE, "")};
	int r = queue_ask(gate->paths, action, card, timeout_ms(gate), &reply, err);
	const char *why = r == 0	    ? "denied"
			  : r == -ETIMEDOUT ? "timeout"
			  : r == -E2BIG	    ? "too large to be shown in the queue"
					    : "the queue failed";

	if (r == 0 && reply.yes)
		return approval_grant(gate, action, &reply.by, ret, err);
	return approval_refuse(gate, action, &reply.by, why, err);
}

int approval_obtain(const struct approval_gate *gate, const struct approval_action *action,
		    const struct approval_card *card, enum approval_way way,
		    struct approval_grant *ret, struct ironclaw_error *err)
{
	struct approval_verdict v = approval_decide(gate->policy, (int64_t)time(NULL), action);
	struct approval_by by = approval_by_caller(APPROVAL_BY_POLICY, v.rule ? v.rule : "default");
	int r = check(action, err);

	if (r < 0)
		return r;
	if (v.answer == APPROVAL_ALLOW)
		return approval_grant(gate, action, &by, ret, err);
	if (v.answer == APPROVAL_DENY)
		return approval_refuse(gate, action, &by, "denied", err);
	switch (way) {
	case APPROVAL_ASK_TERMINAL:
		return ask_terminal(gate, action, card, v.risk, ret, err);
	case APPROVAL_ASK_QUEUE:
		return ask_queue(gate, action, card, ret, err);
	case APPROVAL_ASK_NOBODY:
		break;
	}
	return approval_refuse(gate, action, &by, "nobody to ask", err);
}

static int refuse_use(struct ironclaw_error *err, const char *why)
{
	return err_set(err, IRONCLAW_ERR_CANCELLED, EPERM, "not approved: %s", why);
}

int approval_consume(const struct approval_gate *gate, const struct approval_grant *grant,
		     const struct approval_action *action, struct ironclaw_error *err)
{
	char digest[DIGEST_HEX_B + 1];
	struct audit_field fields[] = {audit_text("approval", grant->id),
				       audit_text("action", approval_kind_name(action->kind)),
				       audit_text("target", action->target),
				       audit_text("sha256", digest)};
	struct audit_event event = {action->kind == APPROVAL_WORKSPACE_APPLY ? AUDIT_APPLY
									     : AUDIT_TOOL_CALL,
				    gate->vm_id, fields, ARRAY_SIZE(fields)};
	cleanup_close int dirfd = -EBADF;
	struct store_grant stored;
	int r;

	if (!store_id_valid(grant->id))
		return refuse_use(err, "that is no approval");
	dirfd = store_open(gate->paths, false, err);
	if (dirfd == -ENOENT)
		return refuse_use(err, "there is no such approval, or it was used");
	if (dirfd < 0)
		return dirfd;
	r = store_grant_take(dirfd, grant->id, &stored);
	if (r == -ENOENT)
		return refuse_use(err, "there is no such approval, or it was used");
	if (r == -EBADMSG)
		return refuse_use(err, "the approval is damaged");
	if (r < 0)
		return err_sys(err, -r, "cannot use the approval");
	if (store_end_over(&stored.end))
		return refuse_use(err, "the approval has expired");
	approval_digest(action, digest);
	if (strcmp(digest, stored.digest) != 0)
		return refuse_use(err, "the approval is for another action");
	r = check(action, err);
	return r < 0 ? r : audit_log_append(gate->log, &event, err);
}
