/* SPDX-License-Identifier: Apache-2.0 */
/*
 * process_serve.c - one round of poll(2) for all processes of a VM; see process.h.
 *
 * Waited for are the frames of the sessions, the keeper's and the warden's sockets (whose end means
 * that the VM is lost), the wake pipe while ironclaw_vm_exec() runs (signals and sizes from
 * anywhere) and, while there is credit for it, each input. Past its time limit a command is killed
 * in the guest; when that is not confirmed in time the VM is taken down. When it is lost on the way
 * the command is dead in any case, and what is reported is that its time was over.
 *
 * The list of processes loses members only at the end of a round, for handlers may free any.
 */
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "machine/process_internal.h"
#include "sys/clock.h"

/* Places in the array of pollfds; a session's input is at FD_INPUTS and its number less 1. */
enum { FD_LINK, FD_CONTROL, FD_WARDEN, FD_WAKE, FD_INPUTS };

static struct vm_process *process_of(struct session *s)
{
	return (struct vm_process *)((char *)s - offsetof(struct vm_process, session));
}

static int keep(struct process_queue *q, const uint8_t *data, size_t len)
{
	/* The window: the guest sends no more without credit, and the keeper sees to that. */
	if (q->size == 0) {
		q->data = malloc(WIRE_WINDOW_B);
		if (!q->data)
			return -ENOMEM;
		q->size = WIRE_WINDOW_B;
	}
	if (len > q->size - (q->used - q->start))
		return -EPROTO;
	memmove(q->data, q->data + q->start, q->used - q->start);
	q->used -= q->start;
	q->start = 0;
	memcpy(q->data + q->used, data, len);
	q->used += len;
	return 0;
}

/* Return: 0: consumed; -EAGAIN */
static int offer(struct vm_process *p, uint8_t stream, const uint8_t *data, size_t len)
{
	int r;

	/* Once it is being killed, what a command still wrote is only taken off its hands. */
	if (p->kill_sent || p->timed_out || !p->handler.output)
		return 0;
	r = p->handler.output(p->handler.userdata,
			      stream == WIRE_STREAM_STDERR ? IRONCLAW_STDERR : IRONCLAW_STDOUT,
			      data, len);
	/* For ironclaw_vm_exec() there is no later. */
	if (r == 0 || (r == -EAGAIN && p->vm->foreground != p))
		return r;
	/*
	 * A receiver that would not take it until the time was over: not its failure. Its clock may
	 * be a little ahead of ours; the output is not whole, so even an end in time comes too
	 * late.
	 */
	if (process_time_is_over(p) || (r == -ETIMEDOUT && p->deadline_us)) {
		p->timed_out = true;
		return 0;
	}
	p->refused = r;
	return vm_process_kill(p);
}

static int on_output(void *userdata, struct session *s, uint8_t stream, const uint8_t *data,
		     size_t len)
{
	struct vm_process *p = process_of(s);
	struct process_queue *kept = &p->kept[stream == WIRE_STREAM_STDERR];
	int r = -EAGAIN;

	(void)userdata;
	if (p->first_byte_us == 0)
		p->first_byte_us = clock_now_us() - p->begin_us;
	if (kept->start == kept->used)
		r = offer(p, stream, data, len);
	if (r != -EAGAIN)
		return r;
	r = keep(kept, data, len);
	return r < 0 ? r : SESSION_KEPT;
}

/* What was not taken, once more. */
static int offer_kept(struct vm_process *p, uint8_t stream)
{
	struct process_queue *q = &p->kept[stream - WIRE_STREAM_STDOUT];

	while (q->start < q->used) {
		size_t n = q->used - q->start;
		int r;

		n = n < WIRE_PAYLOAD_MAX_B ? n : WIRE_PAYLOAD_MAX_B;
		r = offer(p, stream, q->data + q->start, n);
		if (r < 0)
			return r == -EAGAIN ? 0 : r;
		/* A kill has dropped it all. */
		if (q->start == q->used)
			return 0;
		q->start += n;
		if (p->session.state < SESSION_FAILED)
			r = session_credit(&p->vm->link, &p->session, stream, (uint32_t)n);
		if (r < 0)
			return r;
	}
	q->start = q->used = 0;
	return 0;
}

static int resume(struct vm_process *p)
{
	int r;

	if (!p->resume)
		return 0;
	p->resume = false;
	r = offer_kept(p, WIRE_STREAM_STDOUT);
	return r < 0 ? r : offer_kept(p, WIRE_STREAM_STDERR);
}

