/* SPDX-License-Identifier: Apache-2.0 */
/*
 * server_legacy.c - the era with a handshake: what a session remembers.
 *
 * `initialize` is taken at any time, and more than once: clients are known that send it after they
 * had discovered a modern server.
 */
#include <errno.h>
#include <string.h>

#include "mcp/server_internal.h"

static const char *const versions[] = {MCP_2024_11, MCP_2025_03, MCP_2025_06, MCP_VERSION_LEGACY};

/* In this order. */
static const char *const levels[] = {"debug", "info",	  "notice", "warning",
				     "error", "critical", "alert",  "emergency"};

int mcp_log_level(const json_t *name)
{
	if (!name)
		return 1; /* what nobody asked about: from "info" on */
	for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++) {
		if (jsonrpc_is(name, levels[i]))
			return (int)i;
	}
	return -1;
}

/* An unknown version is answered with our newest: the client decides whether it can go on. */
static const char *choose_version(const json_t *wanted)
{
	for (size_t i = 0; i < sizeof(versions) / sizeof(versions[0]); i++) {
		if (jsonrpc_is(wanted, versions[i]))
			return versions[i];
	}
	return MCP_VERSION_LEGACY;
}

void mcp_run_initialize(struct mcp_call *call)
{
	struct mcp_session *s = call->session;
	const json_t *wanted = json_object_get(call->params, "protocolVersion");
	json_t *capabilities = json_object_get(call->params, "capabilities");

	if (!json_is_string(wanted)) {
		mcp_call_error(call, JSONRPC_INVALID_PARAMS, "protocolVersion is missing", NULL);
		return;
	}
	s->version = call->version = choose_version(wanted);
	s->initialized = false;
	json_decref(s->capabilities);
	s->capabilities = json_is_object(capabilities) ? json_incref(capabilities) : NULL;
	mcp_call_result(call, json_pack("{s:s, s:o, s:o, s:s*}", "protocolVersion", s->version,
					"capabilities", mcp_capabilities(s->server, s->version),
					"serverInfo", mcp_server_info(s->server, s->version),
					"instructions", s->server->instructions));
}

void mcp_call_complete(struct mcp_call *call)
{
	mcp_call_result(call, json_object());
}

void mcp_run_set_level(struct mcp_call *call)
{
	int level = mcp_log_level(json_object_get(call->params, "level"));

	if (level < 0) {
		mcp_call_error(call, JSONRPC_INVALID_PARAMS, "no such level", NULL);
		return;
	}
	call->session->log_level = level;
	mcp_call_complete(call);
}

void mcp_run_subscribe(struct mcp_call *call)
{
	struct mcp_session *s = call->session;
	const char *uri = json_string_value(json_object_get(call->params, "uri"));

	if (!s->subscribed)
		s->subscribed = json_object();
	if (json_object_size(s->subscribed) >= MCP_SUBSCRIPTIONS_MAX &&
	    !json_object_get(s->subscribed, uri))
		mcp_call_error(call, MCP_TOO_MANY_CALLS, "too many subscriptions", NULL);
	else if (json_object_set_new(s->subscribed, uri, json_true()) < 0)
		mcp_call_error(call, JSONRPC_INTERNAL_ERROR, "out of memory", NULL);
	else
		mcp_call_complete(call);
}

void mcp_run_unsubscribe(struct mcp_call *call)
{
	const char *uri = json_string_value(json_object_get(call->params, "uri"));

	(void)json_object_del(call->session->subscribed, uri);
	mcp_call_complete(call);
}

/* What a client must have declared to be asked this. */
static const char *needed_capability(const char *method)
{
	if (strcmp(method, "sampling/createMessage") == 0)
		return "sampling";
	if (strcmp(method, "elicitation/create") == 0)
		return "elicitation";
	return strcmp(method, "roots/list") == 0 ? "roots" : NULL;
}

static struct mcp_asked *free_asked(struct mcp_session *s)
{
	for (size_t i = 0; i < MCP_ASKED_MAX; i++) {
		if (!s->asked[i].call)
			return &s->asked[i];
	}
	return NULL;
}

static int ask(struct mcp_call *call, const char *method, const json_t *params,
	       mcp_answer_fn answer)
{
	struct mcp_session *s = call->session;
	const char *needed = needed_capability(method);
	struct mcp_asked *asked = free_asked(s);
	json_t *id;
	char *text;

	if (call->modern)
		return -EPROTO;
	if (needed && !mcp_call_client_can(call, needed))
		return -EOPNOTSUPP;
	if (!asked)
		return -EBUSY;
	id = json_integer(s->last_asked + 1);
	text = id ? jsonrpc_request(id, method, params) : NULL;
	json_decref(id);
	if (!text)
		return -ENOMEM;
	*asked = (struct mcp_asked){.id = ++s->last_asked, .call = call, .answer = answer};
	call->sink->send(call->sink, &(struct mcp_message){.kind = MCP_SENT_REQUEST,
							   .text = text,
							   .len = strlen(text)});
	free(text);
	return 0;
}

int mcp_call_ask(struct mcp_call *call, const char *method, json_t *params, mcp_answer_fn answer)
{
	int r = call->cancelling || call->doomed ? -EPROTO : ask(call, method, params, answer);

	json_decref(params);
	return r;
}
