/* SPDX-License-Identifier: Apache-2.0 */
/* action.c - what somebody wants to do outside of the VM; see action.h. */
#include "approval/action.h"

#include <errno.h>
#include <jansson.h>
#include <string.h>

#include <sodium.h>

#define ALL_EFFECTS (APPROVAL_CREATES | APPROVAL_EDITS | APPROVAL_DELETES | APPROVAL_RUNS_CODE)

const char *approval_kind_name(enum approval_kind kind)
{
	static const char *const names[] = {
		[APPROVAL_UNKNOWN] = "unknown",
		[APPROVAL_GUEST] = "guest",
		[APPROVAL_WORKSPACE_READ] = "workspace-read",
		[APPROVAL_WORKSPACE_APPLY] = "workspace-apply",
		[APPROVAL_MCP_TOOL] = "mcp-tool",
	};

	return names[(unsigned int)kind < APPROVAL_KIND_MAX ? kind : APPROVAL_UNKNOWN];
}

const char *approval_risk_name(enum approval_risk risk)
{
	static const char *const names[] = {[APPROVAL_CRITICAL] = "critical",
					    [APPROVAL_HIGH] = "high",
					    [APPROVAL_MEDIUM] = "medium",
					    [APPROVAL_GREEN] = "green"};

	return names[(unsigned int)risk < APPROVAL_RISK_MAX ? risk : APPROVAL_CRITICAL];
}

int approval_canonical(const char *text, size_t len, char **ret, struct ironclaw_error *err)
{
	json_error_t error;
	json_t *root;
	char *out;

	if (len > APPROVAL_ARGUMENTS_MAX_B)
		return err_set(err, IRONCLAW_ERR_INVALID, EINVAL, "the arguments are too large");
	root = json_loadb(text, len, JSON_REJECT_DUPLICATES, &error);
	if (!root && json_error_code(&error) == json_error_out_of_memory)
		return err_sys(err, ENOMEM, "arguments");
	if (!root || !json_is_object(root)) {
		json_decref(root);
		return err_set(err, IRONCLAW_ERR_INVALID, EINVAL,
			       "the arguments are no JSON object");
	}
	out = json_dumps(root, JSON_SORT_KEYS | JSON_COMPACT | JSON_ENSURE_ASCII);
	json_decref(root);
	if (!out)
		return err_sys(err, ENOMEM, "arguments");
	*ret = out;
	return 0;
}

static void add_number(crypto_hash_sha256_state *h, uint64_t n)
{
	uint8_t bytes[8];

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(n >> (8 * i));
	(void)crypto_hash_sha256_update(h, bytes, sizeof(bytes));
}

/* With its length in front; NULL is told from the empty text. */
static void add_text(crypto_hash_sha256_state *h, const char *text)
{
	if (!text) {
		add_number(h, UINT64_MAX);
		return;
	}
	add_number(h, strlen(text));
	(void)crypto_hash_sha256_update(h, (const uint8_t *)text, strlen(text));
}

static void finish(crypto_hash_sha256_state *h, char ret_hex[DIGEST_HEX_B + 1])
{
	uint8_t raw[DIGEST_B];

	(void)crypto_hash_sha256_final(h, raw);
	(void)sodium_bin2hex(ret_hex, DIGEST_HEX_B + 1, raw, sizeof(raw));
}

void approval_pin(const char *const *texts, size_t n, char ret_hex[DIGEST_HEX_B + 1])
{
	crypto_hash_sha256_state h;

	(void)crypto_hash_sha256_init(&h);
	add_text(&h, "ironclaw content 1");
	add_number(&h, n);
	for (size_t i = 0; i < n; i++)
		add_text(&h, texts[i]);
	finish(&h, ret_hex);
}

void approval_digest(const struct approval_action *action, char ret_hex[DIGEST_HEX_B + 1])
{
	crypto_hash_sha256_state h;

	(void)crypto_hash_sha256_init(&h);
	add_text(&h, "ironclaw action 1");
	add_number(&h, (uint64_t)action->kind);
	add_number(&h, action->effects);
	add_text(&h, action->target);
	add_text(&h, action->arguments);
	add_text(&h, action->content);
	add_number(&h, action->n_paths);
	for (size_t i = 0; i < action->n_paths; i++)
		add_text(&h, action->paths[i]);
	finish(&h, ret_hex);
}

enum approval_risk approval_risk_of(const struct approval_action *action)
{
	switch (action->kind) {
	case APPROVAL_GUEST:
	case APPROVAL_WORKSPACE_READ:
		return action->effects ? APPROVAL_CRITICAL : APPROVAL_GREEN;
	case APPROVAL_WORKSPACE_APPLY:
		if (action->effects == 0 || (action->effects & ~ALL_EFFECTS) ||
		    (action->effects & APPROVAL_DELETES))
			return APPROVAL_CRITICAL;
		return action->effects == APPROVAL_CREATES ? APPROVAL_MEDIUM : APPROVAL_HIGH;
	case APPROVAL_MCP_TOOL:
		/* It runs code outside; what that does only its server knows. */
		return action->effects & (APPROVAL_DELETES | ~ALL_EFFECTS) ? APPROVAL_CRITICAL
									   : APPROVAL_HIGH;
	case APPROVAL_UNKNOWN:
	case APPROVAL_KIND_MAX:
		break;
	}
	return APPROVAL_CRITICAL;
}
