/* SPDX-License-Identifier: Apache-2.0 */
/*
 * firecracker_vsock.c - both ways between sockets of the host and a guest; see firecracker.h.
 *
 * The host connects to the path and says "CONNECT PORT\n" in one write of at most 32 bytes; once
 * the guest has accepted it reads "OK NUMBER\n". The guest's connects go to PATH_PORT. A host that
 * closes its sending half closes both; a guest that does is not noticed. The guest's bytes that
 * came before its end are delivered.
 */
#include "firecracker.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#define CONNECTIONS_MAX 1023
#define LINE_MAX_B	32U
#define BUFFER_B	65536U
#define BACKLOG		128
#define FIRST_PORT	1073741824U
#define GUEST_PORT	"1024"
#define RETRY_MS	50

struct link {
	struct fc_watch host; /* first */
	struct fc_watch guest;
	bool host_watched, guest_watched;
	bool asked;	 /* CONNECT was read */
	bool guest_asks; /* the guest's request of a port is awaited */
	bool early;	 /* asked before there was a driver */
	bool host_gone, guest_gone, guest_mute;
	struct fc_bytes to_host, to_guest;
	struct fc_guest *builtin;
	long sent;
	struct link *next;
};

static struct fc_watch listener = {.fd = -1}, guest_listener = {.fd = -1}, child = {.fd = -1};
static struct link *links;
static int n_links;
static bool running, paused, hung, silent, late;
static bool listening;
static long resets_left;
static uint32_t next_port = FIRST_PORT;

uint32_t fc_vsock_port(void)
{
	return next_port;
}

void fc_vsock_set_port(uint32_t port)
{
	next_port = port;
}

static bool frozen(void)
{
	return paused || hung || silent;
}

static int bind_at(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd, r;

	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	memcpy(address.sun_path, path, strlen(path));
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 && bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0 &&
	    listen(fd, BACKLOG) == 0) {
		fc_set_nonblocking(fd);
		return fd;
	}
	r = -errno;
	if (fd >= 0)
		(void)close(fd);
	return r;
}

/* Return: a descriptor, -1 when nobody listens. Waits, as the real one does. */
static int connect_to(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd;

	if (strlen(path) >= sizeof(address.sun_path))
		return -1;
	memcpy(address.sun_path, path, strlen(path));
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
		(void)close(fd);
		return -1;
	}
	fc_set_nonblocking(fd);
	return fd;
}

static int connect_host(uint32_t port)
{
	char path[PATH_MAX];

	(void)snprintf(path, sizeof(path), "%s_%u", fc_json_text(fc_vm.vsock, "uds_path"), port);
	return connect_to(path);
}

static void close_link(struct link *l)
{
	struct link **at = &links;

	while (*at != l)
		at = &(*at)->next;
	*at = l->next;
	if (l->host.fd >= 0)
		(void)close(l->host.fd);
	if (l->guest.fd >= 0)
		(void)close(l->guest.fd);
	fc_bytes_free(&l->to_host);
	fc_bytes_free(&l->to_guest);
	fc_guest_free(l->builtin);
	free(l);
	n_links--;
}

static void close_links(bool early_only)
{
	struct link *next;

	for (struct link *l = links; l; l = next) {
		next = l->next;
		if (!early_only || l->early)
			close_link(l);
	}
}

/* @want: -1: not watched at all, for an end that was reported would be reported for ever. */
static void set_watch(struct fc_watch *watch, bool *watched, int want)
{
	if (watch->fd < 0)
		return;
	if (want < 0) {
		if (*watched)
			fc_unwatch(watch);
		*watched = false;
		return;
	}
	fc_watch(watch, (uint32_t)want, *watched);
	*watched = true;
}

static void arm(struct link *l)
{
	int host = 0, guest = 0;

	if (l->to_host.len > 0)
		host |= EPOLLOUT;
	if (l->to_guest.len < BUFFER_B && !l->host_gone && !l->early)
		host |= EPOLLIN;
	if (l->to_guest.len > 0)
		guest |= EPOLLOUT;
	if (l->to_host.len < BUFFER_B && !l->guest_mute && !l->guest_gone)
		guest |= EPOLLIN;
	set_watch(&l->host, &l->host_watched, frozen() || host == 0 ? -1 : host);
	set_watch(&l->guest, &l->guest_watched, frozen() || l->guest_gone ? -1 : guest);
}

