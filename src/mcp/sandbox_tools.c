/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sandbox_tools.c - VMs, jobs and their order; see sandbox_tools.h.
 *
 * A tools/call is a job. It waits for its VM, which is opened in a helper thread; then most jobs
 * are one call of the sandbox, which the loop serves beside all others. sandbox_changes and
 * sandbox_apply go through helper threads (sandbox_work.h), during which the sandbox is not ours,
 * and the jobs on it are left alone; the approval alone goes on beside everything else.
 *
 * advance() is the one place where anything moves on. It runs after every event, looks at every
 * slot and every job, and does what can be done now: so no event has to know what waits for it.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "mcp/sandbox_tools_internal.h"
#include "sys/clock.h"

#define PROGRESS_US  5000000ULL
#define FREE_WAIT_MS 1000
#define FDS_MAX	     (1 + (1 + SANDBOX_TOOLS_FRESH_MAX) * VM_POLL_MAX)

_Static_assert(FDS_MAX <= MCP_LOOP_FDS_MAX, "the loop takes all that is to be polled");

static struct slot *slot_at(struct sandbox_tools *t, size_t i)
{
	return i == 0 ? &t->client : &t->fresh[i - 1];
}

/* --- ends of jobs --- */

static void job_free(struct sandbox_tools *t, struct job *job)
{
	for (size_t i = 0; i <= SANDBOX_TOOLS_FRESH_MAX; i++) {
		if (slot_at(t, i)->worker == job)
			slot_at(t, i)->worker = NULL;
	}
	if (t->asker == job)
		t->asker = NULL;
	TAILQ_REMOVE(&t->jobs, job, link);
	free(job);
}

static void job_fail(struct sandbox_tools *t, struct job *job, const char *what,
		     const struct ironclaw_error *err, const struct apply_result *applied)
{
	struct mcp_call *call = job->mcp;

	job_free(t, job);
	if (call)
		tool_answer_error(call, what, err, applied);
}

/* Its call of the sandbox is over. */
static void job_take(struct sandbox_tools *t, struct job *job)
{
	struct ironclaw_error err = {.code = IRONCLAW_ERR_NONE};
	struct sandbox_result result = {.failed = false};
	int r = sandbox_call_take(job->call, &result, &err);

	if (r < 0) {
		if (err.code == IRONCLAW_ERR_LOST)
			job->slot->lost = true;
		job_fail(t, job, "It is not known how this ended", &err, NULL);
	} else {
		tool_answer(t, job->mcp, job->tool, job->arguments, &result);
		job_free(t, job);
	}
	sandbox_result_done(&result);
}

/* --- works --- */

static int slot_work(struct sandbox_tools *t, struct slot *slot, struct sandbox_work what,
		     struct job *worker)
{
	int r;

	what.options = t->options->sandbox;
	/* The first VM has said what there is to say. */
	if (slot != &t->client)
		what.options.vm.notice = NULL;
	what.sandbox = slot->sandbox;
	r = sandbox_work_start(&what, t->wake_fd, &slot->work);
	if (r == 0)
		slot->worker = worker;
	return r;
}

static bool slot_is_idle(const struct sandbox_tools *t, const struct slot *slot)
{
	const struct job *job;

	if (slot == &t->client && t->asking)
		return false;
	TAILQ_FOREACH(job, &t->jobs, link)
	{
		if (job->slot == slot && job->call)
			return false;
	}
	return true;
}

static bool slot_has_job(const struct sandbox_tools *t, const struct slot *slot)
{
	const struct job *job;

	TAILQ_FOREACH(job, &t->jobs, link)
	{
		if (job->slot == slot)
			return true;
	}
	return false;
}

static void slot_close(struct sandbox_tools *t, struct slot *slot)
{
	if (slot_work(t, slot, (struct sandbox_work){.kind = SANDBOX_WORK_CLOSE}, NULL) < 0) {
		(void)sandbox_close(slot->sandbox, NULL);
		slot->used = false;
	}
	slot->sandbox = NULL;
	slot->lost = false;
}

