/* SPDX-License-Identifier: Apache-2.0 */
/*
 * server.c - sessions of the MCP server core: what comes in, and where what goes out goes to.
 *
 * A request becomes a call in the session's list, with a counted reference to its parameters. A
 * call leaves the list before its answer is sent or its cancel() is called, so that whatever those
 * do, they cannot meet it there. One cancel() may make the program behind us answer other calls:
 * where all calls of a reader that is gone are cancelled, they are marked before.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "mcp/server_internal.h"

int mcp_session_new(const struct mcp_server *server, enum mcp_era era, void *userdata,
		    struct mcp_sink *stream, struct mcp_session **ret)
{
	struct mcp_session *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->server = server;
	s->era = era;
	s->userdata = userdata;
	s->stream = stream;
	s->log_level = mcp_log_level(NULL);
	TAILQ_INIT(&s->calls);
	*ret = s;
	return 0;
}

void mcp_session_free(struct mcp_session *s)
{
	struct mcp_call *call;

	if (!s)
		return;
	s->stream = NULL;
	TAILQ_FOREACH(call, &s->calls, link)
	call->doomed = true;
	while ((call = TAILQ_FIRST(&s->calls)))
		mcp_call_cancel(call, false);
	json_decref(s->capabilities);
	json_decref(s->subscribed);
	free(s);
}

void mcp_session_set_stream(struct mcp_session *s, struct mcp_sink *stream)
{
	s->stream = stream;
}

const char *mcp_session_version(const struct mcp_session *s)
{
	return s->version;
}

void mcp_send_alone(struct mcp_session *s, char *text)
{
	if (text && s->stream)
		s->stream->send(s->stream, &(struct mcp_message){.kind = MCP_SENT_NOTIFICATION,
								 .text = text,
								 .len = strlen(text)});
	free(text);
}

/* --- out --- */

/* One answer into the array that will be sent. */
static void batch_add(struct mcp_batch *batch, const char *text)
{
	size_t len = text ? strlen(text) : 0;
	char *grown = text ? realloc(batch->text, batch->len + len + 3) : NULL;

	if (!grown) {
		batch->failed = true;
		return;
	}
	batch->text = grown;
	grown[batch->len] = batch->len == 0 ? '[' : ',';
	memcpy(grown + batch->len + 1, text, len + 1);
	batch->len += len + 1;
}

/* A request of it has got what it will get. @tell: see mcp_call_cancel() */
static void batch_settle(struct mcp_batch *batch, bool tell)
{
	struct mcp_message message = {.kind = MCP_SENT_NOTHING, .last = true};

	if (--batch->pending > 0)
		return;
	if (batch->failed)
		batch_add(batch, "{\"jsonrpc\":\"2.0\",\"error\":{\"code\":-32603,"
				 "\"message\":\"too much for one array\"}}");
	if (batch->text) {
		/* batch_add() left room for it */
		memcpy(batch->text + batch->len, "]", sizeof("]"));
		message.kind = MCP_SENT_RESPONSE;
		message.text = batch->text;
		message.len = batch->len + 1;
	}
	if (tell)
		batch->sink->send(batch->sink, &message);
	free(batch->text);
	free(batch);
}

/* An answer for @sink, or into @batch. @text: (taken) NULL: no memory */
static void answer(struct mcp_sink *sink, struct mcp_batch *batch, char *text,
		   struct mcp_message message)
{
	if (batch) {
		batch_add(batch, batch->len <= MCP_BATCH_MAX_B ? text : NULL);
		batch_settle(batch, true);
	} else {
		message.kind = text ? MCP_SENT_RESPONSE : MCP_SENT_NOTHING;
		message.text = text;
		message.len = text ? strlen(text) : 0;
		message.last = true;
		sink->send(sink, &message);
	}
	free(text);
}

static void call_free(struct mcp_call *call)
{
	if (call->listening)
		json_decref(call->listening->uris);
	free(call->listening);
	json_decref(call->id);
	json_decref(call->params);
	free(call);
}

/* Nothing finds it any more, nor do answers to what it asked. */
static void call_unlink(struct mcp_call *call)
{
	struct mcp_session *s = call->session;

	TAILQ_REMOVE(&s->calls, call, link);
	s->n_calls--;
	for (size_t i = 0; i < MCP_ASKED_MAX; i++) {
		if (s->asked[i].call == call)
			s->asked[i].call = NULL;
	}
}

/* Its answer is nothing, and nobody is told. */
static void drop(struct mcp_call *call)
{
	if (call->batch)
		batch_settle(call->batch, false);
	call_free(call);
}

