/* SPDX-License-Identifier: Apache-2.0 */
/* test_firecracker_filter.c - engine/firecracker_filter.h: the file, byte by byte and read back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/firecracker_filter.h"
#include "engine/firecracker_filter_table.h"
#include "firecracker_decode.h"

#define GOLDEN	    TEST_DATA "/golden/firecracker/"
#define TOO_MANY    (FIRECRACKER_FILTER_MAX_INSTRUCTIONS + 1)
#define ALLOW_ALL_N 7

static const struct sock_filter allow_all[ALLOW_ALL_N] = {
	{0x20, 0, 0, 4},	  {0x15, 0, 4, 0xc000003e}, {0x20, 0, 0, 0},
	{0x35, 0, 1, 0x40000000}, {0x15, 0, 1, 0xffffffff}, {0x06, 0, 0, 0x7fff0000},
	{0x06, 0, 0, 0},
};

static struct sock_filter code[TOO_MANY];
static uint8_t file[FIRECRACKER_FILTER_MAX_B];
static struct decoded decoded;

/* Bytes of a file of hexadecimal text with comments. */
static size_t read_golden(const char *name, uint8_t *ret, size_t size)
{
	char path[512], line[256];
	size_t n = 0;
	FILE *f;

	(void)snprintf(path, sizeof(path), GOLDEN "%s", name);
	f = fopen(path, "re");
	assert_non_null(f);
	while (fgets(line, sizeof(line), f)) {
		line[strcspn(line, "#\n")] = '\0';
		for (char *c = line, *end; *(c += strspn(c, " ")); c = end) {
			unsigned long byte = strtoul(c, &end, 16);

			assert_true(end == c + 2 && byte <= 0xff && n < size);
			ret[n++] = (uint8_t)byte;
		}
	}
	(void)fclose(f);
	return n;
}

static void set_lengths(struct seccomp_program programs[3], unsigned int a, unsigned int b,
			unsigned int c)
{
	for (size_t i = 0; i < TOO_MANY; i++)
		code[i] = (struct sock_filter){(uint16_t)(i >> 8), (uint8_t)i, 0xa5,
					       (uint32_t)i * 0x01000193U};
	programs[0] = (struct seccomp_program){code, (unsigned short)a};
	programs[1] = (struct seccomp_program){code, (unsigned short)b};
	programs[2] = (struct seccomp_program){code, (unsigned short)c};
}

static int decode(enum firecracker_filter_format format, size_t len)
{
	return format == FIRECRACKER_FILTER_BITCODE ? decode_bitcode(file, len, &decoded)
						    : decode_bincode(file, len, &decoded);
}

/* What was read back is what was put in, in memory as the kernel has it. */
static void assert_decoded(const struct seccomp_program programs[3])
{
	static const char *const names[] = {"api", "vcpu", "vmm"};

	for (size_t i = 0; i < 3; i++) {
		assert_string_equal(decoded.entry[i].key, names[i]);
		assert_int_equal(decoded.entry[i].n, programs[i].n);
		assert_memory_equal(decoded.entry[i].code, programs[i].code,
				    programs[i].n * sizeof(struct sock_filter));
	}
}

static void the_bytes_are_those_that_firecracker_was_seen_to_take(void **state)
{
	static const struct {
		enum firecracker_filter_format format;
		const char *name;
		size_t len;
	} files[] = {
		{FIRECRACKER_FILTER_BITCODE, "allow-all.bitcode.hex", 188},
		{FIRECRACKER_FILTER_BINCODE, "allow-all.bincode.hex", 234},
	};
	const struct seccomp_program same = {allow_all, ALLOW_ALL_N};
	const struct seccomp_program programs[3] = {same, same, same};
	uint8_t golden[512];
	size_t len;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		assert_int_equal(read_golden(files[i].name, golden, sizeof(golden)), files[i].len);
		assert_int_equal(firecracker_filter_encode(files[i].format, programs, file,
							   sizeof(file), &len),
				 0);
		assert_int_equal(len, files[i].len);
		assert_memory_equal(file, golden, len);
		assert_int_equal(decode(files[i].format, len), 0);
		assert_decoded(programs);
	}
}

static void long_programs_have_a_column_of_their_own(void **state)
{
	const size_t before = 1 + 4 + 10;
	struct seccomp_program programs[3];
	uint8_t golden[64];
	size_t n = read_golden("lengths.hex", golden, sizeof(golden)), len;

	(void)state;
	set_lengths(programs, 200, 300, 1000);
	assert_int_equal(firecracker_filter_encode(FIRECRACKER_FILTER_BITCODE, programs, file,
						   sizeof(file), &len),
			 0);
	assert_int_equal(n, 21);
	assert_memory_equal(file + before, golden, n);
	assert_int_equal(len, before + n + 1 + 8 * 1500);
}

