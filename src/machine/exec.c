/* SPDX-License-Identifier: Apache-2.0 */
/*
 * exec.c - ironclaw_vm_exec(): one command, from its request to its end.
 *
 * One poll(2) loop on the frames of the session, the keeper's and the warden's sockets (whose end
 * means that the VM is lost), the wake pipe (signals and sizes from anywhere) and, while there is
 * credit for it, the input. Past the time limit the command is killed in the guest; when that is
 * not confirmed in time, or the VM is lost on the way, the VM is taken down: the command is dead in
 * any case, and what is reported is that its time was over.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/escape.h"
#include "machine/vm.h"
#include "sys/clock.h"

struct exec {
	struct ironclaw_vm *vm;
	const struct ironclaw_exec_options *options;
	struct session session;
	uint64_t begin_us, deadline_us; /* deadline 0: none */
	uint64_t first_byte_us;
	int refused; /* what the output callback returned below 0 */
	bool builtin;
	bool timed_out, kill_sent;
};

static bool time_is_over(const struct exec *x)
{
	return x->timed_out || (x->deadline_us && clock_now_us() >= x->deadline_us);
}

static int on_output(void *userdata, uint8_t stream, const uint8_t *data, size_t len)
{
	struct exec *x = userdata;
	int r;

	if (x->first_byte_us == 0)
		x->first_byte_us = clock_now_us() - x->begin_us;
	/* Once it is being killed, what a command still wrote is only taken off its hands. */
	if (x->timed_out || !x->options->output)
		return 0;
	r = x->options->output(x->options->userdata,
			       stream == WIRE_STREAM_STDERR ? IRONCLAW_STDERR : IRONCLAW_STDOUT,
			       data, len);
	/*
	 * A receiver that would not take it until the time was over: not its failure. Its clock may
	 * be a little ahead of ours; the output is not whole, so even an end in time comes too
	 * late.
	 */
	if (r < 0 && (time_is_over(x) || (r == -ETIMEDOUT && x->deadline_us))) {
		x->timed_out = true;
		return 0;
	}
	if (r < 0)
		x->refused = r;
	return r;
}

static int read_input(struct exec *x)
{
	uint8_t buf[WIRE_PAYLOAD_MAX_B];
	size_t want = x->session.stdin_window < sizeof(buf) ? x->session.stdin_window : sizeof(buf);
	ssize_t n = read(x->options->stdin_fd, buf, want);

	if (n > 0)
		return session_input(&x->vm->link, &x->session, buf, (uint32_t)n);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	/* An input that cannot be read has ended; a hung-up terminal says EIO. */
	return session_input_end(&x->vm->link, &x->session);
}

static int pass_wake(struct exec *x, const struct vm_wake *wake)
{
	if (wake->signal)
		return session_signal(&x->vm->link, &x->session, wake->signal);
	/* A command without a pty has no size. */
	if (!x->options->tty)
		return 0;
	return session_resize(&x->vm->link, &x->session, wake->rows, wake->cols);
}

static int read_wake(struct exec *x)
{
	struct vm_wake wake;
	int r = 0;

	while (r == 0 && read(x->vm->wake_fds[0], &wake, sizeof(wake)) == sizeof(wake))
		r = pass_wake(x, &wake);
	return r;
}

static bool over(const struct exec *x)
{
	return x->session.state >= SESSION_FAILED;
}

/* The time is over: kill the command; the second time give up, which ends the VM. */
static int on_deadline(struct exec *x)
{
	x->timed_out = true;
	if (x->kill_sent)
		return -ETIMEDOUT;
	x->kill_sent = true;
	x->session.stdin_open = false;
	x->deadline_us = clock_now_us() + LIMIT_KILL_WAIT_MS * 1000ULL;
	return session_kill(&x->vm->link, &x->session);
}

