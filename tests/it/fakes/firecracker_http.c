/* SPDX-License-Identifier: Apache-2.0 */
/*
 * firecracker_http.c - HTTP of the stand-in, with the habits of the real server.
 *
 * A line, with its end, must fit 1024 bytes. A connection is kept for ever, whatever the request
 * says; requests on it are answered in turn. A client that closes its sending half has gone, with
 * what was not sent yet. It reads 1024 bytes at a time; what is not understood is answered with a
 * text that is not JSON and forgotten, with the rest of what was read, and what comes after that is
 * taken for the next request.
 */
#include "firecracker.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define LINE_MAX_B  1024U
#define CONNECTIONS 10
#define BACKLOG	    128
#define HUGE_B	    (16L * 1024 * 1024)
#define GARBAGE	    "\x01\x02not HTTP at all\xff\n"
#define FULL                                                                                       \
	"HTTP/1.1 503\r\nServer: Firecracker API\r\nConnection: close\r\n"                         \
	"Content-Length: 40\r\n\r\n{ \"error\": \"Too many open connections\" }"

enum state { IN_REQUEST_LINE, IN_HEADERS, IN_BODY };

struct connection {
	struct fc_watch watch; /* first */
	enum state state;
	struct fc_bytes in, out;
	char method[8], path[LINE_MAX_B];
	size_t length;
	bool expect, close;
};

size_t fc_http_payload_max = 51200;
static struct fc_watch listener = {.fd = -1};
static int n_connections;

static void hang_up(struct connection *c)
{
	fc_unwatch(&c->watch);
	(void)close(c->watch.fd);
	fc_bytes_free(&c->in);
	fc_bytes_free(&c->out);
	free(c);
	n_connections--;
}

/* Return: whether the connection is still there. */
static bool flush(struct connection *c)
{
	while (c->out.len > 0) {
		ssize_t n = send(c->watch.fd, c->out.at, c->out.len, MSG_NOSIGNAL);

		if (n < 0 && errno != EAGAIN && errno != EINTR)
			break;
		if (n < 0)
			return true;
		fc_bytes_drop(&c->out, (size_t)n);
	}
	if (c->out.len == 0 && !c->close)
		return true;
	hang_up(c);
	return false;
}

static void put_answer(struct fc_bytes *out, int status, bool deprecated, const char *body,
		       size_t len, long wrong)
{
	fc_bytes_print(out, "HTTP/1.1 %d \r\nServer: Firecracker API\r\nConnection: keep-alive\r\n",
		       status);
	if (deprecated)
		fc_bytes_print(out, "Deprecation: true\r\n");
	if (status != 204 && status != 100)
		fc_bytes_print(out, "Content-Type: application/json\r\nContent-Length: %ld\r\n",
			       (long)len + wrong);
	fc_bytes_print(out, "\r\n");
	fc_bytes_add(out, body, len);
}

__attribute__((format(printf, 2, 3))) static void put_http_error(struct connection *c,
								 const char *fmt, ...)
{
	char text[FC_MESSAGE_B];
	struct fc_bytes body = {0};
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	fc_bytes_print(&body,
		       "{ \"error\": \"%s\nAll previous unanswered requests will be dropped.\" }",
		       text);
	put_answer(&c->out, 400, false, body.at, body.len, 0);
	fc_bytes_free(&body);
}

/* Faults that stand in for an answer. Return: whether there was one. */
static bool spoil(struct connection *c, const char *step)
{
	long arg;

	if (fc_fault_at("hang", step, NULL)) {
		fc_api_dead = true;
	} else if (fc_fault_at("drop", step, NULL)) {
		c->close = true;
	} else if (fc_fault_at("garbage", step, NULL)) {
		fc_bytes_add(&c->out, GARBAGE, sizeof(GARBAGE) - 1);
	} else if (fc_fault_at("cut", step, NULL)) {
		fc_bytes_print(&c->out, "HTTP/1.");
		c->close = true;
	} else if (fc_fault_at("refuse-http", step, NULL)) {
		put_http_error(c, "Invalid request.");
	} else if (fc_fault_at("huge", step, &arg)) {
		char *body = calloc(1, (size_t)(arg ? arg : HUGE_B));

		if (!body)
			abort();
		memset(body, ' ', (size_t)(arg ? arg : HUGE_B));
		put_answer(&c->out, 200, false, body, (size_t)(arg ? arg : HUGE_B), 0);
		free(body);
	} else {
		return false;
	}
	return true;
}

