/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stream.c - a reply as it comes: what both dialects have in common; see model.h.
 *
 * Nothing of a reply is used before model_stream_end() has found it complete: a stream that broke
 * off, an error in it, or a limit of length in the middle of a call never leads to a call.
 */
#include <errno.h>
#include <stdlib.h>

#include "model/internal.h"
#include "base/cleanup.h"

int model_broken(struct ironclaw_error *err, const char *why)
{
	return err_set(err, IRONCLAW_ERR_UNAVAILABLE, EPROTO, "the model's answer is broken: %s",
		       why);
}

void model_count(const json_t *object, const char *key, uint64_t *ret)
{
	const json_t *n = json_object_get(object, key);

	if (json_is_integer(n) && json_integer_value(n) >= 0 &&
	    (uint64_t)json_integer_value(n) <= MODEL_TOKENS_MAX)
		*ret = (uint64_t)json_integer_value(n);
}

int model_stream_new(const struct model_stream_options *options, struct model_stream **ret)
{
	struct model_stream *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->o = *options;
	s->model = strdup(options->model);
	s->left_b = MODEL_REPLY_MAX_B;
	if (!s->model) {
		free(s);
		return -ENOMEM;
	}
	*ret = s;
	return 0;
}

void model_stream_free(struct model_stream *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->n_parts; i++) {
		free(s->parts[i].body.bytes);
		free(s->parts[i].signature.bytes);
		json_decref(s->parts[i].start);
	}
	json_decref(s->details);
	free(s->detail.bytes);
	free(s->model);
	free(s);
}

struct model_part *model_part_new(struct model_stream *s, enum model_part_kind kind,
				  json_int_t index)
{
	struct model_part *part;

	if (s->n_parts == MODEL_PARTS_MAX ||
	    (kind == MODEL_PART_CALL && s->n_calls == MODEL_CALLS_MAX))
		return NULL;
	part = &s->parts[s->n_parts++];
	part->kind = kind;
	part->index = index;
	s->n_calls += kind == MODEL_PART_CALL;
	return part;
}

/* The brackets of a call's arguments: whether they are whole is asked while they come. */
static void follow(struct model_part *part)
{
	for (; part->followed < part->body.len; part->followed++) {
		char c = part->body.bytes[part->followed];

		if (part->escaped) {
			part->escaped = false;
		} else if (part->in_string) {
			part->escaped = c == '\\';
			part->in_string = c != '"';
		} else if (c == '"') {
			part->in_string = true;
		} else if (c == '{' || c == '[') {
			part->depth++;
		} else if ((c == '}' || c == ']') && part->depth > 0) {
			part->whole = --part->depth == 0;
		}
	}
}

static void tell(struct model_stream *s, enum model_delta kind, const char *text, size_t len)
{
	if (s->o.delta && len > 0)
		s->o.delta(s->o.ud, kind, text, len);
}

/* The rest of the body from @at on is new. */
static void tell_body(struct model_stream *s, const struct model_part *part, size_t at)
{
	static const enum model_delta kinds[] = {
		[MODEL_PART_TEXT] = MODEL_DELTA_TEXT,
		[MODEL_PART_REASONING] = MODEL_DELTA_REASONING,
		[MODEL_PART_CALL] = MODEL_DELTA_ARGUMENTS,
	};

	if (part->body.len > at)
		tell(s, kinds[part->kind], part->body.bytes + at, part->body.len - at);
}

int model_part_add(struct model_stream *s, struct model_part *part, const json_t *piece)
{
	size_t before = part->body.len;
	int r = model_grow(&part->body, piece, s->mended, &s->left_b);

	if (r < 0)
		return r;
	if (part->kind == MODEL_PART_CALL)
		follow(part);
	tell_body(s, part, before);
	return 0;
}

static int end_part(struct model_stream *s, struct model_part *part)
{
	size_t before = part->body.len;
	int r = pieces_end(&part->body, &s->left_b);

	tell_body(s, part, before);
	return r < 0 ? r : pieces_end(&part->signature, &s->left_b);
}

