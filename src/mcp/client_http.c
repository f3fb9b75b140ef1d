/* SPDX-License-Identifier: Apache-2.0 */
/*
 * client_http.c - a server over HTTP: a POST for each message.
 *
 * The answer is one message, or a stream of events that has it among others. A stream of the legacy
 * era that ends before the answer is taken up again with the id of its last event, after the time
 * that the server asks for; one of the modern era is lost. Requests of a server are answered from
 * the idle callback, by POSTs of their own.
 *
 * A session that the server no longer knows is -ESTALE, and was refused before anything was done;
 * so was all that has another status from 400 to 499.
 */
#include "mcp/client_http.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "codec/secret.h"
#include "sys/clock.h"

#define BODY_MAX_B (64U * 1024U * 1024U) /* of one stream */

/* One request and its answer. */
struct flight {
	struct mcp_http *http;
	struct mcp_outgoing *out;
	struct sse_parser sse;
	bool streaming, initialize;
	char *body;
	size_t len;
	uint64_t n_events;
	int status;
};

static int on_event(void *ud, const struct sse_event *event)
{
	struct flight *f = ud;
	const struct mcp_peer *peer = &f->http->transport.peer;
	int r;

	f->n_events++;
	if (strcmp(event->type, "message") == 0)
		peer->receive(peer->ud, event->data, event->len, f->out->request_id);
	r = peer->waiting(peer->ud);
	return r == 1 ? -EALREADY : r;
}

static void take_session(struct flight *f, const struct http_head *head)
{
	const char *id = http_head_find(head, "mcp-session-id");
	size_t len = id ? strlen(id) : 0;

	if (len == 0 || len > MCP_SESSION_MAX_B)
		return;
	for (size_t i = 0; i < len; i++) {
		if (id[i] < 0x21 || id[i] > 0x7e)
			return;
	}
	memcpy(f->http->session, id, len + 1);
}

static int on_head(void *ud, const struct http_head *head)
{
	struct flight *f = ud;

	f->status = head->status;
	f->streaming = head->status == 200 && strcmp(head->content_type, "text/event-stream") == 0;
	if (f->initialize && head->status == 200)
		take_session(f, head);
	return 0;
}

static int on_body(void *ud, const void *data, size_t len)
{
	struct flight *f = ud;
	char *grown;

	if (f->streaming)
		return sse_feed(&f->sse, data, len, NULL);
	if (f->len + len > JSONRPC_TEXT_MAX_B)
		return -EMSGSIZE;
	grown = realloc(f->body, f->len + len);
	if (!grown)
		return -ENOMEM;
	memcpy(grown + f->len, data, len);
	f->body = grown;
	f->len += len;
	return 0;
}

/* A server that asks and does not take the answers holds nobody up who wants to go. */
static int on_plain_idle(void *ud)
{
	const struct mcp_http *h = ud;
	int r = h->transport.peer.waiting(h->transport.peer.ud);

	return r < 0 ? r : 0;
}

/* @idle: with @h; or NULL */
static int post_plain(struct mcp_http *h, const char *method, const char *text,
		      int (*idle)(void *ud))
{
	struct mcp_outgoing out = {.text = text};
	struct mcp_http_headers headers;
	struct http_answer answer;
	struct http_request request = {.method = method,
				       .url = h->config->url,
				       .body = text,
				       .body_len = text ? strlen(text) : 0,
				       .ca_file = h->config->ca_file,
				       .total_timeout_ms = MCP_REPLY_MS,
				       .answer_max_b = JSONRPC_TEXT_MAX_B,
				       .idle = idle,
				       .ud = h};
	int r = mcp_http_headers_make(h, text ? &out : NULL, NULL, &headers, NULL);

	request.headers = headers.lines;
	request.secret_headers = headers.secrets;
	if (r == 0)
		r = http_perform(&request, &answer, NULL);
	mcp_http_headers_done(&headers);
	return r;
}

