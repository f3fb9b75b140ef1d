/* SPDX-License-Identifier: Apache-2.0 */
/**
 * server.h - the Model Context Protocol, server side, without I/O.
 *
 * A transport hands every message that arrives to mcp_session_receive() with the sink that what
 * belongs to it goes to; the core checks it, answers what it can itself, and starts a call for the
 * rest. Both eras are served, mixed if need be:
 *   legacy  2024-11-05, 2025-03-26, 2025-06-18, 2025-11-25: `initialize` says once who speaks
 *   modern  2026-07-28: each request says it in its `_meta`
 *
 * One thread. Functions of a call or a session may be called from within any callback, except that
 * a sink's send() only sends. All text that comes in is hostile; what goes out is ASCII.
 */
#ifndef MCP_SERVER_H
#define MCP_SERVER_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "codec/jsonrpc.h"

#define MCP_VERSION_LEGACY    "2025-11-25" /* newest with a handshake */
#define MCP_VERSION_MODERN    "2026-07-28"

#define MCP_CALLS_MAX	      64  /* in flight in one session */
#define MCP_ASKED_MAX	      16  /* requests to one client that wait for its response */
#define MCP_SUBSCRIPTIONS_MAX 256 /* resources of one session, or of one listen request */

/* Codes of MCP's own. */
enum mcp_code {
	MCP_RESOURCE_NOT_FOUND = -32002, /* the core sends JSONRPC_INVALID_PARAMS if modern */
	MCP_TOO_MANY_CALLS = -32000,
	MCP_HEADER_MISMATCH = -32020,	  /* for the HTTP transport */
	MCP_MISSING_CAPABILITY = -32021,  /* modern */
	MCP_UNSUPPORTED_VERSION = -32022, /* modern */
};

struct mcp_call;
struct mcp_session;

/** A tool; all texts are constant, JSON ones must parse (else its requests get an internal error).
 */
struct mcp_tool {
	const char *name;
	const char *title;
	const char *description;
	const char *input_schema;  /* JSON text; arguments are held against it, see schema.h */
	const char *output_schema; /* JSON text, or NULL: no structured output */
	const char *annotations;   /* JSON text, or NULL */
	const char *meta;	   /* JSON text of `_meta`, or NULL */
};

/**
 * What the program behind the core does. @userdata is the session's. Each call must in the end see
 * exactly one of mcp_call_finish(), _result(), _error(), _need_input(), at once or later, after
 * which the pointer is dead; or cancel(), after whose return it is dead as well.
 */
struct mcp_ops {
	/** tools/call of a known tool; @arguments: borrowed until the call is over, fits the schema
	 */
	void (*call)(void *userdata, struct mcp_call *call, const struct mcp_tool *tool,
		     json_t *arguments);
	/**
	 * resources/list, resources/templates/list, resources/read (`uri` is there), prompts/list,
	 * prompts/get (`name` is there), completion/complete: as the capabilities in @features say.
	 * NULL when there are none. @params: borrowed, NULL when absent.
	 */
	void (*request)(void *userdata, struct mcp_call *call, const char *method, json_t *params);
	/**
	 * The client took it back, or is gone: stop the work, say nothing. Other calls may be
	 * answered from here.
	 */
	void (*cancel)(void *userdata, struct mcp_call *call);
};

enum mcp_feature {
	MCP_TOOLS_CHANGE = 1, /* mcp_session_list_changed(.., "tools") may come */
	MCP_RESOURCES = 2,
	MCP_RESOURCES_CHANGE = 4,
	MCP_RESOURCES_SUBSCRIBE = 8,
	MCP_PROMPTS = 16,
	MCP_PROMPTS_CHANGE = 32,
	MCP_COMPLETIONS = 64,
	MCP_LOGGING = 128,
};

/** A server: constant, shared by all of its sessions. */
struct mcp_server {
	const char *name, *title, *version;
	const char *instructions; /* or NULL */
	const struct mcp_tool *tools;
	size_t n_tools;
	const struct mcp_ops *ops;
	unsigned int features;	  /* of enum mcp_feature */
	size_t page_items;	  /* tools a page; 0: all in one */
	unsigned int list_ttl_ms; /* modern: how long tools/list may be cached */
};

/** One message to the client. */
struct mcp_message {
	enum {
		MCP_SENT_RESPONSE,
		MCP_SENT_NOTIFICATION,
		MCP_SENT_REQUEST,
		MCP_SENT_NOTHING, /* with `last`: the client took its request back; @text is NULL */
	} kind;
	const char *text; /* without newline, NUL-terminated; valid during the call */
	size_t len;
	int code;    /* of an error response, else 0: HTTP derives its status from it */
	bool modern; /* it answers a modern request */
	bool last;   /* nothing more comes for this sink: the core forgets it */
};

/**
 * Where what belongs to one received message goes. The transport embeds it. It has to live until a
 * message with `last`, or until mcp_session_abandon(), or the session's end. Failures of sending
 * are the transport's to remember.
 */
struct mcp_sink {
	void (*send)(struct mcp_sink *sink, const struct mcp_message *message);
};

/** What a session serves. */
enum mcp_era {
	MCP_ERA_BOTH,	/* a stdio process */
	MCP_ERA_LEGACY, /* an HTTP session */
	MCP_ERA_MODERN, /* one HTTP POST without a session: make one for it, free it after `last` */
};

/**
 * mcp_session_new() - a client.
 * @server:	has to outlive it
 * @userdata:	for the ops; sessions may share it
 * @stream:	what belongs to no request goes here: stdout, an HTTP GET stream; NULL: there is
 *none, and such messages are dropped. Never gets `last`.
 *
 * Return: 0, -ENOMEM
 */
