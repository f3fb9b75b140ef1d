/* SPDX-License-Identifier: Apache-2.0 */
/* stream.c - standard streams under credit; see stream.h. */
#include "guest/stream.h"

#include <errno.h>
#include <poll.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <termios.h>
#include <unistd.h>

#include "guest/clock.h"
#include "guest/link.h"

#define SMALL_B		2048 /* a frame below it is worth waiting for more */
#define REST_NS		(1 * CLOCK_NS_PER_MS)
#define CREDIT_BATCH_B	(WIRE_WINDOW_B / 4) /* the host keeps at least 3/4 of the window */
#define FRAMES_PER_PUMP 4		    /* before other streams get their turn */

void input_init(struct input *input, int fd, bool tty)
{
	*input = (struct input){.fd = fd, .tty = tty, .window = WIRE_WINDOW_B};
}

void input_close(struct input *input)
{
	if (input->fd >= 0 && !input->tty)
		(void)close(input->fd);
	input->fd = -EBADF;
	if (input->ring)
		(void)munmap(input->ring, WIRE_WINDOW_B);
	input->ring = NULL;
	input->len = 0;
}

static void consume(struct input *input, uint16_t session, uint32_t len)
{
	input->consumed += len;
	if (input->consumed < CREDIT_BATCH_B)
		return;
	link_send_u32(WIRE_CREDIT, WIRE_STREAM_STDIN, session, input->consumed);
	input->window += input->consumed;
	input->consumed = 0;
}

/* The command no longer reads: take everything from the host and forget it. */
static void discard(struct input *input, uint16_t session)
{
	uint32_t held = input->len;

	input_close(input);
	consume(input, session, held);
}

/* Return: bytes taken, 0 when there is no room now, -1 when nobody reads. */
static ssize_t write_some(struct input *input, const uint8_t *data, uint32_t len)
{
	ssize_t n;

	do
		n = write(input->fd, data, len);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno == EAGAIN ? 0 : -1;
	if (n > 0)
		input->line_open = data[n - 1] != '\n';
	return n;
}

/*
 * On a terminal the end of input is a character, and only a terminal that edits lines has one; in
 * the middle of a line it takes two: the first hands the line over.
 */
static void end_terminal(struct input *input)
{
	struct termios t;
	char eof[2];

	if (tcgetattr(input->fd, &t) < 0 || !(t.c_lflag & ICANON) ||
	    t.c_cc[VEOF] == (cc_t)_POSIX_VDISABLE)
		return;
	memset(eof, t.c_cc[VEOF], sizeof(eof));
	(void)!write(input->fd, eof, input->line_open ? 2 : 1);
}

static void end_if_empty(struct input *input)
{
	if (!input->ended || input->len > 0 || input->fd < 0)
		return;
	if (input->tty)
		end_terminal(input);
	input_close(input);
}

void input_pump(struct input *input, uint16_t session)
{
	while (input->len > 0 && input->fd >= 0) {
		uint32_t piece = WIRE_WINDOW_B - input->start;
		ssize_t n;

		if (piece > input->len)
			piece = input->len;
		n = write_some(input, input->ring + input->start, piece);
		if (n < 0) {
			discard(input, session);
			return;
		}
		if (n == 0)
			return;
		input->start = (input->start + (uint32_t)n) % WIRE_WINDOW_B;
		input->len -= (uint32_t)n;
		consume(input, session, (uint32_t)n);
	}
	end_if_empty(input);
}

/* The window bounds what is held, so it always fits. */
static void keep(struct input *input, const uint8_t *data, uint32_t len)
{
	uint32_t end = (input->start + input->len) % WIRE_WINDOW_B;
	uint32_t first = WIRE_WINDOW_B - end;

	if (first > len)
		first = len;
	memcpy(input->ring + end, data, first);
	memcpy(input->ring, data + first, len - first);
	input->len += len;
}

const char *input_data(struct input *input, uint16_t session, const uint8_t *data, uint32_t len)
{
	if (input->ended)
		return "DATA after EOF";
	if (len > input->window)
		return "DATA beyond the window";
	input->window -= len;
	if (input->fd >= 0 && input->len == 0) {
		ssize_t n = write_some(input, data, len);

		if (n < 0) {
			discard(input, session);
		} else {
			data += n;
			len -= (uint32_t)n;
			consume(input, session, (uint32_t)n);
		}
	}
	if (len > 0 && input->fd >= 0 && !input->ring) {
		void *ring = mmap(NULL, WIRE_WINDOW_B, PROT_READ | PROT_WRITE,
				  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		/* Without memory for it the command sees the end of its input, not a gap. */
		if (ring == MAP_FAILED)
			discard(input, session);
		else
			input->ring = ring;
	}
	if (input->fd < 0)
		consume(input, session, len);
	else if (len > 0)
		keep(input, data, len);
	return NULL;
}

const char *input_end(struct input *input, uint16_t session)
{
	if (input->ended)
		return "EOF after EOF";
	input->ended = true;
	input_pump(input, session);
	return NULL;
}

bool input_waiting(const struct input *input)
{
	return input->fd >= 0 && input->len > 0;
}

void output_init(struct output *output, int fd, enum wire_stream stream)
{
	*output = (struct output){.fd = fd, .stream = stream, .credit = WIRE_WINDOW_B};
}

void output_close(struct output *output)
{
	if (output->fd >= 0)
		(void)close(output->fd);
	output->fd = -EBADF;
}

const char *output_credit(struct output *output, uint32_t bytes)
{
	if (bytes == 0 || bytes > WIRE_WINDOW_B - output->credit)
		return "bytes of CREDIT";
	output->credit += bytes;
	return NULL;
}

static enum output_state send_eof(struct output *output, uint16_t session)
{
	output_close(output);
	link_send(WIRE_EOF, output->stream, session, NULL, 0);
	return OUTPUT_CLOSED;
}

enum output_state output_pump(struct output *output, uint16_t session)
{
	for (int i = 0; i < FRAMES_PER_PUMP && output->fd >= 0 && output->credit > 0; i++) {
		uint32_t room = output->credit < LINK_DATA_MAX_B ? output->credit : LINK_DATA_MAX_B;
		ssize_t n = read(output->fd, link_data_buf(), room);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return OUTPUT_DRY;
		/* EIO: no process has the terminal open any more. */
		if (n <= 0)
			return send_eof(output, session);
		output->credit -= (uint32_t)n;
		link_send_data(output->stream, session, (uint32_t)n);
		if (n < SMALL_B) {
			output->rest_until_ns = clock_ns() + REST_NS;
			break;
		}
	}
	return output->fd < 0 ? OUTPUT_CLOSED : OUTPUT_MORE;
}

enum output_state output_finish(struct output *output, uint16_t session)
{
	enum output_state state = output_pump(output, session);
	struct pollfd p = {.fd = output->fd, .events = POLLIN};

	/* Someone in another session may hold the other end open; what is there is all the same. */
	if (state == OUTPUT_DRY ||
	    (state == OUTPUT_MORE && poll(&p, 1, 0) >= 0 && !(p.revents & POLLIN)))
		return send_eof(output, session);
	return state;
}
