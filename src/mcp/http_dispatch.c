/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http_dispatch.c - from a whole request to the core.
 *
 * A POST is modern when its body says a version in `_meta`, or its header says the modern one;
 * `initialize` opens a legacy session, and everything else has to name one. A modern request's
 * headers must say the same as its body (2026-07-28), for what stands between us and the client may
 * have decided by them. In a legacy session the version header is not looked at: clients are known
 * that send none, or another one than was negotiated.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "codec/jsonrpc.h"
#include "mcp/http_check.h"
#include "mcp/http_internal.h"
#include "sys/clock.h"

#define NO_SESSION	  (-32001) /* what clients know for an ended one */
#define META_VERSION	  "io.modelcontextprotocol/protocolVersion"
#define META_CAPABILITIES "io.modelcontextprotocol/clientCapabilities"
#define PARAM_PREFIX	  "Mcp-Param-"

static enum MHD_Result respond_empty(struct http_request *request, unsigned int status)
{
	struct MHD_Response *response =
		MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT);
	enum MHD_Result r;

	if (!response)
		return MHD_NO;
	r = MHD_queue_response(request->library, status, response);
	MHD_destroy_response(response);
	return r;
}

/* An error of ours as the answer to a message, with its id. */
static enum MHD_Result reject(struct http_request *request, const struct jsonrpc_message *m,
			      unsigned int status, int code, const char *why)
{
	struct http_answer *answer = http_answer_new(request, NULL);

	if (!answer)
		return MHD_NO;
	answer->json = jsonrpc_error(m->id, code, why, NULL);
	if (!answer->json)
		return MHD_NO;
	answer->json_len = strlen(answer->json);
	answer->form = HTTP_JSON;
	answer->status = status;
	answer->done = true;
	return http_answer_give(request);
}

/* --- modern --- */

static const json_t *meta_of(const struct jsonrpc_message *m)
{
	return json_object_get(json_object_get(m->params, "_meta"), META_VERSION);
}

bool http_says_modern(const struct http_request *request)
{
	return request->headers.version &&
	       strcmp(request->headers.version, MCP_VERSION_MODERN) == 0;
}

/* What Mcp-Name has to be; NULL: nothing. */
static const json_t *name_of(const struct jsonrpc_message *m)
{
	if (strcmp(m->method, "tools/call") == 0 || strcmp(m->method, "prompts/get") == 0)
		return json_object_get(m->params, "name");
	if (strcmp(m->method, "resources/read") == 0)
		return json_object_get(m->params, "uri");
	return NULL;
}

/* Whether the headers that a tool's schema asks for say what the arguments say. */
static bool arguments_match(struct http_request *request, const json_t *schema,
			    const json_t *arguments, unsigned int depth)
{
	const json_t *properties = json_object_get(schema, "properties");
	const char *key;
	json_t *property;

	json_object_foreach((json_t *)(uintptr_t)properties, key, property)
	{
		const json_t *value = json_object_get(arguments, key);
		const char *name = json_string_value(json_object_get(property, "x-mcp-header"));
		cleanup_free char *header = NULL;

		if (depth > 0 && json_is_object(property) &&
		    !arguments_match(request, property, value, depth - 1))
			return false;
		if (!name)
			continue;
		if (asprintf(&header, PARAM_PREFIX "%s", name) < 0)
			return false;
		if (!mcp_http_value_is(MHD_lookup_connection_value(request->library,
								   MHD_HEADER_KIND, header),
				       value))
			return false;
	}
	return true;
}

static bool params_match(struct http_request *request, const struct jsonrpc_message *m)
{
	const struct mcp_server *server = request->http->options.server;
	const json_t *name = json_object_get(m->params, "name");

	for (size_t i = 0; strcmp(m->method, "tools/call") == 0 && i < server->n_tools; i++) {
		json_t *schema;
		bool match;

		if (!jsonrpc_is(name, server->tools[i].name) ||
		    !strstr(server->tools[i].input_schema, "x-mcp-header"))
			continue;
		schema = json_loads(server->tools[i].input_schema, 0, NULL);
		match = arguments_match(request, schema, json_object_get(m->params, "arguments"),
					8);
		json_decref(schema);
		return match;
	}
	return true;
}

