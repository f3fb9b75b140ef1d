/* SPDX-License-Identifier: Apache-2.0 */
/* client_params.c - arguments that are repeated in headers; see client_params.h. */
#include "mcp/client_params.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include <sodium.h>

#include "base/cleanup.h"

#define ANNOTATION   "x-mcp-header"
#define WRAP_BEGIN   "=?base64?"
#define WRAP_END     "?="
#define INTEGER_MAX  ((INT64_C(1) << 53) - 1)
#define HEADER_MAX_B 8192U

/* The walk through a schema. */
struct walk {
	json_t *found;
	const char *path[MCP_SCHEMA_DEPTH_MAX]; /* keys from the root */
	size_t n_path;
	const char *why;
};

static int walk_schema(struct walk *w, json_t *schema, size_t depth, bool reachable);

static int refuse(struct walk *w, const char *why)
{
	w->why = why;
	return -EINVAL;
}

static bool token_good(const char *text, size_t len)
{
	if (len == 0 || len > MCP_PARAM_NAME_MAX_B)
		return false;
	for (size_t i = 0; i < len; i++) {
		if (text[i] == '\0' || (unsigned char)text[i] >= 0x80 ||
		    (!isalnum((unsigned char)text[i]) && !strchr("!#$%&'*+-.^_`|~", text[i])))
			return false;
	}
	return true;
}

static bool type_good(const json_t *type)
{
	const char *name = json_string_value(type);

	return name && (strcmp(name, "string") == 0 || strcmp(name, "integer") == 0 ||
			strcmp(name, "boolean") == 0);
}

static int take_annotation(struct walk *w, const json_t *schema, const json_t *value,
			   bool reachable)
{
	json_t *entry;
	size_t i;

	if (!json_is_string(value) ||
	    !token_good(json_string_value(value), json_string_length(value)))
		return refuse(w, "the name of a header is not one");
	if (!reachable || w->n_path == 0)
		return refuse(w, "a header is asked for where no argument is");
	if (!type_good(json_object_get(schema, "type")))
		return refuse(w, "a header's argument is neither string, integer nor boolean");
	if (!w->found && !(w->found = json_array()))
		return -ENOMEM;
	if (json_array_size(w->found) >= MCP_PARAM_MAX)
		return refuse(w, "too many headers are asked for");
	json_array_foreach(w->found, i, entry)
	{
		if (strcasecmp(json_string_value(json_array_get(entry, 0)),
			       json_string_value(value)) == 0)
			return refuse(w, "two arguments ask for the same header");
	}
	entry = json_pack("[s]", json_string_value(value));
	for (i = 0; entry && i < w->n_path; i++) {
		if (json_array_append_new(entry, json_string(w->path[i])) < 0)
			return -ENOMEM;
	}
	return json_array_append_new(w->found, entry) < 0 ? -ENOMEM : 0;
}

static int walk_properties(struct walk *w, json_t *properties, size_t depth, bool reachable)
{
	const char *key;
	json_t *value;
	int r = 0;

	json_object_foreach(properties, key, value)
	{
		w->path[w->n_path++] = key;
		r = walk_schema(w, value, depth + 1, reachable);
		w->n_path--;
		if (r < 0)
			return r;
	}
	return 0;
}

/* Whether what a keyword holds is data, where an annotation's name means nothing. */
static bool is_data(const char *key)
{
	static const char *const names[] = {"default", "const", "enum", "examples", "required"};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (strcmp(key, names[i]) == 0)
			return true;
	}
	return false;
}

/* A schema, a list of them, or a table of them by name: told apart by what is in it. */
static int walk_schema(struct walk *w, json_t *schema, size_t depth, bool reachable)
{
	const char *key;
	json_t *value;
	size_t i;
	int r = 0;

	if (depth >= MCP_SCHEMA_DEPTH_MAX)
		return refuse(w, "its schema is nested too deeply");
	if (json_is_array(schema)) {
		json_array_foreach(schema, i, value)
		{
			r = walk_schema(w, value, depth + 1, false);
			if (r < 0)
				return r;
		}
		return 0;
	}
	json_object_foreach(schema, key, value)
	{
		if (strcmp(key, ANNOTATION) == 0)
			r = take_annotation(w, schema, value, reachable);
		else if (strcmp(key, "properties") == 0 && json_is_object(value))
			r = walk_properties(w, value, depth + 1, reachable);
		else if (!is_data(key))
			r = walk_schema(w, value, depth + 1, false);
		if (r < 0)
			return r;
	}
	return 0;
}

int mcp_params_find(json_t *schema, json_t **ret, const char **ret_why)
{
	struct walk w = {0};
	int r = walk_schema(&w, schema, 0, true);

	if (r < 0) {
		json_decref(w.found);
		*ret_why = w.why;
		return r;
	}
	*ret = w.found;
	return 0;
}

int mcp_header_value(const char *text, size_t len, char **ret)
{
	size_t end = strlen(WRAP_END), begin = strlen(WRAP_BEGIN), room;
	bool plain = len > 0 && text[0] != ' ' && text[len - 1] != ' ';
	char *out;

	if (len > HEADER_MAX_B)
		return -EINVAL;
	for (size_t i = 0; i < len; i++)
		plain = plain && text[i] >= 0x20 && text[i] <= 0x7e;
	if (len >= begin + end && memcmp(text, WRAP_BEGIN, begin) == 0 &&
	    memcmp(text + len - end, WRAP_END, end) == 0)
		plain = false;
	if (plain) {
		out = strndup(text, len);
		if (!out)
			return -ENOMEM;
		*ret = out;
		return 0;
	}
	room = sodium_base64_encoded_len(len, sodium_base64_VARIANT_ORIGINAL);
	out = malloc(begin + room + end);
	if (!out)
		return -ENOMEM;
	memcpy(out, WRAP_BEGIN, begin);
	(void)sodium_bin2base64(out + begin, room, (const unsigned char *)text, len,
				sodium_base64_VARIANT_ORIGINAL);
	memcpy(out + begin + room - 1, WRAP_END, end + 1);
	*ret = out;
	return 0;
}

static int value_text(const json_t *value, char **ret)
{
	char number[32];

	if (json_is_string(value))
		return mcp_header_value(json_string_value(value), json_string_length(value), ret);
	if (json_is_boolean(value))
		(void)snprintf(number, sizeof(number), "%s",
			       json_is_true(value) ? "true" : "false");
	else if (json_is_integer(value) && json_integer_value(value) <= INTEGER_MAX &&
		 json_integer_value(value) >= -INTEGER_MAX)
		(void)snprintf(number, sizeof(number), "%" JSON_INTEGER_FORMAT,
			       json_integer_value(value));
	else
		return -EINVAL;
	*ret = strdup(number);
	return *ret ? 0 : -ENOMEM;
}

int mcp_params_header(const json_t *param, const json_t *arguments, char **ret)
{
	cleanup_free char *text = NULL;
	const json_t *value = arguments;
	char *out;
	int r;

	for (size_t i = 1; i < json_array_size(param); i++)
		value = json_object_get(value, json_string_value(json_array_get(param, i)));
	if (!value || json_is_null(value)) {
		*ret = NULL;
		return 0;
	}
	r = value_text(value, &text);
	if (r < 0)
		return r;
	if (asprintf(&out, "Mcp-Param-%s: %s", json_string_value(json_array_get(param, 0)), text) <
	    0)
		return -ENOMEM;
	*ret = out;
	return 0;
}
