/* SPDX-License-Identifier: Apache-2.0 */
/* test_mcp_work.c - mcp/sandbox_work.h with a sandbox that cannot be opened, and not at once. */
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "gate.h"
#include "mcp/sandbox_work.h"

#define WAIT_MS 10000
#define WORKS	3U

static const struct sandbox_work opening = {.kind = SANDBOX_WORK_OPEN,
					    .options = {.policy_file = "/nonexistent/policy"}};

static int wake_fd = -EBADF;

static int build(void **state)
{
	int r = make_home(state);

	wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return r < 0 || wake_fd < 0 || setenv("IRONCLAW_HOME", root, 1) < 0 ? -1 : 0;
}

static int tear_down(void **state)
{
	close_fd(&wake_fd);
	return remove_home(state);
}

static void test_over(void **state)
{
	struct pollfd p = {.fd = wake_fd, .events = POLLIN};
	struct sandbox_work *w;

	(void)state;
	assert_int_equal(sandbox_work_start(&opening, wake_fd, &w), 0);
	assert_int_equal(poll(&p, 1, WAIT_MS), 1);
	assert_true(sandbox_work_is_over(w));
	assert_true(w->r < 0);
	assert_null(w->sandbox);
	sandbox_work_free(w);
	assert_int_equal(sandbox_work_abandoned(), 0);
}

/* They are counted for as long as they go on, and nobody is woken for them. */
static void test_abandoned(void **state)
{
	struct pollfd p = {.fd = wake_fd, .events = POLLIN};
	/* What each of them needs first. */
	int lock = file_lock(log_.dirfd, AUDIT_LOCK_FILE, true);

	(void)state;
	assert_true(lock >= 0);
	for (unsigned int i = 0; i < WORKS; i++) {
		struct sandbox_work *w;

		assert_int_equal(sandbox_work_start(&opening, wake_fd, &w), 0);
		assert_false(sandbox_work_is_over(w));
		sandbox_work_abandon(w);
		assert_int_equal(sandbox_work_abandoned(), i + 1);
	}
	(void)close(lock);
	for (int ms = 0; sandbox_work_abandoned() > 0 && ms < WAIT_MS; ms += 10)
		(void)poll(NULL, 0, 10);
	assert_int_equal(sandbox_work_abandoned(), 0);
	assert_int_equal(poll(&p, 1, 0), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_over, build, tear_down),
		cmocka_unit_test_setup_teardown(test_abandoned, build, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
