/* SPDX-License-Identifier: Apache-2.0 */
/* client_tools.c - the list of tools that a server offers; see client_tools.h. */
#include "mcp/client_tools.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/escape.h"
#include "base/utf8.h"
#include "mcp/client_params.h"

#define HASH_B 8U /* hexadecimal digits at the end of a name */

static void cleanup_jsonp(json_t **json)
{
	json_decref(*json);
}

void mcp_tool_name(const char *server, const char *raw, bool hashed,
		   char ret[MCP_TOOL_NAME_MAX_B + 1])
{
	char hex[DIGEST_HEX_B + 1];
	size_t end = hashed ? HASH_B + 1 : 0;
	int n = snprintf(ret, MCP_TOOL_NAME_MAX_B + 1, "mcp__%s__%s", server, raw);

	for (char *c = ret; *c; c++) {
		if (!isalnum((unsigned char)*c) && *c != '_' && *c != '-')
			*c = '_';
	}
	if (!hashed)
		return;
	if ((size_t)n > MCP_TOOL_NAME_MAX_B - end)
		n = (int)(MCP_TOOL_NAME_MAX_B - end);
	digest_bytes(raw, strlen(raw), hex);
	(void)snprintf(ret + n, MCP_TOOL_NAME_MAX_B + 1 - (size_t)n, "_%.*s", (int)HASH_B, hex);
}

static bool name_taken(const struct mcp_tools *list, const char *name)
{
	for (size_t i = 0; i < list->n; i++) {
		if (strcmp(list->items[i].name, name) == 0)
			return true;
	}
	return false;
}

static bool raw_taken(const struct mcp_tools *list, const char *raw)
{
	for (size_t i = 0; i < list->n; i++) {
		if (strcmp(list->items[i].raw_name, raw) == 0)
			return true;
	}
	return false;
}

/* Visible ASCII: what a person reads when asked, and what a policy compares. */
static bool raw_good(const json_t *name)
{
	const char *s = json_string_value(name);
	size_t len = json_string_length(name);

	if (!s || len == 0 || len > MCP_RAW_NAME_MAX_B)
		return false;
	for (size_t i = 0; i < len; i++) {
		if (s[i] <= 0x20 || s[i] > 0x7e)
			return false;
	}
	return true;
}

/* At most MCP_DESCRIPTION_MAX_B, cut between characters; no NUL. */
static char *copy_description(const json_t *value)
{
	const char *s = json_is_string(value) ? json_string_value(value) : "";
	size_t len = json_is_string(value) ? json_string_length(value) : 0, used = 0, n;
	char *out = malloc(MCP_DESCRIPTION_MAX_B + 1);
	uint32_t cp;

	if (!out)
		return NULL;
	while (used < len && (n = utf8_decode(s + used, len - used, &cp)) > 0 &&
	       used + n <= MCP_DESCRIPTION_MAX_B) {
		memcpy(out + used, s + used, n);
		if (cp == 0)
			out[used] = ' ';
		used += n;
	}
	out[used] = '\0';
	return out;
}

static bool property_good(const char *name)
{
	size_t len = strlen(name);

	for (const char *c = name; *c; c++) {
		if (!isalnum((unsigned char)*c) && !strchr("_.-", *c))
			return false;
	}
	return len > 0 && len <= MCP_PROPERTY_MAX_B;
}

/* A copy of a schema that models take; NULL with @ret_why, or without one: no memory. */
static json_t *copy_schema(json_t *schema, const char **ret_why)
{
	static const char *const composition[] = {"oneOf", "anyOf", "allOf"};
	const char *type = json_string_value(json_object_get(schema, "type")), *key;
	json_t *properties = json_object_get(schema, "properties"), *value, *out;

	*ret_why = NULL;
	if (!type || strcmp(type, "object") != 0 || (properties && !json_is_object(properties))) {
		*ret_why = "its schema is none of an object";
		return NULL;
	}
	json_object_foreach(properties, key, value)
	{
		if (!property_good(key)) {
			*ret_why = "models refuse the name of one of its arguments";
			return NULL;
		}
	}
	out = json_copy(schema);
	for (size_t i = 0; out && i < ARRAY_SIZE(composition); i++)
		(void)json_object_del(out, composition[i]);
	if (out && !properties && json_object_set_new(out, "properties", json_object()) < 0) {
		json_decref(out);
		return NULL;
	}
	return out;
}

static void drop(struct mcp_tools *list, const json_t *name, const char *why)
{
	char shown[64] = "?";

	if (json_is_string(name))
		escape_text(shown, sizeof(shown), json_string_value(name),
			    json_string_length(name));
	if (list->n_dropped++ == 0)
		(void)snprintf(list->dropped, sizeof(list->dropped), "'%s': %s", shown, why);
}