static void arm_all(void)
{
	for (struct link *l = links; l; l = l->next)
		arm(l);
	set_watch(&listener, &listening, running && !frozen() ? EPOLLIN : -1);
}

/* Write what is waiting. Return: false when the other end is broken. */
static bool drain(struct fc_bytes *bytes, int fd)
{
	while (bytes->len > 0) {
		ssize_t n = send(fd, bytes->at, bytes->len, MSG_NOSIGNAL);

		if (n < 0)
			return errno == EAGAIN || errno == EINTR;
		fc_bytes_drop(bytes, (size_t)n);
	}
	return true;
}

/* Move on. Return: whether the link is still there. */
static bool settle(struct link *l)
{
	long cut;

	if (l->host.fd >= 0 && fc_fault_at("vsock-cut", NULL, &cut) && l->asked &&
	    l->sent + (long)l->to_host.len >= cut) {
		l->to_host.len = (size_t)(cut > l->sent ? cut - l->sent : 0);
		l->guest_gone = true;
	}
	if (l->host.fd >= 0) {
		size_t before = l->to_host.len;

		l->host_gone |= !drain(&l->to_host, l->host.fd);
		l->sent += (long)(before - l->to_host.len);
	}
	if (l->guest.fd >= 0)
		l->guest_gone |= !drain(&l->to_guest, l->guest.fd);
	if ((l->host_gone && (l->to_guest.len == 0 || l->guest_gone)) ||
	    (l->guest_gone && l->to_host.len == 0)) {
		close_link(l);
		return false;
	}
	arm(l);
	return true;
}

static void from_guest(struct fc_watch *watch, uint32_t events)
{
	struct link *l = (struct link *)((char *)watch - offsetof(struct link, guest));
	char buf[8192];
	ssize_t n = 0;

	if (events & EPOLLIN) {
		n = recv(watch->fd, buf, sizeof(buf), 0);
		if (n > 0)
			fc_bytes_add(&l->to_host, buf, (size_t)n);
		else if (n == 0 || errno != EAGAIN)
			l->guest_mute = true;
	}
	if ((events & (EPOLLHUP | EPOLLERR)) && n <= 0)
		l->guest_gone = true;
	(void)settle(l);
}

static struct link *new_link(int host, int guest)
{
	struct link *l = calloc(1, sizeof(*l));

	if (!l)
		abort();
	l->host.fd = host;
	l->guest.fd = guest;
	l->guest.ready = from_guest;
	l->next = links;
	links = l;
	n_links++;
	return l;
}

static uint32_t builtin_port(void)
{
	const char *port = fc_setting("FAKE_FC_GUEST_PORT");

	return (uint32_t)strtoul(port ? port : GUEST_PORT, NULL, 10);
}

/* Return: whether the guest has taken the connection. */
static bool reach_guest(struct link *l, uint32_t port)
{
	const char *dir = fc_setting("FAKE_FC_GUEST_DIR");
	char path[PATH_MAX];

	/* So is the real one's: this number is the host, and nothing gets through. */
	if (fc_json_int(fc_vm.vsock, "guest_cid", 3) == 2)
		return false;
	if (dir) {
		(void)snprintf(path, sizeof(path), "%s/%u", dir, port);
		l->guest.fd = connect_to(path);
		return l->guest.fd >= 0;
	}
	if (port != builtin_port() || fc_setting("FAKE_FC_GUEST_CONNECT"))
		return false;
	l->builtin = fc_guest_new();
	return true;
}

/* "CONNECT 52" and what follows on the line. */
static bool parse_connect(char *line, uint32_t *ret_port)
{
	char *word = strtok_r(line, " \t\r\n\v\f", &line), *number, *end;
	unsigned long port;

	number = word ? strtok_r(line, " \t\r\n\v\f", &line) : NULL;
	if (!number || strcasecmp(word, "connect") != 0 || !isdigit((unsigned char)*number))
		return false;
	port = strtoul(number, &end, 10);
	*ret_port = (uint32_t)port;
	return *end == '\0' && port <= UINT32_MAX;
}

