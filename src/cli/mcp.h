/* SPDX-License-Identifier: Apache-2.0 */
/** mcp.h - the parts of `ironclaw mcp`: what was asked for, and each way to serve it. */
#ifndef CLI_MCP_H
#define CLI_MCP_H

#include "cli/vm_args.h"
#include "mcp/sandbox_tools.h"

/** The command line; pointers lead into argv. */
struct mcp_args {
	struct vm_args on;
	uint64_t timeout_ms;	/* 0: none was given */
	const char *http;	/* address; NULL: stdio */
	const char *token_file; /* or NULL */
	bool quiet;
};

/** What is served, made of the command line; lives until the process ends. */
struct mcp_service {
	struct mcp_server server;
	struct sandbox_tools_options tools;
	int stop_fd; /* a signalfd: SIGINT, SIGTERM or SIGHUP came */
};

/** mcp_parse() - read the command line. Return: -1 to go on, or the exit code */
int mcp_parse(int argc, char **argv, struct mcp_args *ret);

/** mcp_serve_stdio() - serve one client on standard input and output. Return: the exit code */
int mcp_serve_stdio(const struct mcp_service *service);

#define MCP_TOKEN_VARIABLE "IRONCLAW_MCP_TOKEN"

/**
 * mcp_take_token() - the bearer token: of a file that nobody but its owner can read, or of the
 * environment, which loses it, so that no process of ours gets it.
 * @file:	NULL: look in the environment
 * @ret:	to be freed; NULL when there is none
 *
 * Return: 0; -errno when it cannot be read, or others can; whether it is a good one is said later
 */
int mcp_take_token(const char *file, char **ret, struct ironclaw_error *err);

/**
 * mcp_serve_http() - serve many on an address; says on stderr where it listens.
 * @token:	or NULL
 *
 * Return: the exit code
 */
int mcp_serve_http(const struct mcp_service *service, const char *address, const char *token);

#endif
