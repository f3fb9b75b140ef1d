/* SPDX-License-Identifier: Apache-2.0 */
/*
 * client_agree.c - which era and version a server speaks, and its list of tools; see
 * client_internal.h.
 *
 * server/discover is asked first. A process that does not answer it soon gets the handshake as
 * well: one that is only slow answers both, and if it refuses the handshake its late answer to the
 * first question counts. Over HTTP the status says what the body does not.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/escape.h"
#include "mcp/client_internal.h"

static void cleanup_jsonp(json_t **json)
{
	json_decref(*json);
}

static bool answered(const struct mcp_pending *p)
{
	return p && p->answered;
}

static bool offers_tools(const struct mcp_pending *answer)
{
	return json_is_object(
		json_object_get(json_object_get(answer->result, "capabilities"), "tools"));
}

/* A modern server that did not describe itself is asked for its tools all the same. */
static void note_tools(struct mcp_client *c, const struct mcp_pending *answer)
{
	c->has_tools = !json_is_object(json_object_get(answer->result, "capabilities")) ||
		       offers_tools(answer);
}

int mcp_client_initialize(struct mcp_client *c, const struct mcp_client_wait *wait,
			  struct ironclaw_error *err)
{
	struct mcp_ask ask = {.method = "initialize", .wait = wait};
	cleanup_free char *text = NULL;
	struct mcp_pending *p;
	int r;

	ask.params = json_pack("{s:s, s:{}, s:{s:s, s:s}}", "protocolVersion", MCP_VERSION_LEGACY,
			       "capabilities", "clientInfo", "name", "ironclaw", "version",
			       IRONCLAW_VERSION);
	if (!ask.params)
		return err_sys(err, ENOMEM, "initialize");
	r = mcp_client_ask(c, &ask, err);
	if (r < 0)
		return r;
	p = mcp_core_find(&c->core, ask.ret_id);
	r = mcp_core_take_initialize(&c->core, p, err);
	if (r == 0)
		c->has_tools = offers_tools(p);
	mcp_core_forget(&c->core, ask.ret_id);
	if (r < 0)
		return r;
	text = jsonrpc_request(NULL, "notifications/initialized", NULL);
	if (!text)
		return err_sys(err, ENOMEM, "initialize");
	return mcp_client_tell(c, text, c->options.config->timeout_ms, err);
}

static int no_version(struct ironclaw_error *err)
{
	return err_set(err, IRONCLAW_ERR_GUEST, EPROTO,
		       "it speaks no version of MCP that is spoken here");
}

/* The answer to the probe came only after the handshake was begun, which led to nothing. */
static int take_late_probe(struct mcp_client *c, uint64_t id, struct ironclaw_error *err)
{
	struct mcp_pending *p = mcp_core_find(&c->core, id);

	if (!answered(p) || mcp_core_take_discover(&c->core, p) != MCP_DISCOVER_MODERN)
		return -EPROTO;
	note_tools(c, p);
	err_clear(err);
	return 0;
}

/* Whether an answer over HTTP, or the lack of one, leaves the legacy era possible. */
static bool may_be_legacy(int r, int status)
{
	return r == -EBADE && status >= 400 && status < 500 && status != 429;
}

static int probe(struct mcp_client *c, const struct mcp_client_wait *wait,
		 struct ironclaw_error *err)
{
	bool http = c->options.config->where == MCP_OVER_HTTP;
	uint32_t timeout_ms = c->options.config->timeout_ms;
	struct mcp_ask ask = {.method = "server/discover", .wait = wait, .keep = !http};
	enum mcp_discovery found = MCP_DISCOVER_LEGACY;
	struct mcp_pending *p;
	int r;

	ask.timeout_ms = http || timeout_ms < MCP_PROBE_MS ? timeout_ms : MCP_PROBE_MS;
	r = mcp_client_ask(c, &ask, err);
	if (r < 0 && !(http ? may_be_legacy(r, ask.ret_status) : r == -ETIMEDOUT))
		return r;
	p = mcp_core_find(&c->core, ask.ret_id);
	if (answered(p)) {
		found = mcp_core_take_discover(&c->core, p);
		/* Only the modern era has this status for an unknown method. */
		if (ask.ret_status == 404 && p->error &&
		    json_integer_value(json_object_get(p->error, "code")) ==
			    JSONRPC_UNKNOWN_METHOD) {
			found = MCP_DISCOVER_MODERN;
			c->core.era = MCP_ERA_MODERN;
		}
		note_tools(c, p);
	}
	if (found == MCP_DISCOVER_LEGACY) {
		r = mcp_client_initialize(c, wait, err);
		if ((r == -EPROTO || r == -ETIMEDOUT) && take_late_probe(c, ask.ret_id, err) == 0)
			r = 0;
	} else {
		r = found == MCP_DISCOVER_MODERN ? 0 : no_version(err);
	}
	mcp_core_forget(&c->core, ask.ret_id);
	return r;
}

