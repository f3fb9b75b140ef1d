/* SPDX-License-Identifier: Apache-2.0 */
/*
 * firewall_readback.c - compare what the kernel says; see firewall_readback.h.
 *
 * Each kind of message has a table of the attributes that may be in it. The order in which the
 * kernel writes them is not ours, so they are found by their types; in a list, whose entries all
 * have one type, the order is the meaning.
 */
#include "firewall/firewall_readback.h"

#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <stdio.h>
#include <string.h>

#define TYPES_MAX 32U /* of attributes that are told apart */

/* Of Linux 6.16, and not in the headers of older ones: which kind of map it is, how full it is. */
#define SET_KIND  19
#define SET_COUNT 20

enum how {
	SAME,	    /* byte for byte */
	IGNORED,    /* of no effect, there or not */
	NEST,	    /* what is inside, by @inside */
	LIST,	    /* each entry, by @inside */
	EXPRESSION, /* what is inside, by the name beside it */
};

struct known {
	uint16_t type;
	enum how how;
	const char *name; /* in a failure */
	const struct known *inside;
};

#define END                                                                                        \
	{                                                                                          \
		0, SAME, NULL, NULL                                                                \
	}

static const struct known nothing[] = {END};

static const struct known table_itself[] = {
	{NFTA_TABLE_NAME, SAME, "name", NULL},
	{NFTA_TABLE_FLAGS, SAME, "flags (is it switched off?)", NULL},
	{NFTA_TABLE_USE, IGNORED, NULL, NULL},
	{NFTA_TABLE_HANDLE, IGNORED, NULL, NULL},
	{NFTA_TABLE_PAD, IGNORED, NULL, NULL},
	{NFTA_TABLE_USERDATA, IGNORED, NULL, NULL}, /* a comment */
	END,
};

static const struct known map_itself[] = {
	{NFTA_SET_TABLE, SAME, "table", NULL},
	{NFTA_SET_NAME, SAME, "name", NULL},
	{NFTA_SET_FLAGS, SAME, "flags", NULL},
	{NFTA_SET_KEY_TYPE, SAME, "type of keys", NULL},
	{NFTA_SET_KEY_LEN, SAME, "length of keys", NULL},
	{NFTA_SET_DATA_TYPE, SAME, "type of values", NULL},
	{NFTA_SET_DATA_LEN, IGNORED, NULL, NULL}, /* of a verdict inside the kernel */
	{NFTA_SET_DESC, NEST, "size", nothing},
	{NFTA_SET_ID, IGNORED, NULL, NULL},
	{NFTA_SET_USERDATA, IGNORED, NULL, NULL}, /* how nft prints it */
	{NFTA_SET_TIMEOUT, SAME, "timeout", NULL},
	{NFTA_SET_PAD, IGNORED, NULL, NULL},
	{NFTA_SET_HANDLE, IGNORED, NULL, NULL},
	{SET_KIND, IGNORED, NULL, NULL},
	{SET_COUNT, IGNORED, NULL, NULL},
	END,
};

static const struct known hook[] = {
	{NFTA_HOOK_HOOKNUM, SAME, "hook", NULL},
	{NFTA_HOOK_PRIORITY, SAME, "priority", NULL},
	END,
};

static const struct known chain_itself[] = {
	{NFTA_CHAIN_TABLE, SAME, "table", NULL},
	{NFTA_CHAIN_NAME, SAME, "name", NULL},
	{NFTA_CHAIN_HOOK, NEST, "hook", hook},
	{NFTA_CHAIN_POLICY, SAME, "policy", NULL},
	{NFTA_CHAIN_TYPE, SAME, "type", NULL},
	{NFTA_CHAIN_FLAGS, SAME, "flags", NULL},
	{NFTA_CHAIN_USERDATA, SAME, "comment, which names the owner", NULL},
	{NFTA_CHAIN_HANDLE, IGNORED, NULL, NULL},
	{NFTA_CHAIN_USE, IGNORED, NULL, NULL},
	{NFTA_CHAIN_COUNTERS, IGNORED, NULL, NULL},
	{NFTA_CHAIN_PAD, IGNORED, NULL, NULL},
	END,
};

static const struct known verdict[] = {
	{NFTA_VERDICT_CODE, SAME, "verdict", NULL},
	{NFTA_VERDICT_CHAIN, SAME, "chain to jump to", NULL},
	END,
};

static const struct known data[] = {
	{NFTA_DATA_VALUE, SAME, "value", NULL},
	{NFTA_DATA_VERDICT, NEST, "verdict", verdict},
	END,
};

static const struct known element[] = {
	{NFTA_SET_ELEM_KEY, NEST, "key", data},
	{NFTA_SET_ELEM_DATA, NEST, "verdict", data},
	{NFTA_SET_ELEM_PAD, IGNORED, NULL, NULL},
	END,
};

