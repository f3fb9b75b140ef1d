/* SPDX-License-Identifier: Apache-2.0 */
/* policy_parse.c - read a policy; see policy.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "approval/policy_internal.h"
#include "base/cleanup.h"
#include "base/name.h"
#include "sys/file.h"

#define FIELD_B VIOLATION_FIELD_MAX_B

static void field_name(char ret[FIELD_B], size_t rule, const char *key)
{
	(void)snprintf(ret, FIELD_B, "rules[%zu].%s", rule, key);
}

bool policy_path_normal(const char *path)
{
	const char *at = path;

	if (strcmp(path, "/") == 0 || strcmp(path, ".") == 0)
		return true;
	if (*at == '/')
		at++;
	for (;;) {
		size_t len = strcspn(at, "/");

		if (len == 0 || (len == 1 && at[0] == '.') ||
		    (len == 2 && memcmp(at, "..", 2) == 0))
			return false;
		if (at[len] == '\0')
			return true;
		at += len + 1;
	}
}

/* "2027-01-31T00:00:00Z", every field in its bounds. */
static bool parse_time(const char *text, int64_t *ret_s)
{
	struct tm tm = {0}, again;
	const char *end = strptime(text, "%Y-%m-%dT%H:%M:%SZ", &tm);
	char back[32];
	time_t t;

	if (!end || *end != '\0' || strlen(text) != sizeof("2027-01-31T00:00:00Z") - 1)
		return false;
	t = timegm(&tm);
	/* The 31st of February becomes another day, and is told by that. */
	if (!gmtime_r(&t, &again) ||
	    strftime(back, sizeof(back), "%Y-%m-%dT%H:%M:%SZ", &again) == 0 ||
	    strcmp(back, text) != 0)
		return false;
	*ret_s = (int64_t)t;
	return true;
}

/* An effect's bit; 0 for no effect that a rule may name. */
static uint32_t effect_of(const char *text)
{
	if (strcmp(text, "create") == 0)
		return APPROVAL_CREATES;
	if (strcmp(text, "edit") == 0)
		return APPROVAL_EDITS;
	return strcmp(text, "delete") == 0 ? APPROVAL_DELETES : 0;
}

static void take_effects(json_t *value, const char *field, struct policy_rule *rule,
			 struct violations *list)
{
	size_t i;
	json_t *item;

	if (!json_is_array(value) || json_array_size(value) == 0) {
		violations_add(list, field, "must be a list of create, edit and delete");
		return;
	}
	json_array_foreach(value, i, item)
	{
		uint32_t bit = json_is_string(item) ? effect_of(json_string_value(item)) : 0;

		if (bit == 0)
			violations_add(list, field, "each must be one of: create, edit, delete");
		rule->effects |= bit;
	}
}

static void take_paths(json_t *value, const char *field, struct policy_rule *rule,
		       struct violations *list)
{
	size_t i;
	json_t *item;

	if (!json_is_array(value) || json_array_size(value) == 0 ||
	    json_array_size(value) > POLICY_PATHS_MAX) {
		violations_add(list, field, "must be a list of 1 to %u paths", POLICY_PATHS_MAX);
		return;
	}
	json_array_foreach(value, i, item)
	{
		const char *path = json_string_value(item);

		if (!path || path[0] == '/' || !policy_path_normal(path))
			violations_add(list, field,
				       "each must be a path below the workspace, without empty, "
				       "'.' and '..' parts; '.' alone is all of it");
	}
	rule->paths = value;
}

static bool constraint_good(json_t *value)
{
	const char *path;

	if (!json_is_object(value) || json_object_size(value) != 1)
		return false;
	if (json_object_get(value, "equals") || json_is_true(json_object_get(value, "any")))
		return true;
	path = json_string_value(json_object_get(value, "path"));
	return path && path[0] == '/' && policy_path_normal(path);
}

static void take_arguments(json_t *value, const char *field, struct policy_rule *rule,
			   struct violations *list)
{
	const char *key;
	json_t *item;