/* Return: whether the link is still there. */
static bool connect_guest(struct link *l, uint32_t port)
{
	if (fc_fault_at("vsock-mute", NULL, NULL))
		return true;
	if (fc_fault_at("vsock-eof", NULL, NULL) || !reach_guest(l, port)) {
		close_link(l);
		return false;
	}
	if (fc_fault_at("vsock-garbage", NULL, NULL))
		fc_bytes_print(&l->to_host, "NO %u\n", port);
	else
		fc_bytes_print(&l->to_host, "OK %u\n", next_port++);
	if (resets_left > 0) {
		resets_left--;
		(void)drain(&l->to_host, l->host.fd);
		close_link(l);
		return false;
	}
	if (l->builtin)
		fc_guest_hello(l->builtin, &l->to_host);
	l->sent = -(long)sizeof("OK 1073741824"); /* the bytes of the guest alone count */
	return settle(l);
}

/* Return: whether the link is still there, and asked for. */
static bool read_request(struct link *l)
{
	char line[LINE_MAX_B + 1];
	ssize_t n = recv(l->host.fd, line, LINE_MAX_B, MSG_PEEK);
	char *end = n > 0 ? memchr(line, '\n', (size_t)n) : NULL;
	size_t len = end ? (size_t)(end - line) + 1 : LINE_MAX_B;
	uint32_t port;

	if (n < 0 && errno == EAGAIN)
		return false;
	if (n <= 0 || (!end && (size_t)n < LINE_MAX_B)) {
		close_link(l);
		return false;
	}
	(void)!recv(l->host.fd, line, len, 0);
	line[len] = '\0';
	if (!parse_connect(line, &port)) {
		close_link(l);
		return false;
	}
	l->asked = true;
	if (late) {
		l->early = true;
		arm(l);
		return false;
	}
	return connect_guest(l, port);
}

static void from_host(struct fc_watch *watch, uint32_t events)
{
	struct link *l = (struct link *)watch;
	char buf[8192];
	ssize_t n;

	if (!l->asked) {
		(void)read_request(l);
		return;
	}
	if (events & (EPOLLIN | EPOLLHUP | EPOLLERR)) {
		n = recv(watch->fd, buf, sizeof(buf), 0);
		if (n == 0 || (n < 0 && errno != EAGAIN))
			l->host_gone = true;
		else if (n > 0 && l->builtin)
			l->guest_gone |= !fc_guest_feed(l->builtin, buf, (size_t)n, &l->to_host);
		else if (n > 0 && l->guest.fd >= 0)
			fc_bytes_add(&l->to_guest, buf, (size_t)n);
	}
	(void)settle(l);
}

static void on_listener(struct fc_watch *watch, uint32_t events)
{
	int fd = accept4(watch->fd, NULL, NULL, SOCK_CLOEXEC);
	struct link *l;

	(void)events;
	if (fd < 0)
		return;
	if (n_links >= CONNECTIONS_MAX) {
		(void)close(fd);
		return;
	}
	fc_set_nonblocking(fd);
	l = new_link(fd, -1);
	l->host.ready = from_host;
	arm(l);
}

/* The guest asks for a port of the host. */
static void guest_request(struct fc_watch *watch, uint32_t events)
{
	struct link *l = (struct link *)((char *)watch - offsetof(struct link, guest));
	unsigned char port[4], refused;
	ssize_t n = recv(watch->fd, port, sizeof(port), 0);

	(void)events;
	if (n < 0 && errno == EAGAIN)
		return;
	if (n == (ssize_t)sizeof(port))
		l->host.fd = connect_host((uint32_t)port[0] | (uint32_t)port[1] << 8 |
					  (uint32_t)port[2] << 16 | (uint32_t)port[3] << 24);
	refused = l->host.fd < 0;
	(void)send(watch->fd, &refused, 1, MSG_NOSIGNAL);
	if (refused) {
		close_link(l);
		return;
	}
	l->asked = true;
	l->host.ready = from_host;
	l->guest.ready = from_guest;
	arm(l);
}

