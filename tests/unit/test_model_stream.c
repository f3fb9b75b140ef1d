/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_model_stream.c - replies of models (model/model.h), by transcripts.
 *
 * Each file of tests/fuzz/corpus/model_DIALECT that tests/golden/model/DIALECT.json names is an
 * answer, and that says which reply it must become, or which error; with "whole" it is a document.
 * Every transcript is read at once, byte by byte, and cut in two at every place.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <errno.h>
#include <fcntl.h>

#include <cmocka.h>

#include "model/model.h"
#include "base/utf8.h"
#include "sys/file.h"

#define TURN 7

struct view {
	char text[65536], reasoning[65536];
	size_t text_len, reasoning_len, calls;
};

struct run {
	struct model_stream *stream;
	struct ironclaw_error err;
};

static void on_delta(void *ud, enum model_delta kind, const char *text, size_t len)
{
	struct view *view = ud;
	char *to = kind == MODEL_DELTA_TEXT ? view->text : view->reasoning;
	size_t *n = kind == MODEL_DELTA_TEXT ? &view->text_len : &view->reasoning_len;

	assert_true(len > 0 && utf8_valid(text, len));
	view->calls += kind == MODEL_DELTA_CALL;
	if (kind != MODEL_DELTA_TEXT && kind != MODEL_DELTA_REASONING)
		return;
	assert_true(*n + len <= sizeof(view->text));
	memcpy(to + *n, text, len);
	*n += len;
}

static int on_event(void *ud, const struct sse_event *event)
{
	struct run *run = ud;

	return model_stream_event(run->stream, event, &run->err);
}

/* The transcript in two pieces, or (@cut past its end) byte by byte. */
static int read_stream(struct run *run, const char *text, size_t len, size_t cut)
{
	struct sse_parser p;
	int r = 0;

	sse_init(&p, SSE_EVENT_MAX_B, on_event, run);
	if (cut <= len) {
		r = sse_feed(&p, text, cut, &run->err);
		if (r == 0)
			r = sse_feed(&p, text + cut, len - cut, &run->err);
	} else {
		for (size_t i = 0; i < len && r == 0; i++)
			r = sse_feed(&p, text + i, 1, &run->err);
	}
	if (r == 0)
		r = sse_end(&p, &run->err);
	sse_done(&p);
	return r;
}

static bool same(const json_t *message, const char *key, const char *text, size_t len)
{
	const json_t *s = json_object_get(message, key);

	return json_string_length(s) == len &&
	       (len == 0 || memcmp(json_string_value(s), text, len) == 0);
}

static void compare(const char *name, const struct model_reply *reply, const json_t *want,
		    const struct view *view)
{
	json_t *got = model_reply_json(reply);
	struct model_reply again;

	for (const char *const *key = (const char *const[]){"stop", "message", "usage", NULL}; *key;
	     key++) {
		if (json_object_get(want, *key) &&
		    !json_equal(json_object_get(want, *key), json_object_get(got, *key))) {
			char *dump = json_dumps(got, JSON_INDENT(1));

			print_error("%s: %s is not as wanted in %s\n", name, *key, dump);
			free(dump);
			fail();
		}
	}
	/* What was shown is what was said. */
	assert_true(same(reply->message, "text", view->text, view->text_len));
	assert_true(same(reply->message, "reasoning", view->reasoning, view->reasoning_len));
	assert_int_equal(model_reply_parse(got, &again, NULL), 0);
	assert_true(again.stop == reply->stop && json_equal(again.message, reply->message));
	assert_memory_equal(&again.usage, &reply->usage, sizeof(again.usage));
	model_reply_done(&again);
	json_decref(got);
}

static void check(enum model_dialect dialect, const char *name, const json_t *want,
		  const char *text, size_t len, size_t cut)
{
	static struct view view;
	struct model_stream_options o = {
		.dialect = dialect, .model = "m", .turn = TURN, .delta = on_delta, .ud = &view};
	const char *error = json_string_value(json_object_get(want, "error"));
	struct model_reply reply = {0};
	struct run run = {0};
	int r;

	view.text_len = view.reasoning_len = view.calls = 0;
	assert_int_equal(model_stream_new(&o, &run.stream), 0);
	if (json_is_true(json_object_get(want, "whole")))
		r = model_stream_whole(run.stream, text, len, &run.err);
	else
		r = read_stream(&run, text, len, cut);
	if (r == 0)
		r = model_stream_end(run.stream, &reply, &run.err);
	if (error) {
		if (r == 0 || strcmp(strerrorname_np(-r), error) != 0)
			print_error("%s: %s\n", name, r < 0 ? strerrorname_np(-r) : "a reply");
		assert_true(r < 0);
		assert_string_equal(strerrorname_np(-r), error);
		assert_int_equal(run.err.errnum, -r);
		assert_true(run.err.text[0] != '\0');
		assert_null(reply.message);
	} else {
		if (r < 0)
			print_error("%s: %s\n", name, run.err.text);
		assert_int_equal(r, 0);
		compare(name, &reply, want, &view);
	}
	model_reply_done(&reply);
	model_stream_free(run.stream);
}