int mcp_session_new(const struct mcp_server *server, enum mcp_era era, void *userdata,
		    struct mcp_sink *stream, struct mcp_session **ret);

/** mcp_session_free() - the client is gone: cancels all calls, sends nothing. NULL is fine. */
void mcp_session_free(struct mcp_session *s);

/** mcp_session_set_stream() - an HTTP GET stream came or went (NULL). */
void mcp_session_set_stream(struct mcp_session *s, struct mcp_sink *stream);

/**
 * mcp_session_receive() - one message came.
 * @sink:	for what belongs to it; on stdio always the same
 *
 * Return: true when @sink is in use until it gets `last` (which may have come already); false when
 * nothing is or will be sent to it: a notification, a response (HTTP: 202)
 */
bool mcp_session_receive(struct mcp_session *s, const char *text, size_t len,
			 struct mcp_sink *sink);

/** mcp_session_too_long() - a message came that the transport would not hold: an error, as above.
 */
void mcp_session_too_long(struct mcp_session *s, struct mcp_sink *sink);

/** mcp_session_abandon() - @sink's reader is gone: cancels its calls and listening, sends nothing.
 */
void mcp_session_abandon(struct mcp_session *s, struct mcp_sink *sink);

/** mcp_session_version() - negotiated by `initialize`; NULL before, and after modern requests only.
 */
const char *mcp_session_version(const struct mcp_session *s);

/** mcp_session_list_changed() - @what: "tools", "prompts" or "resources". */
void mcp_session_list_changed(struct mcp_session *s, const char *what);

/** mcp_session_resource_updated() - tells it to whoever has subscribed to @uri. */
void mcp_session_resource_updated(struct mcp_session *s, const char *uri);

/** mcp_session_end_listening() - ends all subscriptions/listen streams with their results. */
void mcp_session_end_listening(struct mcp_session *s);

/* --- of a call; json_t arguments marked (taken) are consumed in every case, NULL is fine --- */

/** mcp_call_set_userdata() - for the ops; mcp_call_userdata() returns it, at first NULL. */
void mcp_call_set_userdata(struct mcp_call *call, void *userdata);
void *mcp_call_userdata(const struct mcp_call *call);

struct mcp_session *mcp_call_session(const struct mcp_call *call);

/** mcp_call_sink() - where its messages go. */
struct mcp_sink *mcp_call_sink(const struct mcp_call *call);

/** mcp_call_version() - revision that the call is served by; modern ones compare greater. */
const char *mcp_call_version(const struct mcp_call *call);
bool mcp_call_is_modern(const struct mcp_call *call);

/** mcp_call_params() - borrowed; a modern retry has `inputResponses` and `requestState` in it. */
json_t *mcp_call_params(const struct mcp_call *call);

/** mcp_call_client_can() - did the client declare @capability (for this very request, if modern)?
 */
bool mcp_call_client_can(const struct mcp_call *call, const char *capability);

/**
 * mcp_call_progress() - if the client asked for it. A value that does not rise is not sent.
 * @total:	< 0: unknown
 * @message:	or NULL; valid UTF-8
 */
void mcp_call_progress(struct mcp_call *call, double progress, double total, const char *message);

/**
 * mcp_call_log() - notifications/message, if the client wants that level.
 * @level:	"debug" ... "emergency"
 * @data:	(taken)
 */
void mcp_call_log(struct mcp_call *call, const char *level, const char *logger, json_t *data);

/**
 * mcp_call_finish() - the result of a tool.
 * @content:	(taken) array of content blocks
 * @structured:	(taken) object or NULL; sent only to revisions that have it
 */
void mcp_call_finish(struct mcp_call *call, json_t *content, json_t *structured, bool is_error);

/** mcp_call_finish_text() - the same with one text. @text: any bytes; what is no UTF-8 becomes
 * U+FFFD */
void mcp_call_finish_text(struct mcp_call *call, const char *text, size_t len, bool is_error);

/** mcp_call_result() - any other result. @result: (taken) object; modern members are added. */
void mcp_call_result(struct mcp_call *call, json_t *result);

/** mcp_call_error() - a protocol error. @data: (taken) */
void mcp_call_error(struct mcp_call *call, int code, const char *message, json_t *data);

/**
 * mcp_call_need_input() - modern: answer with `input_required`; the client calls again.
 * @requests:	(taken) object of KEY: {method, params}, or NULL
 * @state:	opaque, comes back as the client likes; or NULL
 *
 * Answers with MCP_MISSING_CAPABILITY instead if the client cannot do what a request needs.
 */
void mcp_call_need_input(struct mcp_call *call, json_t *requests, const char *state);

typedef void (*mcp_answer_fn)(void *userdata, struct mcp_call *call, json_t *result, json_t *error);

/**
 * mcp_call_ask() - legacy: a request to the client, on the call's sink.
 * @params:	(taken)
 * @answer:	called once with exactly one of result and error (borrowed); not when the call ends
 * first
 *
 * Return: 0; -EPROTO: a modern call; -EOPNOTSUPP: the client did not declare what @method needs;
 * -EBUSY: MCP_ASKED_MAX; -ENOMEM
 */
int mcp_call_ask(struct mcp_call *call, const char *method, json_t *params, mcp_answer_fn answer);

/** mcp_string() - a JSON string from any bytes: what is no UTF-8 becomes U+FFFD. NULL without
 * memory. */
json_t *mcp_string(const char *bytes, size_t len);

/** mcp_base64() - a JSON string of bytes in base64. NULL without memory. */
json_t *mcp_base64(const char *bytes, size_t len);

/** mcp_text() - mcp_string() as a text block. */
json_t *mcp_text(const char *bytes, size_t len);

#endif
