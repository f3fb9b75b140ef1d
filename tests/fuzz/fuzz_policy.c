/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_policy.c - any bytes as a policy, and any as the arguments of a call: never a crash, and
 * nothing is allowed that no policy may allow.
 *
 * Input: the policy, a zero byte, the arguments.
 */
#include <stdlib.h>
#include <string.h>

#include "approval/policy.h"
#include "base/cleanup.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition)
{
	if (!condition)
		abort();
}

static void try_kinds(const struct policy *p, const char *arguments)
{
	static const char *const paths[] = {"docs/a", "src/x"}, *const out[] = {"docs/../x"};
	struct approval_action a = {.target = "t/get", .arguments = arguments};
	struct approval_verdict v;

	v = approval_decide(p, 1800000000, &a);
	require(v.answer == APPROVAL_ASK && v.risk == APPROVAL_CRITICAL && !v.rule);
	a.kind = APPROVAL_MCP_TOOL;
	v = approval_decide(p, 1800000000, &a);
	require(v.risk == APPROVAL_HIGH && (v.answer == APPROVAL_ASK) == !v.rule);
	a = (struct approval_action){.kind = APPROVAL_WORKSPACE_APPLY,
				     .target = "/w",
				     .paths = paths,
				     .n_paths = 2,
				     .effects = APPROVAL_EDITS};
	v = approval_decide(p, 1800000000, &a);
	require(v.risk == APPROVAL_HIGH && (v.answer == APPROVAL_ASK) == !v.rule);
	a.effects |= APPROVAL_RUNS_CODE;
	require(approval_decide(p, 1800000000, &a).answer != APPROVAL_ALLOW);
	a.effects = APPROVAL_EDITS;
	a.paths = out;
	a.n_paths = 1;
	require(approval_decide(p, 1800000000, &a).answer != APPROVAL_ALLOW);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *zero = memchr(data, 0, size);
	size_t len = zero ? (size_t)(zero - data) : size;
	cleanup_free char *canonical = NULL, *again = NULL;
	struct violations list = {0};
	struct policy *p = NULL;
	int r = policy_parse((const char *)data, len, &p, &list);

	require((r == 0) == (p != NULL) && (r == 0) == (list.n_errors == 0));
	if (zero &&
	    approval_canonical((const char *)zero + 1, size - len - 1, &canonical, NULL) == 0) {
		/* The canonical form is its own. */
		require(approval_canonical(canonical, strlen(canonical), &again, NULL) == 0);
		require(strcmp(canonical, again) == 0);
	}
	if (p)
		try_kinds(p, canonical);
	policy_free(p);
	return 0;
}
