/* SPDX-License-Identifier: Apache-2.0 */
/**
 * server_internal.h - what the files of the MCP server core share.
 *
 * server.c has sessions, what comes in and what goes out; server_methods.c the table of methods;
 * server_legacy.c and server_modern.c what is of one era; server_tools.c tools; server_call.c what
 * the program behind the core may do with a call. Every request becomes a call, also those that
 * the core answers at once: so that there is one way out.
 */
#ifndef MCP_SERVER_INTERNAL_H
#define MCP_SERVER_INTERNAL_H

#include <sys/queue.h>

#include "mcp/server.h"

#define MCP_META(name)	"io.modelcontextprotocol/" name

/* The revisions that brought something; they compare as texts. */
#define MCP_2024_11	"2024-11-05"
#define MCP_2025_03	"2025-03-26" /* batches (here alone), annotations, capability completions */
#define MCP_2025_06	"2025-06-18" /* titles, structured output, resource links */

#define MCP_BATCH_MAX_B (32U << 20) /* of the answers to one array; then no more is added */

/* Answers to the requests of one array. */
struct mcp_batch {
	struct mcp_sink *sink;
	size_t pending; /* requests without an answer, and one while the array is walked */
	char *text;	/* "[A,B", or NULL */
	size_t len;
	bool failed; /* one of the answers had no room */
};

/* Of subscriptions/listen. */
struct mcp_listening {
	bool tools, prompts, resources;
	json_t *uris; /* array of strings */
};

struct mcp_call {
	TAILQ_ENTRY(mcp_call) link;
	struct mcp_session *session;
	struct mcp_sink *sink;
	struct mcp_batch *batch; /* or NULL */
	json_t *id;
	json_t *params; /* or NULL */
	json_t *meta;	/* in params, or NULL */
	const struct mcp_method *method;
	const char *version;
	bool modern;
	bool doomed;	 /* it will be cancelled: whatever comes of it until then is dropped */
	bool cancelling; /* ops->cancel() runs */
	bool progressed;
	double progress;
	struct mcp_listening *listening; /* or NULL */
	void *userdata;
};

struct mcp_asked {
	json_int_t id;
	struct mcp_call *call; /* NULL: free */
	mcp_answer_fn answer;
};

struct mcp_session {
	const struct mcp_server *server;
	enum mcp_era era;
	void *userdata;
	struct mcp_sink *stream;
	TAILQ_HEAD(, mcp_call) calls;
	size_t n_calls;
	/* What `initialize` and its successors said. */
	const char *version;
	bool initialized;
	json_t *capabilities; /* of the client, or NULL */
	int log_level;
	json_t *subscribed; /* object: URI to true */
	json_int_t last_asked;
	struct mcp_asked asked[MCP_ASKED_MAX];
};

enum { MCP_IN_LEGACY = 1, MCP_IN_MODERN = 2 };

struct mcp_method {
	const char *name;
	unsigned int eras;
	unsigned int features; /* one of them must be there; 0: always there */
	const char *needs;     /* a parameter that must be a string, or NULL */
	bool cacheable;	       /* its modern result says how long it is good */
	bool lasting;	       /* may stay in flight, so it counts */
	void (*run)(struct mcp_call *call);
};

/** mcp_method_find() - @modern: which era it must be of. NULL: unknown there. */
const struct mcp_method *mcp_method_find(const struct mcp_server *server, const char *name,
					 bool modern);

/** mcp_capabilities() - of the server, as @version has them; new reference or NULL. */
json_t *mcp_capabilities(const struct mcp_server *server, const char *version);

/** mcp_server_info() - name, version and title; new reference or NULL. */
json_t *mcp_server_info(const struct mcp_server *server, const char *version);

/** mcp_log_level() - its rank, 0 is "debug"; -1: there is none of that name. */
int mcp_log_level(const json_t *name);

/** mcp_call_answer() - the one way out. @text: (taken) a response, NULL: no memory. Frees @call. */
void mcp_call_answer(struct mcp_call *call, char *text, int code);

/** mcp_call_notify() - a notification that belongs to @call. @params: (taken) */
void mcp_call_notify(struct mcp_call *call, const char *method, json_t *params);

/** mcp_call_complete() - mcp_call_result() of {}. */
void mcp_call_complete(struct mcp_call *call);

/** mcp_call_cancel() - take a call back; @tell: its sink gets MCP_SENT_NOTHING. Frees @call. */
void mcp_call_cancel(struct mcp_call *call, bool tell);

/** mcp_send_alone() - a message that belongs to no request. @text: (taken) */
void mcp_send_alone(struct mcp_session *s, char *text);

/** mcp_modern_check() - what the _meta of a modern request must have; false: it was answered. */
bool mcp_modern_check(struct mcp_call *call);

void mcp_run_initialize(struct mcp_call *call);
void mcp_run_set_level(struct mcp_call *call);
void mcp_run_subscribe(struct mcp_call *call);
void mcp_run_unsubscribe(struct mcp_call *call);
void mcp_run_discover(struct mcp_call *call);
void mcp_run_listen(struct mcp_call *call);
void mcp_run_tools_list(struct mcp_call *call);
void mcp_run_tools_call(struct mcp_call *call);

#endif
