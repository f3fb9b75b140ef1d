/* SPDX-License-Identifier: Apache-2.0 */
/* launch.c - the processes of one VM, from the library's side; see launch.h. */
#include "machine/launch.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "jail/denials.h"
#include "jail/warden_lease.h"
#include "jail/warden_limits.h"
#include "machine/control.h"
#include "machine/launch_internal.h"
#include "machine/vhost.h"
#include "sys/clock.h"
#include "sys/descriptors.h"
#include "sys/file.h"

/* How long a dead VM's keeper and warden are waited for before a failure is explained without them.
 */
#define LAST_WORDS_MS 6000
/* To kill a VMM, wait for it and remove a folder. */
#define END_MS	      10000U

/* Both ends of everything that connects the four processes. */
struct wiring {
	int warden[2], control[2], client[2], link[2], monitor[2], console[2];
};

static void wiring_close(struct wiring *w)
{
	int *ends[] = {w->warden, w->control, w->client, w->link, w->monitor, w->console};

	for (size_t i = 0; i < ARRAY_SIZE(ends); i++) {
		close_fd(&ends[i][0]);
		close_fd(&ends[i][1]);
	}
}

/* Of a link over vsock the keeper's end is a socket that listens. */
static int wire_link(const struct launch_settings *s, struct launch *l, struct wiring *w,
		     struct ironclaw_error *err)
{
	l->guest_cid = s->vmm.guest_cid;
	if (s->vmm.link == ENGINE_LINK_VSOCK && l->guest_cid == 0)
		return vhost_open(&w->link[1], &w->link[0], &l->guest_cid, err);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, w->link) < 0)
		return err_sys(err, errno, "cannot make the sockets of a VM");
	return 0;
}

static int wiring_make(struct wiring *w, struct ironclaw_error *err)
{
	int *streams[] = {w->client, w->monitor}, *messages[] = {w->warden, w->control};
	bool ok = pipe2(w->console, O_CLOEXEC) == 0;

	for (size_t i = 0; ok && i < ARRAY_SIZE(streams); i++)
		ok = socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, streams[i]) == 0;
	for (size_t i = 0; ok && i < ARRAY_SIZE(messages); i++)
		ok = socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, messages[i]) == 0;
	return ok ? 0 : err_sys(err, errno, "cannot make the sockets of a VM");
}

void launch_init(struct launch *l)
{
	*l = (struct launch){
		.dir = {.vms_fd = -EBADF, .lock_fd = -EBADF},
		.warden_fd = -EBADF,
		.control_fd = -EBADF,
		.client_fd = -EBADF,
		.warden_pid = -1,
	};
}

/* A session of its own: the terminal's Ctrl-C is for the guest's command, not for the warden. */
static int spawn_warden(const char *programs, int socket, pid_t *ret_pid,
			struct ironclaw_error *err)
{
	char path[1200];
	char *const argv[] = {path, NULL}, *const env[] = {NULL};
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	sigset_t none;
	int r;

	(void)snprintf(path, sizeof(path), "%s/ironclaw-warden", programs);
	(void)sigemptyset(&none);
	r = posix_spawnattr_init(&attr);
	if (r)
		return err_sys(err, r, "cannot start the warden");
	r = posix_spawn_file_actions_init(&actions);
	if (r) {
		(void)posix_spawnattr_destroy(&attr);
		return err_sys(err, r, "cannot start the warden");
	}
	if (!(r = posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK)) &&
	    !(r = posix_spawnattr_setsigmask(&attr, &none)) &&
	    !(r = posix_spawn_file_actions_adddup2(&actions, socket, JAIL_WARDEN_FD)) &&
	    !(r = posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDWR, 0)) &&
	    !(r = posix_spawn_file_actions_adddup2(&actions, 0, 1)) &&
	    !(r = posix_spawn_file_actions_adddup2(&actions, 0, 2)) &&
	    !(r = posix_spawn_file_actions_addclosefrom_np(&actions, JAIL_WARDEN_FD + 1)))
		r = posix_spawn(ret_pid, path, &actions, &attr, argv, env);
	(void)posix_spawn_file_actions_destroy(&actions);
	(void)posix_spawnattr_destroy(&attr);
	return r ? err_sys(err, r, "cannot start '%s'", path) : 0;
}

