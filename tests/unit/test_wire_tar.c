/* SPDX-License-Identifier: Apache-2.0 */
/* test_wire_tar.c - wire/tar.h: what is written is read, and nothing else is. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/error.h"
#include "wire/tar.h"

#define ARCHIVE_MAX_B 2000000U

struct memory {
	uint8_t bytes[ARCHIVE_MAX_B];
	size_t length, at, step; /* at most so many bytes a read */
};

struct heard {
	unsigned int entries, ends;
	uint64_t data_b, last_offset;
	char last[TAR_PATH_MAX_B + 1], link[TAR_PATH_MAX_B + 1];
	struct tar_item item;
};

static struct memory memory;
static struct heard heard;
static struct tar_reader reader;

static ssize_t source_read(void *ctx, void *buf, size_t len)
{
	struct memory *m = ctx;
	size_t n = m->length - m->at;

	n = n < len ? n : len;
	n = n < m->step ? n : m->step;
	memcpy(buf, m->bytes + m->at, n);
	m->at += n;
	return (ssize_t)n;
}

static int sink_entry(void *ctx, const struct tar_item *item)
{
	struct heard *h = ctx;

	h->entries++;
	h->item = *item;
	(void)snprintf(h->last, sizeof(h->last), "%s", item->path);
	(void)snprintf(h->link, sizeof(h->link), "%s", item->link ? item->link : "");
	return 0;
}

static int sink_data(void *ctx, uint64_t offset, const void *data, size_t len)
{
	struct heard *h = ctx;

	(void)data;
	h->data_b += len;
	h->last_offset = offset;
	return 0;
}

static int sink_end(void *ctx)
{
	struct heard *h = ctx;

	h->ends++;
	return 0;
}

static const struct tar_limits changes = {
	.entries_max = 8,
	.size_max_b = 1ULL << 32,
	.stored_max_b = 1ULL << 20,
	.changes = true,
};

static int read_with(const struct tar_limits *limits)
{
	const struct tar_source source = {source_read, &memory};
	const struct tar_sink sink = {sink_entry, sink_data, sink_end, &heard};

	memory.at = 0;
	memset(&heard, 0, sizeof(heard));
	return tar_read(&reader, &source, limits, &sink);
}

static void refused(const char *why)
{
	assert_int_equal(read_with(&changes), -EBADMSG);
	assert_string_equal(reader.error, why);
}

static void empty(void)
{
	memory.length = 0;
	memory.step = SIZE_MAX;
}

static void add_bytes(const void *bytes, size_t len)
{
	assert_true(memory.length + len <= ARCHIVE_MAX_B);
	memcpy(memory.bytes + memory.length, bytes, len);
	memory.length += len;
}

static void add_zeros(size_t len)
{
	assert_true(memory.length + len <= ARCHIVE_MAX_B);
	memset(memory.bytes + memory.length, 0, len);
	memory.length += len;
}

static void add(const struct tar_item *item)
{
	uint8_t head[TAR_HEAD_MAX_B];
	ssize_t n = tar_encode(item, head);

	assert_true(n > 0 && n % TAR_BLOCK_B == 0);
	add_bytes(head, (size_t)n);
}

static void add_file(const char *path, const char *content)
{
	const size_t n = strlen(content);

	add(&(struct tar_item){
		.type = TAR_FILE, .mode = 0644, .size = n, .stored = n, .path = path});
	add_bytes(content, n);
	add_zeros(tar_padding(n));
}

static void add_dir(const char *path)
{
	add(&(struct tar_item){.type = TAR_DIR, .mode = 0755, .path = path});
}

static void add_link(const char *path, const char *target)
{
	add(&(struct tar_item){.type = TAR_LINK, .path = path, .link = target});
}

static void add_end(void)
{
	add_zeros(TAR_END_B);
}

/* A checksum that fits, as a forger would make it. */
static void sum(uint8_t *header)
{
	unsigned int n = 0;
	char text[8];

	memset(header + 148, ' ', 8);
	for (size_t i = 0; i < TAR_BLOCK_B; i++)
		n += header[i];
	(void)snprintf(text, sizeof(text), "%06o", n);
	memcpy(header + 148, text, 7);
}

/* One header of a file "name" without content, changed at one place. */
static uint8_t *forged(void)
{
	empty();
	add_file("name", "");
	return memory.bytes;
}

static void add_records(const char *records, size_t n)
{
	uint8_t *header = memory.bytes + memory.length;
	char size[13];

	add_file("@records", "");
	memset(header + 100, '0', 7);
	header[156] = 'x';
	(void)snprintf(size, sizeof(size), "%011zo", n);
	memcpy(header + 124, size, 12);
	sum(header);
	add_bytes(records, n);
	add_zeros(tar_padding(n));
}

