/* SPDX-License-Identifier: Apache-2.0 */
/*
 * anthropic.c - the Messages API of Anthropic.
 *
 * A reply is a list of blocks, each of which begins, grows by deltas and stops. What the API has to
 * get back unchanged (thinking with its signature, and the order of all blocks) is "kept" as the
 * list of content that the message would have had without a stream. Blocks and events that are not
 * known here are passed over, the former kept as they began.
 */
#include <errno.h>
#include <stdlib.h>

#include "model/internal.h"
#include "base/cleanup.h"

static const struct {
	const char *type, *text; /* of a block, and its member that grows */
	enum model_part_kind kind;
} blocks[] = {
	{"text", "text", MODEL_PART_TEXT},
	{"thinking", "thinking", MODEL_PART_REASONING},
	{"tool_use", "input", MODEL_PART_CALL},
};

static const struct {
	const char *reason;
	enum model_stop stop;
} stops[] = {
	{"max_tokens", MODEL_STOP_LENGTH},
	{"model_context_window_exceeded", MODEL_STOP_LENGTH},
	{"refusal", MODEL_STOP_FILTER},
	{"pause_turn", MODEL_STOP_PAUSE},
};

static const char *grows(const struct model_part *part)
{
	for (size_t i = 0; i < ARRAY_SIZE(blocks); i++) {
		if (blocks[i].kind == part->kind)
			return blocks[i].text;
	}
	return NULL;
}

static struct model_part *find(struct model_stream *s, const json_t *event)
{
	const json_t *index = json_object_get(event, "index");

	for (size_t i = s->n_parts; i > 0; i--) {
		if (!json_is_integer(index) || s->parts[i - 1].index == json_integer_value(index))
			return &s->parts[i - 1];
	}
	return NULL;
}

/* @whole: the block will not grow, its input is complete. */
static int begin_block(struct model_stream *s, json_int_t index, json_t *block, bool whole)
{
	enum model_part_kind kind = MODEL_PART_OTHER;
	size_t size = json_dumpb(block, NULL, 0, JSON_COMPACT);
	const json_t *text = NULL;
	struct model_part *part;

	if (size > s->left_b)
		return -EMSGSIZE;
	s->left_b -= size;
	for (size_t i = 0; i < ARRAY_SIZE(blocks); i++) {
		if (model_text_is(block, "type", blocks[i].type)) {
			kind = blocks[i].kind;
			text = json_object_get(block, blocks[i].text);
		}
	}
	part = model_part_new(s, kind, index);
	if (!part)
		return -EMSGSIZE;
	part->start = json_incref(block);
	if (kind == MODEL_PART_CALL) {
		char *dump = NULL;
		json_t *input = NULL;
		int r = 0;

		model_part_set_name(s, part, json_object_get(block, "id"),
				    json_object_get(block, "name"));
		/* In a stream it is {} here, and comes in pieces; some proxies send it at once. */
		if (text && (whole || json_object_size(text) > 0)) {
			dump = json_dumps(text, JSON_COMPACT | JSON_ENCODE_ANY);
			input = dump ? json_string(dump) : NULL;
			r = input ? model_part_add(s, part, input) : -ENOMEM;
		}
		free(dump);
		json_decref(input);
		return r;
	}
	return kind == MODEL_PART_OTHER ? 0 : model_part_add(s, part, text);
}

static int grow_block(struct model_stream *s, const json_t *event, struct ironclaw_error *err)
{
	static const struct {
		const char *type, *text;
		enum model_part_kind kind;
	} deltas[] = {
		{"text_delta", "text", MODEL_PART_TEXT},
		{"thinking_delta", "thinking", MODEL_PART_REASONING},
		{"input_json_delta", "partial_json", MODEL_PART_CALL},
	};
	const json_t *delta = json_object_get(event, "delta");
	struct model_part *part = find(s, event);

	if (!part)
		return model_broken(err, "a piece of a block that has not begun");
	for (size_t i = 0; i < ARRAY_SIZE(deltas); i++) {
		if (!model_text_is(delta, "type", deltas[i].type))
			continue;
		if (part->kind != deltas[i].kind)
			return model_broken(err, "a piece of another kind than its block");
		return model_part_add(s, part, json_object_get(delta, deltas[i].text));
	}
	if (model_text_is(delta, "type", "signature_delta"))
		return model_grow(&part->signature, json_object_get(delta, "signature"), s->mended,
				  &s->left_b);
	return 0;
}