static void check_all(enum model_dialect dialect, const char *dialect_name)
{
	char path[512];
	json_t *all, *want;
	const char *name;
	size_t n = 0;

	(void)snprintf(path, sizeof(path), TEST_DATA "/golden/model/%s.json", dialect_name);
	all = json_load_file(path, JSON_ALLOW_NUL, NULL);
	assert_true(json_object_size(all) > 30);
	json_object_foreach(all, name, want)
	{
		char *text;
		size_t len;

		(void)snprintf(path, sizeof(path), TEST_DATA "/fuzz/corpus/model_%s/%s",
			       dialect_name, name);
		assert_int_equal(file_read_bounded(AT_FDCWD, path, 100000, &text, &len), 0);
		for (size_t cut = 0; cut <= len + 1; cut++)
			check(dialect, name, want, text, len, cut);
		free(text);
		n++;
	}
	print_message("%zu transcripts\n", n);
	json_decref(all);
}

static void test_openai(void **state)
{
	(void)state;
	check_all(MODEL_OPENAI, "openai");
}

static void test_anthropic(void **state)
{
	(void)state;
	check_all(MODEL_ANTHROPIC, "anthropic");
}

/* A stream that is never complete: @make writes event number @n. Returns how it ended. */
static int flood(enum model_dialect dialect, int (*make)(char *to, size_t size, int n))
{
	struct model_stream_options o = {.dialect = dialect, .model = "m"};
	static char text[70000];
	struct model_stream *s;
	int r = 0;

	assert_int_equal(model_stream_new(&o, &s), 0);
	for (int n = 0; r == 0; n++) {
		struct sse_event event = {.type = "message", .data = text};

		assert_true(n < 10000000);
		event.len = (size_t)make(text, sizeof(text), n);
		r = model_stream_event(s, &event, NULL);
	}
	model_stream_free(s);
	return r;
}

static int many_calls(char *to, size_t size, int n)
{
	return snprintf(to, size,
			"{\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":%d,\"id\":\"i%d\","
			"\"function\":{\"name\":\"x\"}}]}}]}",
			n, n);
}

static int long_text(char *to, size_t size, int n)
{
	(void)n;
	return snprintf(to, size, "{\"choices\":[{\"delta\":{\"content\":\"%060000d\"}}]}", 0);
}

static int long_reasoning(char *to, size_t size, int n)
{
	return snprintf(to, size,
			"{\"choices\":[{\"delta\":{\"reasoning_details\":[{\"type\":\"%d\","
			"\"text\":\"%01000d\"}]}}]}",
			n % 3, 0);
}

static int many_blocks(char *to, size_t size, int n)
{
	return snprintf(to, size,
			"{\"type\":\"content_block_start\",\"index\":%d,\"content_block\":"
			"{\"type\":\"odd\"}}",
			n);
}

static int long_signature(char *to, size_t size, int n)
{
	return snprintf(to, size,
			n == 0 ? "{\"type\":\"content_block_start\",\"index\":0,"
				 "\"content_block\":{\"type\":\"thinking\"}}"
			       : "{\"type\":\"content_block_delta\",\"index\":0,\"delta\":"
				 "{\"type\":\"signature_delta\",\"signature\":\"%060000d\"}}",
			0);
}

static void test_bounds(void **state)
{
	(void)state;
	assert_int_equal(flood(MODEL_OPENAI, many_calls), -EPROTO);
	assert_int_equal(flood(MODEL_OPENAI, long_text), -EPROTO);
	assert_int_equal(flood(MODEL_OPENAI, long_reasoning), -EPROTO);
	assert_int_equal(flood(MODEL_ANTHROPIC, many_blocks), -EPROTO);
	assert_int_equal(flood(MODEL_ANTHROPIC, long_signature), -EPROTO);
}

/* Whatever a server says of tokens, the reply that was taken down is the one that is read again. */
static void test_usage(void **state)
{
	static const char *const numbers[] = {"7", "1099511627776", "1099511627777",
					      "9223372036854775807", "-1"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
		struct model_stream_options o = {.model = "m", .dialect = MODEL_ANTHROPIC};
		struct model_reply reply, again;
		struct model_stream *s;
		char text[512];
		json_t *json;

		(void)snprintf(
			text, sizeof(text),
			"{\"content\":[],\"usage\":{\"input_tokens\":%s,\"output_tokens\":%s,"
			"\"cache_read_input_tokens\":%s,\"cache_creation_input_tokens\":%s}}",
			numbers[i], numbers[i], numbers[i], numbers[i]);
		assert_int_equal(model_stream_new(&o, &s), 0);
		assert_int_equal(model_stream_whole(s, text, strlen(text), NULL), 0);
		assert_int_equal(model_stream_end(s, &reply, NULL), 0);
		model_stream_free(s);
		json = model_reply_json(&reply);
		assert_int_equal(model_reply_parse(json, &again, NULL), 0);
		assert_memory_equal(&again.usage, &reply.usage, sizeof(again.usage));
		assert_int_equal(reply.usage.output, i == 0 ? 7 : i == 1 ? MODEL_TOKENS_MAX : 0);
		json_decref(json);
		model_reply_done(&reply);
		model_reply_done(&again);
	}
}