/* All jobs that wait for this VM are told why there is none; later ones try again. */
static void opening_failed(struct sandbox_tools *t, struct slot *slot,
			   const struct ironclaw_error *err)
{
	struct job *job = TAILQ_FIRST(&t->jobs), *next;

	for (; job; job = next) {
		next = TAILQ_NEXT(job, link);
		if (job->slot == slot)
			job_fail(t, job, "The VM could not be started", err, NULL);
	}
	slot->used = false;
}

static void ask(struct sandbox_tools *t, struct job *job, struct changes *changes)
{
	const struct sandbox_work what = {
		.kind = SANDBOX_WORK_APPROVE,
		.sandbox = t->client.sandbox,
		.way = t->options->way,
	};
	struct ironclaw_error err = {.code = IRONCLAW_ERR_NONE};
	int r = tool_select(changes, job->arguments, &err);

	if (r < 0) {
		job_fail(t, job, "Nothing was applied", &err, NULL);
		return;
	}
	r = sandbox_work_start(&what, t->wake_fd, &t->asking);
	if (r < 0) {
		(void)err_sys(&err, -r, "no thread to ask for an approval");
		job_fail(t, job, "Nothing was applied", &err, NULL);
		return;
	}
	t->asker = job;
	job->state = JOB_ASKS;
}

static void compared(struct sandbox_tools *t, struct job *job, struct sandbox_work *w)
{
	if (w->r < 0) {
		job_fail(t, job, "The changes could not be read", &w->err, NULL);
	} else if (job->tool == TOOL_APPLY) {
		ask(t, job, w->changes);
	} else {
		struct mcp_call *call = job->mcp;

		job_free(t, job);
		tool_answer_changes(call, w->changes);
	}
}

static void applied(struct sandbox_tools *t, struct job *job, struct sandbox_work *w)
{
	struct mcp_call *call = job->mcp;

	if (w->r < 0) {
		job_fail(t, job, w->applied.applied > 0 ? "Applied, but" : "Nothing was applied",
			 &w->err, w->r == -ESTALE ? &w->applied : NULL);
	} else {
		job_free(t, job);
		tool_answer_applied(call, &w->applied);
	}
}

/* A work of @slot is over. */
static void slot_take(struct sandbox_tools *t, struct slot *slot)
{
	struct sandbox_work *w = slot->work;
	struct job *worker = slot->worker;

	slot->work = NULL;
	slot->worker = NULL;
	switch (w->kind) {
	case SANDBOX_WORK_OPEN:
		slot->sandbox = w->sandbox;
		if (w->r < 0)
			opening_failed(t, slot, &w->err);
		break;
	case SANDBOX_WORK_CHANGES:
		if (worker)
			compared(t, worker, w);
		break;
	case SANDBOX_WORK_APPLY:
		if (worker)
			applied(t, worker, w);
		break;
	case SANDBOX_WORK_CLOSE:
		slot->used = false;
		break;
	case SANDBOX_WORK_APPROVE:
		break;
	}
	sandbox_work_free(w);
}

/* There is an answer. A grant that nobody waits for any more is not used, and expires. */
static void asking_take(struct sandbox_tools *t)
{
	struct sandbox_work *w = t->asking;
	struct job *job = t->asker;
	struct ironclaw_error err = w->err;
	int r = w->r;

	t->asking = NULL;
	t->asker = NULL;
	if (job && r == 0) {
		r = slot_work(t, &t->client,
			      (struct sandbox_work){.kind = SANDBOX_WORK_APPLY, .grant = w->grant},
			      job);
		if (r < 0)
			(void)err_sys(&err, -r, "no thread to apply the changes");
		job->state = JOB_APPLIES;
	}
	if (job && r < 0)
		job_fail(t, job, "Nothing was applied", &err, NULL);
	sandbox_work_free(w);
}

/* --- jobs --- */

