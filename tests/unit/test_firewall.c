/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_firewall.c - firewall/: names, batches as tests/golden/firewall/NAME has them, and what is
 * taken for "as it must be" in a kernel's answers. The golden file `readback` is what Linux 6.18
 * answered for "vm-1" with uid 1000, a message a line. With a kernel: tests/it/firewall.bats.
 *
 * After a change that is meant: IRONCLAW_UPDATE_GOLDEN=1 build/tests/test_firewall, and read the
 * diff.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "firewall/firewall_plan.h"
#include "firewall/firewall_readback.h"
#include "sys/file.h"

#define GOLDEN	     "/golden/firewall/"
#define GOLDEN_MAX_B 16384U

/* 64 characters, the most. */
static const char longest_id[] = "abcdefghijklmnopqrstuvwxyz-ABCDEFGHIJKLMNOPQRSTUVWXYZ-0123456789";

static struct firewall_vm vm_of(const char *id, uint32_t uid)
{
	struct firewall_vm vm;

	assert_int_equal(firewall_vm_init(&vm, id, uid), 0);
	return vm;
}

static char *golden_read(const char *name)
{
	char path[1024], *text;
	size_t length;

	(void)snprintf(path, sizeof(path), TEST_DATA GOLDEN "%s", name);
	assert_int_equal(file_read_bounded(AT_FDCWD, path, GOLDEN_MAX_B, &text, &length), 0);
	return text;
}

static void golden_is(const char *name, const char *got)
{
	cleanup_free char *expected = NULL;
	char path[1024];

	(void)snprintf(path, sizeof(path), TEST_DATA GOLDEN "%s", name);
	if (getenv("IRONCLAW_UPDATE_GOLDEN"))
		assert_int_equal(file_write_atomic(AT_FDCWD, path, got, strlen(got), 0644), 0);
	expected = golden_read(name);
	assert_string_equal(got, expected);
}

static void names_are_as_specified(void **state)
{
	static const struct {
		const char *id, *chain, *interface;
	} vectors[] = {
		{"vm-1", "IRONCLAW_vm_1_3db72406", "ic3db72406"},
		{"vm_1", "IRONCLAW_vm_1_4ad1d928", "ic4ad1d928"},
		{"long-project-task-name-1", "IRONCLAW_long_proje_b13149bb", "icb13149bb"},
		{"long-project-task-name-2", "IRONCLAW_long_proje_b2314b4e", "icb2314b4e"},
		{"", "IRONCLAW__811c9dc5", "ic811c9dc5"},
	};
	char chain[FIREWALL_CHAIN_MAX_B + 1], interface[FIREWALL_IFNAME_B];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		firewall_chain_name(vectors[i].id, chain);
		firewall_interface_name(vectors[i].id, interface);
		assert_string_equal(chain, vectors[i].chain);
		assert_string_equal(interface, vectors[i].interface);
	}
	firewall_chain_name(longest_id, chain);
	assert_int_equal(strlen(chain), FIREWALL_CHAIN_MAX_B);
}

static void ids_that_begin_alike_have_two_chains(void **state)
{
	struct firewall_vm a = vm_of("sixteen-same-chr-a", 3000);
	struct firewall_vm b = vm_of("sixteen-same-chr-b", 3001);

	(void)state;
	assert_memory_equal(a.id, b.id, 16);
	assert_string_not_equal(a.chain, b.chain);
	assert_string_not_equal(a.interface, b.interface);
}

static void what_could_end_a_string_is_no_id(void **state)
{
	static const char *const bad[] = {
		"",    "vm_1", "a\"; } accept", "a\nflush ruleset",
		"a b", "a;b",  "vm\x80",	"\xc3\xa4",
		"a.b", "../a", "a\\b",		"#",
	};
	char too_long[FIREWALL_ID_MAX + 2];
	struct firewall_vm vm;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(firewall_vm_init(&vm, bad[i], 3000), -EINVAL);
	(void)snprintf(too_long, sizeof(too_long), "%sx", longest_id);
	assert_int_equal(firewall_vm_init(&vm, too_long, 3000), -EINVAL);
	assert_int_equal(firewall_vm_init(&vm, longest_id, 3000), 0);
	assert_int_equal(firewall_vm_init(&vm, "-", 3000), 0);
}

