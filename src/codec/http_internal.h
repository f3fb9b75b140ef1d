/* SPDX-License-Identifier: Apache-2.0 */
/** http_internal.h - what may be sent, and what a server says about retries: the pure parts. */
#ifndef CODEC_HTTP_INTERNAL_H
#define CODEC_HTTP_INTERNAL_H

#include <curl/curl.h>
#include <time.h>

#include "codec/http.h"

static inline void http_cleanup_urlp(CURLU **url)
{
	curl_url_cleanup(*url);
}

static inline void http_cleanup_curlp(char **text)
{
	curl_free(*text);
}

/**
 * http_url() - take a URL apart: http or https, with a host, without user and password.
 * Return: 0 with *ret for curl_url_cleanup(), -EINVAL, -ENOMEM
 */
int http_url(const char *url, CURLU **ret, struct ironclaw_error *err);

/** http_url_is_clear() - plain http to another machine. */
bool http_url_is_clear(CURLU *url);

/** http_url_is_plain() - plain http. */
bool http_url_is_plain(CURLU *url);

/** http_check() - the request may be sent to @url. Return: 0, -EINVAL */
int http_check(const struct http_request *request, CURLU *url, struct ironclaw_error *err);

/**
 * http_retry_after() - how long to wait, in milliseconds.
 * @ms, @plain:	values of retry-after-ms and Retry-After, foreign text, or NULL
 *
 * Return: HTTP_NO_RETRY_AFTER when neither says it; a date that is over is 0
 */
uint64_t http_retry_after(const char *ms, const char *plain, time_t now);

#endif
