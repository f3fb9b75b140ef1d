/* SPDX-License-Identifier: Apache-2.0 */
/*
 * link.c - the byte stream to the host; see link.h.
 *
 * A connection over vsock can break at any byte, also within link_send(): then it is `broken`, and
 * whatever is sent or looked for is thrown away until the server has taken notice.
 */
#include "guest/link.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "guest/clock.h"
#include "guest/file.h"
#include "guest/power.h"
#include "guest/vsock.h"

#define PORT_NAME     "ironclaw"
#define PORT_CLASS    "/sys/class/virtio-ports"
#define PORT_WAIT_MS  30000U /* the host names its ports after the driver has asked */
#define HOST_WAIT_MS  10U    /* between two looks for a host that has gone */
#define LINGER_MS     1000   /* for the host to read our last words and hang up */
#define WRITE_SMALL_B 4096U  /* a buffer that the kernel finds even when memory is short */
#define READ_AHEAD_B  (128U * 1024U)

static int stream_fd = -EBADF; /* -EBADF: the host is being called */
static bool on_vsock, broken;
static struct wire_reader reader;
static uint8_t in_buf[WIRE_FRAME_MAX_B + READ_AHEAD_B];
static uint8_t out_buf[WIRE_HEADER_B + LINK_DATA_MAX_B];

/* Return: true with the name of the device node, "vport0p1". */
static bool find_port(char *ret, size_t size)
{
	char path[300], name[64];
	struct dirent *entry;
	bool found = false;
	DIR *dir = opendir(PORT_CLASS);

	if (!dir)
		return false;
	while (!found && (entry = readdir(dir)) != NULL) {
		(void)snprintf(path, sizeof(path), "%s/name", entry->d_name);
		if (entry->d_name[0] == '.' || file_read(dirfd(dir), path, name, sizeof(name)) < 0)
			continue;
		name[strcspn(name, "\n")] = '\0';
		if (strcmp(name, PORT_NAME) != 0)
			continue;
		(void)snprintf(ret, size, "/dev/%s", entry->d_name);
		found = true;
	}
	(void)closedir(dir);
	return found;
}

static void open_port(const char *path)
{
	stream_fd = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
	if (stream_fd < 0)
		power_fail("cannot open %s: %s", path, strerror(errno));
	wire_reader_init(&reader, WIRE_FROM_HOST, in_buf, sizeof(in_buf));
}

void link_open(void)
{
	char path[300];

	for (unsigned int waited_ms = 0; !find_port(path, sizeof(path)); waited_ms++) {
		if (vsock_present()) {
			on_vsock = true;
			return;
		}
		if (waited_ms == PORT_WAIT_MS)
			power_fail("the machine has no virtio port named %s, and no vsock",
				   PORT_NAME);
		clock_sleep_ms(1);
	}
	open_port(path);
}

bool link_is_up(void)
{
	return stream_fd >= 0;
}

bool link_waits_for_host(void)
{
	return !on_vsock;
}

unsigned int link_poll_add(struct pollfd *fds, int64_t *wait_ns)
{
	if (stream_fd < 0)
		return vsock_poll_add(fds, wait_ns);
	fds[0] = (struct pollfd){.fd = stream_fd, .events = POLLIN};
	return 1;
}

bool link_answered(const struct pollfd *fds, unsigned int n)
{
	stream_fd = vsock_ready(fds, n);
	if (stream_fd < 0)
		return false;
	wire_reader_init(&reader, WIRE_FROM_HOST, in_buf, sizeof(in_buf));
	return true;
}

bool link_drop_broken(bool patient)
{
	if (!broken)
		return false;
	(void)close(stream_fd);
	stream_fd = -EBADF;
	broken = false;
	vsock_call_soon(patient);
	return true;
}

/* An error of the stream: the end of a connection, but a port has none. */
static void fail_stream(const char *what)
{
	if (!on_vsock)
		power_fail("cannot %s the link: %s", what, strerror(errno));
	broken = true;
}

