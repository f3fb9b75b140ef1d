/* SPDX-License-Identifier: Apache-2.0 */
/* meet.c - find the guest over vsock; see meet.h. */
#include "link/meet.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "link/vsock.h"
#include "sys/clock.h"

/* Between two calls; and how long one may take, from the connect to the HELLO. */
#define CALL_PAUSE_MS 100U
#define CALL_MAX_MS   1000U

enum { MEET_LISTENER, MEET_CALLER, MEET_CALLED };

void meet_init(struct meet *m, int listener_fd, uint32_t guest_cid, const char *path)
{
	*m = (struct meet){
		.listener_fd = listener_fd,
		.guest_cid = guest_cid,
		.path = path,
		.caller = {.fd = -EBADF},
		.called = {.fd = -EBADF},
	};
}

static void let_go(struct meet_candidate *c)
{
	close_fd(&c->fd);
	c->used = 0;
}

static void call_later(struct meet *m)
{
	let_go(&m->called);
	m->call_us = clock_now_us() + CALL_PAUSE_MS * 1000ULL;
}

static void call(struct meet *m)
{
	uint64_t now = clock_now_us();

	if (m->called.fd >= 0 && now >= m->give_up_us)
		call_later(m);
	if (m->called.fd >= 0 || now < m->call_us)
		return;
	m->called.fd = hybrid_call(m->path, m->guest_cid);
	m->answer = (struct hybrid_answer){0};
	m->connected = false;
	m->give_up_us = now + CALL_MAX_MS * 1000ULL;
	if (m->called.fd < 0)
		call_later(m);
}

void meet_poll(struct meet *m, struct pollfd *fds, int *timeout_ms)
{
	if (m->path) {
		int left_ms;

		call(m);
		left_ms = clock_left_ms(m->called.fd >= 0 ? m->give_up_us : m->call_us);
		if (left_ms < *timeout_ms)
			*timeout_ms = left_ms;
	}
	fds[MEET_LISTENER] = (struct pollfd){.fd = m->listener_fd, .events = POLLIN};
	fds[MEET_CALLER] = (struct pollfd){.fd = m->caller.fd, .events = POLLIN};
	fds[MEET_CALLED] = (struct pollfd){.fd = m->called.fd, .events = POLLIN};
}

static bool is_hello(const struct meet_candidate *c)
{
	struct wire_header header;

	wire_header_get(c->hello, &header);
	return header.kind == WIRE_HELLO && !wire_header_check(&header, WIRE_FROM_GUEST);
}

/* Return: 1 when a HELLO is there, 0 when not yet, -ENODATA when none will come */
static int listen_to(struct meet_candidate *c)
{
	ssize_t n = recv(c->fd, c->hello + c->used, sizeof(c->hello) - c->used, 0);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n <= 0)
		return -ENODATA;
	c->used += (size_t)n;
	if (c->used < sizeof(c->hello))
		return 0;
	return is_hello(c) ? 1 : -ENODATA;
}

/* Our own call: first the VMM's answer, then the guest's word. As listen_to(). */
static int listen_to_called(struct meet *m)
{
	if (!m->connected) {
		int r = hybrid_answer(m->called.fd, &m->answer);

		if (r <= 0)
			return r;
		m->connected = true;
	}
	return listen_to(&m->called);
}

static int take(struct meet *m, struct meet_candidate *c)
{
	int fd = take_fd(&c->fd);

	memcpy(m->hello, c->hello, sizeof(m->hello));
	let_go(&m->caller);
	let_go(&m->called);
	return fd;
}

/* Return: 0, -errno of accept(2) */
static int answer_call(struct meet *m)
{
	int fd = vsock_accept(m->listener_fd, m->guest_cid);

	if (fd < 0)
		return fd == -EAGAIN ? 0 : fd;
	let_go(&m->caller);
	m->caller.fd = fd;
	return 0;
}

int meet_ready(struct meet *m, const struct pollfd *fds)
{
	int r = 0;

	/* Before the next caller takes its place. */
	if (fds[MEET_CALLER].revents)
		r = listen_to(&m->caller);
	if (r > 0)
		return take(m, &m->caller);
	if (r < 0)
		let_go(&m->caller);
	r = fds[MEET_CALLED].revents ? listen_to_called(m) : 0;
	if (r > 0)
		return take(m, &m->called);
	if (r < 0)
		call_later(m);
	r = fds[MEET_LISTENER].revents ? answer_call(m) : 0;
	return r < 0 ? r : -EAGAIN;
}

void meet_refuse(const struct meet *m)
{
	int fd = vsock_accept(m->listener_fd, m->guest_cid);

	if (fd >= 0)
		(void)close(fd);
}
