/* SPDX-License-Identifier: Apache-2.0 */
/* conformance_tools.c - tools of the suite, and our own (test_sleep and after). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "conformance.h"

#define NOTHING "{\"type\":\"object\",\"properties\":{},\"additionalProperties\":false}"
#define ONE(name, type)                                                                            \
	"{\"type\":\"object\",\"properties\":{\"" name "\":{\"type\":\"" type                      \
	"\"}},\"required\":[\"" name "\"]}"

const char pixel_png[] = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIA"
			 "X8jx0gAAAABJRU5ErkJggg==";
static const char silence_wav[] = "UklGRiYAAABXQVZFZm10IBAAAAABAAEAQB8AAIA+AAACABAAZGF0YQIAAAAAAA"
				  "==";

static void finish_blocks(struct job *job, json_t *blocks)
{
	struct mcp_call *call = job->call;

	over(job);
	mcp_call_finish(call, blocks, NULL, false);
}

static void simple_text(struct job *job)
{
	finish(job, "This is a simple text response for testing.");
}

static void image(struct job *job)
{
	finish_blocks(job, json_pack("[{s:s,s:s,s:s}]", "type", "image", "data", pixel_png,
				     "mimeType", "image/png"));
}

static void audio(struct job *job)
{
	finish_blocks(job, json_pack("[{s:s,s:s,s:s}]", "type", "audio", "data", silence_wav,
				     "mimeType", "audio/wav"));
}

static void embedded(struct job *job)
{
	finish_blocks(job, json_pack("[{s:s,s:{s:s,s:s,s:s}}]", "type", "resource", "resource",
				     "uri", "test://embedded-resource", "mimeType", "text/plain",
				     "text", "This is an embedded resource content."));
}

static void mixed(struct job *job)
{
	finish_blocks(job,
		      json_pack("[{s:s,s:s},{s:s,s:s,s:s},{s:s,s:{s:s,s:s,s:s}}]", "type", "text",
				"text", "Multiple content types test:", "type", "image", "data",
				pixel_png, "mimeType", "image/png", "type", "resource", "resource",
				"uri", "test://mixed-content-resource", "mimeType",
				"application/json", "text", "{\"test\":\"data\",\"value\":123}"));
}

static void logging(struct job *job)
{
	static const char *const said[] = {"Tool execution started", "Tool processing data",
					   "Tool execution completed"};

	mcp_call_log(job->call, "info", NULL, json_string(said[job->step]));
	if (job->step < 2)
		later(job, 50);
	else
		finish(job, "It has logged.");
}

static void progress(struct job *job)
{
	mcp_call_progress(job->call, job->step * 50, 100, NULL);
	if (job->step < 2)
		later(job, 50);
	else
		finish(job, "It has progressed.");
}

static void failing(struct job *job)
{
	static const char text[] = "This tool intentionally returns an error for testing";
	struct mcp_call *call = job->call;

	over(job);
	mcp_call_finish_text(call, text, sizeof(text) - 1, true);
}

static void answered(void *userdata, struct mcp_call *call, json_t *result, json_t *error)
{
	struct job *job = mcp_call_userdata(call);
	cleanup_free char *json = json_dumps(result ? result : error, JSON_COMPACT);
	const char *text =
		json_string_value(json_object_get(json_object_get(result, "content"), "text"));
	cleanup_free char *all = NULL;

	(void)userdata;
	if (asprintf(&all, "%s: %s", text ? "LLM response" : "User response: action and content",
		     text ? text : json) < 0)
		abort();
	finish(job, all);
}

static void ask(struct job *job, const char *method, json_t *params)
{
	struct mcp_call *call = job->call;
	int r = mcp_call_ask(call, method, params, answered);

	if (r == 0)
		return;
	over(job);
	mcp_call_finish_text(call, strerror(-r), strlen(strerror(-r)), true);
}

static void sampling(struct job *job)
{
	ask(job, "sampling/createMessage",
	    json_pack("{s:[{s:s,s:{s:s,s:O}}],s:i}", "messages", "role", "user", "content", "type",
		      "text", "text", json_object_get(job->arguments, "prompt"), "maxTokens", 100));
}

static void ask_form(struct job *job, const char *message, const char *properties)
{
	json_t *p = json_loads(properties, 0, NULL);

	ask(job, "elicitation/create",
	    json_pack("{s:s,s:{s:s,s:o}}", "message", message, "requestedSchema", "type", "object",
		      "properties", p));
}

static void elicitation(struct job *job)
{
	ask(job, "elicitation/create",
	    json_pack("{s:O,s:{s:s,s:{s:{s:s,s:s},s:{s:s,s:s}},s:[ss]}}", "message",
		      json_object_get(job->arguments, "message"), "requestedSchema", "type",
		      "object", "properties", "username", "type", "string", "description",
		      "User's response", "email", "type", "string", "description",
		      "User's email address", "required", "username", "email"));
}

static void elicitation_defaults(struct job *job)
{
	ask_form(job, "Please review",
		 "{\"name\":{\"type\":\"string\",\"default\":\"John Doe\"},"
		 "\"age\":{\"type\":\"integer\",\"default\":30},"
		 "\"score\":{\"type\":\"number\",\"default\":95.5},"
		 "\"status\":{\"type\":\"string\",\"enum\":[\"active\",\"inactive\",\"pending\"],"
		 "\"default\":\"active\"},"
		 "\"verified\":{\"type\":\"boolean\",\"default\":true}}");
}

static void elicitation_enums(struct job *job)
{
	ask_form(job, "Please choose",
		 "{\"untitledSingle\":{\"type\":\"string\",\"enum\":[\"option1\",\"option2\","
		 "\"option3\"]},"
		 "\"titledSingle\":{\"type\":\"string\",\"oneOf\":[{\"const\":\"value1\",\"title\":"
		 "\"First Option\"},{\"const\":\"value2\",\"title\":\"Second Option\"}]},"
		 "\"legacyEnum\":{\"type\":\"string\",\"enum\":[\"opt1\",\"opt2\",\"opt3\"],"
		 "\"enumNames\":[\"Option One\",\"Option Two\",\"Option Three\"]},"
		 "\"untitledMulti\":{\"type\":\"array\",\"items\":{\"type\":\"string\",\"enum\":["
		 "\"option1\",\"option2\",\"option3\"]}},"
		 "\"titledMulti\":{\"type\":\"array\",\"items\":{\"anyOf\":[{\"const\":\"value1\","
		 "\"title\":\"First Choice\"},{\"const\":\"value2\",\"title\":\"Second "
		 "Choice\"}]}}}");
}

static void reconnection(struct job *job)
{
	if (job->step > 0) {
		finish(job, "Reconnection test completed successfully");
		return;
	}
	mcp_http_interrupt(the_http, job->call);
	later(job, 100);
}

static void changed(void *what, struct mcp_session *s)
{
	mcp_session_list_changed(s, what);
}

static void change_tools(struct job *job)
{
	char what[] = "tools";

	mcp_http_each(the_http, changed, what);
	finish(job, "changed");
}

static void change_prompts(struct job *job)
{
	char what[] = "prompts";

	mcp_http_each(the_http, changed, what);
	finish(job, "changed");
}

/* --- our own --- */

