/* SPDX-License-Identifier: Apache-2.0 */
/* client.c - the tools of one MCP server; see client.h. */
#include "mcp/client.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "mcp/client_gate.h"
#include "mcp/client_internal.h"
#include "sys/clock.h"

static void cleanup_jsonp(json_t **json)
{
	json_decref(*json);
}

static void on_message(void *ud, const char *text, size_t len, uint64_t about)
{
	struct mcp_client *c = ud;
	cleanup_free char *reply = NULL;

	if (!text)
		c->current.too_long = true;
	else if (mcp_core_receive(&c->core, text, len, about, &reply) == -EBADMSG)
		c->current.n_garbage++;
	if (reply)
		c->transport->ops->reply(c->transport, reply);
}

static int on_waiting(void *ud)
{
	struct mcp_client *c = ud;
	struct mcp_current *now = &c->current;
	const struct mcp_pending *p = mcp_core_find(&c->core, now->id);
	uint64_t at = clock_now_us();

	if (p && p->answered)
		return 1;
	if (now->too_long)
		return -EMSGSIZE;
	if (now->n_garbage > MCP_GARBAGE_MAX)
		return -EPROTO;
	if (at > now->deadline_us || at > now->cap_us)
		return -ETIMEDOUT;
	return now->wait && now->wait->idle && now->wait->idle(now->wait->ud) < 0 ? -ECANCELED : 0;
}

static void on_progress(void *ud, uint64_t id, double progress, double total, const char *message)
{
	struct mcp_client *c = ud;
	const struct mcp_client_wait *wait = c->current.wait;

	if (id != c->current.id)
		return;
	c->current.deadline_us = clock_now_us() + c->current.timeout_us;
	if (wait && wait->progress)
		wait->progress(wait->ud, progress, total, message);
}

static int start(struct mcp_client *c, struct ironclaw_error *err)
{
	const struct mcp_peer peer = {on_message, on_waiting, &c->core, c};

	mcp_core_done(&c->core);
	mcp_core_init(&c->core);
	c->core.progress = on_progress;
	c->core.ud = c;
	switch (c->options.config->where) {
	case MCP_ON_HOST:
		return mcp_host_open(&c->options, &peer, &c->transport, err);
	case MCP_OVER_HTTP:
		return mcp_client_http_open(&c->options, &peer, &c->transport, err);
	case MCP_IN_VM:
		break;
	}
	return mcp_vm_open(&c->options, &peer, &c->transport, err);
}

static void stop(struct mcp_client *c)
{
	if (c->transport)
		c->transport->ops->close(c->transport);
	c->transport = NULL;
}

/*
 * Some servers of the legacy era end when the first question is not the handshake: those are
 * started once more, without the other question.
 */
static int start_and_agree(struct mcp_client *c, const struct mcp_client_wait *wait,
			   struct ironclaw_error *err)
{
	int r = start(c, err);

	if (r == 0)
		r = mcp_client_agree(c, true, wait, err);
	if (r != -EPIPE || c->core.era != MCP_ERA_UNKNOWN ||
	    c->options.config->where == MCP_OVER_HTTP)
		return r;
	stop(c);
	err_clear(err);
	r = start(c, err);
	return r == 0 ? mcp_client_agree(c, false, wait, err) : r;
}

int mcp_client_open(const struct mcp_client_options *options, const struct mcp_client_wait *wait,
		    struct mcp_client **ret, struct ironclaw_error *err)
{
	struct mcp_client *c = calloc(1, sizeof(*c));
	bool host = options->config->where == MCP_ON_HOST;
	int r = 0;

	if (!c)
		return err_sys(err, ENOMEM, "MCP client");
	c->options = *options;
	if (options->config->where == MCP_IN_VM ? !options->sandbox : !options->gate)
		r = err_set(err, IRONCLAW_ERR_INTERNAL, EINVAL, "no VM, or no gate, for it");
	/* One approval is for this open, in which the command may be started twice. */
	if (r == 0 && host)
		r = mcp_gate_start(options, err);
	if (r == 0)
		r = start_and_agree(c, wait, err);
	if (r == 0)
		r = mcp_client_load(c, wait, err);
	if (r < 0) {
		err_prefix(err, "MCP server '%s'", options->config->name);
		mcp_client_close(c);
		return r;
	}
	*ret = c;
	return 0;
}

const struct mcp_client_tool *mcp_client_tools(const struct mcp_client *client, size_t *ret_n)
{
	*ret_n = client->tools.n;
	return client->tools.items;
}

const struct mcp_client_tool *mcp_client_find(const struct mcp_client *client, const char *name)
{
	for (size_t i = 0; i < client->tools.n; i++) {
		if (strcmp(client->tools.items[i].name, name) == 0)
			return &client->tools.items[i];
	}
	return NULL;
}

