/* SPDX-License-Identifier: Apache-2.0 */
/**
 * clock.h - CLOCK_MONOTONIC as one number.
 */
#ifndef GUEST_CLOCK_H
#define GUEST_CLOCK_H

#include <stdint.h>

#define CLOCK_NS_PER_S	INT64_C(1000000000)
#define CLOCK_NS_PER_MS INT64_C(1000000)

/** clock_ns() - nanoseconds since some moment before the boot; goes on in a clone. */
int64_t clock_ns(void);

/** clock_sleep_ms() - sleep; a signal ends it early. */
void clock_sleep_ms(int64_t ms);

#endif
