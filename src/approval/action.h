/* SPDX-License-Identifier: Apache-2.0 */
/**
 * action.h - what somebody wants to do to the world outside of the VM, exactly.
 *
 * An action is classed by what it does, never by words in its text: its kind says where it acts,
 * its effects what it does there. Whoever fills it in takes both from what will happen (the changes
 * of a workspace, the call of a tool), not from what a model or a server says about it. Zero is an
 * unknown kind without a known effect, which is the most dangerous one.
 */
#ifndef APPROVAL_ACTION_H
#define APPROVAL_ACTION_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "sys/digest.h"

#define APPROVAL_TARGET_MAX_B	 512U
#define APPROVAL_ARGUMENTS_MAX_B (1024U * 1024U)
#define APPROVAL_PATHS_MAX	 1000000U

enum approval_kind {
	APPROVAL_UNKNOWN,
	APPROVAL_GUEST,		  /* acts inside the VM only */
	APPROVAL_WORKSPACE_READ,  /* reads the copy that the VM has */
	APPROVAL_WORKSPACE_APPLY, /* changes the host's folder */
	APPROVAL_MCP_TOOL,	  /* calls a tool outside of the VM */
	APPROVAL_KIND_MAX
};

/** What it does outside; bits. */
#define APPROVAL_CREATES 1U
#define APPROVAL_EDITS	 2U /* contents, modes, targets of links */
#define APPROVAL_DELETES 4U
#define APPROVAL_RUNS_CODE                                                                         \
	8U /* something that runs on the host later: a hook, a task of an editor */

/** Ordered by danger, from the most; zero is the most. */
enum approval_risk {
	APPROVAL_CRITICAL,
	APPROVAL_HIGH,
	APPROVAL_MEDIUM,
	APPROVAL_GREEN, /* needs no approval */
	APPROVAL_RISK_MAX
};

struct approval_action {
	enum approval_kind kind;
	const char *target;    /* "SERVER/TOOL", or the absolute path of the workspace */
	const char *arguments; /* of a tool: canonical JSON; else NULL */
	const char
		*content; /* digest of all that the kind says beside: see approval_pin(); or NULL */
	const char *const *paths; /* relative, every one that changes */
	size_t n_paths;
	uint32_t effects;
};

/** approval_kind_name() - "workspace-apply"; "unknown" for every number that is no kind. */
const char *approval_kind_name(enum approval_kind kind);

/** approval_risk_name() - "critical", "high", "medium" or "green". */
const char *approval_risk_name(enum approval_risk risk);

/**
 * approval_canonical() - JSON text in the one form that is compared and hashed: keys sorted, no
 * blanks, ASCII.
 * @text, @len:	hostile bytes; one object, at most APPROVAL_ARGUMENTS_MAX_B, without duplicate keys
 * @ret:	owned by the caller
 *
 * Return: 0, -EINVAL, -ENOMEM
 */
int approval_canonical(const char *text, size_t len, char **ret, struct ironclaw_error *err);

/**
 * approval_pin() - a digest over several texts, for content: each counts with its length, so no two
 * lists have the same.
 */
void approval_pin(const char *const *texts, size_t n, char ret_hex[DIGEST_HEX_B + 1]);

/**
 * approval_digest() - SHA-256 over all of an action. Two actions have the same only when they are
 * the same. This is what an approval is bound to.
 */
void approval_digest(const struct approval_action *action, char ret_hex[DIGEST_HEX_B + 1]);

/** approval_risk_of() - by kind and effects; pure. */
enum approval_risk approval_risk_of(const struct approval_action *action);

#endif
