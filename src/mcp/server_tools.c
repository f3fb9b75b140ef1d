/* SPDX-License-Identifier: Apache-2.0 */
/* server_tools.c - tools/list and tools/call, each revision getting what it knows of. */
#include <stdlib.h>
#include <string.h>

#include "base/parse.h"
#include "mcp/schema.h"
#include "mcp/server_internal.h"

#define CURSOR_PREFIX	"from-"
#define COMPLAINT_MAX_B 512

static json_t *constant_json(const char *text)
{
	return text ? json_loads(text, 0, NULL) : NULL;
}

static json_t *describe_tool(const struct mcp_tool *tool, const char *version)
{
	bool annotated = strcmp(version, MCP_2025_03) >= 0;
	bool titled = strcmp(version, MCP_2025_06) >= 0;

	return json_pack("{s:s, s:s*, s:s, s:o, s:o*, s:o*, s:o*}", "name", tool->name, "title",
			 titled ? tool->title : NULL, "description", tool->description,
			 "inputSchema", constant_json(tool->input_schema), "outputSchema",
			 titled ? constant_json(tool->output_schema) : NULL, "annotations",
			 annotated ? constant_json(tool->annotations) : NULL, "_meta",
			 constant_json(tool->meta));
}

/* Where a page starts. An empty cursor, which we never give, is taken for the start. */
static int parse_cursor(const json_t *cursor, size_t n_tools, size_t *ret)
{
	const size_t prefix = strlen(CURSOR_PREFIX);
	const char *text = json_string_value(cursor);
	uint32_t from;

	*ret = 0;
	if (!cursor || json_is_null(cursor) || (text && !*text))
		return 0;
	if (!text || strncmp(text, CURSOR_PREFIX, prefix) != 0 || n_tools < 2 ||
	    parse_u32(text + prefix, 1, (uint32_t)n_tools - 1, &from) < 0)
		return -1;
	*ret = from;
	return 0;
}

void mcp_run_tools_list(struct mcp_call *call)
{
	const struct mcp_server *server = call->session->server;
	const size_t page = server->page_items ? server->page_items : server->n_tools;
	json_t *tools, *result;
	size_t from, i;

	if (parse_cursor(json_object_get(call->params, "cursor"), server->n_tools, &from) < 0) {
		mcp_call_error(call, JSONRPC_INVALID_PARAMS, "a cursor that is none of ours", NULL);
		return;
	}
	tools = json_array();
	for (i = from; i < server->n_tools && i - from < page; i++) {
		if (json_array_append_new(tools, describe_tool(&server->tools[i], call->version)) <
		    0) {
			json_decref(tools);
			mcp_call_error(call, JSONRPC_INTERNAL_ERROR, "a tool cannot be described",
				       NULL);
			return;
		}
	}
	result = json_pack("{s:o}", "tools", tools);
	if (result && i < server->n_tools)
		(void)json_object_set_new(result, "nextCursor",
					  json_sprintf(CURSOR_PREFIX "%zu", i));
	mcp_call_result(call, result);
}

static const struct mcp_tool *find_tool(const struct mcp_server *server, const json_t *name)
{
	for (size_t i = 0; i < server->n_tools; i++) {
		if (jsonrpc_is(name, server->tools[i].name))
			return &server->tools[i];
	}
	return NULL;
}

/* Arguments that do not fit are the model's to mend: so they become a tool's failure. */
void mcp_run_tools_call(struct mcp_call *call)
{
	const struct mcp_session *s = call->session;
	const struct mcp_tool *tool = find_tool(s->server, json_object_get(call->params, "name"));
	json_t *arguments = json_object_get(call->params, "arguments"), *schema;
	char complaint[COMPLAINT_MAX_B];
	int r;

	if (!tool) {
		mcp_call_error(call, JSONRPC_INVALID_PARAMS, "unknown tool", NULL);
		return;
	}
	if (!call->params ||
	    (arguments && !json_is_object(arguments) && !json_is_null(arguments))) {
		mcp_call_error(call, JSONRPC_INVALID_PARAMS, "arguments are no object", NULL);
		return;
	}
	if (!json_is_object(arguments)) {
		arguments = json_object();
		if (json_object_set_new(call->params, "arguments", arguments) < 0) {
			mcp_call_error(call, JSONRPC_INTERNAL_ERROR, "out of memory", NULL);
			return;
		}
	}
	schema = constant_json(tool->input_schema);
	r = schema_check(schema, arguments, complaint, sizeof(complaint));
	json_decref(schema);
	if (r < 0)
		mcp_call_finish_text(call, complaint, strlen(complaint), true);
	else
		s->server->ops->call(s->userdata, call, tool, arguments);
}