static int open_denials(const struct launch_settings *s, const struct launch *l,
			struct ironclaw_error *err)
{
	/* RUN as it was when it was judged. */
	cleanup_close int run_fd = openat(l->dir.vms_fd, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int fd = run_fd < 0 ? -errno : denials_open(run_fd);

	if (fd < 0)
		return err_sys(err, -fd, "cannot open the record of denied system calls in '%s'",
			       s->paths->run);
	return fd;
}

static int send_request(const struct launch_settings *s, struct launch *l, const struct wiring *w,
			struct ironclaw_error *err)
{
	cleanup_close int denials_fd = open_denials(s, l, err);
	int fds[JAIL_FDS_MAX] = {
		[JAIL_FD_VMS] = l->dir.vms_fd,
		[JAIL_FD_LOCK] = l->dir.lock_fd,
		[JAIL_FD_VMM_OUTPUT] = s->twin ? s->twin->output_fd : w->console[1],
		[JAIL_FD_DENIALS] = denials_fd,
		[JAIL_FD_FIXED + JAIL_KEEPER_CONTROL] = w->control[1],
		[JAIL_FD_FIXED + JAIL_KEEPER_CLIENT] = w->client[1],
		[JAIL_FD_FIXED + JAIL_KEEPER_LINK] = w->link[0],
		[JAIL_FD_FIXED + JAIL_KEEPER_MONITOR] = w->monitor[0],
		[JAIL_FD_FIXED + JAIL_KEEPER_CONSOLE] = w->console[0],
		/* The VMM's, in the order of enum engine_fd. */
		[JAIL_FD_FIXED + JAIL_KEEPER_FDS] = w->link[1],
		[JAIL_FD_FIXED + JAIL_KEEPER_FDS + 1] = w->monitor[1],
		[JAIL_FD_FIXED + JAIL_KEEPER_FDS + 2] = s->state_fd,
	};
	size_t n = (size_t)JAIL_FD_FIXED + JAIL_KEEPER_FDS + l->plan.request.n_vmm_fds;
	int r;

	if (denials_fd < 0)
		return denials_fd;
	r = descriptors_send(l->warden_fd, &l->plan.request, sizeof(l->plan.request), fds, n);
	return r < 0 ? err_sys(err, -r, "cannot send the request to the warden") : 0;
}

static int send_start(const struct launch_settings *s, const struct launch *l,
		      const struct engine_plan *plan, int fd, struct ironclaw_error *err)
{
	bool booting = s->vmm.start != ENGINE_CLONE;
	struct control_request start = {
		.kind = CONTROL_START,
		.booting = booting,
		.overlay_mib = s->overlay_mib,
		.deadline_ms = l->limit_ms,
		.engine = s->engine->kind,
		.link = s->vmm.link,
		.guest_cid = l->guest_cid,
	};
	int r;

	(void)snprintf(start.hostname, sizeof(start.hostname), "%s", l->vm_id);
	memcpy(start.orders, plan->orders, sizeof(start.orders));
	r = descriptors_send(fd, &start, sizeof(start), NULL, 0);
	return r < 0 ? err_sys(err, -r, "cannot send the start to the keeper") : 0;
}

/* From now on the warden removes the VM's folder when we die, and holds its lock. */
static int send_claim(struct launch *l, struct ironclaw_error *err)
{
	const int fds[] = {[JAIL_FD_VMS] = l->dir.vms_fd, [JAIL_FD_LOCK] = l->dir.lock_fd};
	struct jail_claim claim = {.magic = JAIL_REQUEST_MAGIC};
	int r;

	(void)snprintf(claim.vm_id, sizeof(claim.vm_id), "%s", l->vm_id);
	r = descriptors_send(l->warden_fd, &claim, sizeof(claim), fds, ARRAY_SIZE(fds));
	return r < 0 ? err_sys(err, -r, "cannot reach the warden") : 0;
}

/* The warden first: from the moment that the folder exists somebody must be there to remove it. */
static int start_wired(const struct launch_settings *s, struct launch *l, struct wiring *w,
		       struct ironclaw_error *err)
{
	struct engine_plan plan;
	int r = spawn_warden(s->programs, w->warden[1], &l->warden_pid, err);

