/* SPDX-License-Identifier: Apache-2.0 */
/* server_call.c - what the program behind the core does with a call: see server.h. */
#include <math.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/utf8.h"
#include "mcp/server_internal.h"

void mcp_call_set_userdata(struct mcp_call *call, void *userdata)
{
	call->userdata = userdata;
}

void *mcp_call_userdata(const struct mcp_call *call)
{
	return call->userdata;
}

struct mcp_session *mcp_call_session(const struct mcp_call *call)
{
	return call->session;
}

struct mcp_sink *mcp_call_sink(const struct mcp_call *call)
{
	return call->sink;
}

const char *mcp_call_version(const struct mcp_call *call)
{
	return call->version;
}

bool mcp_call_is_modern(const struct mcp_call *call)
{
	return call->modern;
}

json_t *mcp_call_params(const struct mcp_call *call)
{
	return call->params;
}

bool mcp_call_client_can(const struct mcp_call *call, const char *capability)
{
	const json_t *all = call->modern
				    ? json_object_get(call->meta, MCP_META("clientCapabilities"))
				    : call->session->capabilities;

	return json_is_object(json_object_get(all, capability));
}

void mcp_call_progress(struct mcp_call *call, double progress, double total, const char *message)
{
	json_t *token = json_object_get(call->meta, "progressToken");

	if ((!json_is_string(token) && !json_is_integer(token)) || !isfinite(progress) ||
	    (call->progressed && progress <= call->progress))
		return;
	call->progressed = true;
	call->progress = progress;
	mcp_call_notify(call, "notifications/progress",
			json_pack("{s:O, s:f, s:o*, s:s*}", "progressToken", token, "progress",
				  progress, "total",
				  total >= 0 && isfinite(total) ? json_real(total) : NULL,
				  "message",
				  strcmp(call->version, MCP_2025_03) >= 0 ? message : NULL));
}

void mcp_call_log(struct mcp_call *call, const char *level, const char *logger, json_t *data)
{
	const json_t *wanted = json_object_get(call->meta, MCP_META("logLevel"));
	json_t *name = json_string(level);
	int least = call->session->log_level;

	if (call->modern)
		least = wanted ? mcp_log_level(wanted) : -1;
	if (name && data && least >= 0 && (call->session->server->features & MCP_LOGGING) &&
	    mcp_log_level(name) >= least)
		mcp_call_notify(call, "notifications/message",
				json_pack("{s:s, s:s*, s:O}", "level", level, "logger", logger,
					  "data", data));
	json_decref(name);
	json_decref(data);
}

/* Members that every modern result has, or those of its method. */
static void add_modern(const struct mcp_call *call, json_t *result)
{
	const struct mcp_server *server = call->session->server;
	json_t *meta = json_object_get(result, "_meta");

	if (!meta) {
		meta = json_object();
		(void)json_object_set_new(result, "_meta", meta);
	}
	(void)json_object_set_new(meta, MCP_META("serverInfo"),
				  mcp_server_info(server, MCP_VERSION_MODERN));
	if (!json_object_get(result, "resultType"))
		(void)json_object_set_new(result, "resultType", json_string("complete"));
	if (!call->method || !call->method->cacheable ||
	    !jsonrpc_is(json_object_get(result, "resultType"), "complete"))
		return;
	if (!json_object_get(result, "ttlMs"))
		(void)json_object_set_new(result, "ttlMs",
					  json_integer(
						  call->method->lasting ? 0 : server->list_ttl_ms));
	if (!json_object_get(result, "cacheScope"))
		(void)json_object_set_new(result, "cacheScope", json_string("private"));
}

void mcp_call_result(struct mcp_call *call, json_t *result)
{
	char *text = NULL;

	if (result && call->modern)
		add_modern(call, result);
	if (result)
		text = jsonrpc_result(call->id, result);
	json_decref(result);
	mcp_call_answer(call, text, 0);
}

