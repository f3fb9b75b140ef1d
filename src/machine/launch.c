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
#include "image/initramfs.h"
#include "jail/denials.h"
#include "jail/warden_lease.h"
#include "jail/warden_limits.h"
#include "machine/control.h"
#include "machine/vhost.h"
#include "sys/clock.h"
#include "sys/descriptors.h"
#include "sys/file.h"

/* How long a dead VM's keeper and warden are waited for before a failure is explained without them.
 */
#define LAST_WORDS_MS 6000
/* Beyond the keeper's own deadline, which it may not keep: it parses guest bytes. */
#define SLACK_MS      5000U
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

/* The boot's initramfs, in the VM's own folder. */
static int write_initramfs(const struct launch_settings *s, const struct launch *l, char *path,
			   size_t size, struct ironclaw_error *err)
{
	cleanup_close int fd = -EBADF;
	char agent[1200], name[LIMIT_VM_ID_MAX + 16];

	(void)snprintf(agent, sizeof(agent), "%s/ironclaw-guest", s->programs);
	(void)snprintf(name, sizeof(name), "%s/initramfs", l->vm_id);
	(void)snprintf(path, size, "%s/vms/%s", s->paths->run, name);
	/* Closed to others by the folder; the VMM may be another user. */
	fd = openat(l->dir.vms_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0400);
	if (fd < 0 || fchmod(fd, 0444) < 0)
		return err_sys(err, errno, "cannot make '%s'", path);
	return initramfs_write(fd, s->kernel, agent, err);
}

/* The VMM's own filter, in the VM's folder; @path stays empty when none is to be given. */
static int write_filter(const struct launch_settings *s, const struct launch *l, char *path,
			size_t size, struct ironclaw_error *err)
{
	cleanup_free uint8_t *buf = malloc(ENGINE_FILTER_MAX_B);
	cleanup_close int fd = -EBADF;
	char name[LIMIT_VM_ID_MAX + 16];
	size_t len = 0;
	int r;

	path[0] = '\0';
	if (!buf)
		return err_sys(err, ENOMEM, "no room for the VMM's filter");
	r = s->engine->filter(s->host, s->seccomp, s->vmm.start == ENGINE_BOOT_TEMPLATE, buf, &len,
			      err);
	if (r < 0 || len == 0)
		return r;
	(void)snprintf(name, sizeof(name), "%s/seccomp", l->vm_id);
	(void)snprintf(path, size, "%s/vms/%s", s->paths->run, name);
	/* As the initramfs. */
	fd = openat(l->dir.vms_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0400);
	if (fd < 0 || fchmod(fd, 0444) < 0)
		return err_sys(err, errno, "cannot make '%s'", path);
	r = file_write_full(fd, buf, len);
	return r < 0 ? err_sys(err, -r, "cannot write '%s'", path) : 0;
}

/* @twin: stands where the plan has the VMM's program. */
static void mount_files(struct jail_plan *jail, const struct engine_plan *plan,
			const struct launch_twin *twin)
{
	static const enum jail_mount_kind kinds[] = {
		[ENGINE_FILE_RO] = JAIL_BIND_RO,
		[ENGINE_FILE_RW] = JAIL_BIND_RW,
		[ENGINE_FILE_DEVICE] = JAIL_BIND_DEV,
	};

	for (size_t i = 0; i < plan->n_files; i++) {
		const struct engine_file *f = &plan->files[i];
		bool is_program = strcmp(f->inside, plan->argv[0]) == 0;

		jail_plan_mount(jail, kinds[f->kind], twin && is_program ? twin->program : f->host,
				f->inside);
	}
}

/* Settings to a request: the engine's plan, put into the jail's terms. */
static int make_plan(const struct launch_settings *s, struct launch *l, struct engine_plan *plan,
		     struct ironclaw_error *err)
{
	struct jail_confinement confinement = s->confinement;
	struct engine_settings vmm = s->vmm;
	char initramfs[1200], filter[1200], keeper[1200];
	int r = 0;