static const struct known elements[] = {
	{NFTA_SET_ELEM_LIST_TABLE, SAME, "table", NULL},
	{NFTA_SET_ELEM_LIST_SET, SAME, "map", NULL},
	{NFTA_SET_ELEM_LIST_ELEMENTS, LIST, "element", element},
	END,
};

static const struct known expression[] = {
	{NFTA_EXPR_NAME, SAME, "expression", NULL},
	{NFTA_EXPR_DATA, EXPRESSION, "expression", NULL},
	END,
};

static const struct known one_rule[] = {
	{NFTA_RULE_TABLE, SAME, "table", NULL},
	{NFTA_RULE_CHAIN, SAME, "chain", NULL},
	{NFTA_RULE_EXPRESSIONS, LIST, "expression", expression},
	{NFTA_RULE_HANDLE, IGNORED, NULL, NULL},
	{NFTA_RULE_POSITION, IGNORED, NULL, NULL},
	{NFTA_RULE_PAD, IGNORED, NULL, NULL},
	END,
};

static const struct known meta[] = {
	{NFTA_META_KEY, SAME, "key", NULL},
	{NFTA_META_DREG, SAME, "register", NULL},
	END,
};

static const struct known lookup[] = {
	{NFTA_LOOKUP_SET, SAME, "map", NULL},	    {NFTA_LOOKUP_SREG, SAME, "register", NULL},
	{NFTA_LOOKUP_DREG, SAME, "register", NULL}, {NFTA_LOOKUP_FLAGS, SAME, "flags", NULL},
	{NFTA_LOOKUP_SET_ID, IGNORED, NULL, NULL},  END,
};

static const struct known counter[] = {
	{NFTA_COUNTER_BYTES, IGNORED, NULL, NULL},
	{NFTA_COUNTER_PACKETS, IGNORED, NULL, NULL},
	{NFTA_COUNTER_PAD, IGNORED, NULL, NULL},
	END,
};

static const struct known objref[] = {
	{NFTA_OBJREF_IMM_TYPE, SAME, "type of object", NULL},
	{NFTA_OBJREF_IMM_NAME, SAME, "object", NULL},
	END,
};

static const struct known immediate[] = {
	{NFTA_IMMEDIATE_DREG, SAME, "register", NULL},
	{NFTA_IMMEDIATE_DATA, NEST, "verdict", data},
	END,
};

static const struct {
	const char *name;
	const struct known *inside;
} expressions[] = {
	{"meta", meta},	    {"lookup", lookup},	      {"counter", counter},
	{"objref", objref}, {"immediate", immediate},
};

/* By the name in what is expected, which is ours. */
static const struct known *inside_of_expression(struct netlink_bytes expected)
{
	struct netlink_bytes name;

	for (size_t i = 0; i < sizeof(expressions) / sizeof(expressions[0]); i++)
		if (netlink_find_attr(expected, NFTA_EXPR_NAME, &name) &&
		    name.length == strlen(expressions[i].name) + 1 &&
		    memcmp(name.data, expressions[i].name, name.length) == 0)
			return expressions[i].inside;
	return nothing;
}

static const struct known *known_attr(const struct known *known, uint16_t type)
{
	for (; known->type != 0; known++)
		if (known->type == type)
			return known;
	return NULL;
}

static const char *compare_attrs(const struct known *known, struct netlink_bytes expected,
				 struct netlink_bytes got);

/* As compare_attrs(), entry by entry. */
static const char *compare_lists(const struct known *r, struct netlink_bytes expected,
				 struct netlink_bytes got)
{
	struct netlink_attr e, g;

	for (;;) {
		int expects = netlink_next_attr(&expected, &e);
		int has = netlink_next_attr(&got, &g);
		const char *differs;

		if (expects != has)
			return r->name;
		if (has <= 0)
			return has < 0 ? r->name : NULL;
		if (g.type != e.type)
			return r->name;
		differs = compare_attrs(r->inside, e.value, g.value);
		if (differs)
			return differs;
	}
}

/* One attribute, @all being what stands beside the expected one. */
static const char *compare_attr(const struct known *r, struct netlink_bytes all,
				struct netlink_bytes expected, struct netlink_bytes got)
{
	switch (r->how) {
	case SAME:
		return expected.length == got.length &&
				       memcmp(expected.data, got.data, got.length) == 0
			       ? NULL
			       : r->name;
	case NEST:
		return compare_attrs(r->inside, expected, got);
	case LIST:
		return compare_lists(r, expected, got);
	case EXPRESSION:
		return compare_attrs(inside_of_expression(all), expected, got);
	case IGNORED:
		break;
	}
	return NULL;
}

/* Return: NULL when nothing differs, or the name of what does */
static const char *compare_attrs(const struct known *known, struct netlink_bytes expected,
				 struct netlink_bytes got)
{
	struct netlink_bytes rest = got, value;
	struct netlink_attr a;
	uint32_t seen = 0;
	int more;

