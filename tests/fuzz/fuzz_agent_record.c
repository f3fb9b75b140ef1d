/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_agent_record.c - any bytes as the record of a session: replayed as they are; and, as a
 * fuzzer makes no hashes, each of its lines for itself, and its event as one that happens.
 */
#include <stdlib.h>
#include <string.h>

#include "agent/replay.h"
#include "base/cleanup.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Each call answered once, in order, behind its turn. */
static void check_messages(const struct agent_state *s)
{
	size_t n = json_array_size(s->messages);

	for (size_t i = 0; i < n;) {
		const json_t *calls = json_object_get(json_array_get(s->messages, i++), "calls");
		const json_t *call;
		size_t k;

		json_array_foreach(calls, k, call)
		{
			const json_t *result = json_array_get(s->messages, i);

			if (!result && s->phase == AGENT_RUNNING)
				return;
			if (!json_equal(json_object_get(result, "id"), json_object_get(call, "id")))
				abort();
			i++;
		}
	}
}

/* What a line says of its event is written as it was read. */
static void happen(struct agent_state *s, const struct record_line *line)
{
	char state[DIGEST_HEX_B + 1];
	struct agent_effect effect;
	struct record_line again;
	char *text;

	if (agent_step(s, &line->event, &effect, NULL) < 0)
		return;
	check_messages(s);
	agent_state_hash(s, state);
	text = record_line_event(&line->event, &effect, state);
	if (!text || record_line_parse(text, strlen(text), &again, NULL) < 0)
		abort();
	if (memcmp(&again.effect, &effect, sizeof(effect)) != 0 || strcmp(again.state, state) != 0)
		abort();
	record_line_done(&again);
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data, *end = text + size;
	const struct agent_limits limits = {.iterations = 0};
	struct replay replay = {.lines = 0};
	json_t *settings = json_object();
	struct agent_state state;

	(void)replay_lines(&replay, text, size, NULL, NULL, NULL);
	replay_done(&replay);
	if (agent_state_init(&state, &limits, false, settings) < 0)
		abort();
	while (text < end) {
		const char *next = memchr(text, '\n', (size_t)(end - text));
		size_t len = (size_t)((next ? next : end) - text);
		struct record_line line;

		if (record_line_parse(text, len, &line, NULL) == 0) {
			if (!line.settings)
				happen(&state, &line);
			record_line_done(&line);
		}
		text = next ? next + 1 : end;
	}
	agent_state_done(&state);
	json_decref(settings);
	return 0;
}
