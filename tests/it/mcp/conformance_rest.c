/* SPDX-License-Identifier: Apache-2.0 */
/* conformance_rest.c - prompts, resources and completion of the suite. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "conformance.h"

static json_t *load(const char *text)
{
	json_t *value = json_loads(text, 0, NULL);

	if (!value)
		abort();
	return value;
}

static const char *text_of(json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

static void list_resources(struct mcp_call *call)
{
	mcp_call_result(call,
			load("{\"resources\":["
			     "{\"uri\":\"test://static-text\",\"name\":\"static-text\","
			     "\"description\":\"Text.\",\"mimeType\":\"text/plain\"},"
			     "{\"uri\":\"test://static-binary\",\"name\":\"static-binary\","
			     "\"description\":\"An image.\",\"mimeType\":\"image/png\"},"
			     "{\"uri\":\"test://watched-resource\",\"name\":\"watched-resource\","
			     "\"description\":\"Can be watched.\",\"mimeType\":\"text/plain\"}]}"));
}

static void read_template(struct mcp_call *call, const char *uri)
{
	static const char before[] = "test://template/", after[] = "/data";
	size_t len = strlen(uri), n = sizeof(before) - 1, m = sizeof(after) - 1;
	cleanup_free char *text = NULL;
	int id_len;

	if (len <= n + m || strncmp(uri, before, n) != 0 || strcmp(uri + len - m, after) != 0) {
		mcp_call_error(call, MCP_RESOURCE_NOT_FOUND, "Resource not found",
			       json_pack("{s:s}", "uri", uri));
		return;
	}
	id_len = (int)(len - n - m);
	if (asprintf(&text,
		     "{\"id\":\"%.*s\",\"templateTest\":true,\"data\":\"Data for ID: %.*s\"}",
		     id_len, uri + n, id_len, uri + n) < 0)
		abort();
	mcp_call_result(call, json_pack("{s:[{s:s,s:s,s:s}]}", "contents", "uri", uri, "mimeType",
					"application/json", "text", text));
}

static void read_resource(struct mcp_call *call, const char *uri)
{
	if (strcmp(uri, "test://static-text") == 0 || strcmp(uri, "test://watched-resource") == 0)
		mcp_call_result(call,
				json_pack("{s:[{s:s,s:s,s:s}]}", "contents", "uri", uri, "mimeType",
					  "text/plain", "text",
					  "This is the content of the static text resource."));
	else if (strcmp(uri, "test://static-binary") == 0)
		mcp_call_result(call, json_pack("{s:[{s:s,s:s,s:s}]}", "contents", "uri", uri,
						"mimeType", "image/png", "blob", pixel_png));
	else
		read_template(call, uri);
}

static void list_prompts(struct mcp_call *call)
{
	mcp_call_result(
		call,
		load("{\"prompts\":["
		     "{\"name\":\"test_simple_prompt\",\"description\":\"Text.\"},"
		     "{\"name\":\"test_prompt_with_arguments\",\"description\":\"Arguments.\","
		     "\"arguments\":[{\"name\":\"arg1\",\"description\":\"1\",\"required\":true},"
		     "{\"name\":\"arg2\",\"description\":\"2\",\"required\":true}]},"
		     "{\"name\":\"test_prompt_with_embedded_resource\",\"description\":\"Resource."
		     "\","
		     "\"arguments\":[{\"name\":\"resourceUri\",\"description\":\"URI\","
		     "\"required\":true}]},"
		     "{\"name\":\"test_prompt_with_image\",\"description\":\"Image.\"},"
		     "{\"name\":\"test_input_required_result_prompt\",\"description\":\"Asks.\"}]"
		     "}"));
}

static void say_text(struct mcp_call *call, const char *text)
{
	mcp_call_result(call, json_pack("{s:[{s:s,s:{s:s,s:s}}]}", "messages", "role", "user",
					"content", "type", "text", "text", text));
}

static void prompt_with_arguments(struct mcp_call *call, json_t *arguments)
{
	cleanup_free char *text = NULL;

	if (asprintf(&text, "Prompt with arguments: arg1='%s', arg2='%s'",
		     text_of(arguments, "arg1"), text_of(arguments, "arg2")) < 0)
		abort();
	say_text(call, text);
}

static void prompt_with_resource(struct mcp_call *call, json_t *arguments)
{
	mcp_call_result(call,
			json_pack("{s:[{s:s,s:{s:s,s:{s:s,s:s,s:s}}},{s:s,s:{s:s,s:s}}]}",
				  "messages", "role", "user", "content", "type", "resource",
				  "resource", "uri", text_of(arguments, "resourceUri"), "mimeType",
				  "text/plain", "text", "Embedded resource content for testing.",
				  "role", "user", "content", "type", "text", "text",
				  "Please process the embedded resource above."));
}

static void prompt_with_image(struct mcp_call *call)
{
	mcp_call_result(call,
			json_pack("{s:[{s:s,s:{s:s,s:s,s:s}},{s:s,s:{s:s,s:s}}]}", "messages",
				  "role", "user", "content", "type", "image", "data", pixel_png,
				  "mimeType", "image/png", "role", "user", "content", "type",
				  "text", "text", "Please analyze the image above."));
}

static void prompt_with_input(struct mcp_call *call)
{
	bool refused;

	if (input_round(call, "user_context", &refused))
		say_text(call, "With the context given.");
	else if (!refused)
		mcp_call_need_input(call,
				    json_pack("{s:o}", "user_context",
					      input_elicit("What context should the prompt use?",
							   "context", "string")),
				    NULL);
}

static void get_prompt(struct mcp_call *call, json_t *params)
{
	json_t *arguments = json_object_get(params, "arguments");
	const char *name = text_of(params, "name");

	if (strcmp(name, "test_simple_prompt") == 0)
		say_text(call, "This is a simple prompt for testing.");
	else if (strcmp(name, "test_prompt_with_arguments") == 0)
		prompt_with_arguments(call, arguments);
	else if (strcmp(name, "test_prompt_with_embedded_resource") == 0)
		prompt_with_resource(call, arguments);
	else if (strcmp(name, "test_prompt_with_image") == 0)
		prompt_with_image(call);
	else if (strcmp(name, "test_input_required_result_prompt") == 0)
		prompt_with_input(call);
	else
		mcp_call_error(call, JSONRPC_INVALID_PARAMS, "Unknown prompt", NULL);
}

void rest_request(void *userdata, struct mcp_call *call, const char *method, json_t *params)
{
	(void)userdata;
	if (strcmp(method, "resources/list") == 0)
		list_resources(call);
	else if (strcmp(method, "resources/templates/list") == 0)
		mcp_call_result(call,
				load("{\"resourceTemplates\":[{\"uriTemplate\":"
				     "\"test://template/{id}/data\",\"name\":\"template\","
				     "\"description\":\"Data.\",\"mimeType\":\"application/json\"}"
				     "]}"));
	else if (strcmp(method, "resources/read") == 0)
		read_resource(call, text_of(params, "uri"));
	else if (strcmp(method, "prompts/list") == 0)
		list_prompts(call);
	else if (strcmp(method, "prompts/get") == 0)
		get_prompt(call, params);
	else
		mcp_call_result(call, load("{\"completion\":{\"values\":[\"test1\",\"test2\"],"
					   "\"total\":2,\"hasMore\":false}}"));
}
