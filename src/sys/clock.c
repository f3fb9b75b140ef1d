/* SPDX-License-Identifier: Apache-2.0 */
/* clock.c - time that only goes forward; see clock.h. */
#include "sys/clock.h"

#include <limits.h>
#include <time.h>
#include <x86intrin.h>

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

struct tsc_sample {
	uint64_t ns, tsc;
};

/* Both clocks at one moment: of several tries the one that took the fewest cycles. */
static struct tsc_sample tsc_sample(void)
{
	struct tsc_sample best = {0};
	uint64_t best_cost = UINT64_MAX;

	for (int i = 0; i < 16; i++) {
		struct timespec t;
		uint64_t before = __rdtsc(), after;

		(void)clock_gettime(CLOCK_MONOTONIC, &t);
		after = __rdtsc();
		if (after - before < best_cost) {
			best_cost = after - before;
			best.ns = (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
			best.tsc = before + best_cost / 2;
		}
	}
	return best;
}

uint32_t clock_tsc_khz(void)
{
	const struct timespec pause = {.tv_nsec = 10 * 1000000};
	struct tsc_sample begin = tsc_sample(), end;

	(void)nanosleep(&pause, NULL);
	end = tsc_sample();
	return (uint32_t)((end.tsc - begin.tsc) * 1000000 / (end.ns - begin.ns));
}