static void test_reads_what_it_wrote(void **state)
{
	char path[300] = "";

	(void)state;
	memset(path, 'd', 150);
	path[150] = '/';
	memset(path + 151, 'f', 140);
	empty();
	add_dir("a");
	add(&(struct tar_item){.type = TAR_FILE, .deleted = true, .path = "a/gone"});
	add_file("a/new", "content");
	add(&(struct tar_item){.type = TAR_DIR, .opaque = true, .mode = 01777, .path = "b"});
	add_file(path, "x");
	add_link("link", path);
	add_end();
	for (size_t step = 1; step < 5000; step = step * 3 + 1) {
		memory.step = step;
		assert_int_equal(read_with(&changes), 0);
		assert_int_equal(heard.entries, 6);
		assert_int_equal(heard.ends, 2);
		assert_int_equal(heard.data_b, 8);
		assert_string_equal(heard.last, "link");
		assert_string_equal(heard.link, path);
	}
}

static void test_holes(void **state)
{
	const struct tar_extent extents[] = {{0, 5}, {1 << 20, 7}};
	static uint8_t map[TAR_MAP_MAX_B];
	struct tar_item item = {
		.type = TAR_FILE, .sparse = true, .mode = 0600, .size = 1ULL << 30, .path = "s"};
	ssize_t n = tar_encode_map(extents, 2, item.size, map);

	(void)state;
	assert_int_equal(n, TAR_BLOCK_B);
	assert_string_equal((const char *)map, "3\n0\n5\n1048576\n7\n1073741824\n0\n");
	empty();
	item.stored = (uint64_t)n + 12;
	add(&item);
	add_bytes(map, (size_t)n);
	add_bytes("hellobigfile", 12);
	add_zeros(tar_padding(12));
	add_end();
	assert_int_equal(read_with(&changes), 0);
	assert_int_equal(heard.data_b, 12);
	assert_int_equal(heard.last_offset, 1 << 20);
	assert_int_equal(heard.item.size, 1ULL << 30);

	/* A18: overlaps, order, sums, 2^62, numbers of another form. */
	for (size_t i = 0; i < 6; i++) {
		static const char *const maps[] = {
			"3\n0\n5\n4\n7\n1073741824\n0\n",
			"3\n1048576\n7\n0\n5\n1073741824\n0\n",
			"3\n0\n5\n1048576\n8\n1073741824\n0\n",
			"3\n0\n5\n4611686018427387904\n7\n1073741824\n0\n",
			"3\n0\n05\n1048576\n7\n1073741824\n0\n",
			"9999\n0\n5\n1048576\n7\n1073741824\n0\n",
		};
		uint8_t *at = memory.bytes + memory.length - TAR_END_B - 2 * TAR_BLOCK_B;

		memset(at, 0, TAR_BLOCK_B);
		memcpy(at, maps[i], strlen(maps[i]));
		assert_int_equal(read_with(&changes), -EBADMSG);
		assert_non_null(strstr(reader.error, "hole"));
	}
}

static void test_names(void **state)
{
	static const char *const bad[] = {"/etc/x", "//x",  "..", "a/..", "a/../b", "./x",
					  "a/./b",  "a//b", "a/", ".",	  "../x"};
	char path[TAR_PATH_MAX_B + 3];
	uint8_t head[TAR_HEAD_MAX_B];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		uint8_t *header = forged();

		assert_non_null(tar_path_check(bad[i]));
		memset(header, 0, 100);
		memcpy(header, bad[i], strlen(bad[i]));
		sum(header);
		refused(tar_path_check(bad[i]));
	}
	sum(forged());
	add_end();
	assert_int_equal(read_with(&changes), 0);

	/* Lengths: 255 and 4095 bytes, 128 deep. */
	memset(path, 'a', sizeof(path));
	path[256] = '\0';
	assert_non_null(tar_path_check(path));
	path[255] = '\0';
	assert_null(tar_path_check(path));
	for (size_t i = 0; i < sizeof(path); i++)
		path[i] = i % 200 == 199 ? '/' : 'a';
	path[TAR_PATH_MAX_B + 1] = '\0';
	assert_non_null(tar_path_check(path));
	path[TAR_PATH_MAX_B] = '\0';
	assert_null(tar_path_check(path));
	assert_true(tar_encode(&(struct tar_item){.type = TAR_LINK, .path = path, .link = path},
			       head) > 0);
	for (size_t i = 0; i < 2 * TAR_DEPTH_MAX; i++)
		path[i] = i % 2 ? '/' : 'a';
	path[2 * TAR_DEPTH_MAX - 1] = '\0';
	assert_null(tar_path_check(path));
	path[2 * TAR_DEPTH_MAX - 1] = '/';
	path[2 * TAR_DEPTH_MAX] = 'a';
	path[2 * TAR_DEPTH_MAX + 1] = '\0';
	assert_non_null(tar_path_check(path));
}

