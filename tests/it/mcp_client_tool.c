/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mcp_client_tool.c - opens one server of a configuration and uses it, for tests/it/mcp-client.bats
 * and the conformance suite.
 *
 *   mcp_client_tool [-v IMAGE] [-w FOLDER] [-t MS] [-T TOTAL_MS] [-k] [-C MS] CONFIG SERVER
 * [ACT...] mcp_client_tool -c URL          as the scenario in the environment wants it
 *
 * ACT: `list`: name, server's name and description of each tool; `call NAME JSON`: by either name,
 * prints the result as text; `raw NAME JSON`: as JSON; `step`; `sleep MS`; `version`. -v: in a VM
 * of that image, with the workspace of -w; -k: go on after a failed act; -C: cancel each call after
 * so long. Approvals come from the policy alone. What fails is told on stdout as "error CODE ERRNO:
 * TEXT"; exit code 1.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "mcp/client.h"
#include "sandbox/sandbox.h"
#include "sys/clock.h"

struct settings {
	const char *image, *workspace;
	struct mcp_client_wait wait;
	uint64_t cancel_ms, cancel_at_us;
	bool go_on, conformance;
};

static void cleanup_jsonp(json_t **json)
{
	json_decref(*json);
}

static int idle(void *ud)
{
	const struct settings *s = ud;

	return s->cancel_at_us && clock_now_us() > s->cancel_at_us ? -1 : 0;
}

static void progress(void *ud, double at, double total, const char *message)
{
	(void)ud;
	printf("progress %g of %g: %s\n", at, total, message ? message : "");
}

static void notice(void *ud, const char *text)
{
	(void)ud;
	printf("notice: %s\n", text);
}

static int failed(const struct ironclaw_error *err)
{
	printf("error %d %d: %s\n", (int)err->code, err->errnum, err->text);
	return 1;
}

static void list(const struct mcp_client *c)
{
	size_t n;
	const struct mcp_client_tool *tools = mcp_client_tools(c, &n);

	for (size_t i = 0; i < n; i++)
		printf("%s\t%s\t%s\n", tools[i].name, tools[i].raw_name, tools[i].description);
}

static const char *model_name(const struct mcp_client *c, const char *name)
{
	size_t n;
	const struct mcp_client_tool *tools = mcp_client_tools(c, &n);

	for (size_t i = 0; i < n; i++) {
		if (strcmp(tools[i].raw_name, name) == 0)
			return tools[i].name;
	}
	return name;
}

static int call(struct mcp_client *c, struct settings *s, const char *name, json_t *arguments,
		bool raw)
{
	cleanup(cleanup_jsonp) json_t *result = NULL;
	struct ironclaw_error err = {0};
	cleanup_free char *text = NULL;

	s->cancel_at_us = s->cancel_ms ? clock_now_us() + s->cancel_ms * 1000 : 0;
	if (mcp_client_call(c, model_name(c, name), arguments, &s->wait, &result, &err) < 0)
		return failed(&err);
	if (raw)
		text = json_dumps(result, JSON_COMPACT | JSON_SORT_KEYS);
	else if (mcp_client_result_text(result, 100000, &text) < 0)
		return 1;
	printf("%s\n", text);
	return 0;
}

static int call_text(struct mcp_client *c, struct settings *s, const char *name, const char *text,
		     bool raw)
{
	cleanup(cleanup_jsonp) json_t *arguments = json_loads(text, 0, NULL);

	return arguments ? call(c, s, name, arguments, raw) : 2;
}

static int step(struct mcp_client *c, struct settings *s)
{
	struct ironclaw_error err = {0};
	bool changed = false;

	if (mcp_client_step(c, &s->wait, &changed, &err) < 0)
		return failed(&err);
	printf("step%s\n", changed ? ": the list has changed" : "");
	return 0;
}

static int act(struct mcp_client *c, struct settings *s, char **argv, int *i)
{
	const char *what = argv[*i];

	if (strcmp(what, "list") == 0)
		list(c);
	else if (strcmp(what, "version") == 0)
		printf("%s\n", mcp_client_version(c));
	else if (strcmp(what, "step") == 0)
		return step(c, s);
	else if (strcmp(what, "sleep") == 0 && argv[*i + 1])
		(void)usleep((useconds_t)atoi(argv[++*i]) * 1000);
	else if ((strcmp(what, "call") == 0 || strcmp(what, "raw") == 0) && argv[*i + 1] &&
		 argv[*i + 2]) {
		*i += 2;
		return call_text(c, s, argv[*i - 1], argv[*i], what[0] == 'r');
	} else {
		return 2;
	}
	return 0;
}

