/* SPDX-License-Identifier: Apache-2.0 */
/* test_wire_message.c - wire/message.h: TLV records, IDENTITY and EXIT, all or nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "wire/message.h"

static const struct wire_identity sample = {
	.entropy = {1, 2, 3, [63] = 64},
	.hostname = "vm-1",
	.machine_id = "0123456789abcdef0123456789abcdef",
	.boot_id = "01234567-89ab-cdef-0123-456789abcdef",
	.overlay_mib = 512,
};

static void records_go_in_and_out(void **state)
{
	uint8_t buf[32];
	struct wire_tlv tlv;
	size_t at = 0, end;

	(void)state;
	assert_true(wire_tlv_put(buf, sizeof(buf), &at, 7, "abc", 3));
	assert_true(wire_tlv_put(buf, sizeof(buf), &at, 0xfffe, NULL, 0));
	end = at;
	/* 17 bytes are left: a value of 12 does not fit behind its header. */
	assert_false(wire_tlv_put(buf, sizeof(buf), &at, 1, "123456789012", 12));
	assert_int_equal(at, end);
	at = 0;
	assert_true(wire_tlv_next(buf, end, &at, &tlv));
	assert_int_equal(tlv.tag, 7);
	assert_int_equal(tlv.length, 3);
	assert_memory_equal(tlv.value, "abc", 3);
	assert_true(wire_tlv_next(buf, end, &at, &tlv));
	assert_int_equal(tlv.tag, 0xfffe);
	assert_int_equal(tlv.length, 0);
	assert_false(wire_tlv_next(buf, end, &at, &tlv));
	assert_int_equal(at, end);
}

static void a_cut_record_moves_nothing(void **state)
{
	uint8_t buf[16];
	struct wire_tlv tlv;
	size_t at = 0, end;

	(void)state;
	assert_true(wire_tlv_put(buf, sizeof(buf), &at, 1, "abcd", 4));
	end = at;
	for (size_t len = 1; len < end; len++) {
		at = 0;
		assert_false(wire_tlv_next(buf, len, &at, &tlv));
		assert_int_equal(at, 0);
	}
	wire_put_u32(buf + 2, UINT32_MAX);
	assert_false(wire_tlv_next(buf, end, &at, &tlv));
	at = end + 1; /* behind the end */
	assert_false(wire_tlv_next(buf, end, &at, &tlv));
}

static void an_identity_survives_the_way(void **state)
{
	uint8_t buf[WIRE_IDENTITY_MAX_B];
	struct wire_identity back;
	size_t len = wire_identity_put(buf, &sample);

	(void)state;
	assert_true(len > 0);
	memset(&back, 0x5a, sizeof(back));
	assert_null(wire_identity_get(buf, len, &back));
	assert_memory_equal(&back, &sample, sizeof(sample));
}

static void the_largest_identity_fits(void **state)
{
	uint8_t buf[WIRE_IDENTITY_MAX_B];
	struct wire_identity identity = sample, back;
	size_t len;

	(void)state;
	memset(identity.hostname, 'x', WIRE_HOSTNAME_MAX_B);
	identity.overlay_mib = UINT32_MAX;
	len = wire_identity_put(buf, &identity);
	assert_true(len > 0);
	assert_null(wire_identity_get(buf, len, &back));
	assert_memory_equal(&back, &identity, sizeof(back));
}

static void a_bad_identity_is_not_sent(void **state)
{
	uint8_t buf[WIRE_IDENTITY_MAX_B];
	struct wire_identity bad = sample;

	(void)state;
	bad.hostname[0] = '\0';
	assert_int_equal(wire_identity_put(buf, &bad), 0);
	bad = sample;
	bad.hostname[2] = '.';
	assert_int_equal(wire_identity_put(buf, &bad), 0);
	bad = sample;
	memset(bad.hostname, 'x', sizeof(bad.hostname)); /* not terminated */
	assert_int_equal(wire_identity_put(buf, &bad), 0);
	bad = sample;
	bad.machine_id[31] = 'G';
	assert_int_equal(wire_identity_put(buf, &bad), 0);
	bad = sample;
	bad.boot_id[8] = '0';
	assert_int_equal(wire_identity_put(buf, &bad), 0);
	bad = sample;
	bad.overlay_mib = 0;
	assert_int_equal(wire_identity_put(buf, &bad), 0);
}

/* Where each record of an encoded sample starts, and the end. */
static size_t record_starts(const uint8_t *buf, size_t len, size_t start[6])
{
	struct wire_tlv tlv;
	size_t at = 0, n = 0;

	start[n++] = 0;
	while (n < 6 && wire_tlv_next(buf, len, &at, &tlv))
		start[n++] = at;
	return n - 1;
}

static void refused(const uint8_t *buf, size_t len, const char *why)
{
	struct wire_identity ret, before;

	memset(&ret, 0x5a, sizeof(ret));
	before = ret;
	assert_string_equal(wire_identity_get(buf, len, &ret), why);
	assert_memory_equal(&ret, &before, sizeof(ret));
}

