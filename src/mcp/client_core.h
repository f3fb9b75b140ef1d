/* SPDX-License-Identifier: Apache-2.0 */
/**
 * client_core.h - what a client says and understands, without I/O.
 *
 * Requests are made here and kept in a table until they are answered or given up; each message of
 * the server is put in here as it comes, in any order. Ids are integers of ours that rise, so a
 * string that looks like one, or an id that was given up, belongs to nothing and is dropped. What
 * the server asks of us is answered at once: ping with {}, all else with "unknown method". A modern
 * server must not ask, and gets no answer.
 */
#ifndef MCP_CLIENT_CORE_H
#define MCP_CLIENT_CORE_H

#include "codec/jsonrpc.h"
#include "mcp/client.h"

#define MCP_PENDING_MAX	       8U
#define MCP_PAGES_MAX	       64U
#define MCP_CURSOR_MAX_B       4096U
#define MCP_REMOTE_TEXT_B      512U
#define MCP_VERSION_LEGACY     "2025-11-25"
#define MCP_VERSION_MODERN     "2026-07-28"
#define MCP_UNSUPPORTED	       (-32022) /* code: the version is not spoken */
#define MCP_HEADER_MISMATCH    (-32020)
#define MCP_MISSING_CAPABILITY (-32021)

enum mcp_client_era { MCP_ERA_UNKNOWN, MCP_ERA_LEGACY, MCP_ERA_MODERN };

/** A request that waits. */
struct mcp_pending {
	uint64_t id; /* 0: free */
	bool answered;
	json_t *result; /* owned; one of the two when answered */
	json_t *error;
	double progress;
	bool has_progress;
};

struct mcp_core {
	enum mcp_client_era era;
	const char *version; /* static; what requests of the modern era carry */
	uint64_t last_id;
	struct mcp_pending pending[MCP_PENDING_MAX];
	bool tools_changed; /* the server has said so; whoever loads the list resets it */
	uint64_t n_dropped; /* messages that belonged to nothing */
	/* A request got on; foreign text without NUL, or NULL. @total < 0: unsaid */
	void (*progress)(void *ud, uint64_t id, double progress, double total, const char *message);
	void *ud;
};

void mcp_core_init(struct mcp_core *core);

/** mcp_core_done() - free what is pending. */
void mcp_core_done(struct mcp_core *core);

/**
 * mcp_core_request() - make a request, and wait for its answer.
 * @params:	stolen, also on failure; an object, or NULL
 * @progress:	ask for notifications of progress
 * @ret_text:	one line without its newline; owned by the caller
 *
 * Return: 0; -EBUSY when MCP_PENDING_MAX wait; -ENOMEM
 */
int mcp_core_request(struct mcp_core *core, const char *method, json_t *params, bool progress,
		     uint64_t *ret_id, char **ret_text);

/** mcp_core_cancelled() - the notification that request @id was given up; NULL without memory. */
char *mcp_core_cancelled(uint64_t id, const char *reason);

/**
 * mcp_core_receive() - take a message of the server.
 * @text, @len:	hostile
 * @about:	request whose answer an error without an id is; 0: none
 * @ret_reply:	what to send to the server at once, owned by the caller; NULL: nothing
 *
 * Return: 0; -EBADMSG when it was no message (it was dropped; what follows may be good); -ENOMEM
 */
int mcp_core_receive(struct mcp_core *core, const char *text, size_t len, uint64_t about,
		     char **ret_reply);

/** mcp_core_find() - the request as it stands; NULL when there is none. */
struct mcp_pending *mcp_core_find(struct mcp_core *core, uint64_t id);

/** mcp_core_forget() - it was given up, or its answer was read: a late one is dropped. */
void mcp_core_forget(struct mcp_core *core, uint64_t id);

/** What the answer to server/discover means. */
enum mcp_discovery { MCP_DISCOVER_MODERN, MCP_DISCOVER_LEGACY, MCP_DISCOVER_NO_VERSION };

/**
 * mcp_core_take_discover() - decide the era by an answer; sets era and version when it is modern.
 */
enum mcp_discovery mcp_core_take_discover(struct mcp_core *core, const struct mcp_pending *answer);

/**
 * mcp_core_take_initialize() - by the answer to initialize; sets era and version.
 *
 * Return: 0; -EPROTO when it is an error, or the version is none of ours
 */
int mcp_core_take_initialize(struct mcp_core *core, const struct mcp_pending *answer,
			     struct ironclaw_error *err);

/**
 * mcp_core_check_call() - whether an answer to tools/call is a result that can be passed on.
 *
 * Return: 0; -EREMOTEIO with the server's words: it refused the call, or asks for input that nobody
 * gives; -EPROTO: it is no result
 */
int mcp_core_check_call(const struct mcp_core *core, const struct mcp_pending *answer,
			struct ironclaw_error *err);

/** mcp_core_remote_error() - an error of the server as a text for people and models; escaped. */
void mcp_core_remote_error(const json_t *error, char ret[MCP_REMOTE_TEXT_B]);

#endif
