/* SPDX-License-Identifier: Apache-2.0 */
/*
 * workspace_unpack.c - the copy of a workspace comes into the machine; see workspace.h.
 *
 * The archive's reader has checked order and paths: what an entry lies in was made by the entry
 * before, and is a folder. So no link is ever followed. A folder's time is set when the last of
 * what is in it was made.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "guest/user.h"
#include "guest/workspace.h"
#include "wire/tar.h"

#define INPUT_B 65536U
/* No index, no redirects: what the upper folder holds says all of what changed. */
#define MOUNT_OPTIONS                                                                              \
	"lowerdir=" WORKSPACE_FOLDER "/" WORKSPACE_BASE ",upperdir=" WORKSPACE_FOLDER              \
	"/" WORKSPACE_UPPER ",workdir=" WORKSPACE_FOLDER "/" WORKSPACE_WORK                        \
	",index=off,metacopy=off,redirect_dir=off"

/* A folder that is not left yet. */
struct open_folder {
	size_t path_length;
	uint64_t mtime_s;
};

static struct {
	int base_fd, file_fd;
	struct user user;
	struct tar_item file; /* whose content comes; strings are not used */
	struct open_folder open[TAR_DEPTH_MAX];
	size_t depth;
	char path[TAR_PATH_MAX_B + 1]; /* of the deepest open folder */
} to;

static struct tar_reader reader;

static struct {
	uint8_t bytes[INPUT_B];
	size_t at, end;
} input;

static ssize_t read_archive(void *ctx, void *buf, size_t len)
{
	(void)ctx;
	if (input.at == input.end) {
		ssize_t n = read(STDIN_FILENO, input.bytes, sizeof(input.bytes));

		if (n <= 0)
			return n < 0 ? -errno : 0;
		input.at = 0;
		input.end = (size_t)n;
	}
	if (len > input.end - input.at)
		len = input.end - input.at;
	memcpy(buf, input.bytes + input.at, len);
	input.at += len;
	return (ssize_t)len;
}

static int set_time(const char *path, uint64_t mtime_s)
{
	const struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_sec = (time_t)mtime_s}};

	return utimensat(to.base_fd, path, times, AT_SYMLINK_NOFOLLOW) < 0 ? -errno : 0;
}

/* Leave the folders that @path does not lie in; NULL: all. */
static int leave_folders(const char *path)
{
	while (to.depth > 0 && (!path || !tar_path_is_below(path, to.path))) {
		int r = set_time(to.path, to.open[to.depth - 1].mtime_s);

		if (r < 0)
			return r;
		to.depth--;
		to.path[to.depth > 0 ? to.open[to.depth - 1].path_length : 0] = '\0';
	}
	return 0;
}

static int make_folder(const struct tar_item *item)
{
	if (mkdirat(to.base_fd, item->path, 0700) < 0 ||
	    fchownat(to.base_fd, item->path, to.user.uid, to.user.gid, AT_SYMLINK_NOFOLLOW) < 0 ||
	    fchmodat(to.base_fd, item->path, item->mode & 0777, 0) < 0)
		return -errno;
	memcpy(to.path, item->path, sizeof(to.path));
	to.open[to.depth++] = (struct open_folder){strlen(item->path), item->mtime_s};
	return 0;
}

