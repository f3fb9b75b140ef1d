/* SPDX-License-Identifier: Apache-2.0 */
/* session.c - the agent loop and its effects; see session.h. */
#include "agent/session.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "sys/clock.h"

/* What became of an effect; owns what the event points into. */
struct outcome {
	struct agent_event event;
	struct model_reply reply;
	char *text;
};

static void outcome_done(struct outcome *o)
{
	model_reply_done(&o->reply);
	free(o->text);
}

/* @text: copied */
static int set(struct outcome *o, enum agent_event_kind kind, const char *text)
{
	o->event.kind = kind;
	o->text = text ? strdup(text) : NULL;
	o->event.text = o->text;
	return text && !o->text ? -ENOMEM : 0;
}

static uint64_t wall_ms(const struct agent_session *s)
{
	return (clock_now_us() - s->begin_us) / 1000;
}

static uint64_t vm_ms(const struct agent_session *s)
{
	uint64_t now = s->call_begin_us ? clock_now_us() - s->call_begin_us : 0;

	return (s->vm_us + now) / 1000;
}

static struct agent_limits left(const struct agent_session *s)
{
	return agent_state_left(&s->state, wall_ms(s), vm_ms(s));
}

/* While anything is waited for: who wants it to end? */
static int watch_out(struct agent_session *s)
{
	struct agent_limits rest = left(s);

	if (s->options.watch->interrupted(s->options.watch->ud))
		s->cause = AGENT_CAUSE_INTERRUPT;
	else if (rest.wall_ms == 0 || rest.vm_ms == 0)
		s->cause = AGENT_CAUSE_TIME;
	return s->cause ? -ECANCELED : 0;
}

static int idle_model(void *ud)
{
	struct agent_session *s = ud;
	struct ironclaw_error err;

	if (sandbox_step(s->options.box->sandbox, 0, &err) < 0)
		s->cause = AGENT_CAUSE_VM;
	return watch_out(s);
}

static int idle_call(void *ud)
{
	return watch_out(ud);
}

/* Passed on to whoever looks on. */
static const struct agent_session_watch *watch_of(void *ud)
{
	const struct agent_session *s = ud;

	return s->options.watch;
}

static void on_delta(void *ud, enum model_delta kind, const char *text, size_t len)
{
	watch_of(ud)->delta(watch_of(ud)->ud, kind, text, len);
}

static void on_again(void *ud, unsigned int attempt, uint64_t wait_ms, const char *why)
{
	(void)attempt;
	watch_of(ud)->again(watch_of(ud)->ud, wait_ms, why);
}

static void on_output(void *ud, const void *data, size_t len)
{
	watch_of(ud)->output(watch_of(ud)->ud, data, len);
}

static void on_progress(void *ud, const char *message)
{
	watch_of(ud)->progress(watch_of(ud)->ud, message);
}

/* The event of an effect that was ended early. */
static int set_cause(struct agent_session *s, struct outcome *o)
{
	return s->cause == AGENT_CAUSE_VM     ? set(o, AGENT_EVENT_VM_LOST, "the VM ended")
	       : s->cause == AGENT_CAUSE_TIME ? set(o, AGENT_EVENT_TIME, NULL)
					      : set(o, AGENT_EVENT_INTERRUPT, NULL);
}

/* An event happens now; one whose budget ended it not before that. */
static int take(struct agent_session *s, struct agent_event *e, struct ironclaw_error *err)
{
	char state[DIGEST_HEX_B + 1];
	cleanup_free char *line = NULL;
	int r;

	e->wall_ms = wall_ms(s);
	e->vm_ms = vm_ms(s);
	r = agent_step(&s->state, e, &s->effect, err);
	if (r < 0)
		return r;
	agent_state_hash(&s->state, state);
	line = record_line_event(e, &s->effect, state);
	if (!line)
		return err_sys(err, ENOMEM, "no room for the record");
	r = record_add(&s->record, line, err);
	if (r < 0)
		return r;
	s->options.watch->event(s->options.watch->ud, e, &s->effect, line);
	return 0;
}

/* Lists that have changed are in effect from the next question on. */
static int refresh_tools(struct agent_session *s, struct ironclaw_error *err)
{
	bool any = false;
	const struct mcp_client_wait wait = {.idle = idle_call, .ud = s};
	json_t *tools;
	int r;

	for (size_t i = 0; i < s->options.box->n_clients && !s->cause; i++) {
		bool changed = false;

		/* One that has gone says so when it is called. */
		(void)mcp_client_step(s->options.box->clients[i], &wait, &changed, NULL);
		any |= changed;
	}
	if (!any)
		return 0;
	r = toolbox_list(s->options.box, &tools, err);
	if (r == 0) {
		json_decref(s->tools);
		s->tools = tools;
	}
	return r;
}

static int ask_model(struct agent_session *s, struct outcome *o, struct ironclaw_error *err)
{
	const struct model_watch seen = {.delta = on_delta,
					 .again = on_again,
					 .idle = idle_model,
					 .ud = s};
	struct model_request request = s->options.request;
	struct agent_limits rest = left(s);
	int r = refresh_tools(s, err);

	if (r < 0)
		return r;
	if (s->cause)
		return set_cause(s, o);
	request.messages = s->state.messages;
	request.tools = s->tools;
	if (rest.tokens < MODEL_MAX_TOKENS_DEFAULT)
		request.max_tokens = (uint32_t)rest.tokens;
	r = model_client_ask(s->options.client, &request, &seen, &o->reply, err);
	if (r == 0) {
		o->event.kind = AGENT_EVENT_REPLY;
		o->event.reply = &o->reply;
		return 0;
	}
	if (s->cause)
		return set_cause(s, o);
	return r == -ENOMEM ? r : set(o, AGENT_EVENT_MODEL_FAILED, err->text);
}

