/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gate_tool.c - asks for an approval as the program's own parts do, for tests/it/approvals.bats.
 *
 *   gate_tool nobody|terminal|queue MARK [OPTION=VALUE...]
 *
 * OPTION: kind (apply, tool), target, effects (a number), timeout (ms), policy (a file),
 * description, line (again and again), lines (so many made up). With the approval consumed it makes
 * the file MARK, which is the effect. Exit code 0 with the effect, 1 without.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "approval/gate.h"
#include "base/cleanup.h"

#define LINES_MAX 100000

static const char *lines[LINES_MAX];
static const char *const changed[] = {"a"};

struct setting {
	struct approval_action action;
	struct approval_card card;
	uint64_t timeout_ms;
	const char *policy;
};

static void made_up(struct setting *s, size_t n)
{
	for (size_t i = 0; i < n && s->card.n_lines < LINES_MAX; i++) {
		char *text = NULL;

		if (asprintf(&text, "line number %zu", i + 1) < 0)
			exit(2);
		lines[s->card.n_lines++] = text;
	}
}

static void set(struct setting *s, const char *arg)
{
	const char *value = strchr(arg, '=');
	size_t len = value ? (size_t)(value - arg) : 0;

	if (!value)
		exit(2);
	value++;
	if (strncmp(arg, "kind", len) == 0)
		s->action.kind = strcmp(value, "tool") == 0    ? APPROVAL_MCP_TOOL
				 : strcmp(value, "apply") == 0 ? APPROVAL_WORKSPACE_APPLY
							       : APPROVAL_UNKNOWN;
	else if (strncmp(arg, "target", len) == 0)
		s->action.target = value;
	else if (strncmp(arg, "effects", len) == 0)
		s->action.effects = (uint32_t)atoi(value);
	else if (strncmp(arg, "timeout", len) == 0)
		s->timeout_ms = (uint64_t)atoll(value);
	else if (strncmp(arg, "policy", len) == 0)
		s->policy = value;
	else if (strncmp(arg, "description", len) == 0)
		s->card.description = value;
	else if (len == 5 && strncmp(arg, "lines", len) == 0)
		made_up(s, (size_t)atoi(value));
	else if (s->card.n_lines < LINES_MAX)
		lines[s->card.n_lines++] = value;
}

static int fail(const struct ironclaw_error *err)
{
	(void)fprintf(stderr, "gate_tool: %s\n", err->text);
	return 1;
}

int main(int argc, char **argv)
{
	struct setting s = {.action = {.kind = APPROVAL_WORKSPACE_APPLY,
				       .target = "/home/me/site",
				       .paths = changed,
				       .n_paths = 1,
				       .effects = APPROVAL_EDITS},
			    .card = {.lines = lines}};
	cleanup(audit_log_close) struct audit_log log = {.dirfd = -EBADF};
	struct ironclaw_error err = {0};
	struct approval_grant grant;
	struct policy *policy = NULL;
	enum approval_way way;
	struct paths paths;
	FILE *mark;

	if (argc < 3)
		return 2;
	way = strcmp(argv[1], "terminal") == 0 ? APPROVAL_ASK_TERMINAL
	      : strcmp(argv[1], "queue") == 0  ? APPROVAL_ASK_QUEUE
					       : APPROVAL_ASK_NOBODY;
	for (int i = 3; i < argc; i++)
		set(&s, argv[i]);
	if (paths_get(&paths, &err) < 0 || policy_load(&paths, s.policy, &policy, &err) < 0 ||
	    audit_log_open(&paths, &log, &err) < 0)
		return fail(&err);
	{
		struct approval_gate gate = {&paths, &log, policy, s.timeout_ms, "vm"};

		if (approval_obtain(&gate, &s.action, &s.card, way, &grant, &err) < 0 ||
		    approval_consume(&gate, &grant, &s.action, &err) < 0)
			return fail(&err);
	}
	mark = fopen(argv[2], "wxe");
	if (!mark)
		return 1;
	(void)fclose(mark);
	policy_free(policy);
	return 0;
}
