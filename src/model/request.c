/* SPDX-License-Identifier: Apache-2.0 */
/*
 * request.c - a request to a model: what both dialects have in common; see model.h.
 *
 * An API refuses a whole conversation for one thing in it that it does not take, in every request
 * from then on. So what came from outside is made fit here: names and schemas of tools, arguments
 * that are no object, calls without a result. What the caller alone can have got wrong is refused.
 */
#include <errno.h>
#include <stdlib.h>

#include "model/internal.h"
#include "base/cleanup.h"
#include "base/utf8.h"

#define INTERRUPTED "The session was interrupted before the result of this call was there."

static const char *const own_members[] = {"model",  "messages",	  "tools",	    "system",
					  "stream", "max_tokens", "stream_options", NULL};
/* Anthropic's API has no more of them; see its version 2026-10-21. */
static const char *const sampling[] = {"temperature", "top_p", "top_k", NULL};

static int wrong(struct ironclaw_error *err, const char *what)
{
	return err_set(err, IRONCLAW_ERR_INVALID, EINVAL, "a request to the model: %s", what);
}

static bool is_plain(char c)
{
	return ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || (c >= '0' && c <= '9') || c == '_' ||
	       c == '-';
}

static bool is_plain_name(const char *name)
{
	while (is_plain(*name))
		name++;
	return !*name;
}

void model_replayed_name(const json_t *call, char ret[MODEL_NAME_MAX_B + 1])
{
	static const size_t max = 64; /* of the stricter API */
	size_t len, n = 0;
	const char *name = model_text_of(call, "name", &len);

	for (; n < len && n < max; n++) {
		ret[n] = '_';
		if (is_plain(name[n]))
			ret[n] = name[n];
	}
	if (n == 0)
		ret[n++] = '_';
	ret[n] = '\0';
}

const json_t *model_keeps(const struct model_request *q, const json_t *message)
{
	const json_t *kept = json_object_get(message, "kept");

	return model_text_is(kept, "dialect",
			     q->dialect == MODEL_OPENAI ? "openai" : "anthropic") &&
			       model_text_is(kept, "model", q->model)
		       ? kept
		       : NULL;
}

static json_t *read_arguments(const char *text, size_t len, struct ironclaw_error *err)
{
	json_error_t error;
	json_t *arguments;

	if (len == 0)
		return json_object();
	arguments = json_load_bounded(text, len, MODEL_JSON_FLAGS | JSON_DECODE_ANY, &error);
	if (json_is_object(arguments))
		return arguments;
	if (arguments)
		(void)err_set(err, IRONCLAW_ERR_INVALID, EINVAL,
			      "the arguments of the call must be one JSON object");
	else if (error.line == 0)
		(void)err_set(err, IRONCLAW_ERR_INVALID, E2BIG,
			      "the arguments of the call are refused: %s", error.text);
	else
		(void)err_set(err, IRONCLAW_ERR_INVALID, EINVAL,
			      "the arguments of the call are no valid JSON: line %d, column %d: %s",
			      error.line, error.column, error.text);
	json_decref(arguments);
	return NULL;
}

json_t *model_call_arguments(const json_t *call, struct ironclaw_error *err)
{
	size_t len;
	const char *text = model_text_of(call, "arguments", &len);

	return read_arguments(text, len, err);
}

json_t *model_arguments_object(const char *text, size_t len)
{
	json_t *arguments = read_arguments(text, len, NULL);

	return arguments ? arguments
			 : json_pack("{s:s%}", "invalid_arguments", len > 0 ? text : "", len);
}

json_t *model_arguments_replayed(const json_t *call)
{
	size_t len;
	const char *text = model_text_of(call, "arguments", &len);

	return model_arguments_object(text, len);
}

/* The first result of an id among the "tool" messages from @at on. */
static json_t *find_result(const json_t *messages, size_t at, const char *id)
{
	for (; at < json_array_size(messages); at++) {
		json_t *message = json_array_get(messages, at);

		if (!model_text_is(message, "role", "tool"))
			break;
		if (model_text_is(message, "id", id))
			return message;
	}
	return NULL;
}

/* The results of message @at's calls, in their order, none missing. Returns those that were there.
 */
static size_t push_results(const json_t *messages, size_t at, json_t *out, int *r)
{
	const json_t *calls = json_object_get(json_array_get(messages, at), "calls"), *call;
	size_t i, n_found = 0;

	json_array_foreach(calls, i, call)
	{
		json_t *id = json_object_get(call, "id");
		json_t *result = find_result(messages, at + 1, json_string_value(id));

		n_found += result != NULL;
		model_push(r, out,
			   result ? json_incref(result)
				  : json_pack("{s:s, s:O, s:s, s:b}", "role", "tool", "id", id,
					      "text", INTERRUPTED, "failed", true));
	}
	return n_found;
}

/* The conversation as it has to be: behind each message with calls its results, and nothing else.
 */
static int put_in_order(const json_t *messages, json_t *out, struct ironclaw_error *err)
{
	size_t i, n_results = 0, n_found = 0;
	json_t *message;
	int r = 0;

	json_array_foreach(messages, i, message)
	{
		if (model_text_is(message, "role", "tool")) {
			n_results++;
			continue;
		}
		model_push(&r, out, json_incref(message));
		n_found += push_results(messages, i, out, &r);
	}
	return n_found == n_results
		       ? r
		       : wrong(err, "a result of no call, or the second one of a call");
}

