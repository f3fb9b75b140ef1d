/* SPDX-License-Identifier: Apache-2.0 */
/*
 * client_vm.c - a server that is a process inside the VM, beside the commands that run there.
 *
 * Its start is recorded in the audit log as that of any command. It needs no approval: what it does
 * stays in the VM, and its copy of the workspace.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "mcp/client_stdio.h"
#include "sandbox/sandbox.h"
#include "sys/clock.h"

#define CHUNK_B	    65536U
#define ARGV0_MAX_B 256

struct inside {
	struct mcp_stdio io; /* first */
	struct ironclaw_vm *vm;
	struct vm_process *process;
};

static int on_output(void *ud, enum ironclaw_stream stream, const void *data, size_t len)
{
	struct inside *v = ud;

	if (stream == IRONCLAW_STDOUT)
		mcp_stdio_output(&v->io, data, len);
	else
		mcp_stdio_stderr(&v->io, data, len);
	return 0;
}

static ssize_t inside_write(struct mcp_stdio *io, const char *data, size_t len)
{
	struct inside *v = (struct inside *)io;
	size_t room = vm_process_room(v->process), n = len < CHUNK_B ? len : CHUNK_B;
	int r;

	n = n < room ? n : room;
	if (n == 0)
		return vm_process_is_over(v->process) ? -EPIPE : 0;
	r = vm_process_write(v->process, data, n);
	if (r == -EAGAIN)
		return 0;
	return r < 0 ? -EPIPE : (ssize_t)n;
}

static int inside_wait(struct mcp_stdio *io, bool writing, int timeout_ms,
		       struct ironclaw_error *err)
{
	struct inside *v = (struct inside *)io;
	struct ironclaw_exec_result result = {.size = sizeof(result)};
	int r = vm_process_is_over(v->process) ? 0 : vm_step(v->vm, timeout_ms, err);

	(void)writing; /* the queue of the VM is emptied by each step */
	if (r < 0)
		return -EPIPE;
	if (!vm_process_is_over(v->process))
		return 0;
	if (vm_process_result(v->process, &result, err) < 0)
		return -EPIPE;
	if (!result.started)
		(void)err_set(err, IRONCLAW_ERR_NOT_FOUND, EPIPE, "the VM cannot start it: %s",
			      result.failure);
	else
		(void)err_set(err, IRONCLAW_ERR_LOST, EPIPE, "it has ended with exit code %d%s",
			      result.exit_code, result.oom ? ", out of memory" : "");
	return -EPIPE;
}

static void inside_stop(struct mcp_stdio *io)
{
	struct inside *v = (struct inside *)io;
	uint64_t deadline_us = clock_now_us() + MCP_STOP_WAIT_MS * 1000;
	int left;

	(void)vm_process_close_input(v->process);
	while (!vm_process_is_over(v->process) && (left = clock_left_ms(deadline_us)) > 0) {
		if (vm_step(v->vm, left, NULL) < 0)
			break;
	}
	vm_process_free(v->process);
	mcp_stdio_done(io);
	free(v);
}

static int64_t count(const char *const *argv)
{
	int64_t n = 0;

	while (argv[n])
		n++;
	return n;
}

static int record(const struct mcp_client_options *options, struct ironclaw_error *err)
{
	const struct approval_gate *gate = sandbox_gate(options->sandbox);
	const char *const *argv = options->config->argv;
	char argv0[ARGV0_MAX_B + 1], digest[DIGEST_HEX_B + 1];
	struct audit_field fields[] = {audit_text("argv0", argv0),
				       audit_number("argc", count(argv)),
				       audit_text("argv_hmac", digest),
				       audit_text("mcp_server", options->config->name)};
	struct audit_event event = {AUDIT_EXEC, sandbox_id(options->sandbox), fields,
				    ARRAY_SIZE(fields)};
	int r;

	(void)snprintf(argv0, sizeof(argv0), "%s", argv[0]);
	audit_argv_digest(gate->log, argv, digest);
	r = audit_log_append(gate->log, &event, err);
	if (r < 0)
		err_prefix(err, "nothing runs that cannot be recorded");
	return r;
}

int mcp_vm_open(const struct mcp_client_options *options, const struct mcp_peer *peer,
		struct mcp_transport **ret, struct ironclaw_error *err)
{
	static const struct mcp_stdio_ops ops = {inside_write, inside_wait, inside_stop};
	const struct mcp_server_config *config = options->config;
	struct ironclaw_exec_options exec = {.size = sizeof(exec),
					     .argv = config->argv,
					     .env = config->env,
					     .use_stdin = true,
					     .stdin_fd = -1};
	struct inside *v = calloc(1, sizeof(*v));
	struct vm_process_handler handler = {.output = on_output, .userdata = v};
	int r;

	if (!v)
		return err_sys(err, ENOMEM, "MCP server");
	mcp_stdio_init(&v->io, &ops, peer);
	v->vm = sandbox_vm(options->sandbox);
	exec.cwd = config->cwd ? config->cwd : sandbox_folder(options->sandbox);
	r = record(options, err);
	if (r == 0)
		r = vm_process_start(v->vm, &exec, &handler, &v->process, err);
	if (r < 0) {
		mcp_stdio_done(&v->io);
		free(v);
		return r;
	}
	*ret = &v->io.transport;
	return 0;
}
