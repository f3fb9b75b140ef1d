/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sandbox_tools_loop.c - the sandbox tools' part in a poll loop, their beginning and their end.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "mcp/sandbox_tools_internal.h"
#include "sys/clock.h"

#define FREE_WAIT_MS 1000
#define FDS_MAX	     (1 + (1 + SANDBOX_TOOLS_FRESH_MAX) * VM_POLL_MAX)

_Static_assert(FDS_MAX <= MCP_LOOP_FDS_MAX, "the loop takes all that is to be polled");

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
		const uint64_t elapsed_s = (now_us - job->started_us) / 1000000;
		char text[96];

		if (now_us < job->next_progress_us || !job->mcp)
			continue;
		(void)snprintf(text, sizeof(text), "%s (%" PRIu64 " s)", progress_text(job),
			       elapsed_s);
		mcp_call_progress(job->mcp, (double)elapsed_s, -1, text);
		job->next_progress_us = now_us + TOOL_PROGRESS_US;
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
		struct slot *slot = tool_slot(t, i);

		slot->fds_at = 0;
		if (!slot->sandbox || slot->work || slot->lost)
			continue;
		vm_poll(sandbox_vm(slot->sandbox), fds + n, timeout_ms);
		slot->fds_at = n;
		n += VM_POLL_MAX;
	}
	TAILQ_FOREACH(job, &t->jobs, link)
	{
		if (job->mcp) /* nobody is told of one that was taken back */
			lower(timeout_ms, clock_left_ms(job->next_progress_us));
	}
	return n;
}

void sandbox_tools_serve(void *userdata, const struct pollfd *fds, size_t n)
{
	struct sandbox_tools *t = userdata;
	uint64_t count;

	if (n > 0 && fds[0].revents)
		(void)!read(t->wake_fd, &count, sizeof(count));
	for (size_t i = 0; i <= SANDBOX_TOOLS_FRESH_MAX; i++) {
		struct slot *slot = tool_slot(t, i);

		if (slot->fds_at > 0 && slot->fds_at + VM_POLL_MAX <= n && slot->sandbox &&
		    !slot->work)
			slot->lost =
				vm_serve(sandbox_vm(slot->sandbox), fds + slot->fds_at, NULL) < 0;
	}
	tool_advance(t);
	tell_progress(t);
}

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
	/* Where that fails the first call tries again, and says so. */
	(void)tool_slot_work(t, &t->client, (struct sandbox_work){.kind = SANDBOX_WORK_OPEN}, NULL);
	*ret = t;
	return 0;
}

static void close_idle(struct sandbox_tools *t)
{
	for (size_t i = 0; i <= SANDBOX_TOOLS_FRESH_MAX; i++) {
		struct slot *slot = tool_slot(t, i);

		if (slot->sandbox && !slot->work && tool_slot_is_idle(t, slot))
			tool_slot_close(t, slot);
	}
}

static bool works(struct sandbox_tools *t)
{
	for (size_t i = 0; i <= SANDBOX_TOOLS_FRESH_MAX; i++) {
		if (tool_slot(t, i)->work)
			return true;
	}
	return false;
}

static bool applies(const struct sandbox_tools *t)
{
	return t->client.work && t->client.work->kind == SANDBOX_WORK_APPLY;
}

/*
 * Until nothing goes on any more, but not for long. Only an apply is waited for in any case: cut
 * off, the user's folder would be put back by the next one, and the log would not say what came
 * of it.
 */
static void wait_for_works(struct sandbox_tools *t)
{
	const uint64_t deadline_us = clock_now_us() + FREE_WAIT_MS * 1000ULL;
	struct pollfd wake = {.fd = t->wake_fd, .events = POLLIN};
	uint64_t count;

	while (works(t)) {
		const int left_ms = applies(t) ? -1 : clock_left_ms(deadline_us);

		if (left_ms == 0)
			break;
		(void)poll(&wake, 1, left_ms);
		(void)!read(t->wake_fd, &count, sizeof(count));
		tool_advance(t);
		close_idle(t);
	}
}

static void drop_jobs(struct sandbox_tools *t)
{
	struct job *job;

	while ((job = TAILQ_FIRST(&t->jobs))) {
		if (job->call && job->slot->work)
			sandbox_work_keep(job->slot->work, job->call);
		else
			sandbox_call_drop(job->call);
		tool_job_free(t, job);
	}
}

void sandbox_tools_free(struct sandbox_tools *t, bool wait)
{
	if (!t)
		return;
	tool_advance(t);
	close_idle(t);
	if (wait)
		wait_for_works(t);
	drop_jobs(t);
	if (t->asking) {
		/* The sandbox is the same as the client's, and goes with it. */
		sandbox_work_abandon(t->asking);
		t->client.sandbox = NULL;
	}
	for (size_t i = 0; i <= SANDBOX_TOOLS_FRESH_MAX; i++) {
		struct slot *slot = tool_slot(t, i);

		if (slot->sandbox && !slot->work)
			tool_slot_close(t, slot);
		if (slot->work)
			sandbox_work_abandon(slot->work);
	}
	kept_outputs_done(&t->kept);
	(void)close(t->wake_fd);
	free(t);
}