static int read_input(struct vm_process *p)
{
	uint8_t buf[WIRE_PAYLOAD_MAX_B];
	size_t want = p->session.stdin_window < sizeof(buf) ? p->session.stdin_window : sizeof(buf);
	ssize_t n = read(p->stdin_fd, buf, want);

	if (n > 0)
		return session_input(&p->vm->link, &p->session, buf, (uint32_t)n);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	/* An input that cannot be read has ended; a hung-up terminal says EIO. */
	return session_input_end(&p->vm->link, &p->session);
}

static int pass_wake(struct vm_process *p, const struct vm_wake *wake)
{
	if (wake->signal)
		return session_signal(&p->vm->link, &p->session, wake->signal);
	/* A command without a pty has no size. */
	if (!p->tty)
		return 0;
	return session_resize(&p->vm->link, &p->session, wake->rows, wake->cols);
}

static int read_wake(struct vm_process *p)
{
	struct vm_wake wake;
	int r = 0;

	while (r == 0 && read(p->vm->wake_fds[0], &wake, sizeof(wake)) == sizeof(wake))
		r = pass_wake(p, &wake);
	return r;
}

static bool runs(const struct vm_process *p)
{
	return !p->over && p->session.state < SESSION_FAILED;
}

/* The time is over: kill the command; the second time give up, which ends the VM. */
static int on_deadline(struct vm_process *p)
{
	if (p->kill_sent && runs(p))
		return -ETIMEDOUT;
	p->timed_out = true;
	return vm_process_kill(p);
}

static void settle(struct vm_process *p)
{
	bool kept = p->kept[0].start < p->kept[0].used || p->kept[1].start < p->kept[1].used;

	if (!p->over && !runs(p) && !kept) {
		p->over = true;
		p->end_us = clock_now_us();
		if (p->session.state == SESSION_LOST && !p->timed_out)
			(void)err_set(
				&p->lost, IRONCLAW_ERR_UNKNOWN_OUTCOME, ECONNRESET,
				"the link to the guest of VM '%s' broke under the command: whether "
				"it came to its end is unknown",
				p->vm->launch.vm_id);
	}
	if (p->over && !p->told) {
		p->told = true;
		if (p->handler.over)
			p->handler.over(p->handler.userdata);
	}
}

static int serve_process(struct vm_process *p, const struct pollfd *fds)
{
	const struct pollfd *input = &fds[FD_INPUTS + p->session.id - 1];
	int r = 0;

	if (runs(p) && p->vm->foreground == p && (fds[FD_WAKE].revents & POLLIN))
		r = read_wake(p);
	if (r == 0 && runs(p) && p->input_polled && input->revents && p->session.stdin_open)
		r = read_input(p);
	p->input_polled = false;
	if (r == 0 && !p->over)
		r = resume(p);
	if (r == 0 && !p->over && p->timed_out && !p->kill_sent)
		r = on_deadline(p);
	if (r == 0 && !p->over && p->deadline_us && clock_left_ms(p->deadline_us) == 0)
		r = on_deadline(p);
	return r;
}

static int serve_round(struct ironclaw_vm *vm, const struct pollfd *fds)
{
	int r = 0;

	if (fds[FD_LINK].revents & (POLLIN | POLLHUP | POLLERR))
		r = session_receive(&vm->link, on_output, NULL);
	for (struct vm_process *p = vm->processes; r == 0 && p; p = p->next)
		r = serve_process(p, fds);
	if (r == 0)
		r = session_flush(&vm->link);
	for (struct vm_process *p = vm->processes; r == 0 && p; p = p->next)
		r = runs(p) ? process_pump(p) : 0;
	if (r == 0)
		r = session_flush(&vm->link);
	/* Only now: what was read before it may be the end of a command. */
	if (r == 0 && !(fds[FD_LINK].revents & POLLIN) &&
	    (fds[FD_CONTROL].revents || fds[FD_WARDEN].revents))
		return -EPIPE;
	return r;
}

static void sweep(struct ironclaw_vm *vm)
{
	struct vm_process *next;

	for (struct vm_process *p = vm->processes; p; p = next) {
		next = p->next;
		if (p->detached && p->over)
			process_remove(p);
	}
}

static void settle_all(struct ironclaw_vm *vm)
{
	for (struct vm_process *p = vm->processes; p; p = p->next)
		settle(p);
}

void process_end_all(struct ironclaw_vm *vm, const struct ironclaw_error *why)
{
	for (struct vm_process *p = vm->processes; p; p = p->next) {
		if (p->over)
			continue;
		p->over = true;
		p->end_us = clock_now_us();
		if (!p->timed_out)
			p->lost = *why;
	}
}