/* The first header that says something else than the body; NULL: none. */
static const char *mismatch(struct http_request *request, const struct jsonrpc_message *m)
{
	const struct http_headers *h = &request->headers;
	const json_t *version = meta_of(m), *name = name_of(m);

	if (!h->version)
		return "MCP-Protocol-Version is missing";
	if (json_is_string(version) && !mcp_http_value_is(h->version, version))
		return "MCP-Protocol-Version is not that of the body";
	if (!h->method)
		return "Mcp-Method is missing";
	if (strcmp(h->method, m->method) != 0)
		return "Mcp-Method is not that of the body";
	if (json_is_string(name) && !h->name)
		return "Mcp-Name is missing";
	if (json_is_string(name) && !mcp_http_value_is(h->name, name))
		return "Mcp-Name is not that of the body";
	return params_match(request, m) ? NULL : "an Mcp-Param header is not that of the body";
}

/* The client that all modern requests share. */
static int open_modern(struct mcp_http *http, struct ironclaw_error *err)
{
	int r;

	if (http->has_modern)
		return 0;
	r = http->options.open(http->options.userdata, &http->modern, err);
	http->has_modern = r == 0;
	return r;
}

static enum MHD_Result serve_modern(struct http_request *request, const struct jsonrpc_message *m)
{
	struct mcp_http *http = request->http;
	struct ironclaw_error err = {0};
	const json_t *meta = json_object_get(m->params, "_meta");
	struct http_answer *answer;
	const char *why;

	if (m->kind == JSONRPC_NOTIFICATION) /* there is none that could mean anything here */
		return respond_empty(request, MHD_HTTP_ACCEPTED);
	if (m->kind != JSONRPC_REQUEST)
		return reject(request, m, MHD_HTTP_BAD_REQUEST, JSONRPC_INVALID_REQUEST,
			      "one request is expected");
	why = mismatch(request, m);
	if (why)
		return reject(request, m, MHD_HTTP_BAD_REQUEST, MCP_HEADER_MISMATCH, why);
	if (open_modern(http, &err) < 0)
		return reject(request, m, MHD_HTTP_SERVICE_UNAVAILABLE, JSONRPC_INTERNAL_ERROR,
			      err.text);
	answer = http_answer_new(request, NULL);
	if (!answer || mcp_session_new(http->options.server, MCP_ERA_MODERN, http->modern, NULL,
				       &answer->core) < 0)
		return MHD_NO;
	answer->incomplete = !json_is_string(json_object_get(meta, META_VERSION)) ||
			     !json_is_object(json_object_get(meta, META_CAPABILITIES));
	if (!mcp_session_receive(answer->core, request->body, request->body_len, &answer->sink))
		answer->done = true;
	return http_answer_give(request);
}

/* --- legacy --- */

/* Keep the number of answers bounded; what is complete and unclaimed goes first. */
static bool room_for_answer(struct http_session *session)
{
	struct http_answer *oldest = NULL;
	size_t n = 0;

	for (struct http_answer *a = session->http->answers; a; a = a->next) {
		if (a->session != session)
			continue;
		n++;
		if (a->done && !a->request && (!oldest || a->done_us < oldest->done_us))
			oldest = a;
	}
	if (n >= HTTP_ANSWERS_MAX && oldest) {
		http_answer_free(oldest);
		n--;
	}
	return n < HTTP_ANSWERS_MAX;
}

static enum MHD_Result receive(struct http_request *request, struct http_session *session)
{
	struct http_answer *answer = http_answer_new(request, session);

	if (!answer)
		return MHD_NO;
	session->used_us = clock_now_us();
	if (mcp_session_receive(session->core, request->body, request->body_len, &answer->sink))
		return http_answer_give(request);
	answer->done = true;
	http_answer_free(answer);
	return respond_empty(request, MHD_HTTP_ACCEPTED);
}

static enum MHD_Result open_session(struct http_request *request)
{
	struct ironclaw_error err = {0};
	struct http_session *session;
	struct http_answer *answer;
	int r = http_session_open(request->http, &session, &err);

	if (r < 0)
		return http_request_refuse(request, MHD_HTTP_SERVICE_UNAVAILABLE,
					   JSONRPC_INTERNAL_ERROR, err.text);
	answer = http_answer_new(request, session);
	if (!answer) {
		http_session_end(session);
		return MHD_NO;
	}
	answer->opens = true;
	if (!mcp_session_receive(session->core, request->body, request->body_len, &answer->sink))
		answer->done = true;
	if (!mcp_session_version(session->core)) { /* it was refused, so there is no session */
		answer->session = NULL;
		http_session_end(session);
	}
	return http_answer_give(request);
}

