/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http.c - one HTTP request to a server of others, over libcurl; see http.h.
 *
 * Each request has a handle and a connection of its own. The thread polls in steps of at most
 * HTTP_IDLE_MS, and between them asks the caller whether to go on and looks at the clock: the idle
 * and the total limit are ours, only that of the connection is libcurl's. What ends a transfer from
 * within one of libcurl's callbacks is kept in `stopped`, for libcurl itself knows no more than
 * that it was ended.
 *
 * Header lines go to libcurl as a list over the caller's own strings, so that no copy of a secret
 * is left behind by us.
 */
#include "codec/http.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "codec/http_internal.h"
#include "sys/clock.h"

#define CONNECT_MS_DEFAULT 30000U

struct transfer {
	const struct http_request *request;
	struct ironclaw_error *err;
	CURL *easy;
	CURLM *multi;
	CURLU *url;
	struct curl_slist headers[HTTP_HEADERS_MAX + 1]; /* with "Expect:" of our own */
	char curl_says[CURL_ERROR_SIZE];
	char content_type[HTTP_CONTENT_TYPE_B];
	int stopped; /* -errno, from a callback of ours */
	bool head_told, sending;
	size_t head_b;
	uint64_t body_b;
	uint64_t start_us, last_us; /* of the last byte in either direction */
	curl_off_t sent_b;
};

static void transfer_done(struct transfer *t)
{
	if (t->multi && t->easy)
		(void)curl_multi_remove_handle(t->multi, t->easy);
	curl_easy_cleanup(t->easy);
	(void)curl_multi_cleanup(t->multi);
	curl_url_cleanup(t->url);
}

/* "Text/Event-Stream; charset=utf-8" -> "text/event-stream" */
static void read_content_type(char ret[HTTP_CONTENT_TYPE_B], const char *value)
{
	size_t n = 0;

	value += strspn(value, " \t");
	for (; *value && !strchr("; \t", *value) && n + 1 < HTTP_CONTENT_TYPE_B; value++)
		ret[n++] = (char)tolower((unsigned char)*value);
	ret[n] = '\0';
}

static const char *find(CURL *easy, const char *name)
{
	struct curl_header *header;

	return curl_easy_header(easy, name, 0, CURLH_HEADER, -1, &header) == CURLHE_OK
		       ? header->value
		       : NULL;
}

const char *http_head_find(const struct http_head *head, const char *name)
{
	return find(head->handle, name);
}

static int status_of(CURL *easy)
{
	long status = 0;

	(void)curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
	return (int)status;
}

static void tell_head(struct transfer *t)
{
	const char *type = find(t->easy, "content-type");
	struct http_head head = {.status = status_of(t->easy),
				 .content_type = t->content_type,
				 .handle = t->easy};

	/* An interim answer; the real one follows. */
	if (head.status < 200)
		return;
	t->head_told = true;
	read_content_type(t->content_type, type ? type : "");
	if (t->request->head)
		t->stopped = t->request->head(t->request->ud, &head);
}

/* Every line of every head, and of trailers. */
static size_t on_header(char *line, size_t one, size_t len, void *ud)
{
	struct transfer *t = ud;

	(void)one;
	t->last_us = clock_now_us();
	t->head_b += len;
	if (t->head_b > HTTP_HEAD_MAX_B)
		t->stopped =
			err_set(t->err, IRONCLAW_ERR_INVALID, EMSGSIZE,
				"the answer has more than %u bytes of headers", HTTP_HEAD_MAX_B);
	else if (!t->head_told && (line[0] == '\r' || line[0] == '\n'))
		tell_head(t);
	return t->stopped < 0 ? 0 : len;
}

static size_t on_body(char *data, size_t one, size_t len, void *ud)
{
	struct transfer *t = ud;

	(void)one;
	t->last_us = clock_now_us();
	t->body_b += len;
	if (t->body_b > t->request->answer_max_b)
		t->stopped =
			err_set(t->err, IRONCLAW_ERR_INVALID, EMSGSIZE,
				"the answer has more than %zu bytes", t->request->answer_max_b);
	else if (t->request->answer)
		t->stopped = t->request->answer(t->request->ud, data, len);
	return t->stopped < 0 ? 0 : len;
}

static struct curl_slist *link_headers(struct transfer *t)
{
	static char no_expect[] = "Expect:"; /* libcurl would wait for a 100 before a large body */
	const char *const *lists[] = {t->request->headers, t->request->secret_headers};
	size_t n = 0;

	t->headers[n++].data = no_expect;
	for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
		for (const char *const *line = lists[i]; line && *line; line++, n++) {
			t->headers[n - 1].next = &t->headers[n];
			/* libcurl does not write to it. */
			memcpy(&t->headers[n].data, line, sizeof(char *));
		}
	}
	return t->headers;
}

