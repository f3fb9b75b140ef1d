/* SPDX-License-Identifier: Apache-2.0 */
/* spawn.c - streams and fork of a command; see spawn.h. */
#include "guest/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <termios.h>
#include <unistd.h>

#include "guest/child.h"

#define PIPE_B		    ((int)WIRE_WINDOW_B)

/* linux/sched.h, which musl does not bring. */
#define CLONE_INTO_A_CGROUP UINT64_C(0x200000000)
struct clone_args {
	uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls, set_tid,
		set_tid_size, cgroup;
};

/* Everything opened on the way; what is still here at the end is closed. */
struct ends {
	int status[2];
	int pipe[3][2];
	int master;
};

static void close_end(int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
	*fd = -EBADF;
}

static void close_ends(struct ends *ends)
{
	close_end(&ends->status[0]);
	close_end(&ends->status[1]);
	for (int i = 0; i < 3; i++) {
		close_end(&ends->pipe[i][0]);
		close_end(&ends->pipe[i][1]);
	}
	close_end(&ends->master);
}

static int take_end(int *fd)
{
	int r = *fd;

	*fd = -EBADF;
	return r;
}

static int set_nonblocking(int fd)
{
	return fcntl(fd, F_SETFL, O_NONBLOCK) < 0 ? -errno : 0;
}

/* @ours: index of the agent's end. */
static int open_pipe(int fds[2], int ours)
{
	if (pipe2(fds, O_CLOEXEC) < 0)
		return -errno;
	/* Fewer switches between the command and us; a smaller pipe works as well. */
	(void)fcntl(fds[0], F_SETPIPE_SZ, PIPE_B);
	return set_nonblocking(fds[ours]);
}

static int open_terminal(int *ret)
{
	int unlocked = 0, r = 0, fd = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0)
		return -errno;
	if (ioctl(fd, TIOCSPTLCK, &unlocked) < 0) {
		r = -errno;
		(void)close(fd);
		return r;
	}
	*ret = fd;
	return 0;
}

static int open_streams(struct ends *ends, uint32_t flags)
{
	int r = 0;

	if (flags & WIRE_EXEC_TTY)
		return open_terminal(&ends->master);
	if (flags & WIRE_EXEC_STDIN)
		r = open_pipe(ends->pipe[STDIN_FILENO], 1);
	if (r == 0)
		r = open_pipe(ends->pipe[STDOUT_FILENO], 0);
	if (r == 0)
		r = open_pipe(ends->pipe[STDERR_FILENO], 0);
	return r;
}

/*
 * Not vfork, which would save a clone 4 % of its translated code: a child that shares our memory
 * and for which we wait may, once it has its user's identity, be stopped by that user's others.
 */
static pid_t fork_into(int cgroup_dir)
{
	struct clone_args args = {
		.flags = CLONE_INTO_A_CGROUP,
		.exit_signal = SIGCHLD,
		.cgroup = (uint64_t)cgroup_dir,
	};

	return (pid_t)syscall(SYS_clone3, &args, sizeof(args));
}

static int start(int cgroup_dir, struct ends *ends, struct child_plan *plan, struct spawned *ret)
{
	int r = open_streams(ends, plan->exec.flags);

	if (r < 0)
		return r;
	if (pipe2(ends->status, O_CLOEXEC) < 0)
		return -errno;
	r = set_nonblocking(ends->status[0]);
	if (r < 0)
		return r;
	plan->stdio[STDIN_FILENO] = ends->pipe[STDIN_FILENO][0];
	plan->stdio[STDOUT_FILENO] = ends->pipe[STDOUT_FILENO][1];
	plan->stdio[STDERR_FILENO] = ends->pipe[STDERR_FILENO][1];
	plan->master = ends->master;
	plan->status = ends->status[1];
	ret->pid = fork_into(cgroup_dir);
	if (ret->pid < 0)
		return -errno;
	if (ret->pid == 0)
		child_run(plan);
	ret->status = take_end(&ends->status[0]);
	ret->err = take_end(&ends->pipe[STDERR_FILENO][0]);
	if (ends->master >= 0) {
		ret->out = take_end(&ends->master);
		ret->in = plan->exec.flags & WIRE_EXEC_STDIN ? ret->out : -EBADF;
	} else {
		ret->out = take_end(&ends->pipe[STDOUT_FILENO][0]);
		ret->in = take_end(&ends->pipe[STDIN_FILENO][1]);
	}
	return 0;
}

int spawn(int cgroup_dir, const uint8_t *request, size_t length, const struct wire_exec *exec,
	  struct spawned *ret)
{
	struct child_plan plan = {.request = request, .length = length, .exec = *exec};
	struct ends ends = {
		.status = {-EBADF, -EBADF},
		.pipe = {{-EBADF, -EBADF}, {-EBADF, -EBADF}, {-EBADF, -EBADF}},
		.master = -EBADF,
	};
	struct spawned spawned;
	int r = start(cgroup_dir, &ends, &plan, &spawned);

	close_ends(&ends);
	if (r == 0)
		*ret = spawned;
	return r;
}
