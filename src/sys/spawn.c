/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spawn.c - run a program to its end; see spawn.h.
 *
 * Between fork and exec the child makes system calls only. It reports the errno of a failed start
 * on a pipe that a successful exec closes. Its output comes through another pipe, from which the
 * parent reads until the end of the file, so that a program's children may write after it has gone;
 * a kill bounds that wait.
 */
#include "sys/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "sys/descriptors.h"
#include "sys/file.h"

#define POLL_MS	     200
#define DRAIN_MS     3000 /* after the program's end, for children that still hold its output */
#define EXEC_FAILED  127
#define REPORT_FD    3
#define PATH_DEFAULT "/usr/local/bin:/usr/bin:/bin"
#define PATH_MORE    "/usr/local/sbin:/usr/sbin:/sbin"

/* What the parent holds of a running program. */
struct child {
	const struct spawn *spawn;
	pid_t pid;
	int pidfd, output;
	char line[SPAWN_LINE_MAX];
	size_t line_len;
};

static int find_in(const char *dirs, const char *name, char *ret, size_t size)
{
	while (*dirs) {
		size_t len = strcspn(dirs, ":");
		char path[4096];
		int n = snprintf(path, sizeof(path), "%.*s/%s", (int)len, dirs, name);

		/* A relative folder in PATH would make the outcome depend on where we stand. */
		if (dirs[0] == '/' && n > 0 && (size_t)n < sizeof(path) &&
		    access(path, X_OK) == 0) {
			if (ret && (size_t)n >= size)
				return -ENAMETOOLONG;
			if (ret)
				memcpy(ret, path, (size_t)n + 1);
			return 0;
		}
		dirs += len + (dirs[len] == ':');
	}
	return -ENOENT;
}

int spawn_find(const char *name, char *ret, size_t size)
{
	const char *path = getenv("PATH");
	int r;

	if (strchr(name, '/')) {
		if (access(name, X_OK) < 0)
			return -errno;
		if (ret && (size_t)snprintf(ret, size, "%s", name) >= size)
			return -ENAMETOOLONG;
		return 0;
	}
	r = find_in(path && path[0] ? path : PATH_DEFAULT, name, ret, size);
	return r == -ENOENT ? find_in(PATH_MORE, name, ret, size) : r;
}

static bool names_same_variable(const char *a, const char *b)
{
	size_t len = strcspn(a, "=");

	return strncmp(a, b, len) == 0 && b[len] == '=';
}

/* Our environment with @more in front; the array is the caller's, the strings stay where they are.
 */
static char **make_env(const char *const *more)
{
	size_t n = 0, used = 0;
	char **env;

	while (environ && environ[n])
		n++;
	env = calloc(n + SPAWN_ENV_MAX + 1, sizeof(*env));
	if (!env)
		return NULL;
	for (; more && more[used] && used < SPAWN_ENV_MAX; used++)
		memcpy(&env[used], &more[used], sizeof(*env));
	for (size_t i = 0, given = used; i < n; i++) {
		size_t j = 0;

		while (j < given && !names_same_variable(env[j], environ[i]))
			j++;
		if (j == given)
			env[used++] = environ[i];
	}
	return env;
}

__attribute__((noreturn)) static void child_fails(void)
{
	int errnum = errno;

	(void)!write(REPORT_FD, &errnum, sizeof(errnum));
	_exit(EXEC_FAILED);
}

/* System calls only from here to the exec. */
__attribute__((noreturn)) static void child_exec(const struct spawn *s, const char *path,
						 char *const *env, pid_t parent, const int *fds)
{
	struct sigaction dfl = {.sa_handler = SIG_DFL};
	char *const *argv;
	sigset_t none;

	memcpy(&argv, &s->argv, sizeof(argv));
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(EXEC_FAILED);
	(void)setsid();
	(void)umask(022);
	for (int sig = 1; sig < NSIG; sig++)
		(void)sigaction(sig, &dfl, NULL);
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	if (descriptors_arrange(fds, 0, REPORT_FD + 1) < 0)
		_exit(EXEC_FAILED);
	(void)fcntl(REPORT_FD, F_SETFD, FD_CLOEXEC);
	if (s->cwd && chdir(s->cwd) < 0)
		child_fails();
	(void)execve(path, argv, env);
	child_fails();
}

