/* SPDX-License-Identifier: Apache-2.0 */
/*
 * netlink.c - messages to the kernel and its answers; see netlink.h.
 *
 * An exchange ends with the answer that was asked for, or with the end of a dump. A batch that the
 * kernel gives up halfway ends with a refusal and nothing more. What carries another sequence
 * number is of an exchange before, and what does not come from the kernel is not looked at.
 */
#include "sys/netlink.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/netlink.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "sys/clock.h"

#define MS_US 1000U

int netlink_next_message(struct netlink_bytes *rest, struct netlink_message *ret)
{
	struct nlmsghdr h;
	size_t step;

	if (rest->length == 0)
		return 0;
	if (rest->length < sizeof(h))
		return -EBADMSG;
	memcpy(&h, rest->data, sizeof(h));
	if (h.nlmsg_len < sizeof(h) || h.nlmsg_len > rest->length)
		return -EBADMSG;
	*ret = (struct netlink_message){
		.type = h.nlmsg_type,
		.flags = h.nlmsg_flags,
		.seq = h.nlmsg_seq,
		.body = {rest->data + sizeof(h), h.nlmsg_len - sizeof(h)},
	};
	step = NLMSG_ALIGN((size_t)h.nlmsg_len);
	step = step < rest->length ? step : rest->length;
	*rest = (struct netlink_bytes){rest->data + step, rest->length - step};
	return 1;
}

int netlink_next_attr(struct netlink_bytes *rest, struct netlink_attr *ret)
{
	struct nlattr a;
	size_t step;

	if (rest->length == 0)
		return 0;
	if (rest->length < sizeof(a))
		return -EBADMSG;
	memcpy(&a, rest->data, sizeof(a));
	if (a.nla_len < sizeof(a) || a.nla_len > rest->length)
		return -EBADMSG;
	*ret = (struct netlink_attr){
		.type = a.nla_type & NLA_TYPE_MASK,
		.value = {rest->data + sizeof(a), a.nla_len - sizeof(a)},
	};
	step = NLA_ALIGN((size_t)a.nla_len);
	step = step < rest->length ? step : rest->length;
	*rest = (struct netlink_bytes){rest->data + step, rest->length - step};
	return 1;
}

bool netlink_find_attr(struct netlink_bytes attrs, uint16_t type, struct netlink_bytes *ret)
{
	struct netlink_attr a;

	while (netlink_next_attr(&attrs, &a) > 0) {
		if (a.type == type) {
			*ret = a.value;
			return true;
		}
	}
	return false;
}

void netlink_clear(struct netlink_out *out)
{
	out->length = out->last = 0;
	out->n_messages = 0;
	out->overflow = false;
}

/* Zeroed room at the end, a multiple of 4 bytes, or NULL. */
static uint8_t *more(struct netlink_out *out, size_t length)
{
	size_t at = out->length, padded = NLA_ALIGN(length);

	if (out->overflow || padded < length || padded > sizeof(out->data) - at) {
		out->overflow = true;
		return NULL;
	}
	memset(out->data + at, 0, padded);
	out->length += padded;
	return out->data + at;
}

/* The last message goes to the end of what is written. */
static void stretch(struct netlink_out *out)
{
	uint32_t length = (uint32_t)(out->length - out->last);

	if (!out->overflow)
		memcpy(out->data + out->last + offsetof(struct nlmsghdr, nlmsg_len), &length,
		       sizeof(length));
}

void netlink_begin(struct netlink_out *out, uint16_t type, uint16_t flags, const void *header,
		   size_t length)
{
	struct nlmsghdr h = {
		.nlmsg_type = type,
		.nlmsg_flags = (uint16_t)(flags | NLM_F_REQUEST),
		.nlmsg_seq = out->n_messages,
	};
	size_t at = out->length;
	uint8_t *room = more(out, sizeof(h) + length);

	if (!room)
		return;
	memcpy(room, &h, sizeof(h));
	if (length > 0)
		memcpy(room + sizeof(h), header, length);
	out->last = at;
	out->n_messages++;
	stretch(out);
}

