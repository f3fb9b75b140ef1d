/* SPDX-License-Identifier: Apache-2.0 */
/* sandbox.c - open and close: VM, workspace, records; see sandbox.h. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audit/vm_events.h"
#include "base/cleanup.h"
#include "sandbox/sandbox_internal.h"
#include "workspace/in_vm.h"

struct ironclaw_vm *sandbox_vm(struct sandbox *s)
{
	return s->vm;
}

const char *sandbox_id(const struct sandbox *s)
{
	return s->id;
}

const char *sandbox_folder(const struct sandbox *s)
{
	return s->ws ? s->guest_path : NULL;
}

const struct approval_gate *sandbox_gate(const struct sandbox *s)
{
	return &s->gate;
}

static void warn(const struct sandbox *s, const char *text)
{
	if (s->notice)
		s->notice(s->userdata, IRONCLAW_NOTICE_WARNING, text);
}

static void workspace_notice(void *userdata, const char *text)
{
	warn(userdata, text);
}

static int copy_strings(struct sandbox *s, const struct sandbox_workspace *w)
{
	size_t n = 0;

	while (w->excludes && w->excludes[n])
		n++;
	s->folder = strdup(w->folder);
	s->guest_path = strdup(w->guest_path ? w->guest_path : SANDBOX_WORKSPACE_AT);
	s->excludes = calloc(n + 1, sizeof(*s->excludes));
	if (!s->folder || !s->guest_path || !s->excludes)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		s->excludes[i] = strdup(w->excludes[i]);
		if (!s->excludes[i])
			return -ENOMEM;
	}
	return 0;
}

static int open_workspace(struct sandbox *s, const struct sandbox_workspace *w,
			  struct ironclaw_error *err)
{
	struct workspace_options options = {.size_max_b = w->size_max_b,
					    .notice = workspace_notice,
					    .userdata = s};

	if (!w->folder)
		return 0;
	if (copy_strings(s, w) < 0)
		return err_sys(err, ENOMEM, "no room for a sandbox");
	options.folder = s->folder;
	options.excludes = (const char *const *)s->excludes;
	return in_vm_open(&s->paths, &options, &s->ws, err);
}

/* What can be wrong on the host is found here, before anything runs. */
static int prepare(struct sandbox *s, const struct sandbox_options *o, struct ironclaw_error *err)
{
	int r = paths_get(&s->paths, err);

	if (r == 0)
		r = audit_vm_open(&s->paths, &s->log, err);
	if (r == 0 && s->log.recovered[0])
		warn(s, s->log.recovered);
	if (r == 0)
		r = policy_load(&s->paths, o->policy_file, &s->policy, err);
	return r < 0 ? r : open_workspace(s, &o->workspace, err);
}

static int start(struct sandbox *s, const struct sandbox_options *o, struct ironclaw_error *err)
{
	struct ironclaw_vm_info info = {.size = sizeof(info)};
	struct ironclaw_error own;
	int r = ironclaw_vm_start(&o->vm, &s->vm, err);

	if (r < 0) {
		s->vm = NULL;
		if (audit_vm_no_start(&s->log, err, &own) < 0)
			warn(s, own.text);
		return r;
	}
	ironclaw_vm_get_info(s->vm, &info);
	(void)snprintf(s->id, sizeof(s->id), "%s", info.id);
	r = audit_vm_start(&s->log, &info, o->purpose, err);
	s->started = r == 0;
	s->gate = (struct approval_gate){.paths = &s->paths,
					 .log = &s->log,
					 .policy = s->policy,
					 .vm_id = s->id};
	if (r == 0 && s->ws)
		r = in_vm_send(s->ws, s->vm, s->guest_path, err);
	return r;
}

int sandbox_open(const struct sandbox_options *options, struct sandbox **ret,
		 struct ironclaw_error *err)
{
	struct ironclaw_error own = {.code = IRONCLAW_ERR_NONE};
	struct sandbox *s = calloc(1, sizeof(*s));
	int r;

	err = err ? err : &own;
	err_clear(err);
	if (!s)
		return err_sys(err, ENOMEM, "no room for a sandbox");
	s->log.dirfd = -EBADF;
	s->notice = options->vm.notice;
	s->userdata = options->vm.userdata;
	r = prepare(s, options, err);
	if (r == 0)
		r = start(s, options, err);
	if (r < 0)
		(void)sandbox_close(s, NULL);
	else
		*ret = s;
	return r;
}

/* Too late for a refusal: it is only told. */
static void record_end(struct sandbox *s)
{
	struct audit_field fields[] = {audit_number("commands", s->n_commands),
				       audit_flag("lost", s->vm->launch.ended)};
	const struct audit_event event = {AUDIT_END, s->id, fields, ARRAY_SIZE(fields)};
	struct ironclaw_error err = {.code = IRONCLAW_ERR_NONE};

	if (audit_log_append(&s->log, &event, &err) == 0)
		return;
	err_prefix(&err, "this sandbox's end is not in the audit log");
	warn(s, err.text);
}

int sandbox_close(struct sandbox *s, struct ironclaw_error *err)
{
	int r;

	if (!s)
		return 0;
	if (s->started)
		record_end(s);
	r = ironclaw_vm_destroy(s->vm, err);
	sandbox_forget_changes(s);
	workspace_free(s->ws);
	policy_free(s->policy);
	audit_log_close(&s->log);
	for (size_t i = 0; s->excludes && s->excludes[i]; i++)
		free(s->excludes[i]);
	free(s->excludes);
	free(s->folder);
	free(s->guest_path);
	free(s);
	return r;
}

int sandbox_record_exec(struct sandbox *s, const char *const *argv, struct ironclaw_error *err)
{
	int r = audit_vm_exec(&s->log, s->id, argv, false, err);

	s->n_commands += r == 0;
	return r;
}

int sandbox_step(struct sandbox *s, int timeout_ms, struct ironclaw_error *err)
{
	return vm_step(s->vm, timeout_ms, err);
}
