/* SPDX-License-Identifier: Apache-2.0 */
/*
 * firecracker_http.c - a small HTTP client for one server; see firecracker_http.h.
 *
 * The answer is parsed anew from its first byte whenever more has come. That is cheap, for an
 * answer is a few hundred bytes and seldom comes in pieces, and there is no state to get wrong.
 */
#include "engine/firecracker_http.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/cleanup.h"
#include "sys/clock.h"

#define CONNECT_RETRY_MS 2
#define STATUS_NONE	 204
#define STATUS_DIGITS	 3U

_Static_assert(FIRECRACKER_LINE_MAX_B *(FIRECRACKER_HEADERS_MAX + 2) + FIRECRACKER_BODY_MAX_B <=
		       LIMIT_MONITOR_MAX_B,
	       "the largest answer fits a monitor's buffer");

/* What the header lines say of the body. */
struct head {
	bool has_length;
	size_t body_len;
};

/*
 * One line at *at, without its end, which is CR LF.
 * Return: 0; -EAGAIN: it is not complete; -EPROTO
 */
static int take_line(const char **at, const char *end, const char **ret, size_t *ret_len)
{
	size_t room = (size_t)(end - *at), max = FIRECRACKER_LINE_MAX_B;
	const char *feed = memchr(*at, '\n', room < max ? room : max);

	if (!feed)
		return room < max ? -EAGAIN : -EPROTO;
	if (feed == *at || feed[-1] != '\r')
		return -EPROTO;
	*ret = *at;
	*ret_len = (size_t)(feed - 1 - *at);
	if (memchr(*ret, '\r', *ret_len) || memchr(*ret, '\0', *ret_len))
		return -EPROTO;
	*at = feed + 1;
	return 0;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* "HTTP/1.1 204 ", where the reason may be missing, with its blank or without. */
static int read_status(const char *line, size_t len, int *ret)
{
	static const char version[] = "HTTP/1.";
	size_t at = sizeof(version) - 1;
	int status = 0;

	if (len < at + 2 + STATUS_DIGITS || memcmp(line, version, at) != 0 ||
	    (line[at] != '0' && line[at] != '1') || line[at + 1] != ' ')
		return -EPROTO;
	at += 2;
	for (size_t i = 0; i < STATUS_DIGITS; i++) {
		if (!is_digit(line[at + i]))
			return -EPROTO;
		status = status * 10 + line[at + i] - '0';
	}
	at += STATUS_DIGITS;
	if (status < 100 || (at < len && line[at] != ' '))
		return -EPROTO;
	*ret = status;
	return 0;
}

static int read_length(const char *text, size_t len, struct head *head)
{
	size_t value = 0;

	if (head->has_length || len == 0)
		return -EPROTO;
	for (size_t i = 0; i < len; i++) {
		if (!is_digit(text[i]))
			return -EPROTO;
		value = value * 10 + (size_t)(text[i] - '0');
		if (value > FIRECRACKER_BODY_MAX_B)
			return -EPROTO;
	}
	head->has_length = true;
	head->body_len = value;
	return 0;
}

static bool is_name(const char *text, size_t len, const char *name)
{
	return strlen(name) == len && strncasecmp(text, name, len) == 0;
}

/* A name that begins with a blank would continue the line before it: no server of today does that.
 */
static bool is_token(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (text[i] <= ' ' || text[i] >= 0x7f)
			return false;
	}
	return len > 0;
}

static int read_header(const char *line, size_t len, struct head *head)
{
	const char *colon = memchr(line, ':', len), *end = line + len, *value;
	size_t name_len = colon ? (size_t)(colon - line) : 0;

	if (!colon || !is_token(line, name_len))
		return -EPROTO;
	value = colon + 1;
	while (value < end && (*value == ' ' || *value == '\t'))
		value++;
	while (end > value && (end[-1] == ' ' || end[-1] == '\t'))
		end--;
	if (is_name(line, name_len, "Transfer-Encoding"))
		return -EPROTO;
	if (is_name(line, name_len, "Content-Length"))
		return read_length(value, (size_t)(end - value), head);
	return 0;
}