static void feed_lines(struct child *c, const char *buf, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (buf[i] != '\n' && buf[i] != '\r') {
			if (c->line_len < sizeof(c->line) - 1 && buf[i] != '\0')
				c->line[c->line_len++] = buf[i];
			continue;
		}
		c->line[c->line_len] = '\0';
		if (c->line_len > 0)
			c->spawn->line(c->spawn->ctx, c->line);
		c->line_len = 0;
	}
}

/* Takes what the program has written. Returns false at the end of it. */
static bool take_output(struct child *c)
{
	char buf[16384];
	ssize_t n = read(c->output, buf, sizeof(buf));

	if (n < 0)
		return errno == EINTR || errno == EAGAIN;
	if (n == 0)
		return false;
	/* A log that cannot be written (a full disk) must not stop the program. */
	if (c->spawn->log_fd >= 0)
		(void)file_write_full(c->spawn->log_fd, buf, (size_t)n);
	if (c->spawn->line)
		feed_lines(c, buf, (size_t)n);
	return true;
}

static void kill_group(const struct child *c)
{
	(void)kill(-c->pid, SIGKILL);
	(void)kill(c->pid, SIGKILL);
}

/* Until the output ends and the program is dead. Returns -ECANCELED when @cancelled said so. */
static int follow(struct child *c)
{
	bool open = true, dead = false, killed = false;
	int waited_ms = 0, n;

	while (open || !dead) {
		struct pollfd fds[2] = {{.fd = open ? c->output : -1, .events = POLLIN},
					{.fd = dead ? -1 : c->pidfd, .events = POLLIN}};

		n = poll(fds, 2, POLL_MS);
		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0 && fds[0].revents)
			open = take_output(c);
		if (n > 0 && fds[1].revents)
			dead = true;
		if (!killed && c->spawn->cancelled && c->spawn->cancelled(c->spawn->ctx)) {
			kill_group(c);
			killed = true;
		}
		if (n == 0 && dead && (waited_ms += POLL_MS) >= DRAIN_MS)
			break;
	}
	return killed ? -ECANCELED : 0;
}

/* Waits for the exec: 0, or the errno that the child reports. */
static int wait_for_exec(int report)
{
	int errnum = 0;

	switch (file_read_full(report, &errnum, sizeof(errnum))) {
	case 0:
		return errnum > 0 ? -errnum : -EIO;
	case -ENODATA:
		return 0;
	default:
		return -EIO;
	}
}

static int start(struct child *c, const char *path, char *const *env, int report)
{
	cleanup_close int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	cleanup_close int output = -EBADF;
	pid_t self = getpid();
	int out[2];

	if (null < 0 || pipe2(out, O_CLOEXEC) < 0)
		return -errno;
	c->output = out[0];
	output = out[1];
	c->pid = fork();
	if (c->pid < 0)
		return -errno;
	if (c->pid == 0) {
		const struct spawn *s = c->spawn;
		bool split = s->line && !s->line_stderr;
		int err = split ? (s->log_fd >= 0 ? s->log_fd : null) : output;
		int fds[REPORT_FD + 1] = {null, output, err, report};

		child_exec(s, path, env, self, fds);
	}
	c->pidfd = (int)syscall(SYS_pidfd_open, c->pid, 0);
	return c->pidfd < 0 ? -errno : 0;
}

int spawn_run(const struct spawn *s, int *ret_status)
{
	struct child c = {.spawn = s, .pid = -1, .pidfd = -EBADF, .output = -EBADF};
	cleanup_close int report_read = -EBADF, report_write = -EBADF;
	cleanup_free char **env = make_env(s->env);
	int report[2], status = 0, r, r2;
	char path[4096];

	if (!env)
		return -ENOMEM;
	r = spawn_find(s->argv[0], path, sizeof(path));
	if (r < 0)
		return r;
	if (pipe2(report, O_CLOEXEC) < 0)
		return -errno;
	report_read = report[0];
	report_write = report[1];

	r = start(&c, path, env, report_write);
	close_fd(&report_write);
	if (r == 0)
		r = wait_for_exec(report_read);
	if (r == 0)
		r = follow(&c);
	else if (c.pid > 0)
		kill_group(&c);
	if (c.pid > 0) {
		do
			r2 = waitpid(c.pid, &status, 0);
		while (r2 < 0 && errno == EINTR);
	}
	if (r == 0 && s->line && c.line_len > 0)
		feed_lines(&c, "\n", 1);
	close_fd(&c.output);
	close_fd(&c.pidfd);
	if (r == 0)
		*ret_status = status;
	return r;
}
