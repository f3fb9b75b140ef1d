/* SPDX-License-Identifier: Apache-2.0 */
/* reply.c - a reply as JSON, for those who record it; see model.h. */
#include <errno.h>

#include "model/internal.h"
#include "base/cleanup.h"

static const char *const stop_names[MODEL_STOP_MAX] = {
	[MODEL_STOP_END] = "end",	[MODEL_STOP_TOOLS] = "tools",
	[MODEL_STOP_LENGTH] = "length", [MODEL_STOP_FILTER] = "filter",
	[MODEL_STOP_PAUSE] = "pause",
};

static const struct {
	const char *name;
	size_t offset;
} counts[] = {
	{"input", offsetof(struct model_usage, input)},
	{"output", offsetof(struct model_usage, output)},
	{"cache_read", offsetof(struct model_usage, cache_read)},
	{"cache_write", offsetof(struct model_usage, cache_write)},
	{"reasoning", offsetof(struct model_usage, reasoning)},
};

static uint64_t *count_of(struct model_usage *usage, size_t i)
{
	return (uint64_t *)((char *)usage + counts[i].offset);
}

const char *model_stop_name(enum model_stop stop)
{
	ic_assert(stop < MODEL_STOP_MAX);
	return stop_names[stop];
}

void model_reply_done(struct model_reply *reply)
{
	json_decref(take_ptr(reply->message));
}

json_t *model_reply_json(const struct model_reply *reply)
{
	struct model_usage usage = reply->usage;
	json_t *numbers = json_object(), *json;
	int r = 0;

	for (size_t i = 0; i < ARRAY_SIZE(counts); i++)
		model_put(&r, numbers, counts[i].name,
			  json_integer((json_int_t)*count_of(&usage, i)));
	json = json_pack("{s:s, s:O, s:o}", "stop", model_stop_name(reply->stop), "message",
			 reply->message, "usage", numbers);
	if (r == 0)
		return json;
	json_decref(json);
	return NULL;
}

/* A message of another time and place: its calls have what those who look at calls rely on. */
static bool calls_good(const json_t *message)
{
	static const char *const keys[] = {"id", "name", "arguments"};
	const json_t *calls = json_object_get(message, "calls"), *call;
	size_t i, len;

	if (calls && !json_is_array(calls))
		return false;
	json_array_foreach(calls, i, call)
	{
		for (size_t k = 0; k < ARRAY_SIZE(keys); k++) {
			const json_t *value = json_object_get(call, keys[k]);
			const char *text = json_string_value(value);

			len = json_string_length(value);
			if (!text || (k < 2 && strlen(text) != len))
				return false;
		}
	}
	return true;
}

int model_reply_parse(const json_t *json, struct model_reply *ret, struct ironclaw_error *err)
{
	json_t *message = json_object_get(json, "message");
	const json_t *usage = json_object_get(json, "usage");
	struct model_reply reply = {.stop = MODEL_STOP_MAX};
	bool calls = json_array_size(json_object_get(message, "calls")) > 0;

	for (size_t i = 0; i < ARRAY_SIZE(counts); i++)
		model_count(usage, counts[i].name, count_of(&reply.usage, i));
	for (int i = 0; i < MODEL_STOP_MAX; i++) {
		if (model_text_is(json, "stop", stop_names[i]))
			reply.stop = (enum model_stop)i;
	}
	if (reply.stop == MODEL_STOP_MAX || calls != (reply.stop == MODEL_STOP_TOOLS) ||
	    !model_text_is(message, "role", "assistant") || !calls_good(message) ||
	    !json_is_string(json_object_get(message, "text")))
		return err_set(err, IRONCLAW_ERR_INVALID, EINVAL, "not a reply of a model");
	reply.message = json_incref(message);
	*ret = reply;
	return 0;
}
