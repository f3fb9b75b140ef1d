/* SPDX-License-Identifier: Apache-2.0 */
/* test_parse.c - base/parse.h: the whole string or nothing. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/error.h"
#include "base/parse.h"

#define UNTOUCHED UINT64_C(0x5a5a5a5a)

struct sample {
	const char *text;
	int r;
	uint64_t value; /* when r is 0 */
};

static void check(int (*parse)(const char *, uint64_t *), const struct sample *samples, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		uint64_t v = UNTOUCHED;
		int r = parse(samples[i].text, &v);

		if (r != samples[i].r)
			print_error("text '%s'\n", samples[i].text);
		assert_int_equal(r, samples[i].r);
		assert_int_equal(v, r == 0 ? samples[i].value : UNTOUCHED);
	}
}

static int parse_3_to_70(const char *s, uint64_t *ret)
{
	return parse_u64(s, 3, 70, ret);
}

static int parse_any(const char *s, uint64_t *ret)
{
	return parse_u64(s, 0, UINT64_MAX, ret);
}

static void test_numbers(void **state)
{
	static const struct sample bounded[] = {
		{"3", 0, 3},	     {"70", 0, 70},	  {"007", 0, 7},
		{"2", -ERANGE, 0},   {"71", -ERANGE, 0},  {"", -EINVAL, 0},
		{" 5", -EINVAL, 0},  {"5 ", -EINVAL, 0},  {"+5", -EINVAL, 0},
		{"-5", -EINVAL, 0},  {"0x5", -EINVAL, 0}, {"5.0", -EINVAL, 0},
		{"5e1", -EINVAL, 0}, {"5\n", -EINVAL, 0}, {"\xd9\xa5", -EINVAL, 0},
	};
	static const struct sample wide[] = {
		{"0", 0, 0},
		{"18446744073709551615", 0, UINT64_MAX},
		{"18446744073709551616", -ERANGE, 0},
		{"99999999999999999999999999", -ERANGE, 0},
	};

	(void)state;
	check(parse_3_to_70, bounded, ARRAY_SIZE(bounded));
	check(parse_any, wide, ARRAY_SIZE(wide));
}

static void test_u32(void **state)
{
	uint32_t v = 9;

	(void)state;
	assert_int_equal(parse_u32("4294967295", 0, UINT32_MAX, &v), 0);
	assert_int_equal(v, UINT32_MAX);
	v = 9;
	assert_int_equal(parse_u32("4294967296", 0, UINT32_MAX, &v), -ERANGE);
	assert_int_equal(v, 9);
}

static void test_sizes(void **state)
{
	static const struct sample samples[] = {
		{"256", 0, 256},
		{"256M", 0, 256},
		{"256MiB", 0, 256},
		{"2G", 0, 2048},
		{"1T", 0, 1 << 20},
		{"1TiB", 0, 1 << 20},
		{"M", -EINVAL, 0},
		{"1K", -EINVAL, 0},
		{"1MB", -EINVAL, 0},
		{"1 M", -EINVAL, 0},
		{"-1M", -EINVAL, 0},
		{"1.5G", -EINVAL, 0},
		{"18446744073709551615T", -ERANGE, 0},
	};

	(void)state;
	check(parse_size_mib, samples, ARRAY_SIZE(samples));
}

static void test_durations(void **state)
{
	static const struct sample samples[] = {
		{"1", 0, 1000},	      {"1500ms", 0, 1500},  {"30s", 0, 30000},
		{"5m", 0, 300000},    {"1h", 0, 3600000},   {"168h", 0, 604800000},
		{"169h", -ERANGE, 0}, {"0", -EINVAL, 0},    {"0ms", -EINVAL, 0},
		{"", -EINVAL, 0},     {"s", -EINVAL, 0},    {"1d", -EINVAL, 0},
		{"-1s", -EINVAL, 0},  {"1.5s", -EINVAL, 0}, {"18446744073709551615h", -ERANGE, 0},
	};

	(void)state;
	check(parse_duration_ms, samples, ARRAY_SIZE(samples));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_u32),
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_durations),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
