/* SPDX-License-Identifier: Apache-2.0 */
/* relay.c - carry frames between the library and the guest; see relay.h. */
#include "link/relay.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/error.h"

void relay_lane_init(struct relay_lane *lane, enum wire_side side, int from_fd, int to_fd)
{
	lane->from_fd = from_fd;
	lane->to_fd = to_fd;
	lane->side = side;
	lane->sent = 0;
	lane->breakable = false;
	lane->skipping = false;
	lane->bad = NULL;
	wire_reader_init(&lane->reader, side, lane->buffer, sizeof(lane->buffer));
}

void relay_lane_consume(struct relay_lane *lane)
{
	lane->sent = lane->reader.start;
}

void relay_lane_cut(struct relay_lane *lane)
{
	lane->reader.end = lane->reader.start;
}

void relay_lane_put(struct relay_lane *lane, enum wire_kind kind, uint16_t session,
		    const void *payload, uint32_t length)
{
	const struct wire_header header = {.length = length,
					   .kind = (uint8_t)kind,
					   .session = session};
	struct wire_reader *reader = &lane->reader;

	if (!relay_lane_is_writing(lane))
		lane->sent = reader->start = reader->end = 0;
	ic_assert(reader->start == reader->end &&
		  reader->size - reader->end >= WIRE_HEADER_B + length);
	wire_header_put(reader->buf + reader->end, &header);
	if (length > 0)
		memcpy(reader->buf + reader->end + WIRE_HEADER_B, payload, length);
	reader->start += WIRE_HEADER_B + length;
	reader->end = reader->start;
}

bool relay_lane_is_free(const struct relay_lane *lane)
{
	return !relay_lane_is_writing(lane) && wire_reader_pending(&lane->reader) == 0;
}

void relay_lane_redirect(struct relay_lane *lane, int to_fd, bool skip)
{
	lane->to_fd = to_fd;
	/* A second break may come before the rest of the request does. */
	lane->skipping |= skip;
	relay_lane_consume(lane);
}

bool relay_lane_is_writing(const struct relay_lane *lane)
{
	return lane->sent < lane->reader.start;
}

static int lane_write(struct relay_lane *lane)
{
	ssize_t n = send(lane->to_fd, lane->buffer + lane->sent, lane->reader.start - lane->sent,
			 MSG_NOSIGNAL);

	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	lane->sent += (size_t)n;
	return 0;
}

/* The guest found us at fault: its words, for whoever makes the sentence to escape. */
static const char *complaint(struct relay_lane *lane, const struct wire_frame *frame)
{
	(void)snprintf(lane->complaint, sizeof(lane->complaint), "it complains about: %.*s",
		       (int)frame->header.length, (const char *)frame->payload);
	return lane->complaint;
}

/* Moves reader.start over every complete frame that the ledger lets pass. */
static int lane_check(struct relay_lane *lane, struct ledger *ledger)
{
	struct wire_frame frame;
	int r;

	while ((r = wire_reader_next(&lane->reader, &frame)) > 0) {
		if (lane->skipping) {
			/* The library sends a request in one go: what comes before its end is it.
			 */
			lane->skipping = frame.header.kind != WIRE_EXEC;
			relay_lane_consume(lane);
			continue;
		}
		lane->bad = frame.header.kind == WIRE_ERROR
				    ? complaint(lane, &frame)
				    : ledger_see(ledger, lane->side, &frame);
		if (lane->bad) {
			/* The reader is past it already: it must not count as checked. */
			relay_lane_consume(lane);
			return -EPROTO;
		}
	}
	if (r < 0)
		lane->bad = lane->reader.bad;
	return r;
}

static int lane_read(struct relay_lane *lane, struct ledger *ledger)
{
	size_t room;
	uint8_t *space = wire_reader_space(&lane->reader, &room);
	ssize_t n = read(lane->from_fd, space, room);

	/* Everything checked was sent, so the reader was free to move its bytes. */
	lane->sent = lane->reader.start;
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	if (n == 0) {
		if (lane->breakable || wire_reader_pending(&lane->reader) == 0)
			return -ENODATA;
		lane->bad = "frame that was cut off";
		return -EPROTO;
	}
	wire_reader_added(&lane->reader, (size_t)n);
	return lane_check(lane, ledger);
}

int relay_lane_step(struct relay_lane *lane, struct ledger *ledger)
{
	if (lane->bad)
		return -EPROTO;
	return relay_lane_is_writing(lane) ? lane_write(lane) : lane_read(lane, ledger);
}