	vmm.guest_cid = l->guest_cid;
	if (vmm.start != ENGINE_CLONE) {
		r = write_initramfs(s, l, initramfs, sizeof(initramfs), err);
		vmm.initramfs = initramfs;
		vmm.tsc_khz = clock_tsc_khz();
	}
	if (r == 0 && s->engine->filter) {
		r = write_filter(s, l, filter, sizeof(filter), err);
		vmm.seccomp_filter = filter[0] ? filter : NULL;
	}
	if (r == 0)
		r = s->engine->plan(s->host, &vmm, plan, err);
	if (r < 0)
		return r;
	if (s->twin && s->twin->keeper)
		(void)snprintf(keeper, sizeof(keeper), "%s", s->twin->program);
	else
		(void)snprintf(keeper, sizeof(keeper), "%s/ironclaw-keeper", s->programs);
	jail_plan_init(&l->plan, l->vm_id, keeper, plan->file_size_max_b);
	confinement.keeper = plan->sockets		     ? JAIL_PROGRAM_KEEPER_SOCKETS
			     : vmm.link == ENGINE_LINK_VSOCK ? JAIL_PROGRAM_KEEPER_VSOCK
							     : JAIL_PROGRAM_KEEPER;
	confinement.sockets = plan->sockets;
	jail_plan_confine(&l->plan, &confinement);
	mount_files(&l->plan, plan, s->twin);
	for (size_t i = 0; i < plan->n_argv; i++)
		jail_plan_arg(&l->plan, plan->argv[i]);
	if (s->twin)
		jail_plan_arg(&l->plan, s->twin->orders);
	for (size_t i = 0; i < plan->n_env; i++)
		jail_plan_env(&l->plan, plan->env[i]);
	return jail_plan_finish(&l->plan, plan->n_fds, err);
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
		.link = s->vmm.link,
		.guest_cid = l->guest_cid,
	};
	int r;

	(void)snprintf(start.hostname, sizeof(start.hostname), "%s", l->vm_id);
	(void)snprintf(start.engine, sizeof(start.engine), "%s", s->engine->name);
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
		r = make_plan(s, l, &plan, err);
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
static int read_warden(struct launch *l, struct ironclaw_error *err)
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
	if (event.kind == CONTROL_READY || event.kind == CONTROL_SAVED)
		return (int)event.kind;
	if (event.kind != CONTROL_FAILED)
		return 0;
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
			warden_open = read_warden(l, &failed) == 0;
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

/* Waits for one kind of event from the keeper, and for whatever goes wrong before it. */
static int wait_keeper(struct launch *l, enum control_event_kind kind, uint32_t limit_ms,
		       struct ironclaw_error *err)
{
	uint64_t deadline = clock_now_us() + (limit_ms + SLACK_MS) * 1000ULL;
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
			r = read_warden(l, err);
			if (r < 0)
				return r;
			if (r > 0)
				return launch_explain(l, err);
			continue;
		}
		r = read_keeper(l, &said);
		if (r < 0 || r == 0)
			return explain(l, said, err);
		if (r == (int)kind)
			return 0;
	}
}

/* A guest may be quicker than the warden's word that it started. */
static int wait_started(struct launch *l, struct ironclaw_error *err)
{
	uint64_t deadline = clock_now_us() + SLACK_MS * 1000ULL;

	while (l->started_us == 0) {
		struct pollfd p = {.fd = l->warden_fd, .events = POLLIN};
		int r = poll(&p, 1, clock_left_ms(deadline));

		if (r < 0 && errno == EINTR)
			continue;
		if (r <= 0)
			return err_set(err, IRONCLAW_ERR_TIMEOUT, ETIMEDOUT,
				       "the warden of VM '%s' does not answer", l->vm_id);
		r = read_warden(l, err);
		if (r != 0)
			return r < 0 ? r : launch_explain(l, err);
	}
	return 0;
}

int launch_wait(struct launch *l, struct ironclaw_error *err)
{
	int r = wait_keeper(l, CONTROL_READY, l->limit_ms, err);

	if (r == 0)
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
	return wait_keeper(l, CONTROL_SAVED, l->save_limit_ms, err);
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
		if (read_warden(l, NULL) > 0)
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
