/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_mcp_config.c - any bytes as a configuration of MCP servers: all or nothing, and what is
 * taken is complete, bounded, and outside of the VM only where it says so.
 */
#include <stdlib.h>
#include <string.h>

#include "mcp/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition)
{
	if (!condition)
		abort();
}

static void check(const struct mcp_server_config *s)
{
	require(s->name && strlen(s->name) <= MCP_SERVER_NAME_MAX_B && !strstr(s->name, "__"));
	require(s->timeout_ms >= 1 && s->timeout_ms <= MCP_TIMEOUT_MS_MAX);
	require((s->url != NULL) == (s->where == MCP_OVER_HTTP));
	require((s->argv != NULL) == (s->where != MCP_OVER_HTTP));
	if (s->argv)
		require(s->argv[0] && s->argv[0][0]);
	for (const char *const *e = s->env; e && *e; e++)
		require(strchr(*e, '='));
	for (const char *const *h = s->headers; h && *h; h++)
		require(strstr(*h, ": ") && !strpbrk(*h, "\r\n"));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct violations list = {0};
	struct mcp_config *config = NULL;
	int r = mcp_config_parse((const char *)data, size, &config, &list);

	require((r == 0) == (config != NULL) && (r == 0) == (list.n_errors == 0));
	for (size_t i = 0; config && i < config->n_servers; i++)
		check(&config->servers[i]);
	mcp_config_free(config);
	return 0;
}
