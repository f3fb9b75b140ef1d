/* SPDX-License-Identifier: Apache-2.0 */
/* json.c - decode a JSON object by a table of its fields; see json.h. */
#include "codec/json.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"

static void decode_members(json_t *object, const char *prefix, const struct json_field *fields,
			   char *target, struct violations *list);

static void cleanup_jsonp(json_t **json)
{
	json_decref(*json);
}

static void set_string(const struct json_field *field, const char *name, const char *s, size_t len,
		       char *to, struct violations *list)
{
	if (len == 0)
		violations_add(list, name, "must not be empty");
	else if (len >= field->size)
		violations_add(list, name, "must have at most %zu bytes, not %zu", field->size - 1,
			       len);
	else
		memcpy(to, s, len + 1);
}

static void set_enum(const struct json_field *field, const char *name, const char *s, char *to,
		     struct violations *list)
{
	char allowed[VIOLATION_TEXT_MAX_B] = "";
	size_t used = 0;

	for (int i = 0; field->names[i]; i++) {
		if (strcmp(s, field->names[i]) == 0) {
			memcpy(to, &i, sizeof(i));
			return;
		}
		used += (size_t)snprintf(allowed + used, sizeof(allowed) - used, "%s%s",
					 i > 0 ? ", " : "", field->names[i]);
		ic_assert(used < sizeof(allowed));
	}
	violations_add(list, name, "must be one of: %s", allowed);
}

static void decode_number(const struct json_field *field, const char *name, json_t *value, char *to,
			  struct violations *list)
{
	json_int_t number = json_integer_value(value);
	uint64_t wide = (uint64_t)number;
	uint32_t narrow = (uint32_t)number;

	if (!json_is_integer(value))
		violations_add(list, name, "must be a whole number");
	else if (number < 0)
		violations_add(list, name, "must not be negative");
	else if (field->type == JSON_FIELD_U32 && number > (json_int_t)UINT32_MAX)
		violations_add(list, name, "is too large");
	else if (field->type == JSON_FIELD_U32)
		memcpy(to, &narrow, sizeof(narrow));
	else
		memcpy(to, &wide, sizeof(wide));
}

static void decode_value(const struct json_field *field, const char *name, json_t *value,
			 char *target, struct violations *list)
{
	char *to = target + field->offset;

	switch (field->type) {
	case JSON_FIELD_STRING:
		if (json_is_string(value))
			set_string(field, name, json_string_value(value), json_string_length(value),
				   to, list);
		else
			violations_add(list, name, "must be a string");
		break;
	case JSON_FIELD_U32:
	case JSON_FIELD_U64:
		decode_number(field, name, value, to, list);
		break;
	case JSON_FIELD_BOOL:
		if (json_is_boolean(value))
			*(bool *)to = json_is_true(value);
		else
			violations_add(list, name, "must be true or false");
		break;
	case JSON_FIELD_ENUM:
		/* What is no string is none of the names either. */
		set_enum(field, name, json_is_string(value) ? json_string_value(value) : "", to,
			 list);
		break;
	case JSON_FIELD_OBJECT:
		if (json_is_object(value))
			decode_members(value, name, field->fields, target, list);
		else
			violations_add(list, name, "must be an object");
		break;
	}
}

const struct json_field *json_find_field(const struct json_field *fields, const char *name)
{
	for (; fields->name; fields++) {
		if (strcmp(fields->name, name) == 0)
			return fields;
	}
	return NULL;
}

static void dotted_name(char ret[VIOLATION_FIELD_MAX_B], const char *prefix, const char *key)
{
	(void)snprintf(ret, VIOLATION_FIELD_MAX_B, "%s%s%s", prefix, prefix[0] ? "." : "", key);
}

/* The depth of the recursion is that of the tables. */
static void decode_members(json_t *object, const char *prefix, const struct json_field *fields,
			   char *target, struct violations *list)
{
	char name[VIOLATION_FIELD_MAX_B];
	const char *key;
	json_t *value;

	json_object_foreach(object, key, value)
	{
		const struct json_field *field = json_find_field(fields, key);

		dotted_name(name, prefix, key);
		if (field)
			decode_value(field, name, value, target, list);
		else
			violations_add(list, name, "unknown field");
	}
	for (; fields->name; fields++) {
		if (!fields->mandatory || json_object_get(object, fields->name))
			continue;
		dotted_name(name, prefix, fields->name);
		violations_add(list, name, "is missing");
	}
}

int json_decode_object(const char *text, size_t len, const struct json_field *fields, void *target,
		       struct violations *list)
{
	cleanup(cleanup_jsonp) json_t *root = NULL;
	size_t errors_before = list->n_errors;
	json_error_t error;

	root = json_loadb(text, len, JSON_REJECT_DUPLICATES, &error);
	if (!root && json_error_code(&error) == json_error_out_of_memory)
		return -ENOMEM;
	if (!root)
		violations_add(list, "", "line %d, column %d: %s", error.line, error.column,
			       error.text);
	else if (!json_is_object(root))
		violations_add(list, "", "must be a JSON object");
	else
		decode_members(root, "", fields, target, list);
	return list->n_errors > errors_before ? -EINVAL : 0;
}

void json_set_text(const struct json_field *field, const char *name, const char *text, void *target,
		   struct violations *list)
{
	char *to = (char *)target + field->offset;

	ic_assert(field->type == JSON_FIELD_STRING || field->type == JSON_FIELD_ENUM);
	if (field->type == JSON_FIELD_STRING)
		set_string(field, name, text, strlen(text), to, list);
	else
		set_enum(field, name, text, to, list);
}