bool link_receive(void)
{
	while (!broken) {
		size_t room;
		uint8_t *at = wire_reader_space(&reader, &room);
		ssize_t n;

		if (room == 0)
			return true;
		n = read(stream_fd, at, room);
		if (n > 0) {
			wire_reader_added(&reader, (size_t)n);
			continue;
		}
		if (n == 0) {
			broken = on_vsock;
			return false;
		}
		if (errno == EAGAIN)
			return true;
		if (errno != EINTR)
			fail_stream("read");
	}
	return false;
}

bool link_next(struct wire_frame *ret)
{
	int r = broken ? 0 : wire_reader_next(&reader, ret);

	if (r < 0)
		link_fail(reader.bad);
	return r > 0;
}

/* The stream is full, or nobody is at the other end of the port. */
static void wait_writable(void)
{
	struct pollfd p = {.fd = stream_fd, .events = POLLOUT};

	if (poll(&p, 1, -1) <= 0 || (p.revents & POLLOUT))
		return;
	if (on_vsock)
		broken = true;
	else
		clock_sleep_ms(HOST_WAIT_MS);
}

static void send_all(const uint8_t *buf, size_t len)
{
	size_t most = len;

	while (len > 0 && !broken) {
		ssize_t n = write(stream_fd, buf, len < most ? len : most);

		if (n > 0) {
			buf += n;
			len -= (size_t)n;
		} else if (n == 0 || errno == EAGAIN) {
			wait_writable();
		} else if (errno == ENOMEM) {
			most = WRITE_SMALL_B;
			clock_sleep_ms(1);
		} else if (errno != EINTR) {
			fail_stream("write");
		}
	}
}

void link_send(enum wire_kind kind, enum wire_stream stream, uint16_t session, const void *payload,
	       uint32_t length)
{
	uint8_t buf[WIRE_HEADER_B + WIRE_ERROR_MAX_B];
	struct wire_header header = {
		.length = length <= WIRE_ERROR_MAX_B ? length : WIRE_ERROR_MAX_B,
		.kind = (uint8_t)kind,
		.stream = (uint8_t)stream,
		.session = session,
	};

	wire_header_put(buf, &header);
	if (header.length > 0)
		memcpy(buf + WIRE_HEADER_B, payload, header.length);
	send_all(buf, WIRE_HEADER_B + header.length);
}

void link_send_u32(enum wire_kind kind, enum wire_stream stream, uint16_t session, uint32_t value)
{
	uint8_t payload[4];

	wire_put_u32(payload, value);
	link_send(kind, stream, session, payload, sizeof(payload));
}

uint8_t *link_data_buf(void)
{
	return out_buf + WIRE_HEADER_B;
}

void link_send_data(enum wire_stream stream, uint16_t session, uint32_t length)
{
	struct wire_header header = {
		.length = length,
		.kind = WIRE_DATA,
		.stream = (uint8_t)stream,
		.session = session,
	};

	wire_header_put(out_buf, &header);
	send_all(out_buf, WIRE_HEADER_B + length);
}

/* Throw away what still comes, until the host hangs up or the time is over. */
static void linger(void)
{
	struct pollfd p = {.fd = stream_fd, .events = POLLIN};
	int64_t left_ms, end_ms = clock_ns() / CLOCK_NS_PER_MS + LINGER_MS;

	while ((left_ms = end_ms - clock_ns() / CLOCK_NS_PER_MS) > 0 &&
	       poll(&p, 1, (int)left_ms) > 0) {
		if ((p.revents & POLLHUP) || read(stream_fd, in_buf, sizeof(in_buf)) == 0)
			return;
	}
}

void link_fail(const char *field)
{
	(void)kill(-1, SIGKILL);
	link_send(WIRE_ERROR, WIRE_STREAM_NONE, 0, field, (uint32_t)strlen(field));
	linger();
	power_fail("the host broke the protocol: %s", field);
}
