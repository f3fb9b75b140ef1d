/* SPDX-License-Identifier: Apache-2.0 */
/* file.c - small files, whole; see file.h. */
#include "guest/file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int file_read(int dir, const char *path, char *buf, size_t size)
{
	size_t used = 0;
	ssize_t n = 0;
	int fd = openat(dir, path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

	if (fd < 0)
		return -errno;
	while (used + 1 < size && (n = read(fd, buf + used, size - 1 - used)) > 0)
		used += (size_t)n;
	if (n < 0) {
		n = -errno;
		(void)close(fd);
		return (int)n;
	}
	(void)close(fd);
	buf[used] = '\0';
	return (int)used;
}

int file_read_u64(int dir, const char *path, uint64_t *ret)
{
	uint64_t v = 0;
	char buf[32];
	int r = file_read(dir, path, buf, sizeof(buf));

	if (r < 0)
		return r;
	if (buf[0] < '0' || buf[0] > '9')
		return -EINVAL;
	for (const char *s = buf; *s >= '0' && *s <= '9'; s++) {
		if (__builtin_mul_overflow(v, UINT64_C(10), &v) ||
		    __builtin_add_overflow(v, (uint64_t)(*s - '0'), &v))
			return -ERANGE;
	}
	*ret = v;
	return 0;
}

int file_write(int dir, const char *path, const char *text)
{
	size_t len = strlen(text);
	int r = 0, fd = openat(dir, path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
	ssize_t n;

	if (fd < 0)
		return -errno;
	n = write(fd, text, len);
	if (n < 0)
		r = -errno;
	else if ((size_t)n != len)
		r = -EIO;
	(void)close(fd);
	return r;
}

int file_replace(int fd, const char *text)
{
	size_t len = strlen(text);
	ssize_t n = pwrite(fd, text, len, 0);
	struct stat st;

	if (n < 0 || fstat(fd, &st) < 0)
		return -errno;
	if ((size_t)n != len)
		return -ENOSPC;
	/* Most often it is what was there, with other digits. */
	if (st.st_size != (off_t)len && ftruncate(fd, (off_t)len) < 0)
		return -errno;
	return 0;
}
