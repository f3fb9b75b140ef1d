/* SPDX-License-Identifier: Apache-2.0 */
/**
 * http.h - the Model Context Protocol over streamable HTTP, both eras at one endpoint, /mcp.
 *
 * One thread, in the caller's poll loop. A legacy client gets a session (`Mcp-Session-Id`) with an
 * mcp_session of its own; a modern request is served by one that lives as long as the request.
 * What comes in is hostile until it has the token; also from this host, for a page in a browser
 * can reach loopback: so Host and Origin are checked. The number of connections and sessions, their
 * sizes and their idle times are bounded, see http_internal.h.
 */
#ifndef MCP_HTTP_H
#define MCP_HTTP_H

#include <poll.h>
#include <stdint.h>

#include "base/error.h"
#include "mcp/server.h"

#define MCP_HTTP_PORT 8474 /* when the address has none */

struct mcp_http;

struct mcp_http_options {
	const struct mcp_server *server; /* outlives the HTTP server */
	/**
	 * ADDRESS[:PORT]: an IPv4 address, an IPv6 address in brackets, or localhost. Port 0 takes
	 * any. Without a token it must be of loopback.
	 */
	const char *address;
	const char *token; /* for Authorization: Bearer; NULL: none is asked for */
	/**
	 * A client has come: *ret_client is the userdata of its session's ops. A legacy client has
	 * one of its own, closed at the session's end, after all of its calls were cancelled. All
	 * modern requests share one, from the first of them to the end of the server.
	 */
	int (*open)(void *userdata, void **ret_client, struct ironclaw_error *err);
	void (*close)(void *userdata, void *client);
	void *userdata;
	uint32_t session_idle_ms; /* a session ends after so long without use; 0: 30 minutes */
};

/**
 * mcp_http_open() - listen.
 * @o:	copied, without what it points to; address and token need not outlive the call
 *
 * Return: 0; IRONCLAW_ERR_INVALID for the address or token, IRONCLAW_ERR_SYSTEM
 */
int mcp_http_open(const struct mcp_http_options *o, struct mcp_http **ret,
		  struct ironclaw_error *err);

/** mcp_http_close() - end all sessions and connections. NULL is fine. */
void mcp_http_close(struct mcp_http *http);

/** mcp_http_url() - where it listens; lives as long as @http. */
const char *mcp_http_url(const struct mcp_http *http);

/** mcp_http_poll() - what to wait for; lowers *timeout_ms (-1: forever) if need be. */
void mcp_http_poll(struct mcp_http *http, struct pollfd *fd, int *timeout_ms);

/** mcp_http_serve() - do what is due; call it after each poll(2), whatever it said. */
void mcp_http_serve(struct mcp_http *http);

/** mcp_http_each() - call @each for every session there is, modern ones included. */
void mcp_http_each(struct mcp_http *http, void (*each)(void *userdata, struct mcp_session *s),
		   void *userdata);

/**
 * mcp_http_interrupt() - end the response that a call's messages go to, not the call: the client
 * comes back for the rest (2025-11-25 only; no effect on others).
 */
void mcp_http_interrupt(struct mcp_http *http, const struct mcp_call *call);

#endif
