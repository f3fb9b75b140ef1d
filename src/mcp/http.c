/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http.c - the HTTP server: the library's daemon in the caller's poll loop, and time.
 *
 * The caller waits for one descriptor, an epoll that holds the library's own epoll and the sockets
 * of requests that wait. While something is connected or open it is also woken twice a second, and
 * whatever has taken too long is ended then.
 */
#include "mcp/http.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "mcp/http_check.h"
#include "mcp/http_internal.h"
#include "sys/clock.h"

#define EVENTS_MAX 16

void http_watch(struct http_request *request, bool on)
{
	struct epoll_event event = {.events = EPOLLRDHUP | EPOLLONESHOT, .data.ptr = request};

	if (request->watched == on)
		return;
	/* Without the watch a hang-up is noticed at the next write. */
	if (epoll_ctl(request->http->epoll_fd, on ? EPOLL_CTL_ADD : EPOLL_CTL_DEL,
		      request->connection->fd, &event) == 0)
		request->watched = on;
}

static void connection_changed(void *context, struct MHD_Connection *library, void **ret,
			       enum MHD_ConnectionNotificationCode what)
{
	struct mcp_http *http = context;
	struct http_connection *c = *ret, **at = &http->connections;
	const union MHD_ConnectionInfo *info;

	if (what == MHD_CONNECTION_NOTIFY_CLOSED) {
		while (*at && *at != c)
			at = &(*at)->next;
		if (*at)
			*at = c->next;
		free(c);
		*ret = NULL;
		return;
	}
	info = MHD_get_connection_info(library, MHD_CONNECTION_INFO_CONNECTION_FD);
	c = info ? calloc(1, sizeof(*c)) : NULL;
	if (!c) /* its requests are refused for the lack of it */
		return;
	c->fd = info->connect_fd;
	c->since_us = clock_now_us();
	c->next = http->connections;
	http->connections = c;
	*ret = c;
}

static int start_daemon(struct mcp_http *http, struct ironclaw_error *err)
{
	const union MHD_DaemonInfo *info;
	struct epoll_event event = {.events = EPOLLIN};

	http->daemon =
		MHD_start_daemon(MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL,
				 http_request_handle, http, MHD_OPTION_LISTEN_SOCKET, http->at.fd,
				 MHD_OPTION_CONNECTION_LIMIT, HTTP_CONNECTIONS_MAX,
				 MHD_OPTION_CONNECTION_TIMEOUT, HTTP_WRITE_S,
				 MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)HTTP_MEMORY_B,
				 MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_NOTIFY_COMPLETED,
				 http_request_over, http, MHD_OPTION_NOTIFY_CONNECTION,
				 connection_changed, http, MHD_OPTION_END);
	if (!http->daemon)
		return err_sys(err, errno ? errno : EIO, "cannot start the HTTP server");
	http->at.fd = -EBADF; /* the daemon's */
	info = MHD_get_daemon_info(http->daemon, MHD_DAEMON_INFO_EPOLL_FD);
	http->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (!info || http->epoll_fd < 0 ||
	    epoll_ctl(http->epoll_fd, EPOLL_CTL_ADD, info->epoll_fd, &event) < 0)
		return err_sys(err, errno, "cannot wait for HTTP clients");
	return 0;
}

static int take_options(struct mcp_http *http, const struct mcp_http_options *o,
			struct ironclaw_error *err)
{
	int r;

	http->options = *o;
	http->options.address = http->options.token = NULL;
	if (!http->options.session_idle_ms)
		http->options.session_idle_ms = HTTP_SESSION_IDLE_MS;
	if (sodium_init() < 0)
		return err_set(err, IRONCLAW_ERR_INTERNAL, EIO, "no randomness");
	if (o->token && !mcp_http_token_valid(o->token))
		return err_set(err, IRONCLAW_ERR_INVALID, EINVAL,
			       "a token has %u to %u characters of letters, digits and ._~+/=-",
			       MCP_HTTP_TOKEN_MIN, MCP_HTTP_TOKEN_MAX);
	if (o->token) {
		http->has_token = true;
		(void)crypto_generichash(http->token, sizeof(http->token),
					 (const unsigned char *)o->token, strlen(o->token), NULL,
					 0);
	}
	r = http_listen(o->address, &http->at, err);
	if (r < 0)
		return r;
	if (!http->at.local && !http->has_token)
		return err_set(err, IRONCLAW_ERR_INVALID, EINVAL,
			       "%s is not of loopback: this needs a token", o->address);
	return 0;
}

