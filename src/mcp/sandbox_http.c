/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sandbox_http.c - one poll loop over the HTTP server and the sandbox tools of its clients.
 *
 * In each turn the clients are served first, with what poll(2) said of them: only the HTTP server,
 * which comes after, makes clients and ends them.
 */
#include "mcp/sandbox_http.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "mcp/http.h"
#include "mcp/sandbox_work.h"

/* Sessions, the shared one of modern requests, and the one that is ready. */
#define CLIENTS_MAX   16U
/* VMs of clients that are gone: who comes and goes cannot have any number of them started. */
#define ABANDONED_MAX 16U

struct client {
	struct sandbox_tools *tools; /* NULL: free */
	size_t n_fds;		     /* in this turn */
};

struct serving {
	const struct sandbox_http *options;
	struct client clients[CLIENTS_MAX];
	struct sandbox_tools *ready; /* started before its client, or NULL; one of the clients */
	bool ending;		     /* the process is about to: wait for VMs */
	struct pollfd *fds;	     /* 2 and MCP_LOOP_FDS_MAX for each client */
};

enum { FD_HTTP, FD_STOP, FD_CLIENTS };

static int start_client(struct serving *s, struct sandbox_tools **ret, struct ironclaw_error *err)
{
	if (sandbox_work_abandoned() >= ABANDONED_MAX)
		return err_set(err, IRONCLAW_ERR_BUSY, EBUSY,
			       "the VMs of earlier clients have not ended yet");
	for (size_t i = 0; i < CLIENTS_MAX; i++) {
		int r;

		if (s->clients[i].tools)
			continue;
		r = sandbox_tools_new(s->options->tools, &s->clients[i].tools, err);
		s->clients[i].n_fds = 0;
		if (r == 0)
			*ret = s->clients[i].tools;
		return r;
	}
	return err_set(err, IRONCLAW_ERR_BUSY, EBUSY, "there are %u clients already", CLIENTS_MAX);
}

static int open_client(void *userdata, void **ret, struct ironclaw_error *err)
{
	struct serving *s = userdata;
	struct sandbox_tools *tools = take_ptr(s->ready);
	int r = tools ? 0 : start_client(s, &tools, err);

	if (r == 0)
		*ret = tools;
	return r;
}

static void close_client(void *userdata, void *tools)
{
	struct serving *s = userdata;

	for (size_t i = 0; i < CLIENTS_MAX; i++)
		if (s->clients[i].tools == tools)
			s->clients[i].tools = NULL;
	sandbox_tools_free(tools, s->ending);
}

static size_t poll_clients(struct serving *s, int *timeout_ms)
{
	size_t n = FD_CLIENTS;

	for (size_t i = 0; i < CLIENTS_MAX; i++) {
		struct client *c = &s->clients[i];

		c->n_fds = c->tools ? sandbox_tools_poll(c->tools, s->fds + n, timeout_ms) : 0;
		n += c->n_fds;
	}
	return n;
}

static void serve_clients(struct serving *s)
{
	size_t n = FD_CLIENTS;

	for (size_t i = 0; i < CLIENTS_MAX; i++) {
		struct client *c = &s->clients[i];

		if (c->tools)
			sandbox_tools_serve(c->tools, s->fds + n, c->n_fds);
		n += c->n_fds;
	}
}

static int loop(struct serving *s, struct mcp_http *http, struct ironclaw_error *err)
{
	for (;;) {
		int timeout_ms = -1;
		size_t n = poll_clients(s, &timeout_ms);

		mcp_http_poll(http, &s->fds[FD_HTTP], &timeout_ms);
		s->fds[FD_STOP] = (struct pollfd){.fd = s->options->stop_fd, .events = POLLIN};
		if (poll(s->fds, n, timeout_ms) < 0) {
			if (errno == EINTR)
				continue;
			return err_sys(err, errno, "cannot wait for clients");
		}
		if (s->fds[FD_STOP].revents)
			return 0;
		serve_clients(s);
		mcp_http_serve(http);
	}
}

int sandbox_http_serve(const struct sandbox_http *o, struct ironclaw_error *err)
{
	cleanup_free struct pollfd *fds =
		calloc(FD_CLIENTS + CLIENTS_MAX * MCP_LOOP_FDS_MAX, sizeof(*fds));
	struct serving s = {.options = o, .fds = fds};
	struct mcp_http_options http_options = {.server = o->server,
						.address = o->address,
						.token = o->token,
						.open = open_client,
						.close = close_client,
						.userdata = &s};
	struct mcp_http *http = NULL;
	int r;

	if (!fds)
		return err_sys(err, ENOMEM, "cannot hold the clients");
	r = mcp_http_open(&http_options, &http, err);
	if (r < 0)
		return r;
	r = start_client(&s, &s.ready, err);
	if (r == 0) {
		o->ready(mcp_http_url(http));
		r = loop(&s, http, err);
	}
	s.ending = true;
	mcp_http_close(http);
	sandbox_tools_free(s.ready, true);
	return r;
}
