/* SPDX-License-Identifier: Apache-2.0 */
/*
 * openai.c - chat completions, as OpenAI and the many servers that call themselves compatible
 * speak them.
 *
 * Calls come in fragments, and servers disagree on how to say which fragment belongs to which call.
 * A fragment goes to the newest call of its index, or to the newest of all when it has no index. It
 * begins a new call when there is none yet, when it has a name and an id other than that call's, or
 * when it has a name and no id although that call's arguments are whole or its name is another. An
 * id alone never begins one: there are servers that make a new id for every fragment.
 *
 * Whether it is a turn of calls is told by the calls, not by finish_reason.
 */
#include <errno.h>
#include <stdlib.h>

#include "model/internal.h"

/* "" and null say nothing. */
static const json_t *said(const json_t *object, const char *key)
{
	const json_t *value = json_object_get(object, key);

	return json_string_length(value) > 0 ? value : NULL;
}

static struct model_part *newest(struct model_stream *s, enum model_part_kind kind,
				 json_int_t index)
{
	for (size_t i = s->n_parts; i > 0; i--) {
		struct model_part *part = &s->parts[i - 1];

		if (part->kind == kind && (index < 0 || part->index == index))
			return part;
	}
	return NULL;
}

static int add_to_last(struct model_stream *s, enum model_part_kind kind, const json_t *piece)
{
	struct model_part *part = newest(s, kind, -1);

	if (json_string_length(piece) == 0)
		return 0;
	if (!part)
		part = model_part_new(s, kind, 0);
	return part ? model_part_add(s, part, piece) : -EMSGSIZE;
}

static bool begins_call(const struct model_part *part, const json_t *id, const json_t *name)
{
	if (!part)
		return true;
	if (!name)
		return false;
	if (id)
		return strcmp(part->id, json_string_value(id)) != 0;
	return part->whole || (part->name[0] && strcmp(part->name, json_string_value(name)) != 0);
}

static int add_arguments(struct model_stream *s, struct model_part *part, const json_t *arguments)
{
	json_t *text;
	char *dump;
	int r;

	if (json_is_string(arguments))
		return model_part_add(s, part, arguments);
	/* Not the text that they must be, but what it would say. */
	if (!json_is_object(arguments) || part->body.len > 0)
		return 0;
	dump = json_dumps(arguments, JSON_COMPACT);
	text = dump ? json_string_nocheck(dump) : NULL;
	free(dump);
	r = text ? model_part_add(s, part, text) : -ENOMEM;
	json_decref(text);
	return r;
}

static int take_call(struct model_stream *s, const json_t *fragment, bool whole)
{
	const json_t *function = json_object_get(fragment, "function");
	const json_t *number = json_object_get(fragment, "index");
	const json_t *id = said(fragment, "id"), *name = said(function, "name");
	json_int_t index = json_is_integer(number) ? json_integer_value(number) : -1;
	struct model_part *part = newest(s, MODEL_PART_CALL, index);

	if (whole || begins_call(part, id, name))
		part = model_part_new(s, MODEL_PART_CALL, index);
	if (!part)
		return -EMSGSIZE;
	model_part_set_name(s, part, id, name);
	return add_arguments(s, part, json_object_get(function, "arguments"));
}

static const char *detail_key(const json_t *piece)
{
	static const char *const keys[] = {"text", "summary", "data"};

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		if (json_is_string(json_object_get(piece, keys[i])))
			return keys[i];
	}
	return NULL;
}

static json_t *last_detail(const struct model_stream *s)
{
	size_t n = json_array_size(s->details);

	return n > 0 ? json_array_get(s->details, n - 1) : NULL;
}

/* The text of the newest one is gathered beside it. */
static int end_detail(struct model_stream *s)
{
	int r = pieces_end(&s->detail, &s->left_b);

	if (r == 0 && s->detail_key &&
	    json_object_set_new(last_detail(s), s->detail_key, model_text_json(&s->detail)) < 0)
		r = -ENOMEM;
	s->detail.len = 0;
	s->detail_key = NULL;
	return r;
}

static int begin_detail(struct model_stream *s, const json_t *piece)
{
	size_t size = json_dumpb(piece, NULL, 0, JSON_COMPACT);
	int r = end_detail(s);

	if (r < 0)
		return r;
	if (size > s->left_b)
		return -EMSGSIZE;
	s->left_b -= size;
	if (!s->details && !(s->details = json_array()))
		return -ENOMEM;
	return json_array_append_new(s->details, json_deep_copy(piece)) == 0 ? 0 : -ENOMEM;
}