static json_int_t number(const struct job *job, const char *name)
{
	return json_integer_value(json_object_get(job->arguments, name));
}

static void sleeping(struct job *job)
{
	if (job->step > 0)
		finish(job, "slept");
	else
		later(job, (unsigned int)number(job, "ms"));
}

static void counts(struct job *job)
{
	char text[64];

	(void)snprintf(text, sizeof(text), "running %u cancelled %u", jobs_running - 1,
		       jobs_cancelled);
	finish(job, text);
}

/* Says so many KiB in messages of one KiB, all at once, and then goes on until it is cancelled. */
static void flood(struct job *job)
{
	char text[1024];

	if (job->step == 0) {
		memset(text, 'x', sizeof(text));
		for (json_int_t i = 0; i < number(job, "kib"); i++)
			mcp_call_log(job->call, "error", NULL, json_stringn(text, sizeof(text)));
	}
	if (job->step < 1)
		later(job, 500);
	else
		finish(job, "flooded");
}

static void big(struct job *job)
{
	size_t len = (size_t)number(job, "kib") * 1024;
	cleanup_free char *text = malloc(len + 1);

	if (!text)
		abort();
	memset(text, 'y', len);
	text[len] = 0;
	finish(job, text);
}

#define TOOL(n, what, schema, run)                                                                 \
	{                                                                                          \
		.tool = {.name = n, .description = what, .input_schema = schema}, .step = run      \
	}

