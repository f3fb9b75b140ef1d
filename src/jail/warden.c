/* SPDX-License-Identifier: Apache-2.0 */
/*
 * warden.c - the program ironclaw-warden: one VM's confinement, from its start to its removal.
 *
 * Theory of operation. The library starts a warden per VM with a socket as descriptor 3 and sends
 * one request (request.h). The warden checks it, starts the VMM in its jail and the keeper beside
 * it, says so, and waits for the first of three ends:
 *
 *   the socket closes   whoever wanted the VM is done with it, or dead
 *   the VMM ends        the keeper gets a moment to say what it saw, then everything ends
 *   the keeper ends     nobody serves the VM any more
 *
 * Then it kills what is left, waits for it, removes the VM's folder and says ENDED. Both children
 * ask the kernel for SIGKILL at the warden's own death, so killing the warden ends the VM too; the
 * folder is then swept by whoever comes next, for nothing holds its lock any more.
 *
 * It never reads a byte from guest, VMM or keeper, never allocates by a number from outside, and
 * links libc alone.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "jail/request.h"
#include "jail/request_check.h"
#include "jail/status.h"
#include "jail/warden_jail.h"
#include "sys/descriptors.h"
#include "sys/file.h"
#include "sys/privileges.h"

#define KEEPER_LAST_WORDS_MS 1000
/* No network, no other process; the mounts it leaves by itself, for its own program is on them. */
#define KEEPER_NAMESPACES                                                                          \
	(CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS |               \
	 CLONE_NEWCGROUP)

struct warden {
	struct jail_claim claim;
	struct jail_request request;
	int fds[JAIL_FDS_MAX];
	size_t n_fds;
	int vmm_pidfd, keeper_pidfd;
	pid_t vmm_pid, keeper_pid;
};

/* Return: 1; 0 when nobody wants anything any more; -errno */
static int receive_claim(struct warden *w)
{
	int fds[JAIL_FD_LOCK + 1];
	size_t n_fds;
	ssize_t n = descriptors_receive(JAIL_WARDEN_FD, &w->claim, sizeof(w->claim), fds,
					JAIL_FD_LOCK + 1, &n_fds);

	if (n <= 0)
		return (int)n;
	if (n != sizeof(w->claim) || n_fds != JAIL_FD_LOCK + 1 ||
	    request_check_claim(&w->claim) < 0)
		return -EINVAL;
	/* From here on the VM's folder is found by its name. The lock is held by being open. */
	return fchdir(fds[JAIL_FD_VMS]) < 0 ? -errno : 1;
}

/* As receive_claim(). */
static int receive_request(struct warden *w)
{
	ssize_t n = descriptors_receive(JAIL_WARDEN_FD, &w->request, sizeof(w->request), w->fds,
					JAIL_FDS_MAX, &w->n_fds);
	int r;

	if (n <= 0)
		return (int)n;
	if (n != sizeof(w->request))
		return -EBADMSG;
	r = request_check(&w->request, w->n_fds);
	if (r == 0 && strcmp(w->request.vm_id, w->claim.vm_id) != 0)
		r = -EINVAL;
	return r < 0 ? r : 1;
}

static pid_t clone_with_pidfd(uint64_t namespaces, int *ret_pidfd)
{
	struct clone_args args = {
		.flags = namespaces | CLONE_PIDFD,
		.pidfd = (uint64_t)(uintptr_t)ret_pidfd,
		.exit_signal = SIGCHLD,
	};
	pid_t pid = (pid_t)syscall(SYS_clone3, &args, sizeof(args));

	return pid < 0 ? -errno : pid;
}

/* The child's report: nothing when its exec succeeded and closed the pipe. */
static void read_report(int fd, struct warden_failure *failure)
{
	struct warden_failure got;

	if (file_read_full(fd, &got, sizeof(got)) == 0)
		*failure = got;
}