/*
 * OpenRouter's reasoning_details, which the next request must bring back as they were: pieces of
 * the same type and index are one.
 */
static int take_detail(struct model_stream *s, json_t *piece)
{
	json_t *last = last_detail(s), *value;
	const char *text = detail_key(piece), *key;
	int r = 0;

	if (!json_is_object(piece))
		return 0;
	if (!last || (text && s->detail_key && strcmp(text, s->detail_key) != 0) ||
	    !json_equal(json_object_get(last, "type"), json_object_get(piece, "type")) ||
	    !json_equal(json_object_get(last, "index"), json_object_get(piece, "index")))
		r = begin_detail(s, piece);
	else
		json_object_foreach(piece, key, value)
		{
			if (json_is_null(value) || (text && strcmp(key, text) == 0))
				continue;
			if (json_object_set(last, key, value) < 0)
				return -ENOMEM;
		}
	if (r < 0 || !text)
		return r;
	s->detail_key = text;
	return model_grow(&s->detail, json_object_get(piece, text), s->mended, &s->left_b);
}

static int take_reasoning(struct model_stream *s, const json_t *message)
{
	const json_t *piece = said(message, "reasoning_content");
	json_t *detail;
	size_t i;
	int r;

	/* Some send both names, with the same text. */
	if (!piece && (piece = said(message, "reasoning")))
		s->short_name = true;
	r = add_to_last(s, MODEL_PART_REASONING, piece);
	json_array_foreach(json_object_get(message, "reasoning_details"), i, detail)
	{
		if (r == 0)
			r = take_detail(s, detail);
	}
	return r;
}

/* Text may be a list of pieces of text. */
static int take_content(struct model_stream *s, const json_t *content)
{
	const json_t *piece;
	size_t i;
	int r = 0;

	if (!json_is_array(content))
		return add_to_last(s, MODEL_PART_TEXT, content);
	json_array_foreach(content, i, piece)
	{
		if (r == 0)
			r = add_to_last(s, MODEL_PART_TEXT, json_object_get(piece, "text"));
	}
	return r;
}

static int take_message(struct model_stream *s, const json_t *message, bool whole)
{
	const json_t *call;
	size_t i;
	int r = take_reasoning(s, message);

	if (r == 0)
		r = take_content(s, json_object_get(message, "content"));
	if (r == 0)
		r = add_to_last(s, MODEL_PART_TEXT, json_object_get(message, "refusal"));
	json_array_foreach(json_object_get(message, "tool_calls"), i, call)
	{
		if (r == 0)
			r = take_call(s, call, whole);
	}
	return r;
}

static int take_finish(struct model_stream *s, const json_t *choice, struct ironclaw_error *err)
{
	const char *reason = json_string_value(said(choice, "finish_reason"));

	if (!reason)
		return 0;
	if (strcmp(reason, "error") == 0)
		return err_set(err, IRONCLAW_ERR_UNAVAILABLE, EAGAIN,
			       "the model's server failed in the middle of its answer");
	s->stop_said = true;
	if (strcmp(reason, "length") == 0)
		s->stop = MODEL_STOP_LENGTH;
	else if (strcmp(reason, "content_filter") == 0)
		s->stop = MODEL_STOP_FILTER;
	else
		s->stop = MODEL_STOP_END;
	return 0;
}

static void take_usage(struct model_stream *s, const json_t *answer)
{
	const json_t *usage = json_object_get(answer, "usage"), *in, *out;

	in = json_object_get(usage, "prompt_tokens_details");
	out = json_object_get(usage, "completion_tokens_details");
	model_count(usage, "prompt_tokens", &s->usage.input);
	model_count(usage, "completion_tokens", &s->usage.output);
	model_count(in, "cached_tokens", &s->usage.cache_read);
	model_count(in, "cache_write_tokens", &s->usage.cache_write);
	model_count(out, "reasoning_tokens", &s->usage.reasoning);
}

/* Only one choice is ever asked for. */
static int take_choice(struct model_stream *s, const json_t *answer, bool whole,
		       struct ironclaw_error *err)
{
	const json_t *choice = json_array_get(json_object_get(answer, "choices"), 0);
	const json_t *message = json_object_get(choice, whole ? "message" : "delta");
	int r;

	take_usage(s, answer);
	r = take_message(s, message, whole);
	return r < 0 ? r : take_finish(s, choice, err);
}