	if (r < 0)
		return r;
	/* Its end is the warden's alone, so that we see the warden die. */
	close_fd(&w->warden[1]);
	l->warden_fd = take_fd(&w->warden[0]);
	r = vmdir_create(s->paths, l->vm_id, &l->dir, err);
	if (r < 0) {
		l->ended = true; /* there is nothing of ours */
		return r;
	}
	r = send_claim(l, err);
	if (r == 0)
		r = launch_plan(s, l, &plan, err);
	if (r == 0)
		r = send_request(s, l, w, err);
	if (r == 0)
		r = send_start(s, l, &plan, w->control[0], err);
	if (r < 0)
		return r;
	l->control_fd = take_fd(&w->control[0]);
	l->client_fd = take_fd(&w->client[0]);
	return 0;
}

static uint32_t save_limit_ms(uint64_t memory_mib)
{
	uint64_t ms = LIMIT_SAVE_MS + memory_mib * LIMIT_SAVE_MIB_MS;

	return ms < LIMIT_TIMEOUT_MS_MAX ? (uint32_t)ms : (uint32_t)LIMIT_TIMEOUT_MS_MAX;
}

int launch_start(const struct launch_settings *settings, struct launch *l,
		 struct ironclaw_error *err)
{
	struct wiring w;
	int r;