static void roots_uid_is_refused(void **state)
{
	struct firewall_vm vm;

	(void)state;
	assert_int_equal(firewall_vm_init(&vm, "vm-1", 0), -EINVAL);
	assert_int_equal(firewall_vm_init(&vm, "vm-1", UINT32_MAX), -EINVAL);
	assert_int_equal(firewall_vm_init(&vm, "vm-1", 1), 0);
	assert_int_equal(firewall_vm_init(&vm, "vm-1", UINT32_MAX - 1), 0);
}

/* Prints attributes, with what is inside. */
static void print_attrs(FILE *f, struct netlink_bytes attrs, int depth)
{
	struct netlink_attr a;
	int r;

	while ((r = netlink_next_attr(&attrs, &a)) > 0) {
		uint16_t raw;

		memcpy(&raw, a.value.data - 2, sizeof(raw));
		fprintf(f, "%*s%u ", 4 * depth, "", a.type);
		if (raw & NLA_F_NESTED) {
			fprintf(f, "{\n");
			print_attrs(f, a.value, depth + 1);
			fprintf(f, "%*s}", 4 * depth, "");
		} else if (a.value.length > 4 && a.value.data[0] >= 'A' &&
			   strnlen((const char *)a.value.data, a.value.length) ==
				   a.value.length - 1) {
			fprintf(f, "\"%s\"", (const char *)a.value.data);
		} else {
			for (size_t i = 0; i < a.value.length; i++)
				fprintf(f, "%02x", a.value.data[i]);
		}
		fprintf(f, "\n");
	}
	assert_int_equal(r, 0);
}

/* Owned by the caller. */
static char *printed(const struct netlink_out *out)
{
	struct netlink_bytes rest = {out->data, out->length};
	char words[FIREWALL_WORDS_B], *text = NULL;
	struct netlink_message m;
	size_t length;
	FILE *f = open_memstream(&text, &length);

	assert_non_null(f);
	assert_false(out->overflow);
	while (netlink_next_message(&rest, &m) > 0) {
		struct netlink_bytes attrs = {m.body.data + sizeof(struct nfgenmsg),
					      m.body.length - sizeof(struct nfgenmsg)};

		firewall_describe(&m, words);
		fprintf(f, "%s (type %04x, flags %04x, family %u, resource %02x%02x)\n", words,
			m.type, m.flags, m.body.data[0], m.body.data[2], m.body.data[3]);
		print_attrs(f, attrs, 1);
	}
	assert_int_equal(fclose(f), 0);
	return text;
}

static void batch_is(const char *name, const struct netlink_out *out)
{
	cleanup_free char *text = printed(out);

	golden_is(name, text);
}

static void batches_are_the_golden_ones(void **state)
{
	struct firewall_vm vm = vm_of("vm-1", 1000);
	struct netlink_out out;

	(void)state;
	netlink_clear(&out);
	firewall_plan_add(&vm, true, &out);
	batch_is("add-first", &out);
	netlink_clear(&out);
	firewall_plan_add(&vm, false, &out);
	batch_is("add-beside", &out);
	netlink_clear(&out);
	firewall_plan_remove(&vm,
			     1U << FIREWALL_PART_TABLE | 1U << FIREWALL_PART_CHAIN |
				     1U << FIREWALL_PART_UID_JUMP |
				     1U << FIREWALL_PART_INTERFACE_JUMP,
			     &out);
	batch_is("remove-last", &out);
	netlink_clear(&out);
	firewall_plan_remove(&vm, 1U << FIREWALL_PART_CHAIN | 1U << FIREWALL_PART_INTERFACE_JUMP,
			     &out);
	batch_is("remove-part", &out);
	netlink_clear(&out);
	for (unsigned int i = 0; i < FIREWALL_PARTS; i++)
		firewall_plan_read(&vm, (enum firewall_part)i, &out);
	firewall_plan_read_rules(&vm, FIREWALL_PART_CHAIN, &out);
	batch_is("read", &out);
}

static void the_longest_names_have_room(void **state)
{
	struct firewall_vm vm = vm_of(longest_id, UINT32_MAX - 1);
	char words[FIREWALL_WORDS_B];
	struct netlink_message m;
	struct netlink_out out;

	(void)state;
	netlink_clear(&out);
	firewall_plan_add(&vm, true, &out);
	assert_false(out.overflow);
	for (uint32_t i = 0; netlink_message_at(&out, i, &m); i++) {
		firewall_describe(&m, words);
		assert_true(strlen(words) < FIREWALL_WORDS_B - 1);
	}
}

