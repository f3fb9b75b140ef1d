/* SPDX-License-Identifier: Apache-2.0 */
/*
 * unpack_main.c - the program ironclaw-unpack: a hostile archive in, a stage out.
 *
 *	ironclaw-unpack ENTRIES_MAX DATA_MAX_B UID 0<ARCHIVE 2>ERRORS 3<STAGE
 *
 * Reads the archive that a VM sent and makes a folder of it in which no name comes from the
 * archive: contents are numbered, and names stand in an index (index.h). It confines itself first
 * (unpack_jail.h). It neither allocates nor links anything but the C library.
 *
 * Exit status 0 with a whole stage; 1 with one line on ERRORS, and what is in the stage is garbage.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "wire/tar.h"
#include "workspace/index.h"
#include "workspace/unpack_jail.h"
#include "workspace/workspace_limits.h"

#define OUT_B (256U * 1024U)

struct stage_writer {
	int index_fd, content_fd;
	uint32_t contents;
	uint64_t size; /* of the file that is written now */
	uint64_t index_b;
	size_t used;
	uint8_t out[OUT_B], record[INDEX_RECORD_MAX_B];
	const char *refused; /* what is wrong, beyond the archive's form */
};

static struct stage_writer writer;
static struct tar_reader reader;

static int create(const char *name)
{
	int fd = openat(UNPACK_STAGE, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
			0600);

	return fd < 0 ? -errno : fd;
}

static int write_full(int fd, const uint8_t *data, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, data, len);

		if (n < 0)
			return -errno;
		data += n;
		len -= (size_t)n;
	}
	return 0;
}

static int flush(struct stage_writer *w)
{
	int r = write_full(w->index_fd, w->out, w->used);

	w->used = 0;
	return r;
}

static int put(struct stage_writer *w, const uint8_t *record, size_t len)
{
	int r = len > OUT_B - w->used ? flush(w) : 0;

	w->index_b += len;
	if (w->index_b > INDEX_MAX_B) {
		w->refused = "the names in the archive are too long in all";
		return -EBADMSG;
	}
	memcpy(w->out + w->used, record, len);
	w->used += len;
	return r;
}

static int take_entry(void *ctx, const struct tar_item *item)
{
	struct stage_writer *w = ctx;
	const int has_content = item->type == TAR_FILE && !item->deleted;
	char name[16];
	int r;

	if (strncasecmp(item->path, WORKSPACE_RESERVED, sizeof(WORKSPACE_RESERVED) - 1) == 0) {
		w->refused = "the name is reserved";
		return -EBADMSG;
	}
	r = put(w, w->record,
		index_encode(item, has_content ? w->contents : INDEX_NO_CONTENT, w->record));
	if (r < 0 || !has_content)
		return r;
	(void)snprintf(name, sizeof(name), "%u", w->contents++);
	w->size = item->size;
	w->content_fd = create(name);
	return w->content_fd < 0 ? w->content_fd : 0;
}

static int take_data(void *ctx, uint64_t offset, const void *data, size_t len)
{
	const struct stage_writer *w = ctx;
	const uint8_t *p = data;

	while (len > 0) {
		ssize_t n = pwrite(w->content_fd, p, len, (off_t)offset);

		if (n < 0)
			return -errno;
		p += n;
		offset += (uint64_t)n;
		len -= (size_t)n;
	}
	return 0;
}

static int take_end(void *ctx)
{
	const struct stage_writer *w = ctx;

	/* Whether the last of it is a hole is not asked: the file has its size now. */
	if (ftruncate(w->content_fd, (off_t)w->size) < 0)
		return -errno;
	(void)close(w->content_fd);
	return 0;
}

static ssize_t read_archive(void *ctx, void *buf, size_t len)
{
	ssize_t n = read(UNPACK_ARCHIVE, buf, len);

	(void)ctx;
	return n < 0 ? -errno : n;
}

static int fail(const char *format, const char *a, const char *b)
{
	char line[2 * TAR_PATH_MAX_B];
	int n = snprintf(line, sizeof(line), format, a, b);

	(void)write_full(UNPACK_ERRORS, (const uint8_t *)line,
			 (size_t)n < sizeof(line) ? (size_t)n : sizeof(line));
	return 1;
}

static int unpack(const struct tar_limits *limits)
{
	const struct tar_source source = {read_archive, NULL};
	const struct tar_sink sink = {take_entry, take_data, take_end, &writer};
	int r = tar_read(&reader, &source, limits, &sink);

	if (r == 0)
		r = put(&writer, writer.record,
			index_encode_end((uint32_t)reader.entries, writer.record));
	if (r == 0)
		r = flush(&writer);
	if (r == 0)
		return 0;
	if (r != -EBADMSG)
		return fail("cannot write the stage: %s", strerror(-r), NULL);
	if (reader.entries == 0)
		return fail("%s", reader.error, NULL);
	return fail("%s: '%s'", writer.refused ? writer.refused : reader.error, reader.path);
}

int main(int argc, char **argv)
{
	struct tar_limits limits = {.size_max_b = TAR_SIZE_MAX_B, .changes = true};
	const char *failed;

	if (argc != 4)
		return fail("usage: ironclaw-unpack ENTRIES_MAX DATA_MAX_B UID", NULL, NULL);
	limits.entries_max = strtoull(argv[1], NULL, 10);
	limits.stored_max_b = strtoull(argv[2], NULL, 10);
	failed = unpack_jail_enter((unsigned int)strtoul(argv[3], NULL, 10), limits.size_max_b);
	if (failed)
		return fail("the reader cannot %s: %s", failed, strerror(errno));
	writer.index_fd = create(INDEX_FILE);
	if (writer.index_fd < 0)
		return fail("cannot write the stage: %s", strerror(-writer.index_fd), NULL);
	return unpack(&limits);
}