/* The most that a command may take. */
static uint64_t timeout_ms(const struct sandbox_tools *t, struct sandbox *sandbox)
{
	struct ironclaw_vm_info info = {.size = sizeof(info)};

	if (t->options->timeout_ms)
		return t->options->timeout_ms;
	ironclaw_vm_get_info(sandbox_vm(sandbox), &info);
	return info.timeout_ms ? info.timeout_ms : SANDBOX_TOOLS_TIMEOUT_MS;
}

static void start_call(struct sandbox_tools *t, struct job *job)
{
	const uint64_t most_ms = timeout_ms(t, job->slot->sandbox);
	struct ironclaw_error err = {.code = IRONCLAW_ERR_NONE};
	struct tool_request request;
	const char *why = "";
	int r = tool_request_make(job->tool, job->arguments, most_ms, &request, &why);

	if (r < 0)
		(void)err_set(&err, IRONCLAW_ERR_INVALID, -r, "%s", why);
	else
		r = sandbox_start(job->slot->sandbox, &request.request, NULL, &job->call, &err);
	tool_request_done(&request);
	if (r == 0) {
		job->state = JOB_RUNS;
		return;
	}
	job->slot->lost |= err.code == IRONCLAW_ERR_LOST;
	job_fail(t, job, "This could not be done", &err, NULL);
}

static void start_compare(struct sandbox_tools *t, struct job *job)
{
	struct ironclaw_error err = {.code = IRONCLAW_ERR_NONE};
	int r;

	if (t->asking) {
		(void)err_set(&err, IRONCLAW_ERR_BUSY, EBUSY,
			      "an earlier sandbox_apply still waits for its answer");
		job_fail(t, job, "Not now", &err, NULL);
		return;
	}
	r = slot_work(t, job->slot, (struct sandbox_work){.kind = SANDBOX_WORK_CHANGES}, job);
	if (r < 0) {
		(void)err_sys(&err, -r, "no thread to compare files");
		job_fail(t, job, "The changes could not be read", &err, NULL);
		return;
	}
	job->state = JOB_COMPARES;
}

/* @slot has no sandbox and no work. */
static void slot_open(struct sandbox_tools *t, struct slot *slot)
{
	struct ironclaw_error err;
	int r = slot_work(t, slot, (struct sandbox_work){.kind = SANDBOX_WORK_OPEN}, NULL);

	if (r < 0) {
		(void)err_sys(&err, -r, "no thread to start a VM");
		opening_failed(t, slot, &err);
	}
}

static struct slot *free_slot(struct sandbox_tools *t)
{
	for (size_t i = 0; i < SANDBOX_TOOLS_FRESH_MAX; i++) {
		if (!t->fresh[i].used) {
			t->fresh[i].used = true;
			return &t->fresh[i];
		}
	}
	return NULL;
}

/* May end the job. */
static void job_advance(struct sandbox_tools *t, struct job *job)
{
	struct slot *slot = job->slot;

	if (!slot)
		slot = job->slot = job->tool == TOOL_RUN ? free_slot(t) : &t->client;
	if (!slot || slot->work)
		return;
	if (job->state == JOB_RUNS) {
		if (!job->mcp) {
			sandbox_call_drop(job->call);
			job_free(t, job);
		} else if (sandbox_call_is_over(job->call)) {
			job_take(t, job);
		}
	} else if (job->state == JOB_WAITS && !job->mcp) {
		job_free(t, job);
	} else if (job->state == JOB_WAITS && !slot->lost) {
		if (!slot->sandbox)
			slot_open(t, slot);
		else if (job->tool == TOOL_CHANGES || job->tool == TOOL_APPLY)
			start_compare(t, job);
		else
			start_call(t, job);
	}
}

