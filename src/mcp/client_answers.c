/* SPDX-License-Identifier: Apache-2.0 */
/* client_answers.c - what the answers of a server mean; see client_core.h. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/escape.h"
#include "mcp/client_core.h"

/* Newest first. */
static const char *const legacy_versions[] = {MCP_VERSION_LEGACY, "2025-06-18", "2025-03-26",
					      "2024-11-05"};

static const char *legacy_version(const json_t *value)
{
	for (size_t i = 0; i < ARRAY_SIZE(legacy_versions); i++) {
		if (jsonrpc_is(value, legacy_versions[i]))
			return legacy_versions[i];
	}
	return NULL;
}

void mcp_core_remote_error(const json_t *error, char ret[MCP_REMOTE_TEXT_B])
{
	const json_t *message = json_object_get(error, "message");
	char text[MCP_REMOTE_TEXT_B - 32];

	escape_text(text, sizeof(text), json_string_value(message), json_string_length(message));
	(void)snprintf(ret, MCP_REMOTE_TEXT_B, "%s (error %lld)", text,
		       (long long)json_integer_value(json_object_get(error, "code")));
}

static enum mcp_discovery choose(struct mcp_core *core, const json_t *versions)
{
	bool legacy = false;
	json_t *value;
	size_t i;

	json_array_foreach(versions, i, value)
	{
		if (jsonrpc_is(value, MCP_VERSION_MODERN)) {
			core->era = MCP_ERA_MODERN;
			core->version = MCP_VERSION_MODERN;
			return MCP_DISCOVER_MODERN;
		}
		legacy = legacy || legacy_version(value);
	}
	return legacy ? MCP_DISCOVER_LEGACY : MCP_DISCOVER_NO_VERSION;
}

static bool is_code(const json_t *error, json_int_t code)
{
	return error && json_integer_value(json_object_get(error, "code")) == code;
}

enum mcp_discovery mcp_core_take_discover(struct mcp_core *core, const struct mcp_pending *answer)
{
	const json_t *versions = json_object_get(answer->result, "supportedVersions");

	if (is_code(answer->error, MCP_UNSUPPORTED))
		return choose(core,
			      json_object_get(json_object_get(answer->error, "data"), "supported"));
	/* These two exist in the modern era only, whose one version it was that we asked with. */
	if (is_code(answer->error, MCP_HEADER_MISMATCH) ||
	    is_code(answer->error, MCP_MISSING_CAPABILITY)) {
		core->era = MCP_ERA_MODERN;
		return MCP_DISCOVER_MODERN;
	}
	return json_is_array(versions) ? choose(core, versions) : MCP_DISCOVER_LEGACY;
}

int mcp_core_take_initialize(struct mcp_core *core, const struct mcp_pending *answer,
			     struct ironclaw_error *err)
{
	const json_t *value = json_object_get(answer->result, "protocolVersion");
	const char *version = legacy_version(value);
	char text[MCP_REMOTE_TEXT_B];

	if (answer->error) {
		mcp_core_remote_error(answer->error, text);
		return err_set(err, IRONCLAW_ERR_GUEST, EPROTO, "it refused the handshake: %s",
			       text);
	}
	if (!version) {
		escape_text(text, 64, json_is_string(value) ? json_string_value(value) : "none",
			    json_is_string(value) ? json_string_length(value) : 4);
		return err_set(err, IRONCLAW_ERR_GUEST, EPROTO,
			       "it speaks a version of MCP that is not spoken here: %s", text);
	}
	core->era = MCP_ERA_LEGACY;
	core->version = version;
	return 0;
}

/* What a server of the modern era wants to know before it goes on. */
static int refuse_input(const json_t *result, struct ironclaw_error *err)
{
	json_t *requests = json_object_get(result, "inputRequests"), *request;
	char shown[64] = "something";
	const char *key;

	json_object_foreach(requests, key, request)
	{
		const json_t *method = json_object_get(request, "method");

		if (json_is_string(method))
			escape_text(shown, sizeof(shown), json_string_value(method),
				    json_string_length(method));
		break;
	}
	return err_set(err, IRONCLAW_ERR_GUEST, EREMOTEIO,
		       "the tool asks for input (%s), which no client here gives", shown);
}

static bool content_good(const json_t *result)
{
	json_t *content = json_object_get(result, "content"), *block;
	const json_t *failed = json_object_get(result, "isError");
	size_t i;

	if (!json_is_object(result) || !json_is_array(content) ||
	    (failed && !json_is_boolean(failed)))
		return false;
	json_array_foreach(content, i, block)
	{
		if (!json_is_string(json_object_get(block, "type")))
			return false;
	}
	return true;
}

int mcp_core_check_call(const struct mcp_core *core, const struct mcp_pending *answer,
			struct ironclaw_error *err)
{
	const json_t *kind = json_object_get(answer->result, "resultType");
	char text[MCP_REMOTE_TEXT_B];

	if (answer->error) {
		mcp_core_remote_error(answer->error, text);
		return err_set(err, IRONCLAW_ERR_GUEST, EREMOTEIO,
			       "the server refused the call: %s", text);
	}
	if (core->era == MCP_ERA_MODERN && jsonrpc_is(kind, "input_required"))
		return refuse_input(answer->result, err);
	if (core->era == MCP_ERA_MODERN && kind && !jsonrpc_is(kind, "complete"))
		return err_set(err, IRONCLAW_ERR_GUEST, EPROTO,
			       "the server answered with a kind of result that is not known");
	if (!content_good(answer->result))
		return err_set(err, IRONCLAW_ERR_GUEST, EPROTO,
			       "the server answered with something that is no result of a tool");
	return 0;
}