	memset(&w, 0xff, sizeof(w));
	launch_init(l);
	l->begin_us = clock_now_us();
	l->engine = settings->engine;
	l->limit_ms = settings->vmm.start == ENGINE_CLONE ? LIMIT_RESTORE_MS : LIMIT_BOOT_MS;
	l->save_limit_ms = save_limit_ms(settings->vmm.memory_mib);
	(void)snprintf(l->vm_id, sizeof(l->vm_id), "%s", settings->vm_id);
	r = wiring_make(&w, err);
	if (r == 0)
		r = wire_link(settings, l, &w, err);
	if (r == 0)
		r = start_wired(settings, l, &w, err);
	wiring_close(&w);
	/* From now on warden and keeper hold the lock. */
	close_fd(&l->dir.lock_fd);
	return r;
}

/* One message of the warden's. Return: 1 when it is ENDED or the warden is gone, 0, -errno */
int launch_read_warden(struct launch *l, struct ironclaw_error *err)
{
	struct jail_event event;
	size_t n_fds;
	ssize_t n = descriptors_receive(l->warden_fd, &event, sizeof(event), NULL, 0, &n_fds);

	if (n != sizeof(event))
		return 1;
	switch (event.kind) {
	case JAIL_EVENT_STARTED:
		l->started_us = clock_now_us();
		l->vmm_pid = event.vmm_pid;
		l->keeper_pid = event.keeper_pid;
		l->limited = event.limits != WARDEN_LIMITS_NONE;
		return 0;
	case JAIL_EVENT_FAILED:
		return jail_failure(&l->plan, &event, err);
	case JAIL_EVENT_STOPPED:
	case JAIL_EVENT_CONTINUED:
		l->answer = event;
		return 0;
	case JAIL_EVENT_ENDED:
		l->ended = true;
		l->end = event;
		return 1;
	default:
		return 1;
	}
}

/* One message of the keeper's. Return: its kind, 0 when it is gone, -errno for FAILED */
static int read_keeper(struct launch *l, struct ironclaw_error *err)
{
	struct control_event event;
	size_t n_fds;
	ssize_t n = descriptors_receive(l->control_fd, &event, sizeof(event), NULL, 0, &n_fds);

	if (n != sizeof(event))
		return 0;
	if (event.kind != CONTROL_FAILED)
		return event.kind < CONTROL_EVENT_MAX ? (int)event.kind : 0;
	/* From a process that parses guest bytes: escaped once more, and bounded. */
	event.error.text[sizeof(event.error.text) - 1] = '\0';
	if (event.error.errnum <= 0 || event.error.errnum > 4095)
		event.error.errnum = EIO;
	if (event.error.code <= IRONCLAW_ERR_NONE || event.error.code >= IRONCLAW_ERR_MAX)
		event.error.code = IRONCLAW_ERR_GUEST;
	return err_set(err, event.error.code, event.error.errnum, "%s", event.error.text);
}

/* What the VMM's own end says, in its own terms; or NULL. */
static const char *exit_reason(const struct launch *l)
{
	return l->ended && l->engine && l->engine->exit_reason
		       ? l->engine->exit_reason(l->end.vmm_status)
		       : NULL;
}

static int describe_end(const struct launch *l, struct ironclaw_error *err)
{
	int status = l->end.vmm_status;

	if (!l->ended)
		return err_set(err, IRONCLAW_ERR_LOST, EPIPE, "the warden of VM '%s' was killed",
			       l->vm_id);
	if (l->end.oom)
		return err_set(err, IRONCLAW_ERR_VMM, ENOMEM,
			       "out of memory: the VMM was killed at its limit of %llu MiB",
			       (unsigned long long)(l->plan.request.limits.memory_max_b >> 20));
	if (l->end.killed_program != 0) {
		(void)err_set(err, IRONCLAW_ERR_VMM, EPERM,
			      "the %s was killed for a system call that its filter denies "
			      "(number %d)",
			      jail_program_is_keeper(l->end.killed_program) ? "keeper" : "VMM",
			      l->end.killed_syscall);
		err_hint(err, "ironclaw audit seccomp --vm %s", l->vm_id);
		return -EPERM;
	}
	if (exit_reason(l))
		return err_set(err, IRONCLAW_ERR_VMM, EPIPE, "%s", exit_reason(l));
	if (WIFSIGNALED(status) && WTERMSIG(status) != SIGKILL)
		return err_set(err, IRONCLAW_ERR_VMM, EPIPE, "the VMM died of signal %d (%s)",
			       WTERMSIG(status), strsignal(WTERMSIG(status)));
	if (WIFEXITED(status))
		return err_set(err, IRONCLAW_ERR_VMM, EPIPE, "the VMM exited with code %d",
			       WEXITSTATUS(status));
	return err_set(err, IRONCLAW_ERR_LOST, EPIPE, "VM '%s' was killed", l->vm_id);
}

/* Whether the warden knows better than the keeper, which saw a VMM go without a word. */
static bool warden_knows(const struct launch *l)
{
	return l->ended && (l->end.oom || l->end.killed_program != 0 || exit_reason(l));
}

/* The words of keeper and warden about a VM that is ending; @said: those that are known already. */
static int explain(struct launch *l, struct ironclaw_error said, struct ironclaw_error *err)
{
	uint64_t deadline = clock_now_us() + LAST_WORDS_MS * 1000;
	bool keeper_open = true, warden_open = true;
	struct ironclaw_error failed = {0};

	while (keeper_open || warden_open) {
		struct pollfd p[] = {{.fd = keeper_open ? l->control_fd : -1, .events = POLLIN},
				     {.fd = warden_open ? l->warden_fd : -1, .events = POLLIN}};

		if (clock_left_ms(deadline) == 0 || poll(p, 2, clock_left_ms(deadline)) <= 0)
			break;
		if (p[0].revents)
			keeper_open = read_keeper(l, said.code ? NULL : &said) > 0;
		if (p[1].revents)
			warden_open = launch_read_warden(l, &failed) == 0;
	}
	/* When the warden could not start the VMM, the keeper only saw that it went. */
	if (failed.code)
		said = failed;
	if (said.code == IRONCLAW_ERR_NONE || warden_knows(l))
		return describe_end(l, err);
	if (err)
		*err = said;
	return -said.errnum;
}

int launch_explain(struct launch *l, struct ironclaw_error *err)
{
	return explain(l, (struct ironclaw_error){0}, err);
}

int launch_wait_event(struct launch *l, enum control_event_kind kind, enum control_event_kind other,
		      uint32_t limit_ms, struct ironclaw_error *err)
{
	uint64_t deadline = clock_now_us() + (limit_ms + LAUNCH_SLACK_MS) * 1000ULL;
	struct ironclaw_error said = {0};

	for (;;) {
		struct pollfd p[] = {{.fd = l->control_fd, .events = POLLIN},
				     {.fd = l->warden_fd, .events = POLLIN}};
		int r;

		r = poll(p, 2, clock_left_ms(deadline));
		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0)
			return err_sys(err, errno, "poll");
		if (r == 0)
			return err_set(err, IRONCLAW_ERR_TIMEOUT, ETIMEDOUT,
				       "the keeper of VM '%s' does not answer", l->vm_id);
		/* The warden first: when it could not start the keeper, the keeper's end says
		 * nothing. */
		if (p[1].revents) {
			r = launch_read_warden(l, err);
			if (r < 0)
				return r;
			if (r > 0)
				return launch_explain(l, err);
			continue;
		}
		r = read_keeper(l, &said);
		if (r < 0 || r == 0)
			return explain(l, said, err);
		if (r == (int)kind || r == (int)other)
			return r;
	}
}

