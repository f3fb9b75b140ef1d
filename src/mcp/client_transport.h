/* SPDX-License-Identifier: Apache-2.0 */
/**
 * client_transport.h - how messages get to a server and back.
 *
 * A transport waits only within exchange(), and asks waiting() at least every 100 ms whether to go
 * on. What the server sends is put into receive() as it comes, wherever that is.
 */
#ifndef MCP_CLIENT_TRANSPORT_H
#define MCP_CLIENT_TRANSPORT_H

#include "mcp/client_core.h"

#define MCP_TICK_MS 100

struct mcp_transport;

/** The client, as its transport sees it. */
struct mcp_peer {
	/* One message, hostile; @text NULL: one that was too long. @about as in client_core.h */
	void (*receive)(void *ud, const char *text, size_t len, uint64_t about);
	/* 0: go on; 1: the answer has come; negative: give up */
	int (*waiting)(void *ud);
	const struct mcp_core *core; /* era and version */
	void *ud;
};

/** A message on its way. */
struct mcp_outgoing {
	const char *text; /* one line without its newline */
	size_t len;
	uint64_t request_id;	 /* 0: a notification or an answer */
	const char *method;	 /* NULL: an answer */
	const char *tool;	 /* tools/call: the server's name for it */
	const json_t *params;	 /* its arguments that go into headers as well; or NULL */
	const json_t *arguments; /* or NULL */
	bool sent;  /* out: the server may have acted on it, as far as the transport knows */
	int status; /* out, HTTP only: of the answer, or 0 */
};

struct mcp_transport_ops {
	/**
	 * exchange() - send; for a request, wait for its answer.
	 *
	 * Return: 0; what waiting() returned below 0; -EPIPE: the server has gone, or its stream
	 * has ended without an answer; HTTP: -EACCES, -ESTALE (the session is over), -EBADE
	 * (another status that is none of success), and what http_perform() returns; -errno
	 */
	int (*exchange)(struct mcp_transport *t, struct mcp_outgoing *out,
			struct ironclaw_error *err);
	/* Send an answer to the server; from within receive(). */
	void (*reply)(struct mcp_transport *t, const char *text);
	/* Take what has come, without waiting. Return: 0; -EPIPE: the server has gone */
	int (*step)(struct mcp_transport *t, struct ironclaw_error *err);
	/* End the server or the session, and free the transport. */
	void (*close)(struct mcp_transport *t);
};

struct mcp_transport {
	const struct mcp_transport_ops *ops;
	struct mcp_peer peer;
};

/**
 * mcp_vm_open(), mcp_host_open(), mcp_client_http_open() - start the server; HTTP connects later.
 * @ret:	for its close()
 *
 * Return: 0, -errno. Whether it may be started was decided before.
 */
int mcp_vm_open(const struct mcp_client_options *options, const struct mcp_peer *peer,
		struct mcp_transport **ret, struct ironclaw_error *err);
int mcp_host_open(const struct mcp_client_options *options, const struct mcp_peer *peer,
		  struct mcp_transport **ret, struct ironclaw_error *err);
int mcp_client_http_open(const struct mcp_client_options *options, const struct mcp_peer *peer,
			 struct mcp_transport **ret, struct ironclaw_error *err);

#endif
