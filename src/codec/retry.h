/* SPDX-License-Identifier: Apache-2.0 */
/**
 * retry.h - which requests are worth another try, and when. For requests that may be sent twice.
 */
#ifndef CODEC_RETRY_H
#define CODEC_RETRY_H

#include "codec/http.h"

#define RETRY_FIRST_MS	   500U
#define RETRY_MOST_MS	   8000U
#define RETRY_JITTER_PART  4U		       /* up to one in so many of the above less */
#define RETRY_AFTER_MAX_MS (10U * 60U * 1000U) /* a server that wants more is not waited for */

/** retry_after_failure() - @r is a failure of http_perform() that another try may not have. */
bool retry_after_failure(int r);

/**
 * retry_after_answer() - the server's own word (x-should-retry) decides; else 408, 409, 429 and 5xx
 * are worth it. Not when it wants more time than RETRY_AFTER_MAX_MS.
 */
bool retry_after_answer(const struct http_answer *answer);

/**
 * retry_wait_ms() - how long to wait before the next try.
 * @attempt:	of the one that failed; the first is 0
 * @after_ms:	what the server said, or HTTP_NO_RETRY_AFTER
 * @random:	any number
 */
uint64_t retry_wait_ms(unsigned int attempt, uint64_t after_ms, uint32_t random);

/**
 * retry_pause() - wait.
 * @idle:	called at least every HTTP_IDLE_MS; may be NULL
 *
 * Return: 0, or what @idle returned when it was negative
 */
int retry_pause(uint64_t wait_ms, int (*idle)(void *ud), void *ud);

#endif
