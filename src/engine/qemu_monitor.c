/* SPDX-License-Identifier: Apache-2.0 */
/*
 * qemu_monitor.c - QMP (QEMU: docs/interop/qmp-spec.txt) for start and save.
 *
 * Every byte that QEMU sends is hostile, for a guest may have taken it over: lines are bounded,
 * JSON must parse, anything but a reply, an event or the greeting ends the VM.
 *
 * start() writes a clone's commands at once, before QEMU has even started: QEMU works them off
 * in order, and nothing waits for an answer. When one fails, check() finds the error in its reply.
 */
#include "engine/qemu.h"

#include <errno.h>
#include <jansson.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "sys/clock.h"
#include "sys/descriptors.h"
#include "sys/file.h"

static void cleanup_jsonp(json_t **j)
{
	json_decref(*j);
}
#define cleanup_json cleanup(cleanup_jsonp)

#define SAVE_POLL_MS 2

int qemu_start(struct engine_monitor *monitor, const char *orders, uint32_t deadline_ms,
	       void (*idle)(void), struct ironclaw_error *err)
{
	int r = file_write_full(monitor->fd, orders, strlen(orders));

	(void)deadline_ms;
	(void)idle;
	/* A clone's begin with it; a boot has none. */
	monitor->negotiated = strncmp(orders, QEMU_NEGOTIATE, strlen(QEMU_NEGOTIATE)) == 0;
	return r < 0 ? err_sys(err, -r, "cannot write to QEMU's monitor") : 0;
}

/* One line of QEMU's: 1 and *ret_reply for a reply, 0 for what needs no answer. */
static int judge_line(const char *line, size_t len, json_t **ret_reply, struct ironclaw_error *err)
{
	cleanup_json json_t *message = json_loadb(line, len, JSON_REJECT_DUPLICATES, NULL);
	const json_t *error = json_object_get(message, "error");

	if (error) {
		const char *desc = json_string_value(json_object_get(error, "desc"));

		return err_set(err, IRONCLAW_ERR_VMM, EIO, "QEMU: %s", desc ? desc : "error");
	}
	if (json_object_get(message, "return")) {
		*ret_reply = take_ptr(message);
		return 1;
	}
	if (json_object_get(message, "event") || json_object_get(message, "QMP"))
		return 0;
	return err_set(err, IRONCLAW_ERR_VMM, EPROTO, "QEMU's monitor sent something unknown");
}

/* Takes one line out of the buffer. As judge_line(), -EAGAIN when none is complete. */
static int take_line(struct engine_monitor *m, json_t **ret_reply, struct ironclaw_error *err)
{
	const char *end = memchr(m->text, '\n', m->used);
	size_t len;
	int r;

	if (!end) {
		if (m->used == sizeof(m->text))
			return err_set(err, IRONCLAW_ERR_VMM, EPROTO,
				       "QEMU's monitor sent a line of more than %u bytes",
				       LIMIT_MONITOR_MAX_B);
		return -EAGAIN;
	}
	len = (size_t)(end - m->text);
	r = judge_line(m->text, len, ret_reply, err);
	m->used -= len + 1;
	memmove(m->text, end + 1, m->used);
	return r;
}