int launch_hear_warden(struct launch *l, uint64_t deadline_us, struct ironclaw_error *err)
{
	struct pollfd p = {.fd = l->warden_fd, .events = POLLIN};
	int r = poll(&p, 1, clock_left_ms(deadline_us));

	if (r < 0 && errno == EINTR)
		return 0;
	if (r <= 0)
		return err_set(err, IRONCLAW_ERR_TIMEOUT, ETIMEDOUT,
			       "the warden of VM '%s' does not answer", l->vm_id);
	r = launch_read_warden(l, err);
	return r > 0 ? launch_explain(l, err) : r;
}

/* A guest may be quicker than the warden's word that it started. */
static int wait_started(struct launch *l, struct ironclaw_error *err)
{
	uint64_t deadline = clock_now_us() + LAUNCH_SLACK_MS * 1000ULL;

	while (l->started_us == 0) {
		int r = launch_hear_warden(l, deadline, err);

		if (r < 0)
			return r;
	}
	return 0;
}

int launch_wait(struct launch *l, struct ironclaw_error *err)
{
	int r = launch_wait_event(l, CONTROL_READY, CONTROL_NONE, l->limit_ms, err);

	if (r > 0)
		r = wait_started(l, err);
	if (r == 0)
		l->ready_us = clock_now_us();
	return r;
}

int launch_save(struct launch *l, int state_fd, struct ironclaw_error *err)
{
	const struct control_request request = {.kind = CONTROL_SAVE,
						.deadline_ms = l->save_limit_ms};
	int r = descriptors_send(l->control_fd, &request, sizeof(request), &state_fd, 1);

	if (r < 0)
		return err_sys(err, -r, "cannot ask the keeper to save the VM");
	r = launch_wait_event(l, CONTROL_SAVED, CONTROL_NONE, l->save_limit_ms, err);
	return r < 0 ? r : 0;
}

/* What is left when the warden was killed: its children died with it, the folder is still there. */
static int remove_leftovers(const struct launch *l)
{
	int r;

	if (l->dir.vms_fd < 0 || l->ended)
		return 0;
	r = vmdir_remove_dead(&l->dir, l->vm_id);
	warden_lease_sweep();
	return r;
}

/* Asks the warden to end the VM and waits until it has; one that does not is killed. */
static void end_warden(struct launch *l)
{
	uint64_t deadline = clock_now_us() + END_MS * 1000ULL;
	struct pollfd p = {.fd = l->warden_fd, .events = POLLIN};

	(void)shutdown(l->warden_fd, SHUT_WR);
	while (!l->ended) {
		int n = poll(&p, 1, clock_left_ms(deadline));

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			(void)kill(l->warden_pid, SIGKILL);
			return;
		}
		if (launch_read_warden(l, NULL) > 0)
			return;
	}
}

int launch_end(struct launch *l, struct ironclaw_error *err)
{
	int r;

	if (l->warden_fd >= 0)
		end_warden(l);
	close_fd(&l->client_fd);
	close_fd(&l->control_fd);
	close_fd(&l->warden_fd);
	while (l->warden_pid > 0 && waitpid(l->warden_pid, NULL, 0) < 0 && errno == EINTR)
		;
	l->warden_pid = -1;
	r = l->ended ? -l->end.errnum : remove_leftovers(l);
	l->ended = true;
	vmdir_close(&l->dir);
	return r < 0 ? err_sys(err, -r, "cannot remove all that VM '%s' had", l->vm_id) : 0;
}