/* Only an answer that comes after the whole batch tells how it went. */
static void the_last_message_of_a_batch_asks_for_an_answer(void **state)
{
	struct firewall_vm vm = vm_of("vm-1", 1000);
	struct netlink_message m;
	struct netlink_out out;

	(void)state;
	for (int shared = 0; shared < 2; shared++) {
		netlink_clear(&out);
		firewall_plan_add(&vm, shared, &out);
		for (uint32_t i = 0; netlink_message_at(&out, i, &m); i++)
			assert_int_equal(!!(m.flags & NLM_F_ACK), i + 2 == out.n_messages);
		assert_int_equal(m.type, NFNL_MSG_BATCH_END);
	}
}

static void messages_are_described(void **state)
{
	static const uint8_t empty[1] = {0};
	struct netlink_message none = {.type = NFNL_SUBSYS_NFTABLES << 8, .body = {empty, 0}};
	struct firewall_vm vm = vm_of("vm-1", 1000);
	char words[FIREWALL_WORDS_B];
	struct netlink_message m;
	struct netlink_out out;

	(void)state;
	netlink_clear(&out);
	firewall_plan_part(&vm, FIREWALL_PART_CHAIN, &out);
	firewall_plan_part(&vm, FIREWALL_PART_TABLE, &out);
	firewall_plan_read(&vm, FIREWALL_PART_UID_JUMP, &out);
	assert_true(netlink_message_at(&out, 0, &m));
	firewall_describe(&m, words);
	assert_string_equal(words, "create chain inet ironclaw IRONCLAW_vm_1_3db72406");
	assert_true(netlink_message_at(&out, 1, &m));
	firewall_describe(&m, words);
	assert_string_equal(words, "add table inet ironclaw");
	assert_true(netlink_message_at(&out, 2, &m));
	firewall_describe(&m, words);
	assert_string_equal(words, "read element inet ironclaw uids");
	firewall_describe(&none, words);
	assert_string_equal(words, "the changes as a whole");
}

/* The lines of the golden file, in its order. */
static const struct line {
	const char *name;
	enum firewall_part part;
	int rule; /* -1: the part itself */
} lines[] = {
	{"table", FIREWALL_PART_TABLE, -1},
	{"uids", FIREWALL_PART_UIDS, -1},
	{"interfaces", FIREWALL_PART_INTERFACES, -1},
	{"input", FIREWALL_PART_INPUT, -1},
	{"input-rule1", FIREWALL_PART_INPUT, 0},
	{"input-rule2", FIREWALL_PART_INPUT, 1},
	{"output", FIREWALL_PART_OUTPUT, -1},
	{"output-rule1", FIREWALL_PART_OUTPUT, 0},
	{"output-rule2", FIREWALL_PART_OUTPUT, 1},
	{"forward", FIREWALL_PART_FORWARD, -1},
	{"forward-rule1", FIREWALL_PART_FORWARD, 0},
	{"forward-rule2", FIREWALL_PART_FORWARD, 1},
	{"chain", FIREWALL_PART_CHAIN, -1},
	{"chain-rule1", FIREWALL_PART_CHAIN, 0},
	{"uid-jump", FIREWALL_PART_UID_JUMP, -1},
	{"interface-jump", FIREWALL_PART_INTERFACE_JUMP, -1},
};

/* A message that a kernel sent. */
struct answer {
	uint8_t data[1024];
	size_t length;
};

static struct answer answer_of(const char *name)
{
	cleanup_free char *text = golden_read("readback");
	struct answer a = {.length = 0};
	char start[32], *at;

	(void)snprintf(start, sizeof(start), "%s ", name);
	for (at = text; strncmp(at, start, strlen(start)) != 0; at++) {
		at = strchr(at, '\n');
		assert_non_null(at);
	}
	for (at += strlen(start); *at != '\n'; at += 2) {
		char byte[3] = {at[0], at[1], '\0'}, *end;

		assert_true(a.length < sizeof(a.data));
		a.data[a.length++] = (uint8_t)strtoul(byte, &end, 16);
		assert_ptr_equal(end, byte + 2);
	}
	return a;
}

/* Is this what must be there? Otherwise a printable sentence. From the heap: no byte too many. */
static bool passes(const struct firewall_vm *vm, const struct line *line, const struct answer *a,
		   char failure[FIREWALL_FAILURE_B])
{
	cleanup_free uint8_t *copy = malloc(a->length + !a->length);
	struct netlink_bytes rest = {copy, a->length};
	struct netlink_message m;
	int r;

	assert_non_null(copy);
	memcpy(copy, a->data, a->length);
	if (netlink_next_message(&rest, &m) <= 0)
		return false;
	failure[0] = '\0';
	r = line->rule < 0
		    ? firewall_readback_part(vm, line->part, &m, failure)
		    : firewall_readback_rule(vm, line->part, (unsigned int)line->rule, &m, failure);
	if (r == 0)
		return true;
	assert_int_equal(r, -EIO);
	assert_true(strlen(failure) > 0 && strlen(failure) < FIREWALL_FAILURE_B);
	for (const char *c = failure; *c; c++)
		assert_in_range(*c, ' ', '~');
	return false;
}

