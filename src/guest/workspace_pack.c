/* SPDX-License-Identifier: Apache-2.0 */
/*
 * workspace_pack.c - what changed in a workspace goes out of the machine; see workspace.h.
 *
 * The upper folder of the overlay is walked, for it holds just that: what was written as it is now,
 * a device 0:0 where something was deleted, and a mark on folders that hide what was beneath them.
 * The names of a folder are read at once, to be sorted; they are the only memory that grows, and
 * their number ends at that of the archive's entries.
 *
 * Nothing else should write there now. If something does, what a file lost meanwhile is zeros.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "guest/workspace.h"
#include "wire/tar.h"

#define OUT_B	      262144U
#define NOTICES_MAX   16U
#define NOTICE_NAME_B 256U
#define OPAQUE_XATTR  "trusted.overlay.opaque"

static struct {
	uint8_t bytes[OUT_B], head[TAR_HEAD_MAX_B], map[TAR_MAP_MAX_B];
	size_t used;
	struct tar_extent extents[TAR_EXTENTS_MAX];
	char path[TAR_PATH_MAX_B + 2], link[TAR_PATH_MAX_B + 1];
	size_t path_length;
	uint32_t names;	  /* read so far */
	uint32_t notices; /* of what was left out */
} out;

static const uint8_t zeros[TAR_END_B];

static void flush(void)
{
	size_t at = 0;

	while (at < out.used) {
		ssize_t n = write(STDOUT_FILENO, out.bytes + at, out.used - at);

		if (n < 0)
			workspace_fail("cannot send the workspace: %s", strerror(errno));
		at += (size_t)n;
	}
	out.used = 0;
}

static void put(const void *data, size_t len)
{
	const uint8_t *p = data;

	while (len > 0) {
		size_t n = len < OUT_B - out.used ? len : OUT_B - out.used;

		memcpy(out.bytes + out.used, p, n);
		out.used += n;
		p += n;
		len -= n;
		if (out.used == OUT_B)
			flush();
	}
}

/* A line stays a line; the host escapes the rest. */
static void leave_out(const char *why)
{
	char name[NOTICE_NAME_B + 1];
	size_t n = 0;

	if (++out.notices > NOTICES_MAX)
		return;
	for (; out.path[n] && n < NOTICE_NAME_B; n++)
		name[n] = (char)(out.path[n] == '\n' ? '?' : out.path[n]);
	name[n] = '\0';
	(void)dprintf(STDERR_FILENO, "left out, %s: %s%s\n", why, name, out.path[n] ? "..." : "");
}

static void put_item(struct tar_item *item)
{
	ssize_t n;

	item->path = out.path;
	n = tar_encode(item, out.head);
	if (n < 0)
		workspace_fail("cannot send '%s': no archive can hold it", out.path);
	put(out.head, (size_t)n);
}

static uint64_t time_of(const struct stat *st)
{
	if (st->st_mtime < 0)
		return 0;
	/* What eleven octal digits hold. */
	return (uint64_t)st->st_mtime < TAR_STORED_MAX_B ? (uint64_t)st->st_mtime
							 : TAR_STORED_MAX_B;
}

/* Where the data of a file is; holes beyond so many are taken for data. */
static size_t find_extents(int fd, uint64_t size)
{
	uint64_t at = 0;
	size_t n = 0;

	while (at < size) {
		off_t data = lseek(fd, (off_t)at, SEEK_DATA), hole;

		if (data < 0 && errno == ENXIO)
			break;
		if (data < 0)
			workspace_fail("cannot read '%s': %s", out.path, strerror(errno));
		if ((uint64_t)data >= size)
			break;
		hole = lseek(fd, data, SEEK_HOLE);
		at = hole < 0 || (uint64_t)hole > size || n == TAR_EXTENTS_MAX - 2 ? size
										   : (uint64_t)hole;
		out.extents[n++] = (struct tar_extent){(uint64_t)data, at - (uint64_t)data};
	}
	return n;
}

static void put_piece(int fd, const struct tar_extent *piece)
{
	uint64_t at = piece->offset, left = piece->length;

	while (left > 0) {
		size_t room = OUT_B - out.used, want = left < room ? (size_t)left : room;
		ssize_t n = pread(fd, out.bytes + out.used, want, (off_t)at);

		if (n < 0)
			workspace_fail("cannot read '%s': %s", out.path, strerror(errno));
		if (n == 0) {
			memset(out.bytes + out.used, 0, want);
			n = (ssize_t)want;
		}
		out.used += (size_t)n;
		at += (uint64_t)n;
		left -= (uint64_t)n;
		if (out.used == OUT_B)
			flush();
	}
}

static void put_content(int fd, const struct stat *st)
{
	struct tar_item item = {.type = TAR_FILE,
				.mode = st->st_mode & 07777,
				.mtime_s = time_of(st),
				.size = (uint64_t)st->st_size};
	ssize_t map = 0;
	size_t n;

	if (item.size > TAR_SIZE_MAX_B) {
		leave_out("too large");
		return;
	}
	n = find_extents(fd, item.size);
	for (size_t i = 0; i < n; i++)
		item.stored += out.extents[i].length;
	item.sparse = item.stored != item.size;
	if (item.sparse) {
		map = tar_encode_map(out.extents, n, item.size, out.map);
		if (map < 0)
			workspace_fail("cannot read '%s': it changes meanwhile", out.path);
		item.stored += (uint64_t)map;
	}
	if (item.stored > TAR_STORED_MAX_B) {
		leave_out("too large");
		return;
	}
	put_item(&item);
	put(out.map, (size_t)map);
	for (size_t i = 0; i < n; i++)
		put_piece(fd, &out.extents[i]);
	put(zeros, tar_padding(item.stored));
}