/* What a scenario of the conformance suite wants called, beside the list of tools. */
static int conform(struct mcp_client *c, struct settings *s)
{
	const char *name = getenv("MCP_CONFORMANCE_SCENARIO"),
		   *text = getenv("MCP_CONFORMANCE_CONTEXT");
	cleanup(cleanup_jsonp) json_t *context = text ? json_loads(text, 0, NULL) : NULL;
	json_t *calls = json_object_get(context, "toolCalls"), *one;
	size_t i, n;
	const struct mcp_client_tool *tools = mcp_client_tools(c, &n);
	int r = 0;

	json_array_foreach(calls, i, one)
	{
		r |= call(c, s, json_string_value(json_object_get(one, "name")),
			  json_object_get(one, "arguments"), false);
	}
	if (name && strcmp(name, "json-schema-ref-no-deref") == 0)
		return 0; /* its list is what matters, and there is no tool behind it */
	if (name && strcmp(name, "tools_call") == 0)
		return call_text(c, s, "add_numbers", "{\"a\": 5, \"b\": 3}", false);
	/* Every tool that was not left out, as often as there is no list of calls. */
	for (i = 0; !calls && i < n; i++) {
		cleanup(cleanup_jsonp) json_t *arguments = json_pack("{s:s}", "region", "us-west1");

		r |= call(c, s, tools[i].name, arguments, false);
	}
	return r;
}

static int use(struct settings *s, const struct mcp_server_config *server, struct sandbox *sandbox,
	       const struct approval_gate *gate, char **argv)
{
	struct mcp_client_options options = {.config = server,
					     .sandbox = sandbox,
					     .gate = gate,
					     .way = APPROVAL_ASK_NOBODY,
					     .notice = notice};
	struct ironclaw_error err = {0};
	struct mcp_client *c = NULL;
	int r = 0;

	(void)setvbuf(stdout, NULL, _IOLBF, 0);
	if (mcp_client_open(&options, &s->wait, &c, &err) < 0)
		return failed(&err);
	if (s->conformance)
		r = conform(c, s);
	for (int i = 0; argv && argv[i] && (r == 0 || s->go_on); i++)
		r |= act(c, s, argv, &i);
	mcp_client_close(c);
	return r;
}

static int open_sandbox(const struct settings *s, struct sandbox **ret)
{
	struct sandbox_options options = {.vm = {.size = sizeof(options.vm), .image = s->image},
					  .workspace = {.folder = s->workspace},
					  .purpose = "test"};
	struct ironclaw_error err = {0};

	if (sandbox_open(&options, ret, &err) < 0)
		return failed(&err);
	return 0;
}

static int outside(struct settings *s, const struct mcp_server_config *server, char **argv)
{
	cleanup(audit_log_close) struct audit_log log = {.dirfd = -1};
	struct ironclaw_error err = {0};
	struct policy *policy = NULL;
	struct paths paths;
	struct approval_gate gate = {.paths = &paths, .log = &log};
	int r;

	if (paths_get(&paths, &err) < 0 || audit_log_open(&paths, &log, &err) < 0 ||
	    policy_load(&paths, NULL, &policy, &err) < 0)
		return failed(&err);
	gate.policy = policy;
	r = use(s, server, NULL, &gate, argv);
	policy_free(policy);
	return r;
}

static int run(struct settings *s, const struct mcp_server_config *server, char **argv)
{
	struct sandbox *sandbox = NULL;
	int r;

	if (!s->image)
		return outside(s, server, argv);
	r = open_sandbox(s, &sandbox);
	if (r == 0)
		r = use(s, server, sandbox, sandbox_gate(sandbox), argv);
	(void)sandbox_close(sandbox, NULL);
	return r;
}

/* The policy of the conformance run allows nothing: the gate is for the user's servers. */
static int conformance(struct settings *s, const char *url)
{
	cleanup_free char *text = NULL;
	struct violations list = {0};
	struct mcp_config *config = NULL;
	int r;

	if (asprintf(&text, "{\"mcpServers\": {\"suite\": {\"url\": \"%s\"}}}", url) < 0 ||
	    mcp_config_parse(text, strlen(text), &config, &list) < 0)
		return 2;
	s->conformance = true;
	r = run(s, &config->servers[0], NULL);
	mcp_config_free(config);
	return r;
}

int main(int argc, char **argv)
{
	struct settings s = {.wait = {.idle = idle, .progress = progress, .ud = &s}};
	struct ironclaw_error err = {0};
	struct mcp_config *config = NULL;
	int option, r = 2;

	while ((option = getopt(argc, argv, "+v:w:t:T:kC:c:")) != -1) {
		if (option == 'c')
			return conformance(&s, optarg);
		if (option == 'v')
			s.image = optarg;
		else if (option == 'w')
			s.workspace = optarg;
		else if (option == 't')
			s.wait.timeout_ms = (uint64_t)atoll(optarg);
		else if (option == 'T')
			s.wait.total_ms = (uint64_t)atoll(optarg);
		else if (option == 'C')
			s.cancel_ms = (uint64_t)atoll(optarg);
		else
			s.go_on = true;
	}
	if (argc - optind < 2)
		return 2;
	if (mcp_config_load(argv[optind], &config, &err) < 0)
		return failed(&err);
	for (size_t i = 0; i < config->n_servers; i++) {
		if (strcmp(config->servers[i].name, argv[optind + 1]) == 0)
			r = run(&s, &config->servers[i], argv + optind + 2);
	}
	mcp_config_free(config);
	return r;
}
