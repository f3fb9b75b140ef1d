/* SPDX-License-Identifier: Apache-2.0 */
/*
 * client_stdio.c - a server that is a process; see client_stdio.h.
 *
 * What is to be written is queued and written as the server reads, while its output is taken, so
 * that neither side waits for the other for ever.
 */
#include "mcp/client_stdio.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/escape.h"

#define TAIL_SHOWN_B 240U

static int exchange(struct mcp_transport *t, struct mcp_outgoing *out, struct ironclaw_error *err);
static void reply(struct mcp_transport *t, const char *text);
static int step(struct mcp_transport *t, struct ironclaw_error *err);
static void end(struct mcp_transport *t);

static const struct mcp_transport_ops transport_ops = {.exchange = exchange,
						       .reply = reply,
						       .step = step,
						       .close = end};

static struct mcp_stdio *stdio_of(struct mcp_transport *t)
{
	return (struct mcp_stdio *)t;
}

static int on_line(void *ud, const char *text, size_t len)
{
	struct mcp_stdio *io = ud;

	io->transport.peer.receive(io->transport.peer.ud, text, len, 0);
	return 0;
}

void mcp_stdio_init(struct mcp_stdio *io, const struct mcp_stdio_ops *ops,
		    const struct mcp_peer *peer)
{
	*io = (struct mcp_stdio){.transport = {&transport_ops, *peer}, .ops = ops};
	json_lines_init(&io->lines, 0, on_line, io);
}

void mcp_stdio_done(struct mcp_stdio *io)
{
	json_lines_free(&io->lines);
	free(io->input);
}

void mcp_stdio_output(struct mcp_stdio *io, const char *data, size_t len)
{
	/* Without memory a message is lost, and its request ends by time. */
	(void)json_lines_feed(&io->lines, data, len);
}

void mcp_stdio_stderr(struct mcp_stdio *io, const char *data, size_t len)
{
	size_t keep;

	if (len > MCP_TAIL_B) {
		data += len - MCP_TAIL_B;
		len = MCP_TAIL_B;
	}
	keep = io->tail_len < MCP_TAIL_B - len ? io->tail_len : MCP_TAIL_B - len;
	memmove(io->tail, io->tail + io->tail_len - keep, keep);
	memcpy(io->tail + keep, data, len);
	io->tail_len = keep + len;
}

void mcp_stdio_add_tail(const struct mcp_stdio *io, struct ironclaw_error *err)
{
	char text[TAIL_SHOWN_B * ESCAPE_GROWTH + 1];
	struct ironclaw_error said;
	const char *from = io->tail, *line;
	size_t len = io->tail_len;

	while (len > 0 && (from[len - 1] == '\n' || from[len - 1] == '\r'))
		len--;
	if (len == 0 || !err)
		return;
	if (len > TAIL_SHOWN_B) {
		from += len - TAIL_SHOWN_B;
		len = TAIL_SHOWN_B;
		/* Whole lines, when there is one. */
		line = memchr(from, '\n', len);
		len -= line ? (size_t)(line + 1 - from) : 0;
		from = line ? line + 1 : from;
	}
	escape_text(text, sizeof(text), from, len);
	said = *err;
	(void)err_set(err, said.code, said.errnum, "%s; its last words: %s", said.text, text);
}

static int queue(struct mcp_stdio *io, const char *text, size_t len)
{
	size_t left = io->input_len - io->input_at;
	char *grown;

	if (left + len + 1 > MCP_INPUT_MAX_B)
		return -EMSGSIZE;
	if (left > 0)
		memmove(io->input, io->input + io->input_at, left);
	grown = realloc(io->input, left + len + 1);
	if (!grown)
		return -ENOMEM;
	memcpy(grown + left, text, len);
	grown[left + len] = '\n';
	io->input = grown;
	io->input_len = left + len + 1;
	io->input_at = 0;
	return 0;
}

/* Return: bytes written; -EPIPE */
static ssize_t flush(struct mcp_stdio *io)
{
	ssize_t n = 0, sum = 0;

	while (io->input_at < io->input_len &&
	       (n = io->ops->write(io, io->input + io->input_at, io->input_len - io->input_at)) >
		       0) {
		io->input_at += (size_t)n;
		sum += n;
	}
	return n < 0 ? n : sum;
}

static void reply(struct mcp_transport *t, const char *text)
{
	struct mcp_stdio *io = stdio_of(t);

	if (queue(io, text, strlen(text)) < 0)
		io->input_full = true;
}

static int gone(const struct mcp_stdio *io, struct ironclaw_error *err)
{
	if (err && err->code == IRONCLAW_ERR_NONE)
		(void)err_set(err, IRONCLAW_ERR_LOST, EPIPE, "it has closed its input");
	mcp_stdio_add_tail(io, err);
	return -EPIPE;
}

static int exchange(struct mcp_transport *t, struct mcp_outgoing *out, struct ironclaw_error *err)
{
	struct mcp_stdio *io = stdio_of(t);
	int r = queue(io, out->text, out->len), dead = 0;

	if (r < 0)
		return err_set(err, IRONCLAW_ERR_INVALID, -r, "the message is too large");
	for (;;) {
		ssize_t n = dead < 0 ? 0 : flush(io);
		bool writing = io->input_at < io->input_len;

		out->sent = out->sent || n > 0;
		r = t->peer.waiting(t->peer.ud);
		if (r != 0 || (out->request_id == 0 && !writing))
			return r < 0 ? r : 0;
		if (dead < 0)
			return gone(io, err);
		if (io->input_full)
			return err_set(err, IRONCLAW_ERR_LOST, EPIPE,
				       "it asks without reading the answers");
		/* A broken input alone is no end: its last answer may be on the way. */
		dead = io->ops->wait(io, writing && n >= 0, MCP_TICK_MS, err);
	}
}

static int step(struct mcp_transport *t, struct ironclaw_error *err)
{
	struct mcp_stdio *io = stdio_of(t);

	if (flush(io) < 0 || io->ops->wait(io, false, 0, err) < 0)
		return gone(io, err);
	return 0;
}

static void end(struct mcp_transport *t)
{
	stdio_of(t)->ops->stop(stdio_of(t));
}
