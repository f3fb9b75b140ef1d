/* SPDX-License-Identifier: Apache-2.0 */
/* firewall_plan.c - the rules of one VM as messages to nf_tables; see firewall_plan.h. */
#include "firewall/firewall_plan.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <stdio.h>
#include <string.h>

#define FNV_OFFSET	 2166136261U
#define FNV_PRIME	 16777619U
#define NAME_CHARS	 10U /* of the id, for the eye; the hash tells ids apart */

#define COUNTER		 "dropped"

/* What nft(8) knows and the kernel only keeps: types of keys, and notes of its own. */
#define NFT_TYPE_UID	 24U
#define NFT_TYPE_IFNAME	 41U
#define NFT_NOTE_COMMENT 0U /* of a chain: a type, a length, the text */

static const char letters_digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				     "abcdefghijklmnopqrstuvwxyz"
				     "0123456789";

static uint32_t fnv1a(const char *text)
{
	uint32_t hash = FNV_OFFSET;

	for (; *text; text++)
		hash = (hash ^ (unsigned char)*text) * FNV_PRIME;
	return hash;
}

void firewall_chain_name(const char *vm_id, char ret[FIREWALL_CHAIN_MAX_B + 1])
{
	char part[NAME_CHARS + 1];
	size_t n = 0;

	for (; n < NAME_CHARS && vm_id[n]; n++)
		part[n] = (char)(strchr(letters_digits, vm_id[n]) ? vm_id[n] : '_');
	part[n] = '\0';
	(void)snprintf(ret, FIREWALL_CHAIN_MAX_B + 1, "IRONCLAW_%s_%08x", part, fnv1a(vm_id));
}

void firewall_interface_name(const char *vm_id, char ret[FIREWALL_IFNAME_B])
{
	(void)snprintf(ret, FIREWALL_IFNAME_B, "ic%08x", fnv1a(vm_id));
}

int firewall_vm_init(struct firewall_vm *ret, const char *vm_id, uint32_t uid)
{
	size_t length = strnlen(vm_id, FIREWALL_ID_MAX + 1);

	if (length == 0 || length > FIREWALL_ID_MAX)
		return -EINVAL;
	for (size_t i = 0; i < length; i++)
		if (vm_id[i] != '-' && !strchr(letters_digits, vm_id[i]))
			return -EINVAL;
	/* Root's own packets are not ours to drop, and (uid_t)-1 is nobody's. */
	if (uid == 0 || uid == UINT32_MAX)
		return -EINVAL;
	memset(ret, 0, sizeof(*ret));
	memcpy(ret->id, vm_id, length);
	ret->uid = uid;
	firewall_chain_name(vm_id, ret->chain);
	firewall_interface_name(vm_id, ret->interface);
	return 0;
}

static const char *const base_names[] = {
	[FIREWALL_PART_INPUT] = "input",
	[FIREWALL_PART_OUTPUT] = "output",
	[FIREWALL_PART_FORWARD] = "forward",
};

const char *firewall_plan_chain(const struct firewall_vm *vm, enum firewall_part part)
{
	return part == FIREWALL_PART_CHAIN ? vm->chain : base_names[part];
}

static bool is_map(enum firewall_part part)
{
	return part == FIREWALL_PART_UIDS || part == FIREWALL_PART_INTERFACES;
}

static const char *map_name(enum firewall_part part)
{
	return part == FIREWALL_PART_UIDS || part == FIREWALL_PART_UID_JUMP ? "uids" : "interfaces";
}

/* Every message names the table first: attribute 1, whatever it is about. */
static void begin(struct netlink_out *out, uint16_t type, uint16_t flags)
{
	struct nfgenmsg header = {.nfgen_family = NFPROTO_INET, .version = NFNETLINK_V0};

	netlink_begin(out, (uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | type), flags, &header,
		      sizeof(header));
	netlink_put_string(out, NFTA_TABLE_NAME, FIREWALL_TABLE);
}

static void batch(struct netlink_out *out, uint16_t type)
{
	struct nfgenmsg header = {.version = NFNETLINK_V0, .res_id = htons(NFNL_SUBSYS_NFTABLES)};

	netlink_begin(out, type, 0, &header, sizeof(header));
}

