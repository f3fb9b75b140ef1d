/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keeper.c - the program ironclaw-keeper: owns the link of one VM, and parses what the guest sends.
 *
 * Theory of operation. The warden starts it, without privilege, beside the VMM, with five
 * descriptors and the lock of its folder (jail/request.h). The library's first message says whether
 * the guest boots or was restored.
 *
 *   phase 1, handshake   the guest gets its identity (link/handshake.h); a deadline holds
 *   phase 2, relay       frames pass in both directions when the ledger allows them (link/relay.h);
 *                        the library may ask to save the VM's state, to pause the guest, and to
 *                        let it go on, which is then told the time
 *
 * Over vsock the link is a connection, which the guest makes (link/meet.h) and which may break
 * while the VM lives on: when it is saved, or when the guest's end dies. A connection that breaks
 * in phase 1 is waited for anew. In phase 2 the library is told of each session that went with it,
 * what it still says about those is dropped, and phase 1 begins again, with the same identity and a
 * deadline of its own. Nothing is ever sent a second time. There is one link: who calls while it
 * lives is hung up on. A port of virtio-serial ends with its VMM.
 *
 * In both phases the console is drained, and only its tail kept, for the message that explains a
 * failure; the monitor is read, and an error on it ends the VM. Any failure is told to the library,
 * once, and the keeper exits: the warden then takes the VM down. When the library closes its ends
 * the keeper exits silently.
 *
 * It holds no guest byte longer than the relay's buffers and trusts none. It is a static program in
 * a jail of its own (jail/warden_jail.h): an empty tree, no network, no capability, and a seccomp
 * filter that leaves it reading, writing and waiting. So a guest that takes this process over has
 * what it holds: its own link, its own console, its own VMM's monitor.
 */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "engine/engine.h"
#include "jail/request.h"
#include "link/handshake.h"
#include "link/meet.h"
#include "link/relay.h"
#include "machine/console.h"
#include "machine/control.h"
#include "sys/clock.h"
#include "sys/descriptors.h"

enum keeper_fd {
	FD_CONTROL = JAIL_FIRST_FD + JAIL_KEEPER_CONTROL,
	FD_CLIENT = JAIL_FIRST_FD + JAIL_KEEPER_CLIENT,
	FD_LINK = JAIL_FIRST_FD + JAIL_KEEPER_LINK,
	FD_MONITOR = JAIL_FIRST_FD + JAIL_KEEPER_MONITOR,
	FD_CONSOLE = JAIL_FIRST_FD + JAIL_KEEPER_CONSOLE,
};

/* How much later than its connections the end of a VMM's monitor may be seen. */
#define VMM_DEATH_MS 100

struct keeper {
	const struct engine *engine;
	struct engine_monitor monitor;
	bool vsock;	 /* the link is one of the connections to FD_LINK */
	int link_fd;	 /* -EBADF: the guest is waited for */
	bool link_broke; /* found by a lane */
	bool time_due;	 /* the guest was paused: its clock stood still */
	struct meet meet;
	struct handshake handshake;
	struct ledger ledger;
	struct relay_lane from_guest, from_host;
	bool monitor_open;
	struct console console;
};

static struct keeper keeper;

/* While an engine waits. */
static void idle(void)
{
	console_drain(&keeper.console);
}

__attribute__((noreturn)) static void fail(struct keeper *k, struct ironclaw_error *err)
{
	struct control_event event = {.kind = CONTROL_FAILED};

	console_quote(&k->console, err);
	event.error = *err;
	/* A library that is gone needs no explanation. */
	(void)descriptors_send(FD_CONTROL, &event, sizeof(event), NULL, 0);
	_exit(1);
}

__attribute__((noreturn, format(printf, 4, 5))) static void
fail_with(struct keeper *k, enum ironclaw_errcode code, int errnum, const char *fmt, ...)
{
	struct ironclaw_error err = {0};
	char text[256];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	(void)err_set(&err, code, errnum, "%s", text);
	fail(k, &err);
}

static void fail_protocol(struct keeper *k, const char *bad)
{
	fail_with(k, IRONCLAW_ERR_GUEST, EPROTO, "the guest broke the protocol: %s", bad);
}

