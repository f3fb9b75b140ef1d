/* SPDX-License-Identifier: Apache-2.0 */
/* session.c - the library's end of the sessions; see session.h. */
#include "link/session.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "link/exec_request.h"

void session_link_init(struct session_link *link, int fd)
{
	link->fd = fd;
	link->last_id = 0;
	memset(link->open, 0, sizeof(link->open));
	link->out = NULL;
	link->out_size = link->out_sent = link->out_used = 0;
	wire_reader_init(&link->reader, WIRE_FROM_GUEST, link->in, sizeof(link->in));
}

void session_link_done(struct session_link *link)
{
	free(link->out);
	link->out = NULL;
	link->out_size = link->out_sent = link->out_used = 0;
}

static int reserve(struct session_link *link, size_t more)
{
	size_t want;
	uint8_t *grown;

	if (link->out_sent == link->out_used)
		link->out_sent = link->out_used = 0;
	if (link->out_used + more <= link->out_size)
		return 0;
	/* What was sent makes room first: a peer that is always a little behind costs no memory. */
	if (link->out_sent > 0) {
		link->out_used -= link->out_sent;
		memmove(link->out, link->out + link->out_sent, link->out_used);
		link->out_sent = 0;
	}
	want = link->out_used + more;
	if (want <= link->out_size)
		return 0;
	want = want < 2 * WIRE_FRAME_MAX_B ? 2 * WIRE_FRAME_MAX_B : want;
	grown = realloc(link->out, want);
	if (!grown)
		return -ENOMEM;
	link->out = grown;
	link->out_size = want;
	return 0;
}

static int queue(struct session_link *link, const struct session *s, enum wire_kind kind,
		 enum wire_stream stream, const void *payload, uint32_t length)
{
	const struct wire_header header = {.kind = (uint8_t)kind,
					   .stream = (uint8_t)stream,
					   .session = s->id,
					   .length = length};
	int r = reserve(link, WIRE_HEADER_B + length);

	if (r < 0)
		return r;
	wire_header_put(link->out + link->out_used, &header);
	if (length > 0)
		memcpy(link->out + link->out_used + WIRE_HEADER_B, payload, length);
	link->out_used += WIRE_HEADER_B + length;
	return 0;
}

/* Round and round, so that a number rests for a while. Return: 0: all are open */
static uint16_t free_number(const struct session_link *link)
{
	for (unsigned int i = 0; i < WIRE_SESSION_MAX; i++) {
		uint16_t id = (uint16_t)((link->last_id + i) % WIRE_SESSION_MAX + 1);

		if (!link->open[id])
			return id;
	}
	return 0;
}

int session_open(struct session_link *link, const struct session_command *command,
		 struct session *ret, struct ironclaw_error *err)
{
	cleanup_free uint8_t *request = NULL;
	struct session s = {.state = SESSION_REQUESTED,
			    .stdin_open = command->use_stdin,
			    .stdin_window = WIRE_WINDOW_B};
	size_t len, at = 0;
	int r;

	s.id = free_number(link);
	if (s.id == 0)
		return err_set(err, IRONCLAW_ERR_BUSY, EBUSY,
			       "%u commands run in this VM already, and more cannot at once",
			       WIRE_SESSION_MAX);
	r = exec_request_make(command, &request, &len, err);
	if (r < 0)
		return r;
	while (r == 0 && len - at > WIRE_PAYLOAD_MAX_B) {
		r = queue(link, &s, WIRE_EXEC_PART, WIRE_STREAM_NONE, request + at,
			  WIRE_PAYLOAD_MAX_B);
		at += WIRE_PAYLOAD_MAX_B;
	}
	if (r == 0)
		r = queue(link, &s, WIRE_EXEC, WIRE_STREAM_NONE, request + at,
			  (uint32_t)(len - at));
	if (r < 0)
		return err_sys(err, -r, "cannot queue the command");
	link->last_id = s.id;
	*ret = s;
	link->open[s.id] = ret;
	return 0;
}

int session_input(struct session_link *link, struct session *s, const void *data, uint32_t len)
{
	int r;

	ic_assert(s->stdin_open && len > 0 && len <= s->stdin_window && len <= WIRE_PAYLOAD_MAX_B);
	r = queue(link, s, WIRE_DATA, WIRE_STREAM_STDIN, data, len);
	if (r == 0)
		s->stdin_window -= len;
	return r;
}

