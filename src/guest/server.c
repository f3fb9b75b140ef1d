/* SPDX-License-Identifier: Apache-2.0 */
/*
 * server.c - the one loop of PID 1; see server.h.
 *
 * One thread, one poll(2), memory of fixed size. Between two rounds nothing is under way but what
 * the sessions say, so a machine that is saved while it idles here can go on as any number of
 * clones.
 */
#include "guest/server.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "guest/clock.h"
#include "guest/identity.h"
#include "guest/link.h"
#include "guest/power.h"
#include "guest/session.h"

#define REAP_PER_ROUND 64
#define FD_CHILD       0		      /* index in the array of pollfds */
#define FD_LINK	       1		      /* LINK_POLL_MAX of them at most */
#define HOST_GONE_NS   (10 * CLOCK_NS_PER_MS) /* between two looks for a host that has gone */

static int open_child_signal(void)
{
	sigset_t set;
	int fd;

	(void)signal(SIGPIPE, SIG_IGN);
	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGCHLD);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		power_fail("cannot block SIGCHLD: %s", strerror(errno));
	fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (fd < 0)
		power_fail("cannot make a signalfd: %s", strerror(errno));
	return fd;
}

/* Return: whether there may be more; a flood of orphans must not keep us from the link. */
static bool reap(void)
{
	for (int i = 0; i < REAP_PER_ROUND; i++) {
		int status;
		pid_t pid = waitpid(-1, &status, WNOHANG);

		if (pid <= 0)
			return false;
		session_reaped(pid, status);
	}
	return true;
}

static void vm_frame(const struct wire_frame *frame)
{
	switch (frame->header.kind) {
	case WIRE_IDENTITY:
		if (session_any())
			link_fail("IDENTITY while a session is open");
		identity_begin(frame->payload, frame->header.length);
		return;
	case WIRE_TIME:
		identity_time(frame->payload);
		return;
	default:
		/* wire_header_check() lets nothing else through from the host. */
		link_fail("kind");
	}
}

static bool serve_link(void)
{
	bool connected = link_receive();
	struct wire_frame frame;

	while (link_next(&frame)) {
		if (frame.header.session == 0)
			vm_frame(&frame);
		else
			session_frame(&frame);
	}
	return connected;
}

/* poll(2) with a fine timeout. @wait_ns: INT64_MAX: for ever. */
static void wait_ready(struct pollfd *fds, unsigned int n, int64_t wait_ns)
{
	struct timespec ts = {
		.tv_sec = wait_ns / CLOCK_NS_PER_S,
		.tv_nsec = wait_ns % CLOCK_NS_PER_S,
	};

	if (ppoll(fds, n, wait_ns == INT64_MAX ? NULL : &ts, NULL) < 0) {
		if (errno != EINTR)
			power_fail("cannot poll: %s", strerror(errno));
		for (unsigned int i = 0; i < n; i++)
			fds[i].revents = 0;
	}
}

/* A connection that broke took everything with it that was under way. */
static void drop_broken_link(void)
{
	if (!link_drop_broken(!identity_ready()))
		return;
	session_abandon();
	identity_forget();
}

static void say_hello(void)
{
	link_send_u32(WIRE_HELLO, WIRE_STREAM_NONE, 0, WIRE_VERSION);
}

/* What poll(2) is asked, and who wants to know. */
struct round {
	struct pollfd fds[FD_LINK + LINK_POLL_MAX + SESSION_POLL_MAX];
	struct session_poll owners[SESSION_POLL_MAX];
	unsigned int n_link, n_sessions;
	int64_t wait_ns;
	bool reap_more, host_gone;
};

static void prepare(struct round *r)
{
	unsigned int n;

	r->wait_ns = INT64_MAX;
	r->n_link = link_poll_add(r->fds + FD_LINK, &r->wait_ns);
	/* Without a host poll(2) would report that at once, for ever. */
	if (r->host_gone)
		r->fds[FD_LINK].fd = -1;
	if (r->host_gone && r->wait_ns > HOST_GONE_NS)
		r->wait_ns = HOST_GONE_NS;
	n = FD_LINK + r->n_link;
	r->n_sessions = session_poll_add(r->fds + n, r->owners, &r->wait_ns);
	if (r->reap_more)
		r->wait_ns = 0;
	wait_ready(r->fds, n + r->n_sessions, r->wait_ns);
}

static void serve(struct round *r)
{
	const struct pollfd *link = r->fds + FD_LINK, *sessions = link + r->n_link;
	struct signalfd_siginfo info;

	for (unsigned int i = 0; i < r->n_sessions; i++)
		if (sessions[i].revents)
			session_ready(&r->owners[i]);
	if (r->fds[FD_CHILD].revents || r->reap_more) {
		(void)!read(r->fds[FD_CHILD].fd, &info, sizeof(info));
		r->reap_more = reap();
	}
	if (!link_is_up()) {
		if (link_answered(link, r->n_link))
			say_hello();
	} else if (r->host_gone || link[0].revents) {
		r->host_gone = !serve_link() && link_waits_for_host();
	}
	drop_broken_link();
}

void server_run(void)
{
	static struct round round;

	round.fds[FD_CHILD] = (struct pollfd){.fd = open_child_signal(), .events = POLLIN};
	if (link_is_up())
		say_hello();
	for (;;) {
		prepare(&round);
		serve(&round);
	}
}
