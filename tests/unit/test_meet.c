/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_meet.c - link/meet.h, link/hybrid.h and link/vsock.h: who becomes the link. The VMM is a
 * unix socket of ours, as Firecracker has it, and so are the guest's calls.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "link/meet.h"
#include "link/vsock.h"
#include "sys/clock.h"
#include "frames.h"

#define VMM_PATH    "v.sock"
#define CALLS_PATH  "v.sock_3"
#define CID	    3U
#define WAIT_MS	    2000
#define CONNECT	    "CONNECT 3\n"
#define SOME_ANSWER "OK 1073741824\n"

static char dir[] = "/tmp/test_meet.XXXXXX";
static int listener_fd = -EBADF, vmm_fd = -EBADF;
static struct meet meet;
static uint8_t hello[MEET_HELLO_B];

static int listen_at(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(fd, SOMAXCONN), 0);
	return fd;
}

static int call_from_guest(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = CALLS_PATH};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

static int build(void **state)
{
	(void)state;
	(void)snprintf(dir, sizeof(dir), "/tmp/test_meet.XXXXXX");
	assert_non_null(mkdtemp(dir));
	assert_int_equal(chdir(dir), 0);
	listener_fd = listen_at(CALLS_PATH);
	(void)frame_put_u32(hello, WIRE_HELLO, WIRE_STREAM_NONE, 0, WIRE_VERSION);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	close_fd(&listener_fd);
	close_fd(&vmm_fd);
	close_fd(&meet.caller.fd);
	close_fd(&meet.called.fd);
	(void)unlink(VMM_PATH);
	(void)unlink(CALLS_PATH);
	assert_int_equal(chdir("/"), 0);
	assert_int_equal(rmdir(dir), 0);
	return 0;
}

static void put(int fd, const void *bytes, size_t len)
{
	assert_int_equal(send(fd, bytes, len, MSG_NOSIGNAL), (ssize_t)len);
}

/* One round. Return: as meet_ready(); -EAGAIN also when nothing happened within the time. */
static int turn(int timeout_ms)
{
	struct pollfd fds[MEET_POLL_MAX];

	meet_poll(&meet, fds, &timeout_ms);
	assert_true(poll(fds, MEET_POLL_MAX, timeout_ms) >= 0);
	return meet_ready(&meet, fds);
}

/* Rounds until there is a link. */
static int meets(void)
{
	uint64_t deadline = clock_now_us() + WAIT_MS * 1000;
	int fd = -EAGAIN;

	while (fd == -EAGAIN && clock_now_us() < deadline)
		fd = turn(10);
	assert_true(fd >= 0);
	assert_memory_equal(meet.hello, hello, sizeof(hello));
	assert_true(meet.caller.fd < 0);
	assert_true(meet.called.fd < 0);
	return fd;
}

/* All that is to be done now, which leads to no link. */
static void meets_nobody(void)
{
	for (int i = 0; i < 8; i++)
		assert_int_equal(turn(0), -EAGAIN);
}

/* Both ends are one stream, and the link does not block. */
static void are_connected(int link, int guest)
{
	char c = 0;

	assert_true(fcntl(link, F_GETFL) & O_NONBLOCK);
	assert_true(fcntl(link, F_GETFD) & FD_CLOEXEC);
	put(guest, "g", 1);
	assert_int_equal(recv(link, &c, 1, 0), 1);
	assert_int_equal(c, 'g');
	assert_int_equal(recv(link, &c, 1, 0), -1);
	put(link, "h", 1);
	assert_int_equal(recv(guest, &c, 1, 0), 1);
	assert_int_equal(c, 'h');
}

static void is_hung_up_on(int fd)
{
	char c;

	assert_true(recv(fd, &c, 1, 0) <= 0);
	(void)close(fd);
}

static void nothing_was_sent_to(int fd)
{
	char c;

	assert_int_equal(recv(fd, &c, 1, MSG_DONTWAIT), -1);
	assert_int_equal(errno, EAGAIN);
}

static void begin(bool with_vmm)
{
	meet_init(&meet, listener_fd, CID, with_vmm ? VMM_PATH : NULL);
}