static void put_map(enum firewall_part part, struct netlink_out *out)
{
	/* What nft keeps there about its types: byte order of key (the host's) and data, intervals.
	 */
	static const uint8_t notes[] = {0, 4, 1, 0, 0, 0, 1, 4, 0, 0, 0, 0, 6, 4, 0, 0, 0, 0};
	bool uids = part == FIREWALL_PART_UIDS;

	begin(out, NFT_MSG_NEWSET, NLM_F_CREATE);
	netlink_put_string(out, NFTA_SET_NAME, map_name(part));
	netlink_put_be32(out, NFTA_SET_FLAGS, NFT_SET_MAP);
	netlink_put_be32(out, NFTA_SET_KEY_TYPE, uids ? NFT_TYPE_UID : NFT_TYPE_IFNAME);
	netlink_put_be32(out, NFTA_SET_KEY_LEN, uids ? sizeof(uint32_t) : FIREWALL_IFNAME_B);
	netlink_put_be32(out, NFTA_SET_DATA_TYPE, NFT_DATA_VERDICT);
	netlink_put_be32(out, NFTA_SET_DATA_LEN, 0);
	netlink_close_nest(out, netlink_open_nest(out, NFTA_SET_DESC));
	netlink_put_be32(out, NFTA_SET_ID, (uint32_t)part);
	netlink_put(out, NFTA_SET_USERDATA, notes, sizeof(notes));
}

static void put_base_chain(const char *name, uint32_t hook_number, struct netlink_out *out)
{
	size_t hook;

	begin(out, NFT_MSG_NEWCHAIN, NLM_F_CREATE);
	netlink_put_string(out, NFTA_CHAIN_NAME, name);
	hook = netlink_open_nest(out, NFTA_CHAIN_HOOK);
	netlink_put_be32(out, NFTA_HOOK_HOOKNUM, hook_number);
	netlink_put_be32(out, NFTA_HOOK_PRIORITY, (uint32_t)FIREWALL_PRIORITY);
	netlink_close_nest(out, hook);
	netlink_put_be32(out, NFTA_CHAIN_POLICY, NF_ACCEPT);
	netlink_put_string(out, NFTA_CHAIN_TYPE, "filter");
	netlink_put_be32(out, NFTA_CHAIN_FLAGS, NFT_CHAIN_BASE);
}

static void put_vm_chain(const struct firewall_vm *vm, struct netlink_out *out)
{
	uint8_t notes[2 + FIREWALL_ID_MAX + 1] = {NFT_NOTE_COMMENT};
	size_t length = strlen(vm->id) + 1;

	notes[1] = (uint8_t)length;
	memcpy(notes + 2, vm->id, length);
	begin(out, NFT_MSG_NEWCHAIN, NLM_F_CREATE | NLM_F_EXCL);
	netlink_put_string(out, NFTA_CHAIN_NAME, vm->chain);
	netlink_put(out, NFTA_CHAIN_USERDATA, notes, 2 + length);
}

static void put_verdict(struct netlink_out *out, uint16_t type, int32_t code, const char *chain)
{
	size_t data = netlink_open_nest(out, type);
	size_t verdict = netlink_open_nest(out, NFTA_DATA_VERDICT);

	netlink_put_be32(out, NFTA_VERDICT_CODE, (uint32_t)code);
	if (chain)
		netlink_put_string(out, NFTA_VERDICT_CHAIN, chain);
	netlink_close_nest(out, verdict);
	netlink_close_nest(out, data);
}

/* Of the element that @part is. */
static void put_key(const struct firewall_vm *vm, enum firewall_part part, struct netlink_out *out)
{
	size_t key = netlink_open_nest(out, NFTA_SET_ELEM_KEY);

	if (part == FIREWALL_PART_UID_JUMP)
		netlink_put(out, NFTA_DATA_VALUE, &vm->uid, sizeof(vm->uid));
	else
		netlink_put(out, NFTA_DATA_VALUE, vm->interface, sizeof(vm->interface));
	netlink_close_nest(out, key);
}

/* What is put until close_element(@ret) is said of the element. */
static void open_element(const struct firewall_vm *vm, enum firewall_part part,
			 struct netlink_out *out, size_t ret[2])
{
	netlink_put_string(out, NFTA_SET_ELEM_LIST_SET, map_name(part));
	ret[0] = netlink_open_nest(out, NFTA_SET_ELEM_LIST_ELEMENTS);
	ret[1] = netlink_open_nest(out, NFTA_LIST_ELEM);
	put_key(vm, part, out);
}