/* Up to the empty line. As take_line(). */
static int read_headers(const char **at, const char *end, struct head *head, const char **ret_bad)
{
	const char *line;
	size_t len;
	int r;

	for (size_t n = 0; n <= FIRECRACKER_HEADERS_MAX; n++) {
		r = take_line(at, end, &line, &len);
		if (r == 0 && len == 0)
			return 0;
		if (r == 0)
			r = read_header(line, len, head);
		if (r < 0) {
			*ret_bad = "a header line that is none";
			return r;
		}
	}
	*ret_bad = "too many header lines";
	return -EPROTO;
}

ssize_t firecracker_http_parse(const char *bytes, size_t len, struct firecracker_answer *ret,
			       const char **ret_bad)
{
	const char *at = bytes, *end = bytes + len, *line;
	struct head head = {false, 0};
	size_t line_len;
	int status = 0, r = take_line(&at, end, &line, &line_len);

	if (r == 0)
		r = read_status(line, line_len, &status);
	if (r < 0) {
		*ret_bad = "no status line";
		return r;
	}
	r = read_headers(&at, end, &head, ret_bad);
	if (r < 0)
		return r;
	if ((status < 200 || status == STATUS_NONE) && head.body_len > 0) {
		*ret_bad = "a body where there can be none";
		return -EPROTO;
	}
	if ((size_t)(end - at) < head.body_len)
		return -EAGAIN;
	*ret = (struct firecracker_answer){status, at, head.body_len};
	return at - bytes + (ssize_t)head.body_len;
}

static void be_idle(const struct firecracker_wait *wait)
{
	if (wait->idle)
		wait->idle();
}

/* Waits for a moment; the caller looks again. Return: 0, -ETIMEDOUT */
static int wait_for(int fd, short events, int most_ms, const struct firecracker_wait *wait)
{
	struct pollfd p = {.fd = fd, .events = events};
	int left = clock_left_ms(wait->deadline_us);

	be_idle(wait);
	if (left == 0)
		return -ETIMEDOUT;
	(void)poll(&p, 1, left < most_ms ? left : most_ms);
	return 0;
}

int firecracker_http_connect(const char *name, const struct firecracker_wait *wait,
			     struct ironclaw_error *err)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	/* A VMM that accepts nobody must not hold us in connect(2). */
	cleanup_close int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int r = 0;

	if (fd < 0)
		return err_sys(err, errno, "cannot make a socket");
	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", name);
	/* The name appears before it is listened to, and a full queue is EAGAIN. */
	while (r == 0 && connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0) {
		if (errno != ENOENT && errno != ECONNREFUSED && errno != EAGAIN && errno != EINTR)
			return err_sys(err, errno, "cannot connect to Firecracker's API");
		r = wait_for(-1, 0, CONNECT_RETRY_MS, wait);
	}
	if (r < 0)
		return err_set(err, IRONCLAW_ERR_TIMEOUT, ETIMEDOUT,
			       "Firecracker's API does not appear");
	return take_fd(&fd);
}

int firecracker_http_check(const struct engine_monitor *monitor, struct ironclaw_error *err)
{
	char byte;
	ssize_t n = recv(monitor->fd, &byte, 1, MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n <= 0)
		return err_set(err, IRONCLAW_ERR_VMM, EPIPE, "Firecracker closed its API");
	return err_set(err, IRONCLAW_ERR_VMM, EPROTO,
		       "Firecracker's API said something that nobody asked for");
}

/* Return: its length; what does not fit is cut, and longer than @size. */
static size_t write_request(const struct firecracker_request *request, char *ret, size_t size)
{
	int len;

	/* A GET with as little as a length of 0 may be taken for one with a body. */
	if (request->body_len == 0)
		len = snprintf(ret, size, "%s %s HTTP/1.1\r\nHost: localhost\r\n\r\n",
			       request->method, request->path);
	else
		len = snprintf(ret, size,
			       "%s %s HTTP/1.1\r\nHost: localhost\r\n"
			       "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n%.*s",
			       request->method, request->path, request->body_len,
			       (int)request->body_len, request->body);
	return len < 0 ? SIZE_MAX : (size_t)len;
}

