/* SPDX-License-Identifier: Apache-2.0 */
/**
 * link.h - the guest's end of the byte stream to the host: the virtio port named "ironclaw".
 *
 * Sending blocks until the kernel has taken everything: the host drains the link at all times, so
 * that flow control is a matter of credit alone (docs/protocol.md). There is one link; whatever
 * makes it unusable ends the machine.
 */
#ifndef GUEST_LINK_H
#define GUEST_LINK_H

#include "wire/frame.h"

/**
 * A payload of this size makes a frame of exactly 64 KiB, which the port driver takes in two pieces
 * of 32 KiB instead of three.
 */
#define LINK_DATA_MAX_B (WIRE_PAYLOAD_MAX_B - WIRE_HEADER_B)

/** link_open() - wait for the port and open it. Fails with power_fail(). */
void link_open(void);

/** link_fd() - the descriptor, to poll for reading. */
int link_fd(void);

/**
 * link_receive() - read what is there, without blocking and within the buffer.
 *
 * Return: whether the host is connected; when it is not, poll(2) reports POLLHUP without end
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
