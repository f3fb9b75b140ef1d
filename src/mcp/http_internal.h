/* SPDX-License-Identifier: Apache-2.0 */
/**
 * http_internal.h - the parts of the HTTP server to each other; see http.h.
 *
 * A connection is a socket. A request is one HTTP request on it, and lives as long as the library
 * has it. An answer is what a POST or GET is to get: a legacy one may outlive its request, for a
 * lost connection is no cancellation there, and its client may come back for the rest. A session is
 * a legacy client.
 *
 *   mcp_http -> connections
 *            -> sessions -> mcp_session
 *            -> answers  -> session or (modern) an mcp_session of its own
 *                        <-> request, while somebody is connected
 */
#ifndef MCP_HTTP_INTERNAL_H
#define MCP_HTTP_INTERNAL_H

#include <stdbool.h>
#include <stdint.h>

#include <microhttpd.h>
#include <sodium.h>

#include "mcp/http.h"
#include "mcp/http_stream.h"
#include "mcp/server.h"

#define HTTP_BODY_MAX_B (4U * 1024U * 1024U)
#define HTTP_DISCARD_MAX_B                                                                         \
	(16U * 1024U * 1024U)		      /* of a refused body, for the refusal to arrive      \
					       */
#define HTTP_MEMORY_B		(64U * 1024U) /* of a connection: all headers and buffers */
#define HTTP_CONNECTIONS_MAX	64U
#define HTTP_SESSIONS_MAX	8U  /* each may have a VM */
#define HTTP_ANSWERS_MAX	32U /* of one session: running, or kept for resuming */
#define HTTP_KEPT_MAX_B		(64U * 1024U * 1024U) /* events of all answers */

#define HTTP_ARRIVE_MS		30000U /* from the end of a request to the end of the next one */
#define HTTP_ARRIVE_STRANGER_MS 10000U /* the same before one had the token */
#define HTTP_WRITE_S		60U    /* a client takes nothing for so long */
#define HTTP_SESSION_IDLE_MS	(30U * 60U * 1000U)
#define HTTP_JSON_MS		5000U /* so long an answer may still be plain JSON; then it streams */
#define HTTP_ALIVE_MS		15000U /* between comments on a quiet stream */
#define HTTP_KEEP_MS		60000U /* a complete answer that may be asked for again */
#define HTTP_RETRY_MS		1000U  /* said to clients of 2025-11-25 */
#define HTTP_TICK_MS		500U

#define HTTP_SESSION_ID_LEN	32U /* 128 bits in hex */

struct http_connection {
	struct http_connection *next;
	int fd;
	uint64_t since_us; /* it was opened, or its last request ended */
	bool busy;	   /* a request has arrived whole */
	bool known;	   /* one had the token */
};

struct http_session {
	struct http_session *next;
	struct mcp_http *http;
	char id[HTTP_SESSION_ID_LEN + 1];
	struct mcp_session *core;
	void *client;		    /* of the caller */
	struct http_answer *listen; /* the GET stream */
	uint64_t last_stream;
	uint64_t used_us;
};

enum http_form {
	HTTP_UNDECIDED, /* nothing was said yet */
	HTTP_JSON,
	HTTP_EVENTS
};

struct http_answer {
	struct mcp_sink sink; /* first: the core's name for it */
	struct http_answer *next;
	struct mcp_http *http;
	struct http_session *session; /* NULL: modern */
	struct mcp_session *core;     /* modern: its own */
	struct http_request *request; /* who is connected, or NULL */
	enum http_form form;
	unsigned int status; /* of HTTP_JSON */
	char *json;
	size_t json_len;
	struct http_stream stream;
	bool done;	  /* nothing more will come; the core has forgotten it */
	bool broken;	  /* it cannot go on: cut the connection */
	bool interrupted; /* end this response, not the answer: the client is to come back */
	bool opens;	  /* it is that of `initialize`: name the session */
	bool incomplete;  /* modern: the request lacked what each must have */
	uint64_t said_us; /* last bytes of the stream, or its start */
	uint64_t done_us;
};

/** What is said in headers that may come only once. */
struct http_headers {
	const char *host, *origin, *authorization, *content_type, *content_length,
		*transfer_encoding, *session, *version, *method, *name, *last_event;
	bool has_accept, accepts_json, accepts_events;
	bool bad; /* one came twice, holds a NUL, or has no clear name */
};

struct http_request {
	struct mcp_http *http;
	struct MHD_Connection *library;
	struct http_connection *connection;
	struct http_headers headers;
	struct http_answer *answer;
	unsigned int refused; /* status; 0: not */
	const char *why;
	char *body;
	size_t body_len, body_size;
	bool is_post, started, suspended, watched;
	bool gone; /* its client has hung up */
};

