/* SPDX-License-Identifier: Apache-2.0 */
/* manifest.c - what an image or a kernel is made of; see manifest.h. */
#include "image/manifest.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/error.h"
#include "base/name.h"
#include "image/store.h"

#define FORMAT 1

/* The fields that are plain strings. */
struct field {
	const char *key;
	size_t offset, size;
	bool mandatory;
};

#define FIELD(name, needed)                                                                        \
	{                                                                                          \
#name, offsetof(struct manifest, name), sizeof(((struct manifest *)0)->name),      \
			needed                                                                     \
	}

static const struct field fields[] = {
	FIELD(kind, true),   FIELD(name, true),	    FIELD(recipe, true),
	FIELD(suite, false), FIELD(release, false), FIELD(config, false),
	FIELD(sha256, true), FIELD(created, true),  FIELD(ironclaw, true),
};

static char *field_text(struct manifest *m, const struct field *field)
{
	return (char *)m + field->offset;
}

/* Copies a string that is printable ASCII and fits. */
static bool take_text(const json_t *value, char *dst, size_t size)
{
	const char *s = json_string_value(value);
	size_t len = json_string_length(value);

	if (!s || len == 0 || len >= size)
		return false;
	for (size_t i = 0; i < len; i++) {
		if (s[i] < 0x20 || s[i] > 0x7e)
			return false;
	}
	memcpy(dst, s, len + 1);
	return true;
}

static bool take_field(const char *key, const json_t *value, struct manifest *m, bool *ret_known)
{
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		if (strcmp(key, fields[i].key) == 0) {
			*ret_known = true;
			return take_text(value, field_text(m, &fields[i]), fields[i].size);
		}
	}
	*ret_known = false;
	return false;
}

static bool take_include(const json_t *value, struct manifest *m)
{
	size_t used = 0, i;
	json_t *item;

	if (!json_is_array(value))
		return false;
	json_array_foreach(value, i, item)
	{
		char word[MANIFEST_WORD_MAX * 2 + 1];
		int n;

		if (!take_text(item, word, sizeof(word)) || strchr(word, ','))
			return false;
		n = snprintf(m->include + used, sizeof(m->include) - used, "%s%s", i ? "," : "",
			     word);
		if (n < 0 || (size_t)n >= sizeof(m->include) - used)
			return false;
		used += (size_t)n;
	}
	return true;
}

static int take_packages(const json_t *value, struct manifest *m)
{
	size_t n = json_array_size(value), i;
	json_t *item;

	if (!json_is_array(value) || n > MANIFEST_PACKAGES_MAX)
		return -EINVAL;
	if (n == 0)
		return 0;
	m->packages = calloc(n, sizeof(*m->packages));
	if (!m->packages)
		return -ENOMEM;
	m->n_packages = n;
	json_array_foreach(value, i, item)
	{
		struct manifest_package *p = &m->packages[i];

		if (json_object_size(item) != 2 ||
		    !take_text(json_object_get(item, "name"), p->name, sizeof(p->name)) ||
		    !take_text(json_object_get(item, "version"), p->version, sizeof(p->version)))
			return -EINVAL;
	}
	return 0;
}

static int take_member(const char *key, const json_t *value, struct manifest *m,
		       const char **reason)
{
	bool known, ok;
	int r = 0;

	*reason = "a field of it is malformed";
	if (strcmp(key, "format") == 0) {
		*reason = "it was written by another version of ironclaw";
		ok = json_is_integer(value) && json_integer_value(value) == FORMAT;
	} else if (strcmp(key, "size") == 0) {
		ok = json_is_integer(value) && json_integer_value(value) > 0;
		m->size = ok ? (uint64_t)json_integer_value(value) : 0;
	} else if (strcmp(key, "include") == 0) {
		ok = take_include(value, m);
	} else if (strcmp(key, "packages") == 0) {
		r = take_packages(value, m);
		ok = r == 0;
	} else {
		ok = take_field(key, value, m, &known);
		if (!known)
			*reason = "it has an unknown field";
	}
	return ok ? 0 : r == -ENOMEM ? r : -EINVAL;
}

