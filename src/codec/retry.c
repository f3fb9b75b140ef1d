/* SPDX-License-Identifier: Apache-2.0 */
/* retry.c - which requests are worth another try, and when; see retry.h. */
#include "codec/retry.h"

#include <errno.h>
#include <poll.h>

#include "sys/clock.h"

bool retry_after_failure(int r)
{
	return r == -ENOTCONN || r == -ECONNRESET || r == -ETIMEDOUT || r == -EPROTO;
}

bool retry_after_answer(const struct http_answer *answer)
{
	int status = answer->status;

	if (answer->should_retry == HTTP_RETRY_NO ||
	    (answer->retry_after_ms != HTTP_NO_RETRY_AFTER &&
	     answer->retry_after_ms > RETRY_AFTER_MAX_MS))
		return false;
	return answer->should_retry == HTTP_RETRY_YES || status == 408 || status == 409 ||
	       status == 429 || status >= 500;
}

uint64_t retry_wait_ms(unsigned int attempt, uint64_t after_ms, uint32_t random)
{
	uint64_t wait = RETRY_FIRST_MS;

	if (after_ms != HTTP_NO_RETRY_AFTER)
		return after_ms;
	for (unsigned int i = 0; i < attempt && wait < RETRY_MOST_MS; i++)
		wait *= 2;
	if (wait > RETRY_MOST_MS)
		wait = RETRY_MOST_MS;
	return wait - random % (wait / RETRY_JITTER_PART + 1);
}

int retry_pause(uint64_t wait_ms, int (*idle)(void *ud), void *ud)
{
	uint64_t end_us = clock_now_us() + wait_ms * 1000;
	int r = 0, left_ms;

	while (r >= 0 && (left_ms = clock_left_ms(end_us)) > 0) {
		(void)poll(NULL, 0, left_ms < HTTP_IDLE_MS ? left_ms : HTTP_IDLE_MS);
		r = idle ? idle(ud) : 0;
	}
	return r < 0 ? r : 0;
}
