/* SPDX-License-Identifier: Apache-2.0 */
/* queue_entry.c - a question as text, and back; see queue.h. */
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "approval/queue.h"
#include "approval/queue_internal.h"
#include "base/cleanup.h"

static void cleanup_jsonp(json_t **json)
{
	json_decref(*json);
}

int queue_entry_write(FILE *out, const struct queue_entry *entry, const struct approval_card *card)
{
	struct json_writer w;

	json_write_begin(&w, out);
	json_write_open_object(&w, NULL);
	json_write_string(&w, "id", entry->id);
	json_write_string(&w, "action", entry->digest);
	json_write_string(&w, "kind", entry->kind);
	json_write_string(&w, "risk", entry->risk);
	json_write_string(&w, "target", entry->target);
	json_write_string(&w, "asked", entry->asked);
	json_write_u64(&w, "pid", entry->pid);
	json_write_u64(&w, "pid_start", entry->pid_start);
	json_write_string(&w, "boot", entry->end.boot);
	json_write_u64(&w, "end_ms", entry->end.boot_ms);
	json_write_string(&w, "description", card->description ? card->description : "");
	json_write_open_array(&w, "lines");
	for (size_t i = 0; i < card->n_lines; i++)
		json_write_string(&w, NULL, card->lines[i]);
	json_write_close_array(&w);
	json_write_close_object(&w);
	return json_write_end(&w);
}

static bool take_text(json_t *root, const char *key, char *ret, size_t size)
{
	json_t *value = json_object_get(root, key);

	if (!json_is_string(value) || json_string_length(value) >= size)
		return false;
	memcpy(ret, json_string_value(value), json_string_length(value) + 1);
	return true;
}

static bool take_number(json_t *root, const char *key, uint64_t *ret)
{
	json_t *value = json_object_get(root, key);

	if (!json_is_integer(value) || json_integer_value(value) < 0)
		return false;
	*ret = (uint64_t)json_integer_value(value);
	return true;
}

static int take_lines(json_t *value, struct queue_entry *entry)
{
	size_t n = json_array_size(value), i;
	json_t *item;

	if (!json_is_array(value) || n > QUEUE_LINES_MAX)
		return -EBADMSG;
	entry->lines = calloc(n + 1, sizeof(*entry->lines));
	if (!entry->lines)
		return -ENOMEM;
	json_array_foreach(value, i, item)
	{
		if (!json_is_string(item))
			return -EBADMSG;
		entry->lines[i] = strdup(json_string_value(item));
		if (!entry->lines[i])
			return -ENOMEM;
		entry->n_lines++;
	}
	return 0;
}

static int decode(json_t *root, struct queue_entry *e)
{
	const char *description = json_string_value(json_object_get(root, "description"));

	if (json_object_size(root) != 12 || !description ||
	    !take_text(root, "id", e->id, sizeof(e->id)) ||
	    !take_text(root, "action", e->digest, sizeof(e->digest)) ||
	    !take_text(root, "kind", e->kind, sizeof(e->kind)) ||
	    !take_text(root, "risk", e->risk, sizeof(e->risk)) ||
	    !take_text(root, "target", e->target, sizeof(e->target)) ||
	    !take_text(root, "asked", e->asked, sizeof(e->asked)) ||
	    !take_number(root, "pid", &e->pid) || !take_number(root, "pid_start", &e->pid_start) ||
	    !take_text(root, "boot", e->end.boot, sizeof(e->end.boot)) ||
	    !take_number(root, "end_ms", &e->end.boot_ms) || !store_id_valid(e->id) ||
	    !digest_hex_valid(e->digest))
		return -EBADMSG;
	e->description = strdup(description);
	if (!e->description)
		return -ENOMEM;
	return take_lines(json_object_get(root, "lines"), e);
}

int queue_entry_parse(const char *text, size_t len, struct queue_entry *ret)
{
	cleanup(cleanup_jsonp) json_t *root = NULL;
	cleanup(queue_entry_done) struct queue_entry entry = {.id = ""};
	json_error_t error;
	int r;

	if (len > QUEUE_ENTRY_MAX_B)
		return -EBADMSG;
	root = json_loadb(text, len, JSON_REJECT_DUPLICATES, &error);
	if (!root && json_error_code(&error) == json_error_out_of_memory)
		return -ENOMEM;
	r = json_is_object(root) ? decode(root, &entry) : -EBADMSG;
	if (r < 0)
		return r;
	*ret = entry;
	entry = (struct queue_entry){.id = ""};
	return 0;
}

void queue_entry_done(struct queue_entry *entry)
{
	for (size_t i = 0; i < entry->n_lines; i++)
		free(entry->lines[i]);
	free(entry->lines);
	free(entry->description);
	entry->lines = NULL;
	entry->description = NULL;
	entry->n_lines = 0;
}