static void on_guest_listener(struct fc_watch *watch, uint32_t events)
{
	int fd = accept4(watch->fd, NULL, NULL, SOCK_CLOEXEC);
	struct link *l;

	(void)events;
	if (fd < 0)
		return;
	if (n_links >= CONNECTIONS_MAX) {
		(void)close(fd);
		return;
	}
	fc_set_nonblocking(fd);
	l = new_link(-1, fd);
	l->guest.ready = guest_request;
	arm(l);
}

int fc_vsock_bind(const char *path)
{
	int fd = bind_at(path);

	if (fd < 0)
		return -fd;
	if (listener.fd >= 0)
		(void)close(listener.fd);
	listener = (struct fc_watch){.fd = fd, .ready = on_listener};
	return 0;
}

/* The built-in guest that connects tries until somebody listens. */
static void builtin_connects(void)
{
	uint32_t port = (uint32_t)strtoul(fc_setting("FAKE_FC_GUEST_CONNECT"), NULL, 10);
	int fd = frozen() ? -1 : connect_host(port);
	struct link *l;

	if (fd < 0) {
		fc_later(RETRY_MS, builtin_connects);
		return;
	}
	l = new_link(fd, -1);
	l->host.ready = from_host;
	l->asked = true;
	l->builtin = fc_guest_new();
	fc_guest_hello(l->builtin, &l->to_host);
	(void)settle(l);
}

static void child_ended(struct fc_watch *watch, uint32_t events)
{
	(void)watch;
	(void)events;
	fc_vm_guest_rebooted();
}

/* Return: 0 or errno. */
static int start_program(const char *program, const char *dir)
{
	char *argv[] = {strdup(program), strdup(dir), NULL};
	pid_t pid = fork();

	if (pid < 0)
		return errno;
	if (pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		(void)signal(SIGPIPE, SIG_DFL);
		(void)execv(program, argv);
		_exit(127);
	}
	free(argv[0]);
	free(argv[1]);
	child = (struct fc_watch){.fd = (int)syscall(SYS_pidfd_open, pid, 0), .ready = child_ended};
	if (child.fd < 0)
		return errno;
	fc_watch(&child, EPOLLIN, false);
	return 0;
}

static int start_outside(const char *dir)
{
	const char *program = fc_setting("FAKE_FC_GUEST");
	char path[PATH_MAX];

	(void)snprintf(path, sizeof(path), "%s/host", dir);
	(void)unlink(path);
	guest_listener = (struct fc_watch){.fd = bind_at(path), .ready = on_guest_listener};
	if (guest_listener.fd < 0)
		return -guest_listener.fd;
	fc_watch(&guest_listener, EPOLLIN, false);
	return program ? start_program(program, dir) : 0;
}

static void driver_there(void)
{
	late = false;
	close_links(true);
}

static void fall_silent(void)
{
	silent = true;
	arm_all();
}

int fc_vsock_start(bool loaded)
{
	const char *dir = fc_setting("FAKE_FC_GUEST_DIR");
	long ms;
	int r;

	if (running) /* and what failed came after */
		return 0;
	r = dir ? start_outside(dir) : 0;
	if (r != 0)
		return r;
	running = true;
	(void)fc_fault_at("vsock-reset", NULL, &resets_left);
	if (loaded && fc_version < FC_VERSION(16, 0) && resets_left == 0)
		resets_left = 1;
	if (fc_fault_at("vsock-late", NULL, &ms)) {
		late = true;
		fc_later(ms, driver_there);
	}
	if (fc_fault_at("guest-silent", NULL, &ms))
		fc_later(ms, fall_silent);
	if (!dir && fc_setting("FAKE_FC_GUEST_CONNECT"))
		fc_later(0, builtin_connects);
	arm_all();
	return 0;
}

void fc_vsock_pause(void)
{
	paused = true;
	arm_all();
}

void fc_vsock_resume(bool saved)
{
	paused = false;
	if (saved)
		close_links(false);
	hung = !saved && (fc_version == FC_VERSION(16, 0) || fc_version == FC_VERSION(16, 1));
	arm_all();
}
