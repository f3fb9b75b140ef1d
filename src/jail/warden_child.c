/* SPDX-License-Identifier: Apache-2.0 */
/*
 * warden_child.c - a child of the warden, from its clone to its end; see warden_child.h.
 *
 * The only call that a supervisor of ours ever lets pass is the execve(2) by which a child leaves
 * the warden's own code. Until then nobody but us wrote a byte of that process, so the usual
 * objection, that what a pointer leads to may change after it was looked at, does not apply; and
 * which file is executed was the plan's to say anyway.
 */
#include "jail/warden_child.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/sched.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "sys/descriptors.h"
#include "sys/seccomp.h"

#define DYING_MS     1000
#define STOP_MS	     1000
#define STOP_POLL_MS 1

static pid_t clone_with_pidfd(const struct warden_limits_entry *cgroup, int *ret_pidfd)
{
	struct clone_args args = {
		.flags = WARDEN_JAIL_NAMESPACES | CLONE_PIDFD,
		.pidfd = (uint64_t)(uintptr_t)ret_pidfd,
		.exit_signal = SIGCHLD,
	};
	pid_t pid;

	if (cgroup && cgroup->group_fd >= 0) {
		args.flags |= CLONE_INTO_CGROUP;
		args.cgroup = (uint64_t)cgroup->group_fd;
	}
	pid = (pid_t)syscall(SYS_clone3, &args, sizeof(args));
	return pid < 0 ? -errno : pid;
}

int warden_child_make(struct warden_child *child, struct warden_jail *jail)
{
	int sockets[2];

	child->program = jail->program;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets) < 0)
		return -errno;
	child->pid = clone_with_pidfd(jail->cgroup, &child->pidfd);
	if (child->pid == 0) {
		/* Only then does the socket tell of the warden's death. */
		(void)close(sockets[0]);
		warden_limits_release(jail->hold);
		jail->report_fd = sockets[1];
		warden_jail_enter(jail);
	}
	(void)close(sockets[1]);
	child->report_fd = sockets[0];
	return child->pid < 0 ? child->pid : 0;
}

static int write_map(pid_t pid, const char *name, const char *text)
{
	cleanup_close int fd = -EBADF;
	char path[64];
	ssize_t n;

	(void)snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	n = write(fd, text, strlen(text));
	if (n < 0)
		return -errno;
	return n == (ssize_t)strlen(text) ? 0 : -EIO;
}

int warden_child_go(struct warden_child *child, const struct warden_jail *jail)
{
	char line[64];
	/* Before the gid map: the kernel asks an unprivileged writer for it. */
	int r = write_map(child->pid, "setgroups", "deny");

	if (r < 0)
		return r;
	(void)snprintf(line, sizeof(line), "%u %u 1\n", jail->uid, jail->uid);
	r = write_map(child->pid, "uid_map", line);
	if (r < 0)
		return r;
	(void)snprintf(line, sizeof(line), "%u %u 1\n", jail->gid, jail->gid);
	r = write_map(child->pid, "gid_map", line);
	if (r < 0)
		return r;
	/* A child that died says more in warden_child_exec(). */
	if (send(child->report_fd, "", 1, MSG_NOSIGNAL) < 0 && errno != EPIPE)
		return -errno;
	return 0;
}

static void fail(struct warden_failure *failure, enum jail_stage stage, int errnum, uint32_t detail)
{
	*failure = (struct warden_failure){.stage = stage, .errnum = errnum, .detail = detail};
}

/*
 * The next message of the child: a failure, or that it got somewhere, with @n_fds descriptors.
 * Return: whether there was one; false at the end, with the exec or the death of the child
 */
static bool read_report(struct warden_child *child, int *ret_fds, size_t n_fds,
			struct warden_failure *failure)
{
	struct warden_report report;
	size_t got = 0;
	ssize_t n = descriptors_receive(child->report_fd, &report, sizeof(report), ret_fds, n_fds,
					&got);

	if (n <= 0)
		return false;
	if (n != sizeof(report) || report.stage >= JAIL_STAGE_MAX ||
	    got != (report.stage == JAIL_STAGE_NONE ? n_fds : 0))
		fail(failure, JAIL_STAGE_REQUEST, EBADMSG, 0);
	else if (report.stage != JAIL_STAGE_NONE)
		fail(failure, (enum jail_stage)report.stage, report.errnum, report.detail);
	return true;
}

/* Whether there is a report to read; a failure otherwise. */
static bool wait_for_report(const struct warden_child *child, struct warden_failure *failure)
{
	struct pollfd p[] = {{.fd = child->report_fd, .events = POLLIN},
			     {.fd = JAIL_WARDEN_FD, .events = POLLRDHUP}};
	int n;

	while ((n = poll(p, 2, -1)) < 0 && errno == EINTR)
		;
	if (n < 0)
		fail(failure, JAIL_STAGE_SOCKETS, errno, 0);
	else if (p[1].revents)
		fail(failure, JAIL_STAGE_SOCKETS, ECANCELED, 0);
	return failure->stage == JAIL_STAGE_NONE;
}

