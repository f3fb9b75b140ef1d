/* SPDX-License-Identifier: Apache-2.0 */
/* record_line.c - one line of a session's record, to text and back; see record.h. */
#include <errno.h>
#include <string.h>

#include "agent/record.h"
#include "base/cleanup.h"

#define FORMAT 1

json_t *record_limits(const struct agent_limits *l)
{
	return json_pack("{s:I, s:I, s:I, s:I}", "iterations", (json_int_t)l->iterations, "tokens",
			 (json_int_t)l->tokens, "wall_ms", (json_int_t)l->wall_ms, "vm_ms",
			 (json_int_t)l->vm_ms);
}

char *record_line_session(const json_t *settings)
{
	cleanup(json_decrefp) json_t *line =
		json_pack("{s:i, s:O}", "session", FORMAT, "settings", settings);

	return line ? json_dumps(line, JSON_COMPACT) : NULL;
}

/* Takes the reference. */
static int put(json_t *line, const char *key, json_t *value)
{
	return json_object_set_new(line, key, value);
}

/* What an event has beside its times. */
static int put_event(json_t *line, const struct agent_event *e)
{
	int r = 0;

	if (e->text)
		r |= put(line, "text", json_string(e->text));
	if (e->kind == AGENT_EVENT_RESULT)
		r |= put(line, "failed", json_boolean(e->failed));
	if (e->kind == AGENT_EVENT_REPLY)
		r |= put(line, "reply", model_reply_json(e->reply));
	if (e->kind == AGENT_EVENT_RESUME) {
		r |= put(line, "limits", record_limits(&e->limits));
		r |= put(line, "interactive", json_boolean(e->interactive));
	}
	return r;
}

char *record_line_event(const struct agent_event *e, const struct agent_effect *effect,
			const char *state)
{
	cleanup(json_decrefp) json_t *line = json_object();
	int r = 0;

	r |= put(line, "event", json_string(agent_event_name(e->kind)));
	r |= put(line, "wall_ms", json_integer((json_int_t)e->wall_ms));
	r |= put(line, "vm_ms", json_integer((json_int_t)e->vm_ms));
	r |= put_event(line, e);
	r |= put(line, "effect", json_string(agent_effect_name(effect->kind)));
	if (effect->kind == AGENT_EFFECT_RUN_CALL)
		r |= put(line, "call", json_integer((json_int_t)effect->call));
	if (effect->kind == AGENT_EFFECT_ASK_USER || effect->kind == AGENT_EFFECT_FINISH)
		r |= put(line, "stop", json_string(agent_stop_name(effect->stop)));
	r |= put(line, "state", json_string(state));
	return r == 0 ? json_dumps(line, JSON_COMPACT) : NULL;
}

/* A string without NUL, or NULL. */
static const char *text_of(const json_t *object, const char *key)
{
	const json_t *value = json_object_get(object, key);
	const char *text = json_string_value(value);

	return text && strlen(text) == json_string_length(value) ? text : NULL;
}

/* Missing is 0; what is none becomes -1, and no line is written so. */
static uint64_t number_of(const json_t *object, const char *key)
{
	const json_t *value = json_object_get(object, key);
	json_int_t n = json_integer_value(value);

	return n < 0 || (uint64_t)n > RECORD_NUMBER_MAX ? UINT64_MAX : (uint64_t)n;
}

/* The index of a name, or @max. */
static int index_of(const char *name, int max, const char *(*name_of)(int i))
{
	int i = 0;

	while (i < max && (!name || strcmp(name, name_of(i)) != 0))
		i++;
	return i;
}

static const char *event_name(int i)
{
	return agent_event_name((enum agent_event_kind)i);
}

static const char *effect_name(int i)
{
	return agent_effect_name((enum agent_effect_kind)i);
}

static const char *stop_name(int i)
{
	return agent_stop_name((enum agent_stop)i);
}

static bool read_limits(const json_t *json, struct agent_limits *ret)
{
	uint64_t iterations = number_of(json, "iterations");

	*ret = (struct agent_limits){.iterations = (uint32_t)iterations,
				     .tokens = number_of(json, "tokens"),
				     .wall_ms = number_of(json, "wall_ms"),
				     .vm_ms = number_of(json, "vm_ms")};
	return iterations <= UINT32_MAX && ret->tokens != UINT64_MAX &&
	       ret->wall_ms != UINT64_MAX && ret->vm_ms != UINT64_MAX;
}

