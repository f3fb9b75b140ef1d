/* SPDX-License-Identifier: Apache-2.0 */
/* state.c - the state of an agent loop: its life, hash and names; see step.h. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "agent/step.h"
#include "base/cleanup.h"

int agent_state_absorb(struct agent_state *state, const json_t *settings)
{
	cleanup_free char *text = json_dumps(settings, JSON_COMPACT | JSON_ENCODE_ANY);
	cleanup_free char *joined = NULL;

	if (!text || asprintf(&joined, "%s%s", state->chain, text) < 0) {
		joined = NULL;
		return -ENOMEM;
	}
	digest_bytes(joined, strlen(joined), state->chain);
	return 0;
}

int agent_state_init(struct agent_state *ret, const struct agent_limits *limits, bool interactive,
		     const json_t *settings)
{
	*ret = (struct agent_state){.limits = *limits, .interactive = interactive};
	ret->messages = json_array();
	if (ret->messages && agent_state_absorb(ret, settings) == 0)
		return 0;
	agent_state_done(ret);
	return -ENOMEM;
}

void agent_state_done(struct agent_state *state)
{
	json_decref(state->messages);
	*state = (struct agent_state){.messages = NULL};
}

void agent_state_hash(const struct agent_state *s, char ret[DIGEST_HEX_B + 1])
{
	char text[1024];
	int n = snprintf(
		text, sizeof(text),
		"%s %d %d %d %u %zu %zu | %u %ju %ju %ju | %u %ju %ju %ju %ju %ju | %ju %ju %ju "
		"%ju %ju",
		s->chain, (int)s->phase, (int)s->stop, s->interactive, s->turns,
		json_array_size(s->messages), s->next_call, s->limits.iterations,
		(uintmax_t)s->limits.tokens, (uintmax_t)s->limits.wall_ms,
		(uintmax_t)s->limits.vm_ms, s->iterations, (uintmax_t)s->tokens,
		(uintmax_t)s->wall_begin_ms, (uintmax_t)s->vm_begin_ms, (uintmax_t)s->wall_ms,
		(uintmax_t)s->vm_ms, (uintmax_t)s->usage.input, (uintmax_t)s->usage.output,
		(uintmax_t)s->usage.cache_read, (uintmax_t)s->usage.cache_write,
		(uintmax_t)s->usage.reasoning);

	ic_assert(n > 0 && (size_t)n < sizeof(text));
	digest_bytes(text, (size_t)n, ret);
}

const json_t *agent_state_call(const struct agent_state *state, size_t call)
{
	return json_array_get(state->calls, call);
}

static uint64_t left(uint64_t limit, uint64_t used)
{
	return limit == 0 ? UINT64_MAX : limit > used ? limit - used : 0;
}

struct agent_limits agent_state_left(const struct agent_state *s, uint64_t wall_ms, uint64_t vm_ms)
{
	uint32_t most = s->limits.iterations;

	if (most == 0 || most > AGENT_ITERATIONS_MAX)
		most = AGENT_ITERATIONS_MAX;
	return (struct agent_limits){
		.iterations = most > s->iterations ? most - s->iterations : 0,
		.tokens = left(s->limits.tokens, s->tokens),
		.wall_ms = left(s->limits.wall_ms, wall_ms - s->wall_begin_ms),
		.vm_ms = left(s->limits.vm_ms, vm_ms - s->vm_begin_ms),
	};
}

const char *agent_event_name(enum agent_event_kind kind)
{
	static const char *const names[AGENT_EVENT_MAX] = {
		[AGENT_EVENT_USER] = "user",
		[AGENT_EVENT_REPLY] = "reply",
		[AGENT_EVENT_MODEL_FAILED] = "model_failed",
		[AGENT_EVENT_RESULT] = "result",
		[AGENT_EVENT_VM_LOST] = "vm_lost",
		[AGENT_EVENT_SERVER_LOST] = "server_lost",
		[AGENT_EVENT_TIME] = "time",
		[AGENT_EVENT_INTERRUPT] = "interrupt",
		[AGENT_EVENT_RESUME] = "resume",
	};

	return kind < AGENT_EVENT_MAX ? names[kind] : NULL;
}

const char *agent_effect_name(enum agent_effect_kind kind)
{
	static const char *const names[AGENT_EFFECT_MAX] = {
		[AGENT_EFFECT_NONE] = "none",	      [AGENT_EFFECT_ASK_MODEL] = "ask_model",
		[AGENT_EFFECT_RUN_CALL] = "run_call", [AGENT_EFFECT_ASK_USER] = "ask_user",
		[AGENT_EFFECT_FINISH] = "finish",
	};

	return kind < AGENT_EFFECT_MAX ? names[kind] : NULL;
}

static const struct {
	const char *name, *text;
} stops[AGENT_STOP_MAX] = {
	[AGENT_STOP_NONE] = {"none", "it goes on"},
	[AGENT_STOP_DONE] = {"done", "the model has said what it wanted to"},
	[AGENT_STOP_REFUSED] = {"refused", "the model's filter stopped the reply"},
	[AGENT_STOP_CUT_OFF] = {"cut_off", "the reply was cut off at its greatest length"},
	[AGENT_STOP_ITERATIONS] = {"iterations", "the model was asked as often as it may be"},
	[AGENT_STOP_TOKENS] = {"tokens", "the tokens were used up"},
	[AGENT_STOP_TIME] = {"time", "the time was used up"},
	[AGENT_STOP_VM_TIME] = {"vm_time", "the time in the VM was used up"},
	[AGENT_STOP_MODEL_FAILED] = {"model_failed", "the model failed"},
	[AGENT_STOP_VM_LOST] = {"vm_lost", "the VM ended"},
	[AGENT_STOP_SERVER_LOST] = {"server_lost", "an MCP server ended"},
	[AGENT_STOP_INTERRUPTED] = {"interrupted", "interrupted"},
};

const char *agent_stop_name(enum agent_stop stop)
{
	return stop < AGENT_STOP_MAX ? stops[stop].name : NULL;
}

const char *agent_stop_text(enum agent_stop stop)
{
	return stop < AGENT_STOP_MAX ? stops[stop].text : NULL;
}
