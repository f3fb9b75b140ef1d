/* SPDX-License-Identifier: Apache-2.0 */
/* session.c - the life of a command; see session.h. */
#include "guest/session.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "guest/cgroup.h"
#include "guest/child.h"
#include "guest/clock.h"
#include "guest/identity.h"
#include "guest/link.h"
#include "guest/request.h"
#include "guest/spawn.h"
#include "guest/stream.h"

#define OUTPUTS	   2U
#define SIGNAL_MAX 64U

enum session_state { SESSION_FREE, SESSION_STARTING, SESSION_RUNNING, SESSION_ENDING };
enum source { SOURCE_STATUS, SOURCE_INPUT, SOURCE_OUTPUT, SOURCE_OUTPUT_2, SOURCE_CGROUP };

struct session {
	uint16_t number;
	enum session_state state;
	struct cgroup cgroup; /* stays from command to command */
	pid_t pid;
	int wait_status;
	bool tty, stdin_open, empty; /* empty: the cgroup, after the end */
	int status_fd;
	uint64_t signals_waiting; /* bit N-1: SIGNAL N came before the command ran */
	struct input input;
	struct output output[OUTPUTS];
};

static struct session sessions[WIRE_SESSION_MAX];
static uint16_t n_open;
static bool request_open;

static struct session *session_of(uint16_t number)
{
	return &sessions[number - 1];
}

bool session_any(void)
{
	return n_open > 0 || request_open;
}

static void close_status(struct session *s)
{
	if (s->status_fd >= 0)
		(void)close(s->status_fd);
	s->status_fd = -EBADF;
}

static void set_free(struct session *s)
{
	close_status(s);
	input_close(&s->input);
	for (unsigned int i = 0; i < OUTPUTS; i++)
		output_close(&s->output[i]);
	s->state = SESSION_FREE;
	s->pid = 0;
	n_open--;
	if (n_open == 0)
		cgroup_kill_strays();
}

void session_abandon(void)
{
	for (unsigned int i = 0; i < WIRE_SESSION_MAX; i++)
		if (sessions[i].state != SESSION_FREE)
			set_free(&sessions[i]);
	request_free();
	request_open = false;
	cgroup_empty_all();
}

static void send_failed(uint16_t number, enum wire_exec_stage stage, uint32_t errnum)
{
	uint8_t payload[8];

	wire_put_u32(payload, stage);
	wire_put_u32(payload + 4, errnum);
	link_send(WIRE_EXEC_FAILED, WIRE_STREAM_NONE, number, payload, sizeof(payload));
}

/* Return: 0, or -errno with *ret_stage. */
static int open_session(struct session *s, uint16_t number, enum wire_exec_stage *ret_stage)
{
	struct spawned child;
	struct wire_exec exec;
	const uint8_t *request;
	const char *bad;
	size_t len;
	int r;

	*ret_stage = WIRE_STAGE_REQUEST;
	r = request_take(&request, &len);
	if (r < 0)
		return r;
	bad = wire_exec_get(request, len, &exec);
	if (bad)
		link_fail(bad);
	*ret_stage = WIRE_STAGE_SETUP;
	r = cgroup_take(number, &s->cgroup, n_open == 0);
	if (r < 0)
		return r;
	r = spawn(s->cgroup.dir, request, len, &exec, &child);
	if (r < 0)
		return r;
	s->number = number;
	s->state = SESSION_STARTING;
	s->pid = child.pid;
	s->tty = exec.flags & WIRE_EXEC_TTY;
	s->stdin_open = exec.flags & WIRE_EXEC_STDIN;
	s->empty = false;
	s->status_fd = child.status;
	s->signals_waiting = 0;
	input_init(&s->input, child.in, s->tty);
	output_init(&s->output[0], child.out, WIRE_STREAM_STDOUT);
	output_init(&s->output[1], child.err, WIRE_STREAM_STDERR);
	n_open++;
	return 0;
}

static void on_exec(const struct wire_frame *frame)
{
	uint16_t number = frame->header.session;
	struct session *s = session_of(number);
	enum wire_exec_stage stage;
	const char *bad;
	int r;

	if (!identity_ready())
		link_fail("EXEC before IDENTITY_OK");
	if (s->state != SESSION_FREE)
		link_fail("session of EXEC: it is open");
	bad = request_add(number, frame->payload, frame->header.length);
	if (bad)
		link_fail(bad);
	request_open = true;
	if (frame->header.kind == WIRE_EXEC_PART)
		return;
	r = open_session(s, number, &stage);
	request_free();
	request_open = false;
	if (r < 0)
		send_failed(number, stage, (uint32_t)-r);
}

