/* SPDX-License-Identifier: Apache-2.0 */
/*
 * model_anthropic.c - the Messages API of Anthropic.
 *
 * A reply is a list of blocks, each of which begins, grows by deltas and stops. What the API has to
 * get back unchanged (thinking with its signature, and the order of all blocks) is "kept" as the
 * list of content that the message would have had without a stream. Blocks and events that are not
 * known here are passed over, the former kept as they began.
 */
#include <errno.h>
#include <stdlib.h>

#include "agent/model_internal.h"
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

/* A block as it would have come without a stream; NULL without memory. */
static json_t *block_of(const struct model_part *part)
{
	json_t *block = json_copy(part->start), *grown;
	int r = block ? 0 : -1;

	if (r < 0 || part->kind == MODEL_PART_OTHER)
		return block;
	if (part->kind == MODEL_PART_CALL) {
		r = json_object_update_new(block, json_pack("{s:s, s:s}", "id", part->id, "name",
							    part->name));
		grown = model_arguments_replayed(part->body.bytes, part->body.len);
	} else {
		grown = model_text_json(&part->body);
	}
	if (json_object_set_new(block, grows(part), grown) < 0)
		r = -1;
	if (r == 0 && part->signature.len > 0)
		r = json_object_set_new(block, "signature", model_text_json(&part->signature));
	if (r == 0)
		return block;
	json_decref(block);
	return NULL;
}

json_t *model_anthropic_kept(struct model_stream *s)
{
	json_t *content = json_array(), *kept = json_pack("{s:o}", "content", content);

	for (size_t i = 0; kept && i < s->n_parts; i++) {
		const struct model_part *part = &s->parts[i];

		/* No request may have an empty block of text. */
		if (part->kind == MODEL_PART_TEXT && part->body.len == 0)
			continue;
		if (json_array_append_new(content, block_of(part)) < 0) {
			json_decref(kept);
			return NULL;
		}
	}
	if (kept && json_array_size(content) == 0)
		(void)json_object_clear(kept);
	return kept;
}

/* The request. */

/* To the last message when it is of that role, for the API wants them to take turns. */
static int add_block(json_t *messages, const char *role, json_t *block)
{
	size_t n = json_array_size(messages);
	json_t *last = n > 0 ? json_array_get(messages, n - 1) : NULL;
	json_t *content;

	if (!last || !model_text_is(last, "role", role)) {
		content = json_array();
		if (json_array_append_new(messages, json_pack("{s:s, s:o}", "role", role, "content",
							      content)) < 0) {
			json_decref(block);
			return -ENOMEM;
		}
	} else {
		content = json_object_get(last, "content");
	}
	return json_array_append_new(content, block) == 0 ? 0 : -ENOMEM;
}

static int add_text(json_t *messages, const char *role, const json_t *message)
{
	size_t len;
	const char *text = model_text_of(message, "text", &len);

	return len == 0 ? 0
			: add_block(messages, role,
				    json_pack("{s:s, s:s%}", "type", "text", "text", text, len));
}

static int add_rebuilt(json_t *messages, const json_t *message)
{
	const json_t *call;
	size_t i;
	int r = add_text(messages, "assistant", message);

	json_array_foreach(json_object_get(message, "calls"), i, call)
	{
		char name[MODEL_NAME_MAX_B + 1];
		size_t len;
		const char *text = model_text_of(call, "arguments", &len);

		model_replayed_name(call, name);
		if (r == 0)
			r = add_block(messages, "assistant",
				      json_pack("{s:s, s:O, s:s, s:o}", "type", "tool_use", "id",
						json_object_get(call, "id"), "name", name, "input",
						model_arguments_replayed(text, len)));
	}
	return r;
}

static int add_assistant(const struct model_request *q, size_t *at, json_t *messages,
			 struct ironclaw_error *err)
{
	const json_t *message = json_array_get(q->messages, *at);
	const json_t *content = json_object_get(model_keeps(q, message), "content"), *result;
	cleanup(model_cleanup_jsonp) json_t *results = NULL;
	json_t *block;
	size_t i;
	int r = model_results(q->messages, *at, &results, at, err);

	if (r == 0 && !content)
		r = add_rebuilt(messages, message);
	json_array_foreach(content, i, block)
	{
		if (r == 0)
			r = add_block(messages, "assistant", json_copy(block));
	}
	json_array_foreach(results, i, result)
	{
		size_t len;
		const char *text = model_text_of(result, "text", &len);

		block = json_pack("{s:s, s:O, s:s%}", "type", "tool_result", "tool_use_id",
				  json_object_get(result, "id"), "content", text, len);
		if (block && json_is_true(json_object_get(result, "failed")) &&
		    json_object_set_new(block, "is_error", json_true()) < 0)
			r = -ENOMEM;
		if (r == 0)
			r = add_block(messages, "user", block);
		else
			json_decref(block);
	}
	return r;
}

/* What comes before a mark is the same in the next request, and cheap there. */
static int mark_for_cache(json_t *list)
{
	size_t n = json_array_size(list);

	return n == 0 ? 0
		      : json_object_set_new(json_array_get(list, n - 1), "cache_control",
					    json_pack("{s:s}", "type", "ephemeral"));
}

static int put_tools(const struct model_request *q, json_t *body)
{
	json_t *tools = json_array();
	const json_t *tool;
	size_t i;
	int r = 0;

	json_array_foreach(q->tools, i, tool)
	{
		if (r == 0)
			r = json_array_append_new(
				tools,
				json_pack("{s:O, s:O, s:O}", "name", json_object_get(tool, "name"),
					  "description", json_object_get(tool, "description"),
					  "input_schema", json_object_get(tool, "parameters")));
	}
	if (r == 0 && q->cache && !q->system)
		r = mark_for_cache(tools);
	if (r < 0 || i == 0) {
		json_decref(tools);
		return r;
	}
	return json_object_set_new(body, "tools", tools);
}

static int put_system(const struct model_request *q, json_t *body)
{
	json_t *blocks_of_text =
		json_pack("[{s:s, s:s}]", "type", "text", "text", q->system ? q->system : "");

	if (!q->system || !q->system[0]) {
		json_decref(blocks_of_text);
		return 0;
	}
	if (q->cache && mark_for_cache(blocks_of_text) < 0) {
		json_decref(blocks_of_text);
		return -ENOMEM;
	}
	return json_object_set_new(body, "system", blocks_of_text);
}

int model_anthropic_body(const struct model_request *q, json_t *body, struct ironclaw_error *err)
{
	json_t *messages = json_array(), *last;
	uint32_t max = q->max_tokens > 0 ? q->max_tokens : MODEL_MAX_TOKENS_DEFAULT;
	size_t at = 0;
	int r = put_tools(q, body);

	if (r == 0)
		r = put_system(q, body);
	if (json_object_set_new(body, "messages", messages) < 0)
		return -ENOMEM;
	while (r == 0 && at < json_array_size(q->messages)) {
		const json_t *message = json_array_get(q->messages, at);

		if (model_text_is(message, "role", "assistant"))
			r = add_assistant(q, &at, messages, err);
		else
			r = add_text(messages, "user", json_array_get(q->messages, at++));
	}
	last = json_array_get(messages, json_array_size(messages) - 1);
	if (r == 0 && q->cache && model_text_is(last, "role", "user"))
		r = mark_for_cache(json_object_get(last, "content"));
	if (r == 0)
		r = json_object_update_new(body, json_pack("{s:I, s:b}", "max_tokens",
							   (json_int_t)max, "stream", true));
	return r == -1 ? -ENOMEM : r;
}
