/* SPDX-License-Identifier: Apache-2.0 */
/**
 * http.h - one HTTP request to a server of others, over libcurl.
 *
 * http and https only, HTTP/1.1, TLS verified against the system's authorities or @ca_file, no
 * redirects followed, no cookies, no .netrc, no decompression. https goes through the proxy that
 * the environment names (which sees no plain text); http never does.
 *
 * A secret does not go in clear: over http to a host that is not this one a request with
 * @secret_headers is refused unless @clear_secrets is set. No header's value is ever part of an
 * error. What the server sends is hostile: header lines are bounded by HTTP_HEAD_MAX_B, the body by
 * @answer_max_b, and error texts are escaped.
 *
 * The calling thread polls; the resolver of libcurl may use a thread of its own.
 */
#ifndef CODEC_HTTP_H
#define CODEC_HTTP_H

#include "base/error.h"

#define HTTP_URL_MAX_B	    8192U
#define HTTP_HEADERS_MAX    64U		   /* of a request */
#define HTTP_HEAD_MAX_B	    (256U * 1024U) /* all header lines of an answer */
#define HTTP_CONTENT_TYPE_B 128U
#define HTTP_IDLE_MS	    100 /* how often idle() is called at least */
#define HTTP_NO_RETRY_AFTER UINT64_MAX

/** What is known when an answer's header lines have come; lives until the callback returns. */
struct http_head {
	int status;
	const char *content_type; /* lower case, without parameters; "" when there is none */
	void *handle;		  /* for http_head_find() */
};

struct http_request {
	const char *method; /* "POST" */
	const char *url;
	/* "Name: value", NULL-ended; or NULL. The second list is for those that hold a secret. */
	const char *const *headers, *const *secret_headers;
	bool clear_secrets; /* the user has asked for a secret over plain http */
	const void *body;   /* NULL: none */
	size_t body_len;
	const char *ca_file; /* PEM; NULL: the system's */

	uint32_t connect_timeout_ms; /* name, connection, TLS; 0: 30 s */
	uint32_t idle_timeout_ms;    /* without a byte in either direction; 0: no such limit */
	uint32_t total_timeout_ms;   /* 0: no such limit */
	size_t answer_max_b;	     /* of the body; more is -EMSGSIZE */

	/* Each may be NULL; a negative return ends the request with it. */
	int (*head)(void *ud, const struct http_head *head);   /* once, before the first body() */
	int (*answer)(void *ud, const void *data, size_t len); /* body, of whatever status */
	int (*idle)(void *ud); /* at least every HTTP_IDLE_MS, and not in another callback */
	void *ud;
};

/** What the header x-should-retry says. */
enum http_should_retry { HTTP_RETRY_UNSAID = 0, HTTP_RETRY_YES, HTTP_RETRY_NO };

struct http_answer {
	int status;				/* 200 to 599 */
	char content_type[HTTP_CONTENT_TYPE_B]; /* as in struct http_head; cut when longer */
	uint64_t retry_after_ms;		/* retry-after-ms or Retry-After, or
						   HTTP_NO_RETRY_AFTER */
	enum http_should_retry should_retry;
	uint64_t body_b;
};

/**
 * http_perform() - send a request and take its answer.
 * @ret:	written on success only: when an answer came to its end, whatever its status
 *
 * Return: 0;
 * -EINVAL: the URL, a header or the method cannot be sent, or a secret would go in clear: nothing
 *   was sent;
 * -ENOTCONN: no connection came about (name, refusal, connect timeout): nothing was sent;
 * -EKEYREJECTED: the server's certificate is not what it must be: nothing was sent;
 * -ECONNRESET: the connection broke, or ended before the answer did: the server may have acted;
 * -ETIMEDOUT: idle or total timeout: the same;
 * -EMSGSIZE: the answer is too large; -EPROTO: it is no HTTP;
 * -ENOMEM;
 * what a callback returned, -ECANCELED by convention: @err is then left to the callback
 */
int http_perform(const struct http_request *request, struct http_answer *ret,
		 struct ironclaw_error *err);

/**
 * http_head_find() - value of the first header line of that name (any case), or NULL. Foreign text,
 * until the next call.
 */
const char *http_head_find(const struct http_head *head, const char *name);

/**
 * http_host_is_local() - whether a URL leads to this machine: localhost, 127.0.0.0/8, ::1.
 * A name is never resolved for it.
 */
bool http_host_is_local(const char *url);

#endif