/* To the command's process group; on a terminal to the one in the foreground. */
static void send_signal(const struct session *s, int sig)
{
	pid_t group = s->pid;

	if (s->tty && s->output[0].fd >= 0) {
		pid_t foreground = tcgetpgrp(s->output[0].fd);

		if (foreground > 1)
			group = foreground;
	}
	if (kill(-group, sig) < 0 && errno == ESRCH)
		(void)kill(s->pid, sig);
}

static void on_signal(struct session *s, uint32_t sig)
{
	if (sig < 1 || sig > SIGNAL_MAX)
		link_fail("number of SIGNAL");
	if (s->state == SESSION_STARTING)
		s->signals_waiting |= UINT64_C(1) << (sig - 1);
	else if (s->state == SESSION_RUNNING)
		send_signal(s, (int)sig);
}

static void on_winsize(const struct session *s, const uint8_t *payload)
{
	struct winsize size = {
		.ws_row = wire_get_u16(payload),
		.ws_col = wire_get_u16(payload + 2),
	};

	if (!s->tty)
		link_fail("WINSIZE without a terminal");
	if (s->output[0].fd >= 0)
		(void)ioctl(s->output[0].fd, TIOCSWINSZ, &size);
}

static void on_credit(struct session *s, const struct wire_frame *frame)
{
	struct output *output = &s->output[frame->header.stream == WIRE_STREAM_STDERR];
	const char *bad = output_credit(output, wire_get_u32(frame->payload));

	if (bad)
		link_fail(bad);
}

static const char *on_input(struct session *s, const struct wire_frame *frame)
{
	if (!s->stdin_open)
		return "stdin of a command that has none";
	if (frame->header.kind == WIRE_EOF)
		return input_end(&s->input, s->number);
	return input_data(&s->input, s->number, frame->payload, frame->header.length);
}

/* Send what is left once nobody can add to it, then report the end. */
static void settle(struct session *s)
{
	struct wire_exit exit = {.how = WIRE_EXITED};
	uint8_t payload[WIRE_EXIT_B];
	bool closed = true;

	if (s->state != SESSION_ENDING)
		return;
	if (!s->empty && cgroup_populated(&s->cgroup))
		return;
	s->empty = true;
	for (unsigned int i = 0; i < OUTPUTS; i++)
		if (s->output[i].fd >= 0)
			closed &= output_finish(&s->output[i], s->number) == OUTPUT_CLOSED;
	if (!closed)
		return;
	if (WIFSIGNALED(s->wait_status)) {
		exit.how = WIRE_SIGNALED;
		exit.value = (uint32_t)WTERMSIG(s->wait_status);
	} else {
		exit.value = (uint32_t)WEXITSTATUS(s->wait_status);
	}
	if (cgroup_oom(&s->cgroup))
		exit.flags |= WIRE_EXIT_OOM;
	cgroup_clean(&s->cgroup);
	set_free(s);
	wire_exit_put(payload, &exit);
	link_send(WIRE_EXIT, WIRE_STREAM_NONE, s->number, payload, sizeof(payload));
}

void session_frame(const struct wire_frame *frame)
{
	struct session *s = session_of(frame->header.session);
	const char *bad = NULL;

	if (frame->header.kind == WIRE_EXEC || frame->header.kind == WIRE_EXEC_PART) {
		on_exec(frame);
		return;
	}
	if (s->state == SESSION_FREE)
		return;
	if (frame->header.kind == WIRE_DATA || frame->header.kind == WIRE_EOF)
		bad = on_input(s, frame);
	else if (frame->header.kind == WIRE_CREDIT)
		on_credit(s, frame);
	else if (frame->header.kind == WIRE_SIGNAL)
		on_signal(s, wire_get_u32(frame->payload));
	else if (frame->header.kind == WIRE_WINSIZE)
		on_winsize(s, frame->payload);
	else if (frame->header.kind == WIRE_KILL)
		cgroup_kill(&s->cgroup);
	if (bad)
		link_fail(bad);
	settle(s);
}

