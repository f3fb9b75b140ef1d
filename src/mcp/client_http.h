/* SPDX-License-Identifier: Apache-2.0 */
/** client_http.h - parts of the HTTP transport: its state, and the header lines of a request. */
#ifndef MCP_CLIENT_HTTP_H
#define MCP_CLIENT_HTTP_H

#include "codec/http.h"
#include "codec/sse.h"
#include "mcp/client_transport.h"

#define MCP_SESSION_MAX_B 1024U
#define MCP_REPLIES_MAX	  16U	/* answers to requests of the server, not sent yet */
#define MCP_REPLY_MS	  5000U /* for one of them, and for the end of a session */
#define MCP_RETRY_MS	  1000U /* before a broken stream is taken up again, if unsaid */
#define MCP_RESUMES_MAX	  5U	/* in a row, without an event */

struct mcp_http {
	struct mcp_transport transport; /* first */
	const struct mcp_server_config *config;
	char *bearer; /* "Authorization: Bearer ..."; or NULL */
	char session[MCP_SESSION_MAX_B + 1];
	char *replies[MCP_REPLIES_MAX];
	size_t n_replies;
};

/** The header lines of one request; all owned. */
struct mcp_http_headers {
	const char *lines[HTTP_HEADERS_MAX + 1];
	size_t n;
	const char *secrets[MCP_HEADERS_MAX + 2]; /* borrowed from configuration and transport */
};

/**
 * mcp_http_headers_make() - for @out, or for a request without a body when it is NULL.
 * @last_id:	to take a stream up behind this event; or NULL
 *
 * Return: 0; -EINVAL: an argument cannot be in a header; -ENOMEM. In each case for
 * mcp_http_headers_done()
 */
int mcp_http_headers_make(const struct mcp_http *h, const struct mcp_outgoing *out,
			  const char *last_id, struct mcp_http_headers *ret,
			  struct ironclaw_error *err);

void mcp_http_headers_done(struct mcp_http_headers *headers);

/** mcp_client_http_bearer() - read the token that the configuration names. @ret NULL when it names
 * none.
 */
int mcp_client_http_bearer(const struct mcp_server_config *config, char **ret,
			   struct ironclaw_error *err);

#endif
