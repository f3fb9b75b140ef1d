/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stdio.c - see stdio.h.
 *
 * Writing must not block, for VMs are served in the same loop; and O_NONBLOCK is a property of the
 * open file, which the client's other children may share. So: a socket is written to with
 * MSG_DONTWAIT, anything else in pieces of PIPE_BUF after poll(2) said that there is room, which is
 * what a pipe then has.
 */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "mcp/stdio.h"
#include "sys/clock.h"

#define READ_B 65536

struct server {
	struct mcp_sink sink; /* first: send() casts back */
	const struct mcp_stdio *options;
	struct mcp_session *session;
	struct json_lines lines;
	char in[READ_B]; /* what was read: in[in_at] to in[in_len] is not taken yet */
	size_t in_at, in_len;
	char *queue; /* what waits to be written: queue[sent] to queue[len] */
	size_t sent, len, size;
	bool ended;  /* of the input, or told to stop */
	bool closed; /* the output */
	int failure; /* -errno */
};

enum { FD_IN, FD_OUT, FD_STOP, FD_LOOP };

static size_t queued(const struct server *s)
{
	return s->len - s->sent;
}

static int queue_grow(struct server *s, size_t more)
{
	size_t size = s->size ? s->size : READ_B;
	char *queue;

	if (s->sent > 0) {
		memmove(s->queue, s->queue + s->sent, queued(s));
		s->len -= s->sent;
		s->sent = 0;
	}
	while (size < s->len + more)
		size *= 2;
	if (size == s->size)
		return 0;
	queue = realloc(s->queue, size);
	if (!queue)
		return -ENOMEM;
	s->queue = queue;
	s->size = size;
	return 0;
}

static void sink_send(struct mcp_sink *sink, const struct mcp_message *message)
{
	struct server *s = (struct server *)sink;

	if (!message->text || s->closed || s->failure)
		return;
	if (s->len + message->len + 1 > s->size && queue_grow(s, message->len + 1) < 0) {
		/* Half a conversation is worse than none. */
		s->failure = -ENOMEM;
		return;
	}
	memcpy(s->queue + s->len, message->text, message->len);
	s->len += message->len;
	s->queue[s->len++] = '\n';
}

static int take_line(void *userdata, const char *text, size_t len)
{
	struct server *s = userdata;

	if (text)
		(void)mcp_session_receive(s->session, text, len, &s->sink);
	else
		mcp_session_too_long(s->session, &s->sink);
	return s->failure;
}

static bool takes_more(const struct server *s)
{
	return queued(s) < MCP_STDIO_QUEUE_MAX_B && s->failure == 0;
}

/* A line at a time: a single read may hold hundreds of requests, each with a large answer. */
static void take_input(struct server *s)
{
	while (s->in_at < s->in_len && takes_more(s)) {
		const char *data = s->in + s->in_at, *lf = memchr(data, '\n', s->in_len - s->in_at);
		size_t n = lf ? (size_t)(lf - data) + 1 : s->in_len - s->in_at;

		s->in_at += n;
		s->failure = json_lines_feed(&s->lines, data, n);
	}
}

static void serve_input(struct server *s)
{
	ssize_t n = read(s->options->in_fd, s->in, sizeof(s->in));

	s->in_at = 0;
	s->in_len = n > 0 ? (size_t)n : 0;
	if (n == 0 || (n < 0 && errno != EINTR && errno != EAGAIN))
		s->ended = true;
}

static void serve_output(struct server *s)
{
	const char *data = s->queue + s->sent;
	ssize_t n = send(s->options->out_fd, data, queued(s), MSG_DONTWAIT | MSG_NOSIGNAL);

	if (n < 0 && errno == ENOTSOCK)
		n = write(s->options->out_fd, data, queued(s) < PIPE_BUF ? queued(s) : PIPE_BUF);
	if (n >= 0) {
		s->sent += (size_t)n;
		if (s->sent == s->len)
			s->sent = s->len = 0;
	} else if (errno != EINTR && errno != EAGAIN) {
		s->closed = true;
	}
}

/* One round. @timeout_ms: the most to wait; @reading: input is wanted */
static void round_of(struct server *s, int timeout_ms, bool reading)
{
	const struct mcp_loop *loop = s->options->loop;
	struct pollfd fds[FD_LOOP + MCP_LOOP_FDS_MAX] = {
		[FD_IN] = {.fd = reading && s->in_at == s->in_len && takes_more(s)
					 ? s->options->in_fd
					 : -1,
			   .events = POLLIN},
		[FD_OUT] = {.fd = s->options->out_fd, .events = queued(s) > 0 ? POLLOUT : 0},
		[FD_STOP] = {.fd = reading ? s->options->stop_fd : -1, .events = POLLIN},
	};
	size_t n_loop =
		loop && reading ? loop->poll(loop->userdata, fds + FD_LOOP, &timeout_ms) : 0;

	if (poll(fds, FD_LOOP + n_loop, timeout_ms) < 0) {
		if (errno != EINTR)
			s->failure = -errno;
		return;
	}
	if (fds[FD_OUT].revents & (POLLERR | POLLHUP | POLLNVAL))
		s->closed = true;
	else if (fds[FD_OUT].revents & POLLOUT)
		serve_output(s);
	if (loop && reading)
		loop->serve(loop->userdata, fds + FD_LOOP, n_loop);
	if (fds[FD_STOP].revents)
		s->ended = true;
	if (fds[FD_IN].revents)
		serve_input(s);
	if (reading)
		take_input(s);
}

int mcp_stdio_serve(const struct mcp_stdio *options, struct ironclaw_error *err)
{
	struct server s = {.sink.send = sink_send, .options = options};
	uint64_t deadline_us;
	int r;

	r = mcp_session_new(options->server, MCP_ERA_BOTH, options->userdata, &s.sink, &s.session);
	if (r < 0)
		return err_sys(err, -r, "MCP session");
	json_lines_init(&s.lines, 0, take_line, &s);
	while (!s.ended && !s.closed && s.failure == 0)
		round_of(&s, -1, true);
	mcp_session_free(s.session);
	deadline_us = clock_now_us() + MCP_STDIO_FLUSH_MS * 1000ULL;
	while (!s.closed && s.failure == 0 && queued(&s) > 0 && clock_left_ms(deadline_us) > 0)
		round_of(&s, clock_left_ms(deadline_us), false);
	json_lines_free(&s.lines);
	free(s.queue);
	return s.failure == 0 ? 0 : err_sys(err, -s.failure, "MCP on standard input and output");
}