int mcp_client_agree(struct mcp_client *c, bool with_probe, const struct mcp_client_wait *wait,
		     struct ironclaw_error *err)
{
	return with_probe ? probe(c, wait, err) : mcp_client_initialize(c, wait, err);
}

static int ask_page(struct mcp_client *c, const json_t *cursor, const struct mcp_client_wait *wait,
		    json_t **ret, struct ironclaw_error *err)
{
	struct mcp_ask ask = {.method = "tools/list", .wait = wait, .params = json_object()};
	char text[MCP_REMOTE_TEXT_B];
	struct mcp_pending *p;
	int r = 0;

	if (!ask.params ||
	    (cursor && json_object_set_new(ask.params, "cursor",
					   json_copy((json_t *)(uintptr_t)cursor)) < 0)) {
		json_decref(ask.params);
		return err_sys(err, ENOMEM, "tools");
	}
	r = mcp_client_ask(c, &ask, err);
	if (r < 0)
		return r;
	p = mcp_core_find(&c->core, ask.ret_id);
	if (p->error) {
		mcp_core_remote_error(p->error, text);
		r = err_set(err, IRONCLAW_ERR_GUEST, EPROTO, "it does not list its tools: %s",
			    text);
	} else {
		*ret = json_incref(p->result);
	}
	mcp_core_forget(&c->core, ask.ret_id);
	return r;
}

/* Whether there is a next page; a cursor that came before would lead in a circle. */
static int next_cursor(json_t *seen, const json_t *result, json_t **ret, struct ironclaw_error *err)
{
	json_t *cursor = json_object_get(result, "nextCursor"), *old;
	size_t i;

	*ret = NULL;
	if (!cursor || json_is_null(cursor))
		return 0;
	if (!json_is_string(cursor) || json_string_length(cursor) > MCP_CURSOR_MAX_B)
		return err_set(err, IRONCLAW_ERR_GUEST, EPROTO,
			       "its list of tools cannot be read on");
	json_array_foreach(seen, i, old)
	{
		if (json_equal(old, cursor))
			return err_set(err, IRONCLAW_ERR_GUEST, EPROTO,
				       "its list of tools goes round in a circle");
	}
	if (json_array_size(seen) + 1 >= MCP_PAGES_MAX)
		return err_set(err, IRONCLAW_ERR_GUEST, EPROTO,
			       "its list of tools has more than %u pages", MCP_PAGES_MAX);
	if (json_array_append(seen, cursor) < 0)
		return err_sys(err, ENOMEM, "tools");
	*ret = cursor;
	return 0;
}

static void tell_dropped(const struct mcp_client *c, const struct mcp_tools *list)
{
	char text[384];

	if (list->n_dropped == 0 || !c->options.notice)
		return;
	(void)snprintf(text, sizeof(text), "MCP server '%s': %zu of its tools left out: %s%s",
		       c->options.config->name, list->n_dropped, list->dropped,
		       list->n_dropped > 1 ? ", and others" : "");
	c->options.notice(c->options.ud, text);
}

static int load_pages(struct mcp_client *c, struct mcp_tools *list,
		      const struct mcp_client_wait *wait, struct ironclaw_error *err)
{
	cleanup(cleanup_jsonp) json_t *seen = json_array();
	json_t *cursor = NULL;
	int r = seen ? 0 : err_sys(err, ENOMEM, "tools");

	while (r == 0) {
		cleanup(cleanup_jsonp) json_t *page = NULL;

		r = ask_page(c, cursor, wait, &page, err);
		if (r == 0)
			r = mcp_tools_add(list, c->options.config->name, page, err);
		if (r == 0)
			r = next_cursor(seen, page, &cursor, err);
		if (r == 0 && !cursor)
			break;
	}
	return r;
}

int mcp_client_load(struct mcp_client *c, const struct mcp_client_wait *wait,
		    struct ironclaw_error *err)
{
	cleanup_free struct mcp_tools *list = calloc(1, sizeof(*list));
	int r;

	if (!list)
		return err_sys(err, ENOMEM, "tools");
	/* Before the question: what changes after it is told again. */
	c->core.tools_changed = false;
	r = c->has_tools ? load_pages(c, list, wait, err) : 0;
	if (r < 0) {
		mcp_tools_clear(list);
		return r;
	}
	mcp_tools_clear(&c->tools);
	c->tools = *list;
	tell_dropped(c, &c->tools);
	return 0;
}
