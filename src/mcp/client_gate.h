/* SPDX-License-Identifier: Apache-2.0 */
/** client_gate.h - what of a client needs an approval, as actions of the gate. */
#ifndef MCP_CLIENT_GATE_H
#define MCP_CLIENT_GATE_H

#include "mcp/client_tools.h"

/**
 * mcp_gate_start() - have the start of a server on this host approved, and use the approval up.
 *
 * Its target is "SERVER/", which no tool has; its arguments are command, folder and the names of
 * its variables; its content is a digest of all, the variables' values too.
 *
 * Return: 0: start it, now; -EPERM; -errno
 */
int mcp_gate_start(const struct mcp_client_options *options, struct ironclaw_error *err);

/**
 * mcp_gate_call() - the same for one call of a tool outside of the VM: target "SERVER/TOOL",
 * content the tool's pin.
 */
int mcp_gate_call(const struct mcp_client_options *options, const struct mcp_client_tool *tool,
		  const char *pin, const json_t *arguments, struct ironclaw_error *err);

#endif
