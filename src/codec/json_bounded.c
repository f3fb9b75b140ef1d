/* SPDX-License-Identifier: Apache-2.0 */
/* json_bounded.c - JSON of strangers; see json_bounded.h. */
#include "codec/json_bounded.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

const char *json_too_costly(const char *text, size_t len)
{
	size_t depth = 0, values = 0;
	bool in_string = false;

	for (size_t i = 0; i < len; i++) {
		char c = text[i];

		if (c == '"') {
			in_string = !in_string;
		} else if (in_string) {
			i += c == '\\';
		} else if (c == '{' || c == '[') {
			depth++;
			values++;
		} else if (c == '}' || c == ']') {
			depth -= depth > 0;
		} else if (c == ',') {
			values++;
		}
		if (depth > JSON_BOUNDED_DEPTH_MAX)
			return "nested too deeply";
		if (values > JSON_BOUNDED_VALUES_MAX)
			return "too many values";
	}
	return NULL;
}

json_t *json_load_bounded(const char *text, size_t len, size_t flags, json_error_t *error)
{
	const char *why = json_too_costly(text, len);

	if (!why)
		return json_loadb(text, len, flags, error);
	if (error) {
		memset(error, 0, sizeof(*error));
		(void)snprintf(error->text, sizeof(error->text), "%s", why);
	}
	return NULL;
}
