/* SPDX-License-Identifier: Apache-2.0 */
/* replay.c - the events of a record, once more; see replay.h. */
#include "agent/replay.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"

#define EFFECT_TEXT_MAX_B 64

static void effect_text(char ret[EFFECT_TEXT_MAX_B], const struct agent_effect *e)
{
	const char *name = agent_effect_name(e->kind);

	if (e->kind == AGENT_EFFECT_RUN_CALL)
		(void)snprintf(ret, EFFECT_TEXT_MAX_B, "%s %zu", name, e->call);
	else if (e->kind == AGENT_EFFECT_FINISH || e->kind == AGENT_EFFECT_ASK_USER)
		(void)snprintf(ret, EFFECT_TEXT_MAX_B, "%s %s", name, agent_stop_name(e->stop));
	else
		(void)snprintf(ret, EFFECT_TEXT_MAX_B, "%s", name);
}

static int take_session(struct replay *replay, const struct record_line *line,
			struct ironclaw_error *err)
{
	const struct agent_event *e = &line->event;
	int r = replay->settings ? agent_state_absorb(&replay->state, line->settings)
				 : agent_state_init(&replay->state, &e->limits, e->interactive,
						    line->settings);

	if (r < 0)
		return err_sys(err, -r, "no room for the session");
	json_decref(replay->settings);
	replay->settings = json_incref(line->settings);
	return 0;
}

static int take_event(struct replay *replay, const struct record_line *line,
		      struct ironclaw_error *err)
{
	char was[EFFECT_TEXT_MAX_B], is[EFFECT_TEXT_MAX_B], state[DIGEST_HEX_B + 1];
	struct agent_effect effect;
	int r;

	if (!replay->settings)
		return err_set(err, IRONCLAW_ERR_CORRUPT, EINVAL, "no session has begun");
	r = agent_step(&replay->state, &line->event, &effect, err);
	if (r < 0)
		return r == -EPROTO ? -EINVAL : r;
	effect_text(was, &line->effect);
	effect_text(is, &effect);
	if (strcmp(was, is) != 0)
		return err_set(err, IRONCLAW_ERR_CORRUPT, ESTALE,
			       "the decision was '%s', and is '%s' now", was, is);
	agent_state_hash(&replay->state, state);
	if (strcmp(state, line->state) != 0)
		return err_set(
			err, IRONCLAW_ERR_CORRUPT, ESTALE,
			"the state is not the one that was recorded: this line or one before "
			"it was changed");
	if (effect.kind != AGENT_EFFECT_NONE)
		replay->effect = effect;
	return 0;
}

int replay_line(struct replay *replay, const char *text, size_t len, struct record_line *ret,
		struct ironclaw_error *err)
{
	cleanup(record_line_done) struct record_line line = {.settings = NULL};
	int r;

	replay->lines++;
	r = record_line_parse(text, len, &line, err);
	if (r == 0)
		r = line.settings ? take_session(replay, &line, err)
				  : take_event(replay, &line, err);
	if (r < 0) {
		err_prefix(err, "line %zu", replay->lines);
		return r;
	}
	if (ret) {
		*ret = line;
		if (ret->event.reply)
			ret->event.reply = &ret->reply;
		line = (struct record_line){.settings = NULL};
	}
	return 0;
}

int replay_lines(struct replay *replay, const char *text, size_t len,
		 void (*tell)(void *ud, const struct replay *replay,
			      const struct record_line *line),
		 void *ud, struct ironclaw_error *err)
{
	for (const char *end = text + len; text < end;) {
		cleanup(record_line_done) struct record_line line = {.settings = NULL};
		const char *next = memchr(text, '\n', (size_t)(end - text));
		int r = replay_line(replay, text, (size_t)((next ? next : end) - text), &line, err);

		if (r < 0)
			return r;
		if (tell)
			tell(ud, replay, &line);
		text = next ? next + 1 : end;
	}
	if (replay->lines == 0)
		return err_set(err, IRONCLAW_ERR_CORRUPT, EINVAL, "nothing is recorded in it");
	return 0;
}

void replay_done(struct replay *replay)
{
	agent_state_done(&replay->state);
	json_decref(replay->settings);
	*replay = (struct replay){.lines = 0};
}
