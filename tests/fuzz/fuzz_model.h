/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_model.h - any bytes as the answer of a model, for the two dialects.
 *
 * Never a crash; a reply keeps what model.h says of it; and whatever it holds, a request with it in
 * the conversation can be made, in both dialects. What begins with '{' is a document, all else an
 * event stream. The corpus are the transcripts of tests/unit/test_model_stream.c, and what the
 * fuzzer found.
 */
#ifndef FUZZ_MODEL_H
#define FUZZ_MODEL_H

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "model/model.h"
#include "base/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct fuzz_run {
	struct model_stream *stream;
	struct ironclaw_error err;
	size_t text_b;
};

static void require(bool condition)
{
	if (!condition)
		abort();
}

static void on_delta(void *ud, enum model_delta kind, const char *text, size_t len)
{
	struct fuzz_run *run = ud;

	require(len > 0 && utf8_valid(text, len));
	if (kind == MODEL_DELTA_TEXT)
		run->text_b += len;
}

static int on_event(void *ud, const struct sse_event *event)
{
	struct fuzz_run *run = ud;

	return model_stream_event(run->stream, event, &run->err);
}

static int read_answer(struct fuzz_run *run, const uint8_t *data, size_t size)
{
	struct sse_parser p;
	int r;

	if (size > 0 && data[0] == '{')
		return model_stream_whole(run->stream, (const char *)data, size, &run->err);
	sse_init(&p, SSE_EVENT_MAX_B, on_event, run);
	r = sse_feed(&p, data, size, &run->err);
	if (r == 0)
		r = sse_end(&p, &run->err);
	sse_done(&p);
	return r;
}

static void check_request(enum model_dialect dialect, json_t *messages)
{
	struct model_request q = {.dialect = dialect, .model = "m", .messages = messages};
	char *text = NULL;
	json_t *body;
	size_t len;

	require(model_request_body(&q, &text, &len, NULL) == 0);
	body = json_loadb(text, len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
	require(json_is_object(body));
	json_decref(body);
	free(text);
}

static void check_reply(const struct model_reply *reply, const struct fuzz_run *run)
{
	json_t *calls = json_object_get(reply->message, "calls"), *call;
	json_t *json = model_reply_json(reply);
	json_t *messages =
		json_pack("[{s:s, s:s}, O]", "role", "user", "text", "x", reply->message);
	struct model_reply again;
	size_t i;

	require((reply->stop == MODEL_STOP_TOOLS) == (json_array_size(calls) > 0));
	require(json_string_length(json_object_get(reply->message, "text")) == run->text_b);
	json_array_foreach(calls, i, call)
	{
		const json_t *id = json_object_get(call, "id");

		require(json_string_length(id) > 0 && json_string_length(id) <= MODEL_ID_MAX_B);
		for (size_t j = 0; j < i; j++)
			require(!json_equal(id, json_object_get(json_array_get(calls, j), "id")));
		json_decref(model_call_arguments(call, NULL));
	}
	require(model_reply_parse(json, &again, NULL) == 0);
	model_reply_done(&again);
	check_request(MODEL_OPENAI, messages);
	check_request(MODEL_ANTHROPIC, messages);
	json_decref(messages);
	json_decref(json);
}

static int fuzz_model(enum model_dialect dialect, const uint8_t *data, size_t size)
{
	struct fuzz_run run = {0};
	struct model_stream_options o = {.dialect = dialect,
					 .model = "m",
					 .delta = on_delta,
					 .ud = &run};
	struct model_reply reply = {0};
	int r;

	require(model_stream_new(&o, &run.stream) == 0);
	r = read_answer(&run, data, size);
	if (r == 0)
		r = model_stream_end(run.stream, &reply, &run.err);
	if (r == 0)
		check_reply(&reply, &run);
	else
		require((r == -EPROTO || r == -EAGAIN || r == -EREMOTEIO || r == -EDQUOT ||
			 r == -EMSGSIZE) &&
			!reply.message && run.err.text[0]);
	model_reply_done(&reply);
	model_stream_free(run.stream);
	return 0;
}

#endif
