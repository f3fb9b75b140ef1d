/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_firewall.c - firewall/: names, scripts as tests/golden/firewall/NAME has them, and what is
 * taken for "as it must be" in nft's output. The golden file `readback` is what nft 1.0.6 printed
 * for the script `read` after `add`. With a kernel: tests/it/firewall.bats.
 *
 * After a change that is meant: IRONCLAW_UPDATE_GOLDEN=1 build/tests/test_firewall, and read the
 * diff.
 */
#include <errno.h>
#include <fcntl.h>
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
#include "firewall/firewall_readback.h"
#include "firewall/firewall_script.h"
#include "firewall/nft.h"
#include "sys/file.h"

#define GOLDEN "/golden/firewall/"

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
	assert_int_equal(file_read_bounded(AT_FDCWD, path, FIREWALL_TEXT_B, &text, &length), 0);
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

static void scripts_are_the_golden_ones(void **state)
{
	struct firewall_vm vm = vm_of("vm-1", 1000);
	char text[FIREWALL_TEXT_B];

	(void)state;
	firewall_script_add(&vm, text);
	golden_is("add", text);
	firewall_script_read(&vm, text);
	golden_is("read", text);
	firewall_script_remove(&vm, FIREWALL_PART_VM | FIREWALL_PART_TABLE, text);
	golden_is("remove-last", text);
	firewall_script_remove(&vm, FIREWALL_PART_VM, text);
	golden_is("remove", text);
	firewall_script_remove(&vm, FIREWALL_PART_CHAIN | FIREWALL_PART_INTERFACE, text);
	golden_is("remove-part", text);
	firewall_script_read_part(&vm, FIREWALL_PART_UID, text);
	golden_is("read-uid", text);
	firewall_script_read_table(text);
	golden_is("read-table", text);
}

static void the_longest_texts_have_room(void **state)
{
	struct firewall_vm vm = vm_of(longest_id, UINT32_MAX - 1);
	char text[FIREWALL_TEXT_B];

	(void)state;
	assert_true(FIREWALL_TEXT_B <= NFT_SCRIPT_MAX_B);
	firewall_script_add(&vm, text);
	assert_true(strlen(text) < FIREWALL_TEXT_B - 1);
	golden_is("add-longest", text);
	firewall_script_read(&vm, text);
	assert_true(strlen(text) < FIREWALL_TEXT_B - 1);
	assert_int_equal(text[strlen(text) - 1], '\n');
}

/* @text with the first @old replaced, owned by the caller. */
static char *replaced(const char *text, const char *old, const char *new)
{
	const char *at = strstr(text, old);
	char *ret;

	assert_non_null(at);
	assert_true(asprintf(&ret, "%.*s%s%s", (int)(at - text), text, new, at + strlen(old)) > 0);
	return ret;
}

/* Does it pass? Then the packets; otherwise a printable sentence. */
static bool passes(const struct firewall_vm *vm, const char *text, uint64_t *packets, char *failure)
{
	int r = firewall_readback_check(vm, text, strlen(text), packets, failure);

	if (r == 0)
		return true;
	assert_int_equal(r, -EIO);
	for (const char *c = failure; *c; c++)
		assert_in_range(*c, ' ', '~');
	assert_true(strlen(failure) > 0 && strlen(failure) < FIREWALL_FAILURE_B);
	return false;
}

static void the_readback_passes_with_any_count(void **state)
{
	struct firewall_vm vm = vm_of("vm-1", 1000);
	cleanup_free char *text = golden_read("readback"), *counted = NULL;
	char failure[FIREWALL_FAILURE_B];
	uint64_t packets = 1;

	(void)state;
	assert_true(passes(&vm, text, &packets, failure));
	assert_int_equal(packets, 0);
	counted = replaced(text, "packets 0 bytes 0", "packets 18446744073709551615 bytes 72");
	assert_true(passes(&vm, counted, &packets, failure));
	assert_true(packets == UINT64_MAX);
}

