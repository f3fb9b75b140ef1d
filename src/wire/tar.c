/* SPDX-License-Identifier: Apache-2.0 */
/* tar.c - what may stand in an archive, and the one way to write it; see tar.h. */
#include "wire/tar.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define NAME_MAX_B     100U /* of the name and the link in a header */
/* In a header whose name stands in a record. */
#define NAME_ELSEWHERE "@path"
#define NAME_RECORDS   "@records"

/* A header's fields: offset, and digits of a number. */
enum {
	AT_NAME = 0,
	AT_MODE = 100,
	AT_UID = 108,
	AT_GID = 116,
	AT_SIZE = 124,
	AT_MTIME = 136,
	AT_SUM = 148,
	AT_TYPE = 156,
	AT_LINK = 157,
	AT_MAGIC = 257,
};

const char *tar_path_check(const char *path)
{
	size_t depth = 0, n;

	if (path[0] == '\0')
		return "the path is empty";
	if (strnlen(path, TAR_PATH_MAX_B + 1) > TAR_PATH_MAX_B)
		return "the path is too long";
	for (;; path += n + 1) {
		n = strcspn(path, "/");
		if (n == 0)
			return "the path has an empty component";
		if (n > TAR_COMPONENT_MAX)
			return "a component of the path is too long";
		if ((n == 1 && path[0] == '.') || (n == 2 && path[0] == '.' && path[1] == '.'))
			return "the path has a component that is '.' or '..'";
		if (++depth > TAR_DEPTH_MAX)
			return "the path is too deep";
		if (path[n] == '\0')
			return NULL;
	}
}

int tar_path_compare(const char *a, const char *b)
{
	const unsigned char *p = (const unsigned char *)a, *q = (const unsigned char *)b;
	unsigned int x, y;

	while (*p && *p == *q) {
		p++;
		q++;
	}
	/* The end comes before '/', and that before all other bytes. */
	x = *p == '\0' ? 0 : *p == '/' ? 1 : *p + 1U;
	y = *q == '\0' ? 0 : *q == '/' ? 1 : *q + 1U;
	return x < y ? -1 : x > y;
}

bool tar_path_is_below(const char *path, const char *folder)
{
	size_t n = strlen(folder);

	return strncmp(path, folder, n) == 0 && path[n] == '/';
}

/* Whether the fields agree with the type; the encoding then says all of it. */
static bool is_consistent(const struct tar_item *item)
{
	if (item->mode > 07777 || item->mtime_s > TAR_STORED_MAX_B || tar_path_check(item->path))
		return false;
	if (item->stored > TAR_STORED_MAX_B || item->size > TAR_SIZE_MAX_B)
		return false;
	if ((item->type == TAR_LINK) != (item->link != NULL))
		return false;
	if (item->type == TAR_FILE && !item->deleted)
		return !item->opaque &&
		       (item->sparse ? item->size > 0 : item->stored == item->size);
	if (item->sparse || item->size || item->stored)
		return false;
	if (item->type == TAR_DIR)
		return !item->deleted;
	if (item->opaque || item->mode)
		return false;
	if (item->type == TAR_LINK)
		return !item->deleted && item->link[0] != '\0' &&
		       strnlen(item->link, TAR_PATH_MAX_B + 1) <= TAR_PATH_MAX_B;
	return item->type == TAR_FILE && item->mtime_s == 0;
}

static void put_number(uint8_t *header, int at, int digits, uint64_t value)
{
	for (int i = digits - 1; i >= 0; i--, value >>= 3)
		header[at + i] = (uint8_t)('0' + (value & 7));
}

/* Without a NUL. Return: its length */
static size_t put_text(uint8_t *at, const char *text)
{
	size_t n = 0;

	for (; text[n]; n++)
		at[n] = (uint8_t)text[n];
	return n;
}

static void put_header(uint8_t *header, const char *name, char type, const char *link)
{
	memset(header, 0, TAR_BLOCK_B);
	(void)put_text(header + AT_NAME, name);
	put_number(header, AT_UID, 7, 0);
	put_number(header, AT_GID, 7, 0);
	header[AT_TYPE] = (uint8_t)type;
	(void)put_text(header + AT_LINK, link);
	(void)put_text(header + AT_MAGIC, "ustar");
	(void)put_text(header + AT_MAGIC + 6, "00");
}