static void advance(struct sandbox_tools *t)
{
	struct job *job, *next;

	for (size_t i = 0; i <= SANDBOX_TOOLS_FRESH_MAX; i++) {
		if (slot_at(t, i)->work && sandbox_work_is_over(slot_at(t, i)->work))
			slot_take(t, slot_at(t, i));
	}
	if (t->asking && sandbox_work_is_over(t->asking))
		asking_take(t);
	for (job = TAILQ_FIRST(&t->jobs); job; job = next) {
		next = TAILQ_NEXT(job, link);
		job_advance(t, job);
	}
	for (size_t i = 0; i <= SANDBOX_TOOLS_FRESH_MAX; i++) {
		struct slot *slot = slot_at(t, i);

		if (slot->sandbox && !slot->work &&
		    ((slot->lost && slot_is_idle(t, slot)) ||
		     (slot != &t->client && !slot_has_job(t, slot))))
			slot_close(t, slot);
	}
}

/* --- what the server core asks for --- */

static void op_call(void *userdata, struct mcp_call *call, const struct mcp_tool *tool,
		    json_t *arguments)
{
	struct sandbox_tools *t = userdata;
	struct job *job = calloc(1, sizeof(*job));

	if (!job) {
		mcp_call_error(call, JSONRPC_INTERNAL_ERROR, "out of memory", NULL);
		return;
	}
	job->mcp = call;
	job->arguments = arguments;
	job->tool = (enum tool_id)(tool - sandbox_tool_table);
	job->started_us = clock_now_us();
	job->next_progress_us = job->started_us + PROGRESS_US;
	mcp_call_set_userdata(call, job);
	TAILQ_INSERT_TAIL(&t->jobs, job, link);
	advance(t);
}

static void op_request(void *userdata, struct mcp_call *call, const char *method, json_t *params)
{
	const struct sandbox_tools *t = userdata;

	kept_outputs_request(&t->kept, call, method, params);
}

/* What is under way in a helper thread goes on; nobody waits for it. */
static void op_cancel(void *userdata, struct mcp_call *call)
{
	struct sandbox_tools *t = userdata;
	struct job *job = mcp_call_userdata(call);

	if (!job) /* a request that is answered at once has none */
		return;
	job->mcp = NULL;
	job->arguments = NULL;
	if (job->state != JOB_WAITS && job->state != JOB_RUNS)
		job_free(t, job);
	advance(t);
}

static const struct mcp_ops ops = {op_call, op_request, op_cancel};

void sandbox_tools_server(bool workspace, struct mcp_server *ret)
{
	*ret = (struct mcp_server){
		.name = "ironclaw",
		.title = "IronClaw",
		.version = IRONCLAW_VERSION,
		.instructions = sandbox_tools_instructions,
		.tools = sandbox_tool_table,
		.n_tools = workspace ? TOOL_IDS : TOOL_WITHOUT_WORKSPACE,
		.ops = &ops,
		.features = MCP_RESOURCES,
		.list_ttl_ms = 3600000,
	};
}

/* --- the loop --- */

static const char *progress_text(const struct job *job)
{
	switch (job->state) {
	case JOB_WAITS:
		return "waiting for a VM";
	case JOB_RUNS:
		return "running";
	case JOB_COMPARES:
		return "comparing files";
	case JOB_ASKS:
		return "waiting for the user's answer: ironclaw approvals";
	case JOB_APPLIES:
		return "applying";
	}
	return "";
}

static void tell_progress(struct sandbox_tools *t)
{
	const uint64_t now_us = clock_now_us();
	struct job *job;

	TAILQ_FOREACH(job, &t->jobs, link)
	{
		const double elapsed_s = (double)((now_us - job->started_us) / 1000000);
		char text[96];

		if (now_us < job->next_progress_us || !job->mcp)
			continue;
		(void)snprintf(text, sizeof(text), "%s (%.0f s)", progress_text(job), elapsed_s);
		mcp_call_progress(job->mcp, elapsed_s, -1, text);
		job->next_progress_us = now_us + PROGRESS_US;
	}
}

static void lower(int *timeout_ms, int to)
{
	if (*timeout_ms < 0 || to < *timeout_ms)
		*timeout_ms = to;
}

