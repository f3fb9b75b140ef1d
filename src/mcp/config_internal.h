/* SPDX-License-Identifier: Apache-2.0 */
/** config_internal.h - parts of reading a configuration; see config.h. */
#ifndef MCP_CONFIG_INTERNAL_H
#define MCP_CONFIG_INTERNAL_H

#include <stdbool.h>

/** mcp_server_name_valid() - see struct mcp_server_config. */
bool mcp_server_name_valid(const char *name);

/**
 * mcp_config_url_good() - whether a server may be reached there: https, or http where the host is
 * written as one that is this machine; a host and a port that are well-formed, visible ASCII, no
 * user, no fragment.
 */
bool mcp_config_url_good(const char *url);

#endif
