/* SPDX-License-Identifier: Apache-2.0 */
/**
 * link.h - the guest's end of the byte stream to the host: the virtio port named "ironclaw", or
 * where there is none a connection over vsock.
 *
 * Sending blocks until the kernel has taken everything: the host drains the link at all times, so
 * that flow control is a matter of credit alone (docs/protocol.md). There is one link. What makes a
 * port unusable ends the machine. A connection is made anew: it breaks when the machine is saved or
 * restored, and then everything that was under way on it is forgotten, on both sides.
 */
#ifndef GUEST_LINK_H
#define GUEST_LINK_H

#include "guest/vsock.h"
#include "wire/frame.h"

/**
 * A payload of this size makes a frame of exactly 64 KiB, which the port driver takes in two pieces
 * of 32 KiB instead of three.
 */
#define LINK_DATA_MAX_B (WIRE_PAYLOAD_MAX_B - WIRE_HEADER_B)

/** Entries of link_poll_add(). */
#define LINK_POLL_MAX	VSOCK_POLL_MAX

/** link_open() - find out how the host is reached; open the port. Fails with power_fail(). */
void link_open(void);

/** link_is_up() - whether there is a stream; false: the host is being called. */
bool link_is_up(void);

/** link_waits_for_host() - whether a host that hung up can come back on the same stream: a port. */
bool link_waits_for_host(void);

/**
 * link_poll_add() - list what to wait for: the stream to be readable, or an answer to a call.
 * @wait_ns:	lowered to the time of the next call
 *
 * Return: how many entries, LINK_POLL_MAX at most
 */
unsigned int link_poll_add(struct pollfd *fds, int64_t *wait_ns);

/** link_answered() - after poll(2), while the link is not up. Return: whether it is now */
bool link_answered(const struct pollfd *fds, unsigned int n);

/**
 * link_drop_broken() - let go of a connection that broke, and of every byte of it.
 * @patient:	call only after a pause: the last call came to nothing
 *
 * Return: whether there was one; then nothing is sent before link_answered()
 */
bool link_drop_broken(bool patient);

/**
 * link_receive() - read what is there, without blocking and within the buffer.
 *
 * Return: whether the host is connected; of a port that it left, poll(2) reports POLLHUP without
 * end
 */
bool link_receive(void);

/** link_next() - as wire_reader_next(); a broken stream ends in link_fail(). */
bool link_next(struct wire_frame *ret);

/** link_send() - send a small frame, payload of at most WIRE_ERROR_MAX_B bytes. */
void link_send(enum wire_kind kind, enum wire_stream stream, uint16_t session, const void *payload,
	       uint32_t length);

/** link_send_u32() - send a frame whose payload is one number. */
void link_send_u32(enum wire_kind kind, enum wire_stream stream, uint16_t session, uint32_t value);

/** link_data_buf() - where to read output to, LINK_DATA_MAX_B bytes, for link_send_data(). */
uint8_t *link_data_buf(void);

/** link_send_data() - send @length bytes of link_data_buf() as DATA, without copying them. */
void link_send_data(enum wire_stream stream, uint16_t session, uint32_t length);

/**
 * link_fail() - the host broke the protocol: tell it, stop serving, end the machine.
 * @field:	what was wrong
 */
__attribute__((noreturn)) void link_fail(const char *field);

#endif
