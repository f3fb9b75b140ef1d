/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_keeper.c - the keeper itself, without its jail, on a link over vsock: library, VMM and guest
 * are ours. The VMM makes its sockets itself, in the keeper's folder, as Firecracker does.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "jail/request.h"
#include "machine/control.h"
#include "sys/descriptors.h"
#include "frames.h"

#define LISTENER    (&JAIL_LISTENER[sizeof(JAIL_SOCKETS)]) /* in the current folder */
#define WAIT_S	    10U
#define SOME_ANSWER "OK 1073741824\n"

static char dir[32];
static int control_fd, client_fd, monitor_fd, console_fd;
static pid_t keeper_pid;
static uint8_t buf[WIRE_FRAME_MAX_B], identity[WIRE_IDENTITY_MAX_B];
static size_t identity_len;

static struct sockaddr_un address_of(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	return address;
}

static int listen_at(const char *path)
{
	const struct sockaddr_un address = address_of(path);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(bind(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(fd, SOMAXCONN), 0);
	return fd;
}

/* No test waits for ever. */
static int patient(int fd)
{
	const struct timeval limit = {.tv_sec = WAIT_S};

	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)), 0);
	return fd;
}

static int call_host(void)
{
	const struct sockaddr_un address = address_of(LISTENER);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(connect(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
	return patient(fd);
}

static void run_keeper(const int *fds)
{
	char *const argv[] = {(char[]){"ironclaw-keeper"}, NULL}, *const env[] = {NULL};
	int high[JAIL_KEEPER_FDS];

	for (int i = 0; i < JAIL_KEEPER_FDS; i++)
		high[i] = fcntl(fds[i], F_DUPFD_CLOEXEC, 100);
	for (int i = 0; i < JAIL_KEEPER_FDS; i++)
		(void)dup2(high[i], JAIL_FIRST_FD + i);
	(void)execve(KEEPER, argv, env);
	_exit(127);
}

static int build(void **state)
{
	int control[2], client[2], monitor[2], console[2];
	int fds[JAIL_KEEPER_FDS];

	(void)state;
	(void)snprintf(dir, sizeof(dir), "/tmp/test_keeper.XXXXXX");
	assert_non_null(mkdtemp(dir));
	assert_int_equal(chdir(dir), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, control), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, client), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, monitor), 0);
	assert_int_equal(pipe2(console, O_CLOEXEC), 0);
	fds[JAIL_KEEPER_CONTROL] = control[1];
	fds[JAIL_KEEPER_CLIENT] = client[1];
	fds[JAIL_KEEPER_LINK] = listen_at(LISTENER);
	fds[JAIL_KEEPER_MONITOR] = monitor[1];
	fds[JAIL_KEEPER_CONSOLE] = console[0];
	keeper_pid = fork();
	if (keeper_pid == 0)
		run_keeper(fds);
	for (int i = 0; i < JAIL_KEEPER_FDS; i++)
		(void)close(fds[i]);
	control_fd = patient(control[0]);
	client_fd = patient(client[0]);
	monitor_fd = monitor[0];
	console_fd = console[1];
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	close_fd(&control_fd);
	close_fd(&client_fd);
	close_fd(&monitor_fd);
	close_fd(&console_fd);
	(void)kill(keeper_pid, SIGKILL);
	(void)waitpid(keeper_pid, NULL, 0);
	(void)unlink(LISTENER);
	(void)unlink(ENGINE_VSOCK_NAME);
	assert_int_equal(chdir("/"), 0);
	assert_int_equal(rmdir(dir), 0);
	return 0;
}

static void start(uint32_t deadline_ms)
{
	struct control_request request = {.kind = CONTROL_START,
					  .overlay_mib = 64,
					  .deadline_ms = deadline_ms,
					  .hostname = "vm-1",
					  .engine = VM_ENGINE_QEMU,
					  .link = ENGINE_LINK_VSOCK,
					  .guest_cid = ENGINE_SOCKETS_CID};

	assert_int_equal(descriptors_send(control_fd, &request, sizeof(request), NULL, 0), 0);
}

static struct control_event hears_keeper(void)
{
	struct control_event event = {0};

	assert_int_equal(recv(control_fd, &event, sizeof(event), 0), (ssize_t)sizeof(event));
	return event;
}

static void put(int fd, size_t len)
{
	assert_int_equal(send(fd, buf, len, MSG_NOSIGNAL), (ssize_t)len);
}

