/* SPDX-License-Identifier: Apache-2.0 */
/*
 * client_host.c - a server that is a process on this host; only where the configuration says so.
 *
 * It has a session, and so a process group, of its own, the variables that any program needs and
 * those of its configuration, and three descriptors. It is ended by closing its input, then by
 * SIGTERM, then by SIGKILL to the group, in which nothing stays alive. stdin is a socket, for a
 * write to one whose reader has gone can be told not to raise SIGPIPE.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "mcp/client_stdio.h"
#include "sys/clock.h"
#include "sys/descriptors.h"
#include "sys/file.h"
#include "sys/spawn.h"

#define EXEC_FAILED 127
#define REPORT_FD   3
#define READ_B	    65536U

struct host {
	struct mcp_stdio io; /* first */
	pid_t pid;
	int pidfd, in, out, err;
	bool dead;
	int status;
};

static const char *const inherited[] = {"HOME", "LOGNAME", "PATH", "SHELL", "TERM", "USER"};

static bool names(const char *variable, const char *name)
{
	size_t len = strlen(name);

	return strncmp(variable, name, len) == 0 && variable[len] == '=';
}

static bool configured(const char *const *env, const char *name)
{
	for (; env && *env; env++) {
		if (names(*env, name))
			return true;
	}
	return false;
}

/* The array is the caller's; the strings are those of @env and of our own environment. */
static char **make_env(const char *const *env)
{
	char **all = calloc(MCP_ENV_MAX + ARRAY_SIZE(inherited) + 1, sizeof(*all));
	size_t n = 0;

	for (; all && env && env[n]; n++)
		memcpy(&all[n], &env[n], sizeof(*all));
	for (size_t i = 0; all && i < ARRAY_SIZE(inherited); i++) {
		for (char **e = environ; e && *e && !configured(env, inherited[i]); e++) {
			if (names(*e, inherited[i])) {
				all[n++] = *e;
				break;
			}
		}
	}
	return all;
}

/* System calls only from here to the exec. */
__attribute__((noreturn)) static void child(const struct mcp_server_config *config,
					    const char *path, char *const *env, const int *fds)
{
	struct sigaction dfl = {.sa_handler = SIG_DFL};
	char *const *argv;
	sigset_t none;
	int errnum;

	memcpy(&argv, &config->argv, sizeof(argv));
	(void)setsid();
	/* Whatever becomes of us: its input ends, and who does not care for that is told so. */
	(void)prctl(PR_SET_PDEATHSIG, SIGTERM);
	(void)umask(022);
	for (int sig = 1; sig < NSIG; sig++)
		(void)sigaction(sig, &dfl, NULL);
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	if (descriptors_arrange(fds, 0, REPORT_FD + 1) == 0 &&
	    fcntl(REPORT_FD, F_SETFD, FD_CLOEXEC) == 0 && (!config->cwd || chdir(config->cwd) == 0))
		(void)execve(path, argv, env);
	errnum = errno;
	(void)!write(REPORT_FD, &errnum, sizeof(errnum));
	_exit(EXEC_FAILED);
}

struct pipes {
	int in[2], out[2], err[2], report[2];
};

static void close_pipes(struct pipes *p)
{
	int *const all[] = {p->in, p->out, p->err, p->report};

	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		close_fd(&all[i][0]);
		close_fd(&all[i][1]);
	}
}

static int make_pipes(struct pipes *p)
{
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, p->in) < 0 ||
	    pipe2(p->out, O_CLOEXEC) < 0 || pipe2(p->err, O_CLOEXEC) < 0 ||
	    pipe2(p->report, O_CLOEXEC) < 0)
		return -errno;
	/* Ours is the end that writes, and the ends that read. */
	if (fcntl(p->in[1], F_SETFL, O_NONBLOCK) < 0 || fcntl(p->out[0], F_SETFL, O_NONBLOCK) < 0 ||
	    fcntl(p->err[0], F_SETFL, O_NONBLOCK) < 0 || shutdown(p->in[1], SHUT_RD) < 0)
		return -errno;
	return 0;
}

/* Return: 0; the errno of a failed exec; -errno. The child is reaped when it was not 0. */
static int start(struct host *h, const struct mcp_server_config *config)
{
	cleanup(close_pipes) struct pipes p = {{-1, -1}, {-1, -1}, {-1, -1}, {-1, -1}};
	cleanup_free char **env = make_env(config->env);
	char path[4096];
	int errnum = 0, r;

	if (!env)
		return -ENOMEM;
	if ((r = spawn_find(config->argv[0], path, sizeof(path))) < 0 || (r = make_pipes(&p)) < 0)
		return r;
	h->pid = fork();
	if (h->pid < 0)
		return -errno;
	if (h->pid == 0) {
		int fds[REPORT_FD + 1] = {p.in[0], p.out[1], p.err[1], p.report[1]};

		child(config, path, env, fds);
	}
	close_fd(&p.report[1]);
	r = file_read_full(p.report[0], &errnum, sizeof(errnum));
	h->pidfd = (int)syscall(SYS_pidfd_open, h->pid, 0);
	if (r != -ENODATA || h->pidfd < 0) {
		r = r == 0 ? -errnum : -EIO;
		(void)kill(h->pid, SIGKILL);
		(void)waitpid(h->pid, NULL, 0);
		return r;
	}
	h->in = take_fd(&p.in[1]);
	h->out = take_fd(&p.out[0]);
	h->err = take_fd(&p.err[0]);
	return 0;
}

