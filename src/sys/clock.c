/* SPDX-License-Identifier: Apache-2.0 */
/* clock.c - time that only goes forward; see clock.h. */
#include "sys/clock.h"

#include <limits.h>
#include <time.h>

uint64_t clock_now_us(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

int clock_left_ms(uint64_t deadline_us)
{
	uint64_t now = clock_now_us(), left_ms;

	if (deadline_us <= now)
		return 0;
	left_ms = (deadline_us - now + 999) / 1000;
	return left_ms > INT_MAX ? INT_MAX : (int)left_ms;
}
