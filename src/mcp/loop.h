/* SPDX-License-Identifier: Apache-2.0 */
/**
 * loop.h - how what stands behind the core takes part in a transport's poll(2) loop.
 */
#ifndef MCP_LOOP_H
#define MCP_LOOP_H

#include <poll.h>
#include <stddef.h>

#define MCP_LOOP_FDS_MAX 128

struct mcp_loop {
	/**
	 * What to wait for; @timeout_ms: may be lowered (-1 is for ever).
	 * Return: how many of @fds are filled, at most MCP_LOOP_FDS_MAX
	 */
	size_t (*poll)(void *userdata, struct pollfd *fds, int *timeout_ms);
	/** After the wait, also when nothing happened. @fds: as filled, with revents. */
	void (*serve)(void *userdata, const struct pollfd *fds, size_t n);
	void *userdata;
};

#endif
