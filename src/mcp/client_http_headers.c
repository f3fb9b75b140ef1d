/* SPDX-License-Identifier: Apache-2.0 */
/* client_http_headers.c - the header lines of a request over HTTP; see client_http.h. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "codec/secret.h"
#include "mcp/client_http.h"
#include "mcp/client_params.h"

/* Takes the line over. */
static int add(struct mcp_http_headers *headers, char *line)
{
	if (!line)
		return -ENOMEM;
	if (headers->n >= HTTP_HEADERS_MAX - MCP_HEADERS_MAX - 1) {
		free(line);
		return -EINVAL;
	}
	headers->lines[headers->n++] = line;
	return 0;
}

static int add_pair(struct mcp_http_headers *headers, const char *name, const char *value)
{
	char *line = NULL;

	if (asprintf(&line, "%s: %s", name, value) < 0)
		return -ENOMEM;
	return add(headers, line);
}

/* What each message of the modern era says of itself for those that do not read its body. */
static int add_modern(struct mcp_http_headers *headers, const struct mcp_outgoing *out)
{
	cleanup_free char *name = NULL;
	json_t *param;
	size_t i;
	int r = add_pair(headers, "Mcp-Method", out->method);

	if (r == 0 && out->tool)
		r = mcp_header_value(out->tool, strlen(out->tool), &name);
	if (r == 0 && name)
		r = add_pair(headers, "Mcp-Name", name);
	json_array_foreach(out->params, i, param)
	{
		char *line = NULL;

		if (r == 0)
			r = mcp_params_header(param, out->arguments, &line);
		if (r == 0 && line)
			r = add(headers, line);
	}
	return r;
}

/* Those of the configuration may all be secrets. */
static void add_secrets(const struct mcp_http *h, struct mcp_http_headers *headers)
{
	size_t n = 0;

	for (const char *const *line = h->config->headers; line && *line; line++)
		headers->secrets[n++] = *line;
	if (h->bearer)
		headers->secrets[n++] = h->bearer;
}

int mcp_http_headers_make(const struct mcp_http *h, const struct mcp_outgoing *out,
			  const char *last_id, struct mcp_http_headers *ret,
			  struct ironclaw_error *err)
{
	const struct mcp_core *core = h->transport.peer.core;
	bool first = out && out->method && strcmp(out->method, "initialize") == 0;
	bool modern = core->era != MCP_ERA_LEGACY && !first;
	int r;

	*ret = (struct mcp_http_headers){.n = 0};
	add_secrets(h, ret);
	r = add_pair(ret, "Accept",
		     out ? "application/json, text/event-stream" : "text/event-stream");
	if (r == 0 && out)
		r = add_pair(ret, "Content-Type", "application/json");
	if (r == 0 && !first)
		r = add_pair(ret, "MCP-Protocol-Version", core->version);
	if (r == 0 && !first && !modern && h->session[0])
		r = add_pair(ret, "Mcp-Session-Id", h->session);
	if (r == 0 && last_id)
		r = add_pair(ret, "Last-Event-ID", last_id);
	if (r == 0 && modern && out && out->method)
		r = add_modern(ret, out);
	if (r == -EINVAL)
		return err_set(err, IRONCLAW_ERR_INVALID, EINVAL,
			       "an argument cannot be sent in a header, as the tool wants it");
	return r < 0 ? err_sys(err, -r, "headers") : 0;
}

void mcp_http_headers_done(struct mcp_http_headers *headers)
{
	for (size_t i = 0; i < headers->n; i++)
		free((void *)(uintptr_t)headers->lines[i]);
	headers->n = 0;
}

int mcp_client_http_bearer(const struct mcp_server_config *config, char **ret,
			   struct ironclaw_error *err)
{
	char *secret = NULL;
	int r = 0;

	*ret = NULL;
	if (!config->bearer_file && !config->bearer_env)
		return 0;
	r = secret_read(config->bearer_file, config->bearer_env, &secret, err);
	if (r < 0)
		return r;
	if (!secret)
		return err_set(err, IRONCLAW_ERR_NOT_FOUND, ENOENT,
			       "the variable %s, its bearer token, is not set", config->bearer_env);
	*ret = secret_join("Authorization: Bearer", secret);
	secret_free(secret);
	return *ret ? 0 : err_sys(err, ENOMEM, "bearer token");
}
