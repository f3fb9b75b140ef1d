/* SPDX-License-Identifier: Apache-2.0 */
/*
 * process.c - the processes of a VM: start, control, result; see process.h.
 *
 * All that are not released are in the VM's list. One whose owner has freed it stays there, without
 * a handler, until the guest has said that it is over: its number cannot be used before.
 */
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/escape.h"
#include "machine/process_internal.h"
#include "sys/clock.h"

int process_options_take(const struct ironclaw_exec_options *options,
			 struct ironclaw_exec_options *ret, struct ironclaw_error *err)
{
	if (!options || options->size < offsetof(struct ironclaw_exec_options, argv) ||
	    options->size > sizeof(*ret))
		return err_set(err, IRONCLAW_ERR_INVALID, EINVAL,
			       "the options of an exec need their size");
	*ret = (struct ironclaw_exec_options){0};
	memcpy(ret, options, options->size);
	if (ret->timeout_ms > LIMIT_TIMEOUT_MS_MAX)
		return err_set(err, IRONCLAW_ERR_INVALID, ERANGE, "a time limit is at most 7 days");
	return 0;
}

static void fill(struct vm_process *p, const struct ironclaw_exec_options *o)
{
	p->stdin_fd = o->use_stdin ? o->stdin_fd : -1;
	p->own_input = o->use_stdin && o->stdin_fd < 0;
	p->tty = o->tty;
	(void)snprintf(p->argv0, sizeof(p->argv0), "%s", o->argv[0]);
	(void)snprintf(p->cwd, sizeof(p->cwd), "%s", o->cwd ? o->cwd : "home");
	(void)snprintf(p->user, sizeof(p->user), "%s", o->user ? o->user : "user");
	if (o->timeout_ms)
		p->deadline_us = p->begin_us + o->timeout_ms * 1000;
}

static int open_session(struct vm_process *p, const struct ironclaw_exec_options *o,
			struct ironclaw_error *err)
{
	const struct session_command command = {.argv = o->argv,
						.env = o->env,
						.cwd = o->cwd,
						.user = o->user,
						.tty = o->tty,
						.use_stdin = o->use_stdin,
						.builtin = p->builtin,
						.rows = o->rows,
						.cols = o->cols};

	return session_open(&p->vm->link, &command, &p->session, err);
}

int process_start(struct ironclaw_vm *vm, const struct ironclaw_exec_options *options, bool builtin,
		  const struct vm_process_handler *handler, struct vm_process **ret,
		  struct ironclaw_error *err)
{
	uint64_t begin_us = clock_now_us();
	struct vm_process *p;
	int r;

	if (vm->launch.ended)
		return err_set(err, IRONCLAW_ERR_LOST, EPIPE, "VM '%s' has ended already",
			       vm->launch.vm_id);
	if (vm->paused)
		return err_set(err, IRONCLAW_ERR_BUSY, EBUSY, "VM '%s' is paused",
			       vm->launch.vm_id);
	p = calloc(1, sizeof(*p));
	if (!p)
		return err_sys(err, ENOMEM, "no room for the command");
	p->vm = vm;
	p->builtin = builtin;
	p->begin_us = begin_us;
	if (handler)
		p->handler = *handler;
	r = open_session(p, options, err);
	if (r < 0) {
		free(p);
		return r;
	}
	fill(p, options);
	p->next = vm->processes;
	vm->processes = p;
	/* That the keeper is gone is found when the VM is served. */
	(void)session_flush(&vm->link);
	*ret = p;
	return 0;
}

int vm_process_start(struct ironclaw_vm *vm, const struct ironclaw_exec_options *options,
		     const struct vm_process_handler *handler, struct vm_process **ret,
		     struct ironclaw_error *err)
{
	struct ironclaw_exec_options mine;
	int r;

	err_clear(err);
	r = process_options_take(options, &mine, err);
	if (r < 0)
		return r;
	if (mine.timeout_ms == 0)
		mine.timeout_ms = vm->timeout_ms;
	return process_start(vm, &mine, false, handler, ret, err);
}

