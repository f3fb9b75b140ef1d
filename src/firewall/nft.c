/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nft.c - one run of nft(8); see nft.h.
 *
 * The script is written into a pipe before the fork. It fits, so nobody waits for a reader, and we
 * hold the other end, so no SIGPIPE comes. Between fork and exec the child makes system calls only.
 * An exec that fails after all is an exit status like any other failure of the program.
 */
#include "firewall/nft.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "sys/clock.h"
#include "sys/descriptors.h"

#define EXEC_FAILED 127
#define MS_US	    1000

static const char *const places[] = {"/usr/sbin/nft", "/sbin/nft"};

/* -n, -y: numbers in the output, which do not depend on what a host calls them. */
static char *const arguments[] = {(char[]){"nft"}, (char[]){"-n"}, (char[]){"-y"},
				  (char[]){"-f"},  (char[]){"-"},  NULL};

struct pipe_ends {
	int read, write;
};

/* The three pipes of a run, and the program behind them. */
struct run {
	struct pipe_ends in, out, err;
	pid_t pid;
	int pidfd;
};

static void release_run(struct run *r)
{
	close_fd(&r->in.read);
	close_fd(&r->in.write);
	close_fd(&r->out.read);
	close_fd(&r->out.write);
	close_fd(&r->err.read);
	close_fd(&r->err.write);
	close_fd(&r->pidfd);
}

static int make_pipe(struct pipe_ends *ret)
{
	int fds[2];

	if (pipe2(fds, O_CLOEXEC) < 0)
		return -errno;
	ret->read = fds[0];
	ret->write = fds[1];
	return 0;
}

static const char *find_program(void)
{
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
		if (access(places[i], X_OK) == 0)
			return places[i];
	return NULL;
}

/* System calls only from here to the exec. */
__attribute__((noreturn)) static void child_exec(const char *program, const struct run *r,
						 pid_t parent)
{
	struct sigaction dfl = {.sa_handler = SIG_DFL};
	int fds[3] = {r->in.read, r->out.write, r->err.write};
	char *const no_variables[] = {NULL};
	sigset_t none;

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(EXEC_FAILED);
	(void)setsid();
	for (int sig = 1; sig < NSIG; sig++)
		(void)sigaction(sig, &dfl, NULL);
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	if (descriptors_arrange(fds, 0, 3) == 0)
		(void)execve(program, arguments, no_variables);
	_exit(EXEC_FAILED);
}

/* Takes what was written, keeps what fits. Closes the pipe at its end. */
static void take(int *fd, char *buf, size_t room, size_t *length, bool *cut)
{
	char more[512];
	ssize_t n = read(*fd, more, sizeof(more));
	size_t fits;

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (n <= 0) {
		close_fd(fd);
		return;
	}
	fits = room - *length < (size_t)n ? room - *length : (size_t)n;
	memcpy(buf + *length, more, fits);
	*length += fits;
	if (fits < (size_t)n && cut)
		*cut = true;
}

/* Until both pipes end and the program is dead. Return: 0, -ETIMEDOUT, -errno */
static int follow(struct run *r, struct nft_output *o)
{
	uint64_t deadline_us = clock_now_us() + (uint64_t)NFT_DEADLINE_MS * MS_US;
	bool dead = false;

	while (r->out.read >= 0 || r->err.read >= 0 || !dead) {
		struct pollfd fds[3] = {{.fd = r->out.read, .events = POLLIN},
					{.fd = r->err.read, .events = POLLIN},
					{.fd = dead ? -1 : r->pidfd, .events = POLLIN}};
		int left_ms = clock_left_ms(deadline_us);
		int n = left_ms > 0 ? poll(fds, 3, left_ms) : 0;

		if (n < 0 && errno != EINTR)
			return -errno;
		if (n == 0)
			return -ETIMEDOUT;
		if (n < 0)
			continue;
		if (fds[0].revents)
			take(&r->out.read, o->out, NFT_STDOUT_MAX_B, &o->out_length, &o->out_cut);
		if (fds[1].revents)
			take(&r->err.read, o->err, NFT_STDERR_MAX_B, &o->err_length, NULL);
		dead = dead || fds[2].revents;
	}
	return 0;
}

static int start(struct run *r, const char *program, const char *script)
{
	size_t length = strlen(script);
	pid_t self = getpid();
	int e;

	if (length >= NFT_SCRIPT_MAX_B)
		return -EMSGSIZE;
	if ((e = make_pipe(&r->in)) < 0 || (e = make_pipe(&r->out)) < 0 ||
	    (e = make_pipe(&r->err)) < 0)
		return e;
	if (write(r->in.write, script, length) != (ssize_t)length)
		return -EIO;
	r->pid = fork();
	if (r->pid < 0)
		return -errno;
	if (r->pid == 0)
		child_exec(program, r, self);
	close_fd(&r->in.read);
	close_fd(&r->in.write);
	close_fd(&r->out.write);
	close_fd(&r->err.write);
	r->pidfd = (int)syscall(SYS_pidfd_open, r->pid, 0);
	return r->pidfd < 0 ? -errno : 0;
}

int nft_run(const char *script, struct nft_output *ret)
{
	cleanup(release_run) struct run r = {.in = {-EBADF, -EBADF},
					     .out = {-EBADF, -EBADF},
					     .err = {-EBADF, -EBADF},
					     .pid = -1,
					     .pidfd = -EBADF};
	const char *program = find_program();
	int e, status = 0;
	pid_t waited = 0;

	if (!program)
		return -ENOENT;
	memset(ret, 0, sizeof(*ret));
	e = start(&r, program, script);
	if (e == 0)
		e = follow(&r, ret);
	if (r.pid > 0) {
		if (e < 0) {
			/* The session, so that nothing it started lives on; itself, should it have
			 * no session yet.
			 */
			(void)kill(-r.pid, SIGKILL);
			(void)kill(r.pid, SIGKILL);
		}
		do
			waited = waitpid(r.pid, &status, 0);
		while (waited < 0 && errno == EINTR);
	}
	if (e == 0 && waited < 0)
		e = -errno;
	ret->succeeded = e == 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0;
	return e;
}
