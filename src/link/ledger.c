/* SPDX-License-Identifier: Apache-2.0 */
/* ledger.c - the rules of the sessions on one link; see ledger.h. */
#include "link/ledger.h"

#include <string.h>

void ledger_init(struct ledger *ledger)
{
	memset(ledger, 0, sizeof(*ledger));
}

static void open_session(struct ledger_session *s)
{
	for (int i = 0; i < WIRE_STREAM_MAX; i++)
		s->streams[i] = (struct ledger_stream){.window = WIRE_WINDOW_B};
	s->state = LEDGER_REQUESTED;
}

static const char *see_request(struct ledger *ledger, struct ledger_session *s,
			       const struct wire_frame *f)
{
	bool first = s->state == LEDGER_CLOSED;
	uint32_t total = (first ? 0 : s->request_length) + f->header.length;

	if (!first && (s->state != LEDGER_REQUESTED || s->request_length == UINT32_MAX))
		return "EXEC for a session that is open";
	if (ledger->requesting && ledger->requesting != f->header.session)
		return "EXEC within the request of another session";
	if (total > WIRE_EXEC_MAX_B)
		return "EXEC request longer than allowed";
	if (first)
		open_session(s);
	/* UINT32_MAX: the request is complete. */
	s->request_length = f->header.kind == WIRE_EXEC ? UINT32_MAX : total;
	ledger->requesting = f->header.kind == WIRE_EXEC ? 0 : f->header.session;
	return NULL;
}

static const char *see_data(struct ledger_session *s, const struct wire_frame *f)
{
	struct ledger_stream *stream = &s->streams[f->header.stream];

	if (stream->ended)
		return "DATA or EOF after the end of its stream";
	if (f->header.kind == WIRE_EOF) {
		stream->ended = true;
		return NULL;
	}
	if (f->header.length > stream->window)
		return "DATA beyond the credit of its stream";
	stream->window -= f->header.length;
	return NULL;
}

static const char *see_credit(struct ledger_session *s, const struct wire_frame *f)
{
	struct ledger_stream *stream = &s->streams[f->header.stream];
	uint32_t bytes = wire_get_u32(f->payload);

	/* Nobody can have consumed more than was sent. */
	if (bytes == 0 || bytes > WIRE_WINDOW_B - stream->window)
		return "bytes of CREDIT";
	stream->window += bytes;
	return NULL;
}

static const char *see_from_host(struct ledger *ledger, struct ledger_session *s,
				 const struct wire_frame *f)
{
	switch (f->header.kind) {
	case WIRE_EXEC_PART:
	case WIRE_EXEC:
		return see_request(ledger, s, f);
	case WIRE_DATA:
	case WIRE_EOF:
		/* A command may end while its input is under way: that is nobody's fault. */
		return s->state == LEDGER_CLOSED ? NULL : see_data(s, f);
	case WIRE_CREDIT:
		return s->state == LEDGER_CLOSED ? NULL : see_credit(s, f);
	case WIRE_SIGNAL:
	case WIRE_WINSIZE:
	case WIRE_KILL:
		return NULL;
	default:
		return "kind of a frame from the host";
	}
}

static const char *see_end(struct ledger_session *s, const struct wire_frame *f)
{
	struct wire_exit status;

	if (f->header.kind == WIRE_EXIT) {
		const char *bad = wire_exit_get(f->payload, &status);

		if (bad)
			return bad;
	}
	memset(s, 0, sizeof(*s));
	return NULL;
}

static const char *see_from_guest(struct ledger_session *s, const struct wire_frame *f)
{
	if (s->state == LEDGER_CLOSED || s->request_length != UINT32_MAX)
		return "session that is not open";
	switch (f->header.kind) {
	case WIRE_STARTED:
		if (s->state != LEDGER_REQUESTED)
			return "STARTED for a session that runs";
		s->state = LEDGER_RUNNING;
		return NULL;
	case WIRE_EXEC_FAILED:
		return s->state == LEDGER_REQUESTED ? see_end(s, f)
						    : "EXEC_FAILED for a session that runs";
	case WIRE_DATA:
	case WIRE_EOF:
		return s->state == LEDGER_RUNNING ? see_data(s, f) : "output before STARTED";
	case WIRE_CREDIT:
		return see_credit(s, f);
	case WIRE_EXIT:
		return s->state == LEDGER_RUNNING ? see_end(s, f) : "EXIT before STARTED";
	default:
		return "kind of a frame from the guest";
	}
}

const char *ledger_see(struct ledger *ledger, enum wire_side from, const struct wire_frame *frame)
{
	struct ledger_session *s;

	if (frame->header.session < 1 || frame->header.session > WIRE_SESSION_MAX)
		return "session of a frame";
	s = &ledger->sessions[frame->header.session];
	return from == WIRE_FROM_HOST ? see_from_host(ledger, s, frame) : see_from_guest(s, frame);
}

unsigned int ledger_lose(struct ledger *ledger, uint16_t ret[WIRE_SESSION_MAX], bool *ret_cut)
{
	unsigned int n = 0;

	for (uint16_t i = 1; i <= WIRE_SESSION_MAX; i++) {
		if (ledger->sessions[i].state != LEDGER_CLOSED)
			ret[n++] = i;
	}
	*ret_cut = ledger->requesting != 0;
	ledger_init(ledger);
	return n;
}

uint16_t ledger_unused(const struct ledger *ledger)
{
	for (uint16_t i = WIRE_SESSION_MAX; i >= 1; i--) {
		if (ledger->sessions[i].state == LEDGER_CLOSED)
			return i;
	}
	return 0;
}

bool ledger_idle(const struct ledger *ledger)
{
	for (unsigned int i = 1; i <= WIRE_SESSION_MAX; i++) {
		if (ledger->sessions[i].state != LEDGER_CLOSED)
			return false;
	}
	return true;
}
