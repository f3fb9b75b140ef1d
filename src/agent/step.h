/* SPDX-License-Identifier: Apache-2.0 */
/**
 * step.h - the agent loop as a pure function: a state and an event make the next state and the one
 * effect to carry out. No clock, no file, no model and no VM is known here.
 *
 *   WAITING --user--> ASKING --reply with calls--> RUNNING --result of the last call--> ASKING ...
 *                        `-----reply without-----> STOPPED, or WAITING when a person is there
 *
 * What holds after any events, in any order (an event that does not fit is refused and changes
 * nothing):
 *  - each call of a reply has exactly one result, in the order of the calls and directly after the
 *    reply, before anything else is said to the model; a turn that was left (interrupt, lost VM,
 *    used up budget, a session that ended) is completed with failed results that say why;
 *  - the calls of a reply are run one after the other, in its order;
 *  - a task asks the model at most AGENT_ITERATIONS_MAX times;
 *  - the same events make the same states, which agent_state_hash() compares. It covers all that
 *    was said, so a record (agent/record.h) that differs in a letter is told.
 *
 * Budgets are those of a task: they begin anew with each word of the user's.
 *
 * Replies, and results, are hostile text; they are carried, never looked into, but for the ids of
 * calls.
 */
#ifndef AGENT_STEP_H
#define AGENT_STEP_H

#include "model/model.h"
#include "sys/digest.h"

#define AGENT_ITERATIONS_MAX 100U

/** What a task may use; 0: no limit, but for iterations: AGENT_ITERATIONS_MAX. */
struct agent_limits {
	uint32_t iterations; /* questions to the model */
	uint64_t tokens;     /* input and output together; guessed where a server counts none */
	uint64_t wall_ms;
	uint64_t vm_ms; /* while a tool ran */
};

enum agent_phase { AGENT_WAITING = 0, AGENT_ASKING, AGENT_RUNNING, AGENT_STOPPED, AGENT_PHASE_MAX };

enum agent_stop {
	AGENT_STOP_NONE = 0,
	AGENT_STOP_DONE,
	AGENT_STOP_REFUSED,    /* the model's filter */
	AGENT_STOP_CUT_OFF,    /* a reply was longer than it may be */
	AGENT_STOP_ITERATIONS, /* budgets */
	AGENT_STOP_TOKENS,
	AGENT_STOP_TIME,
	AGENT_STOP_VM_TIME,
	AGENT_STOP_MODEL_FAILED,
	AGENT_STOP_VM_LOST,
	AGENT_STOP_SERVER_LOST,
	AGENT_STOP_INTERRUPTED,
	AGENT_STOP_MAX
};

enum agent_event_kind {
	AGENT_EVENT_USER = 0,	  /* text; WAITING */
	AGENT_EVENT_REPLY,	  /* reply; ASKING */
	AGENT_EVENT_MODEL_FAILED, /* text: why; ASKING */
	AGENT_EVENT_RESULT,	  /* text, failed: of the call that runs; RUNNING */
	AGENT_EVENT_VM_LOST,	  /* text: "the VM ended"; not STOPPED */
	AGENT_EVENT_SERVER_LOST,  /* text: "the MCP server x ended"; RUNNING */
	AGENT_EVENT_TIME,	  /* nothing but what the clocks say; ASKING, RUNNING */
	AGENT_EVENT_INTERRUPT,	  /* by the user, whose end of input it is when WAITING */
	AGENT_EVENT_RESUME, /* text, limits, interactive: a new process goes on, in whatever phase
			     */
	AGENT_EVENT_MAX
};

struct agent_event {
	enum agent_event_kind kind;
	/* Of this process; they only grow, and begin anew with a resume. */
	uint64_t wall_ms, vm_ms;
	const char *text; /* UTF-8 */
	bool failed;
	const struct model_reply *reply;
	struct agent_limits limits;
	bool interactive;
};

enum agent_effect_kind {
	AGENT_EFFECT_NONE = 0, /* what is being done goes on */
	AGENT_EFFECT_ASK_MODEL,
	AGENT_EFFECT_RUN_CALL,
	AGENT_EFFECT_ASK_USER,
	AGENT_EFFECT_FINISH,
	AGENT_EFFECT_MAX
};

/** Whatever is being done when an effect other than NONE comes is to be ended. */
struct agent_effect {
	enum agent_effect_kind kind;
	size_t call;	      /* RUN_CALL: agent_state_call() */
	enum agent_stop stop; /* ASK_USER, FINISH: what the last task ended with */
};

struct agent_state {
	struct agent_limits limits;
	bool interactive; /* somebody is there to be asked */
	enum agent_phase phase;
	enum agent_stop stop;
	json_t *messages; /* owned; as in model/model.h */
	json_t *calls;	  /* of the newest message; borrowed */
	size_t next_call;
	struct model_usage usage; /* of all tasks */
	/* Of this task. */
	uint32_t iterations;
	uint64_t tokens, wall_begin_ms, vm_begin_ms;
	uint64_t wall_ms, vm_ms; /* of the last event */
	uint32_t turns;		 /* replies of all tasks */
	char chain[DIGEST_HEX_B + 1];
};

/**
 * agent_state_init() - a session that waits for its first task.
 * @settings:	what the session is about; it becomes part of the hash
 *
 * Return: 0 with *ret for agent_state_done(), -ENOMEM
 */
int agent_state_init(struct agent_state *ret, const struct agent_limits *limits, bool interactive,
		     const json_t *settings);
void agent_state_done(struct agent_state *state);

/** agent_state_absorb() - make more settings part of the hash. Return: 0, -ENOMEM */
int agent_state_absorb(struct agent_state *state, const json_t *settings);

/** agent_state_hash() - SHA-256 of the state, in hexadecimal. */
void agent_state_hash(const struct agent_state *state, char ret[DIGEST_HEX_B + 1]);

/** agent_state_call() - a call of the turn that is being run; borrowed, NULL for none. */
const json_t *agent_state_call(const struct agent_state *state, size_t call);

/** agent_state_left() - what is left of a task's budget at that time; UINT64_MAX: no limit. */
struct agent_limits agent_state_left(const struct agent_state *state, uint64_t wall_ms,
				     uint64_t vm_ms);

/**
 * agent_step() - what happened, and what is to be done.
 *
 * Return: 0 with *ret; -EPROTO: this cannot happen now, and nothing has changed; -ENOMEM: the state
 * is of no more use
 */
int agent_step(struct agent_state *state, const struct agent_event *event, struct agent_effect *ret,
	       struct ironclaw_error *err);

/** Names, as they are in a record; NULL beyond the last. */
const char *agent_event_name(enum agent_event_kind kind);
const char *agent_effect_name(enum agent_effect_kind kind);
const char *agent_stop_name(enum agent_stop stop);

/** agent_stop_text() - a stop as a sentence. */
const char *agent_stop_text(enum agent_stop stop);

#endif
