/* SPDX-License-Identifier: Apache-2.0 */
/*
 * run_session.c - wire a command in a VM to our terminal, signals and output.
 *
 * Signals that a user or a supervisor sends to us are for the command: they are passed on, and we
 * live until it ends. Who means us says it three times. With -t and a terminal, keys reach the
 * command's own pty as bytes, Ctrl-C among them.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "base/error.h"
#include "cli/run.h"
#include "sys/clock.h"

#define STUBBORN_SIGNALS 3
/* A pipe that is ready takes this much without blocking (PIPE_BUF). */
#define SAFE_WRITE_B	 4096U

static const int passed_on[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2};

/* For the handlers: set while a command runs. */
static struct ironclaw_vm *volatile session_vm;
static volatile sig_atomic_t stubborn_count;
static bool terminal_is_raw;
static struct termios terminal_before;

struct session_io {
	const struct run_args *args;
	struct run_report *report;
	uint64_t deadline_us;
};

static void restore_terminal(void)
{
	if (terminal_is_raw)
		(void)tcsetattr(STDIN_FILENO, TCSADRAIN, &terminal_before);
	terminal_is_raw = false;
}

static void on_signal(int signal)
{
	int saved = errno;

	if ((signal == SIGINT || signal == SIGTERM) && ++stubborn_count >= STUBBORN_SIGNALS) {
		restore_terminal();
		/* The warden sees our end and takes the VM down. */
		_exit(128 + signal);
	}
	if (session_vm)
		(void)ironclaw_vm_signal(session_vm, signal);
	errno = saved;
}

static void on_resize(int signal)
{
	int saved = errno;
	struct winsize size;

	(void)signal;
	if (session_vm && ioctl(STDIN_FILENO, TIOCGWINSZ, &size) == 0)
		(void)ironclaw_vm_resize(session_vm, size.ws_row, size.ws_col);
	errno = saved;
}

static void handle_signals(bool tty)
{
	struct sigaction action = {.sa_handler = on_signal}, before;

	for (size_t i = 0; i < ARRAY_SIZE(passed_on); i++) {
		/* What our parent had ignored (nohup, a script's background job) stays ignored. */
		if (sigaction(passed_on[i], NULL, &before) == 0 && before.sa_handler != SIG_IGN)
			(void)sigaction(passed_on[i], &action, NULL);
	}
	action.sa_handler = SIG_IGN;
	(void)sigaction(SIGPIPE, &action, NULL);
	if (!tty)
		return;
	action.sa_handler = on_resize;
	action.sa_flags = SA_RESTART;
	(void)sigaction(SIGWINCH, &action, NULL);
}

/* What comes after the command with a workspace may take long, and a signal ends it: nothing of the
 * host has changed then, or an apply is finished or undone by the next run. */
static void give_signals_back(void)
{
	struct sigaction before;

	for (size_t i = 0; i < ARRAY_SIZE(passed_on); i++) {
		if (sigaction(passed_on[i], NULL, &before) == 0 && before.sa_handler == on_signal)
			(void)signal(passed_on[i], SIG_DFL);
	}
}

static void make_terminal_raw(void)
{
	struct termios raw;

	if (tcgetattr(STDIN_FILENO, &terminal_before) < 0)
		return;
	raw = terminal_before;
	cfmakeraw(&raw);
	terminal_is_raw = tcsetattr(STDIN_FILENO, TCSADRAIN, &raw) == 0;
}

/* With a time limit, never block in a write: the time counts there as well. */
static int wait_writable(const struct session_io *io, int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLOUT};
	int n = poll(&p, 1, io->deadline_us ? clock_left_ms(io->deadline_us) : -1);

	if (n == 0)
		return -ETIMEDOUT;
	return n < 0 && errno != EINTR ? -errno : 0;
}

static int write_out(const struct session_io *io, int fd, const char *data, size_t len)
{
	while (len > 0) {
		size_t want = io->deadline_us && len > SAFE_WRITE_B ? SAFE_WRITE_B : len;
		ssize_t n;
		int r = io->deadline_us ? wait_writable(io, fd) : 0;

		if (r < 0)
			return r;
		n = write(fd, data, want);
		if (n < 0 && errno == EAGAIN) {
			r = wait_writable(io, fd);
			if (r < 0)
				return r;
			continue;
		}
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		data += n;
		len -= (size_t)n;
	}
	return 0;
}

static int capture(struct run_capture *c, const void *data, size_t len)
{
	size_t room = LIMIT_CAPTURE_MAX_B - c->len;
	char *grown;

	if (len > room) {
		c->truncated = true;
		len = room;
	}
	if (len == 0)
		return 0;
	grown = realloc(c->data, c->len + len);
	if (!grown)
		return -ENOMEM;
	c->data = grown;
	memcpy(c->data + c->len, data, len);
	c->len += len;
	return 0;
}

static int on_output(void *userdata, enum ironclaw_stream stream, const void *data, size_t len)
{
	const struct session_io *io = userdata;
	bool is_err = stream == IRONCLAW_STDERR;

	if (io->args->json)
		return capture(is_err ? &io->report->err : &io->report->out, data, len);
	return write_out(io, is_err ? STDERR_FILENO : STDOUT_FILENO, data, len);
}

static void set_size(struct ironclaw_exec_options *exec)
{
	struct winsize size = {.ws_row = 24, .ws_col = 80};

	if (ioctl(STDIN_FILENO, TIOCGWINSZ, &size) < 0)
		(void)ioctl(STDOUT_FILENO, TIOCGWINSZ, &size);
	exec->rows = size.ws_row;
	exec->cols = size.ws_col;
}

int run_session(struct ironclaw_vm *vm, const struct run_args *args, struct run_report *ret,
		struct ironclaw_error *err)
{
	struct session_io io = {.args = args, .report = ret};
	struct ironclaw_exec_options exec = args->exec;
	int r;

	exec.output = on_output;
	exec.userdata = &io;
	if (exec.timeout_ms == 0)
		exec.timeout_ms = ret->info.timeout_ms;
	if (exec.timeout_ms)
		io.deadline_us = clock_now_us() + exec.timeout_ms * 1000;
	if (exec.tty)
		set_size(&exec);
	session_vm = vm;
	handle_signals(exec.tty);
	if (exec.tty && args->interactive)
		make_terminal_raw();
	ret->result.size = sizeof(ret->result);
	r = ironclaw_vm_exec(vm, &exec, &ret->result, err);
	restore_terminal();
	session_vm = NULL;
	if (args->on.workspace.folder)
		give_signals_back();
	return r;
}