	while ((more = netlink_next_attr(&rest, &a)) > 0) {
		const struct known *r = known_attr(known, a.type);
		const char *differs;

		if (!r || a.type >= TYPES_MAX)
			return "attributes: one is not known here";
		if (r->how == IGNORED)
			continue;
		if (seen & 1U << a.type || !netlink_find_attr(expected, a.type, &value))
			return r->name;
		seen |= 1U << a.type;
		differs = compare_attr(r, expected, value, a.value);
		if (differs)
			return differs;
	}
	if (more < 0)
		return "length";
	for (; known->type != 0; known++)
		if (known->how != IGNORED && !(seen & 1U << known->type) &&
		    netlink_find_attr(expected, known->type, &value))
			return known->name;
	return NULL;
}

static const struct known *known_of(uint16_t type)
{
	switch (NFNL_MSG_TYPE(type)) {
	case NFT_MSG_NEWTABLE:
		return table_itself;
	case NFT_MSG_NEWCHAIN:
		return chain_itself;
	case NFT_MSG_NEWSET:
		return map_itself;
	case NFT_MSG_NEWSETELEM:
		return elements;
	case NFT_MSG_NEWRULE:
		return one_rule;
	default:
		return nothing;
	}
}

/* What follows the header of the family. */
static struct netlink_bytes attrs_of(const struct netlink_message *m)
{
	size_t head = sizeof(struct nfgenmsg);

	if (m->body.length < head)
		return (struct netlink_bytes){NULL, 0};
	return (struct netlink_bytes){m->body.data + head, m->body.length - head};
}

static bool same_family(const struct netlink_message *a, const struct netlink_message *b)
{
	return a->body.length >= sizeof(struct nfgenmsg) &&
	       b->body.length >= sizeof(struct nfgenmsg) && a->body.data[0] == b->body.data[0];
}

/*
 * @expected:	one message, ours
 * @rule:	of a chain, counted from 0; negative for what is no rule
 */
static int compare(const struct netlink_out *expected, const struct netlink_message *got, int rule,
		   char ret_failure[FIREWALL_FAILURE_B])
{
	char words[FIREWALL_WORDS_B], number[32] = "";
	struct netlink_message want;
	const char *differs = "kind";

	if (!netlink_message_at(expected, 0, &want))
		return -EIO;
	if (got->type == want.type && same_family(got, &want))
		differs = compare_attrs(known_of(want.type), attrs_of(&want), attrs_of(got));
	if (!differs)
		return 0;
	firewall_describe(&want, words);
	if (rule >= 0)
		(void)snprintf(number, sizeof(number), ", number %d,", rule + 1);
	/* Without the verb. */
	(void)snprintf(ret_failure, FIREWALL_FAILURE_B, "%s%s differs in its %s",
		       strchr(words, ' ') + 1, number, differs);
	return -EIO;
}

int firewall_readback_part(const struct firewall_vm *vm, enum firewall_part part,
			   const struct netlink_message *message,
			   char ret_failure[FIREWALL_FAILURE_B])
{
	struct netlink_out expected;

	netlink_clear(&expected);
	firewall_plan_part(vm, part, &expected);
	return compare(&expected, message, -1, ret_failure);
}

int firewall_readback_rule(const struct firewall_vm *vm, enum firewall_part chain,
			   unsigned int rule, const struct netlink_message *message,
			   char ret_failure[FIREWALL_FAILURE_B])
{
	struct netlink_out expected;

	if (rule >= firewall_plan_n_rules(chain)) {
		(void)snprintf(ret_failure, FIREWALL_FAILURE_B,
			       "rule inet " FIREWALL_TABLE " %s, number %u, does not belong there",
			       firewall_plan_chain(vm, chain), rule + 1);
		return -EIO;
	}
	netlink_clear(&expected);
	firewall_plan_rule(vm, chain, rule, &expected);
	return compare(&expected, message, (int)rule, ret_failure);
}

uint64_t firewall_readback_packets(const struct netlink_message *message)
{
	struct netlink_bytes list, inside, number;
	struct netlink_attr first;
	uint64_t be;

	if (!netlink_find_attr(attrs_of(message), NFTA_RULE_EXPRESSIONS, &list) ||
	    netlink_next_attr(&list, &first) <= 0 ||
	    !netlink_find_attr(first.value, NFTA_EXPR_DATA, &inside) ||
	    !netlink_find_attr(inside, NFTA_COUNTER_PACKETS, &number) ||
	    number.length != sizeof(be))
		return 0;
	memcpy(&be, number.data, sizeof(be));
	return be64toh(be);
}

int firewall_readback_uses(const struct netlink_message *message, uint32_t *ret)
{
	struct netlink_bytes number;
	uint32_t be;

	if (message->type != (NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWOBJ) ||
	    !netlink_find_attr(attrs_of(message), NFTA_OBJ_USE, &number) ||
	    number.length != sizeof(be))
		return -EIO;
	memcpy(&be, number.data, sizeof(be));
	*ret = ntohl(be);
	return 0;
}
