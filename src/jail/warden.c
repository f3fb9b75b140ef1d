/* SPDX-License-Identifier: Apache-2.0 */
/*
 * warden.c - the program ironclaw-warden: one VM's confinement, from its start to its removal.
 *
 * Theory of operation. The library starts a warden per VM with a socket as descriptor 3 and sends
 * one request (request.h). The warden checks it and puts up, in this order, what is named from the
 * VM outside of its processes:
 *
 *   as root of the host   a pair of user ids of the VM's own (warden_lease.h), which is also the
 *                         journal of the rest; its chain of the host's firewall
 *   for everybody         a cgroup with limits, where there is one to be had (warden_limits.h)
 *
 * It starts keeper and VMM in their jails (warden_child.h), of which neither executes its program
 * before all of the above is there, says so, answers for the calls that
 * their filters deny (warden_denials.h), and waits for the first of three ends:
 *
 *   the socket closes   whoever wanted the VM is done with it, or dead
 *   the VMM ends        the keeper gets a moment to say what it saw, then everything ends
 *   the keeper ends     nobody serves the VM any more
 *
 * Then it kills what is left, waits for it, removes all of the above and the VM's folder, and says
 * ENDED. Both children ask the kernel for SIGKILL at the warden's own death, so killing the warden
 * ends the VM too; its folder, chain and cgroup are then swept by the next start, for nothing holds
 * their locks any more.
 *
 * Until then it obeys who started the VM in one thing more: it stops the whole VMM, and lets it go
 * on (struct jail_order), for there are VMMs that come to harm when they pause themselves.
 *
 * It never reads a byte from guest, VMM or keeper but the fixed records by which the kernel tells
 * of denied calls, never allocates by a number from outside, and links libc alone.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/keyctl.h>
#include <linux/sched.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "firewall/firewall.h"
#include "jail/request_check.h"
#include "jail/warden_child.h"
#include "jail/warden_denials.h"
#include "jail/warden_lease.h"
#include "jail/warden_limits.h"
#include "jail/status.h"
#include "sys/descriptors.h"
#include "sys/file.h"

#define KEEPER_LAST_WORDS_MS 1000

struct warden {
	struct jail_claim claim;
	struct jail_request request;
	int fds[JAIL_FDS_MAX];
	size_t n_fds;
	struct warden_lease lease;
	bool firewalled;
	int limits; /* enum warden_limits_kind */
	struct warden_limits_hold limits_hold;
	struct warden_child vmm, keeper;
	struct warden_denials denials;
	struct jail_event failed; /* kind 0 while nothing did */
};

/* The first failure counts. Return: false */
static bool fail(struct warden *w, enum jail_stage stage, int r)
{
	if (w->failed.kind != JAIL_EVENT_FAILED)
		w->failed = (struct jail_event){.kind = JAIL_EVENT_FAILED,
						.stage = stage,
						.errnum = -r};
	return false;
}

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

/* Nothing of the caller's session keyring, and none of its groups where they can be left. */
static bool leave_session(struct warden *w)
{
	if (syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL) < 0 && errno != ENOSYS)
		return fail(w, JAIL_STAGE_KEYRING, -errno);
	if (warden_is_host_root() && setgroups(0, NULL) < 0)
		return fail(w, JAIL_STAGE_PRIVILEGES, -errno);
	return true;
}

static bool map_denials(struct warden *w)
{
	w->denials = (struct warden_denials){
		.ring = denials_map(w->fds[JAIL_FD_DENIALS], true),
		.vm_id = w->request.vm_id,
		.denied = (enum jail_denied)w->request.denied,
	};
	return w->denials.ring ? true : fail(w, JAIL_STAGE_DENIALS, -errno);
}