static void a_full_buffer_has_room_for_the_longest_readback(void **state)
{
	struct firewall_vm vm = vm_of("vm-1", 1000);
	cleanup_free char *text = golden_read("readback");
	size_t grows = FIREWALL_ID_MAX + 4 * FIREWALL_CHAIN_MAX_B + 10 + 2 * 20;
	char failure[FIREWALL_FAILURE_B];
	uint64_t packets;

	(void)state;
	assert_true(strlen(text) + grows < FIREWALL_TEXT_B - 1);
	assert_true(strlen(text) + grows < NFT_STDOUT_MAX_B);
	vm = vm_of(longest_id, UINT32_MAX - 1);
	assert_false(passes(&vm, text, &packets, failure));
}

static void any_other_readback_is_a_failure(void **state)
{
	static const struct {
		const char *old, *new;
	} changes[] = {
		{"priority -310", "priority 0"},
		{"policy accept", "policy drop"},
		{"hook output", "hook input"},
		{"type filter", "type route"},
		{"\t\tmeta skuid vmap @uids\n", ""},
		{"\t\tmeta skuid vmap @uids\n", "\t\taccept\n\t\tmeta skuid vmap @uids\n"},
		{"\t\toifname vmap @interfaces\n", "\t\toifname vmap @interfaces\n\t\taccept\n"},
		{"comment \"vm-1\"", "comment \"vm-11\""},
		{"\t\tcomment \"vm-1\"\n", ""},
		{"\t\tcounter packets", "\t\ttcp dport 22 accept\n\t\tcounter packets"},
		{" drop\n", " accept\n"},
		{" drop\n", "\n"},
		{"packets 0", "packets"},
		{"packets 0", "packets -1"},
		{"packets 0", "packets 00"},
		{"packets 0", "packets 18446744073709551616"},
		{"packets 0", "packets 0x1"},
		{"{ 1000 : jump", "{ 1001 : jump"},
		{"{ 1000 : jump", "{ 1000 timeout 5s expires 4s : jump"},
		{"1000 : jump IRONCLAW_vm_1_3db72406", "1000 : jump IRONCLAW_vm_1_4ad1d928"},
		{"1000 : jump IRONCLAW_vm_1_3db72406", "1000 : continue"},
		{"type uid : verdict\n", "type uid : verdict\n\t\tflags timeout\n"},
		{"\"ic3db72406\" : jump", "\"ic3db72407\" : jump"},
		{"table inet ironclaw", "table ip ironclaw"},
		{"table inet ironclaw", "x"},
	};
	struct firewall_vm vm = vm_of("vm-1", 1000);
	cleanup_free char *text = golden_read("readback");
	char failure[FIREWALL_FAILURE_B];
	uint64_t packets = 7;
	size_t length = strlen(text);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(changes); i++) {
		cleanup_free char *other = replaced(text, changes[i].old, changes[i].new);

		if (passes(&vm, other, &packets, failure))
			fail_msg("passes with \"%s\"", changes[i].new);
	}
	for (size_t n = 0; n < length; n++)
		assert_int_equal(firewall_readback_check(&vm, text, n, &packets, failure), -EIO);
	{
		cleanup_free char *more = replaced(text, "}\n", "}\nx");

		assert_false(passes(&vm, more, &packets, failure));
	}
	assert_int_equal(packets, 7);
}

static void the_failure_says_where(void **state)
{
	struct firewall_vm vm = vm_of("vm-1", 1000);
	cleanup_free char *text = golden_read("readback");
	cleanup_free char *open =
		replaced(text, "\t\tcounter packets", "\t\taccept\x1b\n\t\tcounter packets");
	char failure[FIREWALL_FAILURE_B];
	uint64_t packets;

	(void)state;
	assert_false(passes(&vm, open, &packets, failure));
	assert_non_null(strstr(failure, "chain IRONCLAW_vm_1_3db72406 { \"accept?\" instead of "));
}

