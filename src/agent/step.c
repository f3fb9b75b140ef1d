/* SPDX-License-Identifier: Apache-2.0 */
/* step.c - one step of the agent loop; see step.h. */
#include "agent/step.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"

#define BYTES_OF_A_TOKEN 4U /* of common text */

/* In which phases an event may come, as bits. */
#define IN(phase)	 (1U << (phase))
static const unsigned int fits[AGENT_EVENT_MAX] = {
	[AGENT_EVENT_USER] = IN(AGENT_WAITING),
	[AGENT_EVENT_REPLY] = IN(AGENT_ASKING),
	[AGENT_EVENT_MODEL_FAILED] = IN(AGENT_ASKING),
	[AGENT_EVENT_RESULT] = IN(AGENT_RUNNING),
	[AGENT_EVENT_VM_LOST] = IN(AGENT_WAITING) | IN(AGENT_ASKING) | IN(AGENT_RUNNING),
	[AGENT_EVENT_SERVER_LOST] = IN(AGENT_RUNNING),
	[AGENT_EVENT_TIME] = IN(AGENT_ASKING) | IN(AGENT_RUNNING),
	[AGENT_EVENT_INTERRUPT] = IN(AGENT_WAITING) | IN(AGENT_ASKING) | IN(AGENT_RUNNING),
	[AGENT_EVENT_RESUME] =
		IN(AGENT_WAITING) | IN(AGENT_ASKING) | IN(AGENT_RUNNING) | IN(AGENT_STOPPED),
};

/* Takes the reference. */
static int say(struct agent_state *s, json_t *message)
{
	if (!message || agent_state_absorb(s, message) < 0) {
		json_decref(message);
		return -ENOMEM;
	}
	return json_array_append_new(s->messages, message) < 0 ? -ENOMEM : 0;
}

static int say_user(struct agent_state *s, const char *text)
{
	return say(s, json_pack("{s:s, s:s}", "role", "user", "text", text));
}

/* The result of the next call. */
static int answer(struct agent_state *s, const char *text, bool failed)
{
	const json_t *call = json_array_get(s->calls, s->next_call);

	s->next_call++;
	return say(s, json_pack("{s:s, s:O, s:s, s:b}", "role", "tool", "id",
				json_object_get(call, "id"), "text", text, "failed", failed));
}

/*
 * Complete a turn that is being left.
 * @running:	its next call was begun
 */
static int leave_turn(struct agent_state *s, const char *why, bool running)
{
	int r = 0;

	while (r == 0 && s->next_call < json_array_size(s->calls)) {
		cleanup_free char *text = NULL;

		if (asprintf(&text, "%s %s", why,
			     running ? "while this ran: its outcome is unknown"
				     : "before this ran: it was not run") < 0) {
			text = NULL;
			return -ENOMEM;
		}
		running = false;
		r = answer(s, text, true);
	}
	s->calls = NULL;
	s->next_call = 0;
	return r;
}

static void stop(struct agent_state *s, enum agent_stop why, struct agent_effect *ret)
{
	/* Without a VM there is nothing to talk about. */
	bool ask = s->interactive && why != AGENT_STOP_VM_LOST;

	s->phase = ask ? AGENT_WAITING : AGENT_STOPPED;
	s->stop = why;
	*ret = (struct agent_effect){.kind = ask ? AGENT_EFFECT_ASK_USER : AGENT_EFFECT_FINISH,
				     .stop = why};
}

/* Complete the turn, and stop. */
static int abandon(struct agent_state *s, enum agent_stop why, const char *text,
		   struct agent_effect *ret)
{
	int r = leave_turn(s, text, s->phase == AGENT_RUNNING);

	stop(s, why, ret);
	return r;
}

static enum agent_stop used_up(const struct agent_state *s)
{
	struct agent_limits left = agent_state_left(s, s->wall_ms, s->vm_ms);

	return left.tokens == 0	   ? AGENT_STOP_TOKENS
	       : left.wall_ms == 0 ? AGENT_STOP_TIME
	       : left.vm_ms == 0   ? AGENT_STOP_VM_TIME
				   : AGENT_STOP_NONE;
}

