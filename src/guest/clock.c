/* SPDX-License-Identifier: Apache-2.0 */
/* clock.c - the monotonic clock; see clock.h. */
#include "guest/clock.h"

#include <stddef.h>
#include <time.h>

int64_t clock_ns(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * CLOCK_NS_PER_S + ts.tv_nsec;
}

void clock_sleep_ms(int64_t ms)
{
	struct timespec ts = {
		.tv_sec = ms / 1000,
		.tv_nsec = ms % 1000 * CLOCK_NS_PER_MS,
	};

	(void)nanosleep(&ts, NULL);
}