/* The memory of a template in the making is written by the VMM. */
static int give_files(const struct warden *w)
{
	for (uint32_t i = 0; i < w->request.n_mounts; i++) {
		const struct jail_mount *m = &w->request.mounts[i];
		cleanup_close int fd = -EBADF;
		struct stat st;

		if (m->kind != JAIL_BIND_RW)
			continue;
		fd = open(w->request.text + m->source, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
		if (fd < 0 || fstat(fd, &st) < 0)
			return -errno;
		if (!S_ISREG(st.st_mode) || st.st_nlink != 1)
			return -EINVAL;
		if (fchown(fd, w->lease.vmm_id, w->lease.vmm_id) < 0)
			return -errno;
	}
	return 0;
}

static bool has_ids(const struct warden *w)
{
	return w->lease.lock_fd >= 0;
}

static bool take_ids(struct warden *w)
{
	int r;

	if (!warden_is_host_root())
		return true;
	r = warden_lease_take(w->claim.vm_id, &w->lease);
	if (r == 0)
		r = give_files(w);
	return r == 0 ? true : fail(w, JAIL_STAGE_UID, r);
}

static bool put_up_firewall(struct warden *w)
{
	cleanup_close int guard = has_ids(w) ? warden_lease_guard(&w->lease) : -EBADF;
	char why[FIREWALL_FAILURE_B] = "";
	int r;

	if (!has_ids(w))
		return true;
	if (guard < 0)
		return fail(w, JAIL_STAGE_FIREWALL, guard);
	r = firewall_add(w->claim.vm_id, w->lease.vmm_id, why);
	/* What is somebody else's stays; what a failure left half done is removed as well. */
	w->firewalled = r != -EEXIST;
	if (r == 0)
		return true;
	(void)fail(w, JAIL_STAGE_FIREWALL, r);
	(void)snprintf(w->failed.text, sizeof(w->failed.text), "%s", why);
	return false;
}

static bool put_up_limits(struct warden *w)
{
	w->limits = warden_limits_make(w->claim.vm_id, &w->request.limits, &w->limits_hold);
	return w->limits >= 0 ? true : fail(w, JAIL_STAGE_LIMITS_GROUP, w->limits);
}

/* A device that only its group may use, /dev/kvm most of all, is used with that group. */
static uint32_t vmm_gid(const struct warden *w)
{
	for (uint32_t i = 0; i < w->request.n_mounts; i++) {
		const struct jail_mount *m = &w->request.mounts[i];
		struct stat st;

		/* Of root's group the VMM must not be. */
		if (m->kind == JAIL_BIND_DEV && stat(w->request.text + m->source, &st) == 0 &&
		    st.st_gid != 0 && !(st.st_mode & S_IWOTH) && (st.st_mode & S_IWGRP))
			return st.st_gid;
	}
	return w->lease.vmm_id;
}

static void set_ids(const struct warden *w, struct warden_jail *jail)
{
	bool keeper = jail_program_is_keeper(jail->program);

	if (!has_ids(w)) {
		jail->uid = geteuid();
		jail->gid = getegid();
		return;
	}
	jail->uid = keeper ? w->lease.keeper_id : w->lease.vmm_id;
	jail->gid = keeper ? w->lease.keeper_id : vmm_gid(w);
}

static bool make_here(struct warden *w, struct warden_child *child, struct warden_jail *jail)
{
	int r;

	set_ids(w, jail);
	r = warden_child_make(child, jail);
	if (r < 0)
		return fail(w, JAIL_STAGE_USERNS, r);
	r = warden_child_go(child, jail);
	return r == 0 ? true : fail(w, JAIL_STAGE_IDMAP, r);
}

/* In the VM's cgroup, where there is one, from its first page on. */
static bool make_child(struct warden *w, struct warden_child *child, struct warden_jail *jail)
{
	struct warden_limits_entry cgroup;
	bool made;
	int r;

	if (w->limits == WARDEN_LIMITS_NONE)
		return make_here(w, child, jail);
	r = warden_limits_open(w->claim.vm_id, (enum warden_limits_kind)w->limits, &cgroup);
	if (r < 0)
		return fail(w, JAIL_STAGE_LIMITS_GROUP, r);
	jail->cgroup = &cgroup;
	made = make_here(w, child, jail);
	jail->cgroup = NULL;
	warden_limits_close(&cgroup);
	return made;
}

/* The dead and the dying are in no group any more; why one died is told at the VM's end, which is
 * near. */
static int verify_limits_of(const struct warden *w, const struct warden_child *child)
{
	int r = warden_limits_verify(w->claim.vm_id, (enum warden_limits_kind)w->limits,
				     child->pid);

	return r < 0 && warden_child_ends(child) ? 0 : r;
}

static bool verify_limits(struct warden *w)
{
	int r;

	if (w->limits == WARDEN_LIMITS_NONE)
		return true;
	r = verify_limits_of(w, &w->keeper);
	if (r == 0)
		r = verify_limits_of(w, &w->vmm);
	return r == 0 ? true : fail(w, JAIL_STAGE_LIMITS_GROUP, r);
}

static bool failed_nowhere(struct warden *w, const struct warden_child *child,
			   const struct warden_failure *failure)
{
	if (failure->stage == JAIL_STAGE_NONE)
		return true;
	(void)fail(w, failure->stage, -failure->errnum);
	w->failed.detail = failure->detail;
	w->failed.program = child->program;
	return false;
}

static bool exec_child(struct warden *w, struct warden_child *child)
{
	struct warden_failure failure;

	warden_child_exec(child, &failure);
	return failed_nowhere(w, child, &failure);
}

static bool share_sockets(struct warden *w)
{
	struct warden_failure failure;

	if (!w->request.sockets)
		return true;
	warden_child_share(&w->vmm, &w->keeper, &failure);
	return failed_nowhere(w, &w->vmm, &failure);
}

/* Both build their jails at the same time. */
static bool start_children(struct warden *w)
{
	const char *path = w->request.text + w->request.keeper;
	cleanup_close int keeper_program = open(path, O_PATH | O_CLOEXEC);
	const int *passed = w->fds + JAIL_FD_FIXED;
	int keeper_fds[JAIL_PROGRAM_FDS_MAX];
	struct warden_jail keeper = {
		.request = &w->request,
		.hold = &w->limits_hold,
		.program = (enum jail_program)w->request.keeper_program,
		.exec_fd = keeper_program,
		.output_fd = -EBADF,
		.fds = keeper_fds,
		.n_fds = JAIL_KEEPER_FDS + 1,
	};
	struct warden_jail vmm = {
		.request = &w->request,
		.hold = &w->limits_hold,
		.program = (enum jail_program)w->request.vmm_program,
		.exec_fd = -EBADF,
		.output_fd = w->fds[JAIL_FD_VMM_OUTPUT],
		.fds = passed + JAIL_KEEPER_FDS,
		.n_fds = w->request.n_vmm_fds,
	};

	if (keeper_program < 0) {
		int r = -errno;

		(void)fail(w, JAIL_STAGE_EXEC, r);
		w->failed.program = keeper.program;
		return false;
	}
	memcpy(keeper_fds, passed, JAIL_KEEPER_FDS * sizeof(int));
	/* Of no use to the keeper but to hold the lock. */
	keeper_fds[JAIL_KEEPER_FDS] = w->fds[JAIL_FD_LOCK];
	/* Meanwhile the firewall: no program runs before it is there. */
	return make_child(w, &w->keeper, &keeper) && make_child(w, &w->vmm, &vmm) &&
	       put_up_firewall(w) && share_sockets(w) && exec_child(w, &w->keeper) &&
	       exec_child(w, &w->vmm) && verify_limits(w);
}

static bool put_up(struct warden *w)
{
	return leave_session(w) && map_denials(w) && take_ids(w) && put_up_limits(w) &&
	       start_children(w);
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

static int64_t now_ms(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static void serve_denials(struct warden *w, struct warden_child *child, short revents)
{
	if (revents & POLLIN)
		warden_denials_serve(&w->denials, child);
	else if (revents)
		/* Nothing runs under the filter any more. */
		close_fd(&child->listener_fd);
}

/* Return: whether there was one, and a good one */
static bool obey(const struct warden *w)
{
	struct jail_event answer = {.kind = JAIL_EVENT_STOPPED};
	struct jail_order order;
	size_t n_fds;
	ssize_t n = descriptors_receive(JAIL_WARDEN_FD, &order, sizeof(order), NULL, 0, &n_fds);

	if (n != sizeof(order) || order.magic != JAIL_REQUEST_MAGIC ||
	    (order.kind != JAIL_ORDER_STOP && order.kind != JAIL_ORDER_CONTINUE))
		return false;
	if (order.kind == JAIL_ORDER_STOP) {
		answer.errnum = -warden_child_stop(&w->vmm);
	} else {
		answer.kind = JAIL_EVENT_CONTINUED;
		answer.errnum = -warden_child_continue(&w->vmm);
	}
	say(&answer);
	return true;
}

/* Until one of the three ends; a VMM's is followed by a moment for the keeper. */
static void wait_for_end(struct warden *w)
{
	int64_t deadline_ms = -1;

	for (;;) {
		struct pollfd p[] = {
			{.fd = JAIL_WARDEN_FD, .events = POLLIN | POLLRDHUP},
			{.fd = w->keeper.pidfd, .events = POLLIN},
			{.fd = deadline_ms < 0 ? w->vmm.pidfd : -1, .events = POLLIN},
			{.fd = w->vmm.listener_fd, .events = POLLIN},
			{.fd = w->keeper.listener_fd, .events = POLLIN},
		};
		int64_t left_ms = deadline_ms < 0 ? -1 : deadline_ms - now_ms();
		int n = deadline_ms >= 0 && left_ms <= 0 ? 0 : poll(p, 5, (int)left_ms);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0 || (p[0].revents & ~POLLIN) || p[1].revents)
			return;
		if (p[0].revents && !obey(w))
			return;
		if (p[2].revents)
			deadline_ms = now_ms() + KEEPER_LAST_WORDS_MS;
		serve_denials(w, &w->vmm, p[3].revents);
		serve_denials(w, &w->keeper, p[4].revents);
	}
}

/* Everything that was put up, in the opposite order. Return: 0, or the first failure */
static int take_down(struct warden *w, struct jail_event *end)
{
	int r = 0;

	/* It tells of what is in it. */
	if (w->limits > WARDEN_LIMITS_NONE)
		end->oom = warden_limits_oom(w->claim.vm_id, (enum warden_limits_kind)w->limits);
	/* They end while the firewall's rules are removed: milliseconds, both. */
	warden_child_kill(&w->vmm);
	warden_child_kill(&w->keeper);
	if (w->firewalled) {
		cleanup_close int guard = warden_lease_guard(&w->lease);

		r = guard < 0 ? guard : firewall_remove(w->claim.vm_id, w->lease.vmm_id);
	}
	end->vmm_status = warden_child_end(&w->vmm);
	(void)warden_child_end(&w->keeper);
	end->n_denials = w->denials.n;
	end->killed_program = w->denials.killed_program;
	end->killed_syscall = w->denials.killed_syscall;
	if (w->limits > WARDEN_LIMITS_NONE) {
		int removed = warden_limits_remove(w->claim.vm_id);

		r = r < 0 ? r : removed;
	}
	/* With something left behind the pair keeps its note, for the next sweep. */
	if (r == 0)
		warden_lease_return(&w->lease);
	return r;
}

/* Without it `ironclaw inspect` finds nothing to look at; the VM itself does not depend on it. */
static void leave_status(const struct warden *w)
{
	(void)jail_status_write(AT_FDCWD, w->claim.vm_id,
				&(struct jail_status){.warden_pid = getpid(),
						      .keeper_pid = w->keeper.pid,
						      .vmm_pid = w->vmm.pid,
						      .uid = !has_ids(w) ? geteuid()
									 : w->lease.vmm_id,
						      .limits = (uint32_t)w->limits,
						      .vmm_program = w->request.vmm_program,
						      .keeper_program = w->request.keeper_program,
						      .level = w->request.level,
						      .denied = w->request.denied});
}

/* The VM, from the request to its end. */
static int run(struct warden *w, struct jail_event *end)
{
	bool started = put_up(w);

	close_childrens(w);
	if (started) {
		leave_status(w);
		say(&(struct jail_event){.kind = JAIL_EVENT_STARTED,
					 .vmm_pid = w->vmm.pid,
					 .keeper_pid = w->keeper.pid,
					 .limits = (uint32_t)w->limits});
		wait_for_end(w);
	} else {
		say(&w->failed);
	}
	return take_down(w, end);
}

static void refuse(int errnum)
{
	say(&(struct jail_event){.kind = JAIL_EVENT_FAILED,
				 .stage = JAIL_STAGE_REQUEST,
				 .errnum = errnum});
}

int main(void)
{
	static struct warden w = {.lease = WARDEN_LEASE_NONE,
				  .vmm = WARDEN_CHILD_NONE,
				  .keeper = WARDEN_CHILD_NONE};
	struct jail_event end = {.kind = JAIL_EVENT_ENDED};
	sigset_t all;
	int r, removed;

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
	if (r < 0) {
		refuse(-r);
		r = 0;
	} else if (r > 0) {
		r = run(&w, &end);
	}
	removed = file_remove_tree(AT_FDCWD, w.claim.vm_id);
	end.errnum = r < 0 ? -r : -removed;
	say(&end);
	return 0;
}