static void all_lengths_are_read_back(void **state)
{
	static const unsigned int lengths[] = {1, 2, 3, 253, 254, 255, 256, 257, 4095, 4096};
	struct seccomp_program programs[3];
	size_t len;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(lengths); i++) {
		for (size_t k = 0; k < ARRAY_SIZE(lengths); k++) {
			for (int format = 0; format < 2; format++) {
				set_lengths(programs, lengths[i], 7, lengths[k]);
				assert_int_equal(firecracker_filter_encode(format, programs, file,
									   sizeof(file), &len),
						 0);
				assert_int_equal(decode(format, len), 0);
				assert_decoded(programs);
				/* The decoder's own control: a byte more or less is an error. */
				assert_int_equal(decode(format, len - 1), -EINVAL);
				file[len] = 0;
				assert_int_equal(decode(format, len + 1), -EINVAL);
			}
		}
	}
}

static void packed_columns_are_read(void **state)
{
	static const struct {
		uint8_t bytes[12];
		size_t len, n;
		uint64_t values[9];
	} columns[] = {
		{{5, 9}, 2, 2, {5, 9}},
		{{0, 5, 9, 1}, 4, 3, {5, 9, 1}},
		{{2, 0x21, 0x03}, 3, 3, {1, 2, 3}},
		{{1, 10, 0x21, 0x03}, 4, 3, {11, 12, 13}},
		{{5, 1, 0x1b}, 3, 4, {4, 3, 2, 1}},
		{{8, 1 + 2 * 3 + 0 * 9 + 2 * 27 + 1 * 81, 2}, 3, 6, {1, 2, 0, 2, 1, 2}},
		{{10, 0x05, 0x01}, 3, 9, {1, 0, 1, 0, 0, 0, 0, 0, 1}},
		{{9, 7, 0x05}, 3, 3, {8, 7, 8}},
	};
	static const uint8_t least[] = {3, 0, 1, 0, 0, 0, 0, 0, 0, 9, 8, 7, 6};
	uint64_t got[9];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(columns); i++) {
		struct decoder d = {columns[i].bytes, columns[i].bytes + columns[i].len, false};

		decode_bytes(&d, columns[i].n, got);
		assert_int_equal(decode_end(&d), 0);
		assert_memory_equal(got, columns[i].values, columns[i].n * sizeof(*got));
	}
	{
		/* 2 bytes each, above a least one of 256 */
		struct decoder d = {least, least + sizeof(least), false};

		decode_words(&d, 2, got);
		assert_int_equal(decode_end(&d), 0);
		assert_int_equal(got[0], 0x0809 + 256);
		assert_int_equal(got[1], 0x0607 + 256);
	}
	assert_int_equal(decode_bitcode(file, read_golden("packed.hex", file, sizeof(file)),
					&decoded),
			 0);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(decoded.entry[i].n, 2 + i);
	assert_int_equal(decoded.entry[2].code[3], 9);
}

static void packed_long_lengths_are_read(void **state)
{
	size_t n = read_golden("packed-long.hex", file, sizeof(file));
	size_t len = n + 1 + 8 * 1302U;

	(void)state;
	memset(file + n, 0, len - n);
	file[len - 8] = 0x2a;
	assert_int_equal(decode_bitcode(file, len, &decoded), 0);
	assert_int_equal(decoded.entry[0].n, 300);
	assert_int_equal(decoded.entry[1].n, 1000);
	assert_int_equal(decoded.entry[2].n, 2);
	assert_int_equal(decoded.entry[2].code[1], 0x2a);
}

static void what_firecracker_would_not_load_is_not_made(void **state)
{
	struct seccomp_program programs[3];
	size_t len = 12345;

	(void)state;
	for (int format = 0; format < 2; format++) {
		for (size_t i = 0; i < 3; i++) {
			set_lengths(programs, 1, 1, 1);
			programs[i].n = TOO_MANY;
			assert_int_equal(firecracker_filter_encode(format, programs, file,
								   sizeof(file), &len),
					 -EINVAL);
			programs[i].n = 0;
			assert_int_equal(firecracker_filter_encode(format, programs, file,
								   sizeof(file), &len),
					 -EINVAL);
		}
		/* The largest there are still fit. */
		set_lengths(programs, 4096, 4096, 4096);
		assert_int_equal(firecracker_filter_encode(format, programs, file, sizeof(file),
							   &len),
				 0);
		assert_true(len > 98304 && len <= FIRECRACKER_FILTER_MAX_B);
	}
}