static bool has_ended(const struct vm_process *p)
{
	return p->over || p->session.state >= SESSION_FAILED;
}

bool process_time_is_over(const struct vm_process *p)
{
	return p->timed_out ||
	       (p->deadline_us && !p->kill_sent && clock_now_us() >= p->deadline_us);
}

static int queue_add(struct process_queue *q, const void *data, size_t len)
{
	if (q->start > 0) {
		memmove(q->data, q->data + q->start, q->used - q->start);
		q->used -= q->start;
		q->start = 0;
	}
	if (q->used + len > q->size) {
		size_t size = q->size ? q->size : 4096;
		uint8_t *grown;

		while (size < q->used + len)
			size *= 2;
		grown = realloc(q->data, size);
		if (!grown)
			return -ENOMEM;
		q->data = grown;
		q->size = size;
	}
	memcpy(q->data + q->used, data, len);
	q->used += len;
	return 0;
}

int process_pump(struct vm_process *p)
{
	struct process_queue *q = &p->input;
	struct session *s = &p->session;
	int r = 0;

	/* What the keeper has not taken yet comes first: so the link's queue stays bounded. */
	if (!p->own_input || s->state != SESSION_RUNNING || session_pending(&p->vm->link))
		return 0;
	while (r == 0 && s->stdin_open && q->start < q->used && s->stdin_window > 0) {
		size_t n = q->used - q->start;

		n = n < s->stdin_window ? n : s->stdin_window;
		n = n < WIRE_PAYLOAD_MAX_B ? n : WIRE_PAYLOAD_MAX_B;
		r = session_input(&p->vm->link, s, q->data + q->start, (uint32_t)n);
		if (r == 0)
			q->start += n;
	}
	if (q->start == q->used)
		q->start = q->used = 0;
	if (r == 0 && s->stdin_open && q->used == 0 && p->input_ended)
		r = session_input_end(&p->vm->link, s);
	return r;
}

static bool takes_input(const struct vm_process *p)
{
	return p->own_input && !p->input_ended && !p->kill_sent && !has_ended(p);
}

size_t vm_process_room(const struct vm_process *p)
{
	return takes_input(p) ? VM_PROCESS_INPUT_MAX_B - (p->input.used - p->input.start) : 0;
}

int vm_process_write(struct vm_process *p, const void *data, size_t len)
{
	int r;

	if (!takes_input(p))
		return -EPIPE;
	if (len > VM_PROCESS_INPUT_MAX_B)
		return -E2BIG;
	if (len > vm_process_room(p))
		return -EAGAIN;
	r = len > 0 ? queue_add(&p->input, data, len) : 0;
	if (r == 0)
		r = process_pump(p);
	if (r == 0)
		(void)session_flush(&p->vm->link);
	return r;
}

int vm_process_close_input(struct vm_process *p)
{
	int r;

	if (!takes_input(p))
		return -EPIPE;
	p->input_ended = true;
	r = process_pump(p);
	(void)session_flush(&p->vm->link);
	return r;
}

void vm_process_resume(struct vm_process *p)
{
	p->resume = true;
}

int vm_process_signal(struct vm_process *p, int signal)
{
	int r;

	if (signal < 1 || signal > 64)
		return -EINVAL;
	if (has_ended(p))
		return -EPIPE;
	r = session_signal(&p->vm->link, &p->session, (uint32_t)signal);
	(void)session_flush(&p->vm->link);
	return r;
}

int process_drop_kept(struct vm_process *p)
{
	int r = 0;

	for (size_t i = 0; i < ARRAY_SIZE(p->kept); i++) {
		struct process_queue *q = &p->kept[i];
		size_t len = q->used - q->start;

		q->start = q->used = 0;
		if (r == 0 && len > 0 && !has_ended(p))
			r = session_credit(&p->vm->link, &p->session,
					   (uint8_t)(WIRE_STREAM_STDOUT + i), (uint32_t)len);
	}
	return r;
}

