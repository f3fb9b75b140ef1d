/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tar_read.c - read an archive; see tar.h.
 *
 * What a header and its records say is picked out without much care, for it is then encoded again
 * and must come out as the same bytes: checksum, field forms, order and number of the records, and
 * all that this reader does not even look at are checked by that one comparison.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "wire/tar.h"

/* Fields that are picked out of a header. */
#define NAME_B	 100U
#define AT_MODE	 100U
#define AT_SIZE	 124U
#define AT_MTIME 136U
#define AT_TYPE	 156U
#define AT_LINK	 157U

static int refuse(struct tar_reader *r, const char *what)
{
	(void)snprintf(r->error, sizeof(r->error), "%s", what);
	return -EBADMSG;
}

/* Return: bytes read, fewer than @len only at the end; -errno */
static ssize_t read_some(struct tar_reader *r, void *buf, size_t len)
{
	size_t n = 0;

	while (n < len) {
		ssize_t got = r->source->read(r->source->ctx, (uint8_t *)buf + n, len - n);

		if (got < 0)
			return got;
		if (got == 0)
			break;
		n += (size_t)got;
	}
	return (ssize_t)n;
}

static int read_all(struct tar_reader *r, void *buf, size_t len)
{
	ssize_t n = read_some(r, buf, len);

	if (n < 0)
		return (int)n;
	return (size_t)n == len ? 0 : refuse(r, "the archive is cut off");
}

static bool is_zero(const uint8_t *block, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (block[i])
			return false;
	}
	return true;
}

/* Digits up to whatever is none. What overflows comes out as another number and differs then. */
static uint64_t pick_octal(const uint8_t *at, size_t len)
{
	uint64_t value = 0;

	for (size_t i = 0; i < len && at[i] >= '0' && at[i] <= '7'; i++)
		value = value << 3 | (uint64_t)(at[i] - '0');
	return value;
}

/* Decimal digits to the end of @text. Return: 0, -EINVAL */
static int pick_decimal(const char *text, size_t len, uint64_t *ret)
{
	uint64_t value = 0;

	if (len == 0 || len > 15)
		return -EINVAL;
	for (size_t i = 0; i < len; i++) {
		if (text[i] < '0' || text[i] > '9')
			return -EINVAL;
		value = value * 10 + (uint64_t)(text[i] - '0');
	}
	*ret = value;
	return 0;
}

static int take_text(struct tar_reader *r, char to[TAR_PATH_MAX_B + 1], const char *value,
		     size_t len)
{
	if (len > TAR_PATH_MAX_B)
		return refuse(r, "a name is too long");
	if (memchr(value, '\0', len))
		return refuse(r, "a name has a NUL in it");
	memcpy(to, value, len);
	to[len] = '\0';
	return 0;
}

static int take_record(struct tar_reader *r, const char *key, size_t key_len, const char *value,
		       size_t len)
{
	struct tar_item *item = &r->item;

#define IS(name) (key_len == sizeof(name) - 1 && memcmp(key, name, sizeof(name) - 1) == 0)
	if (IS("path") || IS("GNU.sparse.name"))
		return take_text(r, r->path, value, len);
	if (IS("linkpath"))
		return take_text(r, r->link, value, len);
	if (IS("GNU.sparse.major"))
		item->sparse = true;
	else if (IS("IRONCLAW.deleted"))
		item->deleted = true;
	else if (IS("IRONCLAW.opaque"))
		item->opaque = true;
	else if (IS("GNU.sparse.realsize") && pick_decimal(value, len, &item->size) < 0)
		return refuse(r, "the size of a file with holes is no number");
	else if (!IS("GNU.sparse.realsize") && !IS("GNU.sparse.minor"))
		return refuse(r, "an extended header holds a record that is not used here");
#undef IS
	return 0;
}

static int read_records(struct tar_reader *r, const char *text, size_t len)
{
	while (len > 0) {
		const char *blank = memchr(text, ' ', len);
		const char *equals = memchr(text, '=', len);
		uint64_t n;
		int e;

		if (!blank || !equals || equals < blank ||
		    pick_decimal(text, (size_t)(blank - text), &n) < 0 || n > len ||
		    (size_t)(equals - text) + 2 > n || text[n - 1] != '\n')
			return refuse(r, "an extended header is malformed");
		e = take_record(r, blank + 1, (size_t)(equals - blank) - 1, equals + 1,
				n - (size_t)(equals - text) - 2);
		if (e < 0)
			return e;
		text += n;
		len -= n;
	}
	return 0;
}

