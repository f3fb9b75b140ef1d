/* SPDX-License-Identifier: Apache-2.0 */
/**
 * client_tools.h - the list of tools that a server offers, made fit for models; pure.
 *
 * A tool that cannot be used (a name or a schema that models refuse, too large, a header annotation
 * that breaks the rules) is left out and told; the others stay. A model sees `mcp__SERVER__TOOL`:
 * what is not of [A-Za-z0-9_-] becomes '_', and where two tools would have the same name, or it is
 * too long, the digest of the server's own name ends it. No two servers share a name, for neither
 * "__" nor a '_' at an end is in a server's.
 */
#ifndef MCP_CLIENT_TOOLS_H
#define MCP_CLIENT_TOOLS_H

#include "mcp/client.h"

#define MCP_LIST_MAX_B	   (2U * 1024U * 1024U) /* of all schemas and descriptions together */
#define MCP_PARAM_MAX	   32U			/* headers that one tool asks for */
#define MCP_PROPERTY_MAX_B 64U

/** What is known of a tool beside the list; see client_params.h for @params. */
struct mcp_tool_detail {
	char pin[DIGEST_HEX_B + 1]; /* of the server's name, description and schema for it */
	json_t *params;
};

struct mcp_tools {
	size_t n;
	struct mcp_client_tool items[MCP_TOOLS_MAX];
	struct mcp_tool_detail details[MCP_TOOLS_MAX];
	size_t total_b;
	size_t n_dropped;
	char dropped[256]; /* the first tool that was left out, and why; escaped */
};

/**
 * mcp_tools_add() - take the tools of one page.
 * @list:	zero before the first page
 * @server:	its name in the configuration
 * @result:	hostile: of tools/list
 *
 * Return: 0; -EPROTO when it has no list of tools; -E2BIG above MCP_TOOLS_MAX or MCP_LIST_MAX_B;
 * -ENOMEM
 */
int mcp_tools_add(struct mcp_tools *list, const char *server, const json_t *result,
		  struct ironclaw_error *err);

/** mcp_tools_clear() - free what is in it, and make it empty. */
void mcp_tools_clear(struct mcp_tools *list);

/**
 * mcp_tool_name() - the model's name of a tool.
 * @hashed:	end it with the digest of @raw
 */
void mcp_tool_name(const char *server, const char *raw, bool hashed,
		   char ret[MCP_TOOL_NAME_MAX_B + 1]);

#endif