static int step(struct exec *x, struct ironclaw_error *err)
{
	struct ironclaw_vm *vm = x->vm;
	bool may_send = x->session.stdin_open && x->session.stdin_window > 0 &&
			!session_pending(&vm->link) && x->session.state == SESSION_RUNNING;
	struct pollfd p[] = {
		{.fd = vm->link.fd,
		 .events = (short)(POLLIN | (session_pending(&vm->link) ? POLLOUT : 0))},
		{.fd = vm->launch.control_fd, .events = POLLIN},
		{.fd = vm->launch.warden_fd, .events = POLLIN},
		{.fd = vm->wake_fds[0], .events = POLLIN},
		{.fd = may_send ? x->options->stdin_fd : -1, .events = POLLIN},
	};
	int r = 0;

	if (poll(p, ARRAY_SIZE(p), x->deadline_us ? clock_left_ms(x->deadline_us) : -1) < 0 &&
	    errno != EINTR)
		return err_sys(err, errno, "poll");
	if (p[0].revents & (POLLIN | POLLHUP | POLLERR))
		r = session_receive(&vm->link, &x->session, on_output, x);
	if (r == 0 && !over(x) && (p[3].revents & POLLIN))
		r = read_wake(x);
	if (r == 0 && !over(x) && p[4].revents)
		r = read_input(x);
	if (r == 0 && !over(x) && x->deadline_us && clock_left_ms(x->deadline_us) == 0)
		r = on_deadline(x);
	if (r == 0 && !over(x))
		r = session_flush(&vm->link);
	/* Only now: what was read before it may be the end of the command. */
	if (r == 0 && !over(x) && !(p[0].revents & POLLIN) && (p[1].revents || p[2].revents))
		return -EPIPE;
	return r;
}

/* Says where on the way to the new program it failed, as env(1) and a shell would. */
static void describe_failure(const struct exec *x, struct ironclaw_exec_result *ret)
{
	const struct session *s = &x->session;
	const struct ironclaw_exec_options *o = x->options;
	const char *why = strerror((int)(s->errnum & 0xfff));
	char text[sizeof(ret->failure)];

	ret->exit_code = s->stage == WIRE_STAGE_EXEC && s->errnum == ENOENT ? 127 : 126;
	switch (s->stage) {
	case WIRE_STAGE_USER:
		(void)snprintf(text, sizeof(text), "no such user in the image: %s",
			       o->user ? o->user : "user");
		break;
	case WIRE_STAGE_CWD:
		(void)snprintf(text, sizeof(text), "cannot enter '%.128s': %s",
			       o->cwd ? o->cwd : "home", why);
		break;
	case WIRE_STAGE_EXEC:
		(void)snprintf(text, sizeof(text), "cannot execute '%.128s': %s", o->argv[0], why);
		break;
	default:
		(void)snprintf(text, sizeof(text), "the guest could not start the command: %s",
			       why);
		break;
	}
	escape_text(ret->failure, sizeof(ret->failure), text, strlen(text));
}

static void fill_result(const struct exec *x, struct ironclaw_exec_result *ret)
{
	const struct session *s = &x->session;
	struct ironclaw_exec_result result = {.size = ret->size};

	result.command_us = clock_now_us() - x->begin_us;
	result.first_byte_us = x->first_byte_us;
	result.timed_out = x->timed_out;
	result.started = s->state != SESSION_FAILED;
	if (s->state == SESSION_FAILED) {
		describe_failure(x, &result);
	} else if (s->state == SESSION_ENDED) {
		result.oom = s->exit.flags & WIRE_EXIT_OOM;
		result.signal = s->exit.how == WIRE_SIGNALED ? (int)s->exit.value : 0;
		result.exit_code = result.signal ? 128 + result.signal : (int)s->exit.value;
	}
	if (x->timed_out)
		result.exit_code = 124;
	memcpy(ret, &result, ret->size < sizeof(result) ? ret->size : sizeof(result));
}

static void drop_stale_wakes(const struct ironclaw_vm *vm)
{
	struct vm_wake wake;

	while (read(vm->wake_fds[0], &wake, sizeof(wake)) > 0)
		;
}

/* What a failed step means. */
static int explain(const struct exec *x, int r, struct ironclaw_error *err)
{
	if (x->refused)
		return err_set(err, IRONCLAW_ERR_CANCELLED, -r, "the output was refused: %s",
			       strerror(-r));
	if (err && err->code != IRONCLAW_ERR_NONE)
		return r;
	if (r == -EPROTO)
		return err_set(err, IRONCLAW_ERR_INTERNAL, EPROTO, "the keeper broke the protocol");
	if (r == -ENOMEM)
		return err_sys(err, ENOMEM, "no room for the session");
	return launch_explain(&x->vm->launch, err);
}