static void monitor_read(struct keeper *k)
{
	struct ironclaw_error err = {0};
	int r = k->engine->check(&k->monitor, &err);

	/* A closed monitor means a dead VMM: the link's end says so better. */
	if (r == -EPIPE)
		k->monitor_open = false;
	else if (r < 0)
		fail(k, &err);
}

static void report(const struct control_event *event)
{
	if (descriptors_send(FD_CONTROL, event, sizeof(*event), NULL, 0) < 0)
		_exit(0);
}

/* Entries of every poll(2), in this order. */
enum {
	POLL_CONTROL,
	POLL_LINK,
	POLL_MONITOR,
	POLL_CONSOLE,
	POLL_CLIENT,
	POLL_MEET,
	POLL_N = POLL_MEET + MEET_POLL_MAX
};

static void poll_clear(struct pollfd *p)
{
	for (int i = 0; i < POLL_N; i++)
		p[i] = (struct pollfd){.fd = -1};
}

static void poll_wait(struct keeper *k, struct pollfd *p, int timeout_ms)
{
	int n = poll(p, POLL_N, timeout_ms);

	if (n >= 0)
		return;
	if (errno != EINTR)
		fail_with(k, IRONCLAW_ERR_SYSTEM, errno, "poll: %s", strerror(errno));
	for (int i = 0; i < POLL_N; i++)
		p[i].revents = 0;
}

static void poll_common(struct keeper *k, struct pollfd *p)
{
	p[POLL_CONTROL] = (struct pollfd){.fd = FD_CONTROL, .events = POLLIN};
	p[POLL_MONITOR] =
		(struct pollfd){.fd = k->monitor_open ? k->monitor.fd : -1, .events = POLLIN};
	p[POLL_CONSOLE] = (struct pollfd){.fd = k->console.fd, .events = POLLIN};
}

static void serve_common(struct keeper *k, const struct pollfd *p)
{
	if (p[POLL_CONSOLE].revents)
		console_read(&k->console);
	if (p[POLL_MONITOR].revents)
		monitor_read(k);
}

static void link_begin(struct keeper *k, int fd)
{
	k->link_fd = fd;
	relay_lane_init(&k->from_guest, WIRE_FROM_GUEST, fd, FD_CLIENT);
	k->from_guest.breakable = k->vsock;
}

static void link_end(struct keeper *k)
{
	close_fd(&k->link_fd);
	handshake_again(&k->handshake);
}

/* A connection that breaks during the handshake is waited for anew; a port is the VMM's end. */
static void link_ended_early(struct keeper *k)
{
	if (!k->vsock)
		fail_with(k, IRONCLAW_ERR_VMM, EPIPE, "the VMM ended before the guest answered");
	link_end(k);
}

static void handshake_frames(struct keeper *k)
{
	struct wire_reader *reader = &k->from_guest.reader;
	struct wire_frame frame;
	const char *bad = NULL;
	int r;

	while ((r = wire_reader_next(reader, &frame)) > 0) {
		if (k->handshake.state == HANDSHAKE_DONE)
			fail_protocol(k, "frame after IDENTITY_OK that nobody asked for");
		r = handshake_see(&k->handshake, &frame, k->link_fd, &bad);
		if (r == -EPROTO)
			fail_protocol(k, bad);
		if (r < 0) {
			link_ended_early(k);
			return;
		}
	}
	if (r < 0)
		fail_protocol(k, reader->bad);
}

/* One read of the link during the handshake, and what it brought. */
static void handshake_read(struct keeper *k)
{
	size_t room;
	uint8_t *space = wire_reader_space(&k->from_guest.reader, &room);
	ssize_t n = read(k->link_fd, space, room);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		link_ended_early(k);
		return;
	}
	wire_reader_added(&k->from_guest.reader, (size_t)n);
	handshake_frames(k);
}

/* One look at who calls; the HELLO that was found goes the way of all frames. */
static void meet_guest(struct keeper *k, const struct pollfd *p)
{
	int fd = meet_ready(&k->meet, p);
	size_t room;

	if (fd == -EAGAIN)
		return;
	if (fd < 0)
		fail_with(k, IRONCLAW_ERR_SYSTEM, -fd, "cannot take the guest's call: %s",
			  strerror(-fd));
	link_begin(k, fd);
	memcpy(wire_reader_space(&k->from_guest.reader, &room), k->meet.hello, MEET_HELLO_B);
	wire_reader_added(&k->from_guest.reader, MEET_HELLO_B);
	handshake_frames(k);
}

