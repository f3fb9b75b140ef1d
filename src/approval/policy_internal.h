/* SPDX-License-Identifier: Apache-2.0 */
/** policy_internal.h - a policy as it was read; for policy_parse.c and policy.c only. */
#ifndef APPROVAL_POLICY_INTERNAL_H
#define APPROVAL_POLICY_INTERNAL_H

#include <jansson.h>

#include "approval/policy.h"

/** Strings are the document's. */
struct policy_rule {
	const char *name, *target;
	const char *pin; /* the tool's content must be this; NULL: any */
	enum approval_kind kind;
	bool allow;
	json_t *arguments; /* object of constraints; NULL: any */
	json_t *paths;	   /* array of strings; NULL: any */
	uint32_t effects;  /* of a rule that allows */
	int64_t expires_s; /* INT64_MAX: never */
};

struct policy {
	json_t *document;
	struct policy_rule *rules;
	size_t n_rules;
};

/** policy_path_normal() - no empty, "." or ".." component; "/" and "." alone are fine. */
bool policy_path_normal(const char *path);

#endif