void mcp_call_error(struct mcp_call *call, int code, const char *message, json_t *data)
{
	char *text;

	if (call->modern && code == MCP_RESOURCE_NOT_FOUND)
		code = JSONRPC_INVALID_PARAMS;
	text = jsonrpc_error(call->id, code, message, data);
	json_decref(data);
	mcp_call_answer(call, text, code);
}

/* A client of an older revision may drop the whole result for a block that it does not know. */
static void remove_links(json_t *content)
{
	for (size_t i = json_array_size(content); i-- > 0;) {
		if (jsonrpc_is(json_object_get(json_array_get(content, i), "type"),
			       "resource_link"))
			(void)json_array_remove(content, i);
	}
}

void mcp_call_finish(struct mcp_call *call, json_t *content, json_t *structured, bool is_error)
{
	if (!content)
		content = json_array();
	if (strcmp(call->version, MCP_2025_06) < 0) {
		remove_links(content);
		json_decref(structured);
		structured = NULL;
	}
	mcp_call_result(call, json_pack("{s:o, s:o*, s:b}", "content", content, "structuredContent",
					structured, "isError", is_error));
}

void mcp_call_finish_text(struct mcp_call *call, const char *text, size_t len, bool is_error)
{
	json_t *block = mcp_text(text, len);

	mcp_call_finish(call, block ? json_pack("[o]", block) : NULL, NULL, is_error);
}

/* What of @requests the client did not say that it can; new reference, empty: nothing. */
static json_t *missing_capabilities(const struct mcp_call *call, json_t *requests)
{
	static const char *const needs[][2] = {
		{"elicitation/create", "elicitation"},
		{"sampling/createMessage", "sampling"},
		{"roots/list", "roots"},
	};
	json_t *missing = json_object(), *request;
	const char *key;

	json_object_foreach(requests, key, request)
	{
		for (size_t i = 0; i < sizeof(needs) / sizeof(needs[0]); i++) {
			if (jsonrpc_is(json_object_get(request, "method"), needs[i][0]) &&
			    !mcp_call_client_can(call, needs[i][1]))
				(void)json_object_set_new(missing, needs[i][1], json_object());
		}
	}
	return missing;
}

void mcp_call_need_input(struct mcp_call *call, json_t *requests, const char *state)
{
	json_t *missing = missing_capabilities(call, requests);

	if (json_object_size(missing) > 0) {
		json_decref(requests);
		mcp_call_error(call, MCP_MISSING_CAPABILITY, "the client cannot do what this needs",
			       json_pack("{s:o}", "requiredCapabilities", missing));
		return;
	}
	json_decref(missing);
	mcp_call_result(call, json_pack("{s:s, s:o*, s:s*}", "resultType", "input_required",
					"inputRequests", requests, "requestState", state));
}

json_t *mcp_string(const char *bytes, size_t len)
{
	static const char replacement[] = "\xef\xbf\xbd";
	const size_t width = sizeof(replacement) - 1;
	cleanup_free char *clean = NULL;
	size_t at = 0, n;
	uint32_t cp;

	if (utf8_valid(bytes, len))
		return json_stringn(bytes, len);
	clean = malloc(len * width);
	if (!clean)
		return NULL;
	for (const char *p = bytes; p < bytes + len; p += n) {
		n = utf8_decode(p, (size_t)(bytes + len - p), &cp);
		memcpy(clean + at, n ? p : replacement, n ? n : width);
		at += n ? n : width;
		n += n == 0;
	}
	return json_stringn(clean, at);
}

json_t *mcp_base64(const char *bytes, size_t len)
{
	const size_t size = sodium_base64_encoded_len(len, sodium_base64_VARIANT_ORIGINAL);
	cleanup_free char *text = malloc(size);

	if (!text)
		return NULL;
	(void)sodium_bin2base64(text, size, (const unsigned char *)bytes, len,
				sodium_base64_VARIANT_ORIGINAL);
	return json_string(text);
}

json_t *mcp_text(const char *bytes, size_t len)
{
	return json_pack("{s:s, s:o}", "type", "text", "text", mcp_string(bytes, len));
}
