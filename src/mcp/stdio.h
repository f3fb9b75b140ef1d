/* SPDX-License-Identifier: Apache-2.0 */
/**
 * stdio.h - the MCP server on two descriptors: one JSON text a line.
 */
#ifndef MCP_STDIO_H
#define MCP_STDIO_H

#include "base/error.h"
#include "mcp/loop.h"
#include "mcp/server.h"

struct mcp_stdio {
	const struct mcp_server *server;
	void *userdata; /* of the session */
	int in_fd, out_fd;
	int stop_fd;		     /* readable: end, as at the end of the input; or -EBADF */
	const struct mcp_loop *loop; /* or NULL */
};

/**
 * mcp_stdio_serve() - serve one client until it goes.
 *
 * Neither descriptor's flags are changed, for others may share them; the caller ignores SIGPIPE.
 * While the client does not read, at most MCP_STDIO_QUEUE_MAX_B and the answers to what is already
 * in flight are kept for it, and nothing more is read from it. At the end what is queued gets
 * MCP_STDIO_FLUSH_MS to leave, and what is in flight is cancelled.
 *
 * Return: 0 when the input has ended, the output is closed, or @stop_fd spoke; -errno
 */
int mcp_stdio_serve(const struct mcp_stdio *options, struct ironclaw_error *err);

#define MCP_STDIO_QUEUE_MAX_B (1U << 20)
#define MCP_STDIO_FLUSH_MS    500

#endif