/* @again: the library knows a running VM: it may have asked for something, which waits. */
static void handshake_step(struct keeper *k, int left_ms, bool again)
{
	struct pollfd p[POLL_N];
	bool meeting = k->link_fd < 0;

	poll_clear(p);
	poll_common(k, p);
	if (again)
		p[POLL_CONTROL].events = 0;
	if (meeting)
		meet_poll(&k->meet, p + POLL_MEET, &left_ms);
	else
		p[POLL_LINK] = (struct pollfd){.fd = k->link_fd, .events = POLLIN};
	poll_wait(k, p, left_ms);
	/* A library that has nothing to say is gone. */
	if (p[POLL_CONTROL].revents)
		_exit(0);
	serve_common(k, p);
	/* Of a port the end of the link says it. */
	if (k->vsock && !k->monitor_open)
		fail_with(k, again ? IRONCLAW_ERR_LOST : IRONCLAW_ERR_VMM, EPIPE, "the VMM ended%s",
			  again ? "" : " before the guest answered");
	if (meeting)
		meet_guest(k, p + POLL_MEET);
	else if (p[POLL_LINK].revents)
		handshake_read(k);
}

static void run_handshake(struct keeper *k, uint32_t deadline_ms, bool again)
{
	uint64_t deadline = clock_now_us() + (uint64_t)deadline_ms * 1000;

	while (k->handshake.state != HANDSHAKE_DONE) {
		int left_ms = clock_left_ms(deadline);

		if (left_ms == 0)
			fail_with(k, again ? IRONCLAW_ERR_LOST : IRONCLAW_ERR_TIMEOUT, ETIMEDOUT,
				  "the guest did not %s within %u s",
				  again ? "come back after its link broke" : "answer",
				  deadline_ms / 1000);
		handshake_step(k, left_ms, again);
	}
	relay_lane_consume(&k->from_guest);
}

static void save(struct keeper *k, const struct control_request *request, int state_fd)
{
	struct control_event saved = {.kind = CONTROL_SAVED};
	struct ironclaw_error err = {0};

	if (!ledger_idle(&k->ledger))
		fail_with(k, IRONCLAW_ERR_INTERNAL, EBUSY, "cannot save a VM with open sessions");
	if (k->engine->save(&k->monitor, state_fd, request->deadline_ms, idle, &err) < 0)
		fail(k, &err);
	report(&saved);
}

static void pause_guest(struct keeper *k, const struct control_request *request)
{
	struct control_event event = {.kind = CONTROL_PAUSED};
	struct ironclaw_error err = {0};
	int r = k->engine->pause(&k->monitor, request->deadline_ms, &err);

	if (r == -EOPNOTSUPP)
		event.kind = CONTROL_HARMFUL;
	else if (r < 0)
		fail(k, &err);
	report(&event);
}

static void resume_guest(struct keeper *k, const struct control_request *request)
{
	const struct control_event event = {.kind = CONTROL_RESUMED};
	struct ironclaw_error err = {0};

	if (!request->vmm_stopped && k->engine->resume(&k->monitor, request->deadline_ms, &err) < 0)
		fail(k, &err);
	k->time_due = true;
	report(&event);
}

/* Between two frames of the library's, and before what it says after the answer to its RESUME. */
static void tell_time(struct keeper *k)
{
	uint8_t payload[WIRE_TIME_B];

	if (!k->time_due || !relay_lane_is_free(&k->from_host))
		return;
	handshake_time(payload, WIRE_TIME_UNASKED);
	relay_lane_put(&k->from_host, WIRE_TIME, 0, payload, sizeof(payload));
	k->time_due = false;
}

