/* SPDX-License-Identifier: Apache-2.0 */
/**
 * client_stdio.h - a server that is a process: lines to its stdin, lines from its stdout, and what
 * it writes to stderr kept for the error that follows. Where the process runs is the business of
 * client_host.c and client_vm.c.
 */
#ifndef MCP_CLIENT_STDIO_H
#define MCP_CLIENT_STDIO_H

#include "mcp/client_transport.h"

#define MCP_TAIL_B	 1024U		      /* the last of stderr */
#define MCP_INPUT_MAX_B	 (4U * 1024U * 1024U) /* that the server has not read yet */
#define MCP_STOP_WAIT_MS 2000U		      /* after closing stdin, and after SIGTERM */

struct mcp_stdio;

struct mcp_stdio_ops {
	/* Send what can be sent now. Return: bytes; 0: none now; -EPIPE */
	ssize_t (*write)(struct mcp_stdio *io, const char *data, size_t len);
	/* Wait for input, or room for output if @writing, and take it. Return: 0; -EPIPE, when the
	 * server has gone and all its output was taken */
	int (*wait)(struct mcp_stdio *io, bool writing, int timeout_ms, struct ironclaw_error *err);
	/* End the server and free what is behind @io. */
	void (*stop)(struct mcp_stdio *io);
};

struct mcp_stdio {
	struct mcp_transport transport; /* first */
	const struct mcp_stdio_ops *ops;
	struct json_lines lines;
	char *input; /* to be written */
	size_t input_len, input_at;
	bool input_full; /* an answer found no room: the server does not read */
	char tail[MCP_TAIL_B];
	size_t tail_len;
};

void mcp_stdio_init(struct mcp_stdio *io, const struct mcp_stdio_ops *ops,
		    const struct mcp_peer *peer);

/** mcp_stdio_done() - free what it holds itself. */
void mcp_stdio_done(struct mcp_stdio *io);

/** mcp_stdio_output() - bytes of its stdout; hostile. */
void mcp_stdio_output(struct mcp_stdio *io, const char *data, size_t len);

/** mcp_stdio_stderr() - bytes of its stderr; hostile. */
void mcp_stdio_stderr(struct mcp_stdio *io, const char *data, size_t len);

/** mcp_stdio_add_tail() - put the last of stderr behind an error. */
void mcp_stdio_add_tail(const struct mcp_stdio *io, struct ironclaw_error *err);

#endif