static void take_usage(struct model_stream *s, const json_t *object)
{
	const json_t *usage = json_object_get(object, "usage");

	model_count(usage, "input_tokens", &s->input_fresh);
	model_count(usage, "output_tokens", &s->usage.output);
	model_count(usage, "cache_read_input_tokens", &s->usage.cache_read);
	model_count(usage, "cache_creation_input_tokens", &s->usage.cache_write);
}

static void take_stop(struct model_stream *s, const json_t *object)
{
	for (size_t i = 0; i < ARRAY_SIZE(stops); i++) {
		if (model_text_is(object, "stop_reason", stops[i].reason))
			s->stop = stops[i].stop;
	}
}

int model_anthropic_event(struct model_stream *s, const json_t *event, struct ironclaw_error *err)
{
	json_t *block = json_object_get(event, "content_block");
	const json_t *index = json_object_get(event, "index");

	if (model_text_is(event, "type", "message_start")) {
		take_usage(s, json_object_get(event, "message"));
	} else if (model_text_is(event, "type", "content_block_start")) {
		if (json_is_integer(index) && find(s, event))
			return model_broken(err, "a block begins twice");
		if (!json_is_object(block))
			return model_broken(err, "a block that is no object");
		return begin_block(s, json_is_integer(index) ? json_integer_value(index) : -1,
				   block, false);
	} else if (model_text_is(event, "type", "content_block_delta")) {
		return grow_block(s, event, err);
	} else if (model_text_is(event, "type", "message_delta")) {
		take_usage(s, event);
		take_stop(s, json_object_get(event, "delta"));
	} else if (model_text_is(event, "type", "message_stop")) {
		s->done = true;
	}
	return 0;
}

int model_anthropic_whole(struct model_stream *s, const json_t *answer, struct ironclaw_error *err)
{
	const json_t *content = json_object_get(answer, "content");
	json_t *block;
	size_t i;

	if (!json_is_array(content))
		return model_broken(err, "it has no content");
	json_array_foreach(content, i, block)
	{
		int r = json_is_object(block) ? begin_block(s, (json_int_t)i, block, true)
					      : model_broken(err, "a block that is no object");

		if (r < 0)
			return r;
	}
	take_usage(s, answer);
	take_stop(s, answer);
	s->done = true;
	return 0;
}

/* A block as it would have come without a stream. */
static json_t *block_of(const struct model_part *part, int *r)
{
	json_t *block = json_copy(part->start);

	if (part->kind == MODEL_PART_OTHER)
		return block;
	if (part->kind == MODEL_PART_CALL) {
		model_put(r, block, "id", json_string(part->id));
		model_put(r, block, "name", json_string(part->name));
		model_put(r, block, "input",
			  model_arguments_object(part->body.bytes, part->body.len));
	} else {
		model_put(r, block, grows(part), model_text_json(&part->body));
	}
	if (part->signature.len > 0)
		model_put(r, block, "signature", model_text_json(&part->signature));
	return block;
}

void model_anthropic_keep(struct model_stream *s, json_t *kept, int *r)
{
	json_t *content = json_array();

	for (size_t i = 0; i < s->n_parts; i++) {
		/* No request may have an empty block of text. */
		if (s->parts[i].kind != MODEL_PART_TEXT || s->parts[i].body.len > 0)
			model_push(r, content, block_of(&s->parts[i], r));
	}
	if (json_array_size(content) > 0)
		model_put(r, kept, "content", json_incref(content));
	json_decref(content);
}

/* The request. */

/* To the last message when it is of that role, for the API wants them to take turns. */
static void add_block(json_t *messages, const char *role, json_t *block, int *r)
{
	json_t *last = json_array_get(messages, json_array_size(messages) - 1);

	if (model_text_is(last, "role", role))
		model_push(r, json_object_get(last, "content"), block);
	else
		model_push(r, messages, json_pack("{s:s, s:[o]}", "role", role, "content", block));
}

static void add_text(json_t *messages, const char *role, const json_t *message, int *r)
{
	size_t len;
	const char *text = model_text_of(message, "text", &len);

	if (len > 0)
		add_block(messages, role,
			  json_pack("{s:s, s:s%}", "type", "text", "text", text, len), r);
}

