/* SPDX-License-Identifier: Apache-2.0 */
/* client_gate.c - what of a client needs an approval; see client_gate.h. */
#include "mcp/client_gate.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

#define TEXTS_MAX (MCP_ARGS_MAX + MCP_ENV_MAX + 3)

static void cleanup_jsonp(json_t **json)
{
	json_decref(*json);
}

/* The canonical form, which the gate compares; it refuses what has none. */
static int canonical(const json_t *arguments, char **ret, struct ironclaw_error *err)
{
	cleanup_free char *text = json_dumps(arguments, JSON_COMPACT);

	if (!text)
		return err_sys(err, ENOMEM, "arguments");
	return approval_canonical(text, strlen(text), ret, err);
}

/* Asks, with the arguments as a person reads them, and uses the answer up. */
static int decide(const struct mcp_client_options *options, const struct approval_action *action,
		  const char *description, const json_t *arguments, struct ironclaw_error *err)
{
	cleanup_free char *shown =
		json_dumps(arguments, JSON_INDENT(2) | JSON_SORT_KEYS | JSON_ENSURE_ASCII);
	cleanup_free const char **lines = NULL;
	struct approval_card card = {.description = description};
	struct approval_grant grant;
	char *rest = shown;
	int r;

	for (const char *c = shown; c && *c; c++)
		card.n_lines += *c == '\n';
	lines = shown ? calloc(card.n_lines + 1, sizeof(*lines)) : NULL;
	if (!lines)
		return err_sys(err, ENOMEM, "approval");
	for (size_t i = 0; i <= card.n_lines; i++)
		lines[i] = strsep(&rest, "\n");
	card.n_lines++;
	card.lines = lines;
	r = approval_obtain(options->gate, action, &card, options->way, &grant, err);
	return r == 0 ? approval_consume(options->gate, &grant, action, err) : r;
}

static void pin_start(const struct mcp_server_config *config, char ret_hex[DIGEST_HEX_B + 1])
{
	const char *texts[TEXTS_MAX];
	size_t n = 0;

	for (const char *const *a = config->argv; *a; a++)
		texts[n++] = *a;
	texts[n++] = NULL;
	for (const char *const *e = config->env; e && *e; e++)
		texts[n++] = *e;
	texts[n++] = NULL;
	texts[n++] = config->cwd;
	approval_pin(texts, n, ret_hex);
}

static json_t *start_arguments(const struct mcp_server_config *config)
{
	json_t *command = json_array(), *names = json_array();
	int r = command && names ? 0 : -1;

	for (const char *const *a = config->argv; r == 0 && *a; a++)
		r = json_array_append_new(command, json_string(*a));
	for (const char *const *e = config->env; r == 0 && e && *e; e++)
		r = json_array_append_new(names, json_stringn(*e, strcspn(*e, "=")));
	if (r < 0) {
		json_decref(command);
		json_decref(names);
		return NULL;
	}
	return json_pack("{s:o, s:o, s:s*}", "command", command, "env", names, "cwd", config->cwd);
}

int mcp_gate_start(const struct mcp_client_options *options, struct ironclaw_error *err)
{
	const struct mcp_server_config *config = options->config;
	cleanup(cleanup_jsonp) json_t *arguments = start_arguments(config);
	char target[MCP_SERVER_NAME_MAX_B + 2], pin[DIGEST_HEX_B + 1], text[160];
	struct approval_action action = {.kind = APPROVAL_MCP_TOOL,
					 .target = target,
					 .content = pin};
	cleanup_free char *plain = NULL;
	int r;

	if (!arguments)
		return err_sys(err, ENOMEM, "approval");
	(void)snprintf(target, sizeof(target), "%s/", config->name);
	(void)snprintf(text, sizeof(text),
		       "start the MCP server '%s' ON THIS HOST, outside of the VM", config->name);
	pin_start(config, pin);
	r = canonical(arguments, &plain, err);
	action.arguments = plain;
	return r == 0 ? decide(options, &action, text, arguments, err) : r;
}

int mcp_gate_call(const struct mcp_client_options *options, const struct mcp_client_tool *tool,
		  const char *pin, const json_t *arguments, struct ironclaw_error *err)
{
	const struct mcp_server_config *config = options->config;
	char target[MCP_SERVER_NAME_MAX_B + MCP_RAW_NAME_MAX_B + 2], text[320];
	struct approval_action action = {.kind = APPROVAL_MCP_TOOL,
					 .target = target,
					 .content = pin};
	cleanup_free char *plain = NULL;
	int r;

	(void)snprintf(target, sizeof(target), "%s/%s", config->name, tool->raw_name);
	(void)snprintf(text, sizeof(text), "call the tool '%s' of the MCP server '%s' %s",
		       tool->raw_name, config->name,
		       config->where == MCP_ON_HOST ? "ON THIS HOST" : "over HTTP");
	r = canonical(arguments, &plain, err);
	action.arguments = plain;
	return r == 0 ? decide(options, &action, text, arguments, err) : r;
}
