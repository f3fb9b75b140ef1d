/* SPDX-License-Identifier: Apache-2.0 */
/* http_session.c - the legacy clients, by their ids. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "mcp/http_internal.h"
#include "sys/clock.h"

struct http_session *http_session_find(struct mcp_http *http, const char *id)
{
	struct http_session *found = NULL;

	if (strlen(id) != HTTP_SESSION_ID_LEN)
		return NULL;
	for (struct http_session *s = http->sessions; s; s = s->next)
		if (sodium_memcmp(s->id, id, HTTP_SESSION_ID_LEN) == 0)
			found = s;
	return found;
}

bool http_session_busy(const struct http_session *session)
{
	if (session->listen)
		return true;
	for (const struct http_answer *a = session->http->answers; a; a = a->next)
		if (a->session == session && (!a->done || a->request))
			return true;
	return false;
}

bool http_session_resumable(const struct http_session *session)
{
	const char *version = mcp_session_version(session->core);

	return version && strcmp(version, "2025-11-25") >= 0;
}

/* Make room for one more. */
static int make_room(struct mcp_http *http, struct ironclaw_error *err)
{
	struct http_session *unused = NULL;
	size_t n = 0;

	for (struct http_session *s = http->sessions; s; s = s->next, n++)
		if (!http_session_busy(s) && (!unused || s->used_us < unused->used_us))
			unused = s;
	if (n < HTTP_SESSIONS_MAX)
		return 0;
	if (!unused)
		return err_set(err, IRONCLAW_ERR_BUSY, EBUSY, "all %u sessions are in use",
			       HTTP_SESSIONS_MAX);
	http_session_end(unused);
	return 0;
}

int http_session_open(struct mcp_http *http, struct http_session **ret, struct ironclaw_error *err)
{
	struct http_session *s;
	unsigned char id[HTTP_SESSION_ID_LEN / 2];
	int r = make_room(http, err);

	if (r < 0)
		return r;
	s = calloc(1, sizeof(*s));
	if (!s)
		return err_sys(err, ENOMEM, "cannot hold a session");
	s->http = http;
	s->used_us = clock_now_us();
	randombytes_buf(id, sizeof(id));
	(void)sodium_bin2hex(s->id, sizeof(s->id), id, sizeof(id));
	r = http->options.open(http->options.userdata, &s->client, err);
	if (r < 0) {
		free(s);
		return r;
	}
	r = mcp_session_new(http->options.server, MCP_ERA_LEGACY, s->client, NULL, &s->core);
	if (r < 0) {
		http->options.close(http->options.userdata, s->client);
		free(s);
		return err_sys(err, -r, "cannot hold a session");
	}
	s->next = http->sessions;
	http->sessions = s;
	*ret = s;
	return 0;
}

void http_session_end(struct http_session *session)
{
	struct mcp_http *http = session->http;
	struct http_session **at = &http->sessions;

	while (*at != session)
		at = &(*at)->next;
	*at = session->next;
	/* First the core, which holds sinks of the answers. */
	mcp_session_free(take_ptr(session->core));
	for (struct http_answer *a = http->answers, *next; a; a = next) {
		next = a->next;
		if (a->session != session)
			continue;
		a->session = NULL;
		a->done = a->broken = true;
		if (a->request)
			http_request_wake(a->request);
		else
			http_answer_free(a);
	}
	http->options.close(http->options.userdata, session->client);
	free(session);
}

void http_sessions_tick(struct mcp_http *http, uint64_t now_us)
{
	uint64_t idle_us = (uint64_t)http->options.session_idle_ms * 1000;

	for (struct http_session *s = http->sessions, *next; s; s = next) {
		next = s->next;
		if (http_session_busy(s))
			s->used_us = now_us;
		else if (now_us - s->used_us > idle_us)
			http_session_end(s);
	}
}