static void a_damaged_identity_is_refused_whole(void **state)
{
	uint8_t good[WIRE_IDENTITY_MAX_B], buf[2 * WIRE_IDENTITY_MAX_B];
	size_t start[6], len = wire_identity_put(good, &sample);

	(void)state;
	assert_int_equal(record_starts(good, len, start), 5);
	for (size_t i = 0; i < 5; i++) {
		size_t size = start[i + 1] - start[i];

		/* without it */
		memcpy(buf, good, start[i]);
		memcpy(buf + start[i], good + start[i + 1], len - start[i + 1]);
		refused(buf, len - size, "missing tag of IDENTITY");
		/* with it twice */
		memcpy(buf, good, len);
		memcpy(buf + len, good + start[i], size);
		refused(buf, len + size, "repeated tag of IDENTITY");
	}
	for (size_t cut = 1; cut < len; cut++) {
		bool whole = false;

		for (size_t i = 0; i < 5; i++)
			whole |= cut == start[i];
		refused(good, cut,
			whole ? "missing tag of IDENTITY" : "length of a record in IDENTITY");
	}
	memcpy(buf, good, len);
	wire_put_u16(buf, 6);
	refused(buf, len, "tag of IDENTITY");
	wire_put_u16(buf, 0x8001);
	refused(buf, len, "tag of IDENTITY");
	refused(good, 0, "missing tag of IDENTITY");
}

static void every_field_of_an_identity_is_checked(void **state)
{
	static const struct {
		size_t record, byte; /* byte: of the value */
		uint8_t to;
		const char *why;
	} damage[] = {
		{1, 0, '_', "hostname of IDENTITY"},   {1, 3, 0, "hostname of IDENTITY"},
		{2, 0, 'A', "machine id of IDENTITY"}, {2, 31, 0, "machine id of IDENTITY"},
		{3, 13, '0', "boot id of IDENTITY"},   {3, 14, '-', "boot id of IDENTITY"},
	};
	uint8_t good[WIRE_IDENTITY_MAX_B], buf[WIRE_IDENTITY_MAX_B];
	size_t start[6], len = wire_identity_put(good, &sample);

	(void)state;
	(void)record_starts(good, len, start);
	for (size_t i = 0; i < sizeof(damage) / sizeof(damage[0]); i++) {
		memcpy(buf, good, len);
		buf[start[damage[i].record] + WIRE_TLV_HEADER_B + damage[i].byte] = damage[i].to;
		refused(buf, len, damage[i].why);
	}
	memcpy(buf, good, len);
	wire_put_u32(buf + start[4] + WIRE_TLV_HEADER_B, 0);
	refused(buf, len, "overlay size of IDENTITY");
	/* One byte less in the first record, with the bytes behind it moved up. */
	memcpy(buf, good, len);
	wire_put_u32(buf + 2, WIRE_ENTROPY_B - 1);
	memmove(buf + start[1] - 1, buf + start[1], len - start[1]);
	refused(buf, len - 1, "entropy of IDENTITY");
}

static void an_exit_survives_the_way(void **state)
{
	static const struct wire_exit samples[] = {
		{WIRE_EXITED, 0, 0},
		{WIRE_EXITED, WIRE_EXIT_OOM, 255},
		{WIRE_SIGNALED, 0, 1},
		{WIRE_SIGNALED, WIRE_EXIT_OOM, 64},
	};
	uint8_t buf[WIRE_EXIT_B];
	struct wire_exit back;

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		wire_exit_put(buf, &samples[i]);
		assert_null(wire_exit_get(buf, &back));
		assert_memory_equal(&back, &samples[i], sizeof(back));
	}
}

static void a_bad_exit_is_refused(void **state)
{
	static const struct {
		struct wire_exit exit;
		const char *why;
	} samples[] = {
		{{0, 0, 0}, "how of EXIT"},
		{{3, 0, 0}, "how of EXIT"},
		{{WIRE_EXITED, 2, 0}, "flags of EXIT"},
		{{WIRE_EXITED, 0, 256}, "value of EXIT"},
		{{WIRE_SIGNALED, 0, 0}, "value of EXIT"},
		{{WIRE_SIGNALED, 0, 65}, "value of EXIT"},
	};
	uint8_t buf[WIRE_EXIT_B];
	struct wire_exit back = {9, 9, 9};

	(void)state;
	for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) {
		wire_exit_put(buf, &samples[i].exit);
		assert_string_equal(wire_exit_get(buf, &back), samples[i].why);
		assert_int_equal(back.value, 9);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(records_go_in_and_out),
		cmocka_unit_test(a_cut_record_moves_nothing),
		cmocka_unit_test(an_identity_survives_the_way),
		cmocka_unit_test(the_largest_identity_fits),
		cmocka_unit_test(a_bad_identity_is_not_sent),
		cmocka_unit_test(a_damaged_identity_is_refused_whole),
		cmocka_unit_test(every_field_of_an_identity_is_checked),
		cmocka_unit_test(an_exit_survives_the_way),
		cmocka_unit_test(a_bad_exit_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