static void hello(int guest)
{
	put(guest, frame_put_u32(buf, WIRE_HELLO, WIRE_STREAM_NONE, 0, WIRE_VERSION));
}

/* Reads a frame into buf. Return: bytes of its payload */
static uint32_t takes(int fd, enum wire_kind kind, uint16_t session)
{
	struct wire_header header;

	assert_int_equal(recv(fd, buf, WIRE_HEADER_B, MSG_WAITALL), WIRE_HEADER_B);
	wire_header_get(buf, &header);
	assert_int_equal(header.kind, kind);
	assert_int_equal(header.session, session);
	if (header.length > 0)
		assert_int_equal(recv(fd, buf, header.length, MSG_WAITALL), (ssize_t)header.length);
	return header.length;
}

static void takes_identity(int guest)
{
	identity_len = takes(guest, WIRE_IDENTITY, 0);
	memcpy(identity, buf, identity_len);
	put(guest, frame_put(buf, WIRE_IDENTITY_OK, WIRE_STREAM_NONE, 0, NULL, 0));
}

/* Up to a VM that takes commands. Return: the guest's end of its link */
static int ready_guest(void)
{
	int guest = call_host();

	hello(guest);
	takes_identity(guest);
	assert_int_equal(hears_keeper().kind, CONTROL_READY);
	return guest;
}

static void library_runs(uint16_t session, int guest)
{
	put(client_fd, frame_put(buf, WIRE_EXEC, WIRE_STREAM_NONE, session, "request", 7));
	(void)takes(guest, WIRE_EXEC, session);
	put(guest, frame_put(buf, WIRE_STARTED, WIRE_STREAM_NONE, session, NULL, 0));
	(void)takes(client_fd, WIRE_STARTED, session);
}

static void has_ended(int fd)
{
	errno = 0;
	assert_true(recv(fd, buf, 1, 0) <= 0 && errno != EAGAIN);
}

static void a_guest_calls_and_is_made_itself(void **state)
{
	int guest;

	(void)state;
	start(10000);
	guest = ready_guest();
	library_runs(1, guest);
	put(guest, frame_put_exit(buf, 1, 0));
	(void)takes(client_fd, WIRE_EXIT, 1);
	(void)close(guest);
}

static void a_guest_is_called(void **state)
{
	int vmm = patient(listen_at(ENGINE_VSOCK_NAME)), guest;

	(void)state;
	start(10000);
	guest = patient(accept(vmm, NULL, NULL));
	assert_int_equal(recv(guest, buf, 10, MSG_WAITALL), 10);
	assert_memory_equal(buf, "CONNECT 3\n", 10);
	assert_int_equal(send(guest, SOME_ANSWER, strlen(SOME_ANSWER), 0), strlen(SOME_ANSWER));
	hello(guest);
	takes_identity(guest);
	assert_int_equal(hears_keeper().kind, CONTROL_READY);
	library_runs(1, guest);
	(void)close(guest);
	(void)close(vmm);
}

static void a_link_that_breaks_early_is_no_failure(void **state)
{
	int guest;

	(void)state;
	start(10000);
	guest = call_host();
	hello(guest);
	(void)takes(guest, WIRE_IDENTITY, 0);
	(void)close(guest);
	guest = ready_guest();
	library_runs(1, guest);
	(void)close(guest);
}

static void a_link_that_breaks_later_leaves_no_outcome(void **state)
{
	uint8_t first[WIRE_IDENTITY_MAX_B];
	size_t n, first_len;
	int guest;

	(void)state;
	start(10000);
	guest = ready_guest();
	first_len = identity_len;
	memcpy(first, identity, first_len);
	library_runs(1, guest);
	library_runs(2, guest);
	n = frame_put(buf, WIRE_DATA, WIRE_STREAM_STDOUT, 1, "whole", 5);
	n += frame_put(buf + n, WIRE_DATA, WIRE_STREAM_STDOUT, 1, "half", 4);
	put(guest, n - 2);
	(void)close(guest);
	assert_int_equal(takes(client_fd, WIRE_DATA, 1), 5);
	(void)takes(client_fd, WIRE_LOST, 1);
	(void)takes(client_fd, WIRE_LOST, 2);
	/* A command before the guest is back waits for it. */
	put(client_fd, frame_put(buf, WIRE_EXEC, WIRE_STREAM_NONE, 3, "request", 7));
	guest = call_host();
	hello(guest);
	takes_identity(guest);
	assert_int_equal(identity_len, first_len);
	assert_memory_equal(identity, first, first_len);
	(void)takes(guest, WIRE_EXEC, 3);
	put(guest, frame_put(buf, WIRE_STARTED, WIRE_STREAM_NONE, 3, NULL, 0));
	(void)takes(client_fd, WIRE_STARTED, 3);
	/* READY is said once. */
	assert_int_equal(recv(control_fd, buf, 1, MSG_DONTWAIT), -1);
	(void)close(guest);
}

