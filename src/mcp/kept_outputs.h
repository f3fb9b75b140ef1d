/* SPDX-License-Identifier: Apache-2.0 */
/**
 * kept_outputs.h - outputs that were too long for an answer, kept to be read as MCP resources.
 *
 * Bounded in number and in bytes: the oldest make room.
 */
#ifndef MCP_KEPT_OUTPUTS_H
#define MCP_KEPT_OUTPUTS_H

#include "mcp/server.h"

#define KEPT_OUTPUTS_MAX	 32U
#define KEPT_OUTPUTS_TOTAL_MAX_B (32U << 20)
#define KEPT_OUTPUT_MAX_B	 (2U << 20) /* what a caller may give */
#define KEPT_OUTPUT_URI_MAX_B	 48U

struct kept_output {
	char uri[KEPT_OUTPUT_URI_MAX_B];
	const char *name; /* static: "stdout" */
	char *data;
	size_t len;
};

/** Zeroed: empty. */
struct kept_outputs {
	struct kept_output items[KEPT_OUTPUTS_MAX]; /* oldest first */
	size_t n, total_b;
	unsigned long last; /* number in the newest URI */
};

/**
 * kept_outputs_add() - keep an output.
 * @data:	(taken) hostile bytes, at most KEPT_OUTPUT_MAX_B
 *
 * Return: it, valid until the next call
 */
const struct kept_output *kept_outputs_add(struct kept_outputs *k, const char *name, char *data,
					   size_t len);

/** kept_outputs_request() - mcp_ops.request for resources/list, /templates/list and /read. */
void kept_outputs_request(const struct kept_outputs *k, struct mcp_call *call, const char *method,
			  const json_t *params);

/** kept_outputs_done() - forget all. */
void kept_outputs_done(struct kept_outputs *k);

#endif
