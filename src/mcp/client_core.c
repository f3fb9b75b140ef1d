/* SPDX-License-Identifier: Apache-2.0 */
/* client_core.c - messages of a client, without I/O; see client_core.h. */
#include "mcp/client_core.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

#define META "io.modelcontextprotocol/"

static void cleanup_jsonp(json_t **json)
{
	json_decref(*json);
}

void mcp_core_init(struct mcp_core *core)
{
	*core = (struct mcp_core){.version = MCP_VERSION_MODERN};
}

static void clear(struct mcp_pending *p)
{
	json_decref(p->result);
	json_decref(p->error);
	*p = (struct mcp_pending){0};
}

void mcp_core_done(struct mcp_core *core)
{
	for (size_t i = 0; i < MCP_PENDING_MAX; i++)
		clear(&core->pending[i]);
}

struct mcp_pending *mcp_core_find(struct mcp_core *core, uint64_t id)
{
	for (size_t i = 0; id != 0 && i < MCP_PENDING_MAX; i++) {
		if (core->pending[i].id == id)
			return &core->pending[i];
	}
	return NULL;
}

void mcp_core_forget(struct mcp_core *core, uint64_t id)
{
	struct mcp_pending *p = mcp_core_find(core, id);

	if (p)
		clear(p);
}

/* What each request carries: in the modern era who asks, and where to tell of progress. */
static int add_meta(const struct mcp_core *core, json_t *params, uint64_t id, bool progress)
{
	json_t *meta = json_object();
	int r = meta ? 0 : -1;

	if (core->era != MCP_ERA_LEGACY) {
		r |= json_object_set_new(meta, META "protocolVersion", json_string(core->version));
		r |= json_object_set_new(meta, META "clientCapabilities", json_object());
		r |= json_object_set_new(meta, META "clientInfo",
					 json_pack("{s:s, s:s}", "name", "ironclaw", "version",
						   IRONCLAW_VERSION));
	}
	if (progress)
		r |= json_object_set_new(meta, "progressToken", json_integer((json_int_t)id));
	if (r == 0 && json_object_size(meta) > 0)
		r = json_object_set(params, "_meta", meta);
	json_decref(meta);
	return r == 0 ? 0 : -ENOMEM;
}

int mcp_core_request(struct mcp_core *core, const char *method, json_t *params, bool progress,
		     uint64_t *ret_id, char **ret_text)
{
	cleanup(cleanup_jsonp) json_t *all = params ? params : json_object();
	cleanup(cleanup_jsonp) json_t *id = json_integer((json_int_t)core->last_id + 1);
	struct mcp_pending *p = NULL;
	char *text;
	/* The handshake of the legacy era knows nothing of the other. */
	bool plain = strcmp(method, "initialize") == 0;

	for (size_t i = 0; i < MCP_PENDING_MAX && !p; i++)
		p = core->pending[i].id == 0 ? &core->pending[i] : NULL;
	if (!p)
		return -EBUSY;
	if (!all || !id || (!plain && add_meta(core, all, core->last_id + 1, progress) < 0))
		return -ENOMEM;
	text = jsonrpc_request(id, method, json_object_size(all) > 0 ? all : NULL);
	if (!text)
		return -ENOMEM;
	p->id = ++core->last_id;
	*ret_id = p->id;
	*ret_text = text;
	return 0;
}

char *mcp_core_cancelled(uint64_t id, const char *reason)
{
	cleanup(cleanup_jsonp) json_t *params =
		json_pack("{s:I, s:s}", "requestId", (json_int_t)id, "reason", reason);

	return params ? jsonrpc_request(NULL, "notifications/cancelled", params) : NULL;
}

/* Our id, of our type; 0 for everything else. */
static uint64_t own_id(const json_t *id)
{
	return json_is_integer(id) && json_integer_value(id) > 0 ? (uint64_t)json_integer_value(id)
								 : 0;
}

static int take_answer(struct mcp_core *core, const struct jsonrpc_message *m, uint64_t about)
{
	uint64_t id = m->id ? own_id(m->id) : m->error ? about : 0;
	struct mcp_pending *p = mcp_core_find(core, id);

	if (!p || p->answered) {
		core->n_dropped++;
		return 0;
	}
	p->result = json_incref(m->result);
	p->error = json_incref(m->error);
	p->answered = true;
	return 0;
}

static void take_progress(struct mcp_core *core, const json_t *params)
{
	struct mcp_pending *p =
		mcp_core_find(core, own_id(json_object_get(params, "progressToken")));
	json_t *value = json_object_get(params, "progress"), *total, *text;
	double at = json_number_value(value);

	/* What does not rise is no progress, and extends nothing. */
	if (!p || p->answered || !json_is_number(value) || !isfinite(at) ||
	    (p->has_progress && at <= p->progress)) {
		core->n_dropped++;
		return;
	}
	p->progress = at;
	p->has_progress = true;
	total = json_object_get(params, "total");
	text = json_object_get(params, "message");
	if (core->progress)
		core->progress(core->ud, p->id, at,
			       json_is_number(total) ? json_number_value(total) : -1,
			       json_string_value(text));
}

static void take_notification(struct mcp_core *core, const struct jsonrpc_message *m)
{
	if (strcmp(m->method, "notifications/tools/list_changed") == 0)
		core->tools_changed = true;
	else if (strcmp(m->method, "notifications/progress") == 0)
		take_progress(core, m->params);
}

static int answer_request(const struct mcp_core *core, const struct jsonrpc_message *m,
			  char **ret_reply)
{
	cleanup(cleanup_jsonp) json_t *nothing = json_object();

	if (core->era == MCP_ERA_MODERN)
		return 0;
	*ret_reply = strcmp(m->method, "ping") == 0
			     ? jsonrpc_result(m->id, nothing)
			     : jsonrpc_error(m->id, JSONRPC_UNKNOWN_METHOD,
					     "this client offers nothing to a server", NULL);
	return *ret_reply ? 0 : -ENOMEM;
}

static int take_message(struct mcp_core *core, const struct jsonrpc_message *m, uint64_t about,
			char **ret_reply)
{
	switch (m->kind) {
	case JSONRPC_REQUEST:
		return answer_request(core, m, ret_reply);
	case JSONRPC_NOTIFICATION:
		take_notification(core, m);
		return 0;
	case JSONRPC_RESPONSE:
		return take_answer(core, m, about);
	case JSONRPC_BATCH:
	case JSONRPC_BROKEN:
		break;
	}
	core->n_dropped++;
	return -EBADMSG;
}

/*
 * The answers to a batch are one more batch. Its answers are taken, its requests refused one by one
 * would need that: no server sends any to a client that sends no batch, so they are dropped.
 */
static int take_batch(struct mcp_core *core, json_t *batch)
{
	struct jsonrpc_message m;
	json_t *value;
	size_t i;

	json_array_foreach(batch, i, value)
	{
		jsonrpc_classify(value, &m);
		if (m.kind == JSONRPC_RESPONSE || m.kind == JSONRPC_NOTIFICATION)
			(void)take_message(core, &m, 0, NULL);
		else
			core->n_dropped++;
	}
	return 0;
}

int mcp_core_receive(struct mcp_core *core, const char *text, size_t len, uint64_t about,
		     char **ret_reply)
{
	struct jsonrpc_message m;
	int r = jsonrpc_parse(text, len, &m);

	*ret_reply = NULL;
	if (r == 0 && m.kind == JSONRPC_BATCH)
		r = take_batch(core, m.document);
	else if (r == 0)
		r = take_message(core, &m, about, ret_reply);
	jsonrpc_done(&m);
	return r;
}