static void a_second_caller_is_hung_up_on_and_the_link_tried(void **state)
{
	int guest, other;

	(void)state;
	start(10000);
	guest = ready_guest();
	library_runs(1, guest);
	other = call_host();
	has_ended(other);
	(void)close(other);
	/* About a session that is not open. */
	assert_int_equal(takes(guest, WIRE_KILL, 16), 0);
	put(guest, frame_put_exit(buf, 1, 0));
	(void)takes(client_fd, WIRE_EXIT, 1);
	(void)close(guest);
}

static void a_guest_that_breaks_a_rule_ends_the_vm(void **state)
{
	struct control_event event;
	int guest;

	(void)state;
	start(10000);
	guest = ready_guest();
	library_runs(1, guest);
	put(guest, frame_put(buf, WIRE_LOST, WIRE_STREAM_NONE, 1, NULL, 0));
	event = hears_keeper();
	assert_int_equal(event.kind, CONTROL_FAILED);
	assert_int_equal(event.error.code, IRONCLAW_ERR_GUEST);
	has_ended(guest);
	(void)close(guest);
}

static void a_guest_that_never_calls_is_waited_for_so_long(void **state)
{
	struct control_event event;

	(void)state;
	start(1000);
	event = hears_keeper();
	assert_int_equal(event.kind, CONTROL_FAILED);
	assert_int_equal(event.error.code, IRONCLAW_ERR_TIMEOUT);
}

static void a_vmm_that_dies_is_no_link_that_broke(void **state)
{
	struct control_event event;
	int guest;

	(void)state;
	start(10000);
	guest = ready_guest();
	library_runs(1, guest);
	/* In this order, as a process dies. */
	(void)close(guest);
	usleep(20 * 1000);
	close_fd(&monitor_fd);
	event = hears_keeper();
	assert_int_equal(event.kind, CONTROL_FAILED);
	assert_int_equal(event.error.code, IRONCLAW_ERR_LOST);
	assert_string_equal(event.error.text, "the VMM ended");
}

static void a_vmm_that_dies_early_is_quoted(void **state)
{
	static const char complaint[] = "no such device\n";
	struct control_event event;

	(void)state;
	start(10000);
	assert_int_equal(write(console_fd, complaint, strlen(complaint)), strlen(complaint));
	close_fd(&console_fd);
	close_fd(&monitor_fd);
	event = hears_keeper();
	assert_int_equal(event.kind, CONTROL_FAILED);
	assert_int_equal(event.error.code, IRONCLAW_ERR_VMM);
	assert_non_null(strstr(event.error.text, "no such device"));
}

static void a_library_that_is_gone_ends_the_keeper_without_a_link(void **state)
{
	int guest, status;

	(void)state;
	start(10000);
	guest = ready_guest();
	(void)close(guest);
	usleep(50 * 1000);
	close_fd(&control_fd);
	(void)alarm(WAIT_S);
	assert_int_equal(waitpid(keeper_pid, &status, 0), keeper_pid);
	(void)alarm(0);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	/* For tear_down(): a child that can be killed. */
	keeper_pid = fork();
	if (keeper_pid == 0)
		_exit(0);
}

/* One command of QMP's, and what QEMU says to it. */
static void qemu_hears(const char *command, const char *answer)
{
	char line[256];
	ssize_t n = recv(monitor_fd, line, sizeof(line) - 1, 0);

	assert_true(n > 0);
	line[n] = '\0';
	assert_non_null(strstr(line, command));
	assert_int_equal(send(monitor_fd, answer, strlen(answer), 0), (ssize_t)strlen(answer));
}

static void orders(uint32_t kind, uint32_t vmm_stopped)
{
	const struct control_request request = {.kind = kind,
						.deadline_ms = 10000,
						.vmm_stopped = vmm_stopped};

	assert_int_equal(descriptors_send(control_fd, &request, sizeof(request), NULL, 0), 0);
}