/* Return: 0; -ETIMEDOUT; -EPIPE */
static int send_request(int fd, const struct firecracker_request *request,
			const struct firecracker_wait *wait, struct ironclaw_error *err)
{
	char text[FIRECRACKER_REQUEST_MAX_B];
	size_t len = write_request(request, text, sizeof(text)), sent = 0;

	if (len >= sizeof(text))
		return err_set(err, IRONCLAW_ERR_INTERNAL, E2BIG,
			       "a request to Firecracker is too long");
	while (sent < len) {
		ssize_t n = send(fd, text + sent, len - sent, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n >= 0)
			sent += (size_t)n;
		else if (errno == EPIPE || errno == ECONNRESET)
			return -EPIPE;
		else if (errno != EAGAIN && errno != EINTR)
			return err_sys(err, errno, "cannot write to Firecracker's API");
		else if (wait_for(fd, POLLOUT, FIRECRACKER_IDLE_MS, wait) < 0)
			return -ETIMEDOUT;
	}
	return 0;
}

/* Takes the answer out of the buffer, where its body stays. -EAGAIN: it is not complete. */
static int take_answer(struct engine_monitor *m, struct firecracker_answer *ret,
		       struct ironclaw_error *err)
{
	struct firecracker_answer answer = {.status = 0};
	const char *bad = "";
	size_t at = 0;
	ssize_t n;

	do {
		n = firecracker_http_parse(m->text + at, m->used - at, &answer, &bad);
		at += n > 0 ? (size_t)n : 0;
	} while (n > 0 && answer.status < 200);
	if (n == -EAGAIN)
		return -EAGAIN;
	if (n < 0)
		return err_set(err, IRONCLAW_ERR_VMM, EPROTO, "Firecracker's API sent %s", bad);
	if (at < m->used)
		return err_set(err, IRONCLAW_ERR_VMM, EPROTO,
			       "Firecracker's API sent more than one answer");
	*ret = answer;
	return 0;
}

/* Reads what is there. Return: 0; -EAGAIN: nothing; -EPIPE */
static int read_more(struct engine_monitor *m, struct ironclaw_error *err)
{
	ssize_t n;

	if (m->used == sizeof(m->text))
		return err_set(err, IRONCLAW_ERR_VMM, EPROTO,
			       "Firecracker's API sent an answer without end");
	n = recv(m->fd, m->text + m->used, sizeof(m->text) - m->used, MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return -EAGAIN;
	if (n <= 0)
		return -EPIPE;
	m->used += (size_t)n;
	return 0;
}

/* Return: 0; -ETIMEDOUT; -EPIPE; -EPROTO */
static int read_answer(struct engine_monitor *m, const struct firecracker_wait *wait,
		       struct firecracker_answer *ret, struct ironclaw_error *err)
{
	int r = -EAGAIN;

	while (r == -EAGAIN) {
		/* One that never stops to send small pieces is held to its deadline, too. */
		r = wait_for(m->fd, POLLIN, FIRECRACKER_IDLE_MS, wait);
		if (r == 0)
			r = read_more(m, err);
		if (r == 0)
			r = take_answer(m, ret, err);
	}
	return r;
}

int firecracker_http_call(struct engine_monitor *monitor, const struct firecracker_request *request,
			  const struct firecracker_wait *wait, struct firecracker_answer *ret,
			  struct ironclaw_error *err)
{
	int r = firecracker_http_check(monitor, err);

	if (r == 0)
		r = send_request(monitor->fd, request, wait, err);
	monitor->used = 0;
	if (r == 0)
		r = read_answer(monitor, wait, ret, err);
	monitor->used = 0;
	if (r == -ETIMEDOUT)
		return err_set(err, IRONCLAW_ERR_TIMEOUT, ETIMEDOUT,
			       "Firecracker's API does not answer to %s %s", request->method,
			       request->path);
	if (r == -EPIPE)
		return err_set(err, IRONCLAW_ERR_VMM, EPIPE,
			       "Firecracker closed its API before it answered to %s %s",
			       request->method, request->path);
	return r;
}
