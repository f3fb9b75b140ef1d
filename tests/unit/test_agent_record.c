/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_agent_record.c - agent/record.h and replay.h: what was recorded is replayed, and any change
 * of it is a difference.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent/replay.h"
#include "base/cleanup.h"

static char folder[] = "/tmp/test-agent-record.XXXXXX";
static char path[64];

static int setup(void **state)
{
	(void)state;
	(void)strcpy(folder + strlen(folder) - 6, "XXXXXX");
	assert_non_null(mkdtemp(folder));
	(void)snprintf(path, sizeof(path), "%s/record", folder);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	(void)unlink(path);
	return rmdir(folder);
}

/* A record that is being made, in memory. */
struct maker {
	struct agent_state state;
	char *text;
	size_t len;
	FILE *out;
};

static json_t *settings(void)
{
	const struct agent_limits limits = {.tokens = 500};

	return json_pack("{s:s, s:b, s:o, s:[]}", "model", "m", "interactive", 0, "limits",
			 record_limits(&limits), "tools");
}

static void begin(struct maker *m)
{
	const struct agent_limits limits = {.tokens = 500};
	json_t *s = settings();
	char *line = record_line_session(s);

	m->out = open_memstream(&m->text, &m->len);
	assert_int_equal(agent_state_init(&m->state, &limits, false, s), 0);
	(void)fprintf(m->out, "%s\n", line);
	free(line);
	json_decref(s);
}

static void happen(struct maker *m, struct agent_event e)
{
	char state[DIGEST_HEX_B + 1], *line;
	struct agent_effect effect;

	assert_int_equal(agent_step(&m->state, &e, &effect, NULL), 0);
	agent_state_hash(&m->state, state);
	line = record_line_event(&e, &effect, state);
	(void)fprintf(m->out, "%s\n", line);
	free(line);
}

static void reply(struct maker *m, const char *json, uint64_t at_ms)
{
	json_t *document = json_loads(json, 0, NULL);
	struct model_reply r;

	assert_int_equal(model_reply_parse(document, &r, NULL), 0);
	happen(m, (struct agent_event){.kind = AGENT_EVENT_REPLY, .reply = &r, .wall_ms = at_ms});
	model_reply_done(&r);
	json_decref(document);
}

#define USAGE                                                                                      \
	"\"usage\":{\"input\":7,\"output\":3,\"cache_read\":0,\"cache_write\":0,\"reasoning\":0}"

/* A session with all kinds of things in it, which ends in the middle of a call, and is resumed. */
static char *make(size_t *ret_len)
{
	struct maker m;

	begin(&m);
	happen(&m, (struct agent_event){.kind = AGENT_EVENT_USER, .text = "do it \xe2\x82\xac"});
	reply(&m,
	      "{\"stop\":\"tools\",\"message\":{\"role\":\"assistant\",\"text\":\"a\",\"calls\":["
	      "{\"id\":\"1\",\"name\":\"exec\",\"arguments\":\"{\\\"command\\\":\\\"ls\\\"}\"},"
	      "{\"id\":\"2\",\"name\":\"exec\",\"arguments\":\"not JSON\"}]}," USAGE "}",
	      5);
	happen(&m, (struct agent_event){.kind = AGENT_EVENT_RESULT,
					.text = "out\nput\t\"",
					.wall_ms = 9,
					.vm_ms = 4});
	happen(&m, (struct agent_event){.kind = AGENT_EVENT_RESUME,
					.text = "go on",
					.limits = {.iterations = 3}});
	/* Words that the model is never told, in an event and in a reply that is none. */
	happen(&m, (struct agent_event){.kind = AGENT_EVENT_MODEL_FAILED, .text = "no answer"});
	happen(&m, (struct agent_event){.kind = AGENT_EVENT_RESUME, .text = "again"});
	reply(&m,
	      "{\"stop\":\"tools\",\"message\":{\"role\":\"assistant\",\"text\":\"twice\","
	      "\"calls\":["
	      "{\"id\":\"1\",\"name\":\"exec\",\"arguments\":\"{}\"},"
	      "{\"id\":\"1\",\"name\":\"exec\",\"arguments\":\"{}\"}]}," USAGE "}",
	      0);
	happen(&m, (struct agent_event){.kind = AGENT_EVENT_RESUME, .text = "once more"});
	reply(&m,
	      "{\"stop\":\"end\",\"message\":{\"role\":\"assistant\",\"text\":\"done\"}," USAGE "}",
	      7);
	(void)fclose(m.out);
	assert_int_equal(m.state.stop, AGENT_STOP_DONE);
	agent_state_done(&m.state);
	*ret_len = m.len;
	return m.text;
}

static int replay(const char *text, size_t len, struct ironclaw_error *err)
{
	struct replay r = {.lines = 0};
	int result = replay_lines(&r, text, len, NULL, NULL, err);

	replay_done(&r);
	return result;
}

static void test_replay(void **state)
{
	struct replay r = {.lines = 0};
	size_t len;
	char *text = make(&len);

	(void)state;
	assert_int_equal(replay_lines(&r, text, len, NULL, NULL, NULL), 0);
	assert_int_equal(r.lines, 10);
	assert_int_equal(r.state.stop, AGENT_STOP_DONE);
	assert_int_equal(json_array_size(r.state.messages), 8);
	assert_int_equal(r.effect.kind, AGENT_EFFECT_FINISH);
	replay_done(&r);
	/* The beginning of a record is one. */
	for (size_t i = 0; i < len; i++) {
		if (text[i] == '\n')
			assert_int_equal(replay(text, i + 1, NULL), 0);
	}
	free(text);
}