/* Options of this version: those of an older caller end earlier, the rest is the default. */
static int take_options(const struct ironclaw_exec_options *options,
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

static int run(struct exec *x, struct ironclaw_error *err)
{
	const struct session_command command = {.argv = x->options->argv,
						.env = x->options->env,
						.cwd = x->options->cwd,
						.user = x->options->user,
						.tty = x->options->tty,
						.use_stdin = x->options->use_stdin,
						.builtin = x->builtin,
						.rows = x->options->rows,
						.cols = x->options->cols};
	int r;

	drop_stale_wakes(x->vm);
	r = session_open(&x->vm->link, &command, &x->session, err);
	if (r < 0)
		return r;
	r = session_flush(&x->vm->link);
	while (r == 0 && !over(x))
		r = step(x, err);
	if (r == 0 && x->session.state == SESSION_LOST && !x->timed_out)
		return err_set(err, IRONCLAW_ERR_UNKNOWN_OUTCOME, ECONNRESET,
			       "the link to the guest of VM '%s' broke under the command: whether "
			       "it came to its end is unknown",
			       x->vm->launch.vm_id);
	if (r == 0)
		return 0;
	/* A command that nobody listens to any more must not live on. */
	if (!x->refused && time_is_over(x)) {
		x->timed_out = true;
		err_clear(err);
		return launch_end(&x->vm->launch, err);
	}
	r = explain(x, r, err);
	(void)launch_end(&x->vm->launch, NULL);
	return r;
}

static int exec(struct exec *x, uint64_t timeout_ms, struct ironclaw_exec_result *ret,
		struct ironclaw_error *err)
{
	int r;

	if (x->vm->launch.ended)
		return err_set(err, IRONCLAW_ERR_LOST, EPIPE, "VM '%s' has ended already",
			       x->vm->launch.vm_id);
	if (x->vm->paused)
		return err_set(err, IRONCLAW_ERR_BUSY, EBUSY, "VM '%s' is paused",
			       x->vm->launch.vm_id);
	x->begin_us = clock_now_us();
	if (timeout_ms)
		x->deadline_us = x->begin_us + timeout_ms * 1000;
	r = run(x, err);
	if (r == 0)
		fill_result(x, ret);
	return r;
}

int ironclaw_vm_exec(struct ironclaw_vm *vm, const struct ironclaw_exec_options *options,
		     struct ironclaw_exec_result *ret, struct ironclaw_error *err)
{
	struct ironclaw_exec_options mine;
	struct exec x = {.vm = vm, .options = &mine};
	int r;

	err_clear(err);
	if (!vm || !ret)
		return err_set(err, IRONCLAW_ERR_INVALID, EINVAL,
			       "ironclaw_vm_exec() needs a VM and a result");
	r = take_options(options, &mine, err);
	return r < 0 ? r : exec(&x, mine.timeout_ms ? mine.timeout_ms : vm->timeout_ms, ret, err);
}

int vm_exec_builtin(struct ironclaw_vm *vm, const struct ironclaw_exec_options *options,
		    struct ironclaw_exec_result *ret, struct ironclaw_error *err)
{
	struct exec x = {.vm = vm, .options = options, .builtin = true};

	err_clear(err);
	return exec(&x, options->timeout_ms, ret, err);
}

static int wake(struct ironclaw_vm *vm, const struct vm_wake *record)
{
	/* Full means a hundred signals that nobody took: one more or less is not noticed. */
	if (write(vm->wake_fds[1], record, sizeof(*record)) < 0 && errno != EAGAIN)
		return -errno;
	return 0;
}

int ironclaw_vm_signal(struct ironclaw_vm *vm, int signal)
{
	const struct vm_wake record = {.signal = (uint32_t)signal};

	if (!vm || signal < 1 || signal > 64)
		return -EINVAL;
	return wake(vm, &record);
}

int ironclaw_vm_resize(struct ironclaw_vm *vm, uint16_t rows, uint16_t cols)
{
	const struct vm_wake record = {.rows = rows, .cols = cols};

	return vm ? wake(vm, &record) : -EINVAL;
}
