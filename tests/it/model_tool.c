/* SPDX-License-Identifier: Apache-2.0 */
/*
 * model_tool.c - model/http.h as a program, for tests/it/model.bats.
 *
 *	model_tool openai|anthropic REQUEST [OPTION=VALUE...]
 *
 * REQUEST is a JSON file: {"model", "system", "messages", "tools", "max_tokens", "cache", "extra"}.
 * Options: base, key_file, version, beta, ca (texts), clear (1), connect, idle, total (ms), retries
 * (-1: none), deadline, cancel (ms from now), turns (so often every call is answered with "ok" and
 * the model asked again; 0).
 *
 * Prints "text: ...", "reasoning: ...", "call: NAME", "again: ATTEMPT WAIT_MS WHY" as they come,
 *and each reply as a line of JSON. Exit status 1, and the name of the errno and the sentence on
 *stderr.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/http.h"
#include "sys/clock.h"

static uint64_t cancel_us;

static void on_delta(void *ud, enum model_delta kind, const char *text, size_t len)
{
	static const char *const names[] = {
		[MODEL_DELTA_TEXT] = "text",
		[MODEL_DELTA_REASONING] = "reasoning",
		[MODEL_DELTA_CALL] = "call",
	};

	(void)ud;
	if (kind != MODEL_DELTA_ARGUMENTS)
		printf("%s: %.*s\n", names[kind], (int)len, text);
}

static void on_again(void *ud, unsigned int attempt, uint64_t wait_ms, const char *why)
{
	(void)ud;
	printf("again: %u %" PRIu64 " %s\n", attempt, wait_ms, why);
	(void)fflush(stdout);
}

static int on_idle(void *ud)
{
	(void)ud;
	(void)fflush(stdout);
	return cancel_us > 0 && clock_now_us() > cancel_us ? -ECANCELED : 0;
}

static bool set(struct model_provider *p, struct model_watch *watch, long *turns, char *option)
{
	struct {
		const char *name;
		const char **text;
		uint32_t *number;
	} table[] = {
		{"base", &p->base_url, NULL},
		{"key_file", &p->key_file, NULL},
		{"version", &p->anthropic_version, NULL},
		{"beta", &p->anthropic_beta, NULL},
		{"ca", &p->ca_file, NULL},
		{"connect", NULL, &p->connect_timeout_ms},
		{"idle", NULL, &p->idle_timeout_ms},
		{"total", NULL, &p->total_timeout_ms},
		{"retries", NULL, &p->retries},
	};
	char *value = strchr(option, '=');
	long number;

	if (!value)
		return false;
	*value++ = '\0';
	number = strtol(value, NULL, 10);
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		if (strcmp(option, table[i].name) != 0)
			continue;
		if (table[i].text)
			*table[i].text = value;
		else
			*table[i].number = (uint32_t)number;
		return true;
	}
	if (strcmp(option, "clear") == 0)
		p->clear_key = number;
	else if (strcmp(option, "turns") == 0)
		*turns = number;
	else if (strcmp(option, "cancel") == 0)
		cancel_us = clock_now_us() + (uint64_t)number * 1000;
	else if (strcmp(option, "deadline") == 0)
		watch->deadline_us = clock_now_us() + (uint64_t)number * 1000;
	else
		return false;
	return true;
}

static void take(json_t *messages, struct model_reply *reply)
{
	json_t *json = model_reply_json(reply), *call;
	char *text = json_dumps(json, JSON_COMPACT);
	size_t i;

	printf("%s\n", text);
	json_array_append(messages, reply->message);
	json_array_foreach(json_object_get(reply->message, "calls"), i, call)
	{
		json_array_append_new(messages,
				      json_pack("{s:s, s:O, s:s}", "role", "tool", "id",
						json_object_get(call, "id"), "text", "ok"));
	}
	free(text);
	json_decref(json);
	model_reply_done(reply);
}

static int ask(const struct model_provider *p, const struct model_watch *watch, json_t *json,
	       long turns, struct ironclaw_error *err)
{
	json_t *messages = json_object_get(json, "messages");
	struct model_request q = {
		.dialect = p->dialect,
		.model = json_string_value(json_object_get(json, "model")),
		.system = json_string_value(json_object_get(json, "system")),
		.messages = messages,
		.tools = json_object_get(json, "tools"),
		.max_tokens = (uint32_t)json_integer_value(json_object_get(json, "max_tokens")),
		.cache = json_is_true(json_object_get(json, "cache")),
		.extra = json_object_get(json, "extra"),
	};
	struct model_client *client;
	int r = model_client_new(p, &client, err);

	if (r < 0)
		return r;
	printf("url: %s\n", model_client_url(client));
	for (; r == 0 && turns >= 0; turns--) {
		struct model_reply reply;

		r = model_client_ask(client, &q, watch, &reply, err);
		if (r == 0)
			take(messages, &reply);
	}
	model_client_free(client);
	return r;
}

int main(int argc, char **argv)
{
	struct model_watch watch = {.delta = on_delta, .again = on_again, .idle = on_idle};
	struct model_provider p = {0};
	struct ironclaw_error err = {0};
	json_t *json;
	long turns = 0;
	int r;

	if (argc < 3)
		return 2;
	p.dialect = strcmp(argv[1], "anthropic") == 0 ? MODEL_ANTHROPIC : MODEL_OPENAI;
	json = json_load_file(argv[2], 0, NULL);
	for (int i = 3; i < argc; i++) {
		if (!set(&p, &watch, &turns, argv[i]))
			return 2;
	}
	r = json ? ask(&p, &watch, json, turns, &err) : -EINVAL;
	json_decref(json);
	if (r < 0)
		fprintf(stderr, "%s: %s\n", strerrorname_np(-r), err.text);
	return r < 0;
}
