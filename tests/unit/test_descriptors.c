/* SPDX-License-Identifier: Apache-2.0 */
/* test_descriptors.c - sys/descriptors.h: the layout before an exec, and messages with descriptors.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "sys/descriptors.h"

/* A file that is known by its first byte. */
static int marked(char mark)
{
	int fd = memfd_create("mark", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, &mark, 1), 1);
	return fd;
}

static char mark_of(int fd)
{
	char mark = 0;

	return pread(fd, &mark, 1, 0) == 1 ? mark : '-';
}

static size_t count_open(void)
{
	DIR *dir = opendir("/proc/self/fd");
	size_t n = 0;

	assert_non_null(dir);
	while (readdir(dir))
		n++;
	(void)closedir(dir);
	return n;
}

/* In a process of its own: 0 when number first + i is the file of mark i, and nothing else stays.
 */
static int arrange_and_look(const int *fds, int first, int n, const char *marks)
{
	int r = descriptors_arrange(fds, first, n);

	if (r < 0)
		return 1;
	for (int i = 0; i < n; i++) {
		if (mark_of(first + i) != marks[i] || fcntl(first + i, F_GETFD) != 0)
			return 2;
	}
	for (int fd = first + n; fd < 256; fd++) {
		int flags = fcntl(fd, F_GETFD);

		if (flags >= 0 && !(flags & FD_CLOEXEC))
			return 3;
	}
	return 0;
}

/* Puts file k (mark 'a' + k) at number at[k], and asks for them in the order of @wanted. */
static int child_of(const int *at, int n_files, const char *wanted, int first)
{
	int fds[DESCRIPTORS_MAX], high[DESCRIPTORS_MAX];
	int n = (int)strlen(wanted);

	for (int k = 0; k < n_files; k++)
		high[k] = fcntl(marked((char)('a' + k)), F_DUPFD, 100);
	for (int k = 0; k < n_files; k++) {
		/* Not close-on-exec, to see that it becomes so. */
		if (dup2(high[k], at[k]) != at[k])
			return 4;
	}
	for (int i = 0; i < n; i++)
		fds[i] = at[wanted[i] - 'a'];
	return arrange_and_look(fds, first, n, wanted);
}