static void close_element(struct netlink_out *out, const size_t nests[2])
{
	netlink_close_nest(out, nests[1]);
	netlink_close_nest(out, nests[0]);
}

static void put_jump(const struct firewall_vm *vm, enum firewall_part part, struct netlink_out *out)
{
	size_t nests[2];

	begin(out, NFT_MSG_NEWSETELEM, NLM_F_CREATE | NLM_F_EXCL);
	open_element(vm, part, out, nests);
	put_verdict(out, NFTA_SET_ELEM_DATA, NFT_JUMP, vm->chain);
	close_element(out, nests);
}

static void put_counter(struct netlink_out *out)
{
	begin(out, NFT_MSG_NEWOBJ, NLM_F_CREATE);
	netlink_put_string(out, NFTA_OBJ_NAME, COUNTER);
	netlink_put_be32(out, NFTA_OBJ_TYPE, NFT_OBJECT_COUNTER);
	netlink_close_nest(out, netlink_open_nest(out, NFTA_OBJ_DATA));
}

void firewall_plan_part(const struct firewall_vm *vm, enum firewall_part part,
			struct netlink_out *out)
{
	switch (part) {
	case FIREWALL_PART_TABLE:
		begin(out, NFT_MSG_NEWTABLE, NLM_F_CREATE);
		netlink_put_be32(out, NFTA_TABLE_FLAGS, 0);
		break;
	case FIREWALL_PART_COUNTER:
		put_counter(out);
		break;
	case FIREWALL_PART_UIDS:
	case FIREWALL_PART_INTERFACES:
		put_map(part, out);
		break;
	case FIREWALL_PART_INPUT:
		put_base_chain(base_names[part], NF_INET_LOCAL_IN, out);
		break;
	case FIREWALL_PART_OUTPUT:
		put_base_chain(base_names[part], NF_INET_LOCAL_OUT, out);
		break;
	case FIREWALL_PART_FORWARD:
		put_base_chain(base_names[part], NF_INET_FORWARD, out);
		break;
	case FIREWALL_PART_CHAIN:
		put_vm_chain(vm, out);
		break;
	case FIREWALL_PART_UID_JUMP:
	case FIREWALL_PART_INTERFACE_JUMP:
		put_jump(vm, part, out);
		break;
	case FIREWALL_PARTS:
		break;
	}
}

unsigned int firewall_plan_n_rules(enum firewall_part part)
{
	if (part == FIREWALL_PART_CHAIN)
		return 1;
	return part >= FIREWALL_PART_INPUT && part <= FIREWALL_PART_FORWARD ? 2 : 0;
}

/* What a rule consists of. Closed by close_expression(). */
static void open_expression(struct netlink_out *out, const char *name, size_t ret[2])
{
	ret[0] = netlink_open_nest(out, NFTA_LIST_ELEM);
	netlink_put_string(out, NFTA_EXPR_NAME, name);
	ret[1] = netlink_open_nest(out, NFTA_EXPR_DATA);
}

static void close_expression(struct netlink_out *out, const size_t nests[2])
{
	netlink_close_nest(out, nests[1]);
	netlink_close_nest(out, nests[0]);
}

/* KEY vmap @MAP */
static void put_lookup(struct netlink_out *out, uint32_t key, enum firewall_part map)
{
	size_t nests[2];

	open_expression(out, "meta", nests);
	netlink_put_be32(out, NFTA_META_KEY, key);
	netlink_put_be32(out, NFTA_META_DREG, NFT_REG_1);
	close_expression(out, nests);
	open_expression(out, "lookup", nests);
	netlink_put_string(out, NFTA_LOOKUP_SET, map_name(map));
	netlink_put_be32(out, NFTA_LOOKUP_SREG, NFT_REG_1);
	netlink_put_be32(out, NFTA_LOOKUP_DREG, NFT_REG_VERDICT);
	netlink_put_be32(out, NFTA_LOOKUP_SET_ID, (uint32_t)map);
	netlink_put_be32(out, NFTA_LOOKUP_FLAGS, 0);
	close_expression(out, nests);
}