static int refuse_type(struct tar_reader *r, uint8_t type)
{
	switch (type) {
	case '1':
		return refuse(r, "a hard link");
	case '3':
	case '4':
		return refuse(r, "a device");
	case '6':
		return refuse(r, "a FIFO");
	case 'g':
		return refuse(r, "a global extended header");
	case 'L':
	case 'K':
		return refuse(r, "a long name of the GNU kind");
	case 'S':
		return refuse(r, "a sparse file of the old GNU kind");
	default:
		return refuse(r, "an entry of a type that is not used here");
	}
}

/* An extended header at r->head: reads its records and the header that they are about. */
static int read_extended(struct tar_reader *r)
{
	uint64_t n = pick_octal(r->head + AT_SIZE, 12);
	size_t padded = n + tar_padding(n);
	int e;

	if (n == 0 || n > TAR_PAX_MAX_B)
		return refuse(r, "an extended header is empty or too long");
	e = read_all(r, r->head + TAR_BLOCK_B, padded + TAR_BLOCK_B);
	if (e < 0)
		return e;
	r->head_length = TAR_BLOCK_B + padded + TAR_BLOCK_B;
	return read_records(r, (const char *)r->head + TAR_BLOCK_B, n);
}

/* Fills r->item from r->head, whose first block is there. */
static int read_item(struct tar_reader *r)
{
	const uint8_t *h = r->head;
	ssize_t n;
	int e = 0;

	r->item = (struct tar_item){.path = r->path};
	r->path[0] = r->link[0] = '\0';
	r->head_length = TAR_BLOCK_B;
	if (h[AT_TYPE] == 'x')
		e = read_extended(r);
	if (e < 0)
		return e;
	h += r->head_length - TAR_BLOCK_B;
	if (r->path[0] == '\0')
		e = take_text(r, r->path, (const char *)h, strnlen((const char *)h, NAME_B));
	if (e < 0)
		return e;
	if (h[AT_TYPE] != TAR_FILE && h[AT_TYPE] != TAR_LINK && h[AT_TYPE] != TAR_DIR)
		return refuse_type(r, h[AT_TYPE]);
	r->item.type = (enum tar_type)h[AT_TYPE];
	r->item.mode = (uint32_t)pick_octal(h + AT_MODE, 8);
	r->item.mtime_s = pick_octal(h + AT_MTIME, 12);
	r->item.stored = pick_octal(h + AT_SIZE, 12);
	if (!r->item.sparse)
		r->item.size = r->item.stored;
	if (r->item.type == TAR_LINK) {
		if (r->link[0] == '\0')
			e = take_text(r, r->link, (const char *)h + AT_LINK,
				      strnlen((const char *)h + AT_LINK, NAME_B));
		if (e < 0)
			return e;
		r->item.link = r->link;
	}
	if (tar_path_check(r->path))
		return refuse(r, tar_path_check(r->path));
	n = tar_encode(&r->item, r->again);
	if (n < 0 || (size_t)n != r->head_length || memcmp(r->head, r->again, (size_t)n) != 0)
		return refuse(r, "the header is not written as it must be");
	return 0;
}

static int check_place(struct tar_reader *r)
{
	const struct tar_item *item = &r->item;
	int order = r->before[0] ? tar_path_compare(r->before, item->path) : -1;

	if (order == 0 && !(r->limits->again && r->before_is_file && item->type == TAR_FILE))
		return refuse(r, "the path comes twice");
	if (order > 0)
		return refuse(r, "the path is out of order");
	if (r->before[0] && !r->before_is_dir && tar_path_is_below(item->path, r->before))
		return refuse(r, "the path is beneath something that is no folder");
	if ((item->deleted || item->opaque) && !r->limits->changes)
		return refuse(r, "a change in an archive that holds none");
	if (item->size > r->limits->size_max_b)
		return refuse(r, "the file is larger than is allowed");
	if (item->stored > r->limits->stored_max_b - r->stored)
		return refuse(r, "the archive holds more than is allowed");
	r->stored += item->stored;
	(void)snprintf(r->before, sizeof(r->before), "%s", item->path);
	r->before_is_dir = item->type == TAR_DIR;
	r->before_is_file = item->type == TAR_FILE && !item->deleted;
	return 0;
}

/*
 * Reads the map of a file with holes into r->map, a block at a time, and its numbers into
 * r->extents. Sets *@ret_length to what it takes in the archive.
 */
