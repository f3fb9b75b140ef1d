/* SPDX-License-Identifier: Apache-2.0 */
/* test_model_request.c - requests to models (model/model.h). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <errno.h>

#include <cmocka.h>

#include "model/model.h"

/* Texts of tests have ' where JSON has ". */
static json_t *load(const char *text)
{
	char *copy = strdup(text);
	json_t *json;

	assert_non_null(copy);
	for (char *c = copy; *c; c++)
		*c = *c == '\'' ? '"' : *c;
	json = json_loads(copy, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
	if (!json)
		print_error("not JSON: %s\n", copy);
	assert_non_null(json);
	free(copy);
	return json;
}

static int make(const struct model_request *q, const char *messages, json_t **ret)
{
	struct model_request full = *q;
	json_t *list = load(messages);
	struct ironclaw_error err = {0};
	char *text = NULL;
	size_t len = 0;
	int r;

	full.model = q->model ? q->model : "m";
	full.messages = list;
	r = model_request_body(&full, &text, &len, &err);
	assert_true((r == 0) == (text != NULL) && (r == 0) == (err.text[0] == '\0'));
	*ret = text ? json_loadb(text, len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL) : NULL;
	assert_true(r < 0 || *ret);
	free(text);
	json_decref(list);
	return r;
}

static void check_json(json_t *got, const char *want)
{
	json_t *json = load(want);

	if (!json_equal(got, json)) {
		char *dump = json_dumps(got, JSON_ENCODE_ANY);

		print_error("got    %s\nwanted %s\n", dump, want);
		free(dump);
	}
	assert_true(json_equal(got, json));
	json_decref(json);
}

static void check(const struct model_request *q, const char *messages, const char *want)
{
	json_t *body;

	assert_int_equal(make(q, messages, &body), 0);
	check_json(body, want);
	json_decref(body);
}

static void check_messages(enum model_dialect dialect, const char *messages, const char *want)
{
	struct model_request q = {.dialect = dialect};
	json_t *body;

	assert_int_equal(make(&q, messages, &body), 0);
	check_json(json_object_get(body, "messages"), want);
	json_decref(body);
}

static void refuses(const struct model_request *q, const char *messages)
{
	json_t *body;

	assert_int_equal(make(q, messages, &body), -EINVAL);
}

#define HI   "[{'role':'user','text':'hi'}]"
#define CALL "{'id':'a','name':'a','arguments':''}"
#define CALLS                                                                                      \
	"'calls':[{'id':'a','name':'read','arguments':'{}'},{'id':'b','name':'ls','arguments':'{}" \
	"'}]"

static void test_whole_bodies(void **state)
{
	json_t *tools = load("[{'name':'read','description':'d','schema':{'type':'object',"
			     "'properties':{'path':{'type':'string'}},'required':['path']}}]");
	json_t *extra = load("{'reasoning_effort':'high'}");
	struct model_request q = {.system = "s", .tools = tools, .max_tokens = 5, .extra = extra};

	(void)state;
	check(&q, HI,
	      "{'model':'m','messages':[{'role':'system','content':'s'},"
	      "{'role':'user','content':'hi'}],'tools':[{'type':'function','function':"
	      "{'name':'read','description':'d','parameters':{'type':'object',"
	      "'properties':{'path':{'type':'string'}},'required':['path']}}}],"
	      "'max_completion_tokens':5,'stream':true,'stream_options':{'include_usage':true},"
	      "'reasoning_effort':'high'}");
	q = (struct model_request){.max_tokens = 5, .old_max_tokens = true};
	check(&q, HI,
	      "{'model':'m','messages':[{'role':'user','content':'hi'}],'max_tokens':5,"
	      "'stream':true,'stream_options':{'include_usage':true}}");
	q = (struct model_request){.dialect = MODEL_ANTHROPIC, .system = "s", .tools = tools};
	check(&q, HI,
	      "{'model':'m','system':[{'type':'text','text':'s'}],'tools':[{'name':'read',"
	      "'description':'d','input_schema':{'type':'object','properties':{'path':"
	      "{'type':'string'}},'required':['path']}}],'messages':[{'role':'user','content':"
	      "[{'type':'text','text':'hi'}]}],'max_tokens':16384,'stream':true}");
	json_decref(tools);
	json_decref(extra);
}

static void test_cache_marks(void **state)
{
	json_t *tools = load("[{'name':'a','schema':{}},{'name':'b','schema':{}}]"), *body;
	struct model_request q = {.dialect = MODEL_ANTHROPIC,
				  .system = "s",
				  .tools = tools,
				  .cache = true};

	(void)state;
	assert_int_equal(make(&q, HI, &body), 0);
	check_json(json_object_get(body, "system"),
		   "[{'type':'text','text':'s','cache_control':{'type':'ephemeral'}}]");
	check_json(json_object_get(body, "messages"),
		   "[{'role':'user','content':[{'type':'text','text':'hi',"
		   "'cache_control':{'type':'ephemeral'}}]}]");
	json_decref(body);
	q.system = NULL;
	assert_int_equal(make(&q, HI, &body), 0);
	assert_null(json_object_get(json_array_get(json_object_get(body, "tools"), 0),
				    "cache_control"));
	assert_non_null(json_object_get(json_array_get(json_object_get(body, "tools"), 1),
					"cache_control"));
	json_decref(body);
	json_decref(tools);
}

static void test_turns(void **state)
{
	static const char messages[] =
		"[{'role':'user','text':'hi'},{'role':'assistant','text':'I look.'," CALLS "},"
		"{'role':'tool','id':'b','text':'no','failed':true},"
		"{'role':'tool','id':'a','text':'yes'},"
		"{'role':'user','text':'and?'},{'role':'assistant','text':'done'},"
		"{'role':'user','text':'x'},{'role':'user','text':'y'}]";

	(void)state;
	check_messages(MODEL_OPENAI, messages,
		       "[{'role':'user','content':'hi'},{'role':'assistant','content':'I look.',"
		       "'tool_calls':[{'id':'a','type':'function','function':{'name':'read',"
		       "'arguments':'{}'}},{'id':'b','type':'function','function':{'name':'ls',"
		       "'arguments':'{}'}}]},{'role':'tool','tool_call_id':'a','content':'yes'},"
		       "{'role':'tool','tool_call_id':'b','content':'Error: no'},"
		       "{'role':'user','content':'and?'},{'role':'assistant','content':'done'},"
		       "{'role':'user','content':'x'},{'role':'user','content':'y'}]");
	check_messages(
		MODEL_ANTHROPIC, messages,
		"[{'role':'user','content':[{'type':'text','text':'hi'}]},{'role':'assistant',"
		"'content':[{'type':'text','text':'I "
		"look.'},{'type':'tool_use','id':'ironclaw_1_0',"
		"'name':'read','input':{}},{'type':'tool_use','id':'ironclaw_1_1','name':'ls',"
		"'input':{}}]},{'role':'user','content':[{'type':'tool_result',"
		"'tool_use_id':'ironclaw_1_0','content':'yes'},{'type':'tool_result',"
		"'tool_use_id':'ironclaw_1_1','content':'no',"
		"'is_error':true},{'type':'text','text':'and?'}]},{'role':'assistant','content':"
		"[{'type':'text','text':'done'}]},{'role':'user','content':[{'type':'text',"
		"'text':'x'},{'type':'text','text':'y'}]}]");
}

/* What a session that was interrupted left open is closed. */
static void test_missing_results(void **state)
{
	static const char messages[] = "[{'role':'user','text':'hi'},{'role':'assistant',"
				       "'text':''," CALLS "},{'role':'tool','id':'b',"
				       "'text':'yes'}]";
	struct model_request q = {.dialect = MODEL_OPENAI};
	json_t *body, *list;

	(void)state;
	for (; q.dialect <= MODEL_ANTHROPIC; q.dialect++) {
		json_t *result;
		bool openai = q.dialect == MODEL_OPENAI;

		assert_int_equal(make(&q, messages, &body), 0);
		list = json_object_get(body, "messages");
		result =
			openai ? json_array_get(list, 2)
			       : json_array_get(json_object_get(json_array_get(list, 2), "content"),
						0);
		assert_string_equal(json_string_value(
					    json_object_get(result, openai ? "tool_call_id"
									   : "tool_use_id")),
				    openai ? "a" : "ironclaw_1_0");
		assert_non_null(strstr(json_string_value(json_object_get(result, "content")),
				       "interrupted"));
		assert_true(openai || json_is_true(json_object_get(result, "is_error")));
		json_decref(body);
	}
}

/* What a model wrote that an API would refuse when it comes back. */
static void test_odd_calls(void **state)
{
	static const char messages[] =
		"[{'role':'assistant','text':'','calls':["
		"{'id':'a','name':'no such\\u0000tool!','arguments':'{\\\"p'},"
		"{'id':'b','name':'','arguments':'[1]'}]}]";

	(void)state;
	check_messages(
		MODEL_ANTHROPIC, messages,
		"[{'role':'assistant','content':[{'type':'tool_use','id':'ironclaw_0_0','name':"
		"'no_such_tool_','input':{'invalid_arguments':'{\\\"p'}},{'type':'tool_use',"
		"'id':'ironclaw_0_1','name':'_','input':{'invalid_arguments':'[1]'}}]},{'role':'"
		"user',"
		"'content':[{'type':'tool_result','tool_use_id':'ironclaw_0_0','is_error':true,"
		"'content':'The session was interrupted before the result of this call was "
		"there.'},{'type':'tool_result','tool_use_id':'ironclaw_0_1','is_error':true,"
		"'content':'The session was interrupted before the result of this call was "
		"there.'}]}]");
}

/* Another server's ids: of any characters, and the same ones in each turn. */
static void test_foreign_ids(void **state)
{
	static const char messages[] =
		"[{'role':'user','text':'hi'},{'role':'assistant','text':'','calls':[{'id':'ls:0',"
		"'name':'ls','arguments':''}]},{'role':'tool','id':'ls:0','text':'x'},"
		"{'role':'assistant','text':'','calls':[{'id':'ls:0','name':'ls','arguments':''}]},"
		"{'role':'tool','id':'ls:0','text':'y'}]";

	(void)state;
	check_messages(
		MODEL_ANTHROPIC, messages,
		"[{'role':'user','content':[{'type':'text','text':'hi'}]},{'role':'assistant',"
		"'content':[{'type':'tool_use','id':'ironclaw_1_0','name':'ls','input':{}}]},"
		"{'role':'user','content':[{'type':'tool_result','tool_use_id':'ironclaw_1_0',"
		"'content':'x'}]},{'role':'assistant','content':[{'type':'tool_use','id':"
		"'ironclaw_3_0','name':'ls','input':{}}]},{'role':'user','content':[{'type':"
		"'tool_result','tool_use_id':'ironclaw_3_0','content':'y'}]}]");
}

static void test_kept(void **state)
{
	static const char thinking[] =
		"[{'role':'user','text':'hi'},{'role':'assistant','text':'t','reasoning':'r',"
		"'calls':[{'id':'a','name':'ls','arguments':'{}'}],'kept':{'dialect':'anthropic',"
		"'model':'m','content':[{'type':'thinking','thinking':'r','signature':'s=='},"
		"{'type':'odd'},{'type':'text','text':'t'},{'type':'tool_use','id':'a',"
		"'name':'ls','input':{}}]}},{'role':'tool','id':'a','text':'x'}]";
	static const char reasoning[] =
		"[{'role':'user','text':'hi'},{'role':'assistant','text':'','calls':[{'id':'a',"
		"'name':'ls','arguments':'{}'}],'kept':{'dialect':'openai','model':'m',"
		"'reasoning_content':'r'}},{'role':'tool','id':'a','text':'x'},"
		"{'role':'assistant','text':'done','kept':{'dialect':'openai','model':'m',"
		"'reasoning_content':'r2'}},{'role':'user','text':'and?'}]";
	struct model_request q = {.dialect = MODEL_ANTHROPIC};
	json_t *body, *message;

	(void)state;
	assert_int_equal(make(&q, thinking, &body), 0);
	check_json(json_object_get(json_array_get(json_object_get(body, "messages"), 1), "content"),
		   "[{'type':'thinking','thinking':'r','signature':'s=='},{'type':'odd'},"
		   "{'type':'text','text':'t'},{'type':'tool_use','id':'a','name':'ls',"
		   "'input':{}}]");
	json_decref(body);
	/* Not to another model, nor in the other dialect. */
	for (int i = 0; i < 2; i++) {
		char *text;

		q.model = i == 0 ? "other" : "m";
		q.dialect = i == 0 ? MODEL_ANTHROPIC : MODEL_OPENAI;
		assert_int_equal(make(&q, thinking, &body), 0);
		text = json_dumps(body, 0);
		assert_null(strstr(text, "s=="));
		assert_null(strstr(text, "odd"));
		assert_non_null(strstr(text, "\"ls\""));
		free(text);
		json_decref(body);
	}
	/* Reasoning goes back with calls, and only with them. */
	assert_int_equal(make(&q, reasoning, &body), 0);
	message = json_array_get(json_object_get(body, "messages"), 1);
	assert_string_equal(json_string_value(json_object_get(message, "reasoning_content")), "r");
	message = json_array_get(json_object_get(body, "messages"), 3);
	assert_non_null(json_object_get(message, "content"));
	assert_null(json_object_get(message, "reasoning_content"));
	json_decref(body);
}

static void test_empty_messages_are_left_out(void **state)
{
	static const char messages[] = "[{'role':'user','text':'hi'},{'role':'assistant',"
				       "'text':''},{'role':'user','text':'go on'}]";

	(void)state;
	check_messages(MODEL_OPENAI, messages,
		       "[{'role':'user','content':'hi'},{'role':'user','content':'go on'}]");
	check_messages(MODEL_ANTHROPIC, messages,
		       "[{'role':'user','content':[{'type':'text','text':'hi'},"
		       "{'type':'text','text':'go on'}]}]");
}

static void test_refused_messages(void **state)
{
	static const char *const cases[] = {
		"[]",
		"{}",
		"[1]",
		"[{'role':'user'}]",
		"[{'role':'system','text':''}]",
		"[{'role':'tool','id':'a','text':'x'}]",
		"[{'role':'user','text':'x'},{'role':'tool','id':'a','text':'x'}]",
		"[{'role':'assistant','text':''," CALLS "},{'role':'tool','id':'c','text':'x'}]",
		"[{'role':'assistant','text':''," CALLS "},{'role':'tool','id':'a','text':'x'},"
		"{'role':'tool','id':'a','text':'x'}]",
		"[{'role':'assistant','text':''," CALLS "},{'role':'user','text':'x'},"
		"{'role':'tool','id':'a','text':'x'}]",
		"[{'role':'assistant','text':'','calls':[{'id':'','name':'a','arguments':''}]}]",
		"[{'role':'assistant','text':'','calls':[{'id':'a','arguments':''}]}]",
		"[{'role':'assistant','text':'','calls':[{'id':'a','name':'a','arguments':{}}]}]",
		"[{'role':'assistant','text':'','calls':[" CALL "," CALL "]}]",
	};
	struct model_request q = {.dialect = MODEL_OPENAI};

	(void)state;
	for (; q.dialect <= MODEL_ANTHROPIC; q.dialect++) {
		for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
			refuses(&q, cases[i]);
		q.system = "\xff";
		refuses(&q, HI);
		q.system = NULL;
	}
}

static void test_extra(void **state)
{
	static const struct {
		const char *extra;
		bool openai, anthropic;
	} cases[] = {
		{"{'service_tier':'x'}", true, true},
		{"{'temperature':1}", true, false},
		{"{'top_k':1}", true, false},
		{"{'thinking':{'type':'adaptive'}}", true, true},
		{"{'model':'x'}", false, false},
		{"{'messages':[]}", false, false},
		{"{'stream':false}", false, false},
		{"{'max_tokens':1}", false, false},
		{"{'max_completion_tokens':1}", true, true},
		{"[]", false, false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		json_t *extra = load(cases[i].extra), *body;
		struct model_request q = {.extra = extra};

		assert_int_equal(make(&q, HI, &body), cases[i].openai ? 0 : -EINVAL);
		json_decref(body);
		q.dialect = MODEL_ANTHROPIC;
		assert_int_equal(make(&q, HI, &body), cases[i].anthropic ? 0 : -EINVAL);
		json_decref(body);
		json_decref(extra);
	}
}

/* A schema of a stranger's tool must not make every request fail. */
static void test_tools(void **state)
{
	static const char *const bad[] = {"[{'schema':{}}]", "[{'name':'','schema':{}}]",
					  "[{'name':'a.b','schema':{}}]", "[{'name':'a'}]",
					  "[{'name':'a','schema':[]}]"};
	json_t *tools = load("[{'name':'a','schema':{'type':'array','oneOf':[],'anyOf':[],"
			     "'allOf':[],'x':1}}]"),
	       *body;
	struct model_request q = {.tools = tools};
	char name[131];

	(void)state;
	assert_int_equal(make(&q, HI, &body), 0);
	check_json(json_object_get(body, "tools"),
		   "[{'type':'function','function':{'name':'a','description':'','parameters':"
		   "{'type':'object','properties':{},'x':1}}}]");
	json_decref(body);
	json_decref(tools);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		q.tools = tools = load(bad[i]);
		refuses(&q, HI);
		json_decref(tools);
	}
	for (size_t len = 64; len <= 129; len++) {
		memset(name, 'a', len);
		name[len] = '\0';
		q.tools = tools = json_pack("[{s:s, s:{}}]", "name", name, "schema");
		q.dialect = MODEL_OPENAI;
		assert_int_equal(make(&q, HI, &body), len <= 64 ? 0 : -EINVAL);
		json_decref(body);
		q.dialect = MODEL_ANTHROPIC;
		assert_int_equal(make(&q, HI, &body), len <= 128 ? 0 : -EINVAL);
		json_decref(body);
		json_decref(tools);
	}
}

/* A bound on bytes is none on memory: "[]," a hundred times as much. */
static void test_costly_arguments(void **state)
{
	enum { BOUND = 1 << 17, EMPTY_B = 3 };
	struct ironclaw_error err = {0};
	size_t len = strlen("{\"a\":[");
	char *text = malloc(16 + EMPTY_B * BOUND);
	json_t *call, *arguments;

	(void)state;
	assert_non_null(text);
	memcpy(text, "{\"a\":[", len);
	for (size_t i = 0; i < BOUND / 2 - 2; i++, len += EMPTY_B)
		memcpy(text + len, "[],", EMPTY_B);
	memcpy(text + len, "0]}", 4);
	call = json_pack("{s:s}", "arguments", text);
	arguments = model_call_arguments(call, &err);
	assert_non_null(arguments);
	json_decref(arguments);
	json_decref(call);

	/* A few more. */
	len = strlen(text) - 3;
	for (size_t i = 0; i < 4; i++, len += EMPTY_B)
		memcpy(text + len, "[],", EMPTY_B);
	memcpy(text + len, "0]}", 4);
	call = json_pack("{s:s}", "arguments", text);
	assert_null(model_call_arguments(call, &err));
	assert_non_null(strstr(err.text, "too many values"));
	json_decref(call);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole_bodies),
		cmocka_unit_test(test_costly_arguments),
		cmocka_unit_test(test_cache_marks),
		cmocka_unit_test(test_turns),
		cmocka_unit_test(test_missing_results),
		cmocka_unit_test(test_odd_calls),
		cmocka_unit_test(test_foreign_ids),
		cmocka_unit_test(test_kept),
		cmocka_unit_test(test_empty_messages_are_left_out),
		cmocka_unit_test(test_refused_messages),
		cmocka_unit_test(test_extra),
		cmocka_unit_test(test_tools),
	};

	return cmocka_run_group_tests_name("model_request", tests, NULL, NULL);
}