static void set_length(struct answer *a)
{
	uint32_t length = (uint32_t)a->length;

	memcpy(a->data, &length, sizeof(length));
}

/* At the end of the message. */
static void append_attr(struct answer *a, uint16_t type, const void *value, size_t length)
{
	struct nlattr head = {.nla_len = (uint16_t)(sizeof(head) + length), .nla_type = type};

	memcpy(a->data + a->length, &head, sizeof(head));
	memcpy(a->data + a->length + sizeof(head), value, length);
	a->length += NLA_ALIGN(sizeof(head) + length);
	set_length(a);
}

/* The first of its type, of the message's own. Return: whether it was there */
static bool remove_attr(struct answer *a, uint16_t type)
{
	size_t head = sizeof(struct nlmsghdr) + sizeof(struct nfgenmsg);
	struct netlink_bytes rest = {a->data + head, a->length - head};
	struct netlink_attr attr;

	while (netlink_next_attr(&rest, &attr) > 0) {
		uint8_t *start = a->data + (attr.value.data - a->data) - sizeof(struct nlattr);

		if (attr.type != type)
			continue;
		a->length = (size_t)(start - a->data) + rest.length;
		memmove(start, rest.data, rest.length);
		set_length(a);
		return true;
	}
	return false;
}

static void what_the_kernel_answered_passes(void **state)
{
	struct firewall_vm vm = vm_of("vm-1", 1000);
	char failure[FIREWALL_FAILURE_B];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		struct answer a = answer_of(lines[i].name);

		if (!passes(&vm, &lines[i], &a, failure))
			fail_msg("%s: %s", lines[i].name, failure);
	}
}

static void only_one_of_all_answers_is_right(void **state)
{
	struct firewall_vm vm = vm_of("vm-1", 1000);
	char failure[FIREWALL_FAILURE_B];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		for (size_t j = 0; j < ARRAY_SIZE(lines); j++) {
			struct answer a = answer_of(lines[j].name);

			assert_int_equal(passes(&vm, &lines[i], &a, failure), i == j);
		}
	}
}

static void another_vm_is_another(void **state)
{
	struct firewall_vm id = vm_of("vm-2", 1000), uid = vm_of("vm-1", 1001);
	char failure[FIREWALL_FAILURE_B];
	struct answer a = answer_of("chain");

	(void)state;
	assert_false(passes(&id, &lines[12], &a, failure));
	assert_true(passes(&uid, &lines[12], &a, failure));
	/* Where only the hashes and the comment tell them apart. */
	memcpy(id.chain, uid.chain, sizeof(id.chain));
	assert_false(passes(&id, &lines[12], &a, failure));
	assert_non_null(strstr(failure, "names the owner"));
	a = answer_of("uid-jump");
	assert_false(passes(&uid, &lines[14], &a, failure));
	a = answer_of("interface-jump");
	assert_true(passes(&uid, &lines[15], &a, failure));
}

/* Attributes of a message that say nothing of what happens to a packet. */
static bool of_no_effect(const struct line *line, uint16_t type)
{
	static const uint16_t of_tables[] = {NFTA_TABLE_USE, NFTA_TABLE_HANDLE, NFTA_TABLE_PAD,
					     NFTA_TABLE_USERDATA, 0};
	static const uint16_t of_maps[] = {NFTA_SET_DATA_LEN,
					   NFTA_SET_ID,
					   NFTA_SET_USERDATA,
					   NFTA_SET_PAD,
					   NFTA_SET_HANDLE,
					   19,
					   20,
					   0};
	static const uint16_t of_chains[] = {NFTA_CHAIN_HANDLE, NFTA_CHAIN_USE, NFTA_CHAIN_COUNTERS,
					     NFTA_CHAIN_PAD, 0};
	static const uint16_t of_rules[] = {NFTA_RULE_HANDLE, NFTA_RULE_POSITION, NFTA_RULE_PAD, 0};
	const uint16_t *types = of_chains;

	if (line->part >= FIREWALL_PART_UID_JUMP)
		return false;
	if (line->part == FIREWALL_PART_TABLE)
		types = of_tables;
	else if (line->part <= FIREWALL_PART_INTERFACES)
		types = of_maps;
	else if (line->rule >= 0)
		types = of_rules;
	for (; *types != 0; types++)
		if (*types == type)
			return true;
	return false;
}