void netlink_want_answer(struct netlink_out *out)
{
	uint8_t *at = out->data + out->last + offsetof(struct nlmsghdr, nlmsg_flags);
	uint16_t flags;

	if (out->overflow)
		return;
	memcpy(&flags, at, sizeof(flags));
	flags |= NLM_F_ACK;
	memcpy(at, &flags, sizeof(flags));
}

void netlink_put(struct netlink_out *out, uint16_t type, const void *value, size_t length)
{
	struct nlattr a = {.nla_len = (uint16_t)(sizeof(a) + length), .nla_type = type};
	uint8_t *room = more(out, sizeof(a) + length);

	if (!room)
		return;
	memcpy(room, &a, sizeof(a));
	if (length > 0)
		memcpy(room + sizeof(a), value, length);
	stretch(out);
}

void netlink_put_be32(struct netlink_out *out, uint16_t type, uint32_t value)
{
	uint32_t be = htonl(value);

	netlink_put(out, type, &be, sizeof(be));
}

void netlink_put_string(struct netlink_out *out, uint16_t type, const char *value)
{
	netlink_put(out, type, value, strlen(value) + 1);
}

size_t netlink_open_nest(struct netlink_out *out, uint16_t type)
{
	size_t at = out->length;

	netlink_put(out, type | NLA_F_NESTED, NULL, 0);
	return at;
}

void netlink_close_nest(struct netlink_out *out, size_t nest)
{
	uint16_t length = (uint16_t)(out->length - nest);

	if (!out->overflow)
		memcpy(out->data + nest + offsetof(struct nlattr, nla_len), &length,
		       sizeof(length));
}

bool netlink_message_at(const struct netlink_out *out, uint32_t index, struct netlink_message *ret)
{
	struct netlink_bytes rest = {out->data, out->length};

	while (netlink_next_message(&rest, ret) > 0)
		if (index-- == 0)
			return true;
	return false;
}

int netlink_open(struct netlink *nl, int protocol)
{
	int on = 1;

	nl->next_seq = 1;
	nl->fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol);
	if (nl->fd < 0)
		return -errno;
	/* Refusals with words, and without a copy of what was refused; both only make them nicer.
	 */
	(void)setsockopt(nl->fd, SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof(on));
	(void)setsockopt(nl->fd, SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof(on));
	return 0;
}

void netlink_close(struct netlink *nl)
{
	close_fd(&nl->fd);
}

/* Gives the messages their numbers. */
static int send_all(struct netlink *nl, struct netlink_out *out)
{
	struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
	struct netlink_bytes rest = {out->data, out->length};
	struct netlink_message m;

	if (out->overflow || out->n_messages == 0)
		return -EMSGSIZE;
	for (uint32_t i = 0; i < out->n_messages; i++) {
		uint32_t seq = nl->next_seq + i;

		memcpy(out->data + (out->length - rest.length) +
			       offsetof(struct nlmsghdr, nlmsg_seq),
		       &seq, sizeof(seq));
		if (netlink_next_message(&rest, &m) <= 0)
			return -EMSGSIZE;
	}
	nl->next_seq += out->n_messages;
	if (sendto(nl->fd, out->data, out->length, 0, (const struct sockaddr *)&kernel,
		   sizeof(kernel)) != (ssize_t)out->length)
		return errno > 0 ? -errno : -EIO;
	return 0;
}

/* The kernel's own words behind an error, where it has some. */
static void take_words(const struct netlink_message *m, char ret[NETLINK_TEXT_B])
{
	struct netlink_bytes attrs = m->body, words;
	size_t head = sizeof(struct nlmsgerr), n = 0;

	/* Without NETLINK_CAP_ACK the refused message stands in between. */
	if (!(m->flags & NLM_F_ACK_TLVS) || !(m->flags & NLM_F_CAPPED) || attrs.length < head)
		return;
	attrs = (struct netlink_bytes){attrs.data + head, attrs.length - head};
	if (!netlink_find_attr(attrs, NLMSGERR_ATTR_MSG, &words))
		return;
	for (; n < words.length && words.data[n] && n + 1 < NETLINK_TEXT_B; n++)
		ret[n] = (char)(words.data[n] >= ' ' && words.data[n] <= '~' ? words.data[n] : '?');
	ret[n] = '\0';
}

