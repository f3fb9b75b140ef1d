/* SPDX-License-Identifier: Apache-2.0 */
/*
 * client_ask.c - one request of a client; see client_internal.h.
 *
 * A request has a timeout, which each notification of progress begins anew, and a cap, which none
 * does. When it is given up the server is told so, where the era and the transport have a way for
 * that, and a late answer belongs to nothing.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "mcp/client_internal.h"
#include "sys/clock.h"

static void begin(struct mcp_client *c, uint64_t timeout_ms, uint64_t total_ms,
		  const struct mcp_client_wait *wait)
{
	uint64_t now = clock_now_us();

	c->current = (struct mcp_current){.wait = wait,
					  .timeout_us = timeout_ms * 1000,
					  .deadline_us = now + timeout_ms * 1000,
					  .cap_us = now + total_ms * 1000};
}

static int send_out(struct mcp_client *c, struct mcp_outgoing *out, struct ironclaw_error *err)
{
	struct ironclaw_error why = {0};
	int r = c->transport->ops->exchange(c->transport, out, &why);

	if (r == -ETIMEDOUT && why.code == IRONCLAW_ERR_NONE)
		(void)err_set(&why, IRONCLAW_ERR_TIMEOUT, ETIMEDOUT, "it did not answer in time");
	else if (r == -ECANCELED && why.code == IRONCLAW_ERR_NONE)
		(void)err_set(&why, IRONCLAW_ERR_CANCELLED, ECANCELED, "cancelled");
	else if (r == -EPROTO && why.code == IRONCLAW_ERR_NONE)
		(void)err_set(&why, IRONCLAW_ERR_GUEST, EPROTO,
			      "it sends what is no message of MCP");
	else if (r == -EMSGSIZE && why.code == IRONCLAW_ERR_NONE)
		(void)err_set(&why, IRONCLAW_ERR_GUEST, EMSGSIZE,
			      "it sent a message of more than %u bytes", JSONRPC_TEXT_MAX_B);
	else if (r < 0 && why.code == IRONCLAW_ERR_NONE)
		(void)err_sys(&why, -r, "no answer");
	if (r < 0 && err)
		*err = why;
	return r;
}

int mcp_client_tell(struct mcp_client *c, const char *text, uint64_t timeout_ms,
		    struct ironclaw_error *err)
{
	struct mcp_outgoing out = {.text = text, .len = strlen(text), .method = "notification"};

	begin(c, timeout_ms, timeout_ms, NULL);
	return send_out(c, &out, err);
}

/* Over HTTP the end of the stream has said it already since 2026-07-28. */
static void give_up(struct mcp_client *c, uint64_t id, int why)
{
	bool http = c->options.config->where == MCP_OVER_HTTP;
	cleanup_free char *text = NULL;

	if (why != -ETIMEDOUT && why != -ECANCELED)
		return;
	if (http && c->core.era != MCP_ERA_LEGACY)
		return;
	text = mcp_core_cancelled(id,
				  why == -ETIMEDOUT ? "it took too long" : "the user cancelled");
	if (text)
		(void)mcp_client_tell(c, text, MCP_CANCEL_MS, NULL);
}

int mcp_client_ask(struct mcp_client *c, struct mcp_ask *ask, struct ironclaw_error *err)
{
	uint64_t timeout_ms = ask->timeout_ms, total_ms = 0;
	cleanup_free char *text = NULL;
	struct mcp_outgoing out = {.method = ask->method,
				   .tool = ask->tool,
				   .params = ask->header_params,
				   .arguments = ask->arguments};
	int r = mcp_core_request(&c->core, ask->method, ask->params, ask->progress, &ask->ret_id,
				 &text);

	ask->params = NULL;
	if (r < 0)
		return err_sys(err, -r, "%s", ask->method);
	if (timeout_ms == 0)
		timeout_ms = ask->wait && ask->wait->timeout_ms ? ask->wait->timeout_ms
								: c->options.config->timeout_ms;
	total_ms = ask->wait && ask->wait->total_ms ? ask->wait->total_ms
						    : timeout_ms * MCP_TOTAL_FACTOR;
	begin(c, timeout_ms, total_ms, ask->wait);
	c->current.id = ask->ret_id;
	out.request_id = ask->ret_id;
	out.text = text;
	out.len = strlen(text);
	r = send_out(c, &out, err);
	ask->ret_sent = out.sent;
	ask->ret_status = out.status;
	c->current.id = 0;
	if (r == 0 || (r == -ETIMEDOUT && ask->keep))
		return r;
	mcp_core_forget(&c->core, ask->ret_id);
	if (strcmp(ask->method, "initialize") != 0 && out.sent)
		give_up(c, ask->ret_id, r);
	return r;
}
