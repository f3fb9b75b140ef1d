/* SPDX-License-Identifier: Apache-2.0 */
/* card_json.c - changes for a program; see card.h. */
#include <sodium.h>
#include <string.h>

#include "workspace/card.h"

static const char *type_name(enum tar_type type)
{
	return type == TAR_DIR ? "folder" : type == TAR_LINK ? "link" : "file";
}

static void put_digest(struct json_writer *w, const char *key, const uint8_t digest[DIGEST_B])
{
	char hex[DIGEST_HEX_B + 1];

	(void)sodium_bin2hex(hex, sizeof(hex), digest, DIGEST_B);
	json_write_string(w, key, hex);
}

static void put_side(struct json_writer *w, const char *key, enum tar_type type, uint32_t mode,
		     uint64_t size, const uint8_t digest[DIGEST_B], const char *link)
{
	char octal[8];

	json_write_open_object(w, key);
	json_write_string(w, "type", type_name(type));
	if (type != TAR_LINK) {
		(void)snprintf(octal, sizeof(octal), "%04o", mode & 07777);
		json_write_string(w, "mode", octal);
	}
	if (type == TAR_FILE) {
		json_write_u64(w, "size", size);
		put_digest(w, "digest", digest);
	}
	if (link)
		json_write_bytes(w, "target", link, strlen(link));
	json_write_close_object(w);
}

static void put_change(struct json_writer *w, const struct change *change)
{
	const struct base_entry *before = change->before;
	const struct stage_entry *after = change->after;

	json_write_open_object(w, NULL);
	json_write_bytes(w, "path", change->path, strlen(change->path));
	json_write_string(w, "change", card_kind(change->kind));
	json_write_bool(w, "chosen", change->selected);
	json_write_string(w, "risk", card_risk(change->risk));
	if (change->risk != RISK_NONE)
		json_write_string(w, "why", change->why);
	if (before)
		put_side(w, "before", before->type, before->mode, before->size, before->digest,
			 before->link);
	if (after)
		put_side(w, "after", after->type, change->mode, after->size, after->digest,
			 after->link);
	json_write_close_object(w);
}

void card_json(struct json_writer *w, const char *key, const struct changes *changes)
{
	uint8_t digest[DIGEST_B];

	json_write_open_object(w, key);
	json_write_bytes(w, "folder", changes->ws->root, strlen(changes->ws->root));
	changes_digest(changes, digest);
	put_digest(w, "digest", digest);
	json_write_open_object(w, "counts");
	for (int kind = CHANGE_CREATED; kind < CHANGE_KINDS; kind++)
		json_write_u64(w, card_kind((enum change_kind)kind), changes->counts[kind]);
	json_write_u64(w, "left_out", changes->left_out);
	json_write_close_object(w);
	json_write_open_array(w, "changes");
	for (size_t i = 0; i < changes->n; i++)
		put_change(w, &changes->changes[i]);
	json_write_close_array(w);
	json_write_close_object(w);
}

void card_conflicts_json(struct json_writer *w, const char *key, const struct apply_result *result)
{
	const size_t n = result->n_conflicts < APPLY_CONFLICTS_MAX ? result->n_conflicts
								   : APPLY_CONFLICTS_MAX;

	json_write_open_array(w, key);
	for (size_t i = 0; i < n; i++) {
		const struct change *change = result->conflicts[i].change;

		json_write_open_object(w, NULL);
		json_write_bytes(w, "path", change->path, strlen(change->path));
		json_write_string(w, "change", card_kind(change->kind));
		json_write_string(w, "here", result->conflicts[i].host);
		json_write_close_object(w);
	}
	json_write_close_array(w);
}
