/* SPDX-License-Identifier: Apache-2.0 */
/**
 * model.h - what is said to a language model and what it answers, in a form of our own, and the two
 * dialects that it is put into. Pure: nothing here knows of HTTP; see model/http.h.
 *
 * A conversation is a JSON array of messages:
 *
 *   {"role": "user", "text": "..."}
 *   {"role": "assistant", "text": "...", "reasoning": "...", "calls": [
 *      {"id": "...", "name": "...", "arguments": "TEXT"}, ...], "kept": {...}}
 *   {"role": "tool", "id": "...", "text": "...", "failed": true}
 *
 * An assistant's message is the one of a reply (struct model_reply), unchanged. Its "reasoning" and
 * "calls" may be missing. "arguments" is the text that the model wrote, which need not be JSON:
 * model_call_arguments(). "kept" is the dialect's own, what the same model must get back byte for
 * byte (thinking and its signatures); another model, or the other dialect, does not get it.
 *
 * After a message with calls comes one "tool" message for each call, in any order. What is missing
 * is put into the request as a failed result that says so (a session that was interrupted), so no
 * request breaks the order rules of an API.
 *
 * A tool is {"name": "...", "description": "...", "schema": {JSON Schema of an object}}.
 *
 * Everything that comes from a model is hostile and bounded by MODEL_REPLY_MAX_B and
 * MODEL_CALLS_MAX. All strings in a reply are valid UTF-8, but are not escaped.
 */
#ifndef MODEL_MODEL_H
#define MODEL_MODEL_H

#include <jansson.h>

#include "base/error.h"
#include "codec/sse.h"

#define MODEL_REPLY_MAX_B	 (8U * 1024U * 1024U) /* text, reasoning and arguments together */
#define MODEL_CALLS_MAX		 128U		      /* tool calls of one reply */
#define MODEL_ID_MAX_B		 128U		      /* of a call; a longer one is replaced */
#define MODEL_NAME_MAX_B	 128U		      /* of a tool */
#define MODEL_TOKENS_MAX	 (1ULL << 40)	      /* that are counted; more is not said */
#define MODEL_MAX_TOKENS_DEFAULT 16384U		      /* Anthropic's API wants a number */

enum model_dialect { MODEL_OPENAI = 0, MODEL_ANTHROPIC };

/** Why a reply ended. */
enum model_stop {
	MODEL_STOP_END = 0, /* the model has said what it wanted to */
	MODEL_STOP_TOOLS,   /* it wants its calls made: there is at least one */
	MODEL_STOP_LENGTH,  /* cut off; calls are left out, for the last may be half of one */
	MODEL_STOP_FILTER,  /* cut off or refused by a filter; no calls */
	MODEL_STOP_PAUSE,   /* the same conversation with this message is to be sent again */
	MODEL_STOP_MAX
};

/** Tokens, each at most MODEL_TOKENS_MAX; 0 where the server does not say. */
struct model_usage {
	uint64_t input; /* all of it, cached or not */
	uint64_t output;
	uint64_t cache_read, cache_write; /* parts of input */
	uint64_t reasoning;		  /* part of output */
};

struct model_request {
	enum model_dialect dialect;
	const char *model;
	const char *system;	/* NULL: none */
	const json_t *messages; /* as above */
	const json_t *tools;	/* array; NULL or empty: none */
	uint32_t max_tokens;	/* of the reply; 0: the server's, or MODEL_MAX_TOKENS_DEFAULT */
	bool old_max_tokens; /* OpenAI: `max_tokens`, the only name that most other servers know */
	bool cache;	     /* Anthropic: ask for caching of what stays the same */
	const json_t *extra; /* object with more members of the body, from the user; or NULL */
};

struct model_reply {
	enum model_stop stop;
	json_t *message; /* owned: the assistant's message for the conversation */
	struct model_usage usage;
};

/** What a live view gets: pieces of whole characters, foreign text. */
enum model_delta {
	MODEL_DELTA_TEXT = 0,
	MODEL_DELTA_REASONING,
	MODEL_DELTA_CALL,     /* a tool's name: its call begins */
	MODEL_DELTA_ARGUMENTS /* of the newest call or, rarely, of one before it */
};

/**
 * model_request_body() - the request in its dialect: streaming, no sampling parameters.
 * @ret:	JSON text, owned by the caller, terminated
 *
 * Return: 0; -EINVAL: the messages, tools or @extra are not as they must be (@extra may not set
 * what we set); -ENOMEM
 */
int model_request_body(const struct model_request *request, char **ret, size_t *ret_len,
		       struct ironclaw_error *err);

/** A reply that is being received. */
struct model_stream;

struct model_stream_options {
	enum model_dialect dialect;
	const char *model; /* as in the request: "kept" is for it alone */
	unsigned int turn; /* of the conversation, for ids that a server leaves out */
	void (*delta)(void *ud, enum model_delta kind, const char *text, size_t len); /* or NULL */
	void *ud;
};

/** model_stream_new() - Return: 0 with *ret for model_stream_free(), -ENOMEM */
int model_stream_new(const struct model_stream_options *options, struct model_stream **ret);
void model_stream_free(struct model_stream *stream);

/**
 * model_stream_event() - take the next event of the answer.
 *
 * Return: 0; -EPROTO: no event of this dialect, or out of its bounds; -EAGAIN: the model's server
 * says that it failed, and another try may help; -EREMOTEIO: that it refuses; -ENOMEM. After a
 * failure the stream is of no more use.
 */
int model_stream_event(struct model_stream *stream, const struct sse_event *event,
		       struct ironclaw_error *err);

/** model_stream_whole() - take an answer that came as one JSON document; returns as the above. */
int model_stream_whole(struct model_stream *stream, const char *text, size_t len,
		       struct ironclaw_error *err);

/** model_stream_is_done() - the end of the answer has been told: nothing more is read. */
bool model_stream_is_done(const struct model_stream *stream);

/**
 * model_stream_end() - the answer is over: make the reply of it.
 * @ret:	written on success; for model_reply_done()
 *
 * Return: 0; -EPROTO: it ended too early; -ENOMEM
 */
int model_stream_end(struct model_stream *stream, struct model_reply *ret,
		     struct ironclaw_error *err);

/** model_reply_done() - free what a reply holds; a zeroed one is fine. */
void model_reply_done(struct model_reply *reply);

/** model_reply_json() - {"stop": ..., "message": ..., "usage": {...}}, a new reference; or NULL. */
json_t *model_reply_json(const struct model_reply *reply);

/** model_reply_parse() - back from that. Return: 0, -EINVAL; @ret is written on success. */
int model_reply_parse(const json_t *json, struct model_reply *ret, struct ironclaw_error *err);

/**
 * model_call_arguments() - a call's arguments as an object.
 * @call:	one of a message's "calls"
 *
 * Return: a new reference; NULL: they are no JSON object, and @err says, for the model, why
 */
json_t *model_call_arguments(const json_t *call, struct ironclaw_error *err);

/**
 * model_error_text() - what an error answer of HTTP says.
 * @body:	foreign bytes: JSON of one of the many forms, HTML or nothing
 * @ret_final:	the answer says that no further try will help (quota is used up)
 */
void model_error_text(const char *body, size_t len, char *ret, size_t size, bool *ret_final);

const char *model_stop_name(enum model_stop stop);

#endif
