/* SPDX-License-Identifier: Apache-2.0 */
/*
 * conformance_input.c - tools that answer a modern client with the input they need first.
 *
 * What a tool must know in the next round is in requestState: the number of the round, with a MAC
 * over it and the tool's name.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "conformance.h"

#define NOTHING	  "{\"type\":\"object\",\"properties\":{},\"additionalProperties\":false}"
#define STATE_LEN (1 + 2 * crypto_auth_BYTES)

static void make_state(const char *tool, char round, char ret[STATE_LEN + 1])
{
	static unsigned char key[crypto_auth_KEYBYTES];
	static bool have_key;
	unsigned char mac[crypto_auth_BYTES];
	cleanup_free char *text = NULL;

	if (!have_key)
		crypto_auth_keygen(key);
	have_key = true;
	if (asprintf(&text, "%c%s", round, tool) < 0)
		abort();
	(void)crypto_auth(mac, (const unsigned char *)text, strlen(text), key);
	ret[0] = round;
	(void)sodium_bin2hex(ret + 1, STATE_LEN, mac, sizeof(mac));
}

/* The round that a call's state is of: '0' without one, 0 for a forged one. */
static char round_of(const struct job *job)
{
	const json_t *given = json_object_get(mcp_call_params(job->call), "requestState");
	char state[STATE_LEN + 1];

	if (!given)
		return '0';
	if (!json_is_string(given))
		return 0;
	make_state(job->fixture->tool.name, json_string_value(given)[0], state);
	return strcmp(json_string_value(given), state) == 0 ? state[0] : 0;
}

const json_t *input_round(struct mcp_call *call, const char *key, bool *ret_refused)
{
	const json_t *all = json_object_get(mcp_call_params(call), "inputResponses");
	const json_t *one = json_object_get(all, key);

	*ret_refused = all && !json_is_object(all);
	if (*ret_refused)
		mcp_call_error(call, JSONRPC_INVALID_PARAMS, "inputResponses is no object", NULL);
	return json_is_object(one) ? one : NULL;
}

json_t *input_elicit(const char *message, const char *property, const char *type)
{
	return json_pack("{s:s,s:{s:s,s:{s:s,s:{s:{s:s}},s:[s]}}}", "method", "elicitation/create",
			 "params", "message", message, "requestedSchema", "type", "object",
			 "properties", property, "type", type, "required", property);
}

static json_t *sample(const char *text)
{
	return json_pack("{s:s,s:{s:[{s:s,s:{s:s,s:s}}],s:i}}", "method", "sampling/createMessage",
			 "params", "messages", "role", "user", "content", "type", "text", "text",
			 text, "maxTokens", 100);
}

static json_t *list_roots(void)
{
	return json_pack("{s:s,s:{}}", "method", "roots/list", "params");
}

/* One round with one request. Frees @request when it is not needed. */
static void one_round(struct job *job, const char *key, json_t *request, bool with_state,
		      const char *text)
{
	struct mcp_call *call = job->call;
	char state[STATE_LEN + 1];
	bool refused, forged = with_state && round_of(job) == 0;
	const json_t *response = input_round(call, key, &refused);

	make_state(job->fixture->tool.name, '1', state);
	over(job);
	if (!refused && forged)
		mcp_call_error(call, JSONRPC_INVALID_PARAMS, "requestState is not ours", NULL);
	else if (!refused && response)
		mcp_call_finish_text(call, text, strlen(text), false);
	else if (!refused)
		mcp_call_need_input(call, json_pack("{s:O}", key, request),
				    with_state ? state : NULL);
	json_decref(request);
}

static void elicit(struct job *job)
{
	one_round(job, "user_name", input_elicit("What is your name?", "name", "string"), false,
		  "Hello!");
}

static void sampling(struct job *job)
{
	one_round(job, "capital_question", sample("What is the capital of France?"), false,
		  "The model has answered.");
}

static void roots(struct job *job)
{
	one_round(job, "client_roots", list_roots(), false, "The roots have come.");
}

static void with_state(struct job *job)
{
	one_round(job, "confirm", input_elicit("Please confirm", "ok", "boolean"), true,
		  "state-ok");
}

static void several(struct job *job)
{
	struct mcp_call *call = job->call;
	char state[STATE_LEN + 1];
	const json_t *given = json_object_get(mcp_call_params(call), "inputResponses");
	char round = round_of(job);

	make_state(job->fixture->tool.name, '1', state);
	over(job);
	if (round == 0)
		mcp_call_error(call, JSONRPC_INVALID_PARAMS, "requestState is not ours", NULL);
	else if (json_object_get(given, "user_name") && json_object_get(given, "greeting") &&
		 json_object_get(given, "client_roots"))
		mcp_call_finish_text(call, "All have come.", 14, false);
	else
		mcp_call_need_input(call,
				    json_pack("{s:o,s:o,s:o}", "user_name",
					      input_elicit("What is your name?", "name", "string"),
					      "greeting", sample("Generate a greeting"),
					      "client_roots", list_roots()),
				    state);
}

static void two_rounds(struct job *job)
{
	struct mcp_call *call = job->call;
	const json_t *given = json_object_get(mcp_call_params(call), "inputResponses");
	char state[STATE_LEN + 1], round = round_of(job);
	bool first = round == '0' || !json_object_get(given, round == '1' ? "step1" : "step2");

	if (!first && round == '2') {
		finish(job, "Both steps are done.");
		return;
	}
	make_state(job->fixture->tool.name, first ? '1' : '2', state);
	over(job);
	if (round == 0)
		mcp_call_error(call, JSONRPC_INVALID_PARAMS, "requestState is not ours", NULL);
	else if (first)
		mcp_call_need_input(call,
				    json_pack("{s:o}", "step1",
					      input_elicit("Step 1: What is your name?", "name",
							   "string")),
				    state);
	else
		mcp_call_need_input(call,
				    json_pack("{s:o}", "step2",
					      input_elicit("Step 2: What is your favorite color?",
							   "color", "string")),
				    state);
}

static void what_it_can(struct job *job)
{
	struct mcp_call *call = job->call;
	json_t *requests = json_object();

	if (mcp_call_client_can(call, "sampling"))
		json_object_set_new(requests, "greeting", sample("Generate a greeting"));
	if (mcp_call_client_can(call, "elicitation"))
		json_object_set_new(requests, "user_name",
				    input_elicit("What is your name?", "name", "string"));
	over(job);
	mcp_call_need_input(call, requests, NULL);
}

#define TOOL(n, what, run)                                                                         \
	{                                                                                          \
		.tool = {.name = n, .description = what, .input_schema = NOTHING}, .step = run     \
	}

const struct fixture input_fixtures[] = {
	TOOL("test_missing_capability", "Needs the model.", sampling),
	TOOL("test_streaming_elicitation", "Asks for a name.", elicit),
	TOOL("test_input_required_result_elicitation", "Asks for a name.", elicit),
	TOOL("test_input_required_result_sampling", "Asks the model.", sampling),
	TOOL("test_input_required_result_list_roots", "Asks for the roots.", roots),
	TOOL("test_input_required_result_request_state", "Keeps a state.", with_state),
	TOOL("test_input_required_result_tampered_state", "Keeps a state.", with_state),
	TOOL("test_input_required_result_multiple_inputs", "Asks for all.", several),
	TOOL("test_input_required_result_multi_round", "Asks twice.", two_rounds),
	TOOL("test_input_required_result_capabilities", "Asks what it can.", what_it_can),
};
const size_t n_input_fixtures = ARRAY_SIZE(input_fixtures);
