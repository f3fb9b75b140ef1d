/* SPDX-License-Identifier: Apache-2.0 */
/** sandbox_http.h - the sandbox tools over HTTP, a VM for each client. */
#ifndef MCP_SANDBOX_HTTP_H
#define MCP_SANDBOX_HTTP_H

#include "mcp/sandbox_tools.h"

struct sandbox_http {
	const struct mcp_server *server;	   /* of sandbox_tools_server() */
	const struct sandbox_tools_options *tools; /* lives until the process ends */
	const char *address, *token;		   /* as mcp_http_options has them */
	int stop_fd;				   /* readable: end */
	void (*ready)(const char *url);		   /* it listens */
};

/**
 * sandbox_http_serve() - serve until stop_fd says so.
 *
 * The VM of the first client is started at once, before there is one; those of further ones when
 * they come. The caller ignores SIGPIPE.
 *
 * Return: 0; -errno
 */
int sandbox_http_serve(const struct sandbox_http *o, struct ironclaw_error *err);

#endif
