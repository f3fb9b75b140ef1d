/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_firewall.c - any bytes as what the kernel answers, to sys/netlink.h and
 * firewall/firewall_readback.h.
 *
 * The first byte says which part was asked for, the second which rule of a chain is expected (255:
 * the chain itself), the rest is a datagram. What passes must hold every value that our own message
 * has for the part, and must not pass any more with an attribute that nobody knows; a failure is
 * one printable line.
 *
 * The corpus: what Linux 6.18 answered for the rules of "vm-1" with uid 1000, and a refusal.
 */
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <stdlib.h>
#include <string.h>

#include "firewall/firewall_readback.h"

#define UNKNOWN_TYPE 60
#define NO_RULE	     255

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct question {
	struct firewall_vm vm;
	enum firewall_part part;
	uint8_t rule;
};

static void require(bool condition)
{
	if (!condition)
		abort();
}

static void require_printable(const char *text, size_t size)
{
	size_t length = strnlen(text, size);

	require(length < size);
	for (size_t i = 0; i < length; i++)
		require(text[i] >= ' ' && text[i] <= '~');
}

static int judge(const struct question *q, const struct netlink_message *m)
{
	char failure[FIREWALL_FAILURE_B] = "";
	int r = q->rule == NO_RULE ? firewall_readback_part(&q->vm, q->part, m, failure)
				   : firewall_readback_rule(&q->vm, q->part, q->rule, m, failure);

	require(r == 0 || failure[0] != '\0');
	require_printable(failure, sizeof(failure));
	return r;
}

/* Each value of ours stands somewhere in @m, but for those that the kernel does not show. */
static void require_values(struct netlink_bytes attrs, const struct netlink_message *m, bool map,
			   bool lookup)
{
	struct netlink_attr a;

	while (netlink_next_attr(&attrs, &a) > 0) {
		uint16_t raw;

		memcpy(&raw, a.value.data - sizeof(raw), sizeof(raw));
		if (raw & NLA_F_NESTED)
			require_values(a.value, m, false, !map);
		else if (!(map && (a.type == NFTA_SET_ID || a.type == NFTA_SET_DATA_LEN ||
				   a.type == NFTA_SET_USERDATA)) &&
			 !(lookup && a.type == NFTA_LOOKUP_SET_ID))
			require(memmem(m->body.data, m->body.length, a.value.data,
				       a.value.length) != NULL);
	}
}

static void require_right(const struct question *q, const struct netlink_message *m)
{
	struct netlink_message want, more = *m;
	const size_t head = sizeof(struct nfgenmsg);
	struct nlattr extra = {.nla_len = sizeof(extra), .nla_type = UNKNOWN_TYPE};
	struct netlink_out out;
	size_t padded = NLA_ALIGN(m->body.length);
	uint8_t *body = calloc(1, padded + sizeof(extra));

	require(body != NULL);
	netlink_clear(&out);
	if (q->rule == NO_RULE)
		firewall_plan_part(&q->vm, q->part, &out);
	else
		firewall_plan_rule(&q->vm, q->part, q->rule, &out);
	require(netlink_message_at(&out, 0, &want) && want.type == m->type);
	require_values((struct netlink_bytes){want.body.data + head, want.body.length - head}, m,
		       q->part == FIREWALL_PART_UIDS || q->part == FIREWALL_PART_INTERFACES, false);
	memcpy(body, m->body.data, m->body.length);
	memcpy(body + padded, &extra, sizeof(extra));
	more.body = (struct netlink_bytes){body, padded + sizeof(extra)};
	require(judge(q, &more) < 0);
	free(body);
}

static int on_answer(void *ctx, const struct netlink_message *m)
{
	const struct question *q = ctx;
	char words[FIREWALL_WORDS_B];
	uint32_t uses;

	firewall_describe(m, words);
	require(strnlen(words, sizeof(words)) < sizeof(words));
	(void)firewall_readback_packets(m);
	(void)firewall_readback_uses(m, &uses);
	if (q->part == FIREWALL_PART_COUNTER)
		return 0;
	if (judge(q, m) == 0)
		require_right(q, m);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct question q;
	struct netlink_answers answers = {.n = 3, .answer = on_answer, .ctx = &q};
	uint8_t *copy;

	if (size < 2)
		return 0;
	require(firewall_vm_init(&q.vm, "vm-1", 1000) == 0);
	q.part = (enum firewall_part)(data[0] % FIREWALL_PARTS);
	q.rule = firewall_plan_n_rules(q.part) > 0 ? data[1] : NO_RULE;
	/* A copy of just this size, so that a read past its end is seen. */
	copy = malloc(size - 2 ? size - 2 : 1);
	require(copy != NULL);
	memcpy(copy, data + 2, size - 2);
	(void)netlink_take(&answers, (struct netlink_bytes){copy, size - 2});
	require(answers.refused <= 0 && answers.refused_index < answers.n);
	require_printable(answers.words, sizeof(answers.words));
	free(copy);
	return 0;
}
