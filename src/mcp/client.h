/* SPDX-License-Identifier: Apache-2.0 */
/**
 * client.h - the tools of one MCP server: find, list, call.
 *
 * A server runs inside the VM (then what it does stays there, and nobody is asked), on this host,
 * or is reached over HTTP. To start one on the host, and each call of one that is outside of the
 * VM, is an action of the gate, pinned to the command line or to the tool's description and schema.
 *
 * Both eras are spoken: the handshake revisions 2024-11-05 to 2025-11-25, and 2026-07-28, which is
 * asked for first. No capability of a client is declared, and every request of a server but ping is
 * refused, so a server cannot make this side do anything.
 *
 * All that a server says is hostile: messages, lists, descriptions and schemas are bounded, and
 * what is passed on of them is text for a model, never an instruction to this program. A call that
 * may have happened is never made a second time: it ends with IRONCLAW_ERR_UNKNOWN_OUTCOME.
 *
 * One thread. Functions that wait call idle() at least every 100 ms, in which the caller may show
 * and read what it likes, but not call this client, nor touch its VM.
 */
#ifndef MCP_CLIENT_H
#define MCP_CLIENT_H

#include "approval/gate.h"
#include "mcp/config.h"

#define MCP_TOOLS_MAX	      256U /* of one server */
#define MCP_TOOL_NAME_MAX_B   64U  /* mcp__SERVER__TOOL, as models take it */
#define MCP_RAW_NAME_MAX_B    128U
#define MCP_DESCRIPTION_MAX_B 2048U
#define MCP_SCHEMA_MAX_B      (64U * 1024U)
#define MCP_TOTAL_FACTOR      10U /* a call with progress lasts so many timeouts at most */

struct mcp_client;
struct sandbox;

/** What is to be waited for, and how long. Zero: the server's own timeout, and nobody looks. */
struct mcp_client_wait {
	uint64_t timeout_ms;   /* without progress; 0: as the configuration says */
	uint64_t total_ms;     /* with it; 0: MCP_TOTAL_FACTOR of the former */
	int (*idle)(void *ud); /* negative: cancel; or NULL */
	/* @total is negative when the server does not say it; @message is foreign, or NULL */
	void (*progress)(void *ud, double progress, double total, const char *message);
	void *ud;
};

/** All is the caller's, for as long as the client lives. */
struct mcp_client_options {
	const struct mcp_server_config *config;
	struct sandbox *sandbox;	  /* where it runs; may be NULL when it is outside */
	const struct approval_gate *gate; /* may be NULL when it is inside */
	enum approval_way way;
	void (*notice)(void *ud, const char *text); /* one line, escaped; or NULL */
	void *ud;
};

/** One tool; foreign text except @name. */
struct mcp_client_tool {
	char name[MCP_TOOL_NAME_MAX_B +
		  1];		 /* for the model: [A-Za-z0-9_-], unique of all servers */
	const char *raw_name;	 /* the server's */
	const char *description; /* at most MCP_DESCRIPTION_MAX_B; may be empty */
	json_t *schema; /* an object of type "object" without composition at its root; borrowed */
};

/**
 * mcp_client_open() - start or reach a server, agree on a version, and list its tools.
 * @wait:	for each of the requests that it takes; or NULL
 * @ret:	for mcp_client_close()
 *
 * Return: 0; -EPERM (IRONCLAW_ERR_CANCELLED) when the gate said no, nothing was started; -EACCES
 * when the server wants other credentials; -EPROTO when no version is common or the server does not
 * speak MCP; -ETIMEDOUT; -ECANCELED; -errno. The text says what the server last wrote to stderr.
 */
int mcp_client_open(const struct mcp_client_options *options, const struct mcp_client_wait *wait,
		    struct mcp_client **ret, struct ironclaw_error *err);

/** mcp_client_tools() - the list as it is now; until the next mcp_client_step() or call. */
const struct mcp_client_tool *mcp_client_tools(const struct mcp_client *client, size_t *ret_n);

/** mcp_client_find() - by the name that the model has; NULL when there is none. */
const struct mcp_client_tool *mcp_client_find(const struct mcp_client *client, const char *name);

/** mcp_client_config() - what it was opened with. */
const struct mcp_server_config *mcp_client_config(const struct mcp_client *client);

/** mcp_client_version() - the revision that is spoken, "2025-11-25". */
const char *mcp_client_version(const struct mcp_client *client);

/**
 * mcp_client_call() - call a tool.
 * @name:	as the model has it
 * @arguments:	hostile: an object of the model; NULL: none
 * @wait:	or NULL
 * @ret:	the server's result, for json_decref(): an object with a list `content` whose blocks
 *		are objects with a string `type`; `isError` is true when the tool says that it
 *		failed. See mcp_client_result_text()
 *
 * Return: 0; -ENOENT: no such tool; -EPERM (IRONCLAW_ERR_CANCELLED): the gate said no; -EINVAL: the
 * arguments cannot be sent; -ENOTCONN: the server is gone; -EACCES: it wants other credentials:
 * nothing was called after any of these. -EREMOTEIO: the server refused the call, @err says with
 * what words. IRONCLAW_ERR_UNKNOWN_OUTCOME with -ETIMEDOUT, -ECANCELED, -EPIPE, -ECONNRESET or
 * -EPROTO: the tool may have run. -errno
 */
int mcp_client_call(struct mcp_client *client, const char *name, json_t *arguments,
		    const struct mcp_client_wait *wait, json_t **ret, struct ironclaw_error *err);

/**
 * mcp_client_result_text() - a result as text for a model: its text blocks, a line for each other
 * block, and what is structured where there is no text; "Error: " in front of a failure.
 * @max_b:	what is longer is cut, with a line that says so
 * @ret:	owned by the caller; UTF-8, foreign
 *
 * Return: 0, -ENOMEM
 */
int mcp_client_result_text(const json_t *result, size_t max_b, char **ret);

/**
 * mcp_client_step() - take what the server has sent between calls; never waits for more. A changed
 * list of tools is loaded again (@wait as in mcp_client_open()).
 * @ret_changed:	whether mcp_client_tools() is another list now; or NULL
 *
 * Return: 0; -ENOTCONN when the server has gone; -errno: the old list stays
 */
int mcp_client_step(struct mcp_client *client, const struct mcp_client_wait *wait,
		    bool *ret_changed, struct ironclaw_error *err);

/** mcp_client_close() - end the server, or the session; up to 4 s for one on the host. NULL fine.
 */
void mcp_client_close(struct mcp_client *client);

#endif