static int make_link(const struct tar_item *item)
{
	if (symlinkat(item->link, to.base_fd, item->path) < 0 ||
	    fchownat(to.base_fd, item->path, to.user.uid, to.user.gid, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	return set_time(item->path, item->mtime_s);
}

/* One that comes again was made before. */
static int make_file(const struct tar_item *item)
{
	to.file = *item;
	to.file_fd = openat(to.base_fd, item->path,
			    O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	return to.file_fd < 0 ? -errno : 0;
}

static int take_entry(void *ctx, const struct tar_item *item)
{
	int r = leave_folders(item->path);

	(void)ctx;
	if (r < 0)
		return r;
	if (item->type == TAR_DIR)
		return make_folder(item);
	return item->type == TAR_LINK ? make_link(item) : make_file(item);
}

static int take_data(void *ctx, uint64_t offset, const void *data, size_t len)
{
	const uint8_t *p = data;

	(void)ctx;
	while (len > 0) {
		ssize_t n = pwrite(to.file_fd, p, len, (off_t)offset);

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
	const struct timespec times[2] = {{.tv_nsec = UTIME_OMIT},
					  {.tv_sec = (time_t)to.file.mtime_s}};

	(void)ctx;
	/* The size of what ends with a hole; and the time after all that would change it. */
	if (ftruncate(to.file_fd, (off_t)to.file.size) < 0 ||
	    fchown(to.file_fd, to.user.uid, to.user.gid) < 0 ||
	    fchmod(to.file_fd, to.file.mode & 0777) < 0 || futimens(to.file_fd, times) < 0)
		return -errno;
	(void)close(to.file_fd);
	return 0;
}

/* The three folders; all that they hold belongs to nobody but us until the mount. */
static void make_places(int layer_fd, const char *path)
{
	static const char *const names[] = {WORKSPACE_BASE, WORKSPACE_UPPER, WORKSPACE_WORK};
	int fd;

	if (mkdirat(layer_fd, WORKSPACE_FOLDER, 0700) < 0)
		workspace_fail(errno == EEXIST ? "this machine has a workspace already"
					       : "cannot make the folders of the workspace");
	fd = openat(layer_fd, WORKSPACE_FOLDER, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || symlinkat(path, fd, WORKSPACE_AT) < 0)
		workspace_fail("cannot make the folders of the workspace: %s", strerror(errno));
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (mkdirat(fd, names[i], 0755) < 0 ||
		    fchownat(fd, names[i], to.user.uid, to.user.gid, 0) < 0)
			workspace_fail("cannot make the folders of the workspace: %s",
				       strerror(errno));
	}
	to.base_fd = openat(fd, WORKSPACE_BASE, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (to.base_fd < 0)
		workspace_fail("cannot make the folders of the workspace: %s", strerror(errno));
	(void)close(fd);
}

static int is_empty(const char *path)
{
	DIR *dir = opendir(path);
	int n = 0;

	if (!dir)
		return -errno;
	while (n <= 2 && readdir(dir))
		n++;
	(void)closedir(dir);
	return n <= 2; /* "." and ".." */
}

/* The folder to mount at, and those that it lies in. */
static void make_target(const char *path)
{
	char part[TAR_PATH_MAX_B + 2];
	int empty;

	if (path[0] != '/' || strlen(path) > TAR_PATH_MAX_B || tar_path_check(path + 1))
		workspace_fail("the place of a workspace is an absolute path without '.' and '..'");
	for (size_t i = 1; i <= strlen(path); i++) {
		if (path[i] != '/' && path[i] != '\0')
			continue;
		memcpy(part, path, i);
		part[i] = '\0';
		if (mkdir(part, 0755) < 0 && errno != EEXIST)
			workspace_fail("cannot make '%s': %s", part, strerror(errno));
	}
	empty = is_empty(path);
	if (empty < 0)
		workspace_fail("cannot put the workspace at '%s': %s", path, strerror(-empty));
	if (!empty)
		workspace_fail("cannot put the workspace at '%s': the folder of the image is not "
			       "empty",
			       path);
}

static void read_all(void)
{
	static const struct tar_limits limits = {.entries_max = WORKSPACE_ENTRIES_MAX,
						 .size_max_b = TAR_SIZE_MAX_B,
						 .stored_max_b = UINT64_MAX,
						 .again = true};
	static const struct tar_source source = {.read = read_archive};
	static const struct tar_sink sink = {.entry = take_entry,
					     .data = take_data,
					     .end = take_end};
	int r = tar_read(&reader, &source, &limits, &sink);

	if (r == 0)
		r = leave_folders(NULL);
	if (r == -ENOSPC || r == -ENOMEM)
		workspace_fail("the workspace does not fit into the VM: --memory, --overlay");
	if (r == -EBADMSG)
		workspace_fail("the archive is refused: %s", reader.error);
	if (r < 0)
		workspace_fail("cannot make '%s': %s", reader.path, strerror(-r));
}

void workspace_unpack(int layer_fd, const char *path)
{
	(void)umask(0);
	if (user_find(NULL, 0, &to.user) < 0)
		workspace_fail("the image has no default user");
	make_target(path);
	make_places(layer_fd, path);
	read_all();
	/* The options' paths begin in the layer, the target in the root of all commands. */
	if (fchdir(layer_fd) < 0 || mount("overlay", path, "overlay", 0, MOUNT_OPTIONS) < 0)
		workspace_fail("cannot mount the workspace: %s", strerror(errno));
}