/* counter counter name "dropped" drop */
static void put_drop(struct netlink_out *out)
{
	size_t nests[2];

	open_expression(out, "counter", nests);
	close_expression(out, nests);
	open_expression(out, "objref", nests);
	netlink_put_be32(out, NFTA_OBJREF_IMM_TYPE, NFT_OBJECT_COUNTER);
	netlink_put_string(out, NFTA_OBJREF_IMM_NAME, COUNTER);
	close_expression(out, nests);
	open_expression(out, "immediate", nests);
	netlink_put_be32(out, NFTA_IMMEDIATE_DREG, NFT_REG_VERDICT);
	put_verdict(out, NFTA_IMMEDIATE_DATA, NF_DROP, NULL);
	close_expression(out, nests);
}

void firewall_plan_rule(const struct firewall_vm *vm, enum firewall_part chain, unsigned int rule,
			struct netlink_out *out)
{
	size_t list;

	begin(out, NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND);
	netlink_put_string(out, NFTA_RULE_CHAIN, firewall_plan_chain(vm, chain));
	list = netlink_open_nest(out, NFTA_RULE_EXPRESSIONS);
	if (chain == FIREWALL_PART_CHAIN)
		put_drop(out);
	else if (rule == 0 && chain != FIREWALL_PART_FORWARD)
		put_lookup(out, NFT_META_SKUID, FIREWALL_PART_UIDS);
	else if (chain == FIREWALL_PART_INPUT || rule == 0)
		put_lookup(out, NFT_META_IIFNAME, FIREWALL_PART_INTERFACES);
	else
		put_lookup(out, NFT_META_OIFNAME, FIREWALL_PART_INTERFACES);
	netlink_close_nest(out, list);
}

void firewall_plan_add(const struct firewall_vm *vm, bool shared, struct netlink_out *out)
{
	batch(out, NFNL_MSG_BATCH_BEGIN);
	for (unsigned int i = shared ? 0 : FIREWALL_PARTS_SHARED; i < FIREWALL_PARTS; i++) {
		enum firewall_part part = (enum firewall_part)i;

		firewall_plan_part(vm, part, out);
		if (part < FIREWALL_PART_CHAIN && firewall_plan_n_rules(part) > 0) {
			begin(out, NFT_MSG_DELRULE, 0);
			netlink_put_string(out, NFTA_RULE_CHAIN, firewall_plan_chain(vm, part));
		}
		for (unsigned int rule = 0; rule < firewall_plan_n_rules(part); rule++)
			firewall_plan_rule(vm, part, rule, out);
	}
	netlink_want_answer(out);
	batch(out, NFNL_MSG_BATCH_END);
}

static void put_counter_name(struct netlink_out *out)
{
	netlink_put_string(out, NFTA_OBJ_NAME, COUNTER);
	netlink_put_be32(out, NFTA_OBJ_TYPE, NFT_OBJECT_COUNTER);
}

/* The part as requests name it that do not make it. */
static void put_name(const struct firewall_vm *vm, enum firewall_part part, struct netlink_out *out)
{
	size_t nests[2];

	if (part == FIREWALL_PART_COUNTER) {
		put_counter_name(out);
	} else if (is_map(part)) {
		netlink_put_string(out, NFTA_SET_NAME, map_name(part));
	} else if (firewall_plan_n_rules(part) > 0) {
		netlink_put_string(out, NFTA_CHAIN_NAME, firewall_plan_chain(vm, part));
	} else if (part != FIREWALL_PART_TABLE) {
		open_element(vm, part, out, nests);
		close_element(out, nests);
	}
}

/* The messages about a part. */
static const struct {
	uint16_t read, remove;
} messages[FIREWALL_PARTS] = {
	[FIREWALL_PART_TABLE] = {NFT_MSG_GETTABLE, NFT_MSG_DELTABLE},
	[FIREWALL_PART_COUNTER] = {NFT_MSG_GETOBJ, NFT_MSG_DELOBJ},
	[FIREWALL_PART_UIDS] = {NFT_MSG_GETSET, NFT_MSG_DELSET},
	[FIREWALL_PART_INTERFACES] = {NFT_MSG_GETSET, NFT_MSG_DELSET},
	[FIREWALL_PART_INPUT] = {NFT_MSG_GETCHAIN, NFT_MSG_DELCHAIN},
	[FIREWALL_PART_OUTPUT] = {NFT_MSG_GETCHAIN, NFT_MSG_DELCHAIN},
	[FIREWALL_PART_FORWARD] = {NFT_MSG_GETCHAIN, NFT_MSG_DELCHAIN},
	[FIREWALL_PART_CHAIN] = {NFT_MSG_GETCHAIN, NFT_MSG_DELCHAIN},
	[FIREWALL_PART_UID_JUMP] = {NFT_MSG_GETSETELEM, NFT_MSG_DELSETELEM},
	[FIREWALL_PART_INTERFACE_JUMP] = {NFT_MSG_GETSETELEM, NFT_MSG_DELSETELEM},
};

