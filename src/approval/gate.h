/* SPDX-License-Identifier: Apache-2.0 */
/**
 * gate.h - approvals: given once, used once, for exactly one action.
 *
 *   approval_obtain()   decide by policy; where that does not, ask on the terminal or through the
 *                       queue; the answer is recorded in the audit log, and a yes makes a grant
 *   approval_grant()    the same for an answer that was got elsewhere (a flag, a workspace's own
 *   approval_refuse()   question)
 *   approval_consume()  called where the effect happens, just before it, with the action as it will
 *                       be carried out
 *
 * A grant is a file RUN/approvals/ID.grant, ID being 128 random bits. It holds the digest of the
 * action, who gave it, and when it ends. To use it is to unlink it, which succeeds for one process
 * once; only then is it read and compared, so that a wrong use uses it up as well. It is good for
 * this boot of the host and by the clock that no one can set back. Consuming writes the audit
 * record of the effect: no record, no effect.
 *
 * The folder is 0700, so other users neither see nor make grants. What runs as the user himself
 * outside of every VM could; that is the user.
 */
#ifndef APPROVAL_GATE_H
#define APPROVAL_GATE_H

#include "approval/policy.h"
#include "audit/log.h"

#define APPROVAL_ID_B	      32U /* hexadecimal */
#define APPROVAL_TIMEOUT_MS   300000U
#define APPROVAL_USER_MAX_B   33U
#define APPROVAL_DETAIL_MAX_B 65U

enum approval_how {
	APPROVAL_BY_TERMINAL, /* detail: the terminal */
	APPROVAL_BY_QUEUE,    /* detail: the terminal of `approvals approve`, or empty */
	APPROVAL_BY_POLICY,   /* detail: the rule */
	APPROVAL_BY_FLAG,     /* detail: the flag */
	APPROVAL_HOW_MAX
};

/** Who said it. */
struct approval_by {
	enum approval_how how;
	uint32_t uid;
	char user[APPROVAL_USER_MAX_B];
	char detail[APPROVAL_DETAIL_MAX_B];
};

/** approval_by_caller() - this process's user; @detail may be foreign text. */
struct approval_by approval_by_caller(enum approval_how how, const char *detail);

/** The gate of one process. What it points to is the caller's. */
struct approval_gate {
	const struct paths *paths;
	struct audit_log *log;
	const struct policy *policy; /* or NULL */
	uint64_t timeout_ms; /* of a question (ask.h) and of a grant; 0: APPROVAL_TIMEOUT_MS */
	const char *vm_id;   /* for the records; or NULL */
};

struct approval_grant {
	char id[APPROVAL_ID_B + 1];
};

/** approval_grant() - record a yes. Return: 0 with a grant to consume, -errno */
int approval_grant(const struct approval_gate *gate, const struct approval_action *action,
		   const struct approval_by *by, struct approval_grant *ret,
		   struct ironclaw_error *err);

/** approval_refuse() - record a no; @why: "denied", "timeout", ... Return: -EPERM, or -errno */
int approval_refuse(const struct approval_gate *gate, const struct approval_action *action,
		    const struct approval_by *by, const char *why, struct ironclaw_error *err);

/** What a person reads before the answer; each line is one row, whatever is in it. */
struct approval_card {
	const char *description;
	const char *const *lines;
	size_t n_lines;
};

enum approval_way { APPROVAL_ASK_NOBODY, APPROVAL_ASK_TERMINAL, APPROVAL_ASK_QUEUE };

/**
 * approval_obtain() - decide, and ask where the policy does not.
 *
 * Return: 0 with a grant; -EPERM (IRONCLAW_ERR_CANCELLED) when it was denied, by whatever: the
 * policy, a person, no answer in time, nobody to ask; -errno. All but 0 mean: do not.
 */
int approval_obtain(const struct approval_gate *gate, const struct approval_action *action,
		    const struct approval_card *card, enum approval_way way,
		    struct approval_grant *ret, struct ironclaw_error *err);

/**
 * approval_consume() - use a grant up, now, for @action.
 * @grant:	hostile: an id that comes from anywhere
 *
 * Green actions need no grant and have none: they are not to be passed here.
 *
 * Return: 0, and the caller carries out exactly @action; -EPERM when there is no such grant, it was
 * used, has expired, or is for something else; -errno. After any return the grant is gone.
 */
int approval_consume(const struct approval_gate *gate, const struct approval_grant *grant,
		     const struct approval_action *action, struct ironclaw_error *err);

#endif