static void log_refusal(const struct fc_answer *answer)
{
	char text[FC_MESSAGE_B];

	(void)snprintf(text, sizeof(text),
		       "Received Error. Status code: %d Bad Request. Message: %.*s", answer->status,
		       (int)(FC_MESSAGE_B - 128), answer->body.at);
	fc_log_error(text);
}

/*
 * What it puts out is sent when the loop comes round to it: a client that has half-closed by then
 * gets nothing. Only what is the last before the end of the process goes at once.
 */
static void run(struct connection *c)
{
	struct fc_answer answer = {0};
	char step[LINE_MAX_B + 8];
	long arg, wrong = 0;

	(void)snprintf(step, sizeof(step), "%s%s", c->method, c->path);
	fc_log("The API server received a %s request on \"%s\".", c->method, c->path);
	if (fc_api_dead) /* of that very line, perhaps */
		return;
	if (fc_fault_at("slow", step, &arg))
		fc_sleep(arg);
	fc_fault_die("die", step);
	if (fc_fault_at("continue", step, NULL))
		put_answer(&c->out, 100, false, NULL, 0, 0);
	if (spoil(c, step))
		return;
	if (fc_fault_at("refuse", step, NULL))
		fc_fault(&answer, "Refused by a test.");
	else
		fc_api(c->method, c->path, c->length > 0 ? c->in.at : NULL, c->length, &answer);
	(void)fc_fault_at("length", step, &wrong);
	put_answer(&c->out, answer.status, answer.deprecated, answer.body.at, answer.body.len,
		   wrong);
	if (answer.status < 400)
		fc_log("The request was executed successfully. Status code: %d %s.", answer.status,
		       answer.status == 204 ? "No Content" : "OK");
	else
		log_refusal(&answer);
	fc_bytes_free(&answer.body);
	if (!answer.ends && !fc_fault_at("die-after", step, NULL))
		return;
	(void)send(c->watch.fd, c->out.at, c->out.len, MSG_NOSIGNAL);
	fc_fault_die("die-after", step);
	(void)fprintf(stderr, "Error: RunWithApi(BuildFromRequests(Restore))\n");
	fc_exit(FC_EXIT_ERROR);
}

/* "PUT /x HTTP/1.1". Return: false when it was answered with an error. */
static bool request_line(struct connection *c, char *line)
{
	char *uri = strchr(line, ' '), *version = uri ? strchr(uri + 1, ' ') : NULL, *path;

	if (!uri || !version) {
		put_http_error(c, "Invalid request.");
		return false;
	}
	*uri++ = '\0';
	*version++ = '\0';
	if (strcmp(line, "GET") != 0 && strcmp(line, "PUT") != 0 && strcmp(line, "PATCH") != 0 &&
	    (strcmp(line, "DELETE") != 0 || fc_version < FC_VERSION(16, 0))) {
		put_http_error(c, "Invalid HTTP Method: Unsupported HTTP method.");
		return false;
	}
	if (strcmp(version, "HTTP/1.1") != 0 && strcmp(version, "HTTP/1.0") != 0) {
		put_http_error(c, "Invalid HTTP Version: Unsupported HTTP version.");
		return false;
	}
	path = strncmp(uri, "http://", 7) == 0 ? strchr(uri + 7, '/') : uri;
	if (!path || path[0] != '/') {
		put_http_error(c, "Invalid URI: Empty URI not allowed.");
		return false;
	}
	(void)snprintf(c->method, sizeof(c->method), "%.6s", line);
	(void)snprintf(c->path, sizeof(c->path), "%s", path);
	c->length = 0;
	c->expect = false;
	c->state = IN_HEADERS;
	return true;
}

static bool header(struct connection *c, char *line)
{
	char *value = strchr(line, ':'), *end;

	if (!value) {
		put_http_error(c,
			       "Invalid header. Reason: Header is incorrectly formatted. Key: %s",
			       line);
		return false;
	}
	*value++ = '\0';
	value += strspn(value, " \t");
	value[strcspn(value, " \t")] = '\0';
	if (strcasecmp(line, "content-length") == 0) {
		c->length = strtoul(value, &end, 10);
		if (*value < '0' || *value > '9' || *end != '\0' || c->length > UINT32_MAX) {
			put_http_error(c, "Invalid header. Reason: Invalid value. Key:%s; Value:%s",
				       line, value);
			return false;
		}
	} else if (strcasecmp(line, "expect") == 0) {
		c->expect = strcasecmp(value, "100-continue") == 0;
	}
	return true;
}