/* The next call, or the model, as far as the budget goes. */
static int go_on(struct agent_state *s, struct agent_effect *ret)
{
	enum agent_stop over = used_up(s);

	if (s->next_call < json_array_size(s->calls)) {
		if (over) {
			s->phase = AGENT_ASKING; /* the next call was not begun */
			return abandon(s, over, agent_stop_text(over), ret);
		}
		s->phase = AGENT_RUNNING;
		*ret = (struct agent_effect){.kind = AGENT_EFFECT_RUN_CALL, .call = s->next_call};
		return 0;
	}
	s->calls = NULL;
	s->next_call = 0;
	if (!over && agent_state_left(s, s->wall_ms, s->vm_ms).iterations == 0)
		over = AGENT_STOP_ITERATIONS;
	if (over) {
		stop(s, over, ret);
		return 0;
	}
	s->phase = AGENT_ASKING;
	s->iterations++;
	*ret = (struct agent_effect){.kind = AGENT_EFFECT_ASK_MODEL};
	return 0;
}

/* Results answer calls by id: no server takes two of one, and none takes what was not called. */
static bool can_answer(const struct model_reply *reply, const json_t *calls)
{
	cleanup(json_decrefp) json_t *seen = json_object();
	const json_t *call;
	size_t i;

	if ((json_array_size(calls) > 0) != (reply->stop == MODEL_STOP_TOOLS))
		return false;
	json_array_foreach(calls, i, call)
	{
		const char *id = json_string_value(json_object_get(call, "id"));

		if (!id || json_object_get(seen, id) ||
		    json_object_set_new(seen, id, json_true()) < 0)
			return false;
	}
	return true;
}

/* A budget holds as well where a server does not count: by the bytes that went there and back. */
static uint64_t guess_tokens(const struct agent_state *s, const json_t *reply)
{
	size_t asked = json_dumpb(s->messages, NULL, 0, JSON_COMPACT);

	return (asked + json_dumpb(reply, NULL, 0, JSON_COMPACT)) / BYTES_OF_A_TOKEN;
}

static void count(struct agent_state *s, const struct model_reply *reply)
{
	const struct model_usage *usage = &reply->usage;
	uint64_t tokens = usage->input + usage->output;

	s->turns++;
	s->usage.input += usage->input;
	s->usage.output += usage->output;
	s->usage.cache_read += usage->cache_read;
	s->usage.cache_write += usage->cache_write;
	s->usage.reasoning += usage->reasoning;
	s->tokens += tokens > 0 ? tokens : guess_tokens(s, reply->message);
}

static int take_reply(struct agent_state *s, const struct model_reply *reply,
		      struct agent_effect *ret)
{
	json_t *calls = json_object_get(reply->message, "calls");
	enum agent_stop over;
	int r;

	count(s, reply);
	if (!can_answer(reply, calls)) {
		stop(s, AGENT_STOP_MODEL_FAILED, ret);
		return agent_state_absorb(s, reply->message);
	}
	r = say(s, json_incref(reply->message));
	if (r < 0)
		return r;
	switch (reply->stop) {
	case MODEL_STOP_TOOLS:
		s->calls = calls;
		return go_on(s, ret);
	case MODEL_STOP_PAUSE:
		return go_on(s, ret);
	case MODEL_STOP_LENGTH:
		over = used_up(s);
		stop(s, over ? over : AGENT_STOP_CUT_OFF, ret);
		return 0;
	case MODEL_STOP_FILTER:
		stop(s, AGENT_STOP_REFUSED, ret);
		return 0;
	case MODEL_STOP_END:
	case MODEL_STOP_MAX:
	default:
		stop(s, AGENT_STOP_DONE, ret);
		return 0;
	}
}

/* A new task, with budgets of its own. */
static int begin(struct agent_state *s, const char *text, struct agent_effect *ret)
{
	int r = say_user(s, text);

	s->iterations = 0;
	s->tokens = 0;
	s->wall_begin_ms = s->wall_ms;
	s->vm_begin_ms = s->vm_ms;
	s->stop = AGENT_STOP_NONE;
	return r < 0 ? r : go_on(s, ret);
}

