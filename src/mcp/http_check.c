/* SPDX-License-Identifier: Apache-2.0 */
/* http_check.c - what single headers of a request mean; see http_check.h. */
#include "mcp/http_check.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <sodium.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/parse.h"
#include "base/utf8.h"

#define BASE64_CHARACTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/="
#define TOKEN_CHARACTERS  "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._~+/=-"

static bool same(const char *a, size_t len, const char *b)
{
	return strlen(b) == len && strncasecmp(a, b, len) == 0;
}

bool mcp_http_host_allowed(const char *host, const char *own)
{
	static const char *const local[] = {"localhost", "127.0.0.1", "[::1]"};
	size_t len = host[0] == '[' ? strcspn(host, "]") + 1 : strcspn(host, ":");
	uint32_t port;

	if (len > strlen(host))
		return false;
	if (host[len] && (host[len] != ':' || parse_u32(host + len + 1, 1, 65535, &port) < 0))
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(local); i++)
		if (same(host, len, local[i]))
			return true;
	return own && same(host, len, own);
}

bool mcp_http_origin_allowed(const char *origin, const char *own)
{
	static const char *const schemes[] = {"http://", "https://"};

	for (size_t i = 0; i < ARRAY_SIZE(schemes); i++)
		if (strncasecmp(origin, schemes[i], strlen(schemes[i])) == 0)
			return mcp_http_host_allowed(origin + strlen(schemes[i]), own);
	return false;
}

static const char *skip_blanks(const char *s)
{
	return s + strspn(s, " \t");
}

/* How closely a range names a type: 0 not at all, 1 as any type, 2 as any of its kind, 3 itself. */
static int closeness(const char *range, size_t len, const char *type)
{
	size_t kind = strcspn(type, "/") + 1;

	if (same(range, len, "*/*"))
		return 1;
	if (len == kind + 1 && range[kind] == '*' && strncasecmp(range, type, kind) == 0)
		return 2;
	return same(range, len, type) ? 3 : 0;
}

/* Whether the parameters of one range, up to @end, say q=0. */
static bool refused(const char *s, const char *end)
{
	while (s < end && (s = memchr(s, ';', (size_t)(end - s)))) {
		s = skip_blanks(s + 1);
		if ((*s == 'q' || *s == 'Q') && s[1] == '=')
			return strspn(s + 2, "0.") == strcspn(s + 2, " \t;,");
	}
	return false;
}

bool mcp_http_accepts(const char *accept, const char *type)
{
	int best = 0;
	bool taken = false;

	if (!accept)
		return true;
	for (const char *s = accept; *s;) {
		const char *end = s + strcspn(s, ",");
		int close;

		s = skip_blanks(s);
		close = closeness(s, strcspn(s, " \t;,"), type);
		if (close > best) {
			best = close;
			taken = !refused(s, end);
		}
		s = *end ? end + 1 : end;
	}
	return taken;
}

bool mcp_http_is_json(const char *content_type)
{
	const char *s = content_type ? skip_blanks(content_type) : "";

	return same(s, strcspn(s, " \t;"), "application/json");
}

static int decode_base64(const char *text, size_t len, char **ret, size_t *ret_len)
{
	size_t room = len / 4 * 3 + 1, n;
	cleanup_free char *out = malloc(room);
	const char *end;

	if (!out)
		return -ENOMEM;
	/* sodium_base642bin() takes a byte 0xff for a digit. */
	if (strspn(text, BASE64_CHARACTERS) < len ||
	    sodium_base642bin((unsigned char *)out, room - 1, text, len, NULL, &n, &end,
			      sodium_base64_VARIANT_ORIGINAL) != 0 ||
	    end != text + len || !utf8_valid(out, n))
		return -EINVAL;
	out[n] = 0;
	*ret = take_ptr(out);
	*ret_len = n;
	return 0;
}

int mcp_http_decode(const char *value, char **ret, size_t *ret_len)
{
	static const char before[] = "=?base64?", after[] = "?=";
	const size_t n_before = sizeof(before) - 1, n_after = sizeof(after) - 1;
	size_t len;
	char *text;

	value = skip_blanks(value);
	len = strlen(value);
	while (len > 0 && (value[len - 1] == ' ' || value[len - 1] == '\t'))
		len--;
	if (len >= n_before + n_after && memcmp(value, before, n_before) == 0 &&
	    memcmp(value + len - n_after, after, n_after) == 0)
		return decode_base64(value + n_before, len - n_before - n_after, ret, ret_len);
	text = strndup(value, len);
	if (!text)
		return -ENOMEM;
	*ret = text;
	*ret_len = len;
	return 0;
}

static bool is_integer(const char *text, json_int_t number)
{
	bool negative = text[0] == '-';
	char digits[24];
	size_t n;
	uint64_t v;

	text += negative;
	n = strspn(text, "0123456789");
	/* 42.0 is 42 */
	if (text[n] && (text[n] != '.' || text[n + 1 + strspn(text + n + 1, "0")]))
		return false;
	if (n >= sizeof(digits))
		return false;
	memcpy(digits, text, n);
	digits[n] = 0;
	return parse_u64(digits, 0, INT64_MAX, &v) == 0 &&
	       number == (negative ? -(json_int_t)v : (json_int_t)v);
}

bool mcp_http_value_is(const char *value, const json_t *argument)
{
	cleanup_free char *text = NULL;
	size_t len;

	if (!argument || json_is_null(argument) || !value)
		return !value && (!argument || json_is_null(argument));
	if (mcp_http_decode(value, &text, &len) < 0)
		return false;
	if (json_is_string(argument))
		return json_string_length(argument) == len &&
		       memcmp(json_string_value(argument), text, len) == 0;
	if (strlen(text) != len)
		return false;
	if (json_is_boolean(argument))
		return strcmp(text, json_is_true(argument) ? "true" : "false") == 0;
	return json_is_integer(argument) && is_integer(text, json_integer_value(argument));
}

bool mcp_http_token_valid(const char *token)
{
	size_t len = strspn(token, TOKEN_CHARACTERS);

	return !token[len] && len >= MCP_HTTP_TOKEN_MIN && len <= MCP_HTTP_TOKEN_MAX;
}

const char *mcp_http_bearer(const char *authorization)
{
	static const char scheme[] = "Bearer ";

	if (!authorization || strncasecmp(authorization, scheme, sizeof(scheme) - 1) != 0)
		return NULL;
	return skip_blanks(authorization + sizeof(scheme) - 1);
}
