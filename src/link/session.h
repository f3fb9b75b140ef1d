/* SPDX-License-Identifier: Apache-2.0 */
/**
 * session.h - the library's end of the sessions: requests out, output in, credit both ways.
 *
 * Up to WIRE_SESSION_MAX at once. Each stream has its own window, so output that is kept and not
 * given credit for stops its own command only; the link is read at all times.
 *
 * No thread, no timer, no blocking: the owner polls the descriptor. The peer is the keeper, which
 * has checked every frame of the guest against the rules; what is wrong all the same ends the link.
 */
#ifndef LINK_SESSION_H
#define LINK_SESSION_H

#include "base/error.h"
#include "wire/frame.h"
#include "wire/message.h"

#define SESSION_BUFFER_B (4U * WIRE_FRAME_MAX_B)

struct session;

/** One VM's stream of frames. */
struct session_link {
	int fd; /* non-blocking; borrowed */
	uint16_t last_id;
	struct session *open[WIRE_SESSION_MAX + 1]; /* by number; borrowed; 0 is not used */
	uint8_t *out; /* frames not yet written: [out_sent, out_used) */
	size_t out_size, out_sent, out_used;
	struct wire_reader reader;
	uint8_t in[SESSION_BUFFER_B];
};

/** What a command is to be; strings are borrowed. */
struct session_command {
	const char *const *argv;
	const char *const *env; /* may be NULL */
	const char *cwd, *user; /* may be NULL */
	bool tty, use_stdin;
	bool builtin; /* one of the agent's own; without env, cwd, user and tty */
	uint16_t rows, cols;
};

/* LOST: the link to the guest broke, and a new one knows nothing of the command. */
enum session_state {
	SESSION_REQUESTED,
	SESSION_RUNNING,
	SESSION_FAILED,
	SESSION_ENDED,
	SESSION_LOST
};

/** One command. */
struct session {
	uint16_t id;
	enum session_state state;
	bool stdin_open;
	uint32_t stdin_window;	/* bytes of input that may be sent */
	uint32_t stage, errnum; /* FAILED */
	struct wire_exit exit;	/* ENDED */
};

/** What session_output returns when the bytes are kept: session_credit() is to come. */
#define SESSION_KEPT 1

/** Takes output. Return: 0: consumed; SESSION_KEPT; below 0: passed on by session_receive() */
typedef int (*session_output)(void *userdata, struct session *s, uint8_t stream,
			      const uint8_t *data, size_t len);

void session_link_init(struct session_link *link, int fd);
void session_link_done(struct session_link *link);

/**
 * session_open() - queue the request for a command.
 * @ret:	stays where it is until its state is SESSION_FAILED or above
 *
 * Return: 0; -EBUSY with IRONCLAW_ERR_BUSY when all sessions are open; -EINVAL or -E2BIG with
 * IRONCLAW_ERR_INVALID when the command breaks a bound of the protocol (the text says which);
 * -ENOMEM
 */
int session_open(struct session_link *link, const struct session_command *command,
		 struct session *ret, struct ironclaw_error *err);

/** session_input() - queue at most session->stdin_window bytes of input. Return: 0, -ENOMEM */
int session_input(struct session_link *link, struct session *s, const void *data, uint32_t len);

/** session_input_end() - queue the end of input; once. */
int session_input_end(struct session_link *link, struct session *s);

int session_signal(struct session_link *link, const struct session *s, uint32_t signal);
int session_resize(struct session_link *link, const struct session *s, uint16_t rows,
		   uint16_t cols);
int session_kill(struct session_link *link, const struct session *s);

/** session_credit() - so many bytes that were kept are consumed now. Return: 0, -ENOMEM */
int session_credit(struct session_link *link, const struct session *s, uint8_t stream,
		   uint32_t len);

/** session_pending() - whether session_flush() has something to write. */
bool session_pending(const struct session_link *link);

/** session_flush() - write what can be written. Return: 0, -errno (-EPIPE: the keeper is gone) */
int session_flush(struct session_link *link);

/**
 * session_receive() - read once and act on all complete frames, of all sessions.
 *
 * Output goes to @output, and its credit back to the guest when that returns 0.
 *
 * Return: 0; -ENODATA at the end of the stream; -EPROTO; what @output returned below 0
 */
int session_receive(struct session_link *link, session_output output, void *userdata);

#endif
