/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sandbox_tools.c - VMs, jobs and their order; see sandbox_tools.h.
 *
 * A tools/call is a job. It waits for its VM, which is opened in a helper thread; then most jobs
 * are one call of the sandbox, which the loop serves beside all others. sandbox_changes and
 * sandbox_apply go through helper threads (sandbox_work.h), during which the sandbox is not ours,
 * and the jobs on it are left alone; the approval alone goes on beside everything else.
 *
 * tool_advance() is the one place where anything moves on. It runs after every event, looks at
 * every slot and every job, and does what can be done now: so no event has to know what waits for
 * it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "mcp/sandbox_tools_internal.h"
#include "sys/clock.h"

#define NOT_STARTED "The VM could not be started"

struct slot *tool_slot(struct sandbox_tools *t, size_t i)
{
	return i == 0 ? &t->client : &t->fresh[i - 1];
}

/* --- ends of jobs --- */

void tool_job_free(struct sandbox_tools *t, struct job *job)
{
	for (size_t i = 0; i <= SANDBOX_TOOLS_FRESH_MAX; i++) {
		if (tool_slot(t, i)->worker == job)
			tool_slot(t, i)->worker = NULL;
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

	tool_job_free(t, job);
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
		tool_job_free(t, job);
	}
	sandbox_result_done(&result);
}

/* --- works --- */

int tool_slot_work(struct sandbox_tools *t, struct slot *slot, struct sandbox_work what,
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

bool tool_slot_is_idle(const struct sandbox_tools *t, const struct slot *slot)
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

void tool_slot_close(struct sandbox_tools *t, struct slot *slot)
{
	if (tool_slot_work(t, slot, (struct sandbox_work){.kind = SANDBOX_WORK_CLOSE}, NULL) < 0) {
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
			job_fail(t, job, NOT_STARTED, err, NULL);
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

		tool_job_free(t, job);
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
		tool_job_free(t, job);
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
		slot->lost |= w->err.code == IRONCLAW_ERR_LOST;
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
		r = tool_slot_work(t, &t->client,
				   (struct sandbox_work){.kind = SANDBOX_WORK_APPLY,
							 .grant = w->grant},
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
	r = tool_slot_work(t, job->slot, (struct sandbox_work){.kind = SANDBOX_WORK_CHANGES}, job);
	if (r < 0) {
		(void)err_sys(&err, -r, "no thread to compare files");
		job_fail(t, job, "The changes could not be read", &err, NULL);
		return;
	}
	job->state = JOB_COMPARES;
}

/* @job waits for a slot that has no sandbox and no work. */
static void start_open(struct sandbox_tools *t, struct job *job)
{
	struct slot *slot = job->slot;
	struct ironclaw_error err = {.code = IRONCLAW_ERR_NONE};
	int r = tool_slot_work(t, slot, (struct sandbox_work){.kind = SANDBOX_WORK_OPEN}, NULL);

	if (r < 0) {
		(void)err_sys(&err, -r, "no thread to start it");
		job_fail(t, job, NOT_STARTED, &err, NULL);
		slot->used = false;
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

static void wait_over(struct sandbox_tools *t, struct job *job)
{
	struct slot *slot = job->slot;

	if (slot->lost)
		return;
	if (!slot->sandbox)
		start_open(t, job);
	else if (job->tool == TOOL_CHANGES || job->tool == TOOL_APPLY)
		start_compare(t, job);
	else
		start_call(t, job);
}

/* May end this job, and no other. */
static void job_advance(struct sandbox_tools *t, struct job *job)
{
	if (job->state == JOB_WAITS && !job->mcp) {
		tool_job_free(t, job);
		return;
	}
	if (!job->slot)
		job->slot = job->tool == TOOL_RUN ? free_slot(t) : &t->client;
	if (!job->slot || job->slot->work)
		return;
	if (job->state == JOB_WAITS) {
		wait_over(t, job);
	} else if (job->state == JOB_RUNS && !job->mcp) {
		sandbox_call_drop(job->call);
		tool_job_free(t, job);
	} else if (job->state == JOB_RUNS && sandbox_call_is_over(job->call)) {
		job_take(t, job);
	}
}

void tool_advance(struct sandbox_tools *t)
{
	struct job *job, *next;

	for (size_t i = 0; i <= SANDBOX_TOOLS_FRESH_MAX; i++) {
		if (tool_slot(t, i)->work && sandbox_work_is_over(tool_slot(t, i)->work))
			slot_take(t, tool_slot(t, i));
	}
	if (t->asking && sandbox_work_is_over(t->asking))
		asking_take(t);
	for (job = TAILQ_FIRST(&t->jobs); job; job = next) {
		next = TAILQ_NEXT(job, link);
		job_advance(t, job);
	}
	for (size_t i = 0; i <= SANDBOX_TOOLS_FRESH_MAX; i++) {
		struct slot *slot = tool_slot(t, i);

		if (slot->sandbox && !slot->work &&
		    ((slot->lost && tool_slot_is_idle(t, slot)) ||
		     (slot != &t->client && !slot_has_job(t, slot))))
			tool_slot_close(t, slot);
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
	job->next_progress_us = job->started_us + TOOL_PROGRESS_US;
	mcp_call_set_userdata(call, job);
	TAILQ_INSERT_TAIL(&t->jobs, job, link);
	tool_advance(t);
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
		tool_job_free(t, job);
	tool_advance(t);
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