static void owner_and_jumps_are_recognised(void **state)
{
	static const char chain[] = "table inet ironclaw {\n"
				    "\tchain IRONCLAW_vm_1_3db72406 {\n"
				    "\t\tcomment \"vm-1\"\n";
	static const char foreign[] = "table inet ironclaw {\n"
				      "\tchain IRONCLAW_vm_1_3db72406 {\n"
				      "\t\tcounter packets 0 bytes 0 drop\n";
	static const char jump[] = "table inet ironclaw {\n"
				   "\tmap uids {\n"
				   "\t\ttype uid : verdict\n"
				   "\t\telements = { 1000 : jump IRONCLAW_vm_1_3db72406 }\n"
				   "\t}\n}\n";
	struct firewall_vm vm = vm_of("vm-1", 1000), other = vm_of("vm-1", 1001);

	(void)state;
	assert_true(firewall_readback_owns(&vm, chain, strlen(chain)));
	assert_false(firewall_readback_owns(&vm, chain, strlen(chain) - 1));
	assert_false(firewall_readback_owns(&vm, foreign, strlen(foreign)));
	assert_true(firewall_readback_leads(&vm, FIREWALL_PART_UID, jump, strlen(jump)));
	assert_false(firewall_readback_leads(&other, FIREWALL_PART_UID, jump, strlen(jump)));
	assert_false(firewall_readback_leads(&vm, FIREWALL_PART_INTERFACE, jump, strlen(jump)));
}

static void a_table_with_flags_is_not_awake(void **state)
{
	static const struct {
		const char *text;
		bool awake;
	} tables[] = {
		{"table inet ironclaw {\n\tcounter dropped {\n", true},
		{"table inet ironclaw {\n\tmap uids {\n\t\tflags timeout\n", true},
		{"table inet ironclaw {\n\tflags dormant\n\n\tcounter dropped {\n", false},
		{"table inet ironclaw {\n\tflags dormant,owner\n", false},
		{"table inet other {\n\tcounter dropped {\n", false},
		{"table inet ironclaw {\n", false},
		{"", false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(tables); i++)
		assert_int_equal(firewall_readback_awake(tables[i].text, strlen(tables[i].text)),
				 tables[i].awake);
}

static void complaints_are_one_line(void **state)
{
	static const struct {
		const char *text, *complaint;
	} complaints[] = {
		{"/dev/stdin:17:28-49: Error: Could not process rule: File exists\n"
		 "create chain inet ironclaw X\n"
		 "                           ^\n"
		 "/dev/stdin:19:37-40: Error: more\n",
		 "nft: File exists: create chain inet ironclaw X"},
		{"/dev/stdin:4:26-47: Error: No such file or directory; did you mean chain "
		 "\xe2\x80\x98?\n"
		 "list chain inet ironclaw X\n",
		 "nft: No such file or directory: list chain inet ironclaw X"},
		{"nft: \x1b[2Jsegfault", "nft: nft: ?[2Jsegfault"},
		{"\n\n", "nft failed without a word"},
		{"", "nft failed without a word"},
	};
	char got[FIREWALL_FAILURE_B];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(complaints); i++) {
		firewall_complaint(complaints[i].text, strlen(complaints[i].text), got);
		assert_string_equal(got, complaints[i].complaint);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_as_specified),
		cmocka_unit_test(ids_that_begin_alike_have_two_chains),
		cmocka_unit_test(what_could_end_a_string_is_no_id),
		cmocka_unit_test(roots_uid_is_refused),
		cmocka_unit_test(scripts_are_the_golden_ones),
		cmocka_unit_test(the_longest_texts_have_room),
		cmocka_unit_test(the_readback_passes_with_any_count),
		cmocka_unit_test(a_full_buffer_has_room_for_the_longest_readback),
		cmocka_unit_test(any_other_readback_is_a_failure),
		cmocka_unit_test(the_failure_says_where),
		cmocka_unit_test(owner_and_jumps_are_recognised),
		cmocka_unit_test(a_table_with_flags_is_not_awake),
		cmocka_unit_test(complaints_are_one_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