int vm_process_kill(struct vm_process *p)
{
	int r;

	if (p->over)
		return 0;
	/* Before anything can fail: an end that nobody asked for is none that will be confirmed. */
	if (!p->kill_sent && !has_ended(p)) {
		p->kill_sent = true;
		p->session.stdin_open = false;
		p->deadline_us = clock_now_us() + LIMIT_KILL_WAIT_MS * 1000ULL;
		r = session_kill(&p->vm->link, &p->session);
		if (r < 0)
			return r;
	}
	p->kill_sent = true;
	r = process_drop_kept(p);
	(void)session_flush(&p->vm->link);
	return r;
}

bool vm_process_is_over(const struct vm_process *p)
{
	return p->over;
}

/* Says where on the way to the new program it failed, as env(1) and a shell would. */
static void describe_failure(const struct vm_process *p, struct ironclaw_exec_result *ret)
{
	const struct session *s = &p->session;
	const char *why = strerror((int)(s->errnum & 0xfff));
	char text[sizeof(ret->failure)];

	ret->exit_code = s->stage == WIRE_STAGE_EXEC && s->errnum == ENOENT ? 127 : 126;
	switch (s->stage) {
	case WIRE_STAGE_USER:
		(void)snprintf(text, sizeof(text), "no such user in the image: %s", p->user);
		break;
	case WIRE_STAGE_CWD:
		(void)snprintf(text, sizeof(text), "cannot enter '%s': %s", p->cwd, why);
		break;
	case WIRE_STAGE_EXEC:
		(void)snprintf(text, sizeof(text), "cannot execute '%s': %s", p->argv0, why);
		break;
	default:
		(void)snprintf(text, sizeof(text), "the guest could not start the command: %s",
			       why);
		break;
	}
	escape_text(ret->failure, sizeof(ret->failure), text, strlen(text));
}

static void fill_result(const struct vm_process *p, struct ironclaw_exec_result *ret)
{
	const struct session *s = &p->session;
	struct ironclaw_exec_result result = {.size = ret->size};

	result.command_us = p->end_us - p->begin_us;
	result.first_byte_us = p->first_byte_us;
	result.timed_out = p->timed_out;
	result.started = s->state != SESSION_FAILED;
	if (s->state == SESSION_FAILED) {
		describe_failure(p, &result);
	} else if (s->state == SESSION_ENDED) {
		result.oom = s->exit.flags & WIRE_EXIT_OOM;
		result.signal = s->exit.how == WIRE_SIGNALED ? (int)s->exit.value : 0;
		result.exit_code = result.signal ? 128 + result.signal : (int)s->exit.value;
	}
	if (p->timed_out)
		result.exit_code = 124;
	memcpy(ret, &result, ret->size < sizeof(result) ? ret->size : sizeof(result));
}

int vm_process_result(const struct vm_process *p, struct ironclaw_exec_result *ret,
		      struct ironclaw_error *err)
{
	if (!p->over)
		return err_set(err, IRONCLAW_ERR_BUSY, EBUSY, "the command is not over");
	if (p->refused)
		return err_set(err, IRONCLAW_ERR_CANCELLED, -p->refused,
			       "the output was refused: %s", strerror(-p->refused));
	if (p->lost.code) {
		if (err)
			*err = p->lost;
		return p->lost.errnum ? -p->lost.errnum : -EIO;
	}
	fill_result(p, ret);
	return 0;
}

void process_remove(struct vm_process *p)
{
	if (p->vm) {
		struct vm_process **at = &p->vm->processes;

		while (*at != p)
			at = &(*at)->next;
		*at = p->next;
	}
	free(p->input.data);
	for (size_t i = 0; i < ARRAY_SIZE(p->kept); i++)
		free(p->kept[i].data);
	free(p);
}

void vm_process_free(struct vm_process *p)
{
	if (!p)
		return;
	p->handler = (struct vm_process_handler){.userdata = NULL};
	p->detached = true;
	if (p->over && (!p->vm || !p->vm->serving)) {
		process_remove(p);
		return;
	}
	/* When that fails, its deadline passes, and the VM goes with it. */
	p->stdin_fd = -1;
	(void)vm_process_kill(p);
}
