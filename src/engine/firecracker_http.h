/* SPDX-License-Identifier: Apache-2.0 */
/**
 * firecracker_http.h - the HTTP that Firecracker speaks on its unix socket: one request at a time.
 *
 * As much of HTTP/1.1 as its server has: an answer is a status line, at most
 * FIRECRACKER_HEADERS_MAX header lines of at most FIRECRACKER_LINE_MAX_B, and a body of the length
 * that Content-Length says, or none. A connection serves any number of requests and is never
 * half-closed, for the server drops one that is.
 *
 * Every byte is hostile, for a guest may have taken the VMM over. An answer is taken whole or not
 * at all; one that is out of these bounds, or comes without a request, is -EPROTO.
 */
#ifndef ENGINE_FIRECRACKER_HTTP_H
#define ENGINE_FIRECRACKER_HTTP_H

#include <sys/types.h>

#include "engine/engine.h"

#define FIRECRACKER_LINE_MAX_B	  1024U /* with its end; of its own server as well */
#define FIRECRACKER_HEADERS_MAX	  64U
#define FIRECRACKER_BODY_MAX_B	  65536U
#define FIRECRACKER_REQUEST_MAX_B (ENGINE_ORDERS_MAX_B + 512U)
#define FIRECRACKER_IDLE_MS	  50 /* engine.h promises 100 */

/** @body leads into the bytes that were parsed, or into the monitor, until its next call. */
struct firecracker_answer {
	int status;
	const char *body; /* not terminated */
	size_t body_len;
};

struct firecracker_request {
	const char *method, *path;
	const char *body; /* JSON */
	size_t body_len;
};

/** How long a call may take. */
struct firecracker_wait {
	uint64_t deadline_us; /* CLOCK_MONOTONIC */
	void (*idle)(void);   /* called at least every 100 ms; NULL: nothing to do */
};

/**
 * firecracker_http_parse() - one answer at the beginning of some bytes. Pure.
 * @ret:	written on success only
 * @ret_bad:	what is wrong with it, a clause, when -EPROTO
 *
 * Return: how many bytes it takes; -EAGAIN: it is not complete; -EPROTO: it is none, whatever
 * follows
 */
ssize_t firecracker_http_parse(const char *bytes, size_t len, struct firecracker_answer *ret,
			       const char **ret_bad);

/**
 * firecracker_http_connect() - connect to the socket @name in the current folder, which may have to
 * be made yet.
 *
 * Return: a descriptor (not blocking, close-on-exec); -ETIMEDOUT; another -errno
 */
int firecracker_http_connect(const char *name, const struct firecracker_wait *wait,
			     struct ironclaw_error *err);

/**
 * firecracker_http_check() - outside of a request: the connection is there, and silent.
 * Return: 0; -EPIPE: it was closed; -EPROTO: bytes that nobody asked for
 */
int firecracker_http_check(const struct engine_monitor *monitor, struct ironclaw_error *err);

/**
 * firecracker_http_call() - a request and its answer; 1xx answers are skipped.
 * @ret:	written on success only: whatever its status is
 *
 * Return: 0; -ETIMEDOUT; -EPIPE: closed before the answer was complete; -EPROTO
 */
int firecracker_http_call(struct engine_monitor *monitor, const struct firecracker_request *request,
			  const struct firecracker_wait *wait, struct firecracker_answer *ret,
			  struct ironclaw_error *err);

#endif
