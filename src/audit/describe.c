/* SPDX-License-Identifier: Apache-2.0 */
/*
 * describe.c - what a record says, for lists; see record.h.
 *
 * Whoever edited the log may have put anything into a line: it is parsed with bounds, and what
 * comes out cannot act on a terminal.
 */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audit/record.h"
#include "base/cleanup.h"
#include "base/escape.h"

static void cleanup_jsonp(json_t **json)
{
	json_decref(*json);
}

/* The members that have a column of their own, or belong to the chain. */
static bool is_own_column(const char *key)
{
	static const char *const own[] = {"n", "time", "kind", "vm", "prev", "hash"};

	for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++) {
		if (strcmp(key, own[i]) == 0)
			return true;
	}
	return false;
}

static int load(const char *line, size_t len, json_t **ret)
{
	json_error_t error;
	json_t *root;

	if (len >= AUDIT_RECORD_MAX_B)
		return -EBADMSG;
	root = json_loadb(line, len, JSON_REJECT_DUPLICATES, &error);
	if (!root)
		return json_error_code(&error) == json_error_out_of_memory ? -ENOMEM : -EBADMSG;
	if (!json_is_object(root)) {
		json_decref(root);
		return -EBADMSG;
	}
	*ret = root;
	return 0;
}

static bool take_text(json_t *root, const char *key, char *ret, size_t size)
{
	json_t *value = json_object_get(root, key);

	ret[0] = '\0';
	if (!json_is_string(value) || json_string_length(value) >= size)
		return false;
	escape_text(ret, size, json_string_value(value), json_string_length(value));
	return true;
}

/* Appends "KEY=VALUE"; false when it does not fit. */
static bool add(struct audit_summary *s, size_t *used, const char *key, json_t *value)
{
	cleanup_free char *text =
		json_dumps(value, JSON_ENCODE_ANY | JSON_ENSURE_ASCII | JSON_COMPACT);
	char name[64], shown[sizeof(s->rest)];
	size_t room = sizeof(s->rest) - *used;
	int n;

	if (!text)
		return false;
	escape_text(name, sizeof(name), key, strlen(key));
	escape_text(shown, sizeof(shown), text, strlen(text));
	n = snprintf(s->rest + *used, room, "%s%s=%s", *used ? " " : "", name, shown);
	if (n < 0 || (size_t)n + sizeof(" ...") > room) {
		(void)snprintf(s->rest + *used, room, " ...");
		return false;
	}
	*used += (size_t)n;
	return true;
}

int audit_record_describe(const char *line, size_t len, struct audit_summary *ret)
{
	cleanup(cleanup_jsonp) json_t *root = NULL;
	struct audit_summary s = {.rest = ""};
	size_t used = 0;
	const char *key;
	json_t *value;
	int r = load(line, len, &root);

	if (r < 0)
		return r;
	if (!take_text(root, "time", s.time, sizeof(s.time)) ||
	    !take_text(root, "kind", s.kind, sizeof(s.kind)))
		return -EBADMSG;
	(void)take_text(root, "vm", s.vm, sizeof(s.vm));
	json_object_foreach(root, key, value)
	{
		if (!is_own_column(key) && !add(&s, &used, key, value))
			break;
	}
	*ret = s;
	return 0;
}

/* jansson leaves DEL as it is; a terminal may act on it. */
static char *escape_del(const char *text)
{
	static const char escaped[] = "\\u007f";
	char *ret = malloc(strlen(text) * (sizeof(escaped) - 1) + 1), *to = ret;

	for (; ret && *text; text++) {
		if (*text == 0x7f)
			to = stpcpy(to, escaped);
		else
			*to++ = *text;
	}
	if (ret)
		*to = '\0';
	return ret;
}

int audit_record_json(const char *line, size_t len, bool indent, char **ret)
{
	cleanup(cleanup_jsonp) json_t *root = NULL;
	cleanup_free char *text = NULL;
	int r = load(line, len, &root);

	if (r < 0)
		return r;
	text = json_dumps(root, JSON_ENSURE_ASCII | (indent ? JSON_INDENT(2) : JSON_COMPACT));
	*ret = text ? escape_del(text) : NULL;
	return *ret ? 0 : -ENOMEM;
}
