/* SPDX-License-Identifier: Apache-2.0 */
/*
 * firecracker_api.c - start, check, save, pause and resume over Firecracker's API; in the keeper.
 *
 * start() connects, sends the plan's orders one after the other, and waits for each answer: 2xx, or
 * the VM fails with the words of the answer. From then on the connection says nothing unless it is
 * asked; its end is that of the VMM.
 *
 * Firecracker writes a snapshot itself, to the two files that its jail has for it, and the VM stays
 * paused: one whose memory is a template's must not run on.
 */
#include "engine/firecracker.h"

#include <errno.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "base/cleanup.h"
#include "engine/firecracker_http.h"
#include "sys/clock.h"

/* Of the words of a VMM that a guest may have taken over. */
#define WORDS_MAX_B 400U

static void cleanup_jsonp(json_t **j)
{
	json_decref(*j);
}
#define cleanup_json cleanup(cleanup_jsonp)

struct words {
	const char *at;
	size_t len;
};

/*
 * Its HTTP layer says `{ "error": "..."` with raw newlines in the text, which is no JSON: taken up
 * to the last quote.
 */
static struct words raw_words(const struct firecracker_answer *answer)
{
	static const char mark[] = "\"error\": \"";
	const char *at = memmem(answer->body, answer->body_len, mark, sizeof(mark) - 1), *end;
	size_t left;

	if (!at)
		return (struct words){NULL, 0};
	at += sizeof(mark) - 1;
	left = (size_t)(answer->body + answer->body_len - at);
	end = memrchr(at, '"', left);
	return (struct words){at, end ? (size_t)(end - at) : left};
}

static const char *meaning_of(int status)
{
	switch (status) {
	case 413:
		return "the request is too large";
	case 503:
		return "there are too many connections to it";
	default:
		return "it does not say why";
	}
}

/* Return: 0 for 2xx, else -EIO with what the VMM says; err_set() escapes that */
static int judge(const struct firecracker_request *request, const struct firecracker_answer *answer,
		 struct ironclaw_error *err)
{
	cleanup_json json_t *json = NULL;
	struct words words;
	const char *fault;

	if (answer->status >= 200 && answer->status <= 299)
		return 0;
	json = json_loadb(answer->body, answer->body_len, JSON_REJECT_DUPLICATES, NULL);
	fault = json_string_value(json_object_get(json, "fault_message"));
	words = fault ? (struct words){fault, strlen(fault)} : raw_words(answer);
	if (words.len == 0)
		words = (struct words){meaning_of(answer->status),
				       strlen(meaning_of(answer->status))};
	return err_set(err, IRONCLAW_ERR_VMM, EIO, "Firecracker refused %s %s (%d): %.*s%s",
		       request->method, request->path, answer->status,
		       (int)(words.len > WORDS_MAX_B ? WORDS_MAX_B : words.len), words.at,
		       words.len > WORDS_MAX_B ? "..." : "");
}

static int order(struct engine_monitor *m, const struct firecracker_request *request,
		 const struct firecracker_wait *wait, struct ironclaw_error *err)
{
	uint64_t limit = clock_now_us() + LIMIT_VMM_REPLY_MS * 1000ULL;
	struct firecracker_wait one = *wait;
	struct firecracker_answer answer;
	int r;

	if (limit < one.deadline_us)
		one.deadline_us = limit;
	r = firecracker_http_call(m, request, &one, &answer, err);
	return r < 0 ? r : judge(request, &answer, err);
}

static struct firecracker_wait wait_of(uint32_t deadline_ms, void (*idle)(void))
{
	return (struct firecracker_wait){clock_now_us() + deadline_ms * 1000ULL, idle};
}

/* "METHOD PATH BODY" in place of one line of the orders; all of it is ours. */
static int send_line(struct engine_monitor *m, char *line, const struct firecracker_wait *wait,
		     struct ironclaw_error *err)
{
	char *path = strchr(line, ' '), *body = path ? strchr(path + 1, ' ') : NULL;
	struct firecracker_request request;

	if (!body)
		return err_set(err, IRONCLAW_ERR_INTERNAL, EINVAL, "bad orders for Firecracker");
	*path++ = '\0';
	*body++ = '\0';
	request = (struct firecracker_request){line, path, body, strlen(body)};
	return order(m, &request, wait, err);
}

int firecracker_start(struct engine_monitor *monitor, const char *orders, uint32_t deadline_ms,
		      void (*idle)(void), struct ironclaw_error *err)
{
	const struct firecracker_wait wait = wait_of(deadline_ms, idle);
	char text[ENGINE_ORDERS_MAX_B], *save = NULL;
	int r = firecracker_http_connect(ENGINE_API_NAME, &wait, err);

	if (r < 0)
		return r;
	monitor->fd = r;
	monitor->used = 0;
	(void)snprintf(text, sizeof(text), "%s", orders);
	r = 0;
	for (char *line = strtok_r(text, "\n", &save); line && r == 0;
	     line = strtok_r(NULL, "\n", &save))
		r = send_line(monitor, line, &wait, err);
	return r;
}

int firecracker_check(struct engine_monitor *monitor, struct ironclaw_error *err)
{
	return firecracker_http_check(monitor, err);
}

static struct firecracker_request request_with(const char *method, const char *path,
					       const char *body)
{
	return (struct firecracker_request){method, path, body, strlen(body)};
}