/* What cannot be sent is the server's loss: it waits for an answer that it has no claim to. */
static void send_replies(struct mcp_http *h)
{
	size_t n = h->n_replies;

	h->n_replies = 0;
	for (size_t i = 0; i < n; i++) {
		(void)post_plain(h, "POST", h->replies[i], on_plain_idle);
		free(h->replies[i]);
	}
}

static int on_idle(void *ud)
{
	struct flight *f = ud;
	const struct mcp_peer *peer = &f->http->transport.peer;
	int r;

	send_replies(f->http);
	r = peer->waiting(peer->ud);
	return r == 1 ? -EALREADY : r;
}

static int fly(struct flight *f, const char *last_id, struct ironclaw_error *err)
{
	struct mcp_http *h = f->http;
	struct mcp_http_headers headers;
	struct http_answer answer;
	struct http_request request = {.method = last_id ? "GET" : "POST",
				       .url = h->config->url,
				       .body = last_id ? NULL : f->out->text,
				       .body_len = last_id ? 0 : f->out->len,
				       .ca_file = h->config->ca_file,
				       .answer_max_b = BODY_MAX_B,
				       .head = on_head,
				       .answer = on_body,
				       .idle = on_idle,
				       .ud = f};
	int r = mcp_http_headers_make(h, last_id ? NULL : f->out, last_id, &headers, err);

	sse_init(&f->sse, JSONRPC_TEXT_MAX_B, on_event, f);
	f->status = 0;
	f->streaming = false;
	request.headers = headers.lines;
	request.secret_headers = headers.secrets;
	if (r == 0) {
		r = http_perform(&request, &answer, err);
		f->out->sent =
			f->out->sent || (r != -EINVAL && r != -ENOTCONN && r != -EKEYREJECTED);
	}
	mcp_http_headers_done(&headers);
	return r;
}

/* An answer that is one message; an error in it without an id is about our request. */
static void take_body(const struct flight *f)
{
	const struct mcp_peer *peer = &f->http->transport.peer;

	if (f->len > 0)
		peer->receive(peer->ud, f->body, f->len, f->out->request_id);
}

static int refused(const struct flight *f, struct ironclaw_error *err)
{
	f->out->sent = f->out->sent && f->status >= 500;
	switch (f->status) {
	case 401:
	case 403:
		return err_set(err, IRONCLAW_ERR_UNAVAILABLE, EACCES,
			       "it wants other credentials (HTTP %d): see bearerEnv, bearerFile "
			       "and headers of its configuration",
			       f->status);
	case 429:
	case 503:
		f->out->sent = false;
		return err_set(err, IRONCLAW_ERR_BUSY, EBADE, "it is busy (HTTP %d)", f->status);
	default:
		return err_set(err, IRONCLAW_ERR_UNAVAILABLE, EBADE, "it answered with HTTP %d",
			       f->status);
	}
}

/* The answer to a POST, which has ended. Return: 0 with the request answered; -errno */
static int judge(struct flight *f, bool had_session, struct ironclaw_error *err)
{
	const struct mcp_peer *peer = &f->http->transport.peer;
	bool success = f->status >= 200 && f->status < 300;

	if (success && f->out->request_id == 0)
		return 0;
	if (f->status == 401 || f->status == 403 || (f->status == 404 && had_session))
		f->len = 0;
	if (success || f->out->request_id != 0)
		take_body(f);
	if (peer->waiting(peer->ud) == 1 && !(f->status == 400 && had_session)) {
		f->out->sent = f->out->sent && (success || f->status >= 500);
		return 0;
	}
	if (had_session && (f->status == 404 || f->status == 400)) {
		f->http->session[0] = '\0';
		f->out->sent = false;
		return err_set(err, IRONCLAW_ERR_UNAVAILABLE, ESTALE, "its session is over");
	}
	if (!success)
		return refused(f, err);
	return err_set(err, IRONCLAW_ERR_GUEST, EPIPE, "its stream ended without an answer");
}

static int pause_for(const struct mcp_peer *peer, uint64_t ms)
{
	uint64_t deadline_us = clock_now_us() + ms * 1000;
	int left, r = 0;

	while (r == 0 && (left = clock_left_ms(deadline_us)) > 0) {
		(void)poll(NULL, 0, left < MCP_TICK_MS ? left : MCP_TICK_MS);
		r = peer->waiting(peer->ud);
	}
	return r;
}

