/* SPDX-License-Identifier: Apache-2.0 */
/* http_check.c - what may be sent, and what a server says about retries; see http_internal.h. */
#include "codec/http_internal.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"

/* Those that say how a message is framed, or where it goes, are made here and nowhere else. */
static const char *const own_headers[] = {"connection", "content-length", "expect", "host",
					  "transfer-encoding"};

int http_url(const char *url, CURLU **ret, struct ironclaw_error *err)
{
	cleanup(http_cleanup_curlp) char *scheme = NULL;
	cleanup(http_cleanup_urlp) CURLU *u = curl_url();
	CURLUcode code;

	if (!u)
		return err_sys(err, ENOMEM, "reading a URL");
	if (strlen(url) > HTTP_URL_MAX_B)
		return err_set(err, IRONCLAW_ERR_INVALID, EINVAL, "the URL has more than %u bytes",
			       HTTP_URL_MAX_B);
	code = curl_url_set(u, CURLUPART_URL, url, CURLU_DISALLOW_USER);
	if (code == CURLUE_USER_NOT_ALLOWED)
		return err_set(err, IRONCLAW_ERR_INVALID, EINVAL,
			       "the URL holds a user name or password");
	if (code == CURLUE_OUT_OF_MEMORY)
		return err_sys(err, ENOMEM, "reading a URL");
	if (code != CURLUE_OK || curl_url_get(u, CURLUPART_SCHEME, &scheme, 0) != CURLUE_OK ||
	    (strcmp(scheme, "http") != 0 && strcmp(scheme, "https") != 0))
		return err_set(err, IRONCLAW_ERR_INVALID, EINVAL, "not an http or https URL: %s",
			       url);
	*ret = take_ptr(u);
	return 0;
}

bool http_url_is_plain(CURLU *url)
{
	cleanup(http_cleanup_curlp) char *scheme = NULL;

	return curl_url_get(url, CURLUPART_SCHEME, &scheme, 0) != CURLUE_OK ||
	       strcmp(scheme, "https") != 0;
}

/* "localhost" is none that a resolver is asked for: libcurl knows it. */
static bool host_is_local(const char *host)
{
	struct in_addr v4;

	if (strcasecmp(host, "localhost") == 0 || strcmp(host, "[::1]") == 0)
		return true;
	return inet_pton(AF_INET, host, &v4) == 1 && ntohl(v4.s_addr) >> 24 == 127;
}

bool http_url_is_clear(CURLU *url)
{
	cleanup(http_cleanup_curlp) char *host = NULL;

	if (!http_url_is_plain(url))
		return false;
	return curl_url_get(url, CURLUPART_HOST, &host, 0) != CURLUE_OK || !host_is_local(host);
}

bool http_host_is_local(const char *url)
{
	cleanup(http_cleanup_curlp) char *host = NULL;
	cleanup(http_cleanup_urlp) CURLU *u = NULL;

	return http_url(url, &u, NULL) == 0 &&
	       curl_url_get(u, CURLUPART_HOST, &host, 0) == CURLUE_OK && host_is_local(host);
}

static bool is_token(const char *s, size_t len)
{
	static const char more[] = "!#$%&'*+-.^_`|~";

	for (size_t i = 0; i < len; i++) {
		bool letter = (s[i] | 0x20) >= 'a' && (s[i] | 0x20) <= 'z';

		if (!letter && !(s[i] >= '0' && s[i] <= '9') && (!s[i] || !strchr(more, s[i])))
			return false;
	}
	return len > 0;
}

static bool is_own(const char *name, size_t len)
{
	for (size_t i = 0; i < ARRAY_SIZE(own_headers); i++) {
		if (strlen(own_headers[i]) == len && strncasecmp(own_headers[i], name, len) == 0)
			return true;
	}
	return false;
}

/* No sentence has the value in it: it may be a secret. */
static int check_header(const char *line, struct ironclaw_error *err)
{
	size_t name_len = strcspn(line, ":");
	const char *value = line + name_len;

	if (*value != ':' || !is_token(line, name_len))
		return err_set(err, IRONCLAW_ERR_INVALID, EINVAL,
			       "a header is not of the form NAME: VALUE");
	if (is_own(line, name_len))
		return err_set(err, IRONCLAW_ERR_INVALID, EINVAL, "the header %.*s cannot be set",
			       (int)name_len, line);
	value++;
	if (value[strspn(value, " \t")] == '\0')
		return err_set(err, IRONCLAW_ERR_INVALID, EINVAL, "the header %.*s has no value",
			       (int)name_len, line);
	for (; *value; value++) {
		unsigned char c = (unsigned char)*value;

		if ((c < 0x20 && c != '\t') || c == 0x7f)
			return err_set(err, IRONCLAW_ERR_INVALID, EINVAL,
				       "the header %.*s holds a control character", (int)name_len,
				       line);
	}
	return 0;
}

static int check_headers(const char *const *lines, size_t *n, struct ironclaw_error *err)
{
	for (; lines && *lines; lines++) {
		int r = check_header(*lines, err);

		if (r < 0)
			return r;
		if (++*n > HTTP_HEADERS_MAX)
			return err_set(err, IRONCLAW_ERR_INVALID, EINVAL,
				       "more than %u headers in a request", HTTP_HEADERS_MAX);
	}
	return 0;
}

int http_check(const struct http_request *request, CURLU *url, struct ironclaw_error *err)
{
	bool secret = request->secret_headers && request->secret_headers[0];
	size_t n = 0;
	int r;

	if (!is_token(request->method, strlen(request->method)))
		return err_set(err, IRONCLAW_ERR_INVALID, EINVAL, "not a method of HTTP");
	if (secret && !request->clear_secrets && http_url_is_clear(url))
		return err_set(err, IRONCLAW_ERR_INVALID, EINVAL,
			       "a key would go in clear over http to another host");
	r = check_headers(request->headers, &n, err);
	return r < 0 ? r : check_headers(request->secret_headers, &n, err);
}

/* A number of @unit_ms each, fractions allowed; HTTP_NO_RETRY_AFTER when it is none. */
static uint64_t read_number(const char *s, double unit_ms)
{
	double v;
	char *end;

	if (*s < '0' || *s > '9')
		return HTTP_NO_RETRY_AFTER;
	v = strtod(s, &end);
	if (end[strspn(end, " \t")] != '\0' || !(v * unit_ms < 1e15))
		return HTTP_NO_RETRY_AFTER;
	return (uint64_t)(v * unit_ms + 0.999);
}

uint64_t http_retry_after(const char *ms, const char *plain, time_t now)
{
	uint64_t wait = ms ? read_number(ms, 1) : HTTP_NO_RETRY_AFTER;
	time_t then;

	if (wait != HTTP_NO_RETRY_AFTER || !plain)
		return wait;
	wait = read_number(plain, 1000);
	if (wait != HTTP_NO_RETRY_AFTER)
		return wait;
	then = curl_getdate(plain, NULL);
	if (then < 0)
		return HTTP_NO_RETRY_AFTER;
	return then > now ? (uint64_t)(then - now) * 1000 : 0;
}