static pid_t start_vmm(struct warden *w, const int report[2])
{
	const struct warden_jail jail = {
		.request = &w->request,
		.output_fd = w->fds[JAIL_FD_VMM_OUTPUT],
		.vmm_fds = w->fds + JAIL_FD_FIXED + JAIL_KEEPER_FDS,
		.report_fd = report[1],
		.uid = geteuid(),
		.gid = getegid(),
	};
	pid_t pid = clone_with_pidfd(WARDEN_JAIL_NAMESPACES, &w->vmm_pidfd);

	if (pid == 0) {
		/* The warden must be the only reader, see warden_die_with_parent(). */
		(void)close(report[0]);
		warden_jail_enter(&jail);
	}
	return pid;
}

__attribute__((noreturn)) static void become_keeper(const struct warden *w, int report_fd)
{
	const char *path = w->request.text + w->request.keeper;
	char *const argv[] = {(char *)(uintptr_t)path, NULL};
	char *const env[] = {NULL};
	int fds[JAIL_FIRST_FD + JAIL_KEEPER_FDS + 1];
	int report = fcntl(report_fd, F_DUPFD_CLOEXEC, DESCRIPTORS_MAX);
	int r, null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (report < 0 || null_fd < 0)
		warden_report(report_fd, JAIL_STAGE_KEEPER, errno, 0);
	fds[0] = fds[1] = fds[2] = null_fd;
	for (int i = 0; i < JAIL_KEEPER_FDS; i++)
		fds[JAIL_FIRST_FD + i] = w->fds[JAIL_FD_FIXED + i];
	/* Last, and of no use to the keeper but to hold the lock. */
	fds[JAIL_FIRST_FD + JAIL_KEEPER_FDS] = w->fds[JAIL_FD_LOCK];
	r = descriptors_arrange(fds, 0, JAIL_FIRST_FD + JAIL_KEEPER_FDS + 1);
	(void)sigprocmask(SIG_SETMASK, &(sigset_t){0}, NULL);
	if (r == 0)
		r = privileges_drop();
	if (r == 0)
		r = warden_die_with_parent(report);
	if (r < 0)
		warden_report(report, JAIL_STAGE_KEEPER, -r, 0);
	(void)execve(path, argv, env);
	warden_report(report, JAIL_STAGE_KEEPER, errno, 1);
}

static pid_t start_keeper(struct warden *w, const int report[2])
{
	const unsigned int uid = geteuid(), gid = getegid();
	pid_t pid = clone_with_pidfd(KEEPER_NAMESPACES, &w->keeper_pidfd);
	int r;

	if (pid == 0) {
		(void)close(report[0]);
		r = warden_map_ids(uid, gid);
		if (r < 0)
			warden_report(report[1], JAIL_STAGE_IDMAP, -r, 1);
		become_keeper(w, report[1]);
	}
	return pid;
}

static void fail(struct warden_failure *failure, enum jail_stage stage, int errnum)
{
	*failure = (struct warden_failure){.stage = stage, .errnum = errnum};
}

/*
 * Both children, then what they have to say. The VMM's pipe is made when the keeper is there
 * already: nobody but the warden ever reads it, so that its end tells a new VMM of the warden's
 * death. (A keeper whose own pipe is held open by a new VMM for a moment ends with its library's
 * socket.)
 */
static void start_both(struct warden *w, struct warden_failure *failure)
{
	int vmm_pipe[2], keeper_pipe[2];

	if (pipe2(keeper_pipe, O_CLOEXEC) < 0) {
		fail(failure, JAIL_STAGE_FORK, errno);
		return;
	}
	w->keeper_pid = start_keeper(w, keeper_pipe);
	if (w->keeper_pid < 0) {
		fail(failure, JAIL_STAGE_USERNS, -w->keeper_pid);
		return;
	}
	(void)close(keeper_pipe[1]);
	if (pipe2(vmm_pipe, O_CLOEXEC) < 0) {
		fail(failure, JAIL_STAGE_FORK, errno);
		return;
	}
	w->vmm_pid = start_vmm(w, vmm_pipe);
	if (w->vmm_pid < 0) {
		fail(failure, JAIL_STAGE_USERNS, -w->vmm_pid);
		return;
	}
	(void)close(vmm_pipe[1]);
	read_report(keeper_pipe[0], failure);
	read_report(vmm_pipe[0], failure);
	(void)close(vmm_pipe[0]);
	(void)close(keeper_pipe[0]);
}

