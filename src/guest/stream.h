/* SPDX-License-Identifier: Apache-2.0 */
/**
 * stream.h - one session's standard streams, between descriptors and frames, under credit.
 *
 * Input is written to the command at once where it takes it, and kept in a ring of one window where
 * it does not; credit goes back as bytes leave the ring. Output is read only as far as the host has
 * given credit. So neither side ever holds more than a window a stream.
 *
 * A program that writes a line at a time would cost a frame, and an exit from the virtual machine,
 * a line. So a stream that had little to say rests for a millisecond; what comes meanwhile gathers
 * in its pipe. The first words after a silence are sent at once, and so is all at the end.
 */
#ifndef GUEST_STREAM_H
#define GUEST_STREAM_H

#include <stdbool.h>
#include <stdint.h>

#include "wire/frame.h"

/** stdin, on its way to the command. */
struct input {
	int fd;		     /* -EBADF: what comes is discarded */
	bool tty;	     /* fd is a terminal's master and not ours to close */
	bool ended;	     /* the host has sent EOF */
	bool line_open;	     /* tty: the last byte did not end a line */
	uint8_t *ring;	     /* WIRE_WINDOW_B bytes, NULL until needed */
	uint32_t start, len; /* bytes held */
	uint32_t window;     /* bytes that the host may still send */
	uint32_t consumed;   /* bytes not yet given back as credit */
};

/** stdout or stderr, on its way to the host. */
struct output {
	int fd; /* -EBADF: EOF was sent */
	enum wire_stream stream;
	uint32_t credit;
	int64_t rest_until_ns; /* of clock_ns(): not to be read before */
};

enum output_state {
	OUTPUT_MORE,   /* there may be more */
	OUTPUT_DRY,    /* nothing there at the moment */
	OUTPUT_CLOSED, /* EOF was sent */
};

void input_init(struct input *input, int fd, bool tty);

/**
 * input_data() - take a DATA frame's payload.
 * Return: NULL, or the name of the rule that the host broke
 */
const char *input_data(struct input *input, uint16_t session, const uint8_t *data, uint32_t len);

/** input_end() - take the host's EOF. Return: as input_data(). */
const char *input_end(struct input *input, uint16_t session);

/** input_pump() - write what is held, as far as the command takes it. */
void input_pump(struct input *input, uint16_t session);

/** input_waiting() - whether there is something to write once the descriptor takes it. */
bool input_waiting(const struct input *input);

/** input_close() - let go of everything; what still comes is discarded. */
void input_close(struct input *input);

void output_init(struct output *output, int fd, enum wire_stream stream);

/** output_credit() - the host has consumed @bytes. Return: as input_data(). */
const char *output_credit(struct output *output, uint32_t bytes);

/** output_pump() - send a few frames of what is there, within the credit. */
enum output_state output_pump(struct output *output, uint16_t session);

/** output_finish() - nobody is left to write: send what is there; EOF once that is everything. */
enum output_state output_finish(struct output *output, uint16_t session);

/** output_close() - close without a word to the host. */
void output_close(struct output *output);

#endif