void firewall_plan_remove(const struct firewall_vm *vm, unsigned int parts, struct netlink_out *out)
{
	/* A chain can go when no jump leads to it, the table when no rule uses the counter. */
	static const enum firewall_part order[] = {
		FIREWALL_PART_UID_JUMP, FIREWALL_PART_INTERFACE_JUMP, FIREWALL_PART_CHAIN,
		FIREWALL_PART_COUNTER,	FIREWALL_PART_TABLE,
	};
	bool table = parts & 1U << FIREWALL_PART_TABLE;

	batch(out, NFNL_MSG_BATCH_BEGIN);
	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
		enum firewall_part part = order[i];

		if (!(parts & 1U << part) && !(table && part == FIREWALL_PART_COUNTER))
			continue;
		begin(out, messages[part].remove, 0);
		put_name(vm, part, out);
	}
	netlink_want_answer(out);
	batch(out, NFNL_MSG_BATCH_END);
}

void firewall_plan_read(const struct firewall_vm *vm, enum firewall_part part,
			struct netlink_out *out)
{
	begin(out, messages[part].read, 0);
	put_name(vm, part, out);
	netlink_want_answer(out);
}

void firewall_plan_read_rules(const struct firewall_vm *vm, enum firewall_part chain,
			      struct netlink_out *out)
{
	begin(out, NFT_MSG_GETRULE, NLM_F_DUMP);
	netlink_put_string(out, NFTA_RULE_CHAIN, firewall_plan_chain(vm, chain));
}

/* What a message is about, and which attribute names it. */
static const struct {
	const char *noun;
	uint16_t make, read, remove, name;
} nouns[] = {
	{"table", NFT_MSG_NEWTABLE, NFT_MSG_GETTABLE, NFT_MSG_DELTABLE, 0},
	{"chain", NFT_MSG_NEWCHAIN, NFT_MSG_GETCHAIN, NFT_MSG_DELCHAIN, NFTA_CHAIN_NAME},
	{"rule", NFT_MSG_NEWRULE, NFT_MSG_GETRULE, NFT_MSG_DELRULE, NFTA_RULE_CHAIN},
	{"map", NFT_MSG_NEWSET, NFT_MSG_GETSET, NFT_MSG_DELSET, NFTA_SET_NAME},
	{"element", NFT_MSG_NEWSETELEM, NFT_MSG_GETSETELEM, NFT_MSG_DELSETELEM,
	 NFTA_SET_ELEM_LIST_SET},
	{"counter", NFT_MSG_NEWOBJ, NFT_MSG_GETOBJ, NFT_MSG_DELOBJ, NFTA_OBJ_NAME},
};

void firewall_describe(const struct netlink_message *message, char ret[FIREWALL_WORDS_B])
{
	uint16_t kind = (uint16_t)NFNL_MSG_TYPE(message->type);
	struct netlink_bytes attrs = message->body, name = {NULL, 0};

	(void)snprintf(ret, FIREWALL_WORDS_B, "the changes as a whole");
	if (NFNL_SUBSYS_ID(message->type) != NFNL_SUBSYS_NFTABLES ||
	    attrs.length < sizeof(struct nfgenmsg))
		return;
	attrs.data += sizeof(struct nfgenmsg);
	attrs.length -= sizeof(struct nfgenmsg);
	for (size_t i = 0; i < sizeof(nouns) / sizeof(nouns[0]); i++) {
		const char *verb = kind == nouns[i].read ? "read" : "delete";

		if (kind == nouns[i].make)
			verb = message->flags & NLM_F_EXCL ? "create" : "add";
		else if (kind != nouns[i].read && kind != nouns[i].remove)
			continue;
		(void)netlink_find_attr(attrs, nouns[i].name, &name);
		(void)snprintf(ret, FIREWALL_WORDS_B, "%s %s inet " FIREWALL_TABLE "%s%.*s", verb,
			       nouns[i].noun, name.length ? " " : "", (int)name.length,
			       (const char *)name.data);
		return;
	}
}