/* What is too long, or holds a NUL, is as good as not said. */
static bool take_name(char *to, size_t max, const json_t *from)
{
	size_t len = json_string_length(from);

	if (to[0] || len == 0 || len > max || memchr(json_string_value(from), '\0', len))
		return false;
	memcpy(to, json_string_value(from), len + 1);
	return true;
}

void model_part_set_name(struct model_stream *s, struct model_part *part, const json_t *id,
			 const json_t *name)
{
	(void)take_name(part->id, MODEL_ID_MAX_B, id);
	if (take_name(part->name, MODEL_NAME_MAX_B, name))
		tell(s, MODEL_DELTA_CALL, part->name, strlen(part->name));
}

/* The document, with what was cut in two mended. */
static int load(struct model_stream *s, const char *text, size_t len, json_t **ret,
		struct ironclaw_error *err)
{
	cleanup_free char *mended = NULL;
	json_t *root = json_load_bounded(text, len, MODEL_JSON_FLAGS, NULL);
	size_t mended_len;

	s->mended = false;
	if (!root) {
		mended = pieces_mend_json(text, len, &mended_len);
		if (!mended)
			return err_sys(err, ENOMEM, "reading a model's answer");
		root = json_load_bounded(mended, mended_len, MODEL_JSON_FLAGS, NULL);
		s->mended = true;
	}
	if (!json_is_object(root)) {
		json_decref(root);
		return model_broken(err, "it holds an event that is no JSON object");
	}
	*ret = root;
	return 0;
}

static bool is_done_mark(const char *data, size_t len)
{
	while (len > 0 && (*data == ' ' || *data == '\t'))
		data++, len--;
	while (len > 0 && strchr(" \t\n", data[len - 1]))
		len--;
	return len == 6 && memcmp(data, "[DONE]", 6) == 0;
}

static bool says_error(const json_t *document)
{
	const json_t *error = json_object_get(document, "error");

	return (error && !json_is_null(error)) || model_text_is(document, "object", "error") ||
	       model_text_is(document, "type", "error");
}

static int finish(struct model_stream *s, int r, struct ironclaw_error *err)
{
	s->failed = r < 0;
	if (r == -ENOMEM)
		return err_sys(err, ENOMEM, "reading a model's answer");
	if (r == -EMSGSIZE)
		return model_broken(err, "it is too long");
	return r;
}

int model_stream_event(struct model_stream *s, const struct sse_event *event,
		       struct ironclaw_error *err)
{
	cleanup(model_cleanup_jsonp) json_t *root = NULL;
	int r;

	ic_assert(!s->failed);
	if (s->done)
		return 0;
	if (s->o.dialect == MODEL_OPENAI && is_done_mark(event->data, event->len)) {
		s->done = true;
		return 0;
	}
	r = load(s, event->data, event->len, &root, err);
	if (r == 0 && (says_error(root) || strcmp(event->type, "error") == 0))
		r = model_said_error(root, err);
	else if (r == 0 && s->o.dialect == MODEL_OPENAI)
		r = model_openai_event(s, root, err);
	else if (r == 0)
		r = model_anthropic_event(s, root, err);
	return finish(s, r, err);
}

int model_stream_whole(struct model_stream *s, const char *text, size_t len,
		       struct ironclaw_error *err)
{
	cleanup(model_cleanup_jsonp) json_t *root = NULL;
	int r = load(s, text, len, &root, err);

	if (r == 0 && says_error(root))
		r = model_said_error(root, err);
	else if (r == 0 && s->o.dialect == MODEL_OPENAI)
		r = model_openai_whole(s, root, err);
	else if (r == 0)
		r = model_anthropic_whole(s, root, err);
	return finish(s, r, err);
}

bool model_stream_is_done(const struct model_stream *s)
{
	return s->done;
}

/* All parts of a kind as one text. */
static json_t *join(const struct model_stream *s, enum model_part_kind kind)
{
	cleanup_free char *all = malloc(MODEL_REPLY_MAX_B - s->left_b + 1);
	size_t n = 0;

	for (size_t i = 0; all && i < s->n_parts; i++) {
		const struct pieces *body = &s->parts[i].body;

		if (s->parts[i].kind != kind || body->len == 0)
			continue;
		memcpy(all + n, body->bytes, body->len);
		n += body->len;
	}
	return all ? json_stringn(all, n) : NULL;
}

