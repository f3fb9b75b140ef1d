/* SPDX-License-Identifier: Apache-2.0 */
/* schema.c - see schema.h. Recursion is bounded by the depth of the schema, which is ours. */
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/escape.h"
#include "base/utf8.h"
#include "codec/jsonrpc.h"
#include "mcp/schema.h"

#define PATH_MAX_B 128

struct check {
	char path[PATH_MAX_B]; /* of the value at hand: "argv[2]"; empty: the arguments themselves
				*/
	char *text;
	size_t size;
};

__attribute__((format(printf, 2, 3))) static int complain(struct check *c, const char *fmt, ...)
{
	va_list args;
	int n;

	n = snprintf(c->text, c->size, "%s ", *c->path ? c->path : "The arguments");
	if (n < 0 || (size_t)n >= c->size)
		return -EINVAL;
	va_start(args, fmt);
	(void)vsnprintf(c->text + n, c->size - (size_t)n, fmt, args);
	va_end(args);
	return -EINVAL;
}

static const char *type_name(const json_t *value)
{
	switch (json_typeof(value)) {
	case JSON_OBJECT:
		return "object";
	case JSON_ARRAY:
		return "array";
	case JSON_STRING:
		return "string";
	case JSON_INTEGER:
		return "integer";
	case JSON_REAL:
		return "number";
	case JSON_TRUE:
	case JSON_FALSE:
		return "boolean";
	case JSON_NULL:
		break;
	}
	return "null";
}

static bool has_type(const json_t *value, const char *type)
{
	/* Some write 3 as 3.0, and JSON Schema calls both an integer. */
	if (json_is_real(value) && strcmp(type, "integer") == 0)
		return json_real_value(value) == trunc(json_real_value(value));
	return strcmp(type_name(value), type) == 0 ||
	       (json_is_integer(value) && strcmp(type, "number") == 0);
}

static size_t characters(const json_t *string)
{
	const char *s = json_string_value(string);
	size_t n = 0;

	/* Each byte that does not continue a character starts one. */
	for (size_t i = 0; i < json_string_length(string); i++)
		n += ((unsigned char)s[i] & 0xc0) != 0x80;
	return n;
}

static bool number_of(const json_t *schema, const char *keyword, double *ret)
{
	const json_t *v = json_object_get(schema, keyword);

	*ret = json_number_value(v);
	return json_is_number(v);
}

/* @what: of the value, in @unit: "", " characters" */
static int check_bounds(struct check *c, const json_t *schema, const char *const keywords[2],
			double what, const char *unit)
{
	double bound;

	if (number_of(schema, keywords[0], &bound) && what < bound)
		return complain(c, "must be at least %.17g%s, not %.17g.", bound, unit, what);
	if (number_of(schema, keywords[1], &bound) && what > bound)
		return complain(c, "must be at most %.17g%s, not %.17g.", bound, unit, what);
	return 0;
}

static int check_enum(struct check *c, const json_t *choices, const json_t *value)
{
	char list[256] = "";
	size_t i, at = 0;
	json_t *choice;

	json_array_foreach(choices, i, choice)
	{
		if (json_equal(choice, value))
			return 0;
		if (at < sizeof(list))
			at += (size_t)snprintf(list + at, sizeof(list) - at, "%s%s", i ? ", " : "",
					       json_string_value(choice));
	}
	return choices ? complain(c, "must be one of: %s.", list) : 0;
}

static int check_value(struct check *c, const json_t *schema, const json_t *value);

static int check_member(struct check *c, const json_t *schema, const char *name,
			const json_t *value)
{
	const size_t len = strlen(c->path);
	int r;

	(void)snprintf(c->path + len, sizeof(c->path) - len, "%s%s", len ? "." : "", name);
	r = check_value(c, schema, value);
	c->path[len] = '\0';
	return r;
}

static int check_object(struct check *c, const json_t *schema, json_t *value)
{
	const json_t *properties = json_object_get(schema, "properties"), *known;
	json_t *required = json_object_get(schema, "required"), *name, *member;
	const char *key;
	size_t i;
	int r = 0;

	json_array_foreach(required, i, name)
	{
		if (!json_object_get(value, json_string_value(name)))
			return complain(c, "must have \"%s\".", json_string_value(name));
	}
	json_object_foreach(value, key, member)
	{
		known = json_object_get(properties, key);
		if (known) {
			r = check_member(c, known, key, member);
		} else if (json_is_false(json_object_get(schema, "additionalProperties"))) {
			char shown[PATH_MAX_B];

			escape_text(shown, sizeof(shown), key, strlen(key));
			r = complain(c, "must not have \"%s\": there is no such argument.", shown);
		}
		if (r < 0)
			return r;
	}
	return 0;
}

static int check_array(struct check *c, const json_t *schema, json_t *value)
{
	static const char *const bounds[2] = {"minItems", "maxItems"};
	const json_t *items = json_object_get(schema, "items");
	const size_t len = strlen(c->path);
	json_t *item;
	size_t i;
	int r;

	r = check_bounds(c, schema, bounds, (double)json_array_size(value), " items");
	json_array_foreach(value, i, item)
	{
		if (r < 0 || !items)
			break;
		(void)snprintf(c->path + len, sizeof(c->path) - len, "[%zu]", i);
		r = check_value(c, items, item);
		c->path[len] = '\0';
	}
	return r;
}

static int check_value(struct check *c, const json_t *schema, const json_t *value)
{
	static const char *const length[2] = {"minLength", "maxLength"};
	static const char *const size[2] = {"minimum", "maximum"};
	const char *type = json_string_value(json_object_get(schema, "type"));
	json_t *inner = (json_t *)(uintptr_t)value;
	int r;

	if (type && !has_type(value, type))
		return complain(c, "must be of type %s, not %s.", type, type_name(value));
	r = check_enum(c, json_object_get(schema, "enum"), value);
	if (r < 0)
		return r;
	if (json_is_string(value))
		return check_bounds(c, schema, length, (double)characters(value), " characters");
	if (json_is_number(value))
		return check_bounds(c, schema, size, json_number_value(value), "");
	if (json_is_object(value))
		return check_object(c, schema, inner);
	return json_is_array(value) ? check_array(c, schema, inner) : 0;
}

int schema_check(const json_t *schema, const json_t *value, char *ret, size_t size)
{
	struct check c = {.text = ret, .size = size};

	return check_value(&c, schema, value);
}

static bool known_keyword(const char *key)
{
	static const char *const known[] = {"type",	 "properties",
					    "required",	 "additionalProperties",
					    "items",	 "minItems",
					    "maxItems",	 "minimum",
					    "maximum",	 "minLength",
					    "maxLength", "enum",
					    "default",	 "description"};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (strcmp(known[i], key) == 0)
			return true;
	}
	return false;
}

bool schema_is_plain(const json_t *schema)
{
	json_t *value, *property;
	const char *key, *name;

	if (!json_is_string(json_object_get(schema, "type")))
		return false;
	json_object_foreach((json_t *)(uintptr_t)schema, key, value)
	{
		if (!known_keyword(key) || (strcmp(key, "items") == 0 && !schema_is_plain(value)))
			return false;
		if (strcmp(key, "properties") != 0)
			continue;
		json_object_foreach(value, name, property)
		{
			if (!schema_is_plain(property))
				return false;
		}
	}
	return true;
}