void process_take_down(struct ironclaw_vm *vm, const struct ironclaw_error *why)
{
	struct ironclaw_error left = {.code = IRONCLAW_ERR_NONE};
	bool serving = vm->serving;
	int r;

	vm->serving = true;
	settle_all(vm);
	r = launch_end(&vm->launch, &left);
	/* A command whose time is over is dead for that, once the VM is. */
	for (struct vm_process *p = vm->processes; p; p = p->next) {
		if (p->over || !process_time_is_over(p))
			continue;
		p->timed_out = true;
		if (r < 0)
			p->lost = left;
	}
	process_end_all(vm, why);
	settle_all(vm);
	vm->serving = serving;
}

/* What a failed round means. */
static int explain(struct ironclaw_vm *vm, int r, struct ironclaw_error *err)
{
	if (r == -EPROTO)
		return err_set(err, IRONCLAW_ERR_INTERNAL, EPROTO, "the keeper broke the protocol");
	if (r == -ENOMEM)
		return err_sys(err, ENOMEM, "no room for the session");
	if (r == -ETIMEDOUT)
		return err_set(err, IRONCLAW_ERR_LOST, ETIMEDOUT,
			       "VM '%s' was ended: it did not confirm in %u s that a command was "
			       "killed",
			       vm->launch.vm_id, LIMIT_KILL_WAIT_MS / 1000);
	return launch_explain(&vm->launch, err);
}

int vm_serve(struct ironclaw_vm *vm, const struct pollfd fds[VM_POLL_MAX],
	     struct ironclaw_error *err)
{
	struct ironclaw_error why;
	int r;

	ic_assert(!vm->serving);
	err_clear(err);
	if (vm->launch.ended)
		return err_set(err, IRONCLAW_ERR_LOST, EPIPE, "VM '%s' has ended already",
			       vm->launch.vm_id);
	vm->serving = true;
	r = serve_round(vm, fds);
	if (r < 0) {
		err_clear(&why);
		r = explain(vm, r, &why);
		process_take_down(vm, &why);
		if (err)
			*err = why;
	}
	settle_all(vm);
	vm->serving = false;
	sweep(vm);
	return r;
}

static void want_until(int *timeout_ms, int left_ms)
{
	if (*timeout_ms < 0 || *timeout_ms > left_ms)
		*timeout_ms = left_ms;
}

static void poll_process(struct vm_process *p, struct pollfd *fds, int *timeout_ms)
{
	const struct session *s = &p->session;

	if (p->deadline_us)
		want_until(timeout_ms, clock_left_ms(p->deadline_us));
	if (p->resume || (p->timed_out && !p->kill_sent))
		want_until(timeout_ms, 0);
	p->input_polled = p->stdin_fd >= 0 && s->state == SESSION_RUNNING && s->stdin_open &&
			  s->stdin_window > 0 && !session_pending(&p->vm->link);
	if (p->input_polled)
		fds[FD_INPUTS + s->id - 1] = (struct pollfd){.fd = p->stdin_fd, .events = POLLIN};
	if (p->vm->foreground == p)
		fds[FD_WAKE].fd = p->vm->wake_fds[0];
}

void vm_poll(struct ironclaw_vm *vm, struct pollfd fds[VM_POLL_MAX], int *timeout_ms)
{
	for (size_t i = 0; i < VM_POLL_MAX; i++)
		fds[i] = (struct pollfd){.fd = -1, .events = POLLIN};
	if (vm->launch.ended) {
		want_until(timeout_ms, 0);
		return;
	}
	fds[FD_LINK].fd = vm->link.fd;
	if (session_pending(&vm->link))
		fds[FD_LINK].events |= POLLOUT;
	fds[FD_CONTROL].fd = vm->launch.control_fd;
	fds[FD_WARDEN].fd = vm->launch.warden_fd;
	for (struct vm_process *p = vm->processes; p; p = p->next)
		if (!p->over)
			poll_process(p, fds, timeout_ms);
}

int vm_step(struct ironclaw_vm *vm, int timeout_ms, struct ironclaw_error *err)
{
	struct pollfd fds[VM_POLL_MAX];

	vm_poll(vm, fds, &timeout_ms);
	if (poll(fds, VM_POLL_MAX, timeout_ms) < 0) {
		if (errno != EINTR)
			return err_sys(err, errno, "poll");
		for (size_t i = 0; i < VM_POLL_MAX; i++)
			fds[i].revents = 0;
	}
	return vm_serve(vm, fds, err);
}