static const json_t *kept_content(const struct model_request *q, const json_t *message)
{
	return json_object_get(model_keeps(q, message), "content");
}

/*
 * The API takes ids of few characters only, and each once in a conversation. Those of another
 * server, in a session that goes on here, are as they like: such a call goes by its place.
 */
static json_t *id_of_place(size_t message, size_t call)
{
	return json_sprintf("ironclaw_%zu_%zu", message, call);
}

static void add_assistant(const struct model_request *q, size_t at, json_t *messages, int *r)
{
	const json_t *message = json_array_get(q->messages, at), *call;
	const json_t *content = kept_content(q, message);
	json_t *block;
	size_t i;

	json_array_foreach(content, i, block)
	{
		add_block(messages, "assistant", json_copy(block), r);
	}
	if (content)
		return;
	add_text(messages, "assistant", message, r);
	json_array_foreach(json_object_get(message, "calls"), i, call)
	{
		char name[MODEL_NAME_MAX_B + 1];

		model_replayed_name(call, name);
		add_block(messages, "assistant",
			  json_pack("{s:s, s:o, s:s, s:o}", "type", "tool_use", "id",
				    id_of_place(at, i), "name", name, "input",
				    model_arguments_replayed(call)),
			  r);
	}
}

/* @id: taken over */
static void add_result(const json_t *result, json_t *id, json_t *messages, int *r)
{
	size_t len;
	const char *text = model_text_of(result, "text", &len);
	json_t *block = json_pack("{s:s, s:o, s:s%}", "type", "tool_result", "tool_use_id", id,
				  "content", text, len);

	if (json_is_true(json_object_get(result, "failed")))
		model_put(r, block, "is_error", json_true());
	add_block(messages, "user", block, r);
}

/* What comes before a mark is the same in the next request, and cheap there. */
static void mark_for_cache(const struct model_request *q, json_t *list, int *r)
{
	if (q->cache && json_array_size(list) > 0)
		model_put(r, json_array_get(list, json_array_size(list) - 1), "cache_control",
			  json_pack("{s:s}", "type", "ephemeral"));
}

static void put_tools_and_system(const struct model_request *q, json_t *body, int *r)
{
	bool system = q->system && q->system[0];
	json_t *list = json_array();
	const json_t *tool;
	size_t i;

	json_array_foreach(q->tools, i, tool)
	{
		model_push(r, list,
			   json_pack("{s:O, s:O, s:O}", "name", json_object_get(tool, "name"),
				     "description", json_object_get(tool, "description"),
				     "input_schema", json_object_get(tool, "parameters")));
	}
	if (!system)
		mark_for_cache(q, list, r);
	if (i > 0)
		model_put(r, body, "tools", json_incref(list));
	json_decref(list);
	if (!system)
		return;
	list = json_pack("[{s:s, s:s}]", "type", "text", "text", q->system);
	mark_for_cache(q, list, r);
	model_put(r, body, "system", list);
}

int model_anthropic_body(const struct model_request *q, json_t *body)
{
	json_t *messages = json_array(), *last;
	const json_t *message;
	size_t i, calls_at = 0; /* the message whose results follow, in the order of its calls */
	bool kept = false;
	int r = 0;

	put_tools_and_system(q, body, &r);
	json_array_foreach(q->messages, i, message)
	{
		if (model_text_is(message, "role", "assistant")) {
			add_assistant(q, i, messages, &r);
			calls_at = i;
			kept = kept_content(q, message) != NULL;
		} else if (model_text_is(message, "role", "tool")) {
			add_result(message,
				   kept ? json_incref(json_object_get(message, "id"))
					: id_of_place(calls_at, i - calls_at - 1),
				   messages, &r);
		} else {
			add_text(messages, "user", message, &r);
		}
	}
	last = json_array_get(messages, json_array_size(messages) - 1);
	if (model_text_is(last, "role", "user"))
		mark_for_cache(q, json_object_get(last, "content"), &r);
	model_put(&r, body, "messages", messages);
	model_put(&r, body, "max_tokens",
		  json_integer(q->max_tokens > 0 ? q->max_tokens : MODEL_MAX_TOKENS_DEFAULT));
	model_put(&r, body, "stream", json_true());
	return r;
}