/* Has the child become the command? A child that was killed before it could counts as one. */
static void check_status(struct session *s)
{
	uint8_t status[CHILD_STATUS_B];
	ssize_t n;

	if (s->state != SESSION_STARTING)
		return;
	do
		n = read(s->status_fd, status, sizeof(status));
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return;
	if (n == (ssize_t)sizeof(status)) {
		uint16_t number = s->number;

		set_free(s);
		send_failed(number, wire_get_u32(status), wire_get_u32(status + 4));
		return;
	}
	close_status(s);
	s->state = SESSION_RUNNING;
	link_send(WIRE_STARTED, WIRE_STREAM_NONE, s->number, NULL, 0);
	for (unsigned int sig = 1; sig <= SIGNAL_MAX; sig++)
		if (s->signals_waiting & UINT64_C(1) << (sig - 1))
			send_signal(s, (int)sig);
}

void session_reaped(pid_t pid, int wait_status)
{
	for (unsigned int i = 0; i < WIRE_SESSION_MAX; i++) {
		struct session *s = &sessions[i];

		if (s->pid != pid)
			continue;
		check_status(s);
		if (s->state != SESSION_RUNNING)
			return;
		s->pid = 0;
		s->wait_status = wait_status;
		s->state = SESSION_ENDING;
		s->empty = !cgroup_populated(&s->cgroup);
		if (!s->empty)
			cgroup_kill(&s->cgroup);
		settle(s);
		return;
	}
}

void session_ready(const struct session_poll *owner)
{
	struct session *s = session_of(owner->session);

	/* An earlier event of the same round may have ended the session. */
	if (s->state == SESSION_FREE)
		return;
	switch ((enum source)owner->source) {
	case SOURCE_STATUS:
		check_status(s);
		return;
	case SOURCE_INPUT:
		input_pump(&s->input, s->number);
		break;
	case SOURCE_OUTPUT:
	case SOURCE_OUTPUT_2:
		if (s->state == SESSION_RUNNING || !s->empty)
			(void)output_pump(&s->output[owner->source - SOURCE_OUTPUT], s->number);
		break;
	case SOURCE_CGROUP:
		break;
	}
	settle(s);
}

/* The two arrays of session_poll_add(), as they fill up. */
struct poll_list {
	struct pollfd *fds;
	struct session_poll *owners;
	unsigned int n;
	int64_t now_ns, wait_ns;
};

static void wait_for(struct poll_list *list, const struct session *s, enum source source, int fd,
		     short events)
{
	list->fds[list->n] = (struct pollfd){.fd = fd, .events = events};
	list->owners[list->n] = (struct session_poll){
		.session = s->number,
		.source = (uint8_t)source,
	};
	list->n++;
}

static void wait_for_output(struct poll_list *list, const struct session *s, unsigned int k)
{
	const struct output *output = &s->output[k];
	int64_t rest_ns = output->rest_until_ns - list->now_ns;

	if (output->fd < 0 || output->credit == 0)
		return;
	if (rest_ns <= 0 || s->state == SESSION_ENDING)
		wait_for(list, s, SOURCE_OUTPUT + k, output->fd, POLLIN);
	else if (rest_ns < list->wait_ns)
		list->wait_ns = rest_ns;
}

unsigned int session_poll_add(struct pollfd *fds, struct session_poll *owners, int64_t *wait_ns)
{
	struct poll_list list = {.fds = fds, .owners = owners, .wait_ns = *wait_ns};

	if (n_open > 0)
		list.now_ns = clock_ns();
	for (unsigned int i = 0; i < WIRE_SESSION_MAX; i++) {
		const struct session *s = &sessions[i];

		if (s->state == SESSION_FREE)
			continue;
		if (input_waiting(&s->input))
			wait_for(&list, s, SOURCE_INPUT, s->input.fd, POLLOUT);
		if (s->state == SESSION_STARTING) {
			wait_for(&list, s, SOURCE_STATUS, s->status_fd, POLLIN);
			continue;
		}
		for (unsigned int k = 0; k < OUTPUTS; k++)
			wait_for_output(&list, s, k);
		if (s->state == SESSION_ENDING && !s->empty)
			wait_for(&list, s, SOURCE_CGROUP, s->cgroup.events, POLLPRI);
	}
	*wait_ns = list.wait_ns;
	return list.n;
}