size_t sandbox_tools_poll(void *userdata, struct pollfd *fds, int *timeout_ms)
{
	struct sandbox_tools *t = userdata;
	const struct job *job;
	size_t n = 1;

	fds[0] = (struct pollfd){.fd = t->wake_fd, .events = POLLIN};
	for (size_t i = 0; i <= SANDBOX_TOOLS_FRESH_MAX; i++) {
		struct slot *slot = slot_at(t, i);

		slot->fds_at = 0;
		if (!slot->sandbox || slot->work || slot->lost)
			continue;
		vm_poll(sandbox_vm(slot->sandbox), fds + n, timeout_ms);
		slot->fds_at = n;
		n += VM_POLL_MAX;
	}
	TAILQ_FOREACH(job, &t->jobs, link)
	lower(timeout_ms, clock_left_ms(job->next_progress_us));
	return n;
}

void sandbox_tools_serve(void *userdata, const struct pollfd *fds, size_t n)
{
	struct sandbox_tools *t = userdata;
	uint64_t count;

	if (n > 0 && fds[0].revents)
		(void)!read(t->wake_fd, &count, sizeof(count));
	for (size_t i = 0; i <= SANDBOX_TOOLS_FRESH_MAX; i++) {
		struct slot *slot = slot_at(t, i);

		if (slot->fds_at > 0 && slot->fds_at + VM_POLL_MAX <= n && slot->sandbox &&
		    !slot->work)
			slot->lost =
				vm_serve(sandbox_vm(slot->sandbox), fds + slot->fds_at, NULL) < 0;
	}
	advance(t);
	tell_progress(t);
}

/* --- life --- */

int sandbox_tools_new(const struct sandbox_tools_options *options, struct sandbox_tools **ret,
		      struct ironclaw_error *err)
{
	struct sandbox_tools *t = calloc(1, sizeof(*t));

	if (!t)
		return err_sys(err, ENOMEM, "no room for the tools");
	t->options = options;
	TAILQ_INIT(&t->jobs);
	t->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (t->wake_fd < 0) {
		int r = err_sys(err, errno, "eventfd");

		free(t);
		return r;
	}
	slot_open(t, &t->client);
	*ret = t;
	return 0;
}

static bool works(struct sandbox_tools *t)
{
	for (size_t i = 0; i <= SANDBOX_TOOLS_FRESH_MAX; i++) {
		if (slot_at(t, i)->work)
			return true;
	}
	return false;
}

/* Lets go of what is over; the rest is left to its thread, with its sandbox. */
static void slot_leave(struct slot *slot)
{
	if (slot->work)
		sandbox_work_abandon(slot->work);
	else
		(void)sandbox_close(slot->sandbox, NULL);
}

void sandbox_tools_free(struct sandbox_tools *t)
{
	const uint64_t deadline_us = clock_now_us() + FREE_WAIT_MS * 1000ULL;
	struct pollfd wake;
	struct job *job;

	if (!t)
		return;
	wake = (struct pollfd){.fd = t->wake_fd, .events = POLLIN};
	advance(t);
	for (size_t i = 0; i <= SANDBOX_TOOLS_FRESH_MAX; i++) {
		if (slot_at(t, i)->sandbox && !slot_at(t, i)->work &&
		    slot_is_idle(t, slot_at(t, i)))
			slot_close(t, slot_at(t, i));
	}
	while (works(t) && clock_left_ms(deadline_us) > 0) {
		uint64_t count;

		(void)poll(&wake, 1, clock_left_ms(deadline_us));
		(void)!read(t->wake_fd, &count, sizeof(count));
		advance(t);
	}
	while ((job = TAILQ_FIRST(&t->jobs))) {
		if (job->call && !job->slot->work)
			sandbox_call_drop(job->call);
		job_free(t, job);
	}
	if (t->asking) {
		sandbox_work_abandon(t->asking);
		t->client.sandbox = NULL;
	}
	for (size_t i = 0; i <= SANDBOX_TOOLS_FRESH_MAX; i++)
		slot_leave(slot_at(t, i));
	kept_outputs_done(&t->kept);
	(void)close(t->wake_fd);
	free(t);
}
