/* SPDX-License-Identifier: Apache-2.0 */
/** clock.h - time that only goes forward. */
#ifndef SYS_CLOCK_H
#define SYS_CLOCK_H

#include <stdint.h>

/** clock_now_us() - CLOCK_MONOTONIC in microseconds. */
uint64_t clock_now_us(void);

/** clock_left_ms() - milliseconds until @deadline_us, rounded up, for poll(2); 0 when over. */
int clock_left_ms(uint64_t deadline_us);

#endif
