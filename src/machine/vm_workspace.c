/* SPDX-License-Identifier: Apache-2.0 */
/* vm_workspace.c - a workspace into a VM and out of it; see vm_workspace.h. */
#include "machine/vm_workspace.h"

#include <errno.h>
#include <string.h>

#include "base/escape.h"

#define LINES_MAX_B  8192U
#define NOTICE_MAX_B 2048U

/* What the guest says, while it does it. */
struct transfer {
	int (*data)(void *userdata, const void *bytes, size_t len);
	void *userdata;
	char lines[LINES_MAX_B]; /* the beginning of its stderr */
	size_t used;
};

static int on_output(void *userdata, enum ironclaw_stream stream, const void *data, size_t len)
{
	struct transfer *t = userdata;

	if (stream == IRONCLAW_STDOUT)
		return t->data ? t->data(t->userdata, data, len) : 0;
	if (len > sizeof(t->lines) - t->used)
		len = sizeof(t->lines) - t->used;
	memcpy(t->lines + t->used, data, len);
	t->used += len;
	return 0;
}

static size_t line_length(const char *line, size_t len)
{
	const char *end = memchr(line, '\n', len);

	return end ? (size_t)(end - line) : len;
}

/* Why a command of the guest's failed. */
static int explain(const struct transfer *t, const char *what,
		   const struct ironclaw_exec_result *result, struct ironclaw_error *err)
{
	char line[512];

	if (!result->started)
		return err_set(err, IRONCLAW_ERR_GUEST, EIO,
			       "the guest cannot %s the workspace: %s", what, result->failure);
	if (result->timed_out)
		return err_set(err, IRONCLAW_ERR_TIMEOUT, ETIMEDOUT,
			       "the guest did not %s the workspace in %u minutes", what,
			       VM_WORKSPACE_TIMEOUT_MS / 60000U);
	if (result->oom)
		return err_set(err, IRONCLAW_ERR_GUEST, ENOSPC,
			       "the guest cannot %s the workspace: it has too little memory "
			       "(--memory)",
			       what);
	escape_text(line, sizeof(line), t->lines, line_length(t->lines, t->used));
	if (result->signal)
		return err_set(err, IRONCLAW_ERR_GUEST, EIO,
			       "the guest cannot %s the workspace: killed by signal %d", what,
			       result->signal);
	return err_set(err, IRONCLAW_ERR_GUEST, EIO, "the guest cannot %s the workspace: %s", what,
		       line[0] ? line : "it does not say why");
}

static int transfer(struct ironclaw_vm *vm, const char *what, const char *guest_path, int stdin_fd,
		    struct transfer *t, struct ironclaw_error *err)
{
	const char *const argv[] = {what, guest_path, NULL};
	const struct ironclaw_exec_options options = {
		.size = sizeof(options),
		.argv = argv,
		.use_stdin = stdin_fd >= 0,
		.stdin_fd = stdin_fd,
		.timeout_ms = VM_WORKSPACE_TIMEOUT_MS,
		.output = on_output,
		.userdata = t,
	};
	struct ironclaw_exec_result result = {.size = sizeof(result)};
	int r = vm_exec_builtin(vm, &options, &result, err);

	if (r < 0)
		return r;
	return result.started && !result.timed_out && result.exit_code == 0
		       ? 0
		       : explain(t, what, &result, err);
}

int vm_workspace_in(struct ironclaw_vm *vm, const char *guest_path, int tar_fd,
		    struct ironclaw_error *err)
{
	struct transfer t = {.used = 0};

	return transfer(vm, "unpack", guest_path, tar_fd, &t, err);
}

int vm_workspace_out(struct ironclaw_vm *vm, const char *guest_path, vm_workspace_data data,
		     vm_workspace_notice notice, void *userdata, struct ironclaw_error *err)
{
	struct transfer t = {.data = data, .userdata = userdata};
	int r = transfer(vm, "pack", guest_path, -EBADF, &t, err);
	size_t at = 0;

	for (unsigned int i = 0; r == 0 && notice && at < t.used && i < VM_WORKSPACE_NOTICES_MAX;
	     i++) {
		const size_t n = line_length(t.lines + at, t.used - at);
		char text[NOTICE_MAX_B];

		escape_text(text, sizeof(text), t.lines + at, n);
		notice(userdata, text);
		at += n + 1;
	}
	return r;
}