	if (!json_is_object(value)) {
		violations_add(list, field, "must be an object of constraints");
		return;
	}
	json_object_foreach(value, key, item)
	{
		if (!constraint_good(item))
			violations_add(list, field,
				       "'%s' must be {\"equals\": VALUE}, {\"path\": \"/DIR\"} or "
				       "{\"any\": true}",
				       key);
	}
	rule->arguments = value;
}

static void take_target(json_t *value, const char *field, enum approval_kind kind,
			struct policy_rule *rule, struct violations *list)
{
	const char *text = json_string_value(value);
	bool workspace = kind == APPROVAL_WORKSPACE_APPLY;

	if (rule->target)
		violations_add(list, field, "a rule has either a workspace or a tool");
	else if (!text || text[0] == '\0' || strlen(text) > APPROVAL_TARGET_MAX_B)
		violations_add(list, field, "must be a text of 1 to %u bytes",
			       APPROVAL_TARGET_MAX_B);
	else if (workspace && (text[0] != '/' || !policy_path_normal(text)))
		violations_add(list, field, "must be an absolute path without '.' and '..' parts");
	else if (!workspace && !strchr(text, '/'))
		violations_add(list, field, "must be SERVER/TOOL");
	rule->target = text;
	rule->kind = kind;
}

static void take_member(const char *key, json_t *value, const char *field, struct policy_rule *rule,
			struct violations *list)
{
	const char *text = json_string_value(value);

	if (strcmp(key, "name") == 0) {
		rule->name = text;
		if (!text || !name_valid(text))
			violations_add(list, field,
				       "must be 1 to %u of [a-z0-9._-], a letter or digit first",
				       POLICY_NAME_MAX_B);
	} else if (strcmp(key, "decision") == 0) {
		rule->allow = text && strcmp(text, "allow") == 0;
		if (!rule->allow && (!text || strcmp(text, "deny") != 0))
			violations_add(list, field, "must be one of: allow, deny");
	} else if (strcmp(key, "workspace") == 0) {
		take_target(value, field, APPROVAL_WORKSPACE_APPLY, rule, list);
	} else if (strcmp(key, "tool") == 0) {
		take_target(value, field, APPROVAL_MCP_TOOL, rule, list);
	} else if (strcmp(key, "paths") == 0) {
		take_paths(value, field, rule, list);
	} else if (strcmp(key, "effects") == 0) {
		take_effects(value, field, rule, list);
	} else if (strcmp(key, "arguments") == 0) {
		take_arguments(value, field, rule, list);
	} else if (strcmp(key, "pin") == 0) {
		rule->pin = text;
		if (!text || !digest_hex_valid(text))
			violations_add(list, field, "must be a SHA-256 in hexadecimal");
	} else if (strcmp(key, "expires") == 0) {
		if (!text || !parse_time(text, &rule->expires_s))
			violations_add(list, field, "must be a time such as 2027-01-31T00:00:00Z");
	} else {
		violations_add(list, field, "unknown field");
	}
}

/* What must be there, and what must not be there beside it. */
static void check_rule(json_t *value, size_t n, const struct policy_rule *rule,
		       struct violations *list)
{
	bool workspace = rule->kind == APPROVAL_WORKSPACE_APPLY;
	const char *const needed[] = {"name", "decision", workspace ? "paths" : "arguments",
				      workspace ? "effects" : NULL};
	const char *const foreign[] = {workspace ? "arguments" : "paths",
				       workspace && rule->allow ? NULL : "effects",
				       workspace || !rule->allow ? "pin" : NULL};
	char field[FIELD_B];

	field_name(field, n, "tool");
	if (!rule->target)
		violations_add(list, field, "is missing, and so is workspace");
	/* A rule that denies may leave the rest open. */
	for (size_t i = 0; i < (rule->allow ? ARRAY_SIZE(needed) : 2); i++) {
		if (!needed[i] || json_object_get(value, needed[i]))
			continue;
		field_name(field, n, needed[i]);
		violations_add(list, field, "is missing");
	}
	for (size_t i = 0; i < ARRAY_SIZE(foreign); i++) {
		if (!foreign[i] || !json_object_get(value, foreign[i]))
			continue;
		field_name(field, n, foreign[i]);
		violations_add(list, field, "does not belong to this kind of rule");
	}
}