/* The VMM takes our call. */
static int takes_call(void)
{
	char line[64] = "";
	int fd = accept4(vmm_fd, NULL, NULL, SOCK_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(recv(fd, line, sizeof(line) - 1, 0), (ssize_t)strlen(CONNECT));
	assert_string_equal(line, CONNECT);
	return fd;
}

static void the_guest_calls(void **state)
{
	int guest, link;

	(void)state;
	begin(false);
	meets_nobody();
	guest = call_from_guest();
	meets_nobody();
	put(guest, hello, sizeof(hello));
	link = meets();
	nothing_was_sent_to(guest);
	are_connected(link, guest);
	(void)close(link);
	(void)close(guest);
}

static void a_hello_in_bytes_is_one(void **state)
{
	int guest, link;

	(void)state;
	begin(false);
	guest = call_from_guest();
	for (size_t i = 0; i + 1 < sizeof(hello); i++) {
		put(guest, hello + i, 1);
		meets_nobody();
	}
	put(guest, hello + sizeof(hello) - 1, 1);
	link = meets();
	are_connected(link, guest);
	(void)close(link);
	(void)close(guest);
}

static void what_is_no_hello_is_hung_up_on(void **state)
{
	uint8_t other[MEET_HELLO_B];
	int guest, link;

	(void)state;
	begin(false);
	for (size_t i = 0; i < WIRE_HEADER_B; i++) {
		memcpy(other, hello, sizeof(other));
		other[i] ^= 1;
		guest = call_from_guest();
		put(guest, other, sizeof(other));
		meets_nobody();
		is_hung_up_on(guest);
	}
	/* One that ends is no reason to stop waiting either. */
	guest = call_from_guest();
	put(guest, hello, 5);
	(void)close(guest);
	meets_nobody();
	guest = call_from_guest();
	put(guest, hello, sizeof(hello));
	link = meets();
	(void)close(link);
	(void)close(guest);
}

static void a_silent_caller_gives_way(void **state)
{
	int silent, guest, link;

	(void)state;
	begin(false);
	silent = call_from_guest();
	put(silent, hello, 5);
	meets_nobody();
	guest = call_from_guest();
	put(guest, hello, sizeof(hello));
	link = meets();
	are_connected(link, guest);
	is_hung_up_on(silent);
	(void)close(link);
	(void)close(guest);
}

static void a_caller_too_many_is_hung_up_on(void **state)
{
	int guest;

	(void)state;
	begin(false);
	guest = call_from_guest();
	put(guest, hello, sizeof(hello));
	meet_refuse(&meet);
	is_hung_up_on(guest);
	/* And without one nothing happens. */
	meet_refuse(&meet);
}

static void we_call_the_guest(void **state)
{
	int vmm, link;

	(void)state;
	begin(true);
	/* The VMM's socket comes later than we do. */
	meets_nobody();
	vmm_fd = listen_at(VMM_PATH);
	usleep(110 * 1000);
	meets_nobody();
	vmm = takes_call();
	/* The guest's first word may come with the answer. */
	put(vmm, SOME_ANSWER, strlen(SOME_ANSWER));
	put(vmm, hello, sizeof(hello));
	link = meets();
	are_connected(link, vmm);
	(void)close(link);
	(void)close(vmm);
}

static void a_call_that_fails_is_made_again(void **state)
{
	/* Nobody listens; something else is there; OK, and then the end (Firecracker up to 1.15).
	 */
	static const char *const answers[] = {
		"",	     "HELLO\n",
		"OK\n",	     "OK \n",
		"ok 1\n",    "OK 1x\n",
		"OK 1 2\n",  "OK 11111111111111111111111111111111111\n",
		SOME_ANSWER, SOME_ANSWER "\x01"};
	int vmm, link;

	(void)state;
	vmm_fd = listen_at(VMM_PATH);
	begin(true);
	for (size_t i = 0; i < ARRAY_SIZE(answers); i++) {
		meets_nobody();
		vmm = takes_call();
		put(vmm, answers[i], strlen(answers[i]));
		if (strncmp(answers[i], SOME_ANSWER, strlen(SOME_ANSWER)) == 0 || !answers[i][0])
			assert_int_equal(shutdown(vmm, SHUT_RDWR), 0);
		meets_nobody();
		/* Not at once. */
		assert_int_equal(accept(vmm_fd, NULL, NULL), -1);
		is_hung_up_on(vmm);
		usleep(110 * 1000);
	}
	meets_nobody();
	vmm = takes_call();
	put(vmm, SOME_ANSWER, strlen(SOME_ANSWER));
	put(vmm, hello, sizeof(hello));
	link = meets();
	(void)close(link);
	(void)close(vmm);
}

static void a_call_without_an_answer_ends(void **state)
{
	uint64_t begin_us = clock_now_us();
	int first, second;

	(void)state;
	vmm_fd = listen_at(VMM_PATH);
	begin(true);
	meets_nobody();
	first = takes_call();
	put(first, SOME_ANSWER, 4);
	while (meet.called.fd >= 0 && clock_now_us() - begin_us < WAIT_MS * 1000)
		assert_int_equal(turn(WAIT_MS), -EAGAIN);
	assert_true(clock_now_us() - begin_us > 900 * 1000);
	is_hung_up_on(first);
	usleep(110 * 1000);
	meets_nobody();
	second = takes_call();
	(void)close(second);
}

static void the_first_hello_wins_in_both_directions(void **state)
{
	int vmm, guest, link;

	(void)state;
	vmm_fd = listen_at(VMM_PATH);
	for (int i = 0; i < 2; i++) {
		begin(true);
		guest = call_from_guest();
		meets_nobody();
		vmm = takes_call();
		put(vmm, SOME_ANSWER, strlen(SOME_ANSWER));
		meets_nobody();
		put(i == 0 ? guest : vmm, hello, sizeof(hello));
		link = meets();
		are_connected(link, i == 0 ? guest : vmm);
		is_hung_up_on(i == 0 ? vmm : guest);
		(void)close(link);
		(void)close(i == 0 ? guest : vmm);
	}
}

static void a_path_that_is_too_long_is_refused(void **state)
{
	char path[200];

	(void)state;
	memset(path, 'x', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	assert_int_equal(hybrid_call(path, CID), -ENAMETOOLONG);
	assert_int_equal(hybrid_call("nothing-here", CID), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(the_guest_calls, build, tear_down),
		cmocka_unit_test_setup_teardown(a_hello_in_bytes_is_one, build, tear_down),
		cmocka_unit_test_setup_teardown(what_is_no_hello_is_hung_up_on, build, tear_down),
		cmocka_unit_test_setup_teardown(a_silent_caller_gives_way, build, tear_down),
		cmocka_unit_test_setup_teardown(a_caller_too_many_is_hung_up_on, build, tear_down),
		cmocka_unit_test_setup_teardown(we_call_the_guest, build, tear_down),
		cmocka_unit_test_setup_teardown(a_call_that_fails_is_made_again, build, tear_down),
		cmocka_unit_test_setup_teardown(a_call_without_an_answer_ends, build, tear_down),
		cmocka_unit_test_setup_teardown(the_first_hello_wins_in_both_directions, build,
						tear_down),
		cmocka_unit_test_setup_teardown(a_path_that_is_too_long_is_refused, build,
						tear_down),
	};

	return cmocka_run_group_tests_name("meet", tests, NULL, NULL);
}