const struct mcp_server_config *mcp_client_config(const struct mcp_client *client)
{
	return client->options.config;
}

const char *mcp_client_version(const struct mcp_client *client)
{
	return client->core.version;
}

/* Of a call that failed: whether the tool may have run. */
static int outcome(int r, const struct mcp_ask *ask, struct ironclaw_error *err)
{
	if (!ask->ret_sent && r == -EPIPE && err)
		err->errnum = ENOTCONN;
	if (!ask->ret_sent)
		return r == -EPIPE ? -ENOTCONN : r;
	if (err) {
		err->code = IRONCLAW_ERR_UNKNOWN_OUTCOME;
		err->errnum = -r;
	}
	err_prefix(err, "the tool may have run");
	return r;
}

static int call(struct mcp_client *c, struct mcp_ask *ask, json_t **ret, struct ironclaw_error *err)
{
	struct mcp_pending *p;
	int r = mcp_client_ask(c, ask, err);

	if (r < 0)
		return outcome(r, ask, err);
	p = mcp_core_find(&c->core, ask->ret_id);
	r = mcp_core_check_call(&c->core, p, err);
	if (r == 0)
		*ret = json_incref(p->result);
	else if (r == -EPROTO)
		r = outcome(r, ask, err);
	else if (json_integer_value(json_object_get(p->error, "code")) == MCP_HEADER_MISMATCH)
		c->core.tools_changed = true;
	mcp_core_forget(&c->core, ask->ret_id);
	return r;
}

/* The session was over before the call: a new one, and the call once more, for it was refused. */
static int call_again(struct mcp_client *c, struct mcp_ask *ask, json_t *params, json_t **ret,
		      struct ironclaw_error *err)
{
	int r;

	err_clear(err);
	r = mcp_client_initialize(c, ask->wait, err);
	if (r < 0)
		return r;
	ask->params = json_deep_copy(params);
	return ask->params ? call(c, ask, ret, err) : err_sys(err, ENOMEM, "call");
}

int mcp_client_call(struct mcp_client *client, const char *name, json_t *arguments,
		    const struct mcp_client_wait *wait, json_t **ret, struct ironclaw_error *err)
{
	const struct mcp_client_tool *tool = mcp_client_find(client, name);
	cleanup(cleanup_jsonp) json_t *given = NULL, *params = NULL;
	const struct mcp_tool_detail *detail;
	struct ironclaw_error why = {0};
	struct mcp_ask ask = {.method = "tools/call", .wait = wait, .progress = true};
	int r;

	if (!tool)
		return err_set(err, IRONCLAW_ERR_NOT_FOUND, ENOENT, "there is no tool '%s'", name);
	if (arguments && !json_is_object(arguments))
		return err_set(err, IRONCLAW_ERR_INVALID, EINVAL, "the arguments are no object");
	given = arguments ? json_incref(arguments) : json_object();
	params = json_pack("{s:s, s:O}", "name", tool->raw_name, "arguments", given);
	ask.params = params ? json_deep_copy(params) : NULL;
	if (!given || !ask.params)
		return err_sys(err, ENOMEM, "call");
	detail = &client->tools.details[tool - client->tools.items];
	ask.tool = tool->raw_name;
	ask.header_params = detail->params;
	ask.arguments = given;
	r = client->options.config->where == MCP_IN_VM
		    ? 0
		    : mcp_gate_call(&client->options, tool, detail->pin, given, &why);
	if (r == 0)
		r = call(client, &ask, ret, &why);
	else
		json_decref(ask.params);
	if (r == -ESTALE && !ask.ret_sent)
		r = call_again(client, &ask, params, ret, &why);
	if (r < 0) {
		err_prefix(&why, "MCP tool '%s'", tool->raw_name);
		if (err)
			*err = why;
	}
	return r;
}

int mcp_client_step(struct mcp_client *client, const struct mcp_client_wait *wait,
		    bool *ret_changed, struct ironclaw_error *err)
{
	struct ironclaw_error why = {0};
	bool changed = false;
	int r = client->transport->ops->step(client->transport, &why);

	r = r < 0 ? -ENOTCONN : 0;
	if (r == 0 && client->core.tools_changed) {
		r = mcp_client_load(client, wait, &why);
		changed = r == 0;
	}
	if (r < 0) {
		err_prefix(&why, "MCP server '%s'", client->options.config->name);
		if (err)
			*err = why;
		return r;
	}
	if (ret_changed)
		*ret_changed = changed;
	return 0;
}

void mcp_client_close(struct mcp_client *client)
{
	if (!client)
		return;
	stop(client);
	mcp_core_done(&client->core);
	mcp_tools_clear(&client->tools);
	free(client);
}