static void put_numbers(uint8_t *header, uint32_t mode, uint64_t size, uint64_t mtime_s)
{
	unsigned int sum = 0;

	put_number(header, AT_MODE, 7, mode);
	put_number(header, AT_SIZE, 11, size);
	put_number(header, AT_MTIME, 11, mtime_s);
	memset(header + AT_SUM, ' ', 8);
	for (size_t i = 0; i < TAR_BLOCK_B; i++)
		sum += header[i];
	put_number(header, AT_SUM, 6, sum);
	header[AT_SUM + 6] = '\0';
}

/* "LENGTH KEY=VALUE\n", where LENGTH counts itself. Return: its length */
static size_t put_record(uint8_t *at, const char *key, const char *value)
{
	size_t rest = 1 + strlen(key) + 1 + strlen(value) + 1, digits = 1, length;
	char number[24];

	for (;; digits++) {
		length = rest + digits;
		if ((size_t)snprintf(number, sizeof(number), "%zu", length) == digits)
			break;
	}
	at += put_text(at, number);
	*at++ = ' ';
	at += put_text(at, key);
	*at++ = '=';
	at += put_text(at, value);
	*at = '\n';
	return length;
}

/* Return: bytes of the records */
static size_t put_records(const struct tar_item *item, uint8_t *at)
{
	size_t n = 0;

	if (item->sparse) {
		char size[24];

		(void)snprintf(size, sizeof(size), "%llu", (unsigned long long)item->size);
		n += put_record(at + n, "GNU.sparse.major", "1");
		n += put_record(at + n, "GNU.sparse.minor", "0");
		n += put_record(at + n, "GNU.sparse.name", item->path);
		n += put_record(at + n, "GNU.sparse.realsize", size);
	} else if (strlen(item->path) > NAME_MAX_B) {
		n += put_record(at + n, "path", item->path);
	}
	if (item->link && strlen(item->link) > NAME_MAX_B)
		n += put_record(at + n, "linkpath", item->link);
	if (item->deleted)
		n += put_record(at + n, "IRONCLAW.deleted", "1");
	if (item->opaque)
		n += put_record(at + n, "IRONCLAW.opaque", "1");
	return n;
}

ssize_t tar_encode(const struct tar_item *item, uint8_t ret[TAR_HEAD_MAX_B])
{
	const char *name = item->path, *link = item->link ? item->link : "";
	size_t n, records;

	if (!is_consistent(item))
		return -EINVAL;
	if (item->sparse || strlen(name) > NAME_MAX_B)
		name = NAME_ELSEWHERE;
	if (strlen(link) > NAME_MAX_B)
		link = NAME_ELSEWHERE;
	records = put_records(item, ret + TAR_BLOCK_B);
	n = 0;
	if (records > 0) {
		put_header(ret, NAME_RECORDS, 'x', "");
		put_numbers(ret, 0, records, 0);
		memset(ret + TAR_BLOCK_B + records, 0, tar_padding(records));
		n = TAR_BLOCK_B + records + tar_padding(records);
	}
	put_header(ret + n, name, (char)item->type, link);
	put_numbers(ret + n, item->mode, item->stored, item->mtime_s);
	return (ssize_t)(n + TAR_BLOCK_B);
}

/* Return: bytes used then */
static size_t put_line(uint8_t *map, size_t used, uint64_t number)
{
	char line[24];
	int n = snprintf(line, sizeof(line), "%llu\n", (unsigned long long)number);

	memcpy(map + used, line, (size_t)n);
	return used + (size_t)n;
}

ssize_t tar_encode_map(const struct tar_extent *extents, size_t n, uint64_t size, uint8_t *ret)
{
	uint64_t at = 0;
	bool hole_at_end;
	size_t used;

	if (n > TAR_EXTENTS_MAX - 1 || size > TAR_SIZE_MAX_B)
		return -EINVAL;
	for (size_t i = 0; i < n; i++) {
		if (extents[i].length == 0 || extents[i].length > size ||
		    extents[i].offset > size - extents[i].length ||
		    (i > 0 && extents[i].offset <= at))
			return -EINVAL;
		at = extents[i].offset + extents[i].length;
	}
	/* GNU tar wants to hear of a hole at the end. */
	hole_at_end = at < size;
	used = put_line(ret, 0, n + hole_at_end);
	for (size_t i = 0; i < n; i++) {
		used = put_line(ret, used, extents[i].offset);
		used = put_line(ret, used, extents[i].length);
	}
	if (hole_at_end) {
		used = put_line(ret, used, size);
		used = put_line(ret, used, 0);
	}
	memset(ret + used, 0, tar_padding(used));
	return (ssize_t)(used + tar_padding(used));
}
