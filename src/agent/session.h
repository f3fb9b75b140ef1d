/* SPDX-License-Identifier: Apache-2.0 */
/**
 * session.h - the agent loop with its effects: asks the step function what to do, records it, does
 * it, and tells the step function what became of it.
 *
 * One thread. While a model is waited for the VM is served as well, so a VM that ends is seen at
 * once. Nothing of this runs on the host but what agent/toolbox.h says.
 */
#ifndef AGENT_SESSION_H
#define AGENT_SESSION_H

#include "model/http.h"
#include "agent/replay.h"
#include "agent/toolbox.h"

/** Who looks on. All are to be there; texts are foreign, not escaped. */
struct agent_session_watch {
	/* What was recorded just now, and @line, as it was. */
	void (*event)(void *ud, const struct agent_event *event, const struct agent_effect *effect,
		      const char *line);
	void (*delta)(void *ud, enum model_delta kind, const char *text, size_t len);
	void (*again)(void *ud, uint64_t wait_ms, const char *why);
	void (*call)(void *ud, const json_t *call); /* it begins */
	void (*output)(void *ud, const void *data, size_t len);
	void (*progress)(void *ud, const char *message);
	/* The user wants what goes on now to end; each wish once. */
	bool (*interrupted)(void *ud);
	/* Wait for what the user wants next; owned. Return: 0; -ENODATA: nothing more */
	int (*ask)(void *ud, char **ret);
	void *ud;
};

/** What a session works with; the caller's, until agent_session_done(). */
struct agent_session_options {
	struct toolbox *box;
	struct model_client *client;
	struct model_request request; /* without messages and tools */
	const json_t *settings;	      /* for the record: without a key, see agent_session_begin() */
	struct agent_limits limits;
	bool interactive;
	const struct agent_session_watch *watch;
};

struct agent_session {
	struct agent_session_options options;
	struct agent_state state;
	struct record record;
	json_t *tools;
	struct agent_effect effect; /* what is to be done next */
	uint64_t begin_us, vm_us;   /* vm_us: of the calls that are over */
	uint64_t call_begin_us;	    /* 0: none runs that counts */
	enum {
		AGENT_CAUSE_NONE = 0,
		AGENT_CAUSE_INTERRUPT,
		AGENT_CAUSE_TIME,
		AGENT_CAUSE_VM
	} cause;
};

/**
 * agent_session_begin() - a new session, recorded at @path, which must not be there.
 * @task:	NULL: the user is asked
 * @s:	filled, for agent_session_done(), whatever is returned
 *
 * The record's settings are options->settings with limits, interactive and tools. Return: 0, -errno
 */
int agent_session_begin(struct agent_session *s, const struct agent_session_options *options,
			const char *path, const char *task, struct ironclaw_error *err);

/**
 * agent_session_resume() - go on with a session that was replayed.
 * @replay:	its state is taken over
 * @record:	is taken over, as it is after record_open()
 * @text:	what the model is told
 */
int agent_session_resume(struct agent_session *s, const struct agent_session_options *options,
			 struct replay *replay, struct record *record, const char *text,
			 struct ironclaw_error *err);

/**
 * agent_session_run() - until it stops.
 *
 * Return: 0 with s->state.stop; -errno: our own failure: the record is as far as it went
 */
int agent_session_run(struct agent_session *s, struct ironclaw_error *err);

void agent_session_done(struct agent_session *s);

#endif