/* Every bit of every byte. */
static void test_any_change_is_a_difference(void **state)
{
	size_t len;
	char *text = make(&len);

	(void)state;
	for (size_t i = 0; i + 1 < len; i++) {
		for (int bit = 0; bit < 8; bit++) {
			text[i] ^= (char)(1 << bit);
			if (replay(text, len, NULL) == 0)
				fail_msg("byte %zu bit %d: %.40s", i, bit, text + i);
			text[i] ^= (char)(1 << bit);
		}
	}
	assert_int_equal(replay(text, len, NULL), 0);
	free(text);
}

static void test_lines_that_are_moved(void **state)
{
	const char *lines[16];
	size_t len, n = 0, lens[16];
	char *text = make(&len), *other = malloc(2 * len);

	(void)state;
	for (char *at = text; at < text + len; at = strchr(at, '\n') + 1) {
		lines[n] = at;
		lens[n++] = (size_t)(strchr(at, '\n') + 1 - at);
	}
	for (size_t i = 0; i < n; i++) {
		size_t before = (size_t)(lines[i] - text), after = before + lens[i];

		/* Left out: that nothing follows is the end of a record. */
		memcpy(other, text, before);
		memcpy(other + before, text + after, len - after);
		if (i + 1 < n)
			assert_int_not_equal(replay(other, len - lens[i], NULL), 0);
		/* Twice. */
		memcpy(other, text, after);
		memcpy(other + after, text + before, len - before);
		assert_int_not_equal(replay(other, len + lens[i], NULL), 0);
	}
	free(other);
	free(text);
}

/* Another decision is told as such. */
static void test_another_decision(void **state)
{
	struct ironclaw_error err = {0};
	size_t len;
	char *text = make(&len), *found = strstr(text, "\"effect\":\"run_call\",\"call\":0");

	(void)state;
	assert_non_null(found);
	found[strlen("\"effect\":\"run_call\",\"call\":")] = '1';
	assert_int_equal(replay(text, len, &err), -ESTALE);
	assert_string_equal(err.text,
			    "line 3: the decision was 'run_call 1', and is 'run_call 0' now");
	free(text);
}

static void test_what_is_no_record(void **state)
{
	static const char *const bad[] = {
		"",
		"\n",
		"{}\n",
		"[]\n",
		"{\"session\":1}\n",
		"{\"session\":2,\"settings\":{\"limits\":{}}}\n",
		"{\"session\":1,\"settings\":{\"limits\":{\"tokens\":-1}}}\n",
		"{\"session\":1,\"session\":1,\"settings\":{\"limits\":{}}}\n",
		"{\"session\": 1,\"settings\":{\"limits\":{}}}\n",
		"{\"event\":\"user\"}\n",
	};
	static const char good[] = "{\"session\":1,\"settings\":{\"limits\":{}}}\n";

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(replay(bad[i], strlen(bad[i]), NULL), -EINVAL);
	assert_int_equal(replay(good, strlen(good), NULL), 0);
}

static void test_file(void **state)
{
	struct record record, other;
	struct stat st;
	size_t len;
	char *text;

	(void)state;
	assert_int_equal(record_create(path, &record, NULL), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(record_create(path, &other, NULL), -EEXIST);
	assert_int_equal(record_add(&record, "one", NULL), 0);
	/* One writer; any number of readers. */
	assert_int_equal(record_open(path, &other, &text, &len, NULL), -EBUSY);
	assert_int_equal(record_read(path, &text, &len, NULL), 0);
	assert_string_equal(text, "one\n");
	free(text);
	assert_int_equal(write(record.fd, "tw", 2), 2);
	record_close(&record);

	/* Half a line is none, and the next one does not end it. */
	assert_int_equal(record_read(path, &text, &len, NULL), 0);
	assert_string_equal(text, "one\n");
	free(text);
	assert_int_equal(record_open(path, &record, &text, &len, NULL), 0);
	assert_string_equal(text, "one\n");
	free(text);
	/* Nothing is lost before it is known to be a record. */
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_size, 6);
	assert_int_equal(record_cut(&record, NULL), 0);
	assert_int_equal(record_add(&record, "two", NULL), 0);
	record_close(&record);
	assert_int_equal(record_read(path, &text, &len, NULL), 0);
	assert_string_equal(text, "one\ntwo\n");
	free(text);
}

static void test_bounds(void **state)
{
	struct record record;
	size_t len;
	char *text;

	(void)state;
	assert_int_equal(record_create(path, &record, NULL), 0);
	record.size_b = RECORD_MAX_B - 4;
	assert_int_equal(record_add(&record, "four", NULL), -EFBIG);
	assert_int_equal(record_add(&record, "fou", NULL), 0);
	record_close(&record);
	assert_int_equal(truncate(path, RECORD_MAX_B + 1), 0);
	assert_int_equal(record_read(path, &text, &len, NULL), -EFBIG);
	assert_int_equal(record_read("/dev/zero", &text, &len, NULL), -EINVAL);
	assert_int_equal(record_read(folder, &text, &len, NULL), -EINVAL);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(record_read(path, &text, &len, NULL), -ENOENT);
	/* A FIFO does not hold anybody up. */
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(record_read(path, &text, &len, NULL), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_replay),
		cmocka_unit_test(test_any_change_is_a_difference),
		cmocka_unit_test(test_lines_that_are_moved),
		cmocka_unit_test(test_another_decision),
		cmocka_unit_test(test_what_is_no_record),
		cmocka_unit_test_setup_teardown(test_file, setup, teardown),
		cmocka_unit_test_setup_teardown(test_bounds, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
