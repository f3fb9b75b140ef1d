/* SPDX-License-Identifier: Apache-2.0 */
/** clock.h - time that only goes forward. */
#ifndef SYS_CLOCK_H
#define SYS_CLOCK_H

#include <stdint.h>

/** clock_now_us() - CLOCK_MONOTONIC in microseconds. */
uint64_t clock_now_us(void);

/** clock_left_ms() - milliseconds until @deadline_us, rounded up, for poll(2); 0 when over. */
int clock_left_ms(uint64_t deadline_us);

/**
 * clock_tsc_khz() - frequency of this CPU's time stamp counter, measured against CLOCK_MONOTONIC
 * for 10 ms: right to about 10 ppm, on a loaded host too, for a sample that was interrupted is not
 * used.
 */
uint32_t clock_tsc_khz(void);

#endif
