/* SPDX-License-Identifier: Apache-2.0 */
/**
 * http.h - ask a model over HTTP: the only effect of model/model.h.
 *
 * A request is tried again after 408, 409, 429, 5xx (529 among them), a refused connection, and an
 * answer that broke off: nothing has been executed before a reply is whole. The server's
 * x-should-retry decides first, its Retry-After how long to wait (up to RETRY_AFTER_MAX_MS;
 * more is a failure); else half a second, doubled each time up to 8 s, minus up to a quarter.
 * A key or request that is refused, and a quota that is used up, are failures at once.
 *
 * The key is read from a file or the environment (codec/secret.h), is sent in a header and nowhere
 * else, is in no error, and is overwritten when the client is freed.
 */
#ifndef MODEL_HTTP_H
#define MODEL_HTTP_H

#include "model/model.h"

#define MODEL_ANSWER_MAX_B    (64U * 1024U * 1024U) /* of a stream, with its wrapping */
#define MODEL_RETRIES_DEFAULT 4U
#define MODEL_CONNECT_MS      30000U
#define MODEL_IDLE_MS	      300000U
#define MODEL_TOTAL_MS	      1800000U

/** Where a model is. Strings are borrowed until model_client_free(). */
struct model_provider {
	enum model_dialect dialect;
	const char *base_url; /* with or without /v1; NULL: OPENAI_BASE_URL or ANTHROPIC_BASE_URL of
				 the environment, else the API of OpenAI or Anthropic */
	const char *key_file; /* NULL: OPENAI_API_KEY or ANTHROPIC_API_KEY; none: no key is sent */
	bool clear_key;	      /* the user has asked for a key over http to another host */
	const char *ca_file;  /* NULL: the system's */
	const char *anthropic_version;					/* NULL: "2023-06-01" */
	const char *anthropic_beta;					/* NULL: none */
	uint32_t connect_timeout_ms, idle_timeout_ms, total_timeout_ms; /* of a try; 0: the above */
	uint32_t retries; /* after the first try; 0: MODEL_RETRIES_DEFAULT; MODEL_NO_RETRIES */
};
#define MODEL_NO_RETRIES UINT32_MAX

/** What a call of the client tells; each may be NULL. */
struct model_watch {
	void (*delta)(void *ud, enum model_delta kind, const char *text, size_t len);
	/* A try failed: what was shown of it is void, the next one begins in @wait_ms. */
	void (*again)(void *ud, unsigned int attempt, uint64_t wait_ms, const char *why);
	/* At least every 100 ms, while waiting for the next try too; negative ends the call. */
	int (*idle)(void *ud);
	void *ud;
	uint64_t deadline_us; /* CLOCK_MONOTONIC, of the call with all tries; 0: none */
};

struct model_client;

/**
 * model_client_new() - read the key, make the URL.
 *
 * Return: 0 with *ret for model_client_free(); -EINVAL: URL, key or version cannot be used, or the
 * key would go in clear; -ENOENT and others of a key file
 */
int model_client_new(const struct model_provider *provider, struct model_client **ret,
		     struct ironclaw_error *err);
void model_client_free(struct model_client *client);

/** model_client_url() - where it asks; the client's own, without any secret. */
const char *model_client_url(const struct model_client *client);

/**
 * model_client_ask() - one request with its tries.
 * @request:	its dialect must be the provider's; old_max_tokens is set by the client, by host
 * @ret:	written on success; for model_reply_done()
 *
 * Return: 0; -EINVAL: the request cannot be put together; -EACCES: the key is refused; -EREMOTEIO:
 * the request is; -EDQUOT: the quota is used up; -EAGAIN: the last try failed in a way that a
 * later one may not; -ETIMEDOUT: the deadline; -EKEYREJECTED and others of http_perform(); what
 * idle() returned
 */
int model_client_ask(struct model_client *client, const struct model_request *request,
		     const struct model_watch *watch, struct model_reply *ret,
		     struct ironclaw_error *err);

#endif
