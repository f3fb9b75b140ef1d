/* SPDX-License-Identifier: Apache-2.0 */
/*
 * firecracker_guest.c - the guest that is built into the stand-in; see firecracker.h.
 *
 * Speaks docs/protocol.md with the project's own src/wire, for places where no process may be
 * started. Nothing is executed: it knows the commands true, false, echo, exit N, cat, yes, sleep,
 * by the last part of their name, and everything else is not there. Each connection has a guest of
 * its own, which says HELLO first.
 */
#include "firecracker.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wire/frame.h"
#include "wire/message.h"

#define SLICE_B	 32768U
#define YES_TEXT "y\n"

enum command { C_NONE, C_CAT, C_YES, C_SLEEP };

struct session {
	enum command command; /* C_NONE: free */
	bool tty, input_ended;
	uint32_t credit;
	struct fc_bytes waiting;
};

struct fc_guest {
	struct wire_reader reader;
	uint8_t buf[WIRE_FRAME_MAX_B];
	bool asking, ready;
	struct fc_bytes request;
	struct session sessions[WIRE_SESSION_MAX];
	struct fc_bytes *out; /* of the call at hand */
};

struct fc_guest *fc_guest_new(void)
{
	struct fc_guest *guest = calloc(1, sizeof(*guest));

	if (!guest)
		abort();
	wire_reader_init(&guest->reader, WIRE_FROM_HOST, guest->buf, sizeof(guest->buf));
	return guest;
}

void fc_guest_free(struct fc_guest *guest)
{
	if (!guest)
		return;
	fc_bytes_free(&guest->request);
	for (size_t i = 0; i < WIRE_SESSION_MAX; i++)
		fc_bytes_free(&guest->sessions[i].waiting);
	free(guest);
}

static void say(struct fc_guest *guest, enum wire_kind kind, enum wire_stream stream,
		uint16_t number, const void *payload, size_t len)
{
	struct wire_header header = {
		.length = (uint32_t)len,
		.kind = (uint8_t)kind,
		.stream = (uint8_t)stream,
		.session = number,
	};
	uint8_t head[WIRE_HEADER_B];

	wire_header_put(head, &header);
	fc_bytes_add(guest->out, head, sizeof(head));
	fc_bytes_add(guest->out, payload, len);
}

void fc_guest_hello(struct fc_guest *guest, struct fc_bytes *out)
{
	uint8_t version[4];

	guest->out = out;
	wire_put_u32(version, WIRE_VERSION);
	say(guest, WIRE_HELLO, WIRE_STREAM_NONE, 0, version, sizeof(version));
}

static void end(struct fc_guest *guest, uint16_t number, uint16_t how, uint32_t value)
{
	struct session *s = &guest->sessions[number - 1];
	struct wire_exit exit = {.how = how, .value = value};
	uint8_t payload[WIRE_EXIT_B];

	say(guest, WIRE_EOF, WIRE_STREAM_STDOUT, number, NULL, 0);
	if (!s->tty)
		say(guest, WIRE_EOF, WIRE_STREAM_STDERR, number, NULL, 0);
	wire_exit_put(payload, &exit);
	say(guest, WIRE_EXIT, WIRE_STREAM_NONE, number, payload, sizeof(payload));
	fc_bytes_free(&s->waiting);
	*s = (struct session){.command = C_NONE};
}

/* Send what the credit allows. */
static void pump(struct fc_guest *guest, uint16_t number)
{
	struct session *s = &guest->sessions[number - 1];

	for (;;) {
		size_t n;
		uint8_t taken[4];

		while (s->command == C_YES && s->waiting.len < SLICE_B)
			fc_bytes_add(&s->waiting, YES_TEXT, sizeof(YES_TEXT) - 1);
		n = s->waiting.len < SLICE_B ? s->waiting.len : SLICE_B;
		n = n < s->credit ? n : s->credit;
		if (n == 0)
			break;
		say(guest, WIRE_DATA, WIRE_STREAM_STDOUT, number, s->waiting.at, n);
		fc_bytes_drop(&s->waiting, n);
		s->credit -= (uint32_t)n;
		wire_put_u32(taken, (uint32_t)n);
		if (s->command == C_CAT)
			say(guest, WIRE_CREDIT, WIRE_STREAM_STDIN, number, taken, sizeof(taken));
	}
	if (s->command == C_CAT && s->input_ended && s->waiting.len == 0)
		end(guest, number, WIRE_EXITED, 0);
}

