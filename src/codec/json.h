/* SPDX-License-Identifier: Apache-2.0 */
/**
 * json.h - decode a JSON object by a table of its fields.
 *
 * The text is hostile: it must be one complete object in valid UTF-8 without duplicate keys or NUL
 * characters; its nesting is bounded (2048, by jansson) and the caller bounds its size. Keys that
 * are not in the table are refused. Every mistake is reported, not only the first.
 */
#ifndef CODEC_JSON_H
#define CODEC_JSON_H

#include <stdint.h>

#include "codec/violations.h"

enum json_field_type {
	JSON_FIELD_STRING, /* char[size], terminated; empty and too long ones are refused */
	JSON_FIELD_U32,
	JSON_FIELD_U64, /* at most INT64_MAX */
	JSON_FIELD_BOOL,
	JSON_FIELD_ENUM,  /* a string of @names; its index is stored in an int or enum */
	JSON_FIELD_OBJECT /* @fields, whose offsets count from the same target */
};

struct json_field {
	const char *name;
	enum json_field_type type;
	bool mandatory;
	size_t offset;			 /* into the target */
	size_t size;			 /* of a string's array in bytes */
	const char *const *names;	 /* ends with NULL */
	const struct json_field *fields; /* ends with a NULL name */
};

/**
 * json_decode_object() - fill a structure from JSON text.
 * @text, @len:	foreign bytes
 * @fields:	table, ends with a NULL name
 * @target:	fields that are present and well-formed are written, all others are left alone, so
 *the caller puts the defaults in first and may go on checking after a failure
 * @list:	gets the violations under dotted names
 *
 * Return: 0, or -EINVAL when @list got an error, or -ENOMEM
 */
int json_decode_object(const char *text, size_t len, const struct json_field *fields, void *target,
		       struct violations *list);

/** json_find_field() - look a name up in a table; NULL when it is not there. */
const struct json_field *json_find_field(const struct json_field *fields, const char *name);

/**
 * json_set_text() - set a field of type STRING or ENUM from plain text, such as that of a flag, by
 * the rules of json_decode_object().
 * @name:	for the violations
 */
void json_set_text(const struct json_field *field, const char *name, const char *text, void *target,
		   struct violations *list);

#endif
