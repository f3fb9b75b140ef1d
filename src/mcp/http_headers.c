/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http_headers.c - whether a request may come in at all.
 *
 * Everything here is decided before a byte of the body is looked at, and on headers that may come
 * only once: two of a kind are refused, for a proxy before us might have believed the other one.
 */
#include <string.h>
#include <strings.h>

#include "mcp/http_check.h"
#include "mcp/http_internal.h"

struct single {
	const char *name;
	size_t offset;
};

#define SINGLE(name, member)                                                                       \
	{                                                                                          \
		name, offsetof(struct http_headers, member)                                        \
	}

static const struct single singles[] = {
	SINGLE("Host", host),
	SINGLE("Origin", origin),
	SINGLE("Authorization", authorization),
	SINGLE("Content-Type", content_type),
	SINGLE("Content-Length", content_length),
	SINGLE("Transfer-Encoding", transfer_encoding),
	SINGLE("Mcp-Session-Id", session),
	SINGLE("MCP-Protocol-Version", version),
	SINGLE("Mcp-Method", method),
	SINGLE("Mcp-Name", name),
	SINGLE("Last-Event-ID", last_event),
};

#define NAME_CHARACTERS                                                                            \
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!#$%&'*+-.^_`|~"

struct reading {
	struct MHD_Connection *library;
	struct http_headers *headers;
};

/*
 * Where a body ends must not depend on how tolerant one is. The library takes "Content-Length :"
 * for a header of another name, and makes one name of a name and the folded line behind it.
 */
static bool name_clear(const char *name)
{
	static const char *const framing[] = {"Content-Length", "Transfer-Encoding"};

	if (!name[0] || name[strspn(name, NAME_CHARACTERS)])
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(framing); i++) {
		size_t len = strlen(framing[i]);

		if (strncasecmp(name, framing[i], len) == 0 && name[len])
			return false;
	}
	return true;
}

static enum MHD_Result read_one(void *userdata, enum MHD_ValueKind kind, const char *key,
				size_t key_len, const char *value, size_t value_len)
{
	struct reading *reading = userdata;
	struct http_headers *h = reading->headers;

	if (!value)
		value = "";
	if (strlen(key) != key_len || strlen(value) != value_len || !name_clear(key))
		h->bad = true;
	if (strcasecmp(key, "Accept") == 0) {
		h->has_accept = true;
		h->accepts_json |= mcp_http_accepts(value, "application/json");
		h->accepts_events |= mcp_http_accepts(value, "text/event-stream");
	}
	/* Looked up by name later, which finds the first one. */
	if (strncasecmp(key, "Mcp-Param-", 10) == 0 &&
	    MHD_lookup_connection_value(reading->library, kind, key) != value)
		h->bad = true;
	for (size_t i = 0; i < ARRAY_SIZE(singles); i++) {
		const char **at = (const char **)(void *)((char *)h + singles[i].offset);

		if (strcasecmp(key, singles[i].name) != 0)
			continue;
		if (*at)
			h->bad = true;
		*at = value;
	}
	return MHD_YES;
}

void http_headers_read(struct MHD_Connection *library, struct http_headers *ret)
{
	struct reading reading = {library, ret};

	memset(ret, 0, sizeof(*ret));
	(void)MHD_get_connection_values_n(library, MHD_HEADER_KIND, read_one, &reading);
	if (!ret->has_accept)
		ret->accepts_json = ret->accepts_events = true;
}

static bool framing_clear(const struct http_headers *h)
{
	if (!h->transfer_encoding)
		return true;
	return !h->content_length && strcasecmp(h->transfer_encoding, "chunked") == 0;
}

static bool token_matches(const struct mcp_http *http, const char *given)
{
	unsigned char digest[sizeof(http->token)];

	(void)crypto_generichash(digest, sizeof(digest), (const unsigned char *)given,
				 strlen(given), NULL, 0);
	return sodium_memcmp(digest, http->token, sizeof(digest)) == 0;
}

static unsigned int judge_sender(const struct mcp_http *http, const struct http_headers *h,
				 const char **ret_why)
{
	const char *given;

	/* With a token one need not know by what names we are reached. */
	if (!h->host || (http->at.local && !mcp_http_host_allowed(h->host, http->at.host))) {
		*ret_why = "this Host is not served";
		return MHD_HTTP_FORBIDDEN;
	}
	if (h->origin && !mcp_http_origin_allowed(h->origin, http->at.host)) {
		*ret_why = "this Origin is not allowed";
		return MHD_HTTP_FORBIDDEN;
	}
	if (!http->has_token)
		return 0;
	given = mcp_http_bearer(h->authorization);
	if (!given || !token_matches(http, given)) {
		*ret_why = "a bearer token is needed";
		return MHD_HTTP_UNAUTHORIZED;
	}
	return 0;
}

static unsigned int judge_body(const struct http_headers *h, const char **ret_why)
{
	if (!mcp_http_is_json(h->content_type)) {
		*ret_why = "Content-Type must be application/json";
		return MHD_HTTP_UNSUPPORTED_MEDIA_TYPE;
	}
	if (!h->accepts_json || !h->accepts_events) {
		*ret_why = "Accept must have application/json and text/event-stream";
		return MHD_HTTP_NOT_ACCEPTABLE;
	}
	return 0;
}

unsigned int http_headers_judge(struct http_request *request, const char *url, const char *method,
				const char **ret_why)
{
	const struct http_headers *h = &request->headers;
	unsigned int status;

	if (h->bad || !framing_clear(h)) {
		*ret_why = "a header contradicts another";
		return MHD_HTTP_BAD_REQUEST;
	}
	status = judge_sender(request->http, h, ret_why);
	if (status)
		return status;
	request->connection->known = true;
	if (strcmp(url, "/mcp") != 0) {
		*ret_why = "the endpoint is /mcp";
		return MHD_HTTP_NOT_FOUND;
	}
	request->is_post = strcmp(method, MHD_HTTP_METHOD_POST) == 0;
	if (request->is_post)
		return judge_body(h, ret_why);
	if (strcmp(method, MHD_HTTP_METHOD_GET) == 0) {
		if (h->accepts_events)
			return 0;
		*ret_why = "Accept must have text/event-stream";
		return MHD_HTTP_NOT_ACCEPTABLE;
	}
	if (strcmp(method, MHD_HTTP_METHOD_DELETE) == 0)
		return 0;
	*ret_why = "the methods are POST, GET and DELETE";
	return MHD_HTTP_METHOD_NOT_ALLOWED;
}
