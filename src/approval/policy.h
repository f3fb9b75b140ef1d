/* SPDX-License-Identifier: Apache-2.0 */
/**
 * policy.h - what the user decided beforehand: rules in a JSON file, and the decision.
 *
 *   {"rules": [
 *     {"name": "docs", "decision": "allow", "workspace": "/home/me/site",
 *      "paths": ["docs", "src/pages"], "effects": ["create", "edit"]},
 *     {"name": "tickets", "decision": "allow", "tool": "tracker/get",
 *      "arguments": {"project": {"equals": "web"}, "id": {"any": true},
 *                    "file": {"path": "/srv/pub"}}, "expires": "2027-01-31T00:00:00Z"},
 *     {"name": "never", "decision": "deny", "tool": "tracker/delete"}]}
 *
 * A rule that denies wins over every one that allows, and may leave open what it does not care for.
 * One that allows must say all: for a workspace the paths and effects, for a tool each argument
 * that a call has; its "pin" ties it to the tool's description and schema (approval_pin()). What
 * may run code on the host later is never allowed by a rule. Paths are compared by components;
 * whether a link leads out of them the one who follows it must see to.
 */
#ifndef APPROVAL_POLICY_H
#define APPROVAL_POLICY_H

#include <stdint.h>

#include "approval/action.h"
#include "base/paths.h"
#include "codec/violations.h"

#define POLICY_FILE_MAX_B (256U * 1024U)
#define POLICY_RULES_MAX  256U
#define POLICY_NAME_MAX_B 64U
#define POLICY_PATHS_MAX  256U

struct policy;

/**
 * policy_parse() - read a policy, all or nothing.
 * @text, @len:	hostile bytes
 * @ret:	for policy_free()
 * @list:	gets every mistake
 *
 * Return: 0, -EINVAL, -ENOMEM
 */
int policy_parse(const char *text, size_t len, struct policy **ret, struct violations *list);

/**
 * policy_load() - read the policy file.
 * @file:	NULL: CONFIG/policy.json, which need not be there
 * @ret:	for policy_free(); NULL without a file
 *
 * The file must be ours or root's, and writable for nobody else.
 *
 * Return: 0; -errno with nothing that allows anything: a broken policy is no reason to go on as if
 * there were none, for what it denies is not known
 */
int policy_load(const struct paths *paths, const char *file, struct policy **ret,
		struct ironclaw_error *err);

void policy_free(struct policy *policy);

/** Zero is the most careful of each. */
enum approval_answer { APPROVAL_DENY, APPROVAL_ASK, APPROVAL_ALLOW };

struct approval_verdict {
	enum approval_answer answer;
	enum approval_risk risk;
	const char *rule; /* of the policy that decided, or NULL; lives as long as it does */
};

/**
 * approval_decide() - the decision; pure.
 * @policy:	or NULL
 * @now_s:	seconds since 1970, for the rules that end
 */
struct approval_verdict approval_decide(const struct policy *policy, int64_t now_s,
					const struct approval_action *action);

/** policy_path_below() - whether normal path @path is @prefix or lies below it, by components. */
bool policy_path_below(const char *path, const char *prefix);

#endif