int model_openai_event(struct model_stream *s, const json_t *chunk, struct ironclaw_error *err)
{
	return take_choice(s, chunk, false, err);
}

int model_openai_whole(struct model_stream *s, const json_t *answer, struct ironclaw_error *err)
{
	const json_t *choice = json_array_get(json_object_get(answer, "choices"), 0);

	if (!json_is_object(json_object_get(choice, "message")))
		return model_broken(err, "it has no message");
	s->done = true;
	return take_choice(s, answer, true, err);
}

void model_openai_keep(struct model_stream *s, json_t *kept, int *r)
{
	const struct model_part *part = newest(s, MODEL_PART_REASONING, -1);

	if (end_detail(s) < 0)
		*r = -ENOMEM;
	if (part)
		model_put(r, kept, s->short_name ? "reasoning" : "reasoning_content",
			  model_text_json(&part->body));
	if (s->details)
		model_put(r, kept, "reasoning_details", json_incref(s->details));
}

/* The request. */

static json_t *calls_of(const json_t *message, int *r)
{
	json_t *calls = json_array();
	const json_t *call;
	size_t i;

	json_array_foreach(json_object_get(message, "calls"), i, call)
	{
		json_t *arguments = model_arguments_replayed(call);
		char *text = json_dumps(arguments, JSON_COMPACT), name[MODEL_NAME_MAX_B + 1];

		model_replayed_name(call, name);
		model_push(r, calls,
			   json_pack("{s:O, s:s, s:{s:s, s:s}}", "id", json_object_get(call, "id"),
				     "type", "function", "function", "name", name, "arguments",
				     text ? text : ""));
		json_decref(arguments);
		free(text);
	}
	return calls;
}

/* Reasoning goes back with the calls that it led to: servers want it there, and only there. */
static void put_assistant(const struct model_request *q, const json_t *message, json_t *out, int *r)
{
	static const char *const keys[] = {"reasoning_content", "reasoning", "reasoning_details"};
	bool calls = json_array_size(json_object_get(message, "calls")) > 0;
	const json_t *kept = model_keeps(q, message);
	json_t *own, *value;

	if (!calls && json_string_length(json_object_get(message, "text")) == 0)
		return;
	own = json_pack("{s:s, s:O}", "role", "assistant", "content",
			json_object_get(message, "text"));
	if (calls)
		model_put(r, own, "tool_calls", calls_of(message, r));
	for (size_t i = 0; calls && i < ARRAY_SIZE(keys); i++) {
		if ((value = json_object_get(kept, keys[i])))
			model_put(r, own, keys[i], json_incref(value));
	}
	model_push(r, out, own);
}

static void put_result(const json_t *result, json_t *out, int *r)
{
	/* This dialect has no other mark for a call that failed. */
	const char *mark = json_is_true(json_object_get(result, "failed")) ? "Error: " : "";
	size_t len;
	const char *text = model_text_of(result, "text", &len);

	model_push(r, out,
		   json_pack("{s:s, s:O, s:s+%}", "role", "tool", "tool_call_id",
			     json_object_get(result, "id"), "content", mark, text, len));
}

static void put_user(const json_t *message, json_t *out, int *r)
{
	model_push(r, out,
		   json_pack("{s:s, s:O}", "role", "user", "content",
			     json_object_get(message, "text")));
}

int model_openai_body(const struct model_request *q, json_t *body)
{
	json_t *messages = json_array(), *tools = json_array();
	const json_t *message, *tool;
	size_t i;
	int r = 0;

	if (q->system)
		model_push(&r, messages,
			   json_pack("{s:s, s:s}", "role", "system", "content", q->system));
	json_array_foreach(q->messages, i, message)
	{
		if (model_text_is(message, "role", "assistant"))
			put_assistant(q, message, messages, &r);
		else if (model_text_is(message, "role", "tool"))
			put_result(message, messages, &r);
		else
			put_user(message, messages, &r);
	}
	model_put(&r, body, "messages", messages);
	json_array_foreach(q->tools, i, tool)
	{
		model_push(&r, tools,
			   json_pack("{s:s, s:O}", "type", "function", "function", tool));
	}
	if (i > 0)
		model_put(&r, body, "tools", json_incref(tools));
	json_decref(tools);
	if (q->max_tokens > 0)
		model_put(&r, body, q->old_max_tokens ? "max_tokens" : "max_completion_tokens",
			  json_integer(q->max_tokens));
	model_put(&r, body, "stream", json_true());
	model_put(&r, body, "stream_options", json_pack("{s:b}", "include_usage", true));
	return r;
}
