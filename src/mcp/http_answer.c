/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http_answer.c - what a POST or GET gets, and its way into the library.
 *
 * An answer starts undecided. A response that comes as the first message, and soon, is sent as
 * plain JSON; anything else makes it an event stream, so that the client sees it and intermediaries
 * keep the connection. The core says things at any time and only fills buffers with them; the
 * library fetches them at the connection's pace, and is suspended while there is nothing.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "mcp/http_internal.h"
#include "sys/clock.h"

/* The status of a response that is all there is to say. */
static unsigned int status_of(const struct http_answer *answer, const struct mcp_message *message)
{
	if (message->code == 0 || !message->modern)
		return MHD_HTTP_OK;
	if (answer->incomplete)
		return MHD_HTTP_BAD_REQUEST;
	switch (message->code) {
	case JSONRPC_UNKNOWN_METHOD:
		return MHD_HTTP_NOT_FOUND;
	case JSONRPC_PARSE_ERROR:
	case JSONRPC_INVALID_REQUEST:
	case MCP_HEADER_MISMATCH:
	case MCP_MISSING_CAPABILITY:
	case MCP_UNSUPPORTED_VERSION:
		return MHD_HTTP_BAD_REQUEST;
	default:
		return MHD_HTTP_OK;
	}
}

/* Whether so much more may be kept, if need be instead of what is kept for clients that left. */
static bool make_space(struct mcp_http *http, size_t len)
{
	for (;;) {
		struct http_answer *oldest = NULL;
		size_t sum = len;

		for (struct http_answer *a = http->answers; a; a = a->next) {
			sum += a->stream.kept_b;
			if (a->done && !a->request && (!oldest || a->said_us < oldest->said_us))
				oldest = a;
		}
		if (sum <= HTTP_KEPT_MAX_B || !oldest)
			return sum <= HTTP_KEPT_MAX_B;
		http_answer_free(oldest);
	}
}

static void take_json(struct http_answer *answer, const struct mcp_message *message)
{
	answer->json = malloc(message->len + 1);
	if (!answer->json) {
		answer->broken = true;
		return;
	}
	memcpy(answer->json, message->text, message->len);
	answer->json_len = message->len;
	answer->status = status_of(answer, message);
	answer->form = HTTP_JSON;
}

static void say(struct mcp_sink *sink, const struct mcp_message *message)
{
	struct http_answer *answer = (struct http_answer *)(void *)sink;

	_Static_assert(offsetof(struct http_answer, sink) == 0, "a sink is its answer");
	if (answer->form == HTTP_UNDECIDED && message->text && message->last &&
	    message->kind == MCP_SENT_RESPONSE) {
		take_json(answer, message);
	} else {
		http_answer_stream(answer);
		if (message->text &&
		    (!make_space(answer->http, message->len) ||
		     http_stream_message(&answer->stream, message->text, message->len) < 0))
			answer->broken = true;
	}
	if (message->last) {
		answer->done = true;
		answer->done_us = clock_now_us();
	}
	if (answer->request)
		http_request_wake(answer->request);
}

struct http_answer *http_answer_new(struct http_request *request, struct http_session *session)
{
	struct http_answer *answer = calloc(1, sizeof(*answer));

	if (!answer)
		return NULL;
	answer->sink.send = say;
	answer->http = request->http;
	answer->session = session;
	answer->said_us = clock_now_us();
	answer->next = answer->http->answers;
	answer->http->answers = answer;
	http_answer_attach(answer, request);
	return answer;
}

void http_answer_free(struct http_answer *answer)
{
	struct http_answer **at = &answer->http->answers;

	while (*at != answer)
		at = &(*at)->next;
	*at = answer->next;
	if (answer->request)
		answer->request->answer = NULL;
	if (answer->session && answer->session->listen == answer) {
		mcp_session_set_stream(answer->session->core, NULL);
		answer->session->listen = NULL;
	} else if (answer->session && !answer->done) {
		mcp_session_abandon(answer->session->core, &answer->sink);
	}
	mcp_session_free(answer->core);
	http_stream_done(&answer->stream);
	free(answer->json);
	free(answer);
}

void http_answer_stream(struct http_answer *answer)
{
	struct http_session *session = answer->session;

	if (answer->form != HTTP_UNDECIDED)
		return;
	answer->form = HTTP_EVENTS;
	if (session && session->listen != answer && http_session_resumable(session)) {
		http_stream_init(&answer->stream, ++session->last_stream);
		if (http_stream_prime(&answer->stream, HTTP_RETRY_MS) < 0)
			answer->broken = true;
	}
}

