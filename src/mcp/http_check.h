/* SPDX-License-Identifier: Apache-2.0 */
/**
 * http_check.h - what single headers of a request mean. Pure; every text is foreign, ends with NUL
 * and is bounded by whoever read it.
 */
#ifndef MCP_HTTP_CHECK_H
#define MCP_HTTP_CHECK_H

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

#define MCP_HTTP_TOKEN_MIN 16U /* characters of a bearer token */
#define MCP_HTTP_TOKEN_MAX 512U

/**
 * mcp_http_host_allowed() - whether a Host header, HOST[:PORT], names this server.
 * @own:	a further name beside localhost, 127.0.0.1 and [::1]; NULL: none
 *
 * A page of a foreign site whose name was made to point here (DNS rebinding) still sends its own
 * name, and is found by it.
 */
bool mcp_http_host_allowed(const char *host, const char *own);

/** mcp_http_origin_allowed() - the same for an Origin header, http[s]://HOST[:PORT]. */
bool mcp_http_origin_allowed(const char *origin, const char *own);

/**
 * mcp_http_accepts() - whether an Accept header takes a media type.
 * @accept:	NULL: no such header, which takes all
 * @type:	such as "application/json"
 */
bool mcp_http_accepts(const char *accept, const char *type);

/** mcp_http_is_json() - whether a Content-Type header (NULL: there is none) says JSON. */
bool mcp_http_is_json(const char *content_type);

/**
 * mcp_http_decode() - the text that a header value stands for: itself without the blanks around
 * it, or what is in =?base64?...?=.
 * @ret:	to be freed, ends with a NUL beyond @ret_len
 *
 * Return: 0, -EINVAL when it is no base64 or no UTF-8, -ENOMEM
 */
int mcp_http_decode(const char *value, char **ret, size_t *ret_len);

/**
 * mcp_http_value_is() - whether a header stands for an argument of a call.
 * @value:	a header; NULL: there is none
 * @argument:	a JSON value; NULL and null are equal to no header. Integers are compared as
 *		numbers.
 */
bool mcp_http_value_is(const char *value, const json_t *argument);

/** mcp_http_token_valid() - whether a text can be a bearer token: [A-Za-z0-9._~+/=-], and long. */
bool mcp_http_token_valid(const char *token);

/** mcp_http_bearer() - the token in an Authorization header (NULL: none); NULL when there is none.
 */
const char *mcp_http_bearer(const char *authorization);

#endif