static int open_in(int dir_fd, const char *name, int flags)
{
	int fd = openat(dir_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | flags);

	if (fd < 0)
		workspace_fail("cannot read '%s': %s", out.path, strerror(errno));
	return fd;
}

static void put_file(int dir_fd, const char *name)
{
	int fd = open_in(dir_fd, name, 0);
	struct stat st;

	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		workspace_fail("cannot read '%s': it changes meanwhile", out.path);
	put_content(fd, &st);
	(void)close(fd);
}

static void put_link(int dir_fd, const char *name, const struct stat *st)
{
	ssize_t n = readlinkat(dir_fd, name, out.link, sizeof(out.link));

	if (n <= 0 || (size_t)n == sizeof(out.link)) {
		leave_out("the target of the link is too long");
		return;
	}
	out.link[n] = '\0';
	put_item(&(struct tar_item){.type = TAR_LINK, .mtime_s = time_of(st), .link = out.link});
}

static void walk(int fd);

static void put_folder(int dir_fd, const char *name, const struct stat *st)
{
	int fd = open_in(dir_fd, name, O_DIRECTORY);
	char mark = 0;

	put_item(&(struct tar_item){
		.type = TAR_DIR,
		.opaque = fgetxattr(fd, OPAQUE_XATTR, &mark, 1) == 1 && mark == 'y',
		.mode = st->st_mode & 07777,
		.mtime_s = time_of(st),
	});
	walk(fd);
}

static void put_entry(int dir_fd, const char *name)
{
	struct stat st;

	if (strncasecmp(out.path, WORKSPACE_RESERVED, sizeof(WORKSPACE_RESERVED) - 1) == 0) {
		leave_out("a reserved name");
		return;
	}
	if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		workspace_fail("cannot read '%s': %s", out.path, strerror(errno));
	if (S_ISREG(st.st_mode))
		put_file(dir_fd, name);
	else if (S_ISDIR(st.st_mode))
		put_folder(dir_fd, name, &st);
	else if (S_ISLNK(st.st_mode))
		put_link(dir_fd, name, &st);
	else if (S_ISCHR(st.st_mode) && st.st_rdev == makedev(0, 0))
		put_item(&(struct tar_item){.type = TAR_FILE, .deleted = true});
	else
		leave_out("a socket, a FIFO or a device");
}

static int by_bytes(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Return: sorted names, which end with NULL */
static char **read_names(DIR *dir)
{
	size_t n = 0, room = 0;
	char **names = NULL;
	const struct dirent *entry;

	do {
		if (n == room) {
			room = room ? 2 * room : 16;
			names = realloc(names, room * sizeof(*names));
			if (!names)
				workspace_fail("no memory for the names of '%s'", out.path);
		}
		names[n] = NULL;
		errno = 0;
		entry = readdir(dir);
		if (!entry && errno)
			workspace_fail("cannot read '%s': %s", out.path, strerror(errno));
		if (!entry || strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		if (++out.names > WORKSPACE_ENTRIES_MAX)
			workspace_fail("more than %u files changed in the workspace",
				       WORKSPACE_ENTRIES_MAX);
		names[n] = strdup(entry->d_name);
		if (!names[n++])
			workspace_fail("no memory for the names of '%s'", out.path);
	} while (entry);
	qsort(names, n, sizeof(*names), by_bytes);
	return names;
}

/* The folder at out.path; takes @fd. Its depth has the archive's limit, as each path is checked. */
static void walk(int fd)
{
	const size_t length = out.path_length;
	DIR *dir = fdopendir(fd);
	char **names;

	if (!dir)
		workspace_fail("cannot read '%s': %s", out.path, strerror(errno));
	names = read_names(dir);
	for (size_t i = 0; names[i]; i++) {
		const int n = snprintf(out.path + length, sizeof(out.path) - length, "%s%s",
				       length > 0 ? "/" : "", names[i]);
		const char *wrong = tar_path_check(out.path);

		out.path_length = length + (size_t)n;
		if (wrong)
			leave_out(wrong);
		else
			put_entry(fd, names[i]);
		out.path[length] = '\0';
		free(names[i]);
	}
	out.path_length = length;
	free(names);
	(void)closedir(dir);
}

void workspace_pack(int layer_fd, const char *path)
{
	char at[TAR_PATH_MAX_B + 2];
	ssize_t n = readlinkat(layer_fd, WORKSPACE_FOLDER "/" WORKSPACE_AT, at, sizeof(at));
	int fd = openat(layer_fd, WORKSPACE_FOLDER "/" WORKSPACE_UPPER,
			O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (n < 0 || (size_t)n != strlen(path) || memcmp(at, path, (size_t)n) != 0 || fd < 0)
		workspace_fail("there is no workspace at '%s'", path);
	walk(fd);
	put(zeros, sizeof(zeros));
	flush();
	if (out.notices > NOTICES_MAX)
		(void)dprintf(STDERR_FILENO, "left out: %u more\n", out.notices - NOTICES_MAX);
}