static ssize_t host_write(struct mcp_stdio *io, const char *data, size_t len)
{
	struct host *h = (struct host *)io;
	ssize_t n = send(h->in, data, len, MSG_NOSIGNAL | MSG_DONTWAIT);

	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -EPIPE;
	return n;
}

/* Takes what is there, once. Closes it at its end. */
static void take(struct host *h, int *fd, void (*to)(struct mcp_stdio *, const char *, size_t))
{
	char buf[READ_B];
	ssize_t n = *fd < 0 ? -1 : read(*fd, buf, sizeof(buf));

	if (n > 0)
		to(&h->io, buf, (size_t)n);
	else if (*fd >= 0 && (n == 0 || (errno != EAGAIN && errno != EINTR)))
		close_fd(fd);
}

static void say_end(const struct host *h, struct ironclaw_error *err)
{
	siginfo_t info = {0};

	if (!h->dead)
		(void)err_set(err, IRONCLAW_ERR_LOST, EPIPE, "it has closed its output");
	else if (waitid(P_PID, (id_t)h->pid, &info, WEXITED | WNOWAIT | WNOHANG) < 0)
		(void)err_sys(err, errno, "it has ended");
	else if (info.si_code == CLD_EXITED)
		(void)err_set(err, IRONCLAW_ERR_LOST, EPIPE, "it has ended with exit code %d",
			      info.si_status);
	else
		(void)err_set(err, IRONCLAW_ERR_LOST, EPIPE, "it was ended by signal %d",
			      info.si_status);
}

static int host_wait(struct mcp_stdio *io, bool writing, int timeout_ms, struct ironclaw_error *err)
{
	struct host *h = (struct host *)io;
	struct pollfd fds[] = {{.fd = h->out, .events = POLLIN},
			       {.fd = h->err, .events = POLLIN},
			       {.fd = h->dead ? -1 : h->pidfd, .events = POLLIN},
			       {.fd = writing ? h->in : -1, .events = POLLOUT}};
	int n = poll(fds, ARRAY_SIZE(fds), timeout_ms);

	if (n > 0) {
		h->dead = h->dead || fds[2].revents != 0;
		take(h, &h->err, mcp_stdio_stderr);
		take(h, &h->out, mcp_stdio_output);
	}
	/* Dead, and silent: its children may hold the output open for ever. */
	if (h->out >= 0 && !(h->dead && (n <= 0 || fds[0].revents == 0)))
		return 0;
	if (!h->dead) {
		struct pollfd soon = {.fd = h->pidfd, .events = POLLIN};

		h->dead = poll(&soon, 1, MCP_TICK_MS) > 0;
	}
	take(h, &h->err, mcp_stdio_stderr);
	say_end(h, err);
	return -EPIPE;
}

/* Drains its output until it is dead or the time is over. */
static void wait_for_death(struct host *h, uint64_t ms)
{
	uint64_t deadline_us = clock_now_us() + ms * 1000;
	int left;

	while (!h->dead && (left = clock_left_ms(deadline_us)) > 0) {
		struct pollfd fds[] = {{.fd = h->pidfd, .events = POLLIN},
				       {.fd = h->out, .events = POLLIN},
				       {.fd = h->err, .events = POLLIN}};
		char drop[4096];

		if (poll(fds, ARRAY_SIZE(fds), left) <= 0)
			continue;
		h->dead = fds[0].revents != 0;
		if (fds[1].revents && read(h->out, drop, sizeof(drop)) == 0)
			close_fd(&h->out);
		if (fds[2].revents && read(h->err, drop, sizeof(drop)) == 0)
			close_fd(&h->err);
	}
}

static void host_stop(struct mcp_stdio *io)
{
	struct host *h = (struct host *)io;

	close_fd(&h->in);
	wait_for_death(h, MCP_STOP_WAIT_MS);
	if (!h->dead)
		(void)kill(-h->pid, SIGTERM);
	wait_for_death(h, MCP_STOP_WAIT_MS);
	/* Not reaped yet, so the number is still its group's, and what it left there goes too. */
	(void)kill(-h->pid, SIGKILL);
	(void)waitpid(h->pid, NULL, 0);
	close_fd(&h->out);
	close_fd(&h->err);
	close_fd(&h->pidfd);
	mcp_stdio_done(io);
	free(h);
}

int mcp_host_open(const struct mcp_client_options *options, const struct mcp_peer *peer,
		  struct mcp_transport **ret, struct ironclaw_error *err)
{
	static const struct mcp_stdio_ops ops = {host_write, host_wait, host_stop};
	struct host *h = calloc(1, sizeof(*h));
	int r;

	if (!h)
		return err_sys(err, ENOMEM, "MCP server");
	mcp_stdio_init(&h->io, &ops, peer);
	h->pidfd = h->in = h->out = h->err = -EBADF;
	r = start(h, options->config);
	if (r < 0) {
		mcp_stdio_done(&h->io);
		free(h);
		return err_sys(err, -r, "cannot start '%s' on this host", options->config->argv[0]);
	}
	*ret = &h->io.transport;
	return 0;
}