static void test_order(void **state)
{
	static const char *const ordered[] = {"a", "a/b", "a/b/c", "a/b-", "a-", "a.b", "b"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(ordered); i++) {
		for (size_t j = 0; j < ARRAY_SIZE(ordered); j++)
			assert_int_equal(tar_path_compare(ordered[i], ordered[j]),
					 i < j ? -1 : i > j);
	}
	empty();
	add_file("b", "");
	add_file("a", "");
	refused("the path is out of order");
	empty();
	add_file("a", "benign");
	add_file("a", "evil");
	refused("the path comes twice");
	empty();
	add_dir("a");
	add_link("a", "/etc");
	refused("the path comes twice");
	empty();
	add_link("a", "/etc");
	add_file("a/passwd", "");
	refused("the path is beneath something that is no folder");
	empty();
	add(&(struct tar_item){.type = TAR_FILE, .deleted = true, .path = "a"});
	add_file("a/b", "");
	refused("the path is beneath something that is no folder");
}

/* A05, A08, A09, A15, A16, A25 */
static void test_types(void **state)
{
	static const char types[] = "1346789gLKSMVDXNA";

	(void)state;
	for (size_t i = 0; i < sizeof(types); i++) {
		uint8_t *header = forged();

		header[156] = (uint8_t)types[i]; /* and NUL, the old way to say "file" */
		sum(header);
		assert_int_equal(read_with(&changes), -EBADMSG);
		assert_int_equal(heard.entries, 0);
	}
	forged()[156] = '1';
	sum(memory.bytes);
	refused("a hard link");
}

/* Every bit of a header means something: flip each, with the checksum put right and without. */
static void test_every_bit_counts(void **state)
{
	(void)state;
	for (size_t bit = 0; bit < TAR_BLOCK_B * 8; bit++) {
		uint8_t *header = forged();
		const size_t at = bit / 8;
		/* name, mode and time may be others */
		const bool free_field =
			at < 100 || (at >= 100 && at < 107) || (at >= 136 && at < 147);

		add_end();
		header[at] ^= (uint8_t)(1U << (bit % 8));
		assert_int_equal(read_with(&changes), -EBADMSG);
		if (free_field || (at >= 148 && at < 156))
			continue;
		sum(header);
		assert_int_equal(read_with(&changes), -EBADMSG);
	}
	/* the control */
	sum(forged());
	add_end();
	assert_int_equal(read_with(&changes), 0);
}

/* A17: base-256, signs, sizes of what has none. */
static void test_numbers(void **state)
{
	static const uint8_t base256[][12] = {
		{0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1},
		{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff},
		{0x80, 0, 0, 0, 0x80, 0, 0, 0, 0, 0, 0, 0},
	};
	static const char *const text[] = {"-0000000001", "          0", "77777777777",
					   "0000000000 "};

	(void)state;
	for (size_t field = 124; field <= 136; field += 12) {
		for (size_t i = 0; i < ARRAY_SIZE(base256); i++) {
			memcpy(forged() + field, base256[i], 12);
			sum(memory.bytes);
			assert_int_equal(read_with(&changes), -EBADMSG);
		}
	}
	for (size_t i = 0; i < ARRAY_SIZE(text); i++) {
		memcpy(forged() + 124, text[i], 12);
		sum(memory.bytes);
		assert_int_equal(read_with(&changes), -EBADMSG);
	}
	/* 8 GiB are said, nothing comes. */
	memcpy(forged() + 124, "77777777777", 12);
	sum(memory.bytes);
	refused("the file is larger than is allowed");
	empty();
	add_dir("d");
	memcpy(memory.bytes + 124, "00000000010", 12);
	sum(memory.bytes);
	refused("the header is not written as it must be");
}

