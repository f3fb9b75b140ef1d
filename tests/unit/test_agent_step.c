/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_agent_step.c - agent/step.h: each way through the loop, and its invariants after hundreds of
 * thousands of random events, among them all that do not fit.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "agent/step.h"

#define ROUNDS 1000
#define EVENTS 120

static const struct agent_limits no_limits;

static struct agent_state begin(bool interactive, const struct agent_limits *limits)
{
	struct agent_state s;
	json_t *settings = json_pack("{s:s}", "model", "m");

	assert_int_equal(agent_state_init(&s, limits, interactive, settings), 0);
	json_decref(settings);
	return s;
}

static struct model_reply reply(enum model_stop stop, unsigned int n_calls, uint64_t tokens)
{
	static unsigned int serial;
	struct model_reply r = {.stop = stop, .usage = {.input = tokens, .output = 1}};
	json_t *calls = json_array();

	for (unsigned int i = 0; i < n_calls; i++) {
		char id[32];

		(void)snprintf(id, sizeof(id), "id-%u", serial++);
		json_array_append_new(calls, json_pack("{s:s, s:s, s:s}", "id", id, "name", "exec",
						       "arguments", "{}"));
	}
	r.message = json_pack("{s:s, s:s, s:o}", "role", "assistant", "text", "t", "calls", calls);
	return r;
}

static struct agent_effect step(struct agent_state *s, const struct agent_event *e)
{
	struct agent_effect effect = {.kind = AGENT_EFFECT_MAX};
	struct ironclaw_error err = {0};

	assert_int_equal(agent_step(s, e, &effect, &err), 0);
	return effect;
}

static struct agent_effect say(struct agent_state *s, const char *text)
{
	return step(s, &(struct agent_event){.kind = AGENT_EVENT_USER,
					     .text = text,
					     .wall_ms = s->wall_ms,
					     .vm_ms = s->vm_ms});
}

static struct agent_effect get(struct agent_state *s, enum model_stop stop, unsigned int n_calls,
			       uint64_t tokens)
{
	struct model_reply r = reply(stop, n_calls, tokens);
	struct agent_effect effect = step(s, &(struct agent_event){.kind = AGENT_EVENT_REPLY,
								   .reply = &r,
								   .wall_ms = s->wall_ms,
								   .vm_ms = s->vm_ms});

	json_decref(r.message);
	return effect;
}

static struct agent_effect result(struct agent_state *s, const char *text, uint64_t took_ms)
{
	return step(s, &(struct agent_event){.kind = AGENT_EVENT_RESULT,
					     .text = text,
					     .wall_ms = s->wall_ms + took_ms,
					     .vm_ms = s->vm_ms + took_ms});
}

static struct agent_effect tell(struct agent_state *s, enum agent_event_kind kind, const char *text,
				uint64_t after_ms)
{
	return step(s, &(struct agent_event){.kind = kind,
					     .text = text,
					     .wall_ms = s->wall_ms + after_ms,
					     .vm_ms = s->vm_ms});
}

static const char *member(const struct agent_state *s, size_t i, const char *key)
{
	return json_string_value(json_object_get(json_array_get(s->messages, i), key));
}

static bool has_failed(const struct agent_state *s, size_t i)
{
	return json_is_true(json_object_get(json_array_get(s->messages, i), "failed"));
}

/* Each id answered once, in order, directly after its turn; all but the turn that runs. */
static void check_history(const struct agent_state *s)
{
	size_t n = json_array_size(s->messages);

	for (size_t i = 0; i < n;) {
		const json_t *message = json_array_get(s->messages, i++);
		const json_t *calls = json_object_get(message, "calls"), *call;
		const char *role = json_string_value(json_object_get(message, "role"));
		size_t k;

		assert_string_not_equal(role, "tool");
		if (strcmp(role, "assistant") != 0)
			continue;
		json_array_foreach(calls, k, call)
		{
			if (i == n) {
				/* Only the turn that is being run may be without an end. */
				assert_int_equal(s->phase, AGENT_RUNNING);
				assert_int_equal(s->next_call, k);
				return;
			}
			assert_string_equal(member(s, i, "role"), "tool");
			assert_string_equal(member(s, i, "id"),
					    json_string_value(json_object_get(call, "id")));
			i++;
		}
	}
	assert_int_not_equal(s->phase, AGENT_RUNNING);
}

