/* SPDX-License-Identifier: Apache-2.0 */
/* kept_outputs.c - see kept_outputs.h. */
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "mcp/kept_outputs.h"

static void drop_oldest(struct kept_outputs *k)
{
	k->total_b -= k->items[0].len;
	free(k->items[0].data);
	k->n--;
	memmove(&k->items[0], &k->items[1], k->n * sizeof(k->items[0]));
}

const struct kept_output *kept_outputs_add(struct kept_outputs *k, const char *name, char *data,
					   size_t len)
{
	struct kept_output *item;

	while (k->n > 0 &&
	       (k->n == KEPT_OUTPUTS_MAX || k->total_b + len > KEPT_OUTPUTS_TOTAL_MAX_B))
		drop_oldest(k);
	item = &k->items[k->n++];
	*item = (struct kept_output){.name = name, .data = data, .len = len};
	(void)snprintf(item->uri, sizeof(item->uri), "ironclaw://output/%lu", ++k->last);
	k->total_b += len;
	return item;
}

static json_t *list(const struct kept_outputs *k)
{
	json_t *resources = json_array();

	for (size_t i = 0; i < k->n; i++) {
		const struct kept_output *item = &k->items[i];

		(void)json_array_append_new(resources,
					    json_pack("{s:s, s:s, s:s, s:I}", "uri", item->uri,
						      "name", item->name, "mimeType", "text/plain",
						      "size", (json_int_t)item->len));
	}
	return json_pack("{s:o}", "resources", resources);
}

static json_t *base64(const char *data, size_t len)
{
	const size_t size = sodium_base64_encoded_len(len, sodium_base64_VARIANT_ORIGINAL);
	char *text = malloc(size);
	json_t *value = NULL;

	if (text) {
		(void)sodium_bin2base64(text, size, (const unsigned char *)data, len,
					sodium_base64_VARIANT_ORIGINAL);
		value = json_string(text);
	}
	free(text);
	return value;
}

static json_t *contents(const struct kept_output *item)
{
	const bool text = utf8_valid(item->data, item->len);

	return json_pack("{s:[{s:s, s:s, s:o}]}", "contents", "uri", item->uri, "mimeType",
			 text ? "text/plain" : "application/octet-stream", text ? "text" : "blob",
			 text ? json_stringn(item->data, item->len)
			      : base64(item->data, item->len));
}

void kept_outputs_request(const struct kept_outputs *k, struct mcp_call *call, const char *method,
			  const json_t *params)
{
	json_t *uri = json_object_get(params, "uri");

	if (strcmp(method, "resources/list") == 0) {
		mcp_call_result(call, list(k));
		return;
	}
	if (strcmp(method, "resources/templates/list") == 0) {
		mcp_call_result(call, json_pack("{s:[]}", "resourceTemplates"));
		return;
	}
	for (size_t i = 0; i < k->n; i++) {
		if (jsonrpc_is(uri, k->items[i].uri)) {
			mcp_call_result(call, contents(&k->items[i]));
			return;
		}
	}
	mcp_call_error(call, MCP_RESOURCE_NOT_FOUND, "no such output, or no longer",
		       json_pack("{s:O}", "uri", uri));
}

void kept_outputs_done(struct kept_outputs *k)
{
	for (size_t i = 0; i < k->n; i++)
		free(k->items[i].data);
	memset(k, 0, sizeof(*k));
}
