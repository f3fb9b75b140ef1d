/* SPDX-License-Identifier: Apache-2.0 */
/**
 * parse.h - text to numbers, all or nothing: the whole string must match, and the output is
 * untouched on failure. No sign, no spaces, no locale.
 */
#ifndef BASE_PARSE_H
#define BASE_PARSE_H

#include <stdint.h>

/** parse_u64() - decimal digits within [min, max]. Return: 0, -EINVAL, -ERANGE. */
int parse_u64(const char *s, uint64_t min, uint64_t max, uint64_t *ret);

/** parse_u32() - as parse_u64(). */
int parse_u32(const char *s, uint32_t min, uint32_t max, uint32_t *ret);

/**
 * parse_size_mib() - "256M", "2G", "1T" or a plain number of MiB, into MiB.
 * Return: 0, -EINVAL on another form, -ERANGE when it does not fit
 */
int parse_size_mib(const char *s, uint64_t *ret_mib);

/**
 * parse_duration_ms() - "1500ms", "30s", "5m", "1h" or a plain number of seconds, into
 * milliseconds. Return: 0, -EINVAL on another form or zero, -ERANGE above 7 days
 */
int parse_duration_ms(const char *s, uint64_t *ret_ms);

#endif