void http_answer_interrupt(struct http_answer *answer)
{
	http_answer_stream(answer);
	if (!answer->stream.name || !answer->request)
		return;
	answer->interrupted = true;
	http_request_wake(answer->request);
}

void http_answer_attach(struct http_answer *answer, struct http_request *request)
{
	struct http_request *before = answer->request;

	if (before) {
		before->answer = NULL;
		http_request_wake(before);
	}
	answer->request = request;
	answer->interrupted = false;
	answer->said_us = clock_now_us();
	request->answer = answer;
}

void http_answer_detach(struct http_answer *answer)
{
	struct http_session *session = answer->session;

	answer->request->answer = NULL;
	answer->request = NULL;
	/* A legacy call goes on; its events stay for a while, should the client come for them. */
	if (!session || session->listen == answer ||
	    (answer->done && (answer->form == HTTP_JSON || !answer->stream.name)))
		http_answer_free(answer);
}

static ssize_t read_events(void *context, uint64_t pos, char *buf, size_t max)
{
	struct http_request *request = context;
	struct http_answer *answer = request->answer;
	size_t n;

	(void)pos;
	if (request->gone || !answer || answer->broken)
		return MHD_CONTENT_READER_END_WITH_ERROR;
	n = http_stream_read(&answer->stream, buf, max);
	if (n > 0) {
		answer->said_us = clock_now_us();
		return (ssize_t)n;
	}
	if (answer->done || answer->interrupted)
		return MHD_CONTENT_READER_END_OF_STREAM;
	http_request_wait(request);
	return 0;
}

static struct MHD_Response *make_response(struct http_request *request)
{
	struct http_answer *answer = request->answer;
	struct MHD_Response *response;

	if (answer->form == HTTP_EVENTS) {
		response = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, 16384, read_events,
							     request, NULL);
		if (response) {
			(void)MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE,
						      "text/event-stream");
			(void)MHD_add_response_header(response, "X-Accel-Buffering", "no");
		}
		return response;
	}
	response = MHD_create_response_from_buffer(answer->json_len, answer->json,
						   MHD_RESPMEM_MUST_FREE);
	if (response) {
		answer->json = NULL;
		(void)MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE,
					      "application/json");
	}
	return response;
}

enum MHD_Result http_answer_give(struct http_request *request)
{
	struct http_answer *answer = request->answer;
	struct MHD_Response *response;
	enum MHD_Result r;

	if (answer->broken)
		return MHD_NO;
	if (answer->form == HTTP_UNDECIDED && !answer->done) {
		http_request_wait(request);
		return MHD_YES;
	}
	response = make_response(request);
	if (!response)
		return MHD_NO;
	(void)MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL,
				      "no-cache, no-store, no-transform");
	if (answer->opens && answer->session)
		(void)MHD_add_response_header(response, "Mcp-Session-Id", answer->session->id);
	r = MHD_queue_response(request->library,
			       answer->form == HTTP_JSON ? answer->status : MHD_HTTP_OK, response);
	MHD_destroy_response(response);
	return r;
}

/* Whether an answer that nobody is connected to can still be of use. */
static bool wanted(const struct http_answer *answer, uint64_t now_us)
{
	if (answer->broken)
		return false;
	if (!answer->done)
		return true;
	return answer->stream.name && now_us - answer->done_us <= HTTP_KEEP_MS * 1000ULL;
}

static struct http_answer *find_unwanted(struct mcp_http *http, uint64_t now_us)
{
	struct http_answer *a = http->answers;

	while (a && (a->request || wanted(a, now_us)))
		a = a->next;
	return a;
}

void http_answers_tick(struct mcp_http *http, uint64_t now_us)
{
	struct http_answer *unwanted;

	/* One at a time: to free one cancels its call, what that leads to may free others. */
	while ((unwanted = find_unwanted(http, now_us)))
		http_answer_free(unwanted);
	for (struct http_answer *a = http->answers; a; a = a->next) {
		uint64_t quiet_us = now_us - a->said_us;

		if (!a->request)
			continue;
		if (a->form == HTTP_UNDECIDED && quiet_us > HTTP_JSON_MS * 1000ULL) {
			http_answer_stream(a);
			http_request_wake(a->request);
		} else if (a->form == HTTP_EVENTS && quiet_us > HTTP_ALIVE_MS * 1000ULL) {
			if (http_stream_comment(&a->stream) < 0)
				a->broken = true;
			a->said_us = now_us;
			http_request_wake(a->request);
		}
	}
}
