/* SPDX-License-Identifier: Apache-2.0 */
/**
 * sandbox_tools.h - the tools sandbox_run, _exec, _read, _write, _list, _changes and _apply, as
 * what stands behind an MCP server.
 *
 * One struct sandbox_tools is for one client: it has a VM that lives as long, and fresh ones for
 * sandbox_run. It belongs to one thread; VMs are started, and what else blocks is done, in helper
 * threads of its own.
 */
#ifndef MCP_SANDBOX_TOOLS_H
#define MCP_SANDBOX_TOOLS_H

#include "mcp/loop.h"
#include "mcp/server.h"
#include "sandbox/sandbox.h"

#define SANDBOX_TOOLS_FRESH_MAX	 4U /* VMs of sandbox_run at once; further calls wait */
#define SANDBOX_TOOLS_TIMEOUT_MS 600000U

struct sandbox_tools_options {
	struct sandbox_options sandbox; /* of all VMs; vm_id must not be set */
	enum approval_way way;		/* whom sandbox_apply asks where the policy does not say */
	/* the most that a command may take; 0: as the VM says, else the above */
	uint64_t timeout_ms;
};

struct sandbox_tools;

/**
 * sandbox_tools_server() - fill in what a server of these tools is: name, tools, ops, features.
 * @workspace:	without one, sandbox_changes and sandbox_apply are not offered
 *
 * The userdata of its sessions is a struct sandbox_tools.
 */
void sandbox_tools_server(bool workspace, struct mcp_server *ret);

/**
 * sandbox_tools_new() - for a client; its VM starts at once, in the background.
 * @options:	it and its strings have to live until the process ends: a helper thread may be left
 *		with them
 *
 * That the VM cannot start is told by the calls, and tried again at the next one.
 *
 * Return: 0, -errno
 */
int sandbox_tools_new(const struct sandbox_tools_options *options, struct sandbox_tools **ret,
		      struct ironclaw_error *err);

/**
 * sandbox_tools_free() - the client is gone (its sessions freed before): ends its VMs. NULL is
 * fine.
 * @wait:	about a second for what goes on, and for an apply until it is over, as before the
 *end of the process; false: not at all
 *
 * What then still goes on ends its VM by itself, or with the process.
 */
void sandbox_tools_free(struct sandbox_tools *t, bool wait);

/** sandbox_tools_poll(), _serve() - as mcp_loop has them; @userdata: a struct sandbox_tools. */
size_t sandbox_tools_poll(void *userdata, struct pollfd *fds, int *timeout_ms);
void sandbox_tools_serve(void *userdata, const struct pollfd *fds, size_t n);

#endif
