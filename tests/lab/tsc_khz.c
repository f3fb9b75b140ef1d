/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tsc_khz.c - measure the rate of this processor's time stamp counter, in kHz.
 *
 * An emulated guest reads the host's counter. When it calibrates it itself, on a busy host, it gets
 * a wrong rate, finds the counter unstable and may hang; /proc/cpuinfo has the momentary clock,
 * which is another thing. So tests/lab/run tells the guest this figure.
 */
#include <inttypes.h>
#include <stdio.h>
#include <time.h>
#include <x86intrin.h>

#define MEASURE_NS    100000000L
#define TRIES	      3
#define NS_PER_MS     1000000U
#define NS_PER_SECOND 1000000000LL

struct reading {
	int64_t ns;
	uint64_t ticks;
};

/* Of some readings the one whose two halves were nearest to each other. */
static struct reading take(void)
{
	struct reading best = {0};
	uint64_t best_gap = UINT64_MAX;

	for (int i = 0; i < TRIES; i++) {
		struct timespec t;
		uint64_t before = __rdtsc(), after;

		(void)clock_gettime(CLOCK_MONOTONIC_RAW, &t);
		after = __rdtsc();
		if (after - before >= best_gap)
			continue;
		best_gap = after - before;
		best.ticks = before + best_gap / 2;
		best.ns = (int64_t)t.tv_sec * NS_PER_SECOND + t.tv_nsec;
	}
	return best;
}

int main(void)
{
	const struct timespec pause = {.tv_nsec = MEASURE_NS};
	struct reading first = take(), last;

	(void)nanosleep(&pause, NULL);
	last = take();
	if (last.ns <= first.ns)
		return 1;
	return printf("%" PRIu64 "\n",
		      (last.ticks - first.ticks) * NS_PER_MS / (uint64_t)(last.ns - first.ns)) < 0;
}