static void parse_rule(json_t *value, size_t n, struct policy_rule *rule, struct violations *list)
{
	char field[FIELD_B];
	const char *key;
	json_t *member;

	*rule = (struct policy_rule){.expires_s = INT64_MAX};
	if (!json_is_object(value)) {
		field_name(field, n, "");
		violations_add(list, field, "must be an object");
		return;
	}
	json_object_foreach(value, key, member)
	{
		field_name(field, n, key);
		take_member(key, member, field, rule, list);
	}
	check_rule(value, n, rule, list);
}

static int parse_document(struct policy *policy, struct violations *list)
{
	json_t *rules = json_object_get(policy->document, "rules");
	const char *key;
	json_t *value;

	json_object_foreach(policy->document, key, value)
	{
		if (strcmp(key, "rules") != 0)
			violations_add(list, key, "unknown field");
	}
	if (!json_is_array(rules) || json_array_size(rules) > POLICY_RULES_MAX) {
		violations_add(list, "rules", "must be a list of at most %u rules",
			       POLICY_RULES_MAX);
		return -EINVAL;
	}
	policy->n_rules = json_array_size(rules);
	policy->rules = calloc(policy->n_rules + 1, sizeof(*policy->rules));
	if (!policy->rules)
		return -ENOMEM;
	for (size_t i = 0; i < policy->n_rules; i++)
		parse_rule(json_array_get(rules, i), i, &policy->rules[i], list);
	return list->n_errors > 0 ? -EINVAL : 0;
}

int policy_parse(const char *text, size_t len, struct policy **ret, struct violations *list)
{
	struct policy *policy = calloc(1, sizeof(*policy));
	json_error_t error;
	int r;

	if (!policy)
		return -ENOMEM;
	if (len <= POLICY_FILE_MAX_B)
		policy->document = json_loadb(text, len, JSON_REJECT_DUPLICATES, &error);
	if (len > POLICY_FILE_MAX_B) {
		violations_add(list, "", "must have at most %u bytes", POLICY_FILE_MAX_B);
		r = -EINVAL;
	} else if (!policy->document) {
		violations_add(list, "", "line %d, column %d: %s", error.line, error.column,
			       error.text);
		r = -EINVAL;
	} else if (!json_is_object(policy->document)) {
		violations_add(list, "", "must be a JSON object");
		r = -EINVAL;
	} else {
		r = parse_document(policy, list);
	}
	if (r < 0) {
		policy_free(policy);
		return r;
	}
	*ret = policy;
	return 0;
}

void policy_free(struct policy *policy)
{
	if (!policy)
		return;
	json_decref(policy->document);
	free(policy->rules);
	free(policy);
}

static int read_file(const char *path, char **ret, size_t *ret_len, struct ironclaw_error *err)
{
	struct stat st;
	int r = file_read_bounded(AT_FDCWD, path, POLICY_FILE_MAX_B, ret, ret_len);

	if (r < 0 || stat(path, &st) < 0)
		return err_sys(err, r < 0 ? -r : errno, "cannot read the policy '%s'", path);
	if ((st.st_uid != geteuid() && st.st_uid != 0) || (st.st_mode & 022))
		return err_set(err, IRONCLAW_ERR_INVALID, EPERM,
			       "the policy '%s' can be written by others, so it allows nothing",
			       path);
	return 0;
}

int policy_load(const struct paths *paths, const char *file, struct policy **ret,
		struct ironclaw_error *err)
{
	char path[sizeof(paths->config) + 16];
	struct violations list = {0};
	cleanup_free char *text = NULL;
	size_t len;
	int r;

	(void)snprintf(path, sizeof(path), "%s/policy.json", paths->config);
	if (!file && access(path, F_OK) < 0 && errno == ENOENT) {
		*ret = NULL;
		return 0;
	}
	r = read_file(file ? file : path, &text, &len, err);
	if (r < 0)
		return r;
	r = policy_parse(text, len, ret, &list);
	if (r == -ENOMEM)
		return err_sys(err, ENOMEM, "policy");
	return r < 0 ? violations_to_error(&list, file ? file : path, err) : 0;
}