static void test_a_task(void **state)
{
	struct agent_state s = begin(false, &no_limits);
	struct agent_effect e = say(&s, "do it");

	(void)state;
	assert_int_equal(e.kind, AGENT_EFFECT_ASK_MODEL);
	e = get(&s, MODEL_STOP_TOOLS, 3, 10);
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(e.kind, AGENT_EFFECT_RUN_CALL);
		assert_int_equal(e.call, i);
		assert_ptr_equal(agent_state_call(&s, i), json_array_get(s.calls, i));
		e = result(&s, "out", 5);
	}
	assert_int_equal(e.kind, AGENT_EFFECT_ASK_MODEL);
	e = get(&s, MODEL_STOP_PAUSE, 0, 10);
	assert_int_equal(e.kind, AGENT_EFFECT_ASK_MODEL);
	e = get(&s, MODEL_STOP_END, 0, 10);
	assert_int_equal(e.kind, AGENT_EFFECT_FINISH);
	assert_int_equal(e.stop, AGENT_STOP_DONE);
	assert_int_equal(json_array_size(s.messages), 7);
	assert_int_equal(s.usage.input, 30);
	assert_int_equal(s.iterations, 3);
	check_history(&s);
	agent_state_done(&s);
}

static void test_what_a_person_is_asked(void **state)
{
	struct agent_state s = begin(true, &no_limits);
	struct agent_effect e;

	(void)state;
	(void)say(&s, "one");
	e = get(&s, MODEL_STOP_END, 0, 1);
	assert_int_equal(e.kind, AGENT_EFFECT_ASK_USER);
	assert_int_equal(e.stop, AGENT_STOP_DONE);
	(void)say(&s, "two");
	e = tell(&s, AGENT_EVENT_INTERRUPT, NULL, 1);
	assert_int_equal(e.kind, AGENT_EFFECT_ASK_USER);
	assert_int_equal(e.stop, AGENT_STOP_INTERRUPTED);
	e = tell(&s, AGENT_EVENT_INTERRUPT, NULL, 1);
	assert_int_equal(e.kind, AGENT_EFFECT_FINISH);
	assert_int_equal(e.stop, AGENT_STOP_INTERRUPTED);
	agent_state_done(&s);

	/* Nobody can go on without a VM. */
	s = begin(true, &no_limits);
	(void)say(&s, "one");
	e = tell(&s, AGENT_EVENT_VM_LOST, "the VM ended", 1);
	assert_int_equal(e.kind, AGENT_EFFECT_FINISH);
	agent_state_done(&s);
}

/* What runs when the turn is left has an outcome that nobody knows; what comes after it was not
 * run. */
static void test_a_turn_that_is_left(void **state)
{
	static const struct {
		enum agent_event_kind kind;
		const char *text;
		enum agent_stop stop;
		const char *running, *rest;
	} cases[] = {
		{AGENT_EVENT_INTERRUPT, NULL, AGENT_STOP_INTERRUPTED,
		 "interrupted while this ran: its outcome is unknown",
		 "interrupted before this ran: it was not run"},
		{AGENT_EVENT_VM_LOST, "the VM ended", AGENT_STOP_VM_LOST,
		 "the VM ended while this ran: its outcome is unknown",
		 "the VM ended before this ran: it was not run"},
		{AGENT_EVENT_SERVER_LOST, "the server ended", AGENT_STOP_SERVER_LOST,
		 "the server ended while this ran: its outcome is unknown",
		 "the server ended before this ran: it was not run"},
		{AGENT_EVENT_TIME, NULL, AGENT_STOP_TIME,
		 "the time was used up while this ran: its outcome is unknown",
		 "the time was used up before this ran: it was not run"},
		{AGENT_EVENT_RESUME, "go on", AGENT_STOP_NONE,
		 "the session ended while this ran: its outcome is unknown",
		 "the session ended before this ran: it was not run"},
	};
	const struct agent_limits limits = {.wall_ms = 100};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct agent_state s = begin(false, &limits);
		struct agent_effect e;

		(void)say(&s, "do it");
		(void)get(&s, MODEL_STOP_TOOLS, 4, 1);
		(void)result(&s, "first", 1);
		e = tell(&s, cases[i].kind, cases[i].text, 100);
		assert_int_equal(e.stop, cases[i].stop);
		assert_string_equal(member(&s, 2, "text"), "first");
		assert_false(has_failed(&s, 2));
		assert_string_equal(member(&s, 3, "text"), cases[i].running);
		assert_string_equal(member(&s, 4, "text"), cases[i].rest);
		assert_string_equal(member(&s, 5, "text"), cases[i].rest);
		assert_true(has_failed(&s, 3) && has_failed(&s, 4) && has_failed(&s, 5));
		check_history(&s);
		if (cases[i].kind != AGENT_EVENT_RESUME) {
			assert_int_equal(e.kind, AGENT_EFFECT_FINISH);
			e = tell(&s, AGENT_EVENT_RESUME, "go on", 1);
		}
		assert_int_equal(e.kind, AGENT_EFFECT_ASK_MODEL);
		assert_string_equal(member(&s, 6, "text"), "go on");
		agent_state_done(&s);
	}
}