static int take_error(struct netlink_answers *x, const struct netlink_message *m)
{
	int32_t error;

	if (m->body.length < sizeof(struct nlmsgerr))
		return -EBADMSG;
	memcpy(&error, m->body.data, sizeof(error));
	if (error > 0 || error == INT32_MIN)
		return -EBADMSG;
	if (error < 0 && x->refused == 0) {
		x->refused = error;
		x->refused_index = m->seq - x->first_seq;
		take_words(m, x->words);
	}
	/* Of a batch others may be refused as well. */
	x->ended = x->ended || error == 0 || x->n == 1;
	return 0;
}

static int take_done(struct netlink_answers *x, const struct netlink_message *m)
{
	int32_t error = 0;

	if (m->body.length >= sizeof(error))
		memcpy(&error, m->body.data, sizeof(error));
	x->ended = true;
	return error < 0 ? error : 0;
}

static int take_message(struct netlink_answers *x, const struct netlink_message *m)
{
	if (m->seq - x->first_seq >= x->n)
		return 0;
	if (m->flags & NLM_F_DUMP_INTR)
		x->overtaken = true;
	switch (m->type) {
	case NLMSG_NOOP:
		return 0;
	case NLMSG_ERROR:
		return take_error(x, m);
	case NLMSG_DONE:
		return take_done(x, m);
	case NLMSG_OVERRUN:
		return -ENOBUFS;
	default:
		if (!x->answer)
			return -EBADMSG;
		if (x->answered == 0)
			x->answered = x->answer(x->ctx, m);
		return 0;
	}
}

int netlink_take(struct netlink_answers *answers, struct netlink_bytes datagram)
{
	struct netlink_message m;
	int r;

	while ((r = netlink_next_message(&datagram, &m)) > 0)
		if ((r = take_message(answers, &m)) < 0)
			return r;
	return r;
}

/* Return: bytes of a datagram of the kernel's; 0 for nothing of the kind; -errno */
static ssize_t receive(struct netlink *nl)
{
	struct sockaddr_nl from = {0};
	socklen_t from_length = sizeof(from);
	ssize_t n = recvfrom(nl->fd, nl->in, sizeof(nl->in), MSG_DONTWAIT | MSG_TRUNC,
			     (struct sockaddr *)&from, &from_length);

	if (n < 0)
		return errno == EINTR ? 0 : -errno;
	if (from_length != sizeof(from) || from.nl_pid != 0)
		return 0;
	return (size_t)n > sizeof(nl->in) ? -EBADMSG : n;
}

/* Until there is something to read, a signal, or no time left. */
static int wait_for_answer(const struct netlink *nl, uint64_t deadline_us)
{
	struct pollfd p = {.fd = nl->fd, .events = POLLIN};

	return poll(&p, 1, clock_left_ms(deadline_us)) < 0 && errno != EINTR ? -errno : 0;
}

static int receive_all(struct netlink *nl, struct netlink_answers *x)
{
	uint64_t deadline_us = clock_now_us() + (uint64_t)NETLINK_DEADLINE_MS * MS_US;

	while (!x->ended) {
		ssize_t n = receive(nl);
		int r = 0;

		if (n < 0 && n != -EAGAIN)
			return (int)n;
		if (n >= 0)
			r = netlink_take(x, (struct netlink_bytes){nl->in, (size_t)n});
		else if (x->refused < 0)
			/* All of a batch is answered before its send returns. */
			return 0;
		else
			r = wait_for_answer(nl, deadline_us);
		if (r < 0)
			return r;
		if (!x->ended && clock_left_ms(deadline_us) == 0)
			return -ETIMEDOUT;
	}
	return 0;
}

int netlink_exchange(struct netlink *nl, struct netlink_out *out, struct netlink_answers *answers)
{
	int r;

	answers->first_seq = nl->next_seq;
	answers->n = out->n_messages;
	r = send_all(nl, out);
	if (r == 0)
		r = receive_all(nl, answers);
	if (r < 0)
		return r;
	if (answers->refused < 0)
		return answers->refused;
	return answers->overtaken ? -EINTR : answers->answered;
}
