/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http_tool.c - codec/http.h as a program, for tests/it/http.bats.
 *
 *	http_tool URL [OPTION=VALUE...]
 *
 * Options: method, header, secret, body (texts; the second and third may come often), ca (a file),
 * connect, idle, total (ms), max (bytes), clear (1), cancel (ms until idle() ends it), stop (1: the
 * first byte of the body ends it), events (1: the body is an event stream, told line by line).
 *
 * Prints "head STATUS TYPE X-TEST" and the body as it comes, then "answer STATUS TYPE RETRY_AFTER
 * SHOULD_RETRY BYTES". Exit status 1, and the name of the errno and the sentence on stderr.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codec/http.h"
#include "codec/sse.h"
#include "sys/clock.h"

#define LIST_MAX 100

struct run {
	struct sse_parser sse;
	uint64_t cancel_us;
	bool stop, events;
};

static int on_head(void *ud, const struct http_head *head)
{
	const char *test = http_head_find(head, "X-Test");

	(void)ud;
	printf("head %d %s %s\n", head->status, head->content_type, test ? test : "-");
	return 0;
}

static int on_event(void *ud, const struct sse_event *event)
{
	(void)ud;
	printf("%s: %s\n", event->type, event->data);
	return 0;
}

static int on_body(void *ud, const void *data, size_t len)
{
	struct run *run = ud;

	if (run->stop)
		return -ECANCELED;
	if (run->events)
		return sse_feed(&run->sse, data, len, NULL);
	(void)fwrite(data, 1, len, stdout);
	return 0;
}

static int on_idle(void *ud)
{
	struct run *run = ud;

	(void)fflush(stdout);
	return run->cancel_us > 0 && clock_now_us() > run->cancel_us ? -ECANCELED : 0;
}

static bool set(struct http_request *q, struct run *run, const char *name, const char *value)
{
	uint32_t number = (uint32_t)strtoul(value, NULL, 10);

	if (strcmp(name, "method") == 0)
		q->method = value;
	else if (strcmp(name, "ca") == 0)
		q->ca_file = value;
	else if (strcmp(name, "connect") == 0)
		q->connect_timeout_ms = number;
	else if (strcmp(name, "idle") == 0)
		q->idle_timeout_ms = number;
	else if (strcmp(name, "total") == 0)
		q->total_timeout_ms = number;
	else if (strcmp(name, "max") == 0)
		q->answer_max_b = number;
	else if (strcmp(name, "clear") == 0)
		q->clear_secrets = number;
	else if (strcmp(name, "cancel") == 0)
		run->cancel_us = clock_now_us() + number * 1000ULL;
	else if (strcmp(name, "stop") == 0)
		run->stop = number;
	else if (strcmp(name, "events") == 0)
		run->events = number;
	else
		return false;
	return true;
}

int main(int argc, char **argv)
{
	const char *headers[LIST_MAX + 1] = {NULL}, *secrets[LIST_MAX + 1] = {NULL};
	size_t n_headers = 0, n_secrets = 0;
	struct run run = {0};
	struct http_request q = {.method = "GET",
				 .headers = headers,
				 .secret_headers = secrets,
				 .answer_max_b = 1000000,
				 .head = on_head,
				 .answer = on_body,
				 .idle = on_idle,
				 .ud = &run};
	struct ironclaw_error err = {0};
	struct http_answer answer;
	int r;

	for (int i = 2; i < argc; i++) {
		char *value = strchr(argv[i], '=');

		if (!value)
			return 2;
		*value++ = '\0';
		if (strcmp(argv[i], "header") == 0 && n_headers < LIST_MAX)
			headers[n_headers++] = value;
		else if (strcmp(argv[i], "secret") == 0 && n_secrets < LIST_MAX)
			secrets[n_secrets++] = value;
		else if (strcmp(argv[i], "body") == 0)
			q.body = value, q.body_len = strlen(value);
		else if (!set(&q, &run, argv[i], value))
			return 2;
	}
	if (argc < 2)
		return 2;
	q.url = argv[1];
	sse_init(&run.sse, SSE_EVENT_MAX_B, on_event, NULL);
	r = http_perform(&q, &answer, &err);
	sse_done(&run.sse);
	if (r < 0) {
		fprintf(stderr, "%s: %s\n", strerrorname_np(-r), err.text);
		return 1;
	}
	printf("answer %d %s %" PRId64 " %d %" PRIu64 "\n", answer.status, answer.content_type,
	       (int64_t)answer.retry_after_ms, (int)answer.should_retry, answer.body_b);
	return 0;
}
