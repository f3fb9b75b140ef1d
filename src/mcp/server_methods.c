/* SPDX-License-Identifier: Apache-2.0 */
/* server_methods.c - the table of methods that a client may ask for, and what it is told of it. */
#include <string.h>

#include "mcp/server_internal.h"

static void run_request(struct mcp_call *call)
{
	const struct mcp_session *s = call->session;

	s->server->ops->request(s->userdata, call, call->method->name, call->params);
}

#define BOTH (MCP_IN_LEGACY | MCP_IN_MODERN)
#define LISTENABLE                                                                                 \
	(MCP_TOOLS_CHANGE | MCP_PROMPTS_CHANGE | MCP_RESOURCES_CHANGE | MCP_RESOURCES_SUBSCRIBE)

static const struct mcp_method methods[] = {
	{.name = "initialize", .eras = MCP_IN_LEGACY, .run = mcp_run_initialize},
	{.name = "ping", .eras = MCP_IN_LEGACY, .run = mcp_call_complete},
	{.name = "server/discover",
	 .eras = MCP_IN_MODERN,
	 .cacheable = true,
	 .run = mcp_run_discover},
	{.name = "tools/list", .eras = BOTH, .cacheable = true, .run = mcp_run_tools_list},
	{.name = "tools/call",
	 .eras = BOTH,
	 .needs = "name",
	 .lasting = true,
	 .run = mcp_run_tools_call},
	{.name = "resources/list",
	 .eras = BOTH,
	 .features = MCP_RESOURCES,
	 .cacheable = true,
	 .lasting = true,
	 .run = run_request},
	{.name = "resources/templates/list",
	 .eras = BOTH,
	 .features = MCP_RESOURCES,
	 .cacheable = true,
	 .lasting = true,
	 .run = run_request},
	{.name = "resources/read",
	 .eras = BOTH,
	 .features = MCP_RESOURCES,
	 .needs = "uri",
	 .cacheable = true,
	 .lasting = true,
	 .run = run_request},
	{.name = "resources/subscribe",
	 .eras = MCP_IN_LEGACY,
	 .features = MCP_RESOURCES_SUBSCRIBE,
	 .needs = "uri",
	 .run = mcp_run_subscribe},
	{.name = "resources/unsubscribe",
	 .eras = MCP_IN_LEGACY,
	 .features = MCP_RESOURCES_SUBSCRIBE,
	 .needs = "uri",
	 .run = mcp_run_unsubscribe},
	{.name = "prompts/list",
	 .eras = BOTH,
	 .features = MCP_PROMPTS,
	 .cacheable = true,
	 .lasting = true,
	 .run = run_request},
	{.name = "prompts/get",
	 .eras = BOTH,
	 .features = MCP_PROMPTS,
	 .needs = "name",
	 .lasting = true,
	 .run = run_request},
	{.name = "completion/complete",
	 .eras = BOTH,
	 .features = MCP_COMPLETIONS,
	 .lasting = true,
	 .run = run_request},
	{.name = "logging/setLevel",
	 .eras = MCP_IN_LEGACY,
	 .features = MCP_LOGGING,
	 .needs = "level",
	 .run = mcp_run_set_level},
	{.name = "subscriptions/listen",
	 .eras = MCP_IN_MODERN,
	 .features = LISTENABLE,
	 .lasting = true,
	 .run = mcp_run_listen},
};

const struct mcp_method *mcp_method_find(const struct mcp_server *server, const char *name,
					 bool modern)
{
	const unsigned int era = modern ? MCP_IN_MODERN : MCP_IN_LEGACY;

	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
		const struct mcp_method *m = &methods[i];

		if (strcmp(m->name, name) == 0)
			return (m->eras & era) && (!m->features || (m->features & server->features))
				       ? m
				       : NULL;
	}
	return NULL;
}

static json_t *capability(unsigned int features, unsigned int changes, unsigned int subscribe)
{
	json_t *c = json_object();

	if (features & changes)
		(void)json_object_set_new(c, "listChanged", json_true());
	if (features & subscribe)
		(void)json_object_set_new(c, "subscribe", json_true());
	return c;
}

json_t *mcp_capabilities(const struct mcp_server *server, const char *version)
{
	const unsigned int f = server->features;
	json_t *c = json_pack("{s:o}", "tools", capability(f, MCP_TOOLS_CHANGE, 0));

	if (f & MCP_RESOURCES)
		(void)json_object_set_new(c, "resources",
					  capability(f, MCP_RESOURCES_CHANGE,
						     MCP_RESOURCES_SUBSCRIBE));
	if (f & MCP_PROMPTS)
		(void)json_object_set_new(c, "prompts", capability(f, MCP_PROMPTS_CHANGE, 0));
	if ((f & MCP_COMPLETIONS) && strcmp(version, MCP_2025_03) >= 0)
		(void)json_object_set_new(c, "completions", json_object());
	if (f & MCP_LOGGING)
		(void)json_object_set_new(c, "logging", json_object());
	return c;
}

json_t *mcp_server_info(const struct mcp_server *server, const char *version)
{
	return json_pack("{s:s, s:s, s:s*}", "name", server->name, "version", server->version,
			 "title", strcmp(version, MCP_2025_06) >= 0 ? server->title : NULL);
}