/* Time that a server of others takes is none of the VM's. */
static bool is_in_vm(const struct agent_session *s, const json_t *call)
{
	const struct mcp_client *client =
		toolbox_server(s->options.box, json_string_value(json_object_get(call, "name")));

	return !client || mcp_client_config(client)->where == MCP_IN_VM;
}

static int run_call(struct agent_session *s, struct outcome *o, struct ironclaw_error *err)
{
	const struct agent_session_watch *watch = s->options.watch;
	const struct toolbox_watch seen = {.output = on_output,
					   .progress = on_progress,
					   .idle = idle_call,
					   .ud = s};
	const json_t *call = agent_state_call(&s->state, s->effect.call);
	struct toolbox_result result;
	uint64_t begin = clock_now_us();
	int r;

	watch->call(watch->ud, call);
	s->call_begin_us = is_in_vm(s, call) ? begin : 0;
	r = toolbox_run(s->options.box, call, &seen, &result, err);
	if (s->call_begin_us)
		s->vm_us += clock_now_us() - begin;
	s->call_begin_us = 0;
	if (r == 0) {
		o->text = result.text;
		o->event = (struct agent_event){.kind = AGENT_EVENT_RESULT,
						.text = o->text,
						.failed = result.failed};
		return 0;
	}
	if (r == -EPIPE)
		return set(o, AGENT_EVENT_VM_LOST, "the VM ended");
	if (r == -ENOTCONN)
		return set(o, AGENT_EVENT_SERVER_LOST, err->text);
	return s->cause ? set_cause(s, o) : r;
}

static int ask_user(struct agent_session *s, struct outcome *o)
{
	int r = s->options.watch->ask(s->options.watch->ud, &o->text);

	if (r < 0 && r != -ENODATA)
		return r;
	o->event.kind = r < 0 ? AGENT_EVENT_INTERRUPT : AGENT_EVENT_USER;
	o->event.text = o->text;
	return 0;
}

int agent_session_run(struct agent_session *s, struct ironclaw_error *err)
{
	while (s->effect.kind != AGENT_EFFECT_FINISH) {
		cleanup(outcome_done) struct outcome outcome = {.text = NULL};
		int r;

		err_clear(err);
		s->cause = AGENT_CAUSE_NONE;
		if (s->effect.kind == AGENT_EFFECT_ASK_MODEL)
			r = ask_model(s, &outcome, err);
		else if (s->effect.kind == AGENT_EFFECT_RUN_CALL)
			r = run_call(s, &outcome, err);
		else
			r = ask_user(s, &outcome);
		if (r < 0)
			return err && err->code ? r : err_sys(err, -r, "the session cannot go on");
		r = take(s, &outcome.event, err);
		if (r < 0)
			return r;
	}
	return 0;
}

/* What the record says of the session. */
static json_t *settings_of(const struct agent_session *s)
{
	json_t *settings = json_copy((json_t *)(uintptr_t)s->options.settings);
	int r = json_object_set_new(settings, "interactive", json_boolean(s->options.interactive));

	r |= json_object_set_new(settings, "limits", record_limits(&s->options.limits));
	r |= json_object_set(settings, "tools", s->tools);
	if (r == 0)
		return settings;
	json_decref(settings);
	return NULL;
}

static int record_session(struct agent_session *s, const json_t *settings,
			  struct ironclaw_error *err)
{
	cleanup_free char *line = record_line_session(settings);

	return line ? record_add(&s->record, line, err) : err_sys(err, ENOMEM, "no room for it");
}

static int prepare(struct agent_session *s, const struct agent_session_options *options,
		   struct ironclaw_error *err)
{
	*s = (struct agent_session){.options = *options,
				    .record = {.fd = -EBADF},
				    .begin_us = clock_now_us(),
				    .effect = {.kind = AGENT_EFFECT_ASK_USER}};
	return toolbox_list(options->box, &s->tools, err);
}

int agent_session_begin(struct agent_session *s, const struct agent_session_options *options,
			const char *path, const char *task, struct ironclaw_error *err)
{
	struct agent_event event = {.kind = AGENT_EVENT_USER, .text = task};
	cleanup(json_decrefp) json_t *settings = NULL;
	int r = prepare(s, options, err);

	if (r < 0)
		return r;
	settings = settings_of(s);
	if (!settings ||
	    agent_state_init(&s->state, &options->limits, options->interactive, settings) < 0)
		return err_sys(err, ENOMEM, "no room for the session");
	r = record_create(path, &s->record, err);
	if (r == 0)
		r = record_session(s, settings, err);
	return r == 0 && task ? take(s, &event, err) : r;
}

int agent_session_resume(struct agent_session *s, const struct agent_session_options *options,
			 struct replay *replay, struct record *record, const char *text,
			 struct ironclaw_error *err)
{
	struct agent_event event = {.kind = AGENT_EVENT_RESUME,
				    .text = text,
				    .limits = options->limits,
				    .interactive = options->interactive};
	cleanup(json_decrefp) json_t *settings = NULL;
	int r = prepare(s, options, err);

	s->state = replay->state;
	replay->state = (struct agent_state){.messages = NULL};
	s->record = *record;
	record->fd = -EBADF;
	if (r < 0)
		return r;
	settings = settings_of(s);
	if (!settings || agent_state_absorb(&s->state, settings) < 0)
		return err_sys(err, ENOMEM, "no room for the session");
	r = record_session(s, settings, err);
	return r == 0 ? take(s, &event, err) : r;
}

void agent_session_done(struct agent_session *s)
{
	agent_state_done(&s->state);
	record_close(&s->record);
	json_decref(s->tools);
	s->tools = NULL;
}
