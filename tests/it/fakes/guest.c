/* SPDX-License-Identifier: Apache-2.0 */
/*
 * guest.c - the real guest agent as a process of the host, for the fake Firecracker.
 *
 *   guest DIR
 *
 * Listens at DIR/PORT (FAKE_FC_GUEST_PORT, 1024), or with FAKE_FC_GUEST_CONNECT asks DIR/host for
 * that port of the host; firecracker.h has the other side. What serves is the agent's own code, in
 * new user, PID, mount, UTS and IPC namespaces, where it is PID 1 indeed: commands are real
 * processes, and all of them end with it. They see the host's files, read-only, and have a /tmp and
 * a /run of their own. Not as in a machine: there are no cgroups (a session is its main process's
 * group), no memory limits, one user, and the host's clock and random generator stay what they are.
 *
 * In place of guest/vsock.c are the two sockets in DIR; all else of the link is the agent's own.
 */
/* The real ones, here. */
#undef syscall
#undef fchown
#undef ioctl
#undef clock_settime
#undef mount
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "guest/cgroup.h"
#include "guest/child.h"
#include "guest/clock.h"
#include "guest/identity.h"
#include "guest/link.h"
#include "guest/server.h"

#define LAYER	      "/run/layer"
#define DEFAULT_PORT  "1024"
#define RETRY_NS      (20 * CLOCK_NS_PER_MS)
#define SETATTR_DEEP  0x8000U /* AT_RECURSIVE */
#define ATTR_READONLY 1U      /* MOUNT_ATTR_RDONLY */

/* Of each session: the pid of its main process. The cgroup's "descriptor" is the index. */
static pid_t mains[WIRE_SESSION_MAX + 1];
static int listen_fd = -EBADF;
static int met_fd = -EBADF;  /* a host that was called and answered */
static int64_t next_call_ns; /* 0: at once */

long world_syscall(long number, ...);
int world_fchown(int fd, uid_t uid, gid_t gid);
int world_ioctl(int fd, int request, ...);
int world_clock_settime(clockid_t clock, const struct timespec *ts);
int world_mount(const char *source, const char *target, const char *type, unsigned long flags,
		const void *data);

/* clone3's struct clone_args up to the cgroup. */
struct birth {
	uint64_t fields[10], cgroup;
};

long world_syscall(long number, ...)
{
	long a[6];
	va_list ap;
	pid_t pid;

	va_start(ap, number);
	for (int i = 0; i < 6; i++)
		a[i] = va_arg(ap, long);
	va_end(ap);
	if (number == SYS_setgroups || number == SYS_setresgid || number == SYS_setresuid)
		return 0;
	if (number != SYS_clone3)
		return syscall(number, a[0], a[1], a[2], a[3], a[4], a[5]);
	pid = fork();
	if (pid > 0)
		mains[((struct birth *)(uintptr_t)a[0])->cgroup] = pid;
	return pid;
}

int world_fchown(int fd, uid_t uid, gid_t gid)
{
	(void)fd;
	(void)uid;
	(void)gid;
	return 0;
}

int world_ioctl(int fd, int request, ...)
{
	va_list ap;
	void *arg;

	va_start(ap, request);
	arg = va_arg(ap, void *);
	va_end(ap);
	if (((unsigned int)request >> 8 & 0xff) == 'R')
		return 0;
	return ioctl(fd, request, arg);
}

int world_clock_settime(clockid_t clock, const struct timespec *ts)
{
	(void)clock;
	(void)ts;
	return 0;
}

int world_mount(const char *source, const char *target, const char *type, unsigned long flags,
		const void *data)
{
	(void)mount(source, target, type, flags, data);
	return 0;
}

int cgroup_take(unsigned int number, struct cgroup *cgroup, bool alone)
{
	(void)alone;
	*cgroup = (struct cgroup){.dir = (int)number, .events = -EBADF, .memory = -EBADF};
	return 0;
}

void cgroup_kill(const struct cgroup *cgroup)
{
	(void)kill(-mains[cgroup->dir], SIGKILL);
}

void cgroup_kill_strays(void)
{
}

/* Asked when the main process has ended: then nothing of its group is to stay. */
bool cgroup_populated(const struct cgroup *cgroup)
{
	cgroup_kill(cgroup);
	while (waitpid(-mains[cgroup->dir], NULL, 0) > 0 || errno == EINTR)
		;
	return false;
}

bool cgroup_oom(struct cgroup *cgroup)
{
	(void)cgroup;
	return false;
}

/* All that is in the PID namespace is of a session. */
void cgroup_empty_all(void)
{
	(void)kill(-1, SIGKILL);
}

void cgroup_clean(const struct cgroup *cgroup)
{
	(void)cgroup;
}

