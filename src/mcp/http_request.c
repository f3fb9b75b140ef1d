/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http_request.c - one HTTP request: its headers, its body, its refusal.
 *
 * The library calls http_request_handle() once with the headers, then for each piece of the body,
 * then without data until a response was queued. A request that is refused still has its body read
 * and thrown away first, up to a bound: a response that came while the client was sending would be
 * lost with the connection (only one whose frame is not clear is answered at once, and its
 * connection closed). One that waits is suspended, and its socket watched for the client's
 * hanging up, which the library does not notice then.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "codec/jsonrpc.h"
#include "mcp/http_internal.h"
#include "sys/clock.h"

void http_request_wait(struct http_request *request)
{
	request->suspended = true;
	MHD_suspend_connection(request->library);
	http_watch(request, true);
}

void http_request_wake(struct http_request *request)
{
	if (!request->suspended)
		return;
	request->suspended = false;
	request->http->resumed = true;
	http_watch(request, false);
	MHD_resume_connection(request->library);
}

static void add(struct MHD_Response *response, const char *name, const char *value)
{
	(void)MHD_add_response_header(response, name, value);
}

enum MHD_Result http_request_refuse(struct http_request *request, unsigned int status, int code,
				    const char *why)
{
	char *text = jsonrpc_error(NULL, code, why, NULL);
	struct MHD_Response *response;
	enum MHD_Result r;

	if (!text)
		return MHD_NO;
	response = MHD_create_response_from_buffer(strlen(text), text, MHD_RESPMEM_MUST_FREE);
	if (!response) {
		free(text);
		return MHD_NO;
	}
	add(response, MHD_HTTP_HEADER_CONTENT_TYPE, "application/json");
	add(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
	if (!request->started) /* not all of it was read */
		add(response, MHD_HTTP_HEADER_CONNECTION, "close");
	if (status == MHD_HTTP_UNAUTHORIZED)
		add(response, MHD_HTTP_HEADER_WWW_AUTHENTICATE, "Bearer realm=\"ironclaw\"");
	if (status == MHD_HTTP_METHOD_NOT_ALLOWED)
		add(response, MHD_HTTP_HEADER_ALLOW,
		    http_says_modern(request) ? "POST" : "GET, POST, DELETE");
	if (status == MHD_HTTP_SERVICE_UNAVAILABLE)
		add(response, MHD_HTTP_HEADER_RETRY_AFTER, "5");
	r = MHD_queue_response(request->library, status, response);
	MHD_destroy_response(response);
	return r;
}

static enum MHD_Result begin(struct mcp_http *http, struct MHD_Connection *library, const char *url,
			     const char *method, void **ret)
{
	const union MHD_ConnectionInfo *socket =
		MHD_get_connection_info(library, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
	struct http_request *request = calloc(1, sizeof(*request));
	uint64_t length = UINT64_MAX;

	if (!request || !socket || !socket->socket_context) {
		free(request);
		return MHD_NO;
	}
	request->http = http;
	request->library = library;
	request->connection = socket->socket_context;
	*ret = request; /* http_request_over() frees it */
	http_headers_read(library, &request->headers);
	request->refused = http_headers_judge(request, url, method, &request->why);
	/* Where its body ends is not clear. A response now also closes the connection. */
	if (request->refused == MHD_HTTP_BAD_REQUEST)
		return http_request_refuse(request, request->refused, JSONRPC_INVALID_REQUEST,
					   request->why);
	if (request->headers.content_length &&
	    (parse_u64(request->headers.content_length, 0, INT64_MAX, &length) < 0 ||
	     length > HTTP_BODY_MAX_B)) {
		if (!request->refused) {
			request->refused = MHD_HTTP_CONTENT_TOO_LARGE;
			request->why = "the body is too long";
		}
		if (length > HTTP_DISCARD_MAX_B) /* not worth waiting for */
			return http_request_refuse(request, request->refused,
						   JSONRPC_INVALID_REQUEST, request->why);
	}
	return MHD_YES;
}

/* A piece of the body. */
static enum MHD_Result take(struct http_request *request, const char *data, size_t len)
{
	if (request->body_len + len > HTTP_BODY_MAX_B && !request->refused) {
		request->refused = MHD_HTTP_CONTENT_TOO_LARGE;
		request->why = "the body is too long";
	}
	if (request->refused) {
		free(take_ptr(request->body));
		request->body_len += len;
		return request->body_len > HTTP_DISCARD_MAX_B ? MHD_NO : MHD_YES;
	}
	if (request->body_len + len > request->body_size) {
		size_t size = (request->body_len + len) * 2;
		char *body = realloc(request->body, size);

		if (!body)
			return MHD_NO;
		request->body = body;
		request->body_size = size;
	}
	memcpy(request->body + request->body_len, data, len);
	request->body_len += len;
	return MHD_YES;
}

static enum MHD_Result dispatch(struct http_request *request, const char *method)
{
	request->started = true;
	request->connection->busy = true;
	if (request->refused)
		return http_request_refuse(request, request->refused, JSONRPC_INVALID_REQUEST,
					   request->why);
	if (request->is_post)
		return http_dispatch_post(request);
	if (strcmp(method, MHD_HTTP_METHOD_GET) == 0)
		return http_dispatch_get(request);
	return http_dispatch_delete(request);
}

enum MHD_Result http_request_handle(void *http, struct MHD_Connection *library, const char *url,
				    const char *method, const char *version, const char *data,
				    size_t *size, void **context)
{
	struct http_request *request = *context;

	(void)version;
	if (!request)
		return begin(http, library, url, method, context);
	if (*size > 0) {
		size_t len = *size;

		*size = 0;
		return take(request, data, len);
	}
	if (request->gone)
		return MHD_NO;
	if (!request->started)
		return dispatch(request, method);
	/* Woken: there is an answer now, or there will never be one. */
	return request->answer ? http_answer_give(request) : MHD_NO;
}

void http_request_over(void *http, struct MHD_Connection *library, void **context,
		       enum MHD_RequestTerminationCode why)
{
	struct http_request *request = *context;

	(void)http;
	(void)library;
	(void)why;
	if (!request)
		return;
	http_watch(request, false);
	if (request->answer)
		http_answer_detach(request->answer);
	request->connection->busy = false;
	request->connection->since_us = clock_now_us();
	free(request->body);
	free(request);
	*context = NULL;
}