const struct fixture tool_fixtures[] = {
	TOOL("test_simple_text", "Text.", NOTHING, simple_text),
	TOOL("test_image_content", "An image.", NOTHING, image),
	TOOL("test_audio_content", "Audio.", NOTHING, audio),
	TOOL("test_embedded_resource", "A resource.", NOTHING, embedded),
	TOOL("test_multiple_content_types", "Several blocks.", NOTHING, mixed),
	TOOL("test_tool_with_logging", "Logs.", NOTHING, logging),
	TOOL("test_logging_tool", "Logs.", NOTHING, logging),
	TOOL("test_tool_with_progress", "Tells its progress.", NOTHING, progress),
	TOOL("test_error_handling", "Fails.", NOTHING, failing),
	TOOL("test_sampling", "Asks the model.", ONE("prompt", "string"), sampling),
	TOOL("test_elicitation", "Asks the user.", ONE("message", "string"), elicitation),
	TOOL("test_elicitation_sep1034_defaults", "Asks with defaults.", NOTHING,
	     elicitation_defaults),
	TOOL("test_elicitation_sep1330_enums", "Asks with choices.", NOTHING, elicitation_enums),
	TOOL("json_schema_2020_12_tool", "Has a schema.",
	     "{\"$schema\":\"https://json-schema.org/draft/2020-12/schema\",\"type\":\"object\","
	     "\"$defs\":{\"address\":{\"$anchor\":\"addressDef\",\"type\":\"object\","
	     "\"properties\":{\"street\":{\"type\":\"string\"},\"city\":{\"type\":\"string\"}}}},"
	     "\"properties\":{\"name\":{\"type\":\"string\"},"
	     "\"address\":{\"$ref\":\"#/$defs/address\"},"
	     "\"contactMethod\":{\"type\":\"string\",\"enum\":[\"phone\",\"email\"]},"
	     "\"phone\":{\"type\":\"string\"},\"email\":{\"type\":\"string\"}},"
	     "\"allOf\":[{\"anyOf\":[{\"required\":[\"phone\"]},{\"required\":[\"email\"]}]}],"
	     "\"if\":{\"properties\":{\"contactMethod\":{\"const\":\"phone\"}},"
	     "\"required\":[\"contactMethod\"]},\"then\":{\"required\":[\"phone\"]},"
	     "\"else\":{\"required\":[\"email\"]},\"additionalProperties\":false}",
	     simple_text),
	TOOL("test_reconnection", "Ends its stream early.", NOTHING, reconnection),
	TOOL("test_trigger_tool_change", "Says that tools have changed.", NOTHING, change_tools),
	TOOL("test_trigger_prompt_change", "Says that prompts have changed.", NOTHING,
	     change_prompts),
	TOOL("test_header", "Has an argument that is in a header too.",
	     "{\"type\":\"object\",\"properties\":{\"region\":{\"type\":\"string\","
	     "\"x-mcp-header\":\"Region\"},\"deep\":{\"type\":\"object\",\"properties\":{"
	     "\"level\":{\"type\":\"integer\",\"x-mcp-header\":\"Level\"}}}}}",
	     simple_text),
	TOOL("test_sleep", "Sleeps.", ONE("ms", "integer"), sleeping),
	TOOL("test_counts", "Calls that run and that were cancelled.", NOTHING, counts),
	TOOL("test_flood", "Logs much.", ONE("kib", "integer"), flood),
	TOOL("test_big", "Returns much.", ONE("kib", "integer"), big),
};
const size_t n_tool_fixtures = ARRAY_SIZE(tool_fixtures);