/* Takes a stream up again until it has the answer. @r: how it ended. */
static int resume(struct flight *f, int r, struct ironclaw_error *err)
{
	const struct mcp_peer *peer = &f->http->transport.peer;
	char last_id[SSE_NAME_MAX_B + 1];
	uint64_t retry_ms = MCP_RETRY_MS;

	for (unsigned int barren = 0; barren < MCP_RESUMES_MAX; barren++) {
		uint64_t events = f->n_events;

		memcpy(last_id, f->sse.id, sizeof(last_id));
		if (f->sse.retry_ms != SSE_NO_RETRY)
			retry_ms = f->sse.retry_ms;
		if (peer->core->era != MCP_ERA_LEGACY || !last_id[0] ||
		    (r != 0 && r != -ECONNRESET))
			break;
		sse_done(&f->sse);
		err_clear(err);
		r = pause_for(peer, retry_ms);
		if (r != 0)
			return r == 1 ? -EALREADY : r;
		r = fly(f, last_id, err);
		if (r == 0 && !f->streaming)
			break;
		/* An id that was not replaced still holds. */
		if (!f->sse.id[0])
			memcpy(f->sse.id, last_id, sizeof(last_id));
		if (f->n_events > events)
			barren = 0;
	}
	return r == 0 ? err_set(err, IRONCLAW_ERR_LOST, EPIPE, "its stream ended without an answer")
		      : r;
}

static int exchange(struct mcp_transport *t, struct mcp_outgoing *out, struct ironclaw_error *err)
{
	struct mcp_http *h = (struct mcp_http *)t;
	struct flight f = {.http = h, .out = out};
	bool had_session;
	int r;

	f.initialize = out->method && strcmp(out->method, "initialize") == 0;
	if (f.initialize)
		h->session[0] = '\0';
	had_session = h->session[0] != '\0' && t->peer.core->era == MCP_ERA_LEGACY;
	r = fly(&f, NULL, err);
	if (f.streaming && out->request_id != 0 && r != -EALREADY) {
		if (r == 0)
			r = sse_end(&f.sse, NULL);
		if (r == 0 || r == -ECONNRESET)
			r = resume(&f, r, err);
	} else if (r == 0) {
		r = judge(&f, had_session, err);
	}
	out->status = f.status;
	sse_done(&f.sse);
	free(f.body);
	send_replies(h);
	return r == -EALREADY ? 0 : r;
}

static void reply(struct mcp_transport *t, const char *text)
{
	struct mcp_http *h = (struct mcp_http *)t;
	char *copy = h->n_replies < MCP_REPLIES_MAX ? strdup(text) : NULL;

	if (copy)
		h->replies[h->n_replies++] = copy;
}

/* Nothing comes but in answers. */
static int step(struct mcp_transport *t, struct ironclaw_error *err)
{
	(void)t;
	(void)err;
	return 0;
}

static void end(struct mcp_transport *t)
{
	struct mcp_http *h = (struct mcp_http *)t;

	if (h->session[0])
		(void)post_plain(h, "DELETE", NULL, NULL);
	for (size_t i = 0; i < h->n_replies; i++)
		free(h->replies[i]);
	secret_free(h->bearer);
	free(h);
}

int mcp_client_http_open(const struct mcp_client_options *options, const struct mcp_peer *peer,
			 struct mcp_transport **ret, struct ironclaw_error *err)
{
	static const struct mcp_transport_ops ops = {exchange, reply, step, end};
	struct mcp_http *h = calloc(1, sizeof(*h));
	int r;

	if (!h)
		return err_sys(err, ENOMEM, "MCP server");
	h->transport = (struct mcp_transport){&ops, *peer};
	h->config = options->config;
	r = mcp_client_http_bearer(h->config, &h->bearer, err);
	if (r < 0) {
		free(h);
		return r;
	}
	*ret = &h->transport;
	return 0;
}
