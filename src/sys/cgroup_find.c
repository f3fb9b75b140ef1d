/* SPDX-License-Identifier: Apache-2.0 */
/* cgroup_find.c - mounts of cgroup hierarchies, and the cgroups of a process; see cgroup_find.h. */
#include "sys/cgroup_find.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"

#define READ_FIRST_B 16384U

static const char *const controller_names[CGROUP_CONTROLLERS] = {
	[CGROUP_MEMORY] = "memory",
	[CGROUP_PIDS] = "pids",
	[CGROUP_CPU] = "cpu",
};

struct slice {
	const char *at;
	size_t len;
};

struct mount_line {
	struct slice root, point, type, options;
};

const char *cgroup_controller_name(enum cgroup_controller controller)
{
	return controller_names[controller];
}

/* Takes what stands before the next @end off the front, and @end. */
static bool take_until(struct slice *rest, char end, struct slice *ret)
{
	const char *p = rest->len > 0 ? memchr(rest->at, end, rest->len) : NULL;

	if (!p)
		return false;
	*ret = (struct slice){rest->at, (size_t)(p - rest->at)};
	rest->at = p + 1;
	rest->len -= ret->len + 1;
	return true;
}

static bool slice_is(struct slice s, const char *text)
{
	return s.len == strlen(text) && memcmp(s.at, text, s.len) == 0;
}

/* Whether @name is an item of a list with commas. */
static bool list_has(struct slice list, const char *name)
{
	struct slice item;

	while (take_until(&list, ',', &item)) {
		if (slice_is(item, name))
			return true;
	}
	return slice_is(list, name);
}

static bool is_octal(char c)
{
	return c >= '0' && c <= '7';
}

/* A path in which the kernel wrote blanks, tabs, newlines and backslashes as \ooo. */
static int unescape_path(struct slice s, char ret[CGROUP_PATH_MAX_B])
{
	size_t n = 0;

	if (s.len == 0 || s.at[0] != '/')
		return -EINVAL;
	for (size_t i = 0; i < s.len; i++) {
		unsigned int c = (unsigned char)s.at[i];

		if (c == '\\') {
			if (s.len - i < 4 || !is_octal(s.at[i + 1]) || !is_octal(s.at[i + 2]) ||
			    !is_octal(s.at[i + 3]))
				return -EINVAL;
			c = (unsigned int)(s.at[i + 1] - '0') << 6 |
			    (unsigned int)(s.at[i + 2] - '0') << 3 |
			    (unsigned int)(s.at[i + 3] - '0');
			i += 3;
		}
		if (c == 0 || c > 0xff)
			return -EINVAL;
		if (n + 1 >= CGROUP_PATH_MAX_B)
			return -ENAMETOOLONG;
		ret[n++] = (char)c;
	}
	ret[n] = '\0';
	return 0;
}

/* ID PARENT DEVICE ROOT POINT OPTIONS [TAG...] - TYPE SOURCE SUPER-OPTIONS */
static int split_mount(struct slice line, struct mount_line *ret)
{
	struct slice word;

	for (int i = 0; i < 3; i++) {
		if (!take_until(&line, ' ', &word))
			return -EINVAL;
	}
	if (!take_until(&line, ' ', &ret->root) || !take_until(&line, ' ', &ret->point))
		return -EINVAL;
	do {
		if (!take_until(&line, ' ', &word))
			return -EINVAL;
	} while (!slice_is(word, "-"));
	/* The source may be empty. */
	if (!take_until(&line, ' ', &ret->type) || !take_until(&line, ' ', &word))
		return -EINVAL;
	ret->options = line;
	return 0;
}

static int set_mount(struct cgroup_hierarchy *h, const struct mount_line *mount)
{
	int r;

	if (h->mount[0])
		return 0;
	r = unescape_path(mount->root, h->root);
	return r < 0 ? r : unescape_path(mount->point, h->mount);
}

