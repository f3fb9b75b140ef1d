/* SPDX-License-Identifier: Apache-2.0 */
/**
 * schema.h - hold a tool's arguments against its schema, for the plain schemas that our tools have.
 */
#ifndef MCP_SCHEMA_H
#define MCP_SCHEMA_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

/**
 * schema_check() - hold @value against @schema.
 * @ret:	when it does not fit: what to change, for the model; foreign text in it is escaped
 *
 * Keywords: type (one name), properties, required, additionalProperties false, items, maxItems,
 * minItems, minimum, maximum, minLength, maxLength (characters), enum (of strings). Others say
 * nothing here: schema_is_plain() finds them.
 *
 * Return: 0, -EINVAL when it does not fit
 */
int schema_check(const json_t *schema, const json_t *value, char *ret, size_t size);

/** schema_is_plain() - does it only have keywords that schema_check() enforces, or that explain? */
bool schema_is_plain(const json_t *schema);

#endif