static void test_errors_are_tame(void **state)
{
	struct sse_event event = {.type = "message"};
	struct model_stream_options o = {.model = "m"};
	struct ironclaw_error err = {0};
	struct model_stream *s;

	(void)state;
	event.data = "{\"error\":{\"message\":\"\\u001b[2Jcleared\\n\",\"type\":\"t\"}}";
	event.len = strlen(event.data);
	assert_int_equal(model_stream_new(&o, &s), 0);
	assert_int_equal(model_stream_event(s, &event, &err), -EAGAIN);
	assert_string_equal(err.text, "the model's server failed: t: \\x1b[2Jcleared\\n");
	model_stream_free(s);
}

static void test_error_text(void **state)
{
	static const struct {
		const char *body, *want;
		bool final;
	} cases[] = {
		{"{\"error\":{\"message\":\"m\",\"code\":null}}", "m", false},
		{"{\"error\":{\"message\":\"m\",\"code\":\"insufficient_quota\"}}", "m", true},
		{"{\"type\":\"error\",\"error\":{\"type\":\"billing_error\",\"message\":\"m\"}}",
		 "m", true},
		{"{\"error\":\"text\"}", "text", false},
		{"{\"message\":\"text\"}", "text", false},
		{"{\"detail\":\"text\"}", "text", false},
		{"{\"detail\":[{\"msg\":\"text\"}]}", "text", false},
		{"<html><head><TITLE>502 Bad\x1b Gateway</title></head>", "502 Bad\\x1b Gateway",
		 false},
		{"  plain\n", "plain\\n", false},
		{"{\"ok\":1}", "{\"ok\":1}", false},
		{"", "", false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char text[64];
		bool final = !cases[i].final;

		model_error_text(cases[i].body, strlen(cases[i].body), text, sizeof(text), &final);
		assert_string_equal(text, cases[i].want);
		assert_int_equal(final, cases[i].final);
	}
}

static void test_arguments(void **state)
{
	static const struct {
		const char *text;
		bool object;
	} cases[] = {
		{"{}", true},		{"", true},
		{"{\"a\": [1]}", true}, {"[1]", false},
		{"null", false},	{"{\"a\"", false},
		{"{} {}", false},	{"{\"a\":1,\"a\":2}", false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		json_t *call = json_pack("{s:s}", "arguments", cases[i].text);
		struct ironclaw_error err = {0};
		json_t *object = model_call_arguments(call, &err);

		assert_int_equal(json_is_object(object), cases[i].object);
		assert_int_equal(err.text[0] == '\0', cases[i].object);
		json_decref(object);
		json_decref(call);
	}
}

static void test_replies_that_are_none(void **state)
{
	static const char *const cases[] = {
		"{}",
		"[]",
		"{'stop':'end'}",
		"{'stop':'never','message':{'role':'assistant','text':''}}",
		"{'stop':'end','message':{'role':'user','text':''}}",
		"{'stop':'end','message':{'role':'assistant'}}",
		"{'stop':'tools','message':{'role':'assistant','text':''}}",
		"{'stop':'end','message':{'role':'assistant','text':'','calls':[{}]}}",
		"{'stop':'tools','message':{'role':'assistant','text':'','calls':[1]}}",
		"{'stop':'tools','message':{'role':'assistant','text':'','calls':[{'id':'1',"
		"'arguments':''}]}}",
		"{'stop':'tools','message':{'role':'assistant','text':'','calls':[{'id':'1',"
		"'name':'x'}]}}",
		"{'stop':'end','message':{'role':'assistant','text':'','calls':{}}}",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char text[128];
		struct model_reply reply;
		json_t *json;

		(void)snprintf(text, sizeof(text), "%s", cases[i]);
		for (char *c = text; *c; c++)
			*c = *c == '\'' ? '"' : *c;
		json = json_loads(text, 0, NULL);
		assert_non_null(json);
		assert_int_equal(model_reply_parse(json, &reply, NULL), -EINVAL);
		json_decref(json);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_openai),
		cmocka_unit_test(test_anthropic),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_usage),
		cmocka_unit_test(test_errors_are_tame),
		cmocka_unit_test(test_error_text),
		cmocka_unit_test(test_arguments),
		cmocka_unit_test(test_replies_that_are_none),
	};

	return cmocka_run_group_tests_name("model_stream", tests, NULL, NULL);
}