void mcp_call_answer(struct mcp_call *call, char *text, int code)
{
	if (call->cancelling || call->doomed) {
		free(text);
		if (!call->cancelling) {
			call_unlink(call);
			drop(call);
		}
		return;
	}
	if (!text) {
		code = JSONRPC_INTERNAL_ERROR;
		text = jsonrpc_error(call->id, code, "out of memory", NULL);
	}
	call_unlink(call);
	answer(call->sink, call->batch, text,
	       (struct mcp_message){.code = code, .modern = call->modern});
	call_free(call);
}

void mcp_call_cancel(struct mcp_call *call, bool tell)
{
	const struct mcp_session *s = call->session;

	call_unlink(call);
	call->cancelling = true;
	if (!call->listening)
		s->server->ops->cancel(s->userdata, call);
	if (!tell) {
		drop(call);
		return;
	}
	if (call->batch)
		batch_settle(call->batch, true);
	else
		call->sink->send(call->sink, &(struct mcp_message){.kind = MCP_SENT_NOTHING,
								   .modern = call->modern,
								   .last = true});
	call_free(call);
}

void mcp_call_notify(struct mcp_call *call, const char *method, json_t *params)
{
	cleanup_free char *text = params ? jsonrpc_request(NULL, method, params) : NULL;

	json_decref(params);
	if (text && !call->cancelling && !call->doomed)
		call->sink->send(call->sink, &(struct mcp_message){.kind = MCP_SENT_NOTIFICATION,
								   .text = text,
								   .len = strlen(text),
								   .modern = call->modern});
}

/* --- in --- */

static struct mcp_call *find_call(struct mcp_session *s, const json_t *id)
{
	struct mcp_call *call;

	TAILQ_FOREACH(call, &s->calls, link)
	{
		if (json_equal(call->id, id))
			return call;
	}
	return NULL;
}

static void receive_notification(struct mcp_session *s, const struct jsonrpc_message *m)
{
	const json_t *id = json_object_get(m->params, "requestId");
	struct mcp_call *call;

	if (strcmp(m->method, "notifications/initialized") == 0)
		s->initialized = s->version != NULL;
	if (strcmp(m->method, "notifications/cancelled") == 0 && id && (call = find_call(s, id)))
		mcp_call_cancel(call, true);
}

static void receive_response(struct mcp_session *s, const struct jsonrpc_message *m)
{
	for (size_t i = 0; json_is_integer(m->id) && i < MCP_ASKED_MAX; i++) {
		struct mcp_asked asked = s->asked[i];

		if (!asked.call || asked.id != json_integer_value(m->id))
			continue;
		s->asked[i].call = NULL;
		asked.answer(s->userdata, asked.call, m->result, m->error);
		return;
	}
}

/* Is it a request of the modern era? Of a session that may be either, its own look decides. */
static bool looks_modern(const struct mcp_session *s, const struct jsonrpc_message *m,
			 const json_t *meta)
{
	if (s->era != MCP_ERA_BOTH)
		return s->era == MCP_ERA_MODERN;
	if (strcmp(m->method, "initialize") == 0)
		return false;
	return json_object_get(meta, MCP_META("protocolVersion")) ||
	       strcmp(m->method, "server/discover") == 0 ||
	       strcmp(m->method, "subscriptions/listen") == 0;
}

static struct mcp_call *call_new(struct mcp_session *s, const struct jsonrpc_message *m,
				 struct mcp_sink *sink, struct mcp_batch *batch)
{
	struct mcp_call *call = calloc(1, sizeof(*call));
	json_t *meta = json_object_get(m->params, "_meta");

	if (!call)
		return NULL;
	call->session = s;
	call->sink = sink;
	call->batch = batch;
	call->id = json_incref(m->id);
	call->params = json_incref(m->params);
	call->meta = json_is_object(meta) ? meta : NULL;
	call->modern = looks_modern(s, m, call->meta);
	call->version = call->modern ? MCP_VERSION_MODERN
			: s->version ? s->version
				     : MCP_VERSION_LEGACY;
	TAILQ_INSERT_TAIL(&s->calls, call, link);
	s->n_calls++;
	return call;
}

static void receive_request(struct mcp_session *s, const struct jsonrpc_message *m,
			    struct mcp_sink *sink, struct mcp_batch *batch)
{
	bool taken = find_call(s, m->id) != NULL;
	struct mcp_call *call = call_new(s, m, sink, batch);