static void make_pin(const char *raw, const char *description, const char *schema, char *ret_hex)
{
	const char *texts[] = {raw, description, schema};

	approval_pin(texts, ARRAY_SIZE(texts), ret_hex);
}

/* The whole description as one text without NUL, for the pin. */
static char *canonical(const json_t *value)
{
	return json_dumps(value,
			  JSON_ENCODE_ANY | JSON_SORT_KEYS | JSON_COMPACT | JSON_ENSURE_ASCII);
}

static int fill(struct mcp_tools *list, json_t *tool)
{
	json_t *name = json_object_get(tool, "name"),
	       *schema = json_object_get(tool, "inputSchema");
	json_t *said = json_object_get(tool, "description");
	cleanup_free char *text = canonical(schema), *description = said ? canonical(said) : NULL;
	struct mcp_client_tool *item = &list->items[list->n];
	struct mcp_tool_detail *detail = &list->details[list->n];
	cleanup(cleanup_jsonp) json_t *params = NULL, *copy = NULL;
	const char *why;
	int r;

	if (!json_is_object(schema)) {
		drop(list, name, "it has no schema");
		return 0;
	}
	if (!text || (said && !description))
		return -ENOMEM;
	if (strlen(text) > MCP_SCHEMA_MAX_B) {
		drop(list, name, "its schema is too large");
		return 0;
	}
	r = mcp_params_find(schema, &params, &why);
	if (r == 0)
		copy = copy_schema(schema, &why);
	if (r == -ENOMEM || (r == 0 && !copy && !why))
		return -ENOMEM;
	if (!copy) {
		drop(list, name, why);
		return 0;
	}
	list->total_b += strlen(text) + (description ? strlen(description) : 0);
	make_pin(json_string_value(name), description, text, detail->pin);
	item->raw_name = strdup(json_string_value(name));
	item->description = copy_description(said);
	item->schema = take_ptr(copy);
	detail->params = take_ptr(params);
	list->n++; /* from here on it is freed with the list */
	if (!item->raw_name || !item->description)
		return -ENOMEM;
	return 0;
}

static int add_tool(struct mcp_tools *list, const char *server, json_t *tool)
{
	json_t *name = json_object_get(tool, "name");
	char shown[MCP_TOOL_NAME_MAX_B + 1];
	size_t before = list->n;
	int r;

	if (!raw_good(name)) {
		drop(list, name, "its name is none");
		return 0;
	}
	if (raw_taken(list, json_string_value(name))) {
		drop(list, name, "its name is there twice");
		return 0;
	}
	mcp_tool_name(server, json_string_value(name), false, shown);
	if (strlen("mcp__") + strlen(server) + strlen("__") + json_string_length(name) >
		    MCP_TOOL_NAME_MAX_B ||
	    name_taken(list, shown))
		mcp_tool_name(server, json_string_value(name), true, shown);
	if (name_taken(list, shown)) {
		drop(list, name, "its name collides with another's");
		return 0;
	}
	r = fill(list, tool);
	if (r == 0 && list->n > before)
		memcpy(list->items[before].name, shown, sizeof(shown));
	return r;
}

int mcp_tools_add(struct mcp_tools *list, const char *server, const json_t *result,
		  struct ironclaw_error *err)
{
	json_t *tools = json_object_get(result, "tools"), *tool;
	size_t i;

	if (!json_is_array(tools))
		return err_set(err, IRONCLAW_ERR_GUEST, EPROTO, "it sent no list of tools");
	json_array_foreach(tools, i, tool)
	{
		int r;

		if (list->n >= MCP_TOOLS_MAX || list->total_b > MCP_LIST_MAX_B)
			return err_set(err, IRONCLAW_ERR_GUEST, E2BIG,
				       "it offers more than %u tools, or describes them in more "
				       "than %u bytes",
				       MCP_TOOLS_MAX, MCP_LIST_MAX_B);
		r = add_tool(list, server, tool);
		if (r < 0)
			return err_sys(err, -r, "tools");
	}
	return 0;
}

void mcp_tools_clear(struct mcp_tools *list)
{
	for (size_t i = 0; i < list->n; i++) {
		free((void *)(uintptr_t)list->items[i].raw_name);
		free((void *)(uintptr_t)list->items[i].description);
		json_decref(list->items[i].schema);
		json_decref(list->details[i].params);
	}
	memset(list, 0, sizeof(*list));
}