/* Marks what is behind values up to the next multiple of 4, whatever is inside of them too. */
static void mark_padding(const struct answer *a, struct netlink_bytes attrs, bool *marks)
{
	struct netlink_bytes rest = attrs;
	struct netlink_attr attr;

	while (netlink_next_attr(&rest, &attr) > 0)
		continue;
	if (rest.length > 0) /* a value */
		return;
	while (netlink_next_attr(&attrs, &attr) > 0) {
		size_t end = (size_t)(attr.value.data - a->data) + attr.value.length;

		for (size_t at = end; at < NLA_ALIGN(end); at++)
			marks[at] = true;
		mark_padding(a, attr.value, marks);
	}
}

/* Marks every byte of @a that may be another without a packet's going elsewhere. */
static void mark_no_effect(const struct line *line, const struct answer *a, bool *marks)
{
	size_t head = sizeof(struct nlmsghdr) + sizeof(struct nfgenmsg);
	struct netlink_bytes rest = {a->data + head, a->length - head};
	static const char counter[] = "counter";
	const uint8_t *name = memmem(a->data, a->length, counter, sizeof(counter));
	struct netlink_attr attr;

	mark_padding(a, rest, marks);
	/* Flags, number and port of the message; version and generation, behind the family. */
	memset(marks + 6, true, 10);
	memset(marks + 17, true, 3);
	/* The values of two numbers, each with a head, behind the head of what they are in. */
	if (name) {
		size_t numbers = (size_t)(name - a->data) + sizeof(counter) + 4;

		memset(marks + numbers + 4, true, 8);
		memset(marks + numbers + 16, true, 8);
	}
	while (netlink_next_attr(&rest, &attr) > 0)
		if (of_no_effect(line, attr.type))
			memset(marks + (attr.value.data - a->data), true, attr.value.length);
}

static void any_byte_that_matters_makes_a_difference(void **state)
{
	struct firewall_vm vm = vm_of("vm-1", 1000);
	char failure[FIREWALL_FAILURE_B];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		const struct answer right = answer_of(lines[i].name);
		bool marks[sizeof(right.data)] = {false};

		mark_no_effect(&lines[i], &right, marks);
		/* Behind the length of the message. */
		for (size_t at = 4; at < right.length; at++) {
			struct answer a = right;

			/* In a type: none that there is. */
			a.data[at] ^= 0x20;
			if (passes(&vm, &lines[i], &a, failure) != marks[at])
				fail_msg("%s, byte %zu: passes %d", lines[i].name, at, !marks[at]);
		}
	}
}

static void what_is_cut_or_has_more_is_another(void **state)
{
	struct firewall_vm vm = vm_of("vm-1", 1000);
	char failure[FIREWALL_FAILURE_B];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		const struct answer right = answer_of(lines[i].name);
		struct answer a;

		for (uint16_t type = 1; type < 64; type++) {
			a = right;
			append_attr(&a, type, "\0\0\0\7\0\0\0\0", 8);
			if (passes(&vm, &lines[i], &a, failure) != of_no_effect(&lines[i], type))
				fail_msg("%s with a further attribute %u", lines[i].name, type);
		}
		/* Each attribute left out. */
		for (uint16_t type = 1; type < 64; type++) {
			a = right;
			if (remove_attr(&a, type) &&
			    passes(&vm, &lines[i], &a, failure) != of_no_effect(&lines[i], type))
				fail_msg("%s without attribute %u", lines[i].name, type);
		}
		for (size_t n = 1; n < 48; n++) {
			a = right;
			a.length = n;
			set_length(&a);
			assert_false(passes(&vm, &lines[i], &a, failure));
		}
	}
}

static void a_rule_too_many_is_a_difference(void **state)
{
	struct firewall_vm vm = vm_of("vm-1", 1000);
	struct answer a = answer_of("chain-rule1");
	struct line second = {"", FIREWALL_PART_CHAIN, 1};
	char failure[FIREWALL_FAILURE_B];

	(void)state;
	assert_false(passes(&vm, &second, &a, failure));
	assert_string_equal(failure, "rule inet ironclaw IRONCLAW_vm_1_3db72406, number 2, does "
				     "not belong there");
	a = answer_of("input-rule1");
	second.part = FIREWALL_PART_INPUT;
	assert_false(passes(&vm, &second, &a, failure));
	assert_non_null(strstr(failure, "rule inet ironclaw input, number 2, differs in its "));
}

