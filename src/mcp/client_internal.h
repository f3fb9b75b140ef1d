/* SPDX-License-Identifier: Apache-2.0 */
/** client_internal.h - the client's own parts: one request, and the way to agree with a server. */
#ifndef MCP_CLIENT_INTERNAL_H
#define MCP_CLIENT_INTERNAL_H

#include "mcp/client_tools.h"
#include "mcp/client_transport.h"

#define MCP_PROBE_MS	3000U /* for a server of the legacy era that keeps silent */
#define MCP_GARBAGE_MAX 1000U /* messages that are none, in one request */
#define MCP_CANCEL_MS	2000U /* to tell the server that a request was given up */

/** The request that is waited for. */
struct mcp_current {
	uint64_t id; /* 0: none, as with a notification */
	const struct mcp_client_wait *wait;
	uint64_t timeout_us, deadline_us, cap_us;
	uint64_t n_garbage;
	bool too_long; /* a message was longer than what is taken */
};

struct mcp_client {
	struct mcp_client_options options;
	struct mcp_transport *transport;
	struct mcp_core core;
	struct mcp_current current;
	struct mcp_tools tools;
	bool has_tools; /* the server says that it has some */
};

/** One request from its making to its answer. */
struct mcp_ask {
	const char *method;
	json_t *params;	  /* stolen */
	const char *tool; /* these three as in struct mcp_outgoing */
	const json_t *header_params, *arguments;
	bool progress;
	uint64_t timeout_ms;		    /* 0: as @wait says, or the configuration */
	const struct mcp_client_wait *wait; /* or NULL */
	bool keep;			    /* after -ETIMEDOUT: neither cancelled nor forgotten */
	uint64_t ret_id;		    /* of the request, when one was made */
	bool ret_sent;			    /* the server may have acted on it */
	int ret_status;			    /* HTTP */
};

/**
 * mcp_client_ask() - send a request and wait for its answer.
 *
 * Return: 0, and mcp_core_find(ret_id) has the answer until mcp_core_forget(); else it is
 * forgotten, and as exchange() of client_transport.h; -ETIMEDOUT, -ECANCELED, -EPROTO (garbage),
 * -EMSGSIZE
 */
int mcp_client_ask(struct mcp_client *c, struct mcp_ask *ask, struct ironclaw_error *err);

/** mcp_client_tell() - send a notification. */
int mcp_client_tell(struct mcp_client *c, const char *text, uint64_t timeout_ms,
		    struct ironclaw_error *err);

/** mcp_client_agree() - find the era and the version; sets has_tools. */
int mcp_client_agree(struct mcp_client *c, bool probe, const struct mcp_client_wait *wait,
		     struct ironclaw_error *err);

/** mcp_client_initialize() - the handshake of the legacy era. */
int mcp_client_initialize(struct mcp_client *c, const struct mcp_client_wait *wait,
			  struct ironclaw_error *err);

/** mcp_client_load() - list the tools, all pages; the old list stays when that fails. */
int mcp_client_load(struct mcp_client *c, const struct mcp_client_wait *wait,
		    struct ironclaw_error *err);

#endif
