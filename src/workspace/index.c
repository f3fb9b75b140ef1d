/* SPDX-License-Identifier: Apache-2.0 */
/* index.c - what ironclaw-unpack found in an archive; see index.h. */
#include "workspace/index.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#define TYPE_END     'E'
#define FLAG_DELETED 1U
#define FLAG_OPAQUE  2U

/* Both programs are of one build on one machine: its own byte order, and no padding in it. */
struct record {
	uint8_t type, flags;
	uint16_t mode;
	uint32_t content; /* of the end: how many entries */
	uint64_t size;
	uint16_t path_length, link_length;
	uint32_t zero;
};

size_t index_encode(const struct tar_item *item, uint32_t content, uint8_t ret[INDEX_RECORD_MAX_B])
{
	const struct record record = {
		.type = (uint8_t)item->type,
		.flags = (uint8_t)((item->deleted ? FLAG_DELETED : 0) |
				   (item->opaque ? FLAG_OPAQUE : 0)),
		.mode = (uint16_t)item->mode,
		.content = content,
		.size = item->size,
		.path_length = (uint16_t)strlen(item->path),
		.link_length = (uint16_t)(item->link ? strlen(item->link) : 0),
	};

	memcpy(ret, &record, sizeof(record));
	memcpy(ret + sizeof(record), item->path, record.path_length);
	if (item->link)
		memcpy(ret + sizeof(record) + record.path_length, item->link, record.link_length);
	return sizeof(record) + record.path_length + record.link_length;
}

size_t index_encode_end(uint32_t entries, uint8_t ret[INDEX_RECORD_MAX_B])
{
	const struct record record = {.type = TYPE_END, .content = entries};

	memcpy(ret, &record, sizeof(record));
	return sizeof(record);
}

struct walk {
	const uint8_t *at;
	size_t left;
	uint32_t entries, contents;
	bool before_is_dir;
	char before[TAR_PATH_MAX_B + 1];
	char path[TAR_PATH_MAX_B + 1], link[TAR_PATH_MAX_B + 1];
	uint8_t head[TAR_HEAD_MAX_B];
};

static int take_string(struct walk *w, size_t len, char to[TAR_PATH_MAX_B + 1])
{
	if (len > TAR_PATH_MAX_B || len > w->left || memchr(w->at, '\0', len))
		return -EBADMSG;
	memcpy(to, w->at, len);
	to[len] = '\0';
	w->at += len;
	w->left -= len;
	return 0;
}

/* Fills @item as far as an index has it; whether it makes sense is what tar_encode() says. */
static int take_item(struct walk *w, const struct record *record, struct tar_item *item)
{
	const bool deleted = record->flags & FLAG_DELETED;

	if (record->flags > (FLAG_DELETED | FLAG_OPAQUE) || record->zero ||
	    take_string(w, record->path_length, w->path) < 0 ||
	    take_string(w, record->link_length, w->link) < 0)
		return -EBADMSG;
	if (record->type != TAR_FILE && record->type != TAR_DIR && record->type != TAR_LINK)
		return -EBADMSG;
	*item = (struct tar_item){
		.type = (enum tar_type)record->type,
		.deleted = deleted,
		.opaque = record->flags & FLAG_OPAQUE,
		/* How much the archive held is not told: as if it were all holes. */
		.sparse = record->type == TAR_FILE && !deleted && record->size > 0,
		.mode = record->mode,
		.size = record->size,
		.path = w->path,
		.link = record->link_length > 0 ? w->link : NULL,
	};
	return tar_encode(item, w->head) < 0 ? -EBADMSG : 0;
}

static int check_place(struct walk *w, const struct tar_item *item, uint32_t content)
{
	const bool has_content = item->type == TAR_FILE && !item->deleted;

	if (content != (has_content ? w->contents : INDEX_NO_CONTENT))
		return -EBADMSG;
	w->contents += has_content;
	if (w->entries++ > 0 && (tar_path_compare(w->before, item->path) >= 0 ||
				 (!w->before_is_dir && tar_path_is_below(item->path, w->before))))
		return -EBADMSG;
	memcpy(w->before, w->path, sizeof(w->before));
	w->before_is_dir = item->type == TAR_DIR;
	return 0;
}

int index_walk(const uint8_t *index, size_t len, uint32_t entries_max, index_sink sink, void *ctx)
{
	struct walk w = {.at = index, .left = len};

	for (;;) {
		struct record record;
		struct tar_item item;
		int r;

		if (w.left < sizeof(record))
			return -EBADMSG;
		memcpy(&record, w.at, sizeof(record));
		w.at += sizeof(record);
		w.left -= sizeof(record);
		if (record.type == TYPE_END) {
			uint8_t end[INDEX_RECORD_MAX_B];
			size_t n = index_encode_end(w.entries, end);

			return w.left == 0 && memcmp(&record, end, n) == 0 ? 0 : -EBADMSG;
		}
		if (w.entries == entries_max || take_item(&w, &record, &item) < 0 ||
		    check_place(&w, &item, record.content) < 0)
			return -EBADMSG;
		r = sink(ctx, &item, record.content);
		if (r < 0)
			return r;
	}
}