/* @name's answer with other bytes in place of as many. */
static struct answer changed(const char *name, const void *old, const void *new, size_t length)
{
	struct answer a = answer_of(name);
	uint8_t *at = memmem(a.data, a.length, old, length);

	assert_non_null(at);
	memcpy(at, new, length);
	return a;
}

static void the_failure_says_what_differs(void **state)
{
	static const struct {
		size_t line;
		const char *old, *new;
		size_t length;
		const char *failure;
	} changes[] = {
		{0, "\x08\0\x02\0\0\0\0\0", "\x08\0\x02\0\0\0\0\1", 8,
		 "table inet ironclaw differs in its flags (is it switched off?)"},
		{1, "\x08\0\x03\0\0\0\0\x08", "\x08\0\x03\0\0\0\0\x18", 8,
		 "map inet ironclaw uids differs in its flags"},
		{3, "\xff\xff\xfe\xca", "\0\0\0\0", 4,
		 "chain inet ironclaw input differs in its priority"},
		{6, "\x08\0\x05\0\0\0\0\1", "\x08\0\x05\0\0\0\0\0", 8,
		 "chain inet ironclaw output differs in its policy"},
		{4, "meta", "rt\0\0", 4,
		 "rule inet ironclaw input, number 1, differs in its expression"},
		{4, "uids", "udis", 4, "rule inet ironclaw input, number 1, differs in its map"},
		{14, "\xff\xff\xff\xfd", "\xff\xff\xff\xfc", 4,
		 "element inet ironclaw uids differs in its verdict"},
		{14, "vm_1", "open", 4,
		 "element inet ironclaw uids differs in its chain to jump to"},
	};
	struct firewall_vm vm = vm_of("vm-1", 1000);
	char failure[FIREWALL_FAILURE_B];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(changes); i++) {
		const struct line *line = &lines[changes[i].line];
		struct answer a =
			changed(line->name, changes[i].old, changes[i].new, changes[i].length);

		assert_false(passes(&vm, line, &a, failure));
		assert_string_equal(failure, changes[i].failure);
	}
}

static void numbers_are_read(void **state)
{
	struct firewall_vm vm = vm_of("vm-1", 1000);
	struct answer a = changed("chain-rule1", "\x0c\0\x02\0\0\0\0\0\0\0\0\0",
				  "\x0c\0\x02\0\0\0\0\1\0\0\0\2", 12);
	struct netlink_bytes rest = {a.data, a.length};
	char failure[FIREWALL_FAILURE_B];
	struct netlink_message m;
	uint32_t uses = 0;

	(void)state;
	assert_true(passes(&vm, &lines[13], &a, failure));
	assert_int_equal(netlink_next_message(&rest, &m), 1);
	assert_int_equal(firewall_readback_packets(&m), 0x100000002);
	assert_int_equal(firewall_readback_uses(&m, &uses), -EIO);
	a = answer_of("counter");
	rest = (struct netlink_bytes){a.data, a.length};
	assert_int_equal(netlink_next_message(&rest, &m), 1);
	assert_int_equal(firewall_readback_uses(&m, &uses), 0);
	assert_int_equal(uses, 1);
	assert_int_equal(firewall_readback_packets(&m), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_as_specified),
		cmocka_unit_test(ids_that_begin_alike_have_two_chains),
		cmocka_unit_test(what_could_end_a_string_is_no_id),
		cmocka_unit_test(roots_uid_is_refused),
		cmocka_unit_test(batches_are_the_golden_ones),
		cmocka_unit_test(the_longest_names_have_room),
		cmocka_unit_test(the_last_message_of_a_batch_asks_for_an_answer),
		cmocka_unit_test(messages_are_described),
		cmocka_unit_test(what_the_kernel_answered_passes),
		cmocka_unit_test(only_one_of_all_answers_is_right),
		cmocka_unit_test(another_vm_is_another),
		cmocka_unit_test(any_byte_that_matters_makes_a_difference),
		cmocka_unit_test(what_is_cut_or_has_more_is_another),
		cmocka_unit_test(a_rule_too_many_is_a_difference),
		cmocka_unit_test(the_failure_says_what_differs),
		cmocka_unit_test(numbers_are_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