static int resume(struct agent_state *s, const struct agent_event *e, struct agent_effect *ret)
{
	int r = leave_turn(s, "the session ended", s->phase == AGENT_RUNNING);

	s->limits = e->limits;
	s->interactive = e->interactive;
	return r < 0 ? r : begin(s, e->text, ret);
}

static bool needs_text(enum agent_event_kind kind)
{
	return kind != AGENT_EVENT_TIME && kind != AGENT_EVENT_INTERRUPT;
}

static int check(const struct agent_state *s, const struct agent_event *e,
		 struct ironclaw_error *err)
{
	const char *name = agent_event_name(e->kind);

	if (!name || !(fits[e->kind] & IN(s->phase)))
		return err_set(err, IRONCLAW_ERR_INVALID, EPROTO, "'%s' cannot happen here",
			       name ? name : "?");
	if (e->kind != AGENT_EVENT_RESUME && (e->wall_ms < s->wall_ms || e->vm_ms < s->vm_ms))
		return err_set(err, IRONCLAW_ERR_INVALID, EPROTO, "'%s' goes back in time", name);
	if (e->kind == AGENT_EVENT_REPLY ? !e->reply : needs_text(e->kind) && !e->text)
		return err_set(err, IRONCLAW_ERR_INVALID, EPROTO, "'%s' says nothing", name);
	return 0;
}

static int step(struct agent_state *s, const struct agent_event *e, struct agent_effect *ret)
{
	enum agent_stop over;
	int r;

	switch (e->kind) {
	case AGENT_EVENT_USER:
		return begin(s, e->text, ret);
	case AGENT_EVENT_REPLY:
		return take_reply(s, e->reply, ret);
	case AGENT_EVENT_MODEL_FAILED:
		stop(s, AGENT_STOP_MODEL_FAILED, ret);
		return 0;
	case AGENT_EVENT_RESULT:
		r = answer(s, e->text, e->failed);
		return r < 0 ? r : go_on(s, ret);
	case AGENT_EVENT_VM_LOST:
		return abandon(s, AGENT_STOP_VM_LOST, e->text, ret);
	case AGENT_EVENT_SERVER_LOST:
		return abandon(s, AGENT_STOP_SERVER_LOST, e->text, ret);
	case AGENT_EVENT_TIME:
		over = used_up(s);
		*ret = (struct agent_effect){.kind = AGENT_EFFECT_NONE};
		return over ? abandon(s, over, agent_stop_text(over), ret) : 0;
	case AGENT_EVENT_INTERRUPT:
		if (s->phase != AGENT_WAITING)
			return abandon(s, AGENT_STOP_INTERRUPTED, "interrupted", ret);
		s->phase = AGENT_STOPPED;
		*ret = (struct agent_effect){.kind = AGENT_EFFECT_FINISH, .stop = s->stop};
		return 0;
	case AGENT_EVENT_RESUME:
		return resume(s, e, ret);
	case AGENT_EVENT_MAX:
	default:
		return -EPROTO;
	}
}

/* A text that the model is never told, such as why it failed, is of the hash as well. */
static int absorb_text(struct agent_state *s, const char *text)
{
	cleanup(json_decrefp) json_t *json = text ? json_string(text) : NULL;

	return !text ? 0 : json ? agent_state_absorb(s, json) : -ENOMEM;
}

int agent_step(struct agent_state *s, const struct agent_event *event, struct agent_effect *ret,
	       struct ironclaw_error *err)
{
	struct agent_effect effect = {.kind = AGENT_EFFECT_NONE};
	int r = check(s, event, err);

	if (r < 0)
		return r;
	s->wall_ms = event->wall_ms;
	s->vm_ms = event->vm_ms;
	r = absorb_text(s, event->text);
	if (r == 0)
		r = step(s, event, &effect);
	if (r < 0)
		return err_sys(err, -r, "no room for the conversation");
	*ret = effect;
	return 0;
}