	if (!call) {
		answer(sink, batch,
		       jsonrpc_error(m->id, JSONRPC_INTERNAL_ERROR, "out of memory", NULL),
		       (struct mcp_message){.code = JSONRPC_INTERNAL_ERROR});
		return;
	}
	if (taken) {
		mcp_call_error(call, JSONRPC_INVALID_REQUEST, "the id is in use", NULL);
		return;
	}
	if (call->modern && !mcp_modern_check(call))
		return;
	call->method = mcp_method_find(s->server, m->method, call->modern);
	if (!call->method)
		mcp_call_error(call, JSONRPC_UNKNOWN_METHOD, "unknown method", NULL);
	else if (call->method->needs &&
		 !json_is_string(json_object_get(call->params, call->method->needs)))
		mcp_call_error(call, JSONRPC_INVALID_PARAMS, "a parameter is missing or no string",
			       json_pack("{s:s}", "parameter", call->method->needs));
	else if (call->method->lasting && s->n_calls > MCP_CALLS_MAX)
		mcp_call_error(call, MCP_TOO_MANY_CALLS, "too many requests in flight", NULL);
	else
		call->method->run(call);
}

/* Return: whether @sink gets an answer */
static bool receive_one(struct mcp_session *s, const struct jsonrpc_message *m,
			struct mcp_sink *sink, struct mcp_batch *batch)
{
	switch (m->kind) {
	case JSONRPC_REQUEST:
		receive_request(s, m, sink, batch);
		return true;
	case JSONRPC_NOTIFICATION:
		receive_notification(s, m);
		return false;
	case JSONRPC_RESPONSE:
		receive_response(s, m);
		return false;
	case JSONRPC_BROKEN:
	case JSONRPC_BATCH:
		break;
	}
	answer(sink, batch, jsonrpc_error(m->id, m->code, m->why, NULL),
	       (struct mcp_message){.code = m->code, .modern = s->era == MCP_ERA_MODERN});
	return true;
}

static void refuse(struct mcp_session *s, enum jsonrpc_code code, const char *why,
		   struct mcp_sink *sink)
{
	const struct jsonrpc_message m = {.kind = JSONRPC_BROKEN, .code = code, .why = why};

	(void)receive_one(s, &m, sink, NULL);
}

static bool receive_batch(struct mcp_session *s, json_t *array, struct mcp_sink *sink)
{
	struct mcp_batch *batch;
	bool answers = false;
	size_t i;
	json_t *value;

	if (!s->version || strcmp(s->version, MCP_2025_03) != 0) {
		refuse(s, JSONRPC_INVALID_REQUEST, "batches are for protocol 2025-03-26 alone",
		       sink);
		return true;
	}
	batch = calloc(1, sizeof(*batch));
	if (!batch) {
		refuse(s, JSONRPC_INTERNAL_ERROR, "out of memory", sink);
		return true;
	}
	batch->sink = sink;
	batch->pending = 1;
	json_array_foreach(array, i, value)
	{
		struct jsonrpc_message m;

		jsonrpc_classify(value, &m);
		if (m.kind == JSONRPC_REQUEST && strcmp(m.method, "initialize") == 0) {
			m.kind = JSONRPC_BROKEN;
			m.code = JSONRPC_INVALID_REQUEST;
			m.why = "initialize in a batch";
		}
		batch->pending += m.kind == JSONRPC_REQUEST || m.kind == JSONRPC_BROKEN;
		answers |= receive_one(s, &m, sink, batch);
	}
	batch_settle(batch, answers);
	return answers;
}

bool mcp_session_receive(struct mcp_session *s, const char *text, size_t len, struct mcp_sink *sink)
{
	struct jsonrpc_message m;
	bool answers = true;

	if (jsonrpc_parse(text, len, &m) < 0)
		refuse(s, JSONRPC_INTERNAL_ERROR, "out of memory", sink);
	else if (m.kind == JSONRPC_BATCH)
		answers = receive_batch(s, m.document, sink);
	else
		answers = receive_one(s, &m, sink, NULL);
	jsonrpc_done(&m);
	return answers;
}

void mcp_session_too_long(struct mcp_session *s, struct mcp_sink *sink)
{
	refuse(s, JSONRPC_PARSE_ERROR, "too long", sink);
}

static struct mcp_call *find_doomed(struct mcp_session *s)
{
	struct mcp_call *call;

	TAILQ_FOREACH(call, &s->calls, link)
	{
		if (call->doomed)
			return call;
	}
	return NULL;
}

void mcp_session_abandon(struct mcp_session *s, struct mcp_sink *sink)
{
	struct mcp_call *call;

	if (s->stream == sink)
		s->stream = NULL;
	TAILQ_FOREACH(call, &s->calls, link)
	call->doomed = call->sink == sink;
	while ((call = find_doomed(s)))
		mcp_call_cancel(call, false);
}
