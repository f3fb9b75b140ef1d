/* SPDX-License-Identifier: Apache-2.0 */
/* child.c - the new process, up to execve(2); see child.h. */
#include "guest/child.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "guest/env.h"
#include "guest/power.h"
#include "guest/user.h"
#include "guest/workspace.h"

#ifndef TIOCGPTPEER
#define TIOCGPTPEER _IO('T', 0x41)
#endif
#define NOFILE_SOFT 1024U
#define NOFILE_HARD 524288U

static int null_fd = -EBADF;

void child_boot(void)
{
	null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null_fd < 0)
		power_fail("cannot open /dev/null: %s", strerror(errno));
	/* Ours, whatever the initramfs had: nothing else may ever become one of the three. */
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (dup2(null_fd, fd) < 0)
			power_fail("cannot set up standard streams: %s", strerror(errno));
}

/* Back to what a process expects to start with. */
static void reset_process(void)
{
	static const struct rlimit core = {0, 0}, files = {NOFILE_SOFT, NOFILE_HARD};
	sigset_t none;

	(void)signal(SIGPIPE, SIG_DFL); /* the only one that the agent has changed */
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	(void)umask(022);
	(void)setrlimit(RLIMIT_CORE, &core);
	(void)setrlimit(RLIMIT_NOFILE, &files);
}

static int attach_terminal(const struct child_plan *plan, const struct user *user)
{
	struct winsize size = {.ws_row = plan->exec.rows, .ws_col = plan->exec.cols};
	int slave = ioctl(plan->master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);

	if (slave < 0)
		return -errno;
	/* Group and mode were set by devpts. */
	if (fchown(slave, user->uid, (gid_t)-1) < 0 || ioctl(slave, TIOCSWINSZ, &size) < 0 ||
	    ioctl(slave, TIOCSCTTY, 0) < 0)
		return -errno;
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (dup2(slave, fd) < 0)
			return -errno;
	return 0;
}

static int attach_pipes(const struct child_plan *plan, const struct user *user)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
		int from = plan->stdio[fd] >= 0 ? plan->stdio[fd] : null_fd;

		/* So that the command can open /dev/stdout again, by name. */
		if (from != null_fd && fchown(from, user->uid, user->gid) < 0)
			return -errno;
		if (dup2(from, fd) < 0)
			return -errno;
	}
	return 0;
}

/* By system call: musl's wrappers would synchronise threads, which a forked child has not. */
static int become(const struct user *user)
{
	if (syscall(SYS_setgroups, user->n_groups, user->groups) < 0 ||
	    syscall(SYS_setresgid, user->gid, user->gid, user->gid) < 0 ||
	    syscall(SYS_setresuid, user->uid, user->uid, user->uid) < 0)
		return -errno;
	return 0;
}

static int enter_directory(const struct wire_exec *exec, const struct user *user)
{
	char path[WIRE_CWD_MAX_B + 1];

	if (exec->cwd) {
		memcpy(path, exec->cwd, exec->cwd_length);
		path[exec->cwd_length] = '\0';
		return chdir(path) < 0 ? -errno : 0;
	}
	return chdir(user->home) < 0 && chdir("/") < 0 ? -errno : 0;
}

/* As root, and with none of what a command may choose: the protocol has no form for it. */
static int run_builtin(const struct child_plan *plan, enum wire_exec_stage *ret_stage)
{
	static const struct user root;
	char **argv = env_argv(plan->request, plan->length, &plan->exec);
	int r;

	if (!argv)
		return -ENOMEM;
	r = attach_pipes(plan, &root);
	if (r < 0)
		return r;
	*ret_stage = WIRE_STAGE_EXEC;
	return workspace_run(argv);
}

/* The steps in order. Return: -errno with the stage; never 0. */
static int run(const struct child_plan *plan, enum wire_exec_stage *ret_stage)
{
	struct user user;
	char **argv, **env;
	int r;

	*ret_stage = WIRE_STAGE_SETUP;
	reset_process();
	if (setsid() < 0 || unshare(CLONE_NEWCGROUP) < 0)
		return -errno;
	if (plan->exec.flags & WIRE_EXEC_BUILTIN)
		return run_builtin(plan, ret_stage);
	*ret_stage = WIRE_STAGE_USER;
	r = user_find(plan->exec.user, plan->exec.user_length, &user);
	if (r < 0)
		return r;
	*ret_stage = WIRE_STAGE_SETUP;
	argv = env_argv(plan->request, plan->length, &plan->exec);
	env = env_environ(plan->request, plan->length, &plan->exec, &user);
	if (!argv || !env)
		return -ENOMEM;
	r = plan->master >= 0 ? attach_terminal(plan, &user) : attach_pipes(plan, &user);
	if (r < 0)
		return r;
	r = become(&user);
	if (r < 0)
		return r;
	*ret_stage = WIRE_STAGE_CWD;
	r = enter_directory(&plan->exec, &user);
	if (r < 0)
		return r;
	*ret_stage = WIRE_STAGE_EXEC;
	environ = env; /* execvp(3) searches the PATH of the environment at hand */
	(void)execvp(argv[0], argv);
	return -errno;
}

void child_run(const struct child_plan *plan)
{
	enum wire_exec_stage stage;
	uint8_t status[CHILD_STATUS_B];
	int r = run(plan, &stage);

	wire_put_u32(status, stage);
	wire_put_u32(status + 4, (uint32_t)-r);
	(void)!write(plan->status, status, sizeof(status));
	_exit(127);
}