static CURLcode set_method(struct transfer *t)
{
	const struct http_request *q = t->request;
	bool post = strcmp(q->method, "POST") == 0;
	CURLcode c = CURLE_OK;

	if (q->body || post) {
		c = curl_easy_setopt(t->easy, CURLOPT_POST, 1L);
		if (c == CURLE_OK)
			c = curl_easy_setopt(t->easy, CURLOPT_POSTFIELDSIZE_LARGE,
					     (curl_off_t)q->body_len);
		if (c == CURLE_OK)
			c = curl_easy_setopt(t->easy, CURLOPT_POSTFIELDS, q->body ? q->body : "");
	}
	if (c == CURLE_OK && !post && strcmp(q->method, "GET") != 0)
		c = curl_easy_setopt(t->easy, CURLOPT_CUSTOMREQUEST, q->method);
	return c;
}

static CURLcode set_security(struct transfer *t)
{
	CURLcode c = curl_easy_setopt(t->easy, CURLOPT_PROTOCOLS_STR, "http,https");

	if (c == CURLE_OK)
		c = curl_easy_setopt(t->easy, CURLOPT_FOLLOWLOCATION, 0L);
	if (c == CURLE_OK)
		c = curl_easy_setopt(t->easy, CURLOPT_SSL_VERIFYPEER, 1L);
	if (c == CURLE_OK)
		c = curl_easy_setopt(t->easy, CURLOPT_SSL_VERIFYHOST, 2L);
	if (c == CURLE_OK)
		c = curl_easy_setopt(t->easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	if (c == CURLE_OK && t->request->ca_file)
		c = curl_easy_setopt(t->easy, CURLOPT_CAINFO, t->request->ca_file);
	/* A proxy would read what goes over plain http. */
	if (c == CURLE_OK && http_url_is_plain(t->url))
		c = curl_easy_setopt(t->easy, CURLOPT_PROXY, "");
	return c;
}

static CURLcode set_up(struct transfer *t)
{
	uint32_t connect_ms = t->request->connect_timeout_ms;
	char agent[64];
	CURLcode c = set_security(t);

	(void)snprintf(agent, sizeof(agent), "ironclaw/%s", ironclaw_version());
	if (c == CURLE_OK)
		c = curl_easy_setopt(t->easy, CURLOPT_CURLU, t->url);
	if (c == CURLE_OK)
		c = set_method(t);
	if (c == CURLE_OK)
		c = curl_easy_setopt(t->easy, CURLOPT_HTTPHEADER, link_headers(t));
	if (c == CURLE_OK)
		c = curl_easy_setopt(t->easy, CURLOPT_USERAGENT, agent);
	if (c == CURLE_OK)
		c = curl_easy_setopt(t->easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	if (c == CURLE_OK)
		c = curl_easy_setopt(t->easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
	if (c == CURLE_OK)
		c = curl_easy_setopt(t->easy, CURLOPT_NOSIGNAL, 1L);
	if (c == CURLE_OK)
		c = curl_easy_setopt(t->easy, CURLOPT_CONNECTTIMEOUT_MS,
				     (long)(connect_ms > 0 ? connect_ms : CONNECT_MS_DEFAULT));
	if (c == CURLE_OK)
		c = curl_easy_setopt(t->easy, CURLOPT_ERRORBUFFER, t->curl_says);
	if (c == CURLE_OK)
		c = curl_easy_setopt(t->easy, CURLOPT_HEADERFUNCTION, on_header);
	if (c == CURLE_OK)
		c = curl_easy_setopt(t->easy, CURLOPT_HEADERDATA, t);
	if (c == CURLE_OK)
		c = curl_easy_setopt(t->easy, CURLOPT_WRITEFUNCTION, on_body);
	if (c == CURLE_OK)
		c = curl_easy_setopt(t->easy, CURLOPT_WRITEDATA, t);
	return c;
}

/* Bytes that went out are a sign of life as well. */
static void look_at_upload(struct transfer *t)
{
	curl_off_t sent = 0, ready = 0;

	if (!t->sending) {
		(void)curl_easy_getinfo(t->easy, CURLINFO_PRETRANSFER_TIME_T, &ready);
		t->sending = ready > 0;
		t->last_us = clock_now_us();
	}
	(void)curl_easy_getinfo(t->easy, CURLINFO_SIZE_UPLOAD_T, &sent);
	if (sent != t->sent_b)
		t->last_us = clock_now_us();
	t->sent_b = sent;
}

static int look_at_clock(struct transfer *t)
{
	const struct http_request *q = t->request;
	uint64_t now = clock_now_us();

	look_at_upload(t);
	if (q->total_timeout_ms > 0 && now - t->start_us > q->total_timeout_ms * 1000ULL)
		return err_set(t->err, IRONCLAW_ERR_TIMEOUT, ETIMEDOUT,
			       "the answer was not complete within %u ms", q->total_timeout_ms);
	if (q->idle_timeout_ms > 0 && t->sending && now > t->last_us &&
	    now - t->last_us > q->idle_timeout_ms * 1000ULL)
		return err_set(t->err, IRONCLAW_ERR_TIMEOUT, ETIMEDOUT,
			       "the server was silent for %u ms", q->idle_timeout_ms);
	return q->idle ? q->idle(q->ud) : 0;
}

/* What libcurl says about the end of the transfer; -EINPROGRESS before it. */
static int take_end(struct transfer *t, CURLcode *ret)
{
	int left;

	for (CURLMsg *m; (m = curl_multi_info_read(t->multi, &left));) {
		if (m->msg == CURLMSG_DONE) {
			*ret = m->data.result;
			return 0;
		}
	}
	return -EINPROGRESS;
}

static int run(struct transfer *t, CURLcode *ret)
{
	for (;;) {
		int running, r;

		if (curl_multi_perform(t->multi, &running) != CURLM_OK)
			return err_set(t->err, IRONCLAW_ERR_SYSTEM, ENOMEM, "libcurl failed");
		r = take_end(t, ret);
		if (r != -EINPROGRESS)
			return r;
		r = look_at_clock(t);
		if (r < 0)
			return r;
		if (curl_multi_poll(t->multi, NULL, 0, HTTP_IDLE_MS, NULL) != CURLM_OK)
			return err_set(t->err, IRONCLAW_ERR_SYSTEM, ENOMEM, "libcurl failed");
	}
}

/* Every error that is not told apart may have come after the server had the request. */
static int failed(struct transfer *t, CURLcode code)
{
	const char *says = t->curl_says[0] ? t->curl_says : curl_easy_strerror(code);
	long request_b = 0;

	switch ((int)code) {
	case CURLE_OUT_OF_MEMORY:
		return err_sys(t->err, ENOMEM, "asking a server");
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_SSL_CERTPROBLEM:
	case CURLE_SSL_ISSUER_ERROR:
		return err_set(t->err, IRONCLAW_ERR_UNAVAILABLE, EKEYREJECTED,
			       "the server's certificate is not accepted: %s", says);
	case CURLE_WEIRD_SERVER_REPLY:
	case CURLE_UNSUPPORTED_PROTOCOL:
		return err_set(t->err, IRONCLAW_ERR_UNAVAILABLE, EPROTO,
			       "the server does not speak HTTP: %s", says);
	default:
		break;
	}
	(void)curl_easy_getinfo(t->easy, CURLINFO_REQUEST_SIZE, &request_b);
	if (request_b == 0)
		return err_set(t->err, IRONCLAW_ERR_UNAVAILABLE, ENOTCONN, "no connection: %s",
			       says);
	return err_set(t->err, IRONCLAW_ERR_LOST, ECONNRESET, "the connection broke: %s", says);
}

static void read_answer(struct transfer *t, struct http_answer *ret)
{
	const char *again = find(t->easy, "x-should-retry");
	char ms[64] = "", plain[64] = "", *to[] = {ms, plain};
	static const char *const names[] = {"retry-after-ms", "retry-after"};

	*ret = (struct http_answer){.status = status_of(t->easy), .body_b = t->body_b};
	memcpy(ret->content_type, t->content_type, sizeof(ret->content_type));
	if (again && strcasecmp(again, "true") == 0)
		ret->should_retry = HTTP_RETRY_YES;
	else if (again && strcasecmp(again, "false") == 0)
		ret->should_retry = HTTP_RETRY_NO;
	/* What libcurl found is valid until its next search only. */
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		const char *value = find(t->easy, names[i]);

		(void)snprintf(to[i], sizeof(ms), "%s", value ? value : "");
	}
	ret->retry_after_ms = http_retry_after(ms, plain, time(NULL));
}

int http_perform(const struct http_request *request, struct http_answer *ret,
		 struct ironclaw_error *err)
{
	cleanup(transfer_done) struct transfer t = {.request = request, .err = err};
	CURLcode code = CURLE_OK;
	int r;

	t.start_us = t.last_us = clock_now_us();
	if ((r = http_url(request->url, &t.url, err)) < 0 ||
	    (r = http_check(request, t.url, err)) < 0)
		return r;
	t.easy = curl_easy_init();
	t.multi = curl_multi_init();
	if (!t.easy || !t.multi || set_up(&t) != CURLE_OK ||
	    curl_multi_add_handle(t.multi, t.easy) != CURLM_OK)
		return err_sys(err, ENOMEM, "preparing a request");
	r = run(&t, &code);
	if (r < 0)
		return r;
	if (t.stopped < 0)
		return t.stopped;
	if (code != CURLE_OK)
		return failed(&t, code);
	if (!t.head_told)
		return err_set(err, IRONCLAW_ERR_UNAVAILABLE, EPROTO, "the server sent no answer");
	read_answer(&t, ret);
	return 0;
}