static int add_mount(struct cgroup_host *host, const struct mount_line *mount)
{
	int r = 0;

	if (slice_is(mount->type, "cgroup2"))
		return set_mount(&host->v2, mount);
	if (!slice_is(mount->type, "cgroup"))
		return 0;
	for (int c = 0; r == 0 && c < CGROUP_CONTROLLERS; c++) {
		if (list_has(mount->options, controller_names[c]))
			r = set_mount(&host->v1[c], mount);
	}
	return r;
}

int cgroup_parse_mounts(const char *text, size_t len, struct cgroup_host *host)
{
	struct cgroup_host found = *host;
	struct slice rest = {text, len}, line;
	struct mount_line mount;
	int r;

	while (take_until(&rest, '\n', &line)) {
		r = split_mount(line, &mount);
		if (r == 0)
			r = add_mount(&found, &mount);
		if (r < 0)
			return r;
	}
	/* A last line without its end was cut. */
	if (rest.len > 0)
		return -EINVAL;
	*host = found;
	return 0;
}

/* The kernel escapes nothing here: no name of a cgroup holds a newline. */
static int set_own(struct cgroup_hierarchy *h, struct slice path)
{
	if (path.len == 0 || path.at[0] != '/' || memchr(path.at, '\0', path.len))
		return -EINVAL;
	if (path.len >= CGROUP_PATH_MAX_B)
		return -ENAMETOOLONG;
	memcpy(h->own, path.at, path.len);
	h->own[path.len] = '\0';
	return 0;
}

/* NUMBER:CONTROLLERS:PATH; v2 is number 0 without controllers. */
static int add_own(struct cgroup_host *host, struct slice line)
{
	struct slice number, controllers;
	int r = 0;

	if (!take_until(&line, ':', &number) || !take_until(&line, ':', &controllers))
		return -EINVAL;
	if (slice_is(number, "0"))
		return controllers.len == 0 ? set_own(&host->v2, line) : -EINVAL;
	for (int c = 0; r == 0 && c < CGROUP_CONTROLLERS; c++) {
		if (list_has(controllers, controller_names[c]))
			r = set_own(&host->v1[c], line);
	}
	return r;
}

int cgroup_parse_own(const char *text, size_t len, struct cgroup_host *host)
{
	struct cgroup_host found = *host;
	struct slice rest = {text, len}, line;
	int r;

	while (take_until(&rest, '\n', &line)) {
		r = add_own(&found, line);
		if (r < 0)
			return r;
	}
	if (rest.len > 0)
		return -EINVAL;
	*host = found;
	return 0;
}

/* A file of /proc has no size: read until its end, into a buffer that doubles up to the limit. */
static int read_proc(const char *path, char **ret, size_t *ret_len)
{
	cleanup_close int fd = open(path, O_RDONLY | O_CLOEXEC);
	cleanup_free char *buf = NULL;
	size_t size = 0, len = 0;

	if (fd < 0)
		return -errno;
	for (;;) {
		ssize_t n;

		if (len == size) {
			char *more;

			if (size >= CGROUP_MOUNTINFO_MAX_B)
				return -EFBIG;
			size = size > 0 ? 2 * size : READ_FIRST_B;
			more = realloc(buf, size);
			if (!more)
				return -ENOMEM;
			buf = more;
		}
		n = read(fd, buf + len, size - len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		len += (size_t)n;
	}
	*ret = take_ptr(buf);
	*ret_len = len;
	return 0;
}

int cgroup_find_own(pid_t pid, struct cgroup_host *ret)
{
	cleanup_free char *text = NULL;
	char path[32];
	size_t len;
	int r;

	if (pid == 0)
		(void)snprintf(path, sizeof(path), "/proc/self/cgroup");
	else
		(void)snprintf(path, sizeof(path), "/proc/%d/cgroup", (int)pid);
	r = read_proc(path, &text, &len);
	if (r < 0)
		return r;
	memset(ret, 0, sizeof(*ret));
	return cgroup_parse_own(text, len, ret);
}

int cgroup_find(struct cgroup_host *ret)
{
	cleanup_free char *text = NULL;
	size_t len;
	int r = read_proc("/proc/self/mountinfo", &text, &len);

	if (r == 0)
		r = cgroup_find_own(0, ret);
	if (r == 0)
		r = cgroup_parse_mounts(text, len, ret);
	return r;
}
