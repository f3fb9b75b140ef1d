/* SPDX-License-Identifier: Apache-2.0 */
/**
 * client_params.h - arguments of a tool that are repeated in headers of HTTP (`x-mcp-header` in its
 * schema, since 2026-07-28); pure.
 */
#ifndef MCP_CLIENT_PARAMS_H
#define MCP_CLIENT_PARAMS_H

#include <jansson.h>

#include "mcp/client_tools.h"

#define MCP_SCHEMA_DEPTH_MAX 64U
#define MCP_PARAM_NAME_MAX_B 64U

/**
 * mcp_params_find() - the annotations of a schema.
 * @ret:	list of [HEADER, KEY, KEY...], for json_decref(); NULL when there are none
 *
 * One must be a token of HTTP, unique whatever its case, on a property of type string, integer or
 * boolean that is reached from the root by `properties` alone.
 *
 * Return: 0; -EINVAL with @ret_why, a static text; -ENOMEM
 */
int mcp_params_find(json_t *schema, json_t **ret, const char **ret_why);

/**
 * mcp_params_header() - the header "Mcp-Param-NAME: value" of one annotation.
 * @param:	element of the above list
 * @ret:	owned by the caller; NULL when the argument is absent or null
 *
 * Return: 0; -EINVAL: an argument of another type, or an integer beyond 2^53-1; -ENOMEM
 */
int mcp_params_header(const json_t *param, const json_t *arguments, char **ret);

/**
 * mcp_header_value() - a text as the value of a header: as it is when it is printable ASCII, not
 * empty and without blanks at its ends; else in base64.
 * @ret:	owned by the caller
 */
int mcp_header_value(const char *text, size_t len, char **ret);

#endif
