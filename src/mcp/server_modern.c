/* SPDX-License-Identifier: Apache-2.0 */
/*
 * server_modern.c - the era without sessions: each request says who asks and what it can do, and
 * nothing of it is remembered. What changes is told on streams that a client listens on.
 */
#include <stdlib.h>
#include <string.h>

#include "mcp/server_internal.h"

bool mcp_modern_check(struct mcp_call *call)
{
	json_t *version = json_object_get(call->meta, MCP_META("protocolVersion"));

	if (!json_is_string(version)) {
		mcp_call_error(call, JSONRPC_INVALID_PARAMS,
			       "_meta has no " MCP_META("protocolVersion"), NULL);
		return false;
	}
	if (!jsonrpc_is(version, MCP_VERSION_MODERN)) {
		mcp_call_error(call, MCP_UNSUPPORTED_VERSION, "unsupported protocol version",
			       json_pack("{s:[s], s:O}", "supported", MCP_VERSION_MODERN,
					 "requested", version));
		return false;
	}
	if (!json_is_object(json_object_get(call->meta, MCP_META("clientCapabilities")))) {
		mcp_call_error(call, JSONRPC_INVALID_PARAMS,
			       "_meta has no " MCP_META("clientCapabilities"), NULL);
		return false;
	}
	return true;
}

void mcp_run_discover(struct mcp_call *call)
{
	const struct mcp_server *server = call->session->server;

	mcp_call_result(call,
			json_pack("{s:[s], s:o, s:s*}", "supportedVersions", MCP_VERSION_MODERN,
				  "capabilities", mcp_capabilities(server, MCP_VERSION_MODERN),
				  "instructions", server->instructions));
}

/* Of the asked-for resources those that are texts, up to the limit; new reference or NULL. */
static json_t *grant_uris(const json_t *asked)
{
	json_t *granted = json_array(), *uri;
	size_t i;

	json_array_foreach(asked, i, uri)
	{
		if (json_is_string(uri) && json_array_size(granted) < MCP_SUBSCRIPTIONS_MAX)
			(void)json_array_append(granted, uri);
	}
	return granted;
}

static struct mcp_listening *listening_new(const json_t *asked, unsigned int features)
{
	struct mcp_listening *l = calloc(1, sizeof(*l));

	if (!l)
		return NULL;
	l->tools = (features & MCP_TOOLS_CHANGE) &&
		   json_is_true(json_object_get(asked, "toolsListChanged"));
	l->prompts = (features & MCP_PROMPTS_CHANGE) &&
		     json_is_true(json_object_get(asked, "promptsListChanged"));
	l->resources = (features & MCP_RESOURCES_CHANGE) &&
		       json_is_true(json_object_get(asked, "resourcesListChanged"));
	if (features & MCP_RESOURCES_SUBSCRIBE)
		l->uris = grant_uris(json_object_get(asked, "resourceSubscriptions"));
	return l;
}

static json_t *granted(const struct mcp_listening *l)
{
	json_t *g = json_object();

	if (l->tools)
		(void)json_object_set_new(g, "toolsListChanged", json_true());
	if (l->prompts)
		(void)json_object_set_new(g, "promptsListChanged", json_true());
	if (l->resources)
		(void)json_object_set_new(g, "resourcesListChanged", json_true());
	if (json_array_size(l->uris) > 0)
		(void)json_object_set(g, "resourceSubscriptions", l->uris);
	return g;
}

/* A notification on a listen stream; all of them say whose it is. @params: (taken) object */
static void tell(struct mcp_call *call, const char *method, json_t *params)
{
	if (params)
		(void)json_object_set_new(params, "_meta",
					  json_pack("{s:O}", MCP_META("subscriptionId"), call->id));
	mcp_call_notify(call, method, params);
}

void mcp_run_listen(struct mcp_call *call)
{
	const json_t *asked = json_object_get(call->params, "notifications");

	if (!json_is_object(asked)) {
		mcp_call_error(call, JSONRPC_INVALID_PARAMS, "notifications is no object", NULL);
		return;
	}
	call->listening = listening_new(asked, call->session->server->features);
	if (!call->listening) {
		mcp_call_error(call, JSONRPC_INTERNAL_ERROR, "out of memory", NULL);
		return;
	}
	tell(call, "notifications/subscriptions/acknowledged",
	     json_pack("{s:o}", "notifications", granted(call->listening)));
}

static bool listens(const struct mcp_listening *l, const char *what)
{
	return l && ((l->tools && strcmp(what, "tools") == 0) ||
		     (l->prompts && strcmp(what, "prompts") == 0) ||
		     (l->resources && strcmp(what, "resources") == 0));
}

static const char *list_changed_method(const char *what)
{
	return strcmp(what, "tools") == 0     ? "notifications/tools/list_changed"
	       : strcmp(what, "prompts") == 0 ? "notifications/prompts/list_changed"
					      : "notifications/resources/list_changed";
}

void mcp_session_list_changed(struct mcp_session *s, const char *what)
{
	const char *method = list_changed_method(what);
	struct mcp_call *call;

	if (s->initialized)
		mcp_send_alone(s, jsonrpc_request(NULL, method, NULL));
	TAILQ_FOREACH(call, &s->calls, link)
	{
		if (listens(call->listening, what))
			tell(call, method, json_object());
	}
}

void mcp_session_resource_updated(struct mcp_session *s, const char *uri)
{
	static const char method[] = "notifications/resources/updated";
	struct mcp_call *call;
	json_t *params = json_pack("{s:s}", "uri", uri);

	if (s->initialized && json_object_get(s->subscribed, uri))
		mcp_send_alone(s, jsonrpc_request(NULL, method, params));
	json_decref(params);
	TAILQ_FOREACH(call, &s->calls, link)
	{
		json_t *subscribed;
		size_t i;

		if (!call->listening)
			continue;
		json_array_foreach(call->listening->uris, i, subscribed)
		{
			if (jsonrpc_is(subscribed, uri)) {
				tell(call, method, json_pack("{s:s}", "uri", uri));
				break;
			}
		}
	}
}

static struct mcp_call *find_listening(struct mcp_session *s)
{
	struct mcp_call *call;

	TAILQ_FOREACH(call, &s->calls, link)
	{
		if (call->listening)
			return call;
	}
	return NULL;
}

void mcp_session_end_listening(struct mcp_session *s)
{
	struct mcp_call *call;

	while ((call = find_listening(s)))
		mcp_call_result(call, json_pack("{s:{s:O}}", "_meta", MCP_META("subscriptionId"),
						call->id));
}