static int check_calls(const json_t *calls, struct ironclaw_error *err)
{
	const json_t *call;
	size_t i;

	json_array_foreach(calls, i, call)
	{
		if (json_string_length(json_object_get(call, "id")) == 0 ||
		    !json_is_string(json_object_get(call, "name")) ||
		    !json_is_string(json_object_get(call, "arguments")))
			return wrong(err, "a call without id, name or arguments");
		for (size_t j = 0; j < i; j++) {
			if (json_equal(json_object_get(json_array_get(calls, j), "id"),
				       json_object_get(call, "id")))
				return wrong(err, "two calls with one id");
		}
	}
	return 0;
}

static int check_messages(const json_t *messages, struct ironclaw_error *err)
{
	const json_t *message;
	size_t i;

	if (json_array_size(messages) == 0)
		return wrong(err, "no messages");
	json_array_foreach(messages, i, message)
	{
		bool assistant = model_text_is(message, "role", "assistant");
		int r;

		if (!json_is_string(json_object_get(message, "text")))
			return wrong(err, "a message without text");
		if (!assistant && !model_text_is(message, "role", "user") &&
		    !model_text_is(message, "role", "tool"))
			return wrong(err, "a message of an unknown role");
		if (assistant && (r = check_calls(json_object_get(message, "calls"), err)) < 0)
			return r;
	}
	return 0;
}

/* {"name", "description", "parameters"}: a schema whose root every API takes. */
static int take_tool(const struct model_request *q, const json_t *tool, json_t *tools,
		     struct ironclaw_error *err)
{
	static const char *const refused[] = {"oneOf", "anyOf", "allOf"};
	const char *name = json_string_value(json_object_get(tool, "name"));
	size_t max = q->dialect == MODEL_OPENAI ? 64 : 128;
	const json_t *schema = json_object_get(tool, "schema");
	const char *description = json_string_value(json_object_get(tool, "description"));
	json_t *parameters;
	int r = 0;

	if (!name || !name[0] || strlen(name) > max || !is_plain_name(name))
		return wrong(err, "a tool's name");
	if (!json_is_object(schema))
		return wrong(err, "a tool without schema");
	parameters = json_pack("{s:s, s:{}}", "type", "object", "properties");
	if (json_object_update(parameters, (json_t *)(uintptr_t)schema) < 0)
		r = -ENOMEM;
	model_put(&r, parameters, "type", json_string("object"));
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++)
		(void)json_object_del(parameters, refused[i]);
	model_push(&r, tools,
		   json_pack("{s:s, s:s, s:o}", "name", name, "description",
			     description ? description : "", "parameters", parameters));
	return r;
}

static bool is_one_of(const char *const *list, const char *key)
{
	for (; *list; list++) {
		if (strcmp(*list, key) == 0)
			return true;
	}
	return false;
}

static int add_extra(const struct model_request *q, json_t *body, struct ironclaw_error *err)
{
	json_t *extra = (json_t *)(uintptr_t)q->extra, *value;
	const char *key;

	if (extra && !json_is_object(extra))
		return wrong(err, "further members that are no object");
	json_object_foreach(extra, key, value)
	{
		if (is_one_of(own_members, key) || json_object_get(body, key))
			return err_set(err, IRONCLAW_ERR_INVALID, EINVAL,
				       "a request to the model: \"%s\" cannot be set", key);
		if (q->dialect == MODEL_ANTHROPIC && is_one_of(sampling, key))
			return err_set(err, IRONCLAW_ERR_INVALID, EINVAL,
				       "a request to the model: the API does not take \"%s\"", key);
		if (json_object_set(body, key, value) < 0)
			return -ENOMEM;
	}
	return 0;
}

static int make_body(const struct model_request *request, json_t *body, struct ironclaw_error *err)
{
	cleanup(model_cleanup_jsonp) json_t *tools = json_array(), *messages = json_array();
	struct model_request q = *request;
	const json_t *tool;
	size_t i;
	int r = check_messages(q.messages, err);

	if (r == 0 && ((q.system && !utf8_valid(q.system, strlen(q.system))) ||
		       !utf8_valid(q.model, strlen(q.model))))
		r = wrong(err, "text that is no UTF-8");
	if (r == 0)
		r = put_in_order(q.messages, messages, err);
	json_array_foreach(q.tools, i, tool)
	{
		if (r == 0)
			r = take_tool(&q, tool, tools, err);
	}
	if (r < 0)
		return r;
	q.tools = tools;
	q.messages = messages;
	model_put(&r, body, "model", json_string(q.model));
	if (r == 0)
		r = q.dialect == MODEL_OPENAI ? model_openai_body(&q, body)
					      : model_anthropic_body(&q, body);
	return r < 0 ? r : add_extra(&q, body, err);
}

int model_request_body(const struct model_request *request, char **ret, size_t *ret_len,
		       struct ironclaw_error *err)
{
	cleanup(model_cleanup_jsonp) json_t *body = json_object();
	int r = body ? make_body(request, body, err) : -ENOMEM;
	char *text = NULL;

	if (r == 0 && !(text = json_dumps(body, JSON_COMPACT)))
		r = -ENOMEM;
	if (r == -ENOMEM)
		return err_sys(err, ENOMEM, "asking a model");
	if (r < 0)
		return r;
	*ret = text;
	*ret_len = strlen(text);
	return 0;
}
