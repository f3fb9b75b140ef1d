/* SPDX-License-Identifier: Apache-2.0 */
/* client_result.c - a tool's result as text; see client.h. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/utf8.h"
#include "codec/jsonrpc.h"
#include "mcp/client.h"

#define CUT "\n[cut: the result is longer]"

/* Bounded text; @cut: something did not fit. */
struct text {
	char *data;
	size_t len, max;
	bool cut;
};

static void add(struct text *t, const char *s, size_t len)
{
	uint32_t cp;

	while (len > 0 && !t->cut) {
		size_t n = utf8_decode(s, len, &cp);

		if (n == 0)
			return;
		if (t->len + n > t->max) {
			t->cut = true;
			return;
		}
		memcpy(t->data + t->len, s, n);
		if (cp == 0)
			t->data[t->len] = ' ';
		t->len += n;
		s += n;
		len -= n;
	}
}

static void add_text(struct text *t, const json_t *value)
{
	if (json_is_string(value))
		add(t, json_string_value(value), json_string_length(value));
}

/* "[KIND: NAME, MIME]" for what is no text. */
static void add_note(struct text *t, const char *kind, const json_t *name, const json_t *mime)
{
	add(t, "[", 1);
	add(t, kind, strlen(kind));
	if (json_is_string(name)) {
		add(t, ": ", 2);
		add_text(t, name);
	}
	if (json_is_string(mime)) {
		add(t, ", ", 2);
		add_text(t, mime);
	}
	add(t, "]", 1);
}

static void add_block(struct text *t, const json_t *block)
{
	const json_t *type = json_object_get(block, "type");
	const json_t *resource = json_object_get(block, "resource");
	const json_t *mime = json_object_get(block, "mimeType");

	if (t->len > 0)
		add(t, "\n", 1);
	if (jsonrpc_is(type, "text"))
		add_text(t, json_object_get(block, "text"));
	else if (jsonrpc_is(type, "resource") && json_object_get(resource, "text"))
		add_text(t, json_object_get(resource, "text"));
	else if (jsonrpc_is(type, "resource"))
		add_note(t, "resource", json_object_get(resource, "uri"),
			 json_object_get(resource, "mimeType"));
	else if (jsonrpc_is(type, "resource_link"))
		add_note(t, "resource", json_object_get(block, "uri"), mime);
	else
		add_note(t, json_string_value(type), NULL, mime);
}

int mcp_client_result_text(const json_t *result, size_t max_b, char **ret)
{
	json_t *content = json_object_get(result, "content"), *block;
	json_t *structured = json_object_get(result, "structuredContent");
	cleanup_free char *json = NULL;
	struct text t = {.max = max_b};
	bool has_text = false;
	size_t i;

	t.data = malloc(max_b + sizeof(CUT) + 1);
	if (!t.data)
		return -ENOMEM;
	if (json_is_true(json_object_get(result, "isError")))
		add(&t, "Error:", 6);
	json_array_foreach(content, i, block)
	{
		has_text = has_text || jsonrpc_is(json_object_get(block, "type"), "text");
		add_block(&t, block);
	}
	if (structured && !has_text && (json = jsonrpc_dump(structured))) {
		if (t.len > 0)
			add(&t, "\n", 1);
		add(&t, json, strlen(json));
	}
	if (t.cut) {
		memcpy(t.data + t.len, CUT, sizeof(CUT));
		t.len += sizeof(CUT) - 1;
	}
	t.data[t.len] = '\0';
	*ret = t.data;
	return 0;
}