static int read_more(struct engine_monitor *m, struct ironclaw_error *err)
{
	ssize_t n = recv(m->fd, m->text + m->used, sizeof(m->text) - m->used, MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return -EAGAIN;
	if (n <= 0)
		return err_set(err, IRONCLAW_ERR_VMM, EPIPE, "QEMU closed its monitor");
	m->used += (size_t)n;
	return 0;
}

int qemu_check(struct engine_monitor *monitor, struct ironclaw_error *err)
{
	int r = read_more(monitor, err);

	if (r < 0)
		return r == -EAGAIN ? 0 : r;
	for (;;) {
		cleanup_json json_t *reply = NULL;

		r = take_line(monitor, &reply, err);
		if (r < 0)
			return r == -EAGAIN ? 0 : r;
	}
}

/* Waits until the socket can be read or written. */
static int wait_for(const struct engine_monitor *m, short events, uint64_t deadline,
		    struct ironclaw_error *err)
{
	struct pollfd p = {.fd = m->fd, .events = events};
	int left = clock_left_ms(deadline);

	if (left == 0 || poll(&p, 1, left) == 0)
		return err_set(err, IRONCLAW_ERR_TIMEOUT, ETIMEDOUT,
			       "QEMU's monitor does not answer");
	return 0;
}

static int wait_reply(struct engine_monitor *m, uint64_t deadline, json_t **ret,
		      struct ironclaw_error *err)
{
	for (;;) {
		int r = take_line(m, ret, err);

		if (r == 1)
			return 0;
		if (r == 0)
			continue;
		if (r != -EAGAIN)
			return r;
		r = wait_for(m, POLLIN, deadline, err);
		if (r == 0)
			r = read_more(m, err);
		if (r < 0 && r != -EAGAIN)
			return r;
	}
}

/*
 * Sends a command (with a descriptor, or -1) and waits for its reply.
 *
 * A QEMU that answers before it is asked, or does not read, cannot hold us: the deadline is looked
 * at each time, and a socket with room takes a message as short as ours whole.
 */
static int transact(struct engine_monitor *m, const char *command, int fd, uint64_t deadline,
		    json_t **ret, struct ironclaw_error *err)
{
	int r = wait_for(m, POLLOUT, deadline, err);

	if (r < 0)
		return r;
	r = descriptors_send(m->fd, command, strlen(command), &fd, fd >= 0 ? 1 : 0);
	if (r < 0)
		return err_sys(err, -r, "cannot write to QEMU's monitor");
	return wait_reply(m, deadline, ret, err);
}

/* A command without descriptor whose answer says nothing. */
static int command(struct engine_monitor *m, const char *text, uint64_t deadline,
		   struct ironclaw_error *err)
{
	cleanup_json json_t *reply = NULL;

	return transact(m, text, -1, deadline, &reply, err);
}

/* QEMU takes no command before this one, and refuses a second of it. */
static int negotiate(struct engine_monitor *m, uint64_t deadline, struct ironclaw_error *err)
{
	int r = m->negotiated ? 0 : command(m, QEMU_NEGOTIATE, deadline, err);

	m->negotiated |= r == 0;
	return r;
}

/* 1 when the state is written, 0 when not yet. */
static int saved(struct engine_monitor *m, uint64_t deadline, struct ironclaw_error *err)
{
	cleanup_json json_t *reply = NULL;
	const char *status;
	int r = transact(m, "{\"execute\":\"query-migrate\"}\n", -1, deadline, &reply, err);

	if (r < 0)
		return r;
	status = json_string_value(json_object_get(json_object_get(reply, "return"), "status"));
	if (status && strcmp(status, "completed") == 0)
		return 1;
	if (status && (strcmp(status, "failed") == 0 || strcmp(status, "cancelled") == 0))
		return err_set(err, IRONCLAW_ERR_VMM, EIO, "QEMU could not save its state");
	return 0;
}

int qemu_save(struct engine_monitor *monitor, int state_fd, uint32_t deadline_ms,
	      void (*idle)(void), struct ironclaw_error *err)
{
	/*
	 * Not stopped first: QEMU stops the guest itself at the end of the migration, and so
	 * records that it was running. A clone then goes on by itself, without another command.
	 */
	static const char start[] =
		"{\"execute\":\"migrate\",\"arguments\":{\"uri\":\"fd:state\"}}\n";
	static const char pass[] = "{\"execute\":\"getfd\",\"arguments\":{\"fdname\":\"state\"}}\n";
	uint64_t deadline = clock_now_us() + (uint64_t)deadline_ms * 1000;
	const struct {
		const char *command;
		int fd;
	} steps[] = {{QEMU_SHARE_MEMORY, -1}, {pass, state_fd}, {start, -1}};
	int r = negotiate(monitor, deadline, err);

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(steps); i++) {
		cleanup_json json_t *reply = NULL;

		r = transact(monitor, steps[i].command, steps[i].fd, deadline, &reply, err);
	}
	while (r == 0) {
		const struct timespec pause = {.tv_nsec = SAVE_POLL_MS * 1000000L};

		(void)nanosleep(&pause, NULL);
		idle();
		r = saved(monitor, deadline, err);
	}
	return r < 0 ? r : 0;
}

static int negotiated_command(struct engine_monitor *m, const char *text, uint32_t deadline_ms,
			      struct ironclaw_error *err)
{
	uint64_t deadline = clock_now_us() + (uint64_t)deadline_ms * 1000;
	/* What it said to the orders of the start is not the answer. */
	int r = qemu_check(m, err);

	if (r == 0)
		r = negotiate(m, deadline, err);
	return r < 0 ? r : command(m, text, deadline, err);
}

int qemu_pause(struct engine_monitor *monitor, uint32_t deadline_ms, struct ironclaw_error *err)
{
	return negotiated_command(monitor, "{\"execute\":\"stop\"}\n", deadline_ms, err);
}

int qemu_resume(struct engine_monitor *monitor, uint32_t deadline_ms, struct ironclaw_error *err)
{
	return negotiated_command(monitor, "{\"execute\":\"cont\"}\n", deadline_ms, err);
}

const struct engine qemu_engine = {
	.kind = VM_ENGINE_QEMU,
	.name = "qemu",
	.inside = QEMU_PROGRAM_INSIDE,
	.link = ENGINE_LINK_SERIAL,
	.other_link = true,
	.probe = qemu_probe,
	.plan = qemu_plan,
	.start = qemu_start,
	.check = qemu_check,
	.save = qemu_save,
	.pause = qemu_pause,
	.resume = qemu_resume,
};