static int read_event(const json_t *d, struct record_line *ret, struct ironclaw_error *err)
{
	int kind = index_of(text_of(d, "event"), AGENT_EVENT_MAX, event_name);
	int effect = index_of(text_of(d, "effect"), AGENT_EFFECT_MAX, effect_name);
	int stop = index_of(text_of(d, "stop"), AGENT_STOP_MAX, stop_name);
	const char *state = text_of(d, "state");
	struct agent_event *e = &ret->event;

	if (kind == AGENT_EVENT_MAX || effect == AGENT_EFFECT_MAX || !state ||
	    !digest_hex_valid(state))
		return err_set(err, IRONCLAW_ERR_CORRUPT, EINVAL, "it is no event");
	*e = (struct agent_event){.kind = (enum agent_event_kind)kind,
				  .wall_ms = number_of(d, "wall_ms"),
				  .vm_ms = number_of(d, "vm_ms"),
				  .text = text_of(d, "text"),
				  .failed = json_is_true(json_object_get(d, "failed")),
				  .interactive = json_is_true(json_object_get(d, "interactive"))};
	ret->effect = (struct agent_effect){.kind = (enum agent_effect_kind)effect,
					    .call = number_of(d, "call"),
					    .stop = stop == AGENT_STOP_MAX ? AGENT_STOP_NONE
									   : (enum agent_stop)stop};
	memcpy(ret->state, state, sizeof(ret->state));
	if (e->wall_ms == UINT64_MAX || e->vm_ms == UINT64_MAX ||
	    !read_limits(json_object_get(d, "limits"), &e->limits))
		return err_set(err, IRONCLAW_ERR_CORRUPT, EINVAL, "a number is out of its range");
	if (e->kind != AGENT_EVENT_REPLY)
		return 0;
	e->reply = &ret->reply;
	return model_reply_parse(json_object_get(d, "reply"), &ret->reply, err);
}

static int read_session(json_t *d, struct record_line *ret, struct ironclaw_error *err)
{
	json_t *settings = json_object_get(d, "settings");
	struct agent_limits *limits = &ret->event.limits;

	if (!json_is_object(settings) || !read_limits(json_object_get(settings, "limits"), limits))
		return err_set(err, IRONCLAW_ERR_CORRUPT, EINVAL, "it has no settings");
	ret->event.interactive = json_is_true(json_object_get(settings, "interactive"));
	ret->settings = settings;
	return 0;
}

static int read_document(const char *text, size_t len, struct record_line *ret,
			 struct ironclaw_error *err)
{
	cleanup_free char *again = NULL;
	json_error_t where;
	bool session;
	int r;

	ret->document = json_loadb(text, len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &where);
	if (!json_is_object(ret->document))
		return err_set(err, IRONCLAW_ERR_CORRUPT, EINVAL, "it is no JSON object");
	session = json_object_get(ret->document, "session");
	r = session ? read_session(ret->document, ret, err) : read_event(ret->document, ret, err);
	if (r < 0)
		return r;
	again = session ? record_line_session(ret->settings)
			: record_line_event(&ret->event, &ret->effect, ret->state);
	if (!again)
		return err_sys(err, ENOMEM, "no room for it");
	if (strlen(again) == len && memcmp(again, text, len) == 0)
		return 0;
	return err_set(err, IRONCLAW_ERR_CORRUPT, EINVAL, "it is not as such a line is written");
}

int record_line_parse(const char *text, size_t len, struct record_line *ret,
		      struct ironclaw_error *err)
{
	struct record_line line = {.settings = NULL};
	int r = read_document(text, len, &line, err);

	if (r < 0) {
		record_line_done(&line);
		return r;
	}
	*ret = line;
	if (ret->event.reply)
		ret->event.reply = &ret->reply;
	return 0;
}

void record_line_done(struct record_line *line)
{
	model_reply_done(&line->reply);
	json_decref(line->document);
	*line = (struct record_line){.settings = NULL};
}