/* A12, A13, A14, A16 */
static void test_records(void **state)
{
	static const struct {
		const char *text;
		size_t n; /* 0: the length of the text */
	} bad[] = {
		{"13 path=evil\n", 0},	      /* a name that fits the header */
		{"12 size=100\n", 0},	      /* another size than the header's */
		{"13 mtime=1.5\n", 0},	      /* not used here */
		{"19 SCHILY.xattr.x=1\n", 0}, /* A12 */
		{"37 SCHILY.xattr.security.capability=\n", 0},
		{"22 IRONCLAW.deleted=2\n", 0},			       /* another value */
		{"22 IRONCLAW.deleted=1\n22 IRONCLAW.deleted=1\n", 0}, /* twice */
		{"022 IRONCLAW.deleted=1\n", 0}, /* another form of the number */
		{"99 IRONCLAW.deleted=1\n", 0},	 /* too long */
		{"5 IRONCLAW.deleted=1\n", 0},	 /* too short */
		{"18446744073709551615 path=x\n", 0},
		{"22 IRONCLAW.deleted=1", 0}, /* no end */
		{"22IRONCLAW.deleted=1\n", 0},
		{"=1 22\n", 0},
		{"11 path=a\0b\n", 11},		/* NUL in a name */
		{"22 GNU.sparse.major=1\n", 0}, /* one alone */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		empty();
		add_records(bad[i].text, bad[i].n ? bad[i].n : strlen(bad[i].text));
		add_file("name", "");
		add_end();
		assert_int_equal(read_with(&changes), -EBADMSG);
	}
	/* The control: the same helper, a record that may be. */
	empty();
	add_records("22 IRONCLAW.deleted=1\n", 22);
	add(&(struct tar_item){.type = TAR_FILE, .path = "name"});
	add_end();
	assert_int_equal(read_with(&changes), 0);
	assert_true(heard.item.deleted);
	/* Records that are followed by nothing, or by records. */
	empty();
	add_records("22 IRONCLAW.deleted=1\n", 22);
	refused("the archive is cut off");
	add_records("22 IRONCLAW.deleted=1\n", 22);
	assert_int_equal(read_with(&changes), -EBADMSG);
}

/* A19, A26 */
static void test_end(void **state)
{
	size_t whole;

	(void)state;
	empty();
	add_file("a", "content");
	add_end();
	whole = memory.length;
	assert_int_equal(read_with(&changes), 0);
	for (memory.length = 0; memory.length < whole; memory.length++)
		refused("the archive is cut off");
	memory.length = whole;
	add_zeros(1);
	refused("there is something after the end");
	memory.length = whole - TAR_BLOCK_B;
	add_file("b", "");
	add_end();
	refused("there is something after the end");
	/* Bytes in the padding. */
	memory.bytes[TAR_BLOCK_B + 100] = 'x';
	refused("there are bytes between two entries");
}

static void test_limits(void **state)
{
	const struct tar_limits copy = {.entries_max = 8,
					.size_max_b = 100,
					.stored_max_b = 110,
					.again = true};
	char name[2] = "a", big[102] = "";

	(void)state;
	empty();
	for (; name[0] <= 'i'; name[0]++)
		add_file(name, "");
	add_end();
	refused("the archive has more entries than are allowed");
	memset(big, 'x', 101);
	empty();
	add_file("a", big);
	add_end();
	assert_int_equal(read_with(&copy), -EBADMSG);
	big[60] = '\0';
	empty();
	add_file("a", big);
	add_file("b", big);
	add_end();
	assert_int_equal(read_with(&copy), -EBADMSG);
	assert_string_equal(reader.error, "the archive holds more than is allowed");

	/* A copy has no changes, but files that changed while they were read. */
	empty();
	add(&(struct tar_item){.type = TAR_FILE, .deleted = true, .path = "a"});
	add_end();
	assert_int_equal(read_with(&copy), -EBADMSG);
	empty();
	add_file("a", "old");
	add_file("a", "newer");
	add_end();
	assert_int_equal(read_with(&copy), 0);
	assert_int_equal(heard.data_b, 8);
}

static void test_what_cannot_be_written(void **state)
{
	static const struct tar_item bad[] = {
		{.type = TAR_FILE, .path = "a", .size = 1},
		{.type = TAR_FILE, .path = "a", .mode = 010000},
		{.type = TAR_FILE, .path = "a", .link = "b"},
		{.type = TAR_FILE, .path = "a", .opaque = true},
		{.type = TAR_FILE, .path = "a", .deleted = true, .mode = 1},
		{.type = TAR_FILE, .path = "a", .size = 1ULL << 33, .stored = 1ULL << 33},
		{.type = TAR_FILE, .path = "a", .sparse = true, .stored = 512},
		{.type = TAR_DIR, .path = "a", .size = 1, .stored = 1},
		{.type = TAR_DIR, .path = "a", .deleted = true},
		{.type = TAR_LINK, .path = "a", .link = ""},
		{.type = TAR_LINK, .path = "a"},
		{.type = TAR_LINK, .path = "a", .link = "b", .mode = 0777},
		{.type = TAR_DIR, .path = "../a"},
	};
	uint8_t head[TAR_HEAD_MAX_B];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(tar_encode(&bad[i], head), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reads_what_it_wrote),
		cmocka_unit_test(test_holes),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_types),
		cmocka_unit_test(test_every_bit_counts),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_records),
		cmocka_unit_test(test_end),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_what_cannot_be_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