int mcp_http_open(const struct mcp_http_options *o, struct mcp_http **ret,
		  struct ironclaw_error *err)
{
	struct mcp_http *http = calloc(1, sizeof(*http));
	int r;

	if (!http)
		return err_sys(err, ENOMEM, "cannot hold the HTTP server");
	http->epoll_fd = http->at.fd = -EBADF;
	r = take_options(http, o, err);
	if (r == 0)
		r = start_daemon(http, err);
	if (r < 0) {
		mcp_http_close(http);
		return r;
	}
	*ret = http;
	return 0;
}

void mcp_http_close(struct mcp_http *http)
{
	if (!http)
		return;
	while (http->sessions)
		http_session_end(http->sessions);
	for (struct http_answer *a = http->answers; a; a = a->next) {
		a->broken = true;
		if (a->request)
			http_request_wake(a->request);
	}
	if (http->daemon)
		MHD_stop_daemon(http->daemon); /* ends all requests, and with them their answers */
	while (http->answers)
		http_answer_free(http->answers);
	if (http->has_modern)
		http->options.close(http->options.userdata, http->modern);
	close_fd(&http->at.fd);
	close_fd(&http->epoll_fd);
	free(http->at.url);
	free(http->at.host);
	free(http);
}

const char *mcp_http_url(const struct mcp_http *http)
{
	return http->at.url;
}

void mcp_http_poll(struct mcp_http *http, struct pollfd *fd, int *timeout_ms)
{
	MHD_UNSIGNED_LONG_LONG library_ms;
	int wait_ms = *timeout_ms;

	*fd = (struct pollfd){.fd = http->epoll_fd, .events = POLLIN};
	if ((http->connections || http->sessions || http->answers) &&
	    (wait_ms < 0 || wait_ms > (int)HTTP_TICK_MS))
		wait_ms = HTTP_TICK_MS;
	if (MHD_get_timeout(http->daemon, &library_ms) == MHD_YES &&
	    (wait_ms < 0 || library_ms < (unsigned int)wait_ms))
		wait_ms = (int)library_ms;
	*timeout_ms = http->resumed ? 0 : wait_ms;
}

static void tick(struct mcp_http *http)
{
	uint64_t now_us = clock_now_us();

	if (now_us - http->ticked_us < HTTP_TICK_MS * 1000ULL)
		return;
	http->ticked_us = now_us;
	http_answers_tick(http, now_us);
	http_sessions_tick(http, now_us);
	for (struct http_connection *c = http->connections; c; c = c->next) {
		uint64_t limit_ms = c->known ? HTTP_ARRIVE_MS : HTTP_ARRIVE_STRANGER_MS;

		/* The library sees the end of the stream, and cleans up. */
		if (!c->busy && now_us - c->since_us > limit_ms * 1000)
			(void)shutdown(c->fd, SHUT_RDWR);
	}
}

void mcp_http_serve(struct mcp_http *http)
{
	struct epoll_event events[EVENTS_MAX];
	int n = epoll_wait(http->epoll_fd, events, EVENTS_MAX, 0);

	for (int i = 0; i < n; i++) {
		struct http_request *request = events[i].data.ptr;

		if (!request) /* the library's own */
			continue;
		request->gone = true;
		http_request_wake(request);
	}
	tick(http);
	http->resumed = false;
	(void)MHD_run(http->daemon);
}

void mcp_http_each(struct mcp_http *http, void (*each)(void *userdata, struct mcp_session *s),
		   void *userdata)
{
	for (struct http_session *s = http->sessions; s; s = s->next)
		each(userdata, s->core);
	for (struct http_answer *a = http->answers; a; a = a->next)
		if (a->core)
			each(userdata, a->core);
}

void mcp_http_interrupt(struct mcp_http *http, const struct mcp_call *call)
{
	const struct mcp_sink *sink = mcp_call_sink(call);

	for (struct http_answer *a = http->answers; a; a = a->next)
		if (&a->sink == sink) {
			http_answer_interrupt(a);
			return;
		}
}