static int set_state(struct engine_monitor *m, const char *body,
		     const struct firecracker_wait *wait, struct ironclaw_error *err)
{
	const struct firecracker_request request = request_with("PATCH", "/vm", body);

	return order(m, &request, wait, err);
}

#define PAUSED	"{\"state\":\"Paused\"}"
#define RESUMED "{\"state\":\"Resumed\"}"

int firecracker_save(struct engine_monitor *monitor, int state_fd, uint32_t deadline_ms,
		     void (*idle)(void), struct ironclaw_error *err)
{
	static const char body[] = "{\"snapshot_type\":\"Full\",\"snapshot_path\":"
				   "\"" FIRECRACKER_STATE_INSIDE "\",\"mem_file_path\":"
				   "\"" FIRECRACKER_RAM_INSIDE "\"}";
	const struct firecracker_request create = request_with("PUT", "/snapshot/create", body);
	const struct firecracker_wait wait = wait_of(deadline_ms, idle);
	struct firecracker_answer answer;
	int r = set_state(monitor, PAUSED, &wait, err);

	(void)state_fd;
	/* It writes all of the memory, and syncs it: only the caller knows how long that may take.
	 */
	if (r == 0)
		r = firecracker_http_call(monitor, &create, &wait, &answer, err);
	return r < 0 ? r : judge(&create, &answer, err);
}

/*
 * 1.16.0 and 1.16.1 take every resume for that of a snapshot: vsock then waits for ever for a word
 * of the guest that is not to come.
 */
static int check_pause(struct engine_monitor *m, const struct firecracker_wait *wait,
		       struct ironclaw_error *err)
{
	const struct firecracker_request request = request_with("GET", "/version", "");
	cleanup_json json_t *json = NULL;
	struct firecracker_answer answer;
	const char *text;
	uint32_t version;
	int r = firecracker_http_call(m, &request, wait, &answer, err);

	if (r == 0)
		r = judge(&request, &answer, err);
	if (r < 0)
		return r;
	json = json_loadb(answer.body, answer.body_len, JSON_REJECT_DUPLICATES, NULL);
	text = json_string_value(json_object_get(json, "firecracker_version"));
	if (!text || firecracker_version_parse(text, &version) < 0)
		return err_set(err, IRONCLAW_ERR_VMM, EPROTO,
			       "Firecracker does not tell its version");
	if (version == FIRECRACKER_VERSION(1U, 16U, 0U) ||
	    version == FIRECRACKER_VERSION(1U, 16U, 1U))
		return err_set(err, IRONCLAW_ERR_VMM, EOPNOTSUPP,
			       "Firecracker %.16s loses its vsock by a pause", text);
	return 0;
}

int firecracker_pause(struct engine_monitor *monitor, uint32_t deadline_ms,
		      struct ironclaw_error *err)
{
	const struct firecracker_wait wait = wait_of(deadline_ms, NULL);
	int r = check_pause(monitor, &wait, err);

	return r < 0 ? r : set_state(monitor, PAUSED, &wait, err);
}

int firecracker_resume(struct engine_monitor *monitor, uint32_t deadline_ms,
		       struct ironclaw_error *err)
{
	const struct firecracker_wait wait = wait_of(deadline_ms, NULL);

	return set_state(monitor, RESUMED, &wait, err);
}

/* Its own signal handlers end it with these codes. */
static const struct {
	int code, signal;
	const char *reason;
} reasons[] = {
	{148, SIGSYS, "Firecracker made a system call that its seccomp filter denies"},
	{149, SIGBUS,
	 "Firecracker could not reach its guest's memory: no space is left for it, or "
	 "its file was cut"},
	{150, SIGSEGV, "Firecracker crashed (SIGSEGV)"},
	{151, SIGXFSZ, "Firecracker wrote more to a file than it may"},
	{152, 0, "Firecracker does not know the level of its log"},
	{153, 0, "Firecracker does not know one of its arguments"},
	{154, SIGXCPU, "Firecracker used up its processor time"},
	{156, SIGHUP, "Firecracker was hung up (SIGHUP)"},
	{157, SIGILL, "Firecracker crashed (SIGILL)"},
	{-1, SIGABRT, "Firecracker panicked"},
};

const char *firecracker_exit_reason(int wait_status)
{
	for (size_t i = 0; i < ARRAY_SIZE(reasons); i++) {
		if (WIFEXITED(wait_status) && WEXITSTATUS(wait_status) == reasons[i].code)
			return reasons[i].reason;
		if (WIFSIGNALED(wait_status) && WTERMSIG(wait_status) == reasons[i].signal)
			return reasons[i].reason;
	}
	return NULL;
}

const struct engine firecracker_engine = {
	.kind = VM_ENGINE_FIRECRACKER,
	.name = "firecracker",
	.link = ENGINE_LINK_VSOCK,
	.inside = FIRECRACKER_PROGRAM_INSIDE,
	.own_sockets = true,
	.probe = firecracker_probe,
	.filter = firecracker_filter,
	.plan = firecracker_plan,
	.start = firecracker_start,
	.check = firecracker_check,
	.save = firecracker_save,
	.pause = firecracker_pause,
	.resume = firecracker_resume,
	.exit_reason = firecracker_exit_reason,
};
