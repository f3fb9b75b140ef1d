/* SPDX-License-Identifier: Apache-2.0 */
/*
 * conformance_server.c - conformance_server [--address A] [--token T] [--idle-ms N]: serves the
 * fixtures of conformance.h over HTTP until its stdin ends. Prints the URL when it listens.
 */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "conformance.h"
#include "sys/clock.h"

#define TOOLS_MAX 64

struct mcp_http *the_http;
unsigned int jobs_running, jobs_cancelled;
static struct job *jobs;
static struct mcp_tool tools[TOOLS_MAX];
static unsigned int last_client;

void later(struct job *job, unsigned int ms)
{
	job->due_us = clock_now_us() + ms * 1000ULL;
}

void over(struct job *job)
{
	struct job **at = &jobs;

	while (*at != job)
		at = &(*at)->next;
	*at = job->next;
	jobs_running--;
	free(job);
}

void finish(struct job *job, const char *text)
{
	struct mcp_call *call = job->call;

	over(job);
	mcp_call_finish_text(call, text, strlen(text), false);
}

static const struct fixture *find(const char *name)
{
	for (size_t i = 0; i < n_tool_fixtures; i++)
		if (strcmp(tool_fixtures[i].tool.name, name) == 0)
			return &tool_fixtures[i];
	for (size_t i = 0; i < n_input_fixtures; i++)
		if (strcmp(input_fixtures[i].tool.name, name) == 0)
			return &input_fixtures[i];
	abort();
}

static void call(void *userdata, struct mcp_call *c, const struct mcp_tool *tool, json_t *arguments)
{
	struct job *job = calloc(1, sizeof(*job));

	(void)userdata;
	if (!job)
		abort();
	job->call = c;
	job->arguments = arguments;
	job->fixture = find(tool->name);
	job->next = jobs;
	jobs = job;
	jobs_running++;
	mcp_call_set_userdata(c, job);
	job->fixture->step(job);
}

static void cancel(void *userdata, struct mcp_call *c)
{
	(void)userdata;
	jobs_cancelled++;
	if (mcp_call_userdata(c))
		over(mcp_call_userdata(c));
}

/* Step what is due. Return: milliseconds until the next, or -1. */
static int step_jobs(void)
{
	uint64_t now_us = clock_now_us(), first_us = UINT64_MAX;

	for (struct job *job = jobs; job;) {
		if (job->due_us && job->due_us <= now_us) {
			job->due_us = 0;
			job->step++;
			job->fixture->step(job);
			job = jobs; /* the list may be another one now */
			continue;
		}
		if (job->due_us && job->due_us < first_us)
			first_us = job->due_us;
		job = job->next;
	}
	return first_us == UINT64_MAX ? -1 : clock_left_ms(first_us);
}

static int client_open(void *userdata, void **ret, struct ironclaw_error *err)
{
	(void)userdata;
	(void)err;
	*ret = malloc(sizeof(last_client));
	if (!*ret)
		return -ENOMEM;
	*(unsigned int *)*ret = ++last_client;
	return 0;
}

static void client_close(void *userdata, void *client)
{
	(void)userdata;
	free(client);
}

static const struct mcp_ops ops = {.call = call, .request = rest_request, .cancel = cancel};

static const struct mcp_server server = {
	.name = "conformance",
	.title = "Fixtures of the conformance suite",
	.version = "1.0.0",
	.instructions = "For tests.",
	.tools = tools,
	.ops = &ops,
	.features = MCP_TOOLS_CHANGE | MCP_RESOURCES | MCP_RESOURCES_SUBSCRIBE | MCP_PROMPTS |
		    MCP_PROMPTS_CHANGE | MCP_COMPLETIONS | MCP_LOGGING,
};

static int serve(void)
{
	for (;;) {
		int timeout_ms = step_jobs();
		struct pollfd fds[2] = {{0}, {.fd = STDIN_FILENO, .events = POLLIN}};
		char byte;

		mcp_http_poll(the_http, &fds[0], &timeout_ms);
		if (poll(fds, 2, timeout_ms) < 0 && errno != EINTR)
			return 1;
		if (fds[1].revents && read(STDIN_FILENO, &byte, 1) <= 0)
			return 0;
		mcp_http_serve(the_http);
	}
}

int main(int argc, char **argv)
{
	static const struct option longs[] = {{"address", required_argument, NULL, 'a'},
					      {"token", required_argument, NULL, 't'},
					      {"idle-ms", required_argument, NULL, 'i'},
					      {NULL, 0, NULL, 0}};
	static struct mcp_server served;
	struct mcp_http_options o = {.server = &served,
				     .address = "127.0.0.1:0",
				     .open = client_open,
				     .close = client_close};
	struct ironclaw_error err = {0};
	int c, code;

	while ((c = getopt_long(argc, argv, "", longs, NULL)) >= 0) {
		if (c == 'a')
			o.address = optarg;
		else if (c == 't')
			o.token = optarg;
		else if (c != 'i' || parse_u32(optarg, 1, UINT32_MAX, &o.session_idle_ms) < 0)
			return 2;
	}
	served = server;
	for (size_t i = 0; i < n_tool_fixtures; i++)
		tools[served.n_tools++] = tool_fixtures[i].tool;
	for (size_t i = 0; i < n_input_fixtures; i++)
		tools[served.n_tools++] = input_fixtures[i].tool;
	(void)signal(SIGPIPE, SIG_IGN);
	if (mcp_http_open(&o, &the_http, &err) < 0) {
		(void)fprintf(stderr, "%s\n", err.text);
		return 1;
	}
	(void)printf("%s\n", mcp_http_url(the_http));
	(void)fflush(stdout);
	code = serve();
	mcp_http_close(the_http);
	return code;
}