static void say(const struct jail_event *event)
{
	/* A peer that is gone needs no answer; the end of its socket is seen in wait_for_end(). */
	(void)descriptors_send(JAIL_WARDEN_FD, event, sizeof(*event), NULL, 0);
}

/* Descriptors that belong to the children alone: their ends must close when the children die. */
static void close_childrens(struct warden *w)
{
	for (size_t i = JAIL_FD_VMM_OUTPUT; i < w->n_fds; i++)
		close_fd(&w->fds[i]);
}

static bool ended(int pidfd, int timeout_ms)
{
	struct pollfd p = {.fd = pidfd, .events = POLLIN};

	return poll(&p, 1, timeout_ms) > 0;
}

static void wait_for_end(const struct warden *w)
{
	for (;;) {
		struct pollfd p[] = {
			/* Only its end counts: nothing is expected on it any more. */
			{.fd = JAIL_WARDEN_FD, .events = POLLRDHUP},
			{.fd = w->vmm_pidfd, .events = POLLIN},
			{.fd = w->keeper_pidfd, .events = POLLIN},
		};

		if (poll(p, 3, -1) < 0) {
			if (errno == EINTR)
				continue;
			return;
		}
		if (p[1].revents)
			(void)ended(w->keeper_pidfd, KEEPER_LAST_WORDS_MS);
		return;
	}
}

static int kill_and_reap(pid_t pid, int pidfd)
{
	int status = 0;

	if (pid <= 0)
		return 0;
	(void)syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return status;
}

/* Without it `ironclaw inspect` finds nothing to look at; the VM itself does not depend on it. */
static void leave_status(const struct warden *w)
{
	(void)jail_status_write(AT_FDCWD, w->claim.vm_id,
				&(struct jail_status){.warden_pid = getpid(),
						      .keeper_pid = w->keeper_pid,
						      .vmm_pid = w->vmm_pid,
						      .uid = geteuid(),
						      .vmm_program = w->request.vmm_program,
						      .level = w->request.level,
						      .denied = w->request.denied});
}

/* The VM, from the request to its end. */
static void run(struct warden *w, struct jail_event *end)
{
	struct warden_failure failure = {.stage = JAIL_STAGE_NONE};

	start_both(w, &failure);
	close_childrens(w);
	if (failure.stage == JAIL_STAGE_NONE) {
		leave_status(w);
		say(&(struct jail_event){.kind = JAIL_EVENT_STARTED,
					 .vmm_pid = w->vmm_pid,
					 .keeper_pid = w->keeper_pid});
		wait_for_end(w);
	} else {
		say(&(struct jail_event){.kind = JAIL_EVENT_FAILED,
					 .stage = failure.stage,
					 .errnum = failure.errnum,
					 .detail = failure.detail});
	}
	end->vmm_status = kill_and_reap(w->vmm_pid, w->vmm_pidfd);
	(void)kill_and_reap(w->keeper_pid, w->keeper_pidfd);
}

static void refuse(int errnum)
{
	say(&(struct jail_event){.kind = JAIL_EVENT_FAILED,
				 .stage = JAIL_STAGE_REQUEST,
				 .errnum = errnum});
}

int main(void)
{
	static struct warden w = {.vmm_pidfd = -EBADF, .keeper_pidfd = -EBADF};
	struct jail_event end = {.kind = JAIL_EVENT_ENDED};
	sigset_t all;
	int r;

	(void)sigfillset(&all);
	(void)sigprocmask(SIG_SETMASK, &all, NULL);
	(void)signal(SIGCHLD, SIG_DFL);
	(void)fcntl(JAIL_WARDEN_FD, F_SETFD, FD_CLOEXEC);

	r = receive_claim(&w);
	if (r <= 0) {
		if (r < 0)
			refuse(-r);
		return r < 0;
	}
	r = receive_request(&w);
	if (r > 0)
		run(&w, &end);
	else if (r < 0)
		refuse(-r);
	end.errnum = -file_remove_tree(AT_FDCWD, w.claim.vm_id);
	say(&end);
	return 0;
}
