/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http.c - ask a model over HTTP; see http.h.
 *
 * A try is one request with a stream of its own. Its answer is read according to what it is: an
 * event stream, a document where the server does not stream, or the text of an error. It is over
 * when the dialect says so; whether the connection ends then, or how, is no matter.
 */
#include "model/http.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>

#include "base/cleanup.h"
#include "codec/retry.h"
#include "codec/secret.h"
#include "sys/clock.h"

#define ERROR_BODY_MAX_B 65536U
#define ERROR_TEXT_B	 512U
#define REQUEST_ID_B	 128U

static const struct {
	const char *base, *base_variable, *key_variable, *path, *key_prefix;
} apis[] = {
	[MODEL_OPENAI] = {"https://api.openai.com", "OPENAI_BASE_URL", "OPENAI_API_KEY",
			  "/chat/completions", "Authorization: Bearer"},
	[MODEL_ANTHROPIC] = {"https://api.anthropic.com", "ANTHROPIC_BASE_URL", "ANTHROPIC_API_KEY",
			     "/v1/messages", "x-api-key:"},
};

struct model_client {
	struct model_provider provider;
	char *url, *key, *key_header, *version, *beta;
	bool old_max_tokens;
};

/* One try. */
struct attempt {
	struct model_client *client;
	const struct model_watch *watch;
	struct model_stream *stream;
	struct sse_parser sse;
	struct ironclaw_error *err;
	enum { READ_ERROR = 0, READ_EVENTS, READ_DOCUMENT } how;
	char *body; /* of what is not a stream */
	size_t body_len, body_size;
	char request_id[REQUEST_ID_B];
	bool ended; /* by the caller */
	struct http_answer answer;
};

/*
 * An OpenAI-compatible base without any path gets /v1; other paths are as the user wants them. An
 * Anthropic base may have the /v1 that belongs to the path already.
 */
static int make_url(struct model_client *c, const char *base, struct ironclaw_error *err)
{
	enum model_dialect dialect = c->provider.dialect;
	size_t len = strlen(base);
	const char *host = strstr(base, "://"), *more = "";
	bool bare, v1;

	while (len > 0 && base[len - 1] == '/')
		len--;
	/* A password in it would be in each record and error. */
	if (host && memchr(host + 3, '@', strcspn(host + 3, "/?#")))
		return err_set(err, IRONCLAW_ERR_INVALID, EINVAL,
			       "the base URL of the model's API holds a user name or password: "
			       "only a key is sent");
	if (!host || strpbrk(base, "?#"))
		return err_set(err, IRONCLAW_ERR_INVALID, EINVAL,
			       "not the base URL of a model's API: %s", base);
	bare = !memchr(host + 3, '/',
		       len > (size_t)(host + 3 - base) ? len - (size_t)(host + 3 - base) : 0);
	v1 = len > 3 && memcmp(base + len - 3, "/v1", 3) == 0;
	if (dialect == MODEL_OPENAI && bare)
		more = "/v1";
	if (dialect == MODEL_ANTHROPIC && v1)
		len -= 3;
	if (asprintf(&c->url, "%.*s%s%s", (int)len, base, more, apis[dialect].path) < 0) {
		c->url = NULL;
		return err_sys(err, ENOMEM, "preparing a model");
	}
	/* Most servers beside the API itself know only the old name. */
	c->old_max_tokens = strncmp(base, "https://api.openai.com", 22) != 0;
	return 0;
}

static int make_headers(struct model_client *c, struct ironclaw_error *err)
{
	const struct model_provider *p = &c->provider;
	int r = secret_read(p->key_file, apis[p->dialect].key_variable, &c->key, err);

	if (r < 0)
		return r;
	if (c->key && !p->clear_key && !http_host_is_local(c->url) &&
	    strncasecmp(c->url, "https://", 8) != 0)
		return err_set(err, IRONCLAW_ERR_INVALID, EINVAL,
			       "the key would go in clear over http to another host: %s", c->url);
	if (c->key && !(c->key_header = secret_join(apis[p->dialect].key_prefix, c->key)))
		return err_sys(err, ENOMEM, "preparing a model");
	if (asprintf(&c->version, "anthropic-version: %s",
		     p->anthropic_version ? p->anthropic_version : "2023-06-01") < 0)
		c->version = NULL;
	if (p->anthropic_beta && asprintf(&c->beta, "anthropic-beta: %s", p->anthropic_beta) < 0)
		c->beta = NULL;
	return c->version && (c->beta || !p->anthropic_beta)
		       ? 0
		       : err_sys(err, ENOMEM, "preparing a model");
}

int model_client_new(const struct model_provider *provider, struct model_client **ret,
		     struct ironclaw_error *err)
{
	struct model_client *c = calloc(1, sizeof(*c));
	const char *base = provider->base_url;
	int r;

