/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_http.c - the pure parts of codec/http.h, and codec/retry.h. What happens on a connection is
 * in tests/it/http.bats.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <errno.h>

#include <cmocka.h>

#include "codec/http_internal.h"
#include "codec/retry.h"
#include "sys/clock.h"

static void test_local_hosts(void **state)
{
	static const struct {
		const char *url;
		bool local;
	} cases[] = {
		{"http://localhost/", true},
		{"http://LOCALHOST:8080/x", true},
		{"https://127.0.0.1", true},
		{"http://127.255.255.254/", true},
		{"http://127.1/", true},
		{"http://2130706433/", true},
		{"http://[::1]:80/", true},
		{"http://localhost.example/", false},
		{"http://xlocalhost/", false},
		{"http://localhost@example.org/", false},
		{"http://127.0.0.1.example.org/", false},
		{"http://128.0.0.1/", false},
		{"http://10.0.0.1/", false},
		{"http://0.0.0.0/", false},
		{"http://[::]/", false},
		{"http://[::ffff:127.0.0.1]/", false},
		{"http://example.org/127.0.0.1", false},
		{"ftp://localhost/", false},
		{"localhost", false},
		{"", false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		if (http_host_is_local(cases[i].url) != cases[i].local)
			print_error("%s\n", cases[i].url);
		assert_int_equal(http_host_is_local(cases[i].url), cases[i].local);
	}
}

static void test_retry_after(void **state)
{
	static const struct {
		const char *ms, *plain;
		uint64_t want;
	} cases[] = {
		{NULL, NULL, HTTP_NO_RETRY_AFTER},
		{"", "", HTTP_NO_RETRY_AFTER},
		{"250", "9", 250},
		{"0.5", NULL, 1},
		{"x", "2", 2000},
		{NULL, "1.5 ", 1500},
		{NULL, "0", 0},
		{NULL, "-1", HTTP_NO_RETRY_AFTER},
		{NULL, "1e300", HTTP_NO_RETRY_AFTER},
		{NULL, "0x10", 16000}, /* strtod(3) reads it, and it hurts nobody */
		{NULL, "nan", HTTP_NO_RETRY_AFTER},
		{NULL, "1 2", HTTP_NO_RETRY_AFTER},
		{NULL, "Thu, 01 Jan 1970 00:01:40 GMT", 40000},
		{NULL, "Thu, 01 Jan 1970 00:00:00 GMT", 0},
		{NULL, "tomorrow", HTTP_NO_RETRY_AFTER},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_int_equal(http_retry_after(cases[i].ms, cases[i].plain, 60), cases[i].want);
}

static void test_answers_worth_a_try(void **state)
{
	struct http_answer a = {.retry_after_ms = HTTP_NO_RETRY_AFTER};

	(void)state;
	for (a.status = 200; a.status < 600; a.status++) {
		bool want =
			a.status == 408 || a.status == 409 || a.status == 429 || a.status >= 500;

		assert_int_equal(retry_after_answer(&a), want);
	}
	a.status = 400;
	a.should_retry = HTTP_RETRY_YES;
	assert_true(retry_after_answer(&a));
	a.retry_after_ms = RETRY_AFTER_MAX_MS;
	assert_true(retry_after_answer(&a));
	a.retry_after_ms++;
	assert_false(retry_after_answer(&a));
	a = (struct http_answer){.status = 503, .should_retry = HTTP_RETRY_NO};
	assert_false(retry_after_answer(&a));
}

static void test_failures_worth_a_try(void **state)
{
	(void)state;
	assert_true(retry_after_failure(-ENOTCONN));
	assert_true(retry_after_failure(-ECONNRESET));
	assert_true(retry_after_failure(-ETIMEDOUT));
	assert_true(retry_after_failure(-EPROTO));
	assert_false(retry_after_failure(-EINVAL));
	assert_false(retry_after_failure(-EKEYREJECTED));
	assert_false(retry_after_failure(-ECANCELED));
	assert_false(retry_after_failure(-EMSGSIZE));
	assert_false(retry_after_failure(0));
}

static void test_wait(void **state)
{
	static const uint64_t most[] = {500, 1000, 2000, 4000, 8000, 8000};

	(void)state;
	for (unsigned int i = 0; i < ARRAY_SIZE(most); i++) {
		uint64_t least = UINT64_MAX;

		for (uint32_t random = 0; random < 100000; random += 7) {
			uint64_t ms = retry_wait_ms(i, HTTP_NO_RETRY_AFTER, random);

			assert_in_range(ms, most[i] * 3 / 4, most[i]);
			least = ms < least ? ms : least;
		}
		/* The jitter is there. */
		assert_true(least < most[i] * 4 / 5);
		assert_int_equal(retry_wait_ms(i, 3000, 12345), 3000);
	}
	assert_in_range(retry_wait_ms(UINT32_MAX, HTTP_NO_RETRY_AFTER, 0), 6000, 8000);
}

static int idle_count;

static int idle(void *ud)
{
	idle_count++;
	return ud && idle_count == 2 ? -ECANCELED : 0;
}

static void test_pause(void **state)
{
	uint64_t start_us = clock_now_us();
	int any;

	(void)state;
	assert_int_equal(retry_pause(250, idle, NULL), 0);
	assert_true(clock_now_us() - start_us >= 250000);
	assert_true(idle_count >= 3);
	idle_count = 0;
	assert_int_equal(retry_pause(60000, idle, &any), -ECANCELED);
	assert_int_equal(idle_count, 2);
	assert_int_equal(retry_pause(0, NULL, NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_local_hosts),
		cmocka_unit_test(test_retry_after),
		cmocka_unit_test(test_answers_worth_a_try),
		cmocka_unit_test(test_failures_worth_a_try),
		cmocka_unit_test(test_wait),
		cmocka_unit_test(test_pause),
	};

	return cmocka_run_group_tests_name("http", tests, NULL, NULL);
}
