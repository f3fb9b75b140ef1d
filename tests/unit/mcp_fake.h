/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mcp_fake.h - a server of fake tools for the tests of src/mcp, and a sink that remembers.
 *
 * echo answers at once, hold when the test says so, link has a resource link in it.
 */
#ifndef UNIT_MCP_FAKE_H
#define UNIT_MCP_FAKE_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mcp/server.h"

#define FAKE_HELD_MAX (2 * MCP_CALLS_MAX)

struct fake {
	struct mcp_call *held[FAKE_HELD_MAX];
	size_t n_held, n_cancelled;
	bool cancel_answers; /* a cancel() makes it answer all other calls that it holds */
};

struct fake_sink {
	struct mcp_sink sink;
	char text[65536]; /* a line a message */
	size_t len;
	size_t n, n_last, n_nothing;
	int code; /* of the last error */
	bool modern;
};

static inline void fake_send(struct mcp_sink *sink, const struct mcp_message *m)
{
	struct fake_sink *f = (struct fake_sink *)sink;

	if (m->text && f->len + m->len + 2 < sizeof(f->text))
		f->len += (size_t)snprintf(f->text + f->len, sizeof(f->text) - f->len, "%s\n",
					   m->text);
	f->n += m->text != NULL;
	f->n_last += m->last;
	f->n_nothing += m->kind == MCP_SENT_NOTHING;
	f->code = m->code;
	f->modern = m->modern;
}

static inline void fake_call(void *userdata, struct mcp_call *call, const struct mcp_tool *tool,
			     json_t *arguments)
{
	struct fake *fake = userdata;
	json_t *text = json_object_get(arguments, "text");

	if (strcmp(tool->name, "hold") == 0) {
		fake->held[fake->n_held++] = call;
	} else if (strcmp(tool->name, "link") == 0) {
		mcp_call_finish(call,
				json_pack("[{s:s, s:s}, {s:s, s:s, s:s}]", "type", "text", "text",
					  "t", "type", "resource_link", "uri", "x:1", "name", "n"),
				NULL, false);
	} else {
		mcp_call_finish(call,
				json_pack("[o]", mcp_text(json_string_value(text),
							  json_string_length(text))),
				json_pack("{s:O}", "text", text), false);
	}
}

static inline void fake_request(void *userdata, struct mcp_call *call, const char *method,
				json_t *params)
{
	struct fake *fake = userdata;

	if (strcmp(method, "resources/read") == 0)
		mcp_call_error(call, MCP_RESOURCE_NOT_FOUND, "not found",
			       json_pack("{s:O}", "uri", json_object_get(params, "uri")));
	else if (strcmp(method, "prompts/get") == 0)
		fake->held[fake->n_held++] = call;
	else
		mcp_call_result(call, json_pack("{s:[]}", strchr(method, '/') + 1));
}

static inline void fake_cancel(void *userdata, struct mcp_call *call)
{
	struct fake *fake = userdata;

	size_t i = 0;

	while (i < fake->n_held && fake->held[i] != call)
		i++;
	if (i == fake->n_held)
		abort();
	fake->held[i] = fake->held[--fake->n_held];
	fake->n_cancelled++;
	while (fake->cancel_answers && fake->n_held > 0)
		mcp_call_finish_text(fake->held[--fake->n_held], "late", 4, false);
}

static const struct mcp_tool fake_tools[] = {
	{.name = "echo",
	 .title = "Echo",
	 .description = "says it again",
	 .input_schema = "{\"type\":\"object\",\"properties\":{\"text\":{\"type\":\"string\"}},"
			 "\"required\":[\"text\"]}",
	 .output_schema = "{\"type\":\"object\",\"properties\":{\"text\":{\"type\":\"string\"}}}",
	 .annotations = "{\"readOnlyHint\":true}"},
	{.name = "hold", .description = "d", .input_schema = "{\"type\":\"object\"}"},
	{.name = "link", .description = "d", .input_schema = "{\"type\":\"object\"}"},
};

static const struct mcp_ops fake_ops = {fake_call, fake_request, fake_cancel};

static const struct mcp_server fake_server = {
	.name = "fake",
	.title = "Fake",
	.version = "1",
	.instructions = "read me",
	.tools = fake_tools,
	.n_tools = sizeof(fake_tools) / sizeof(fake_tools[0]),
	.ops = &fake_ops,
	.list_ttl_ms = 1000,
};

#endif