/* The empty line. */
static bool headers_end(struct connection *c)
{
	if (c->length > fc_http_payload_max) {
		put_http_error(c,
			       "Request payload with size %zu is larger than the limit of %zu "
			       "allowed by server.",
			       c->length, fc_http_payload_max);
		return false;
	}
	if (c->length > 0 && c->expect)
		put_answer(&c->out, 100, false, NULL, 0, 0);
	c->state = IN_BODY;
	return true;
}

static void forget(struct connection *c)
{
	c->in.len = 0;
	c->state = IN_REQUEST_LINE;
}

/* One line, when it is there. Return: whether to look for more. */
static bool take_line(struct connection *c)
{
	char line[LINE_MAX_B + 1], *end;
	size_t len;
	bool fine;

	if (c->in.len == 0)
		return false;
	end = memmem(c->in.at, c->in.len, "\r\n", 2);
	len = end ? (size_t)(end - c->in.at) + 2 : c->in.len;
	if (len > LINE_MAX_B || (!end && len == LINE_MAX_B)) {
		put_http_error(c, c->state == IN_REQUEST_LINE
					  ? "Invalid request."
					  : "Invalid header. Reason: Invalid content length.");
		forget(c);
		return false;
	}
	if (!end)
		return false;
	memcpy(line, c->in.at, len - 2);
	line[len - 2] = '\0';
	fc_bytes_drop(&c->in, len);
	if (c->state == IN_REQUEST_LINE)
		fine = request_line(c, line);
	else if (line[0] == '\0')
		fine = headers_end(c);
	else
		fine = header(c, line);
	if (!fine)
		forget(c);
	return fine;
}

static void on_connection(struct fc_watch *watch, uint32_t events)
{
	struct connection *c = (struct connection *)watch;
	char buf[LINE_MAX_B];
	ssize_t n;

	if (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) {
		hang_up(c);
		return;
	}
	if (fc_api_dead) {
		fc_watch(watch, 0, true);
		return;
	}
	if ((events & EPOLLOUT) && !flush(c))
		return;
	if (events & EPOLLIN) {
		n = recv(watch->fd, buf, sizeof(buf) - (c->state == IN_BODY ? 0 : c->in.len), 0);
		if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) {
			hang_up(c);
			return;
		}
		if (n > 0)
			fc_bytes_add(&c->in, buf, (size_t)n);
	}
	for (bool more = true; more;) {
		if (c->state != IN_BODY) {
			more = take_line(c);
			continue;
		}
		if (c->in.len < c->length)
			break;
		c->state = IN_REQUEST_LINE;
		run(c);
		fc_bytes_drop(&c->in, c->length);
		more = !fc_api_dead;
	}
	fc_watch(watch, EPOLLRDHUP | (c->out.len > 0 || c->close ? EPOLLOUT : EPOLLIN), true);
}

static void on_listener(struct fc_watch *watch, uint32_t events)
{
	int fd;
	struct connection *c;

	(void)events;
	if (fc_api_dead) { /* connections wait in the backlog */
		fc_unwatch(watch);
		return;
	}
	fd = accept4(watch->fd, NULL, NULL, SOCK_CLOEXEC);
	if (fd < 0)
		return;
	if (n_connections == CONNECTIONS) {
		(void)send(fd, FULL, sizeof(FULL) - 1, MSG_NOSIGNAL);
		(void)close(fd);
		return;
	}
	fc_set_nonblocking(fd);
	c = calloc(1, sizeof(*c));
	if (!c)
		abort();
	c->watch = (struct fc_watch){.fd = fd, .ready = on_connection};
	n_connections++;
	fc_watch(&c->watch, EPOLLIN | EPOLLRDHUP, false);
}

int fc_http_listen(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (strlen(path) >= sizeof(address.sun_path))
		return ENAMETOOLONG;
	memcpy(address.sun_path, path, strlen(path));
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    listen(fd, BACKLOG) < 0)
		return errno;
	fc_set_nonblocking(fd);
	listener = (struct fc_watch){.fd = fd, .ready = on_listener};
	fc_watch(&listener, EPOLLIN, false);
	return 0;
}
