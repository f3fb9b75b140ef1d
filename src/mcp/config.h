/* SPDX-License-Identifier: Apache-2.0 */
/**
 * config.h - which MCP servers there are, as the user wrote it down.
 *
 *   {"mcpServers": {
 *     "files":   {"command": "npx", "args": ["server-filesystem", "/workspace"]},
 *     "tickets": {"command": "/opt/tickets/mcp", "where": "host", "env": {"TEAM": "web"}},
 *     "search":  {"url": "https://mcp.example.com/", "bearerEnv": "SEARCH_TOKEN"}}}
 *
 * A command runs inside the VM unless "where" says "host". The file is the one that other clients
 * have; what this program does not know in it is refused by name, for a member that is ignored is
 * one that the user believes in.
 */
#ifndef MCP_CONFIG_H
#define MCP_CONFIG_H

#include <jansson.h>

#include "codec/violations.h"

#define MCP_CONFIG_FILE_MAX_B (256U * 1024U)
#define MCP_SERVERS_MAX	      32U
#define MCP_SERVER_NAME_MAX_B 32U
#define MCP_ARGS_MAX	      128U /* the command included */
#define MCP_ENV_MAX	      64U
#define MCP_HEADERS_MAX	      32U
#define MCP_TEXT_MAX_B	      4096U	/* one argument, variable, header, path or URL */
#define MCP_TIMEOUT_MS	      60000U	/* of a request, when the file does not say */
#define MCP_TIMEOUT_MS_MAX    86400000U /* a day */

enum mcp_where { MCP_IN_VM, MCP_ON_HOST, MCP_OVER_HTTP };

/** One server. Strings and lists belong to the configuration. */
struct mcp_server_config {
	const char *name; /* 1 to 32 of [A-Za-z0-9_-]; no "__", no '_' or '-' at either end */
	enum mcp_where where;

	/* MCP_IN_VM, MCP_ON_HOST */
	const char *const *argv; /* ends with NULL */
	const char *const *env;	 /* NAME=VALUE, ends with NULL */
	const char *cwd;	 /* absolute; or NULL */

	/* MCP_OVER_HTTP; http only to this host */
	const char *url;
	const char *const *headers; /* "Name: value", ends with NULL; may hold secrets */
	const char *bearer_file;    /* whose first line is the token; or NULL */
	const char *bearer_env;	    /* variable that holds it; or NULL */
	const char *ca_file;	    /* PEM, instead of the system's; or NULL */

	uint32_t timeout_ms; /* of a request without progress */
};

struct mcp_config {
	json_t *document; /* holds the strings */
	size_t n_servers;
	struct mcp_server_config servers[MCP_SERVERS_MAX];
};

/**
 * mcp_config_parse() - read a configuration, all or nothing; opens nothing.
 * @text, @len:	hostile bytes
 * @ret:	for mcp_config_free()
 * @list:	gets every mistake
 *
 * Return: 0, -EINVAL, -ENOMEM
 */
int mcp_config_parse(const char *text, size_t len, struct mcp_config **ret,
		     struct violations *list);

/**
 * mcp_config_load() - read the file. It must be ours or root's, and writable for nobody else, for
 * it may name programs that run on this host.
 *
 * Return: 0; -EINVAL with all mistakes joined; -EPERM, -errno
 */
int mcp_config_load(const char *path, struct mcp_config **ret, struct ironclaw_error *err);

/** mcp_config_free() - NULL is fine. */
void mcp_config_free(struct mcp_config *config);

#endif
