/* SPDX-License-Identifier: Apache-2.0 */
/** mcp_http.h - `ironclaw mcp --http`. */
#ifndef CLI_MCP_HTTP_H
#define CLI_MCP_HTTP_H

#include "mcp/sandbox_tools.h"

#define MCP_TOKEN_VARIABLE "IRONCLAW_MCP_TOKEN"

/**
 * mcp_http_take_token() - the bearer token: of a file that only its owner can read, or of the
 * environment, which loses it, so that no process of ours gets it.
 * @file:	NULL: look in the environment
 * @ret:	to be freed; NULL when there is none
 *
 * Return: 0; -errno when it cannot be read, or others can; whether it is a good one is said later
 */
int mcp_http_take_token(const char *file, char **ret, struct ironclaw_error *err);

/**
 * mcp_http_run() - serve until @stop_fd is readable.
 * @tools:	lives until the process ends
 *
 * Says on stderr where it listens. Return: 0; -errno
 */
int mcp_http_run(const struct sandbox_tools_options *tools, const char *address,
		 const char *token_file, int stop_fd, struct ironclaw_error *err);

#endif