int session_input_end(struct session_link *link, struct session *s)
{
	s->stdin_open = false;
	return queue(link, s, WIRE_EOF, WIRE_STREAM_STDIN, NULL, 0);
}

int session_signal(struct session_link *link, const struct session *s, uint32_t signal)
{
	uint8_t payload[4];

	wire_put_u32(payload, signal);
	return queue(link, s, WIRE_SIGNAL, WIRE_STREAM_NONE, payload, sizeof(payload));
}

int session_resize(struct session_link *link, const struct session *s, uint16_t rows, uint16_t cols)
{
	uint8_t payload[4];

	wire_put_u16(payload, rows);
	wire_put_u16(payload + 2, cols);
	return queue(link, s, WIRE_WINSIZE, WIRE_STREAM_NONE, payload, sizeof(payload));
}

int session_kill(struct session_link *link, const struct session *s)
{
	return queue(link, s, WIRE_KILL, WIRE_STREAM_NONE, NULL, 0);
}

bool session_pending(const struct session_link *link)
{
	return link->out_sent < link->out_used;
}

int session_flush(struct session_link *link)
{
	while (session_pending(link)) {
		ssize_t n = send(link->fd, link->out + link->out_sent,
				 link->out_used - link->out_sent, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN ? 0 : -errno;
		link->out_sent += (size_t)n;
	}
	return 0;
}

int session_credit(struct session_link *link, const struct session *s, uint8_t stream, uint32_t len)
{
	uint8_t credit[4];

	wire_put_u32(credit, len);
	return queue(link, s, WIRE_CREDIT, (enum wire_stream)stream, credit, sizeof(credit));
}

static int on_output(struct session_link *link, struct session *s, const struct wire_frame *f,
		     session_output output, void *userdata)
{
	int r = output(userdata, s, f->header.stream, f->payload, f->header.length);

	if (r != 0)
		return r < 0 ? r : 0;
	return session_credit(link, s, f->header.stream, f->header.length);
}

static int on_credit(struct session *s, const struct wire_frame *f)
{
	uint32_t bytes = wire_get_u32(f->payload);

	if (f->header.stream != WIRE_STREAM_STDIN || bytes > UINT32_MAX - s->stdin_window)
		return -EPROTO;
	s->stdin_window += bytes;
	return 0;
}

static int on_frame(struct session_link *link, struct session *s, const struct wire_frame *f,
		    session_output output, void *userdata)
{
	switch (f->header.kind) {
	case WIRE_STARTED:
		s->state = SESSION_RUNNING;
		return 0;
	case WIRE_EXEC_FAILED:
		s->state = SESSION_FAILED;
		s->stage = wire_get_u32(f->payload);
		s->errnum = wire_get_u32(f->payload + 4);
		return 0;
	case WIRE_DATA:
		return on_output(link, s, f, output, userdata);
	case WIRE_EOF:
		return 0;
	case WIRE_CREDIT:
		return on_credit(s, f);
	case WIRE_EXIT:
		if (wire_exit_get(f->payload, &s->exit))
			return -EPROTO;
		s->state = SESSION_ENDED;
		return 0;
	case WIRE_LOST:
		s->state = SESSION_LOST;
		return 0;
	default:
		return -EPROTO;
	}
}

static int dispatch(struct session_link *link, const struct wire_frame *f, session_output output,
		    void *userdata)
{
	/* wire_header_check() lets no number above WIRE_SESSION_MAX through. */
	struct session *s = link->open[f->header.session];
	int r;

	if (!s)
		return -EPROTO;
	r = on_frame(link, s, f, output, userdata);
	if (s->state >= SESSION_FAILED)
		link->open[f->header.session] = NULL;
	return r;
}

int session_receive(struct session_link *link, session_output output, void *userdata)
{
	struct wire_frame frame;
	size_t room;
	uint8_t *space = wire_reader_space(&link->reader, &room);
	ssize_t n = recv(link->fd, space, room, MSG_DONTWAIT);
	int r;

	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	if (n == 0)
		return -ENODATA;
	wire_reader_added(&link->reader, (size_t)n);
	while ((r = wire_reader_next(&link->reader, &frame)) > 0) {
		r = dispatch(link, &frame, output, userdata);
		if (r < 0)
			return r;
	}
	return r;
}