void warden_child_share(struct warden_child *vmm, const struct warden_child *keeper,
			struct warden_failure *ret)
{
	int fds[WARDEN_SOCKETS_FDS] = {-EBADF, -EBADF}, r;

	ret->stage = JAIL_STAGE_NONE;
	if (!wait_for_report(vmm, ret))
		return;
	if (!read_report(vmm, fds, WARDEN_SOCKETS_FDS, ret))
		fail(ret, JAIL_STAGE_SOCKETS, ECHILD, 0);
	if (ret->stage != JAIL_STAGE_NONE)
		return;
	/* A keeper's child that died says more in warden_child_exec(). */
	r = descriptors_send(keeper->report_fd, "", 1, fds, WARDEN_SOCKETS_FDS);
	if (r < 0 && r != -EPIPE && r != -ECONNRESET)
		fail(ret, JAIL_STAGE_SOCKETS, -r, 0);
	for (size_t i = 0; i < WARDEN_SOCKETS_FDS; i++)
		close_fd(&fds[i]);
}

/* A denied call before the program runs. Return: whether it was the one that may pass */
static bool pass_exec(const struct warden_child *child, bool passed, struct warden_failure *failure)
{
	struct seccomp_notif call;

	if (seccomp_next(child->listener_fd, &call) < 0)
		return false;
	if (!passed && call.pid == (uint32_t)child->pid && call.data.arch == AUDIT_ARCH_X86_64 &&
	    (call.data.nr == SYS_execve || call.data.nr == SYS_execveat) &&
	    seccomp_pass(child->listener_fd, &call) == 0)
		return true;
	fail(failure, JAIL_STAGE_SECCOMP, EPERM, (uint32_t)call.data.nr);
	return false;
}

void warden_child_exec(struct warden_child *child, struct warden_failure *ret)
{
	bool passed = false;

	ret->stage = JAIL_STAGE_NONE;
	while (ret->stage == JAIL_STAGE_NONE) {
		struct pollfd p[] = {
			{.fd = child->report_fd, .events = POLLIN},
			/* Not there before the child has reported it. */
			{.fd = child->listener_fd, .events = POLLIN},
			{.fd = JAIL_WARDEN_FD, .events = POLLRDHUP},
		};

		if (poll(p, 3, -1) < 0) {
			if (errno != EINTR)
				fail(ret, JAIL_STAGE_EXEC, errno, 0);
		} else if (p[2].revents) {
			/* Nobody wants it any more, and a child may hang: at a file, in a call. */
			fail(ret, JAIL_STAGE_EXEC, ECANCELED, 0);
		} else if (p[0].revents) {
			/* The report first: its end comes before the first call of the new program.
			 */
			if (!read_report(child, &child->listener_fd, 1, ret))
				break;
		} else if (p[1].revents & POLLIN) {
			passed = pass_exec(child, passed, ret) || passed;
		}
	}
	/* The end without an exec is a death. */
	if (ret->stage == JAIL_STAGE_NONE && !passed)
		fail(ret, JAIL_STAGE_EXEC, ECHILD, 0);
	close_fd(&child->report_fd);
}

bool warden_child_ends(const struct warden_child *child)
{
	struct pollfd p = {.fd = child->pidfd, .events = POLLIN};

	return poll(&p, 1, DYING_MS) > 0;
}

int warden_child_stop(const struct warden_child *child)
{
	const struct timespec pause = {.tv_nsec = STOP_POLL_MS * 1000000L};
	struct pollfd dead = {.fd = child->pidfd, .events = POLLIN};
	siginfo_t info = {.si_pid = 0};

	if (syscall(SYS_pidfd_send_signal, child->pidfd, SIGSTOP, NULL, 0) < 0)
		return -errno;
	for (int waited_ms = 0; waited_ms < STOP_MS; waited_ms += STOP_POLL_MS) {
		if (waitid(P_PID, (id_t)child->pid, &info, WSTOPPED | WNOHANG) < 0)
			return -errno;
		if (info.si_pid == child->pid)
			return 0;
		if (poll(&dead, 1, 0) > 0)
			return -ESRCH;
		(void)nanosleep(&pause, NULL);
	}
	return -ETIMEDOUT;
}

int warden_child_continue(const struct warden_child *child)
{
	return syscall(SYS_pidfd_send_signal, child->pidfd, SIGCONT, NULL, 0) < 0 ? -errno : 0;
}

void warden_child_kill(const struct warden_child *child)
{
	if (child->pid > 0)
		(void)syscall(SYS_pidfd_send_signal, child->pidfd, SIGKILL, NULL, 0);
}

int warden_child_end(struct warden_child *child)
{
	int status = 0;

	warden_child_kill(child);
	if (child->pid > 0) {
		while (waitpid(child->pid, &status, 0) < 0 && errno == EINTR)
			;
	}
	close_fd(&child->report_fd);
	close_fd(&child->listener_fd);
	close_fd(&child->pidfd);
	child->pid = 0;
	return status;
}