struct http_listening {
	int fd;	    /* the caller's to close */
	char *url;  /* of the endpoint; to be freed */
	char *host; /* the address as Host may have it; to be freed */
	bool local; /* on loopback */
};

struct mcp_http {
	struct mcp_http_options options;
	struct http_listening at;
	bool has_token;
	unsigned char token[crypto_generichash_BYTES];
	struct MHD_Daemon *daemon;
	int epoll_fd; /* the library's epoll, and the sockets of waiting requests */
	void *modern; /* the client of all modern requests */
	bool has_modern;
	struct http_connection *connections;
	struct http_session *sessions;
	struct http_answer *answers;
	bool resumed; /* the library has to be called */
	uint64_t ticked_us;
};

/* http.c */

/** http_watch() - notice when the client of a waiting request hangs up. */
void http_watch(struct http_request *request, bool on);

/* http_listen.c */

/**
 * http_listen() - a listening socket.
 * @address:	see mcp_http_options
 * Return: 0; IRONCLAW_ERR_INVALID, IRONCLAW_ERR_SYSTEM
 */
int http_listen(const char *address, struct http_listening *ret, struct ironclaw_error *err);

/* http_request.c */

/** The library's callback for every request. */
enum MHD_Result http_request_handle(void *http, struct MHD_Connection *library, const char *url,
				    const char *method, const char *version, const char *data,
				    size_t *size, void **context);

/** The library's callback at the end of a request. */
void http_request_over(void *http, struct MHD_Connection *library, void **context,
		       enum MHD_RequestTerminationCode why);

/** http_request_wait() - let the library leave this request alone until http_request_wake(). */
void http_request_wait(struct http_request *request);

void http_request_wake(struct http_request *request);

/**
 * http_request_refuse() - answer with an error.
 * @why:	sentence for the client
 * @code:	JSON-RPC code
 */
enum MHD_Result http_request_refuse(struct http_request *request, unsigned int status, int code,
				    const char *why);

/* http_headers.c */

/** http_headers_read() - collect them. */
void http_headers_read(struct MHD_Connection *library, struct http_headers *ret);

/**
 * http_headers_judge() - whether a request may come in at all: path, method, headers, host, origin
 * and token. Return: 0, or the status of the refusal with *ret_why
 */
unsigned int http_headers_judge(struct http_request *request, const char *url, const char *method,
				const char **ret_why);

/* http_session.c */

/** http_session_find() - by id, compared in constant time; NULL: there is none. */
struct http_session *http_session_find(struct mcp_http *http, const char *id);

/**
 * http_session_open() - a new one; when all places are taken, that of the longest unused session.
 * Return: 0; -EBUSY when every session has something running; or as options.open
 */
int http_session_open(struct mcp_http *http, struct http_session **ret, struct ironclaw_error *err);

/** http_session_end() - cancel all it does, cut its streams, close its client. */
void http_session_end(struct http_session *session);

/** http_session_busy() - whether something runs in it or somebody listens. */
bool http_session_busy(const struct http_session *session);

/** http_sessions_tick() - end those that were not used for long. */
void http_sessions_tick(struct mcp_http *http, uint64_t now_us);

/** http_session_resumable() - whether its clients know events without data (2025-11-25). */
bool http_session_resumable(const struct http_session *session);

/* http_answer.c */

/** http_answer_new() - for a request, whose answer it becomes. NULL: no memory. */
struct http_answer *http_answer_new(struct http_request *request, struct http_session *session);

/** http_answer_free() - also removes it from its request and session, and cancels what runs. */
void http_answer_free(struct http_answer *answer);

/** http_answer_stream() - from now on it is an event stream. */
void http_answer_stream(struct http_answer *answer);

/** http_answer_interrupt() - end the response, so that the client comes back with Last-Event-ID. */
void http_answer_interrupt(struct http_answer *answer);

/** http_answer_attach() - a request that gets (the rest of) it; who was connected is cut off. */
void http_answer_attach(struct http_answer *answer, struct http_request *request);

/** http_answer_detach() - its request is over. Frees it unless somebody may still want it. */
void http_answer_detach(struct http_answer *answer);

/** http_answer_give() - hand it to the library, or wait for it. */
enum MHD_Result http_answer_give(struct http_request *request);

/** http_answers_tick() - start streams, say that we live, drop what nobody wants. */
void http_answers_tick(struct mcp_http *http, uint64_t now_us);

/* http_dispatch.c */

/** http_says_modern() - by its header. */
bool http_says_modern(const struct http_request *request);

/** http_dispatch_post() - a whole body: into the core. Sets request->answer or refuses. */
enum MHD_Result http_dispatch_post(struct http_request *request);

/** http_dispatch_get() - a listening or resuming client. */
enum MHD_Result http_dispatch_get(struct http_request *request);

/** http_dispatch_delete() - the end of a session. */
enum MHD_Result http_dispatch_delete(struct http_request *request);

#endif