static int check_whole(struct manifest *m, const json_t *root, const char **reason)
{
	*reason = "a field of it is missing";
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		if (fields[i].mandatory && field_text(m, &fields[i])[0] == '\0')
			return -EINVAL;
	}
	if (m->size == 0 || !json_object_get(root, "format"))
		return -EINVAL;
	*reason = "a field of it is malformed";
	if ((strcmp(m->kind, "image") != 0 && strcmp(m->kind, "kernel") != 0) ||
	    !name_valid(m->name) || !digest_hex_valid(m->sha256) ||
	    (m->config[0] && !digest_hex_valid(m->config)))
		return -EINVAL;
	return 0;
}

int manifest_parse(const char *text, size_t len, struct manifest *ret, const char **ret_reason)
{
	json_auto_t *root =
		len <= MANIFEST_MAX_B ? json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL) : NULL;
	struct manifest m = {.size = 0};
	const char *key, *reason = "it is not a JSON object";
	json_t *value;
	int r = json_is_object(root) ? 0 : -EINVAL;

	json_object_foreach(root, key, value)
	{
		r = take_member(key, value, &m, &reason);
		if (r < 0)
			break;
	}
	if (r == 0)
		r = check_whole(&m, root, &reason);
	if (r < 0) {
		manifest_done(&m);
		if (ret_reason)
			*ret_reason = reason;
		return r;
	}
	*ret = m;
	return 0;
}

static json_t *include_array(const char *include)
{
	json_t *array = json_array();

	while (array && *include) {
		size_t len = strcspn(include, ",");

		if (json_array_append_new(array, json_stringn(include, len)) < 0) {
			json_decref(array);
			return NULL;
		}
		include += len + (include[len] == ',');
	}
	return array;
}

static json_t *package_array(const struct manifest *m)
{
	json_t *array = json_array();

	for (size_t i = 0; array && i < m->n_packages; i++) {
		json_t *p = json_pack("{ss ss}", "name", m->packages[i].name, "version",
				      m->packages[i].version);

		if (json_array_append_new(array, p) < 0) {
			json_decref(array);
			return NULL;
		}
	}
	return array;
}

int manifest_write(const struct manifest *m, char **ret_text)
{
	json_auto_t *root = json_object();
	struct manifest copy = *m;
	char *text;
	int bad = 0;

	bad |= json_object_set_new(root, "format", json_integer(FORMAT));
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		const char *s = field_text(&copy, &fields[i]);

		if (s[0] != '\0')
			bad |= json_object_set_new(root, fields[i].key, json_string(s));
	}
	bad |= json_object_set_new(root, "size", json_integer((json_int_t)m->size));
	if (m->include[0])
		bad |= json_object_set_new(root, "include", include_array(m->include));
	bad |= json_object_set_new(root, "packages", package_array(m));
	text = bad ? NULL : json_dumps(root, JSON_INDENT(1) | JSON_ENSURE_ASCII);
	if (!text)
		return -ENOMEM;
	*ret_text = text;
	return 0;
}

int manifest_add_package(struct manifest *m, const char *name, const char *version)
{
	struct manifest_package *grown;

	if (m->n_packages >= MANIFEST_PACKAGES_MAX)
		return -E2BIG;
	grown = reallocarray(m->packages, m->n_packages + 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	m->packages = grown;
	(void)snprintf(grown[m->n_packages].name, sizeof(grown->name), "%s", name);
	(void)snprintf(grown[m->n_packages].version, sizeof(grown->version), "%s", version);
	m->n_packages++;
	return 0;
}

void manifest_done(struct manifest *m)
{
	free(m->packages);
	m->packages = NULL;
	m->n_packages = 0;
}
