/* SPDX-License-Identifier: Apache-2.0 */
/**
 * json_bounded.h - JSON of strangers, when what it would cost is bounded.
 *
 * A value costs up to some 150 bytes in memory and as little as two in the text, so a bound on the
 * length alone is none on the memory.
 */
#ifndef CODEC_JSON_BOUNDED_H
#define CODEC_JSON_BOUNDED_H

#include <jansson.h>

#define JSON_BOUNDED_DEPTH_MAX	128U
#define JSON_BOUNDED_VALUES_MAX (1U << 17)

/**
 * json_too_costly() - walk a text once, before anything is built.
 * @text, @len:	hostile bytes; need not be JSON
 *
 * Return: NULL, or why it is too much; static
 */
const char *json_too_costly(const char *text, size_t len);

/**
 * json_load_bounded() - json_loadb() of what is not too costly.
 * @error:	may be NULL; of a text that costs too much it has the text, and line and column 0
 *
 * Return: owned by the caller; NULL
 */
json_t *json_load_bounded(const char *text, size_t len, size_t flags, json_error_t *error);

#endif