static void control_read(struct keeper *k)
{
	struct control_request request;
	int fd = -EBADF;
	size_t n_fds = 0;
	ssize_t n = descriptors_receive(FD_CONTROL, &request, sizeof(request), &fd, 1, &n_fds);

	if (n == -EAGAIN)
		return;
	if (n != sizeof(request))
		_exit(0);
	if (request.kind == CONTROL_PAUSE)
		pause_guest(k, &request);
	else if (request.kind == CONTROL_RESUME)
		resume_guest(k, &request);
	else if (request.kind == CONTROL_SAVE && n_fds == 1)
		save(k, &request, fd);
	else
		_exit(0);
	close_fd(&fd);
}

static void step(struct keeper *k, struct relay_lane *lane)
{
	bool writing = relay_lane_is_writing(lane);
	bool on_link = writing == (lane->side == WIRE_FROM_HOST);
	int r = relay_lane_step(lane, &k->ledger);

	if (r == 0)
		return;
	if (r == -EPROTO && lane->side == WIRE_FROM_GUEST)
		fail_protocol(k, lane->bad);
	if (r == -EPROTO)
		fail_with(k, IRONCLAW_ERR_INTERNAL, EPROTO, "the library broke the protocol: %s",
			  lane->bad);
	if (!on_link) /* the library closed its end */
		_exit(0);
	if (!k->vsock)
		fail_with(k, IRONCLAW_ERR_LOST, EPIPE, "the VMM ended");
	k->link_broke = true;
}

static void lane_poll(const struct relay_lane *lane, struct pollfd *from, struct pollfd *to)
{
	if (relay_lane_is_writing(lane)) {
		to->events |= POLLOUT;
	} else {
		from->events |= POLLIN;
	}
}

/* Hands the library what is there for it; it may take its time, and there is no link to wait for.
 */
static void deliver(struct keeper *k)
{
	while (relay_lane_is_writing(&k->from_guest)) {
		struct pollfd p[POLL_N];

		poll_clear(p);
		poll_common(k, p);
		p[POLL_CONTROL].events = 0;
		p[POLL_CLIENT] = (struct pollfd){.fd = FD_CLIENT, .events = POLLOUT};
		poll_wait(k, p, -1);
		if (p[POLL_CONTROL].revents)
			_exit(0);
		serve_common(k, p);
		if (p[POLL_CLIENT].revents)
			step(k, &k->from_guest);
	}
}

/* The connections of a VMM that dies break as well: then nobody calls again. */
static void check_vmm(struct keeper *k)
{
	uint64_t deadline = clock_now_us() + VMM_DEATH_MS * 1000;
	struct pollfd p[POLL_N] = {[POLL_MEET] = {.revents = 0}};
	int left_ms;

	while (k->monitor_open && !p[POLL_MEET].revents &&
	       (left_ms = clock_left_ms(deadline)) > 0) {
		poll_clear(p);
		poll_common(k, p);
		p[POLL_CONTROL].fd = -1;
		p[POLL_MEET] = (struct pollfd){.fd = FD_LINK, .events = POLLIN};
		poll_wait(k, p, left_ms);
		serve_common(k, p);
	}
	if (!k->monitor_open)
		fail_with(k, IRONCLAW_ERR_LOST, EPIPE, "the VMM ended");
}

/* The link broke: the sessions on it have no outcome; then wait for the guest to call again. */
static void link_again(struct keeper *k)
{
	uint16_t lost[WIRE_SESSION_MAX];
	bool cut;
	unsigned int n = ledger_lose(&k->ledger, lost, &cut);

	check_vmm(k);
	link_end(k);
	relay_lane_cut(&k->from_guest);
	deliver(k);
	for (unsigned int i = 0; i < n; i++)
		relay_lane_put(&k->from_guest, WIRE_LOST, lost[i], NULL, 0);
	deliver(k);
	run_handshake(k, LIMIT_RESTORE_MS, true);
	k->time_due = false; /* it was told */
	relay_lane_redirect(&k->from_host, k->link_fd, cut);
	k->link_broke = false;
}

/*
 * Somebody calls while there is a link, and is hung up on. But when it is the guest's agent the
 * link is dead without our having heard of it, for a guest's kernel may forget its connections
 * without a word to the other side. So something is sent on it, KILL for a session that is not
 * open: a living agent drops it, a kernel without that connection answers with a reset. The agent
 * calls again.
 */
