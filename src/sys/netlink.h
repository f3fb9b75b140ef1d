/* SPDX-License-Identifier: Apache-2.0 */
/**
 * netlink.h - messages to a part of the kernel and its answers, over a netlink socket (netlink(7)).
 *
 * A mechanism without a policy: building messages in a bounded buffer, taking others apart, and one
 * exchange: some messages go out at once, their answers come in. What the messages mean is the
 * caller's business. One user at a time.
 */
#ifndef SYS_NETLINK_H
#define SYS_NETLINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NETLINK_OUT_MAX_B   4096U
#define NETLINK_IN_MAX_B    8192U /* the kernel makes no message of a dump larger than the room */
#define NETLINK_TEXT_B	    96U
#define NETLINK_DEADLINE_MS 5000 /* of one exchange; the kernel answers within the send */

/** Bytes of somebody else's. */
struct netlink_bytes {
	const uint8_t *data;
	size_t length;
};

/** A message without its header. */
struct netlink_message {
	uint16_t type, flags;
	uint32_t seq;
	struct netlink_bytes body;
};

struct netlink_attr {
	uint16_t type; /* without flags */
	struct netlink_bytes value;
};

/**
 * netlink_next_message(), netlink_next_attr() - take one off the front of @rest.
 *
 * Any bytes. Return: 1; 0 at the end; -EBADMSG when a length is not possible, and then @rest and
 * @ret are untouched
 */
int netlink_next_message(struct netlink_bytes *rest, struct netlink_message *ret);
int netlink_next_attr(struct netlink_bytes *rest, struct netlink_attr *ret);

/**
 * netlink_find_attr() - the first attribute of a type.
 *
 * Return: whether it is there, in front of anything malformed
 */
bool netlink_find_attr(struct netlink_bytes attrs, uint16_t type, struct netlink_bytes *ret);

/** Messages to be sent. What does not fit sets @overflow, and is then never sent. */
struct netlink_out {
	size_t length;
	size_t last; /* where the last message starts */
	uint32_t n_messages;
	bool overflow;
	uint8_t data[NETLINK_OUT_MAX_B];
};

/** netlink_clear() - no message; the first thing to do with a struct netlink_out. */
void netlink_clear(struct netlink_out *out);

/** netlink_begin() - append a message with a header of the family's own, and no attribute yet. */
void netlink_begin(struct netlink_out *out, uint16_t type, uint16_t flags, const void *header,
		   size_t length);

/** netlink_want_answer() - ask the kernel to say how the last message went. */
void netlink_want_answer(struct netlink_out *out);

/** netlink_put() - append an attribute to the last message. */
void netlink_put(struct netlink_out *out, uint16_t type, const void *value, size_t length);
void netlink_put_be32(struct netlink_out *out, uint16_t type, uint32_t value);
void netlink_put_string(struct netlink_out *out, uint16_t type, const char *value);

/** netlink_open_nest() - what is put until netlink_close_nest(@return) is inside. */
size_t netlink_open_nest(struct netlink_out *out, uint16_t type);
void netlink_close_nest(struct netlink_out *out, size_t nest);

/** netlink_message_at() - the message of that number, counted from 0. Return: whether there is. */
bool netlink_message_at(const struct netlink_out *out, uint32_t index, struct netlink_message *ret);

/** What the answers to some messages say so far. Starts with these four set, the rest zero. */
struct netlink_answers {
	uint32_t first_seq, n; /* of the messages that were sent; other answers are left out */
	/*
	 * Called for each answer that is neither acknowledgement nor error, until it returns
	 * another value than 0; the rest is taken and dropped. NULL: none is expected.
	 */
	int (*answer)(void *ctx, const struct netlink_message *message);
	void *ctx;

	int answered;		    /* what it returned, once it is not 0 */
	bool overtaken;		    /* a dump that is not of one moment */
	bool ended;		    /* nothing more will come */
	int refused;		    /* -errno of the first message that the kernel would not take */
	uint32_t refused_index;	    /* which it was */
	char words[NETLINK_TEXT_B]; /* of the kernel, why; printable, mostly empty */
};

/**
 * netlink_take() - one datagram of the kernel's. Pure; any bytes.
 *
 * Return: 0; -EBADMSG for malformed or unexpected messages; -ENOBUFS when some were lost; -errno
 * with which a dump ended
 */
int netlink_take(struct netlink_answers *answers, struct netlink_bytes datagram);

struct netlink {
	int fd; /* negative: not open */
	uint32_t next_seq;
	uint8_t in[NETLINK_IN_MAX_B];
};

/** netlink_open() - a socket of one protocol (NETLINK_...). Return: 0, -errno of socket(2) */
int netlink_open(struct netlink *nl, int protocol);

/** netlink_close() - for nf_tables the kernel waits here until what was deleted is freed. */
void netlink_close(struct netlink *nl);

/**
 * netlink_exchange() - send @out, and take every answer.
 * @out:	ends by netlink_want_answer() or a request to dump; gets its sequence numbers here
 * @answers:	with @answer and @ctx set, the rest zero; always written
 *
 * Return: 0; -errno of a refusal (@answers->refused); what @answer returned. Others leave open what
 * the kernel did, unless @out only asks: -EINTR when a dump was overtaken by a change; -ETIMEDOUT,
 * -ENOBUFS when answers are missing; -EBADMSG; -EMSGSIZE when @out overflowed; -errno
 */
int netlink_exchange(struct netlink *nl, struct netlink_out *out, struct netlink_answers *answers);

#endif