static void a_buffer_that_is_too_small_is_not_overrun(void **state)
{
	const struct seccomp_program same = {allow_all, ALLOW_ALL_N};
	const struct seccomp_program programs[3] = {same, same, same};
	size_t len = 12345;

	(void)state;
	for (size_t size = 0; size < 188; size++) {
		file[size] = 0x5a;
		assert_int_equal(firecracker_filter_encode(FIRECRACKER_FILTER_BITCODE, programs,
							   file, size, &len),
				 -EFBIG);
		assert_int_equal(file[size], 0x5a);
		assert_int_equal(len, 12345);
	}
	assert_int_equal(firecracker_filter_encode(FIRECRACKER_FILTER_BITCODE, programs, file, 188,
						   &len),
			 0);
}

static void each_version_gets_its_rules_and_its_format(void **state)
{
	static const struct {
		const char *version;
		enum firecracker_rules rules;
		enum firecracker_filter_format format;
	} versions[] = {
		{"1.7.0", FIRECRACKER_RULES_1_7, FIRECRACKER_FILTER_BINCODE},
		{"1.7", FIRECRACKER_RULES_1_7, FIRECRACKER_FILTER_BINCODE},
		{"1.9.1", FIRECRACKER_RULES_1_7, FIRECRACKER_FILTER_BINCODE},
		{"v1.10.1", FIRECRACKER_RULES_1_7, FIRECRACKER_FILTER_BINCODE},
		{"1.14.4", FIRECRACKER_RULES_1_7, FIRECRACKER_FILTER_BINCODE},
		{"1.15.0", FIRECRACKER_RULES_1_7, FIRECRACKER_FILTER_BITCODE},
		{"1.16.1", FIRECRACKER_RULES_1_16, FIRECRACKER_FILTER_BITCODE},
		{"v1.16.999-rc.1", FIRECRACKER_RULES_1_16, FIRECRACKER_FILTER_BITCODE},
		{"1.17.0-dev", FIRECRACKER_RULES_1_17, FIRECRACKER_FILTER_BITCODE},
	};
	struct ironclaw_error err;
	size_t len;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(versions); i++) {
		for (int level = 0; level < VM_SECCOMP_MAX; level++) {
			struct seccomp_program programs[3];

			for (size_t k = 0; k < 3; k++)
				programs[k] = firecracker_filter_table[versions[i].rules][k][level];
			err_clear(&err);
			assert_int_equal(firecracker_filter_make(versions[i].version, level, file,
								 sizeof(file), &len, &err),
					 0);
			assert_int_equal(decode(versions[i].format, len), 0);
			assert_decoded(programs);
			/* Neither reader takes the other's file. */
			assert_int_equal(decode(!versions[i].format, len), -EINVAL);
		}
	}
}

static void other_versions_are_refused_by_name(void **state)
{
	static const char *const unknown[] = {"1.6.9", "0.25.0", "1.0.0", "v1.6",
					      "1.18",  "2.0.0",	 "999.0", "1.18.0-dev"};
	static const char *const malformed[] = {
		"",
		"v",
		"1",
		"1.",
		"1.16.",
		"1.16.1.",
		"1.16.1.2",
		"1.16.x",
		"x1.16",
		" 1.16.1",
		"1.16.1 ",
		"1.16.1\n",
		"1,16",
		"+1.16",
		"1.-16",
		"1.16.1-",
		"1.16.1-a b",
		"vv1.16.1",
		"1000.1",
		"1.1000",
		"latest",
		"4294967297.16.0",
		"1.16.1+x",
		"1.16.1-abcdefghijklmnopqrstuvwxyz0123456789",
		"Firecracker v1.16.1",
	};
	struct ironclaw_error err;
	size_t len = 12345;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(unknown); i++) {
		err_clear(&err);
		assert_int_equal(firecracker_filter_make(unknown[i], VM_SECCOMP_BASIC, file,
							 sizeof(file), &len, &err),
				 -EOPNOTSUPP);
		assert_int_equal(err.code, IRONCLAW_ERR_INVALID);
		assert_non_null(strstr(err.text, unknown[i]));
		assert_true(err.hint[0] != '\0');
	}
	for (size_t i = 0; i < ARRAY_SIZE(malformed); i++) {
		err_clear(&err);
		assert_int_equal(firecracker_filter_make(malformed[i], VM_SECCOMP_BASIC, file,
							 sizeof(file), &len, &err),
				 -EINVAL);
		assert_non_null(strstr(err.text, "is no version"));
	}
	assert_int_equal(len, 12345);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_bytes_are_those_that_firecracker_was_seen_to_take),
		cmocka_unit_test(long_programs_have_a_column_of_their_own),
		cmocka_unit_test(all_lengths_are_read_back),
		cmocka_unit_test(packed_columns_are_read),
		cmocka_unit_test(packed_long_lengths_are_read),
		cmocka_unit_test(what_firecracker_would_not_load_is_not_made),
		cmocka_unit_test(a_buffer_that_is_too_small_is_not_overrun),
		cmocka_unit_test(each_version_gets_its_rules_and_its_format),
		cmocka_unit_test(other_versions_are_refused_by_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