static void test_budgets(void **state)
{
	const struct agent_limits few = {.iterations = 2}, tokens = {.tokens = 100},
				  wall = {.wall_ms = 50}, vm = {.vm_ms = 50};
	struct agent_state s = begin(false, &few);
	struct agent_effect e;

	(void)state;
	(void)say(&s, "x");
	(void)get(&s, MODEL_STOP_PAUSE, 0, 1);
	e = get(&s, MODEL_STOP_PAUSE, 0, 1);
	assert_int_equal(e.kind, AGENT_EFFECT_FINISH);
	assert_int_equal(e.stop, AGENT_STOP_ITERATIONS);
	agent_state_done(&s);

	/* Nothing is run that the tokens are not there for to tell the model about. */
	s = begin(false, &tokens);
	(void)say(&s, "x");
	e = get(&s, MODEL_STOP_TOOLS, 1, 98);
	assert_int_equal(e.kind, AGENT_EFFECT_RUN_CALL);
	(void)result(&s, "y", 1);
	e = get(&s, MODEL_STOP_TOOLS, 2, 0);
	assert_int_equal(e.stop, AGENT_STOP_TOKENS);
	assert_string_equal(member(&s, 4, "text"),
			    "the tokens were used up before this ran: it was not run");
	check_history(&s);
	agent_state_done(&s);

	/* Who counts none is counted for: "t", its calls and what was asked, over and over. */
	s = begin(false, &tokens);
	(void)say(&s, "x");
	for (int i = 0; s.phase == AGENT_ASKING; i++) {
		struct model_reply r = reply(MODEL_STOP_TOOLS, 1, 0);

		assert_true(i < 4);
		r.usage.output = 0;
		e = step(&s, &(struct agent_event){.kind = AGENT_EVENT_REPLY, .reply = &r});
		json_decref(r.message);
		if (e.kind == AGENT_EFFECT_RUN_CALL)
			e = result(&s, "y", 0);
	}
	assert_int_equal(e.stop, AGENT_STOP_TOKENS);
	check_history(&s);
	agent_state_done(&s);

	/* Cut off for want of them, or for another reason. */
	s = begin(false, &tokens);
	(void)say(&s, "x");
	assert_int_equal(get(&s, MODEL_STOP_LENGTH, 0, 100).stop, AGENT_STOP_TOKENS);
	agent_state_done(&s);
	s = begin(false, &tokens);
	(void)say(&s, "x");
	assert_int_equal(get(&s, MODEL_STOP_LENGTH, 0, 1).stop, AGENT_STOP_CUT_OFF);
	agent_state_done(&s);

	/* A reply that needs nothing more is one. */
	s = begin(false, &tokens);
	(void)say(&s, "x");
	assert_int_equal(get(&s, MODEL_STOP_END, 0, 200).stop, AGENT_STOP_DONE);
	agent_state_done(&s);

	s = begin(false, &wall);
	(void)say(&s, "x");
	assert_int_equal(tell(&s, AGENT_EVENT_TIME, NULL, 49).kind, AGENT_EFFECT_NONE);
	assert_int_equal(s.phase, AGENT_ASKING);
	assert_int_equal(tell(&s, AGENT_EVENT_TIME, NULL, 1).stop, AGENT_STOP_TIME);
	agent_state_done(&s);

	s = begin(false, &vm);
	(void)say(&s, "x");
	(void)get(&s, MODEL_STOP_TOOLS, 2, 1);
	assert_int_equal(agent_state_left(&s, 20, 20).vm_ms, 30);
	assert_int_equal(result(&s, "y", 49).kind, AGENT_EFFECT_RUN_CALL);
	assert_int_equal(result(&s, "y", 1).stop, AGENT_STOP_VM_TIME);
	agent_state_done(&s);

	/* A new task begins with all of it. */
	s = begin(true, &vm);
	(void)say(&s, "x");
	(void)get(&s, MODEL_STOP_TOOLS, 1, 1);
	assert_int_equal(result(&s, "y", 60).stop, AGENT_STOP_VM_TIME);
	assert_int_equal(say(&s, "x").kind, AGENT_EFFECT_ASK_MODEL);
	assert_int_equal(agent_state_left(&s, s.wall_ms, s.vm_ms).vm_ms, 50);
	agent_state_done(&s);
}

