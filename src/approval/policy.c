/* SPDX-License-Identifier: Apache-2.0 */
/* policy.c - the decision; see policy.h. */
#include <string.h>

#include "approval/policy_internal.h"

bool policy_path_below(const char *path, const char *prefix)
{
	size_t len = strlen(prefix);

	if (!policy_path_normal(path) || !policy_path_normal(prefix))
		return false;
	if ((path[0] == '/') != (prefix[0] == '/'))
		return false;
	if (strcmp(prefix, ".") == 0 || strcmp(prefix, "/") == 0)
		return true;
	return strncmp(path, prefix, len) == 0 && (path[len] == '\0' || path[len] == '/');
}

static bool below_any(const char *path, json_t *prefixes)
{
	size_t i;
	json_t *prefix;

	json_array_foreach(prefixes, i, prefix)
	{
		if (policy_path_below(path, json_string_value(prefix)))
			return true;
	}
	return false;
}

static bool argument_fits(json_t *constraint, json_t *value)
{
	json_t *equals = json_object_get(constraint, "equals");
	const char *path = json_string_value(json_object_get(constraint, "path"));

	if (equals)
		return json_equal(equals, value);
	if (path)
		return json_is_string(value) && policy_path_below(json_string_value(value), path);
	return true; /* any */
}

/* Each constraint has an argument that fits it; @exact: and there are no others. */
static bool arguments_fit(json_t *constraints, json_t *call, bool exact)
{
	const char *key;
	json_t *constraint;

	if (exact && json_object_size(call) != json_object_size(constraints))
		return false;
	json_object_foreach(constraints, key, constraint)
	{
		json_t *value = json_object_get(call, key);

		if (!value || !argument_fits(constraint, value))
			return false;
	}
	return true;
}

/* What cannot be read fits a rule that denies, and none that allows. */
static bool call_fits(const struct policy_rule *rule, const char *arguments)
{
	json_t *call = arguments ? json_loads(arguments, JSON_REJECT_DUPLICATES, NULL) : NULL;
	bool fit = json_is_object(call) ? arguments_fit(rule->arguments, call, rule->allow)
					: !rule->allow;

	json_decref(call);
	return fit;
}

static bool concerns(const struct policy_rule *rule, int64_t now_s,
		     const struct approval_action *action)
{
	return rule->kind == action->kind && action->target && now_s < rule->expires_s &&
	       strcmp(rule->target, action->target) == 0;
}

/* One forbidden path is enough. */
static bool denies(const struct policy_rule *rule, const struct approval_action *action)
{
	if (rule->paths) {
		for (size_t i = 0; i < action->n_paths; i++) {
			if (below_any(action->paths[i], rule->paths))
				return true;
		}
		return false;
	}
	return !rule->arguments || call_fits(rule, action->arguments);
}

static bool allows(const struct policy_rule *rule, const struct approval_action *action)
{
	if (action->effects & APPROVAL_RUNS_CODE)
		return false;
	if (rule->kind == APPROVAL_MCP_TOOL)
		return (!rule->pin ||
			(action->content && strcmp(rule->pin, action->content) == 0)) &&
		       call_fits(rule, action->arguments);
	if (action->n_paths == 0 || action->effects == 0 || (action->effects & ~rule->effects))
		return false;
	for (size_t i = 0; i < action->n_paths; i++) {
		if (!below_any(action->paths[i], rule->paths))
			return false;
	}
	return true;
}

struct approval_verdict approval_decide(const struct policy *policy, int64_t now_s,
					const struct approval_action *action)
{
	struct approval_verdict v = {APPROVAL_ASK, approval_risk_of(action), NULL};

	if (v.risk == APPROVAL_GREEN) {
		v.answer = APPROVAL_ALLOW;
		return v;
	}
	for (size_t i = 0; policy && i < policy->n_rules; i++) {
		const struct policy_rule *rule = &policy->rules[i];

		if (!concerns(rule, now_s, action))
			continue;
		if (!rule->allow && denies(rule, action)) {
			v.answer = APPROVAL_DENY;
			v.rule = rule->name;
			return v;
		}
		if (rule->allow && v.answer == APPROVAL_ASK && allows(rule, action)) {
			v.answer = APPROVAL_ALLOW;
			v.rule = rule->name;
		}
	}
	return v;
}