	if (!c)
		return err_sys(err, ENOMEM, "preparing a model");
	c->provider = *provider;
	if (!base)
		base = getenv(apis[provider->dialect].base_variable);
	if (!base || !base[0])
		base = apis[provider->dialect].base;
	if ((r = make_url(c, base, err)) < 0 || (r = make_headers(c, err)) < 0) {
		model_client_free(c);
		return r;
	}
	if (!c->key && strcmp(base, apis[provider->dialect].base) == 0) {
		r = err_set(err, IRONCLAW_ERR_INVALID, EINVAL, "no key for %s", c->url);
		err_hint(err, "set %s, or give a file that holds the key",
			 apis[provider->dialect].key_variable);
		model_client_free(c);
		return r;
	}
	*ret = c;
	return 0;
}

void model_client_free(struct model_client *c)
{
	if (!c)
		return;
	secret_free(c->key);
	secret_free(c->key_header);
	free(c->url);
	free(c->version);
	free(c->beta);
	free(c);
}

const char *model_client_url(const struct model_client *client)
{
	return client->url;
}

static int on_event(void *ud, const struct sse_event *event)
{
	struct attempt *a = ud;
	int r = model_stream_event(a->stream, event, a->err);

	/* What a server still sends, or how it ends the connection, is no matter. */
	return r == 0 && model_stream_is_done(a->stream) ? -EALREADY : r;
}

static int on_head(void *ud, const struct http_head *head)
{
	struct attempt *a = ud;
	const char *id =
		http_head_find(head, a->client->provider.dialect == MODEL_OPENAI ? "x-request-id"
										 : "request-id");

	(void)snprintf(a->request_id, sizeof(a->request_id), "%s", id ? id : "");
	if (head->status < 200 || head->status > 299)
		return 0;
	if (strcmp(head->content_type, "text/event-stream") == 0)
		a->how = READ_EVENTS;
	else if (strcmp(head->content_type, "application/json") == 0)
		a->how = READ_DOCUMENT;
	return 0;
}

static int on_body(void *ud, const void *data, size_t len)
{
	struct attempt *a = ud;
	size_t max = a->how == READ_DOCUMENT ? 2 * MODEL_REPLY_MAX_B : ERROR_BODY_MAX_B;

	if (a->how == READ_EVENTS)
		return sse_feed(&a->sse, data, len, a->err);
	if (a->body_len + len > max) {
		if (a->how == READ_DOCUMENT)
			return err_set(a->err, IRONCLAW_ERR_UNAVAILABLE, EMSGSIZE,
				       "the model's answer is broken: it is too long");
		len = max - a->body_len;
	}
	if (a->body_len + len > a->body_size) {
		size_t size = 2 * (a->body_len + len);
		char *body = realloc(a->body, size);

		if (!body)
			return err_sys(a->err, ENOMEM, "reading a model's answer");
		a->body = body;
		a->body_size = size;
	}
	if (len > 0)
		memcpy(a->body + a->body_len, data, len);
	a->body_len += len;
	return 0;
}

static int on_idle(void *ud)
{
	struct attempt *a = ud;
	int r = a->watch->idle ? a->watch->idle(a->watch->ud) : 0;

	a->ended = r < 0;
	return r < 0 ? err_set(a->err, IRONCLAW_ERR_CANCELLED, -r,
			       "the model's answer is not waited for")
		     : 0;
}

static uint32_t time_left_ms(const struct model_client *c, uint64_t deadline_us)
{
	uint32_t total =
		c->provider.total_timeout_ms ? c->provider.total_timeout_ms : MODEL_TOTAL_MS;
	uint64_t now = clock_now_us(), left_ms;

	if (deadline_us == 0)
		return total;
	left_ms = deadline_us > now ? (deadline_us - now) / 1000 + 1 : 1;
	return left_ms < total ? (uint32_t)left_ms : total;
}

static int perform(struct attempt *a, const char *body, size_t len)
{
	const struct model_client *c = a->client;
	const struct model_provider *p = &c->provider;
	const char *headers[] = {"Content-Type: application/json",
				 "Accept: text/event-stream, application/json",
				 p->dialect == MODEL_ANTHROPIC ? c->version : NULL, c->beta, NULL};
	const char *secrets[] = {c->key_header, NULL};
	struct http_request q = {
		.method = "POST",
		.url = c->url,
		.headers = headers,
		.secret_headers = secrets,
		.clear_secrets = p->clear_key,
		.body = body,
		.body_len = len,
		.ca_file = p->ca_file,
		.connect_timeout_ms =
			p->connect_timeout_ms ? p->connect_timeout_ms : MODEL_CONNECT_MS,
		.idle_timeout_ms = p->idle_timeout_ms ? p->idle_timeout_ms : MODEL_IDLE_MS,
		.total_timeout_ms = time_left_ms(c, a->watch->deadline_us),
		.answer_max_b = MODEL_ANSWER_MAX_B,
		.head = on_head,
		.answer = on_body,
		.idle = on_idle,
		.ud = a,
	};

	return http_perform(&q, &a->answer, a->err);
}

