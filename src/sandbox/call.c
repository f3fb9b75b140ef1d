/* SPDX-License-Identifier: Apache-2.0 */
/*
 * call.c - one operation, from its request to its result; see sandbox.h.
 *
 * A call is a process of the VM and what is kept of its output. It holds nothing of its sandbox, so
 * it may outlive it: then its result is that the VM was ended.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "sandbox/sandbox_internal.h"
#include "sys/file.h"

struct sandbox_call {
	struct vm_process *process;
	struct sandbox_plan plan;
	struct sandbox_watch watch;
	struct collect out, err;
	uint64_t written;
	int input_fd; /* a file in memory; -EBADF: none */
	bool cancelled;
};

static int on_output(void *userdata, enum ironclaw_stream stream, const void *data, size_t len)
{
	struct sandbox_call *call = userdata;
	int r = collect_add(stream == IRONCLAW_STDERR ? &call->err : &call->out, data, len);

	if (r == 0 && call->plan.op == SANDBOX_EXEC && call->watch.output)
		call->watch.output(call->watch.userdata, stream, data, len);
	return r;
}

static void on_over(void *userdata)
{
	struct sandbox_call *call = userdata;

	close_fd(&call->input_fd);
	if (call->watch.over)
		call->watch.over(call->watch.userdata);
}

void sandbox_call_drop(struct sandbox_call *call)
{
	if (!call)
		return;
	vm_process_free(call->process);
	collect_done(&call->out);
	collect_done(&call->err);
	close_fd(&call->input_fd);
	free(call);
}

static void dropp(struct sandbox_call **call)
{
	sandbox_call_drop(*call);
}

/* What a command reads, however much it is, waits in a file that has no name. */
static int make_input(struct sandbox_call *call, const void *data, size_t len,
		      struct ironclaw_error *err)
{
	int r;

	call->input_fd = memfd_create("ironclaw-input", MFD_CLOEXEC);
	if (call->input_fd < 0)
		return err_sys(err, errno, "no room for the input");
	r = file_write_full(call->input_fd, data, len);
	if (r == 0 && lseek(call->input_fd, 0, SEEK_SET) < 0)
		r = -errno;
	return r < 0 ? err_sys(err, -r, "no room for the input") : 0;
}

static int start_process(struct sandbox *s, struct sandbox_call *call, const char *const *env,
			 struct ironclaw_error *err)
{
	const struct vm_process_handler handler = {on_output, on_over, call};
	const struct ironclaw_exec_options options = {.size = sizeof(options),
						      .argv = call->plan.argv,
						      .env = env,
						      .cwd = call->plan.in,
						      .use_stdin = call->input_fd >= 0,
						      .stdin_fd = call->input_fd,
						      .timeout_ms = call->plan.timeout_ms};

	return vm_process_start(s->vm, &options, &handler, &call->process, err);
}

int sandbox_start(struct sandbox *s, const struct sandbox_request *request,
		  const struct sandbox_watch *watch, struct sandbox_call **ret,
		  struct ironclaw_error *err)
{
	cleanup(dropp) struct sandbox_call *call = calloc(1, sizeof(*call));
	int r;

	err_clear(err);
	if (!call)
		return err_sys(err, ENOMEM, "no room for a call");
	call->input_fd = -EBADF;
	if (watch)
		call->watch = *watch;
	r = sandbox_plan_make(request, sandbox_folder(s), &call->plan, err);
	if (r < 0)
		return r;
	collect_init(&call->out, call->plan.out_max, call->plan.both_ends);
	collect_init(&call->err, call->plan.err_max, call->plan.both_ends);
	if (request->op == SANDBOX_WRITE || (request->op == SANDBOX_EXEC && request->data))
		r = make_input(call, request->data, request->len, err);
	call->written = request->len;
	/* Written before it can run; what comes to nothing afterwards was still wanted. */
	if (r == 0 && request->op == SANDBOX_EXEC)
		r = sandbox_record_exec(s, request->argv, err);
	if (r == 0)
		r = start_process(s, call, request->op == SANDBOX_EXEC ? request->env : NULL, err);
	if (r < 0)
		return r;
	*ret = take_ptr(call);
	return 0;
}

bool sandbox_call_is_over(const struct sandbox_call *call)
{
	return vm_process_is_over(call->process);
}

void sandbox_call_cancel(struct sandbox_call *call)
{
	if (sandbox_call_is_over(call))
		return;
	call->cancelled = true;
	/* Where that fails the deadline of the kill ends the VM. */
	(void)vm_process_kill(call->process);
}

static int read_result(const struct sandbox_call *call, struct sandbox_result *ret,
		       struct ironclaw_error *err)
{
	const struct sandbox_plan *plan = &call->plan;
	struct ironclaw_exec_result end = {.size = sizeof(end)};
	const struct sandbox_answer answer = {.end = &end,
					      .out = &call->out,
					      .err = &call->err,
					      .timeout_ms = plan->timeout_ms,
					      .offset = plan->offset,
					      .limit = plan->limit,
					      .text_max = plan->text_max,
					      .written = call->written,
					      .cancelled = call->cancelled};
	struct sandbox_result result = {.failed = false};
	int r = vm_process_result(call->process, &end, err);

	if (r < 0)
		return r;
	r = sandbox_answer_read(plan->op, &answer, &result);
	if (r < 0) {
		sandbox_result_done(&result);
		return err_sys(err, -r, "no room for the output");
	}
	*ret = result;
	return 0;
}

int sandbox_call_take(struct sandbox_call *call, struct sandbox_result *ret,
		      struct ironclaw_error *err)
{
	int r = read_result(call, ret, err);

	sandbox_call_drop(call);
	return r;
}

int sandbox_do(struct sandbox *s, const struct sandbox_request *request, struct sandbox_result *ret,
	       struct ironclaw_error *err)
{
	struct ironclaw_error lost = {.code = IRONCLAW_ERR_NONE};
	struct sandbox_call *call;
	int r = sandbox_start(s, request, NULL, &call, err);

	if (r < 0)
		return r;
	while (r == 0 && !sandbox_call_is_over(call))
		r = sandbox_step(s, -1, &lost);
	if (sandbox_call_is_over(call))
		return sandbox_call_take(call, ret, err);
	sandbox_call_drop(call);
	if (err)
		*err = lost;
	return r;
}