static bool id_is_taken(const struct model_stream *s, size_t before, const char *id)
{
	for (size_t i = 0; i < before; i++) {
		if (s->parts[i].kind == MODEL_PART_CALL && strcmp(s->parts[i].id, id) == 0)
			return true;
	}
	return false;
}

/* Every call gets an id that no other call of the reply has. */
static void name_calls(struct model_stream *s)
{
	unsigned int n = 0;

	for (size_t i = 0; i < s->n_parts; i++) {
		struct model_part *part = &s->parts[i];

		if (part->kind != MODEL_PART_CALL)
			continue;
		while (!part->id[0] || id_is_taken(s, i, part->id))
			(void)snprintf(part->id, sizeof(part->id), "call_%u_%u", s->o.turn, n++);
	}
}

static json_t *list_calls(const struct model_stream *s, int *r)
{
	json_t *calls = json_array();

	for (size_t i = 0; i < s->n_parts; i++) {
		const struct model_part *part = &s->parts[i];

		if (part->kind == MODEL_PART_CALL)
			model_push(r, calls,
				   json_pack("{s:s, s:s, s:o}", "id", part->id, "name", part->name,
					     "arguments",
					     part->body.len > 0 ? model_text_json(&part->body)
								: json_string("{}")));
	}
	return calls;
}

static json_t *keep(struct model_stream *s, int *r)
{
	bool openai = s->o.dialect == MODEL_OPENAI;
	json_t *kept = json_object();

	if (openai)
		model_openai_keep(s, kept, r);
	else
		model_anthropic_keep(s, kept, r);
	if (json_object_size(kept) > 0) {
		model_put(r, kept, "dialect", json_string(openai ? "openai" : "anthropic"));
		model_put(r, kept, "model", json_string(s->model));
	}
	return kept;
}

static int make_message(struct model_stream *s, enum model_stop stop, json_t *message)
{
	json_t *reasoning = join(s, MODEL_PART_REASONING), *kept;
	int r = 0;

	model_put(&r, message, "role", json_string("assistant"));
	model_put(&r, message, "text", join(s, MODEL_PART_TEXT));
	if (json_string_length(reasoning) > 0)
		model_put(&r, message, "reasoning", json_incref(reasoning));
	json_decref(reasoning);
	/* A message that was cut off is only its text: half a turn is nothing to go on from. */
	if (stop == MODEL_STOP_LENGTH || stop == MODEL_STOP_FILTER)
		return r;
	if (s->n_calls > 0)
		model_put(&r, message, "calls", list_calls(s, &r));
	kept = keep(s, &r);
	if (json_object_size(kept) > 0)
		model_put(&r, message, "kept", json_incref(kept));
	json_decref(kept);
	return r;
}

int model_stream_end(struct model_stream *s, struct model_reply *ret, struct ironclaw_error *err)
{
	bool complete = s->done || (s->o.dialect == MODEL_OPENAI && s->stop_said);
	cleanup(model_cleanup_jsonp) json_t *message = json_object();
	enum model_stop stop = s->stop;
	int r = 0;

	ic_assert(!s->failed);
	if (!complete)
		return model_broken(err, "it ended too early");
	for (size_t i = 0; i < s->n_parts && r == 0; i++)
		r = end_part(s, &s->parts[i]);
	if (stop != MODEL_STOP_LENGTH && stop != MODEL_STOP_FILTER && s->n_calls > 0)
		stop = MODEL_STOP_TOOLS;
	name_calls(s);
	if (r == 0)
		r = make_message(s, stop, message);
	if (r < 0)
		return finish(s, r, err);
	*ret = (struct model_reply){.stop = stop, .message = take_ptr(message), .usage = s->usage};
	if (s->o.dialect == MODEL_ANTHROPIC)
		ret->usage.input = s->input_fresh + s->usage.cache_read + s->usage.cache_write;
	if (ret->usage.input > MODEL_TOKENS_MAX)
		ret->usage.input = MODEL_TOKENS_MAX;
	return 0;
}