static void check_arrange(const int *at, int n_files, const char *wanted, int first)
{
	pid_t pid = fork();
	int status;

	if (pid == 0)
		_exit(child_of(at, n_files, wanted, first));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void any_order_and_overlap(void **state)
{
	(void)state;
	/* Where they belong already; exchanged; round in a circle; moved by one each way. */
	check_arrange((const int[]){10, 11}, 2, "ab", 10);
	check_arrange((const int[]){10, 11}, 2, "ba", 10);
	check_arrange((const int[]){10, 11, 12}, 3, "bca", 10);
	check_arrange((const int[]){11, 12, 13}, 3, "abc", 10);
	check_arrange((const int[]){9, 10, 11}, 3, "abc", 10);
	/* Far away, and in part. */
	check_arrange((const int[]){50, 11, 10, 60}, 4, "abcd", 10);
	/* The same file more than once. */
	check_arrange((const int[]){11, 10}, 2, "aab", 10);
	check_arrange((const int[]){10}, 1, "aaaa", 10);
}

static void from_the_first_number_on(void **state)
{
	(void)state;
	/* As the warden does it: stdio too. */
	check_arrange((const int[]){2, 1, 0, 5, 4, 3}, 6, "abcdef", 0);
	check_arrange((const int[]){0, 1, 2}, 3, "cba", 0);
}

static void as_many_as_there_may_be(void **state)
{
	int fds[DESCRIPTORS_MAX + 1];

	(void)state;
	for (int i = 0; i <= DESCRIPTORS_MAX; i++)
		fds[i] = STDERR_FILENO;
	assert_int_equal(descriptors_arrange(fds, 0, DESCRIPTORS_MAX + 1), -EINVAL);
	assert_int_equal(descriptors_arrange(fds, 1, DESCRIPTORS_MAX), -EINVAL);
	assert_int_equal(descriptors_arrange(fds, -1, 2), -EINVAL);
	assert_int_equal(descriptors_arrange(fds, 0, -1), -EINVAL);
	check_arrange((const int[]){40}, 1, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaa", 3);
}

static void a_descriptor_that_is_none(void **state)
{
	pid_t pid = fork();
	int status;

	(void)state;
	if (pid == 0)
		_exit(descriptors_arrange((const int[]){1, -1}, 10, 2) == -EBADF ? 0 : 1);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

/* ---- messages ---- */

static int ends[2];

static int build(void **state)
{
	(void)state;
	return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends);
}

static int tear_down(void **state)
{
	(void)state;
	close_fd(&ends[0]);
	close_fd(&ends[1]);
	return 0;
}

static void a_message_brings_its_descriptors(void **state)
{
	int sent[3] = {marked('a'), marked('b'), marked('c')}, got[4] = {-1, -1, -1, -1};
	char text[16] = "";
	size_t n = 99;

	(void)state;
	assert_int_equal(descriptors_send(ends[0], "hello", 5, sent, 3), 0);
	assert_int_equal(descriptors_receive(ends[1], text, sizeof(text), got, 4, &n), 5);
	assert_string_equal(text, "hello");
	assert_int_equal(n, 3);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(mark_of(got[i]), 'a' + i);
		assert_true(fcntl(got[i], F_GETFD) & FD_CLOEXEC);
		assert_int_equal(close(got[i]), 0);
		assert_int_equal(close(sent[i]), 0);
	}
	assert_int_equal(got[3], -1);
}

static void a_message_may_come_without(void **state)
{
	int got[1];
	char text[16];
	size_t n = 99;

	(void)state;
	assert_int_equal(descriptors_send(ends[0], "x", 1, NULL, 0), 0);
	assert_int_equal(descriptors_receive(ends[1], text, sizeof(text), got, 1, &n), 1);
	assert_int_equal(n, 0);
	assert_int_equal(descriptors_receive(ends[1], text, sizeof(text), got, 1, &n), -EAGAIN);
	close_fd(&ends[0]);
	assert_int_equal(descriptors_receive(ends[1], text, sizeof(text), got, 1, &n), 0);
	assert_int_equal(n, 0);
}

static void send_many(size_t n)
{
	int fds[DESCRIPTORS_MAX];

	for (size_t i = 0; i < n; i++)
		fds[i] = STDERR_FILENO;
	assert_int_equal(descriptors_send(ends[0], "x", 1, fds, n), 0);
}

static void more_than_expected_are_refused_and_closed(void **state)
{
	size_t before = count_open(), n = 99;
	int got[DESCRIPTORS_MAX];
	char text[16];

	(void)state;
	for (size_t room = 0; room < DESCRIPTORS_MAX; room += 5) {
		send_many(room + 1);
		assert_int_equal(descriptors_receive(ends[1], text, sizeof(text), got, room, &n),
				 -E2BIG);
		assert_int_equal(count_open(), before);
	}
	assert_int_equal(n, 99);
	/* As many as there may be, where there is room. */
	send_many(DESCRIPTORS_MAX);
	assert_int_equal(descriptors_receive(ends[1], text, sizeof(text), got, DESCRIPTORS_MAX, &n),
			 1);
	assert_int_equal(n, DESCRIPTORS_MAX);
	assert_int_equal(count_open(), before + DESCRIPTORS_MAX);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(close(got[i]), 0);
}

/* More than any receiver of ours has room for: the kernel cuts them. */
static void a_flood_is_refused_and_closed(void **state)
{
	union {
		char bytes[CMSG_SPACE(sizeof(int) * 200)];
		struct cmsghdr align;
	} control = {{0}};
	struct iovec iov = {.iov_base = (char[]){"x"}, .iov_len = 1};
	struct msghdr msg = {.msg_iov = &iov,
			     .msg_iovlen = 1,
			     .msg_control = control.bytes,
			     .msg_controllen = sizeof(control.bytes)};
	struct cmsghdr *h = CMSG_FIRSTHDR(&msg);
	size_t before = count_open(), n = 99;
	int got[DESCRIPTORS_MAX];
	char text[16];

	(void)state;
	h->cmsg_level = SOL_SOCKET;
	h->cmsg_type = SCM_RIGHTS;
	h->cmsg_len = CMSG_LEN(sizeof(int) * 200);
	for (size_t i = 0; i < 200; i++) {
		const int fd = STDERR_FILENO;

		memcpy(CMSG_DATA(h) + i * sizeof(fd), &fd, sizeof(fd));
	}
	assert_int_equal(sendmsg(ends[0], &msg, 0), 1);
	assert_int_equal(descriptors_receive(ends[1], text, sizeof(text), got, DESCRIPTORS_MAX, &n),
			 -E2BIG);
	assert_int_equal(count_open(), before);
}

static void a_longer_message_is_refused_and_its_descriptors_closed(void **state)
{
	size_t before = count_open(), n = 99;
	int got[2], fd = STDERR_FILENO;
	char text[4];

	(void)state;
	assert_int_equal(descriptors_send(ends[0], "hello", 5, &fd, 1), 0);
	assert_int_equal(descriptors_receive(ends[1], text, sizeof(text), got, 2, &n), -EMSGSIZE);
	assert_int_equal(count_open(), before);
	/* The next one is whole. */
	assert_int_equal(descriptors_send(ends[0], "good", 4, NULL, 0), 0);
	assert_int_equal(descriptors_receive(ends[1], text, sizeof(text), got, 2, &n), 4);
	assert_memory_equal(text, "good", 4);
}

static void sending_has_bounds(void **state)
{
	int fds[DESCRIPTORS_MAX + 1], none = -1;

	(void)state;
	for (size_t i = 0; i <= DESCRIPTORS_MAX; i++)
		fds[i] = STDERR_FILENO;
	assert_int_equal(descriptors_send(ends[0], "x", 1, fds, DESCRIPTORS_MAX + 1), -EINVAL);
	assert_int_equal(descriptors_send(ends[0], "x", 1, &none, 1), -EBADF);
	close_fd(&ends[1]);
	/* Without SIGPIPE. */
	assert_int_equal(descriptors_send(ends[0], "x", 1, NULL, 0), -EPIPE);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, build, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(any_order_and_overlap),
		cmocka_unit_test(from_the_first_number_on),
		cmocka_unit_test(as_many_as_there_may_be),
		cmocka_unit_test(a_descriptor_that_is_none),
		TEST(a_message_brings_its_descriptors),
		TEST(a_message_may_come_without),
		TEST(more_than_expected_are_refused_and_closed),
		TEST(a_flood_is_refused_and_closed),
		TEST(a_longer_message_is_refused_and_its_descriptors_closed),
		TEST(sending_has_bounds),
	};

	return cmocka_run_group_tests_name("descriptors", tests, NULL, NULL);
}
