/* SPDX-License-Identifier: Apache-2.0 */
/**
 * internal.h - what the files of model share.
 *
 * A reply is received as a list of parts in the order in which the model wrote them: text,
 * reasoning, calls, and what only its dialect knows. A dialect turns events into parts; the rest
 * is common to both.
 */
#ifndef MODEL_INTERNAL_H
#define MODEL_INTERNAL_H

#include <errno.h>
#include <string.h>

#include "model/model.h"
#include "codec/json_bounded.h"
#include "codec/pieces.h"

#define MODEL_PARTS_MAX	 256U
#define MODEL_JSON_FLAGS (JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL)

/** model_grow() - append a JSON string, if it is one, to a text of the reply; as pieces_add(). */
static inline int model_grow(struct pieces *text, const json_t *piece, bool mended, size_t *left_b)
{
	size_t len = json_string_length(piece);

	return len > 0 ? pieces_add(text, json_string_value(piece), len, mended, left_b) : 0;
}

/** model_text_json() - such a text as a new JSON string. */
static inline json_t *model_text_json(const struct pieces *text)
{
	return json_stringn(text->bytes ? text->bytes : "", text->len);
}

enum model_part_kind {
	MODEL_PART_TEXT = 0,
	MODEL_PART_REASONING,
	MODEL_PART_CALL,
	MODEL_PART_OTHER
};

struct model_part {
	enum model_part_kind kind;
	json_int_t index;   /* the server's number */
	struct pieces body; /* a call's arguments */
	struct pieces signature;
	json_t *start; /* Anthropic: the block as it began; owned */
	char id[MODEL_ID_MAX_B + 1], name[MODEL_NAME_MAX_B + 1];

	/* Whether the arguments are a whole document, followed as they come. */
	size_t followed;
	unsigned int depth;
	bool in_string, escaped, whole;
};

struct model_stream {
	struct model_stream_options o;
	char *model;
	struct model_part parts[MODEL_PARTS_MAX];
	size_t n_parts, n_calls;
	size_t left_b;
	bool mended; /* the event that is being read */

	enum model_stop stop; /* as the server has it; whether there are calls comes on top */
	bool stop_said, done, failed;
	struct model_usage usage;
	uint64_t input_fresh; /* Anthropic: without the cached */

	/* OpenAI: */
	bool short_name;	/* reasoning came as "reasoning", not "reasoning_content" */
	json_t *details;	/* reasoning_details so far; owned */
	const char *detail_key; /* the text of the newest one, which is in: */
	struct pieces detail;
};

/** model_part_new() - append one; NULL when there are too many. */
struct model_part *model_part_new(struct model_stream *s, enum model_part_kind kind,
				  json_int_t index);
/** model_part_add() - append to a part's body and tell the view. */
int model_part_add(struct model_stream *s, struct model_part *part, const json_t *piece);
/** model_part_set_name() - name and id of a call, as far as they are said and not yet known. */
void model_part_set_name(struct model_stream *s, struct model_part *part, const json_t *id,
			 const json_t *name);

/** model_count() - a number of tokens of an object; *ret is left alone when it is none. */
void model_count(const json_t *object, const char *key, uint64_t *ret);

/** model_broken() - the answer is not what it must be. Return: -EPROTO */
int model_broken(struct ironclaw_error *err, const char *why);

/** model_said_error() - the server says in an answer that it failed; -EAGAIN, ... */
int model_said_error(const json_t *root, struct ironclaw_error *err);

/** model_arguments_object() - text of arguments as an object; what is none is put into one. */
json_t *model_arguments_object(const char *text, size_t len);
/** model_arguments_replayed() - the same of a call; a new reference, NULL without memory. */
json_t *model_arguments_replayed(const json_t *call);

/** model_text_of() - a string of an object with its length; "" when there is none. */
static inline const char *model_text_of(const json_t *object, const char *key, size_t *ret_len)
{
	const json_t *s = json_object_get(object, key);

	*ret_len = json_string_length(s);
	return *ret_len > 0 ? json_string_value(s) : "";
}

/** model_text_is() - a string member that is @want. */
static inline bool model_text_is(const json_t *object, const char *key, const char *want)
{
	const char *s = json_string_value(json_object_get(object, key));

	return s && strcmp(s, want) == 0;
}

static inline void model_cleanup_jsonp(json_t **json)
{
	json_decref(*json);
}

/*
 * JSON is built without a look at each step: the first failure, which is of memory, stays in *r,
 * and what is built after it is thrown away.
 */

/** model_put() - set a member, whose reference is taken over. */
static inline void model_put(int *r, json_t *object, const char *key, json_t *value)
{
	if (json_object_set_new(object, key, value) < 0 && *r == 0)
		*r = -ENOMEM;
}

/** model_push() - append an element, whose reference is taken over. */
static inline void model_push(int *r, json_t *list, json_t *value)
{
	if (json_array_append_new(list, value) < 0 && *r == 0)
		*r = -ENOMEM;
}

/* The two dialects. */
int model_openai_event(struct model_stream *s, const json_t *chunk, struct ironclaw_error *err);
int model_openai_whole(struct model_stream *s, const json_t *answer, struct ironclaw_error *err);
void model_openai_keep(struct model_stream *s, json_t *kept, int *r);
int model_openai_body(const struct model_request *q, json_t *body);

int model_anthropic_event(struct model_stream *s, const json_t *event, struct ironclaw_error *err);
int model_anthropic_whole(struct model_stream *s, const json_t *answer, struct ironclaw_error *err);
void model_anthropic_keep(struct model_stream *s, json_t *kept, int *r);
int model_anthropic_body(const struct model_request *q, json_t *body);

/** model_keeps() - what of an assistant's message is for this very model: "kept", or NULL. */
const json_t *model_keeps(const struct model_request *q, const json_t *message);

/** model_replayed_name() - a tool's name as every API takes it. */
void model_replayed_name(const json_t *call, char ret[MODEL_NAME_MAX_B + 1]);

#endif
