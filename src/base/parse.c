/* SPDX-License-Identifier: Apache-2.0 */
/* parse.c - text to numbers, all or nothing; see parse.h. */
#include "base/parse.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "base/error.h"
#include "base/limits.h"

/* Reads leading digits; returns how many, 0 on none or overflow (*overflow tells). */
static size_t take_digits(const char *s, uint64_t *ret, int *overflow)
{
	uint64_t v = 0;
	size_t n = 0;

	*overflow = 0;
	for (; s[n] >= '0' && s[n] <= '9'; n++) {
		if (__builtin_mul_overflow(v, UINT64_C(10), &v) ||
		    __builtin_add_overflow(v, (uint64_t)(s[n] - '0'), &v)) {
			*overflow = 1;
			return 0;
		}
	}
	if (n > 0)
		*ret = v;
	return n;
}

int parse_u64(const char *s, uint64_t min, uint64_t max, uint64_t *ret)
{
	uint64_t v = 0;
	int overflow;
	size_t n = take_digits(s, &v, &overflow);

	if (overflow)
		return -ERANGE;
	if (n == 0 || s[n] != '\0')
		return -EINVAL;
	if (v < min || v > max)
		return -ERANGE;
	*ret = v;
	return 0;
}

int parse_u32(const char *s, uint32_t min, uint32_t max, uint32_t *ret)
{
	uint64_t v;
	int r = parse_u64(s, min, max, &v);

	if (r == 0)
		*ret = (uint32_t)v;
	return r;
}

struct unit {
	const char *suffix;
	uint64_t factor;
};

/* Digits followed by one of the suffixes. */
static int parse_with_unit(const char *s, const struct unit *units, size_t n_units, uint64_t *ret)
{
	uint64_t v = 0, product;
	int overflow;
	size_t n = take_digits(s, &v, &overflow);

	if (overflow)
		return -ERANGE;
	if (n == 0)
		return -EINVAL;
	for (size_t i = 0; i < n_units; i++) {
		if (strcmp(s + n, units[i].suffix) != 0)
			continue;
		if (__builtin_mul_overflow(v, units[i].factor, &product))
			return -ERANGE;
		*ret = product;
		return 0;
	}
	return -EINVAL;
}

int parse_size_mib(const char *s, uint64_t *ret_mib)
{
	static const struct unit units[] = {
		{"", 1},     {"M", 1},	    {"m", 1},		{"MiB", 1},	{"G", 1024},
		{"g", 1024}, {"GiB", 1024}, {"T", 1024 * 1024}, {"t", 1 << 20}, {"TiB", 1 << 20},
	};

	return parse_with_unit(s, units, ARRAY_SIZE(units), ret_mib);
}

int parse_duration_ms(const char *s, uint64_t *ret_ms)
{
	static const struct unit units[] = {
		{"", 1000}, {"ms", 1}, {"s", 1000}, {"m", 60 * 1000}, {"h", 3600 * 1000},
	};
	uint64_t ms;
	int r = parse_with_unit(s, units, ARRAY_SIZE(units), &ms);

	if (r < 0)
		return r;
	if (ms == 0)
		return -EINVAL;
	if (ms > LIMIT_TIMEOUT_MS_MAX)
		return -ERANGE;
	*ret_ms = ms;
	return 0;
}