/* The session that a request names, or NULL after the refusal, whose result is *ret. */
static struct http_session *named_session(struct http_request *request, enum MHD_Result *ret)
{
	struct http_session *session;

	if (!request->headers.session) {
		*ret = http_request_refuse(request, MHD_HTTP_BAD_REQUEST, MCP_TOO_MANY_CALLS,
					   "Mcp-Session-Id is missing: initialize first");
		return NULL;
	}
	session = http_session_find(request->http, request->headers.session);
	if (!session)
		*ret = http_request_refuse(request, MHD_HTTP_NOT_FOUND, NO_SESSION,
					   "there is no such session (any more): initialize again");
	return session;
}

static enum MHD_Result serve_legacy(struct http_request *request, const struct jsonrpc_message *m)
{
	struct http_session *session;
	enum MHD_Result r = MHD_NO;

	if (!request->headers.session && m->kind == JSONRPC_REQUEST &&
	    strcmp(m->method, "initialize") == 0)
		return open_session(request);
	session = named_session(request, &r);
	if (!session)
		return r;
	/* What gets no answer has its place at once: among it what makes others end. */
	if (m->kind != JSONRPC_NOTIFICATION && m->kind != JSONRPC_RESPONSE &&
	    !room_for_answer(session))
		return http_request_refuse(request, MHD_HTTP_SERVICE_UNAVAILABLE,
					   MCP_TOO_MANY_CALLS, "too many requests are running");
	return receive(request, session);
}

enum MHD_Result http_dispatch_post(struct http_request *request)
{
	struct jsonrpc_message m = {0};
	enum MHD_Result r;

	if (jsonrpc_parse(request->body ? request->body : "", request->body_len, &m) < 0)
		return MHD_NO;
	if (m.kind == JSONRPC_BROKEN)
		r = reject(request, &m, MHD_HTTP_BAD_REQUEST, (int)m.code, m.why);
	else if (m.kind != JSONRPC_BATCH &&
		 (http_says_modern(request) || json_is_string(meta_of(&m))))
		r = serve_modern(request, &m);
	else
		r = serve_legacy(request, &m);
	jsonrpc_done(&m);
	free(take_ptr(request->body));
	return r;
}

/* The answer that Last-Event-ID names, or NULL. */
static struct http_answer *find_answer(struct http_session *session, const char *id,
				       uint64_t *ret_number)
{
	uint64_t name;

	if (!id || http_stream_parse_id(id, &name, ret_number) < 0)
		return NULL;
	for (struct http_answer *a = session->http->answers; a; a = a->next)
		if (a->session == session && a->stream.name == name)
			return a;
	return NULL;
}

static enum MHD_Result only_post(struct http_request *request)
{
	return http_request_refuse(request, MHD_HTTP_METHOD_NOT_ALLOWED, JSONRPC_INVALID_REQUEST,
				   "this revision has POST only");
}

enum MHD_Result http_dispatch_get(struct http_request *request)
{
	enum MHD_Result r = MHD_NO;
	struct http_session *session;
	struct http_answer *answer;
	uint64_t number;

	if (http_says_modern(request))
		return only_post(request);
	session = named_session(request, &r);
	if (!session)
		return r;
	session->used_us = clock_now_us();
	answer = find_answer(session, request->headers.last_event, &number);
	if (answer) {
		http_stream_resume(&answer->stream, number);
		http_answer_attach(answer, request);
		return http_answer_give(request);
	}
	if (session->listen)
		return http_request_refuse(request, MHD_HTTP_CONFLICT, MCP_TOO_MANY_CALLS,
					   "this session is listened to already");
	answer = http_answer_new(request, session);
	if (!answer)
		return MHD_NO;
	answer->form = HTTP_EVENTS;
	session->listen = answer;
	mcp_session_set_stream(session->core, &answer->sink);
	return http_answer_give(request);
}

enum MHD_Result http_dispatch_delete(struct http_request *request)
{
	enum MHD_Result r = MHD_NO;
	struct http_session *session;

	if (http_says_modern(request))
		return only_post(request);
	session = named_session(request, &r);
	if (!session)
		return r;
	http_session_end(session);
	return respond_empty(request, MHD_HTTP_OK);
}