static int read_map(struct tar_reader *r, size_t *ret_length)
{
	uint64_t wanted = 1, n = 0, last[2] = {0};
	size_t length = 0, at = 0, from = 0;

	r->n_extents = 0;
	while (n < wanted) {
		if (at == length) {
			int e;

			if (length + TAR_BLOCK_B > r->item.stored ||
			    length + TAR_BLOCK_B > TAR_MAP_MAX_B)
				return refuse(r, "the map of a file with holes is too long");
			e = read_all(r, r->map + length, TAR_BLOCK_B);
			if (e < 0)
				return e;
			length += TAR_BLOCK_B;
		}
		if (r->map[at++] != '\n')
			continue;
		if (pick_decimal((const char *)r->map + from, at - 1 - from, &last[n++ % 2]) < 0)
			return refuse(r, "the map of a file with holes is malformed");
		from = at;
		if (n == 1) {
			if (last[0] > TAR_EXTENTS_MAX)
				return refuse(r, "a file has too many holes");
			wanted += 2 * last[0];
		} else if (n % 2 == 1) {
			r->extents[r->n_extents++] = (struct tar_extent){last[1], last[0]};
		}
	}
	*ret_length = length;
	return 0;
}

/* Holds the map against the one that tar_encode_map() makes of it, and against the header. */
static int check_map(struct tar_reader *r, size_t length)
{
	uint64_t sum = length;
	ssize_t n;

	/* The last piece may be the mark of a hole at the end. */
	if (r->n_extents > 0 && r->extents[r->n_extents - 1].length == 0)
		r->n_extents--;
	n = tar_encode_map(r->extents, r->n_extents, r->item.size, r->map_again);
	if (n < 0 || (size_t)n != length || memcmp(r->map, r->map_again, length) != 0)
		return refuse(r, "the map of a file with holes is not as it must be");
	for (size_t i = 0; i < r->n_extents; i++)
		sum += r->extents[i].length;
	if (sum != r->item.stored)
		return refuse(r, "the map of a file with holes does not fit its header");
	return 0;
}

static int read_piece(struct tar_reader *r, uint64_t offset, uint64_t length)
{
	while (length > 0) {
		size_t n = length < TAR_CHUNK_B ? (size_t)length : TAR_CHUNK_B;
		int e = read_all(r, r->chunk, n);

		if (e == 0)
			e = r->sink->data(r->sink->ctx, offset, r->chunk, n);
		if (e < 0)
			return e;
		offset += n;
		length -= n;
	}
	return 0;
}

static int read_padding(struct tar_reader *r)
{
	unsigned int n = tar_padding(r->item.stored);
	int e = read_all(r, r->chunk, n);

	if (e == 0 && !is_zero(r->chunk, n))
		e = refuse(r, "there are bytes between two entries");
	return e;
}

static int read_content(struct tar_reader *r)
{
	size_t length = 0;
	int e = 0;

	if (!r->item.sparse) {
		e = read_piece(r, 0, r->item.stored);
	} else {
		e = read_map(r, &length);
		if (e == 0)
			e = check_map(r, length);
		for (size_t i = 0; e == 0 && i < r->n_extents; i++)
			e = read_piece(r, r->extents[i].offset, r->extents[i].length);
	}
	if (e == 0)
		e = read_padding(r);
	return e < 0 ? e : r->sink->end(r->sink->ctx);
}

static int read_entry(struct tar_reader *r)
{
	int e;

	if (r->entries == r->limits->entries_max)
		return refuse(r, "the archive has more entries than are allowed");
	r->entries++;
	e = read_item(r);
	if (e == 0)
		e = check_place(r);
	if (e == 0)
		e = r->sink->entry(r->sink->ctx, &r->item);
	if (e < 0 || r->item.type != TAR_FILE || r->item.deleted)
		return e;
	return read_content(r);
}

/* One block of zeros is read. */
static int read_end(struct tar_reader *r)
{
	int e = read_all(r, r->head, TAR_BLOCK_B);
	ssize_t n;

	if (e < 0)
		return e;
	if (!is_zero(r->head, TAR_BLOCK_B))
		return refuse(r, "there is something after the end");
	n = r->source->read(r->source->ctx, r->head, 1);
	if (n < 0)
		return (int)n;
	return n == 0 ? 0 : refuse(r, "there is something after the end");
}

int tar_read(struct tar_reader *r, const struct tar_source *source, const struct tar_limits *limits,
	     const struct tar_sink *sink)
{
	r->source = source;
	r->limits = limits;
	r->sink = sink;
	r->entries = r->stored = 0;
	r->before[0] = r->error[0] = r->path[0] = '\0';
	for (;;) {
		int e = read_all(r, r->head, TAR_BLOCK_B);

		if (e < 0)
			return e;
		if (is_zero(r->head, TAR_BLOCK_B))
			return read_end(r);
		e = read_entry(r);
		if (e < 0)
			return e;
	}
}