static void test_a_hundred_iterations_at_most(void **state)
{
	const struct agent_limits more = {.iterations = 1000};
	struct agent_state s = begin(false, &more);
	struct agent_effect e = say(&s, "x");
	unsigned int asked = 0;

	(void)state;
	while (e.kind == AGENT_EFFECT_ASK_MODEL) {
		asked++;
		(void)get(&s, MODEL_STOP_TOOLS, 1, 1);
		e = result(&s, "y", 0);
	}
	assert_int_equal(asked, AGENT_ITERATIONS_MAX);
	assert_int_equal(e.stop, AGENT_STOP_ITERATIONS);
	agent_state_done(&s);
}

/* A reply that cannot be answered call by call is none. */
static void test_replies_that_are_none(void **state)
{
	(void)state;
	for (int i = 0; i < 4; i++) {
		struct agent_state s = begin(false, &no_limits);
		struct model_reply r = reply(MODEL_STOP_TOOLS, 2, 1);
		json_t *calls = json_object_get(r.message, "calls");
		struct agent_effect e;

		if (i == 0) /* the same id twice */
			json_object_set_new(json_array_get(calls, 1), "id",
					    json_copy(json_object_get(json_array_get(calls, 0),
								      "id")));
		else if (i == 1)
			json_object_del(json_array_get(calls, 0), "id");
		else if (i == 2)
			r.stop = MODEL_STOP_END;
		else
			json_array_clear(calls);
		(void)say(&s, "x");
		e = step(&s, &(struct agent_event){.kind = AGENT_EVENT_REPLY, .reply = &r});
		assert_int_equal(e.kind, AGENT_EFFECT_FINISH);
		assert_int_equal(e.stop, AGENT_STOP_MODEL_FAILED);
		assert_int_equal(json_array_size(s.messages), 1);
		json_decref(r.message);
		agent_state_done(&s);
	}
}

static uint64_t seed;

static unsigned int dice(unsigned int sides)
{
	seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return (unsigned int)(seed >> 33) % sides;
}

/* One random event; the reply's message is the caller's. */
static struct agent_event random_event(const struct agent_state *s, struct model_reply *r)
{
	struct agent_event e = {
		.kind = (enum agent_event_kind)dice(AGENT_EVENT_MAX + 1),
		.wall_ms = s->wall_ms + dice(20),
		.vm_ms = s->vm_ms + dice(10),
		.text = dice(50) ? "text" : NULL,
		.failed = dice(2),
		.limits = {.iterations = dice(5), .tokens = dice(300), .wall_ms = dice(300)},
	};

	/* What fits comes often, or nothing would ever go far. */
	if (dice(3) == 0)
		e.kind = s->phase == AGENT_WAITING   ? AGENT_EVENT_USER
			 : s->phase == AGENT_ASKING  ? AGENT_EVENT_REPLY
			 : s->phase == AGENT_RUNNING ? AGENT_EVENT_RESULT
						     : AGENT_EVENT_RESUME;
	if (dice(40) == 0 && e.wall_ms > 0)
		e.wall_ms = 0;
	*r = reply(dice(2) ? MODEL_STOP_TOOLS : (enum model_stop)dice(MODEL_STOP_MAX), dice(5),
		   dice(50));
	if (dice(50))
		e.reply = r;
	return e;
}