static void run(struct fc_guest *guest, uint16_t number, char **argv, const struct wire_exec *exec)
{
	struct session *s = &guest->sessions[number - 1];
	const char *name = strrchr(argv[0], '/');
	uint8_t failed[8];

	name = name ? name + 1 : argv[0];
	*s = (struct session){
		.command = strcmp(name, "cat") == 0	? C_CAT
			   : strcmp(name, "yes") == 0	? C_YES
			   : strcmp(name, "sleep") == 0 ? C_SLEEP
							: C_NONE,
		.tty = exec->flags & WIRE_EXEC_TTY,
		.input_ended = !(exec->flags & WIRE_EXEC_STDIN),
		.credit = WIRE_WINDOW_B,
	};
	if (s->command == C_NONE && strcmp(name, "true") != 0 && strcmp(name, "false") != 0 &&
	    strcmp(name, "echo") != 0 && strcmp(name, "exit") != 0) {
		wire_put_u32(failed, WIRE_STAGE_EXEC);
		wire_put_u32(failed + 4, ENOENT);
		say(guest, WIRE_EXEC_FAILED, WIRE_STREAM_NONE, number, failed, sizeof(failed));
		return;
	}
	say(guest, WIRE_STARTED, WIRE_STREAM_NONE, number, NULL, 0);
	if (s->command != C_NONE) {
		pump(guest, number);
		return;
	}
	for (char **arg = argv + 1; strcmp(name, "echo") == 0 && *arg; arg++) {
		fc_bytes_add(&s->waiting, *arg, strlen(*arg));
		fc_bytes_add(&s->waiting, arg[1] ? " " : "\n", 1);
	}
	/* Longer than the window it would wait for ever: such a test wants `cat` or `yes`. */
	pump(guest, number);
	end(guest, number, WIRE_EXITED,
	    strcmp(name, "false") == 0			   ? 1
	    : strcmp(name, "exit") == 0 && argv[1] != NULL ? (uint32_t)strtoul(argv[1], NULL, 10)
							   : 0);
}

/* Return: NULL, or what is wrong. */
static const char *on_exec(struct fc_guest *guest, const struct wire_frame *frame)
{
	struct wire_exec exec;
	const char *bad;
	char **argv, *text;

	if (!guest->ready)
		return "EXEC before IDENTITY_OK";
	if (guest->sessions[frame->header.session - 1].command != C_NONE)
		return "session of EXEC: it is open";
	fc_bytes_add(&guest->request, frame->payload, frame->header.length);
	if (guest->request.len > WIRE_EXEC_MAX_B)
		return "length of EXEC";
	if (frame->header.kind == WIRE_EXEC_PART)
		return NULL;
	bad = wire_exec_get((uint8_t *)guest->request.at, guest->request.len, &exec);
	if (bad)
		return bad;
	argv = calloc(exec.n_args + 1, sizeof(*argv));
	text = malloc(guest->request.len);
	if (!argv || !text)
		abort();
	(void)wire_exec_copy_strings((uint8_t *)guest->request.at, guest->request.len,
				     WIRE_EXEC_ARG, argv, text);
	fc_bytes_free(&guest->request);
	run(guest, frame->header.session, argv, &exec);
	free(argv);
	free(text);
	return NULL;
}

static const char *on_identity(struct fc_guest *guest, const struct wire_frame *frame)
{
	static const uint8_t token[8] = {1};
	struct wire_identity identity;
	const char *bad;

	if (frame->header.kind == WIRE_TIME) {
		/* There is no clock to be set. */
		if (guest->ready && wire_get_u64(frame->payload) == WIRE_TIME_UNASKED)
			return NULL;
		if (!guest->asking || memcmp(frame->payload, token, sizeof(token)) != 0)
			return "token of TIME";
		guest->asking = false;
		guest->ready = true;
		say(guest, WIRE_IDENTITY_OK, WIRE_STREAM_NONE, 0, NULL, 0);
		return NULL;
	}
	bad = wire_identity_get(frame->payload, frame->header.length, &identity);
	if (bad)
		return bad;
	guest->asking = true;
	say(guest, WIRE_TIME_REQUEST, WIRE_STREAM_NONE, 0, token, sizeof(token));
	return NULL;
}

static const char *on_frame(struct fc_guest *guest, const struct wire_frame *frame)
{
	uint16_t number = frame->header.session;
	struct session *s = number > 0 ? &guest->sessions[number - 1] : NULL;

	if (!s)
		return on_identity(guest, frame);
	if (frame->header.kind == WIRE_EXEC || frame->header.kind == WIRE_EXEC_PART)
		return on_exec(guest, frame);
	if (s->command == C_NONE)
		return NULL;
	if (frame->header.kind == WIRE_SIGNAL) {
		end(guest, number, WIRE_SIGNALED, wire_get_u32(frame->payload));
		return NULL;
	}
	if (frame->header.kind == WIRE_KILL) {
		end(guest, number, WIRE_SIGNALED, 9);
		return NULL;
	}
	if (frame->header.kind == WIRE_DATA && s->command == C_CAT)
		fc_bytes_add(&s->waiting, frame->payload, frame->header.length);
	else if (frame->header.kind == WIRE_EOF)
		s->input_ended = true;
	else if (frame->header.kind == WIRE_CREDIT && frame->header.stream == WIRE_STREAM_STDOUT)
		s->credit += wire_get_u32(frame->payload);
	pump(guest, number);
	return NULL;
}

bool fc_guest_feed(struct fc_guest *guest, const void *data, size_t len, struct fc_bytes *out)
{
	const char *bad = NULL, *from = data;

	guest->out = out;
	while (len > 0 && !bad) {
		struct wire_frame frame;
		size_t room;
		uint8_t *at = wire_reader_space(&guest->reader, &room);
		int r;

		room = room < len ? room : len;
		memcpy(at, from, room);
		wire_reader_added(&guest->reader, room);
		from += room;
		len -= room;
		while (!bad && (r = wire_reader_next(&guest->reader, &frame)) != 0)
			bad = r < 0 ? guest->reader.bad : on_frame(guest, &frame);
	}
	if (bad)
		say(guest, WIRE_ERROR, WIRE_STREAM_NONE, 0, bad, strlen(bad));
	return !bad;
}