/* An answer that is none of the model's: what it says, and what that means. */
static int refused(struct attempt *a)
{
	int status = a->answer.status, errnum = EREMOTEIO;
	char text[ERROR_TEXT_B];
	bool quota;

	model_error_text(a->body ? a->body : "", a->body_len, text, sizeof(text), &quota);
	/* Before anything is put behind it: the key may be what was cut at its end. */
	secret_hide(text, a->client->key);
	/* Of Anthropic's API a limit of rate says when it ends, one of spending does not. */
	if (status == 429 && a->client->provider.dialect == MODEL_ANTHROPIC &&
	    a->answer.retry_after_ms == HTTP_NO_RETRY_AFTER &&
	    a->answer.should_retry == HTTP_RETRY_UNSAID)
		quota = true;
	if (quota || status == 402)
		errnum = EDQUOT;
	else if (status >= 400 && retry_after_answer(&a->answer))
		errnum = EAGAIN;
	else if (status == 401 || status == 403)
		errnum = EACCES;
	return err_set(a->err, IRONCLAW_ERR_UNAVAILABLE, errnum, "%s answers with %d%s%s%s%s%s",
		       a->client->url, status, text[0] ? ": " : "", text,
		       a->request_id[0] ? " (request " : "", a->request_id,
		       a->request_id[0] ? ")" : "");
}

static int read_answer(struct attempt *a, int r, struct model_reply *ret)
{
	bool done = model_stream_is_done(a->stream);

	if (r < 0 && !(done && (r == -EALREADY || r == -ECONNRESET)))
		return r;
	if (r == 0 && a->how == READ_ERROR)
		return refused(a);
	if (r == 0 && a->how == READ_DOCUMENT)
		r = model_stream_whole(a->stream, a->body ? a->body : "", a->body_len, a->err);
	else if (r == 0)
		r = sse_end(&a->sse, a->err);
	return r < 0 && r != -EALREADY ? r : model_stream_end(a->stream, ret, a->err);
}

static int try_once(struct attempt *a, const struct model_request *q, const char *body, size_t len,
		    struct model_reply *ret)
{
	struct model_stream_options o = {.dialect = q->dialect,
					 .model = q->model,
					 .turn = (unsigned int)json_array_size(q->messages),
					 .delta = a->watch->delta,
					 .ud = a->watch->ud};
	int r = model_stream_new(&o, &a->stream);

	if (r < 0)
		return err_sys(a->err, ENOMEM, "asking a model");
	sse_init(&a->sse, SSE_EVENT_MAX_B, on_event, a);
	r = read_answer(a, perform(a, body, len), ret);
	if (r < 0 && a->err)
		secret_hide(a->err->text, a->client->key);
	sse_done(&a->sse);
	model_stream_free(a->stream);
	free(a->body);
	return r;
}

/* Waits for the next try; a failure: there is none. */
static int wait_for_next(struct attempt *a, unsigned int n)
{
	uint64_t deadline_us = a->watch->deadline_us, wait_ms;
	uint32_t random = 0;

	if (getrandom(&random, sizeof(random), 0) < 0)
		random = 0;
	wait_ms =
		retry_wait_ms(n, a->answer.status ? a->answer.retry_after_ms : HTTP_NO_RETRY_AFTER,
			      random);
	if (deadline_us > 0 && clock_now_us() + wait_ms * 1000 >= deadline_us) {
		err_prefix(a->err, "there is no time for another try");
		return -ETIMEDOUT;
	}
	if (a->watch->again)
		a->watch->again(a->watch->ud, n + 1, wait_ms, a->err->text);
	return retry_pause(wait_ms, on_idle, a);
}

int model_client_ask(struct model_client *client, const struct model_request *request,
		     const struct model_watch *watch, struct model_reply *ret,
		     struct ironclaw_error *err)
{
	uint32_t retries = client->provider.retries;
	struct model_request q = *request;
	struct ironclaw_error own;
	cleanup_free char *body = NULL;
	size_t len;
	int r;

	if (!err)
		err = &own;
	ic_assert(q.dialect == client->provider.dialect);
	q.old_max_tokens = client->old_max_tokens;
	r = model_request_body(&q, &body, &len, err);
	if (r < 0)
		return r;
	if (retries == 0)
		retries = MODEL_RETRIES_DEFAULT;
	else if (retries == MODEL_NO_RETRIES)
		retries = 0;
	for (unsigned int n = 0;; n++) {
		struct attempt a = {.client = client, .watch = watch, .err = err};

		r = try_once(&a, &q, body, len, ret);
		if (r == 0 || a.ended || (r != -EAGAIN && !retry_after_failure(r)))
			return r;
		if (watch->deadline_us > 0 && clock_now_us() >= watch->deadline_us)
			return -ETIMEDOUT;
		if (n == retries)
			return -EAGAIN;
		r = wait_for_next(&a, n);
		if (r < 0)
			return r;
	}
}