static int socket_at(const char *name, bool listening)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), r;

	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", name);
	if (listening) {
		(void)unlink(name);
		r = bind(fd, (struct sockaddr *)&address, sizeof(address));
		if (r == 0)
			r = listen(fd, SOMAXCONN);
	} else {
		r = connect(fd, (struct sockaddr *)&address, sizeof(address));
	}
	if (r == 0)
		return fd;
	(void)close(fd);
	return -1;
}

static int connect_host(uint32_t port)
{
	int fd = socket_at("host", false);
	uint8_t number[4], refused = 1;

	wire_put_u32(number, port);
	if (fd >= 0 && write(fd, number, sizeof(number)) == (ssize_t)sizeof(number) &&
	    read(fd, &refused, 1) == 1 && refused == 0)
		return fd;
	if (fd >= 0)
		(void)close(fd);
	return -1;
}

bool vsock_present(void)
{
	return true;
}

void vsock_call_soon(bool patient)
{
	next_call_ns = patient ? clock_ns() + RETRY_NS : 0;
}

unsigned int vsock_poll_add(struct pollfd *fds, int64_t *wait_ns)
{
	const char *port = getenv("FAKE_FC_GUEST_CONNECT");
	int64_t left_ns = next_call_ns - clock_ns();

	if (!port) {
		fds[0] = (struct pollfd){.fd = listen_fd, .events = POLLIN};
		return 1;
	}
	if (left_ns <= 0) {
		met_fd = connect_host((uint32_t)strtoul(port, NULL, 10));
		next_call_ns = clock_ns() + RETRY_NS;
		left_ns = met_fd >= 0 ? 0 : RETRY_NS;
	}
	if (*wait_ns > left_ns)
		*wait_ns = left_ns;
	return 0;
}

int vsock_ready(const struct pollfd *fds, unsigned int n)
{
	int fd = met_fd;

	if (n > 0 && (fds[0].revents & POLLIN))
		fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC);
	met_fd = -EBADF;
	if (fd >= 0)
		(void)fcntl(fd, F_SETFL, O_NONBLOCK);
	return fd < 0 ? -EBADF : fd;
}

__attribute__((noreturn)) static void leave(const char *what)
{
	(void)fprintf(stderr, "guest: cannot %s: %s\n", what, strerror(errno));
	_exit(1);
}

static void put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		leave(path);
	(void)close(fd);
}

static void enter_namespaces(void)
{
	char map[64], group_map[64];

	(void)snprintf(map, sizeof(map), "0 %u 1", geteuid());
	(void)snprintf(group_map, sizeof(group_map), "0 %u 1", getegid());
	if (unshare(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWUTS | CLONE_NEWIPC) < 0)
		leave("make namespaces");
	put("/proc/self/setgroups", "deny");
	put("/proc/self/uid_map", map);
	put("/proc/self/gid_map", group_map);
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
}

/* Nothing of the host may change. Return: the writable layer. */
static int arrange_files(void)
{
	struct {
		uint64_t set, clear, propagation, userns;
	} attributes = {.set = ATTR_READONLY, .propagation = MS_PRIVATE};
	int fd;

	if (syscall(SYS_mount_setattr, AT_FDCWD, "/", SETATTR_DEEP, &attributes,
		    sizeof(attributes)) < 0)
		leave("make the host's files read-only");
	if (mount("tmpfs", "/run", "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755") < 0 ||
	    mount("tmpfs", "/tmp", "tmpfs", MS_NOSUID | MS_NODEV, "mode=1777") < 0)
		leave("mount /run and /tmp");
	(void)mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
	if (mkdir(LAYER, 0755) < 0 || mount("tmpfs", LAYER, "tmpfs", 0, NULL) < 0)
		leave("make a layer");
	fd = open(LAYER, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		leave("open the layer");
	return fd;
}

int main(int argc, char **argv)
{
	const char *port = getenv("FAKE_FC_GUEST_PORT");
	int status, layer_fd;
	pid_t pid;

	if (argc != 2) {
		(void)fputs("usage: guest DIR\n", stderr);
		return 2;
	}
	/* The folder stays ours by our place in it, whatever is mounted over it. */
	if (chdir(argv[1]) < 0)
		leave("enter the folder");
	if (!getenv("FAKE_FC_GUEST_CONNECT")) {
		listen_fd = socket_at(port ? port : DEFAULT_PORT, true);
		if (listen_fd < 0)
			leave("listen");
	}
	enter_namespaces();
	pid = fork();
	if (pid < 0)
		leave("fork");
	if (pid > 0) {
		(void)close(listen_fd);
		return waitpid(pid, &status, 0) == pid && WIFEXITED(status) ? WEXITSTATUS(status)
									    : 1;
	}
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	layer_fd = arrange_files();
	identity_boot(layer_fd);
	child_boot();
	link_open();
	server_run();
}