static void check_effect(const struct agent_state *s, const struct agent_effect *e)
{
	static const enum agent_effect_kind of_phase[AGENT_PHASE_MAX] = {AGENT_EFFECT_ASK_USER,
									 AGENT_EFFECT_ASK_MODEL,
									 AGENT_EFFECT_RUN_CALL,
									 AGENT_EFFECT_FINISH};

	if (e->kind != AGENT_EFFECT_NONE)
		assert_int_equal(e->kind, of_phase[s->phase]);
	if (e->kind == AGENT_EFFECT_RUN_CALL)
		assert_non_null(agent_state_call(s, e->call));
	assert_true(s->iterations <= AGENT_ITERATIONS_MAX);
	if (s->limits.iterations)
		assert_true(s->iterations <= s->limits.iterations);
}

static void test_random_events(void **state)
{
	unsigned int taken = 0, refused = 0;

	(void)state;
	for (unsigned int round = 0; round < ROUNDS; round++) {
		const struct agent_limits limits = {.iterations = round % 7,
						    .tokens = round % 3 * 200};
		struct agent_state s, twin;

		seed = round;
		s = begin(round % 2, &limits);
		twin = begin(round % 2, &limits);
		for (unsigned int i = 0; i < EVENTS; i++) {
			char before[DIGEST_HEX_B + 1], after[DIGEST_HEX_B + 1],
				other[DIGEST_HEX_B + 1];
			struct agent_effect effect = {.kind = AGENT_EFFECT_MAX}, same;
			struct model_reply r;
			struct agent_event e = random_event(&s, &r);
			int result;

			agent_state_hash(&s, before);
			result = agent_step(&s, &e, &effect, NULL);
			assert_int_equal(agent_step(&twin, &e, &same, NULL), result);
			json_decref(r.message);
			agent_state_hash(&s, after);
			agent_state_hash(&twin, other);
			assert_string_equal(after, other);
			check_history(&s);
			if (result < 0) {
				assert_int_equal(result, -EPROTO);
				assert_string_equal(before, after);
				assert_int_equal(effect.kind, AGENT_EFFECT_MAX);
				refused++;
				continue;
			}
			taken++;
			check_effect(&s, &effect);
			assert_int_equal(effect.kind, same.kind);
			assert_int_equal(effect.stop, same.stop);
		}
		agent_state_done(&s);
		agent_state_done(&twin);
	}
	/* Both kinds were there in numbers. */
	assert_true(taken > 20000 && refused > 20000);
}

/* Any difference in what was said, or in what is allowed, is one of the hash. */
static void test_hash(void **state)
{
	char hash[6][DIGEST_HEX_B + 1];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(hash); i++) {
		const struct agent_limits limits = {.iterations = i == 1 ? 5 : 4};
		struct agent_state s = begin(i == 2, &limits);

		(void)say(&s, i == 3 ? "task!" : "task");
		if (i == 4)
			assert_int_equal(agent_state_absorb(&s, json_true()), 0);
		if (i == 5)
			(void)tell(&s, AGENT_EVENT_TIME, NULL, 1);
		agent_state_hash(&s, hash[i]);
		for (size_t k = 0; k < i; k++)
			assert_string_not_equal(hash[k], hash[i]);
		agent_state_done(&s);
	}
}

static void test_names(void **state)
{
	(void)state;
	for (int i = 0; i < AGENT_EVENT_MAX; i++)
		assert_non_null(agent_event_name((enum agent_event_kind)i));
	for (int i = 0; i < AGENT_EFFECT_MAX; i++)
		assert_non_null(agent_effect_name((enum agent_effect_kind)i));
	for (int i = 0; i < AGENT_STOP_MAX; i++)
		assert_true(agent_stop_name((enum agent_stop)i) &&
			    agent_stop_text((enum agent_stop)i));
	assert_null(agent_event_name(AGENT_EVENT_MAX));
	assert_null(agent_effect_name(AGENT_EFFECT_MAX));
	assert_null(agent_stop_name(AGENT_STOP_MAX));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_task),
		cmocka_unit_test(test_what_a_person_is_asked),
		cmocka_unit_test(test_a_turn_that_is_left),
		cmocka_unit_test(test_budgets),
		cmocka_unit_test(test_a_hundred_iterations_at_most),
		cmocka_unit_test(test_replies_that_are_none),
		cmocka_unit_test(test_random_events),
		cmocka_unit_test(test_hash),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
