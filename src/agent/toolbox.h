/* SPDX-License-Identifier: Apache-2.0 */
/**
 * toolbox.h - carry out a model's calls: in the VM by agent/tools.h, and by MCP servers. The effect
 * of AGENT_EFFECT_RUN_CALL.
 *
 * Nothing reaches the host from here, but for tools of MCP servers that are configured to be
 * outside of the VM, each call of which has to get through the gate (mcp/client.h).
 */
#ifndef AGENT_TOOLBOX_H
#define AGENT_TOOLBOX_H

#include "agent/tools.h"
#include "mcp/client.h"
#include "sandbox/sandbox.h"

/** Both are the caller's. */
struct toolbox {
	struct sandbox *sandbox;
	struct mcp_client *clients[MCP_SERVERS_MAX];
	size_t n_clients;
};

/** What is seen of a call while it runs; output and progress are foreign bytes. */
struct toolbox_watch {
	void (*output)(void *ud, const void *data, size_t len);
	void (*progress)(void *ud, const char *message);
	int (*idle)(void *ud); /* at least every 100 ms; negative: cancel */
	void *ud;
};

struct toolbox_result {
	char *text; /* for the model; owned by the caller */
	bool failed;
};

/**
 * toolbox_list() - all tools, in the form of model/model.h.
 * @ret:	a new reference
 *
 * Return: 0; -EEXIST: two have one name; -ENOMEM
 */
int toolbox_list(const struct toolbox *box, json_t **ret, struct ironclaw_error *err);

/** toolbox_server() - the client whose tool that is, or NULL. */
struct mcp_client *toolbox_server(const struct toolbox *box, const char *name);

/**
 * toolbox_run() - make one call, to its end.
 * @call:	of a model's message; hostile
 *
 * Whatever goes wrong with the call itself is a result that has failed. Return: 0 with *ret;
 * -ECANCELED: watch->idle() wanted it: it has ended, and may have acted; -EPIPE: the VM is lost;
 * -ENOTCONN: the MCP server is gone; -errno: our own failure. Without a result @err says what is.
 */
int toolbox_run(struct toolbox *box, const json_t *call, const struct toolbox_watch *watch,
		struct toolbox_result *ret, struct ironclaw_error *err);

#endif