static void refuse_call(struct keeper *k)
{
	struct relay_lane *lane = &k->from_host;
	uint16_t session = ledger_unused(&k->ledger);

	meet_refuse(&k->meet);
	/* With more to send the answer comes anyway. */
	if (session && relay_lane_is_free(lane))
		relay_lane_put(lane, WIRE_KILL, session, NULL, 0);
}

static void relay_step(struct keeper *k)
{
	struct pollfd p[POLL_N];

	tell_time(k);
	poll_clear(p);
	p[POLL_LINK].fd = k->link_fd;
	p[POLL_CLIENT].fd = FD_CLIENT;
	if (k->vsock)
		p[POLL_MEET] = (struct pollfd){.fd = FD_LINK, .events = POLLIN};
	poll_common(k, p);
	lane_poll(&k->from_guest, &p[POLL_LINK], &p[POLL_CLIENT]);
	lane_poll(&k->from_host, &p[POLL_CLIENT], &p[POLL_LINK]);
	poll_wait(k, p, -1);
	serve_common(k, p);
	if (p[POLL_MEET].revents)
		refuse_call(k);
	if (p[POLL_LINK].revents | p[POLL_CLIENT].revents) {
		step(k, &k->from_guest);
		step(k, &k->from_host);
	}
	if (k->link_broke)
		link_again(k);
	if (p[POLL_CONTROL].revents)
		control_read(k);
}

__attribute__((noreturn)) static void run_relay(struct keeper *k)
{
	ledger_init(&k->ledger);
	relay_lane_init(&k->from_host, WIRE_FROM_HOST, FD_CLIENT, k->link_fd);
	for (;;)
		relay_step(k);
}

static int set_nonblocking(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	return flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0 ? -errno : 0;
}

int main(void)
{
	const struct control_event ready = {.kind = CONTROL_READY};
	struct keeper *k = &keeper;
	struct control_request start;
	struct ironclaw_error err = {0};
	size_t n_fds, seed;
	ssize_t n;

	/* A core file would hold guest memory; nobody of the same user may attach either. */
	(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	(void)signal(SIGPIPE, SIG_IGN);
	/* The JSON library would look for the seed of its hash tables in a file. */
	if (getrandom(&seed, sizeof(seed), 0) != sizeof(seed))
		return 1;
	json_object_seed(seed | 1);
	n = descriptors_receive(FD_CONTROL, &start, sizeof(start), NULL, 0, &n_fds);
	if (n != sizeof(start) || start.kind != CONTROL_START)
		return 1;
	start.hostname[sizeof(start.hostname) - 1] = '\0';
	start.orders[sizeof(start.orders) - 1] = '\0';
	k->engine = engine_of((enum vm_engine)start.engine);
	if (!k->engine)
		return 1;
	k->monitor.fd = FD_MONITOR;
	k->monitor_open = true;
	k->console.fd = FD_CONSOLE;
	k->link_fd = -EBADF;
	k->vsock = start.link == ENGINE_LINK_VSOCK;
	/* Of a VMM that makes its sockets itself the keeper's folder is the one they are in. */
	meet_init(&k->meet, FD_LINK, start.guest_cid,
		  start.guest_cid == ENGINE_SOCKETS_CID ? ENGINE_VSOCK_NAME : NULL);
	if (k->vsock && set_nonblocking(FD_LINK) < 0)
		return 1;
	if (set_nonblocking(FD_CLIENT) < 0 || set_nonblocking(FD_CONSOLE) < 0)
		return 1;

	if (k->engine->start(&k->monitor, start.orders, start.deadline_ms, idle, &err) < 0)
		fail(k, &err);
	if (handshake_init(&k->handshake, start.booting || k->vsock, start.hostname,
			   start.overlay_mib) < 0)
		fail_with(k, IRONCLAW_ERR_SYSTEM, EIO, "the kernel gives no random bytes");
	if (!k->vsock)
		link_begin(k, FD_LINK);
	/* Small, so it fits the socket's buffer although nobody reads yet. */
	if (handshake_begin(&k->handshake, k->link_fd) < 0)
		fail_with(k, IRONCLAW_ERR_VMM, EPIPE, "the VMM ended at once");
	run_handshake(k, start.deadline_ms, false);
	report(&ready);
	if (set_nonblocking(k->link_fd) < 0)
		return 1;
	run_relay(k);
}