/* Of a frame that no guest asked for, with the host's clock. */
static void takes_time(int guest)
{
	struct timespec now;
	int64_t said_s;

	assert_int_equal(takes(guest, WIRE_TIME, 0), WIRE_TIME_B);
	assert_int_equal(wire_get_u64(buf), WIRE_TIME_UNASKED);
	said_s = (int64_t)(wire_get_u64(buf + 8) / 1000000000U);
	(void)clock_gettime(CLOCK_REALTIME, &now);
	assert_true(said_s <= now.tv_sec && said_s > now.tv_sec - WAIT_S);
}

static void a_guest_is_paused_and_told_the_time(void **state)
{
	int guest;

	(void)state;
	start(10000);
	guest = ready_guest();
	library_runs(1, guest);
	orders(CONTROL_PAUSE, 0);
	qemu_hears("qmp_capabilities", "{\"return\":{}}\n");
	qemu_hears("\"stop\"", "{\"event\":\"STOP\"}\n{\"return\":{}}\n");
	assert_int_equal(hears_keeper().kind, CONTROL_PAUSED);
	orders(CONTROL_RESUME, 0);
	qemu_hears("\"cont\"", "{\"return\":{}}\n");
	assert_int_equal(hears_keeper().kind, CONTROL_RESUMED);
	put(client_fd, frame_put(buf, WIRE_KILL, WIRE_STREAM_NONE, 1, NULL, 0));
	takes_time(guest);
	(void)takes(guest, WIRE_KILL, 1);
	(void)close(guest);
}

/* The monitor of a VMM that the warden has stopped, and let go on, is left alone. */
static void the_time_waits_for_the_end_of_a_frame(void **state)
{
	int guest;
	size_t n;

	(void)state;
	start(10000);
	guest = ready_guest();
	n = frame_put(buf, WIRE_EXEC, WIRE_STREAM_NONE, 1, "request", 7);
	assert_int_equal(send(client_fd, buf, n - 3, 0), (ssize_t)n - 3);
	usleep(50 * 1000);
	orders(CONTROL_RESUME, 1);
	assert_int_equal(hears_keeper().kind, CONTROL_RESUMED);
	assert_int_equal(recv(guest, buf + n, 1, MSG_DONTWAIT), -1);
	assert_int_equal(send(client_fd, buf + n - 3, 3, 0), 3);
	(void)takes(guest, WIRE_EXEC, 1);
	takes_time(guest);
	assert_int_equal(recv(monitor_fd, buf, 1, MSG_DONTWAIT), -1);
	(void)close(guest);
}

static void a_pause_that_fails_ends_the_vm(void **state)
{
	struct control_event event;
	int guest;

	(void)state;
	start(10000);
	guest = ready_guest();
	orders(CONTROL_PAUSE, 0);
	qemu_hears("qmp_capabilities", "{\"return\":{}}\n");
	qemu_hears("\"stop\"", "{\"error\":{\"desc\":\"no\"}}\n");
	event = hears_keeper();
	assert_int_equal(event.kind, CONTROL_FAILED);
	assert_int_equal(event.error.code, IRONCLAW_ERR_VMM);
	(void)close(guest);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_guest_calls_and_is_made_itself, build, tear_down),
		cmocka_unit_test_setup_teardown(a_guest_is_called, build, tear_down),
		cmocka_unit_test_setup_teardown(a_link_that_breaks_early_is_no_failure, build,
						tear_down),
		cmocka_unit_test_setup_teardown(a_link_that_breaks_later_leaves_no_outcome, build,
						tear_down),
		cmocka_unit_test_setup_teardown(a_second_caller_is_hung_up_on_and_the_link_tried,
						build, tear_down),
		cmocka_unit_test_setup_teardown(a_guest_that_breaks_a_rule_ends_the_vm, build,
						tear_down),
		cmocka_unit_test_setup_teardown(a_guest_that_never_calls_is_waited_for_so_long,
						build, tear_down),
		cmocka_unit_test_setup_teardown(a_vmm_that_dies_is_no_link_that_broke, build,
						tear_down),
		cmocka_unit_test_setup_teardown(a_vmm_that_dies_early_is_quoted, build, tear_down),
		cmocka_unit_test_setup_teardown(a_guest_is_paused_and_told_the_time, build,
						tear_down),
		cmocka_unit_test_setup_teardown(the_time_waits_for_the_end_of_a_frame, build,
						tear_down),
		cmocka_unit_test_setup_teardown(a_pause_that_fails_ends_the_vm, build, tear_down),
		cmocka_unit_test_setup_teardown(
			a_library_that_is_gone_ends_the_keeper_without_a_link, build, tear_down),
	};

	return cmocka_run_group_tests_name("keeper", tests, NULL, NULL);
}
