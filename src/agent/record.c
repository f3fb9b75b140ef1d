/* SPDX-License-Identifier: Apache-2.0 */
/* record.c - the file of a session's record; see record.h. */
#include "agent/record.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "sys/file.h"

static int too_large(const char *path, struct ironclaw_error *err)
{
	return err_set(err, IRONCLAW_ERR_NO_SPACE, EFBIG, "'%s': a record has %u MiB at most", path,
		       RECORD_MAX_B >> 20);
}

int record_create(const char *path, struct record *ret, struct ironclaw_error *err)
{
	struct record record = {.fd = -EBADF};

	if (strlen(path) >= sizeof(record.path))
		return err_sys(err, ENAMETOOLONG, "'%s'", path);
	(void)snprintf(record.path, sizeof(record.path), "%s", path);
	record.fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0600);
	if (record.fd < 0) {
		int r = err_sys(err, errno, "cannot make '%s'", path);

		if (r == -EEXIST)
			err_hint(err, "--resume to go on with that session");
		return r;
	}
	/* Ours alone: nobody else knows of it yet. */
	(void)flock(record.fd, LOCK_EX | LOCK_NB);
	*ret = record;
	return 0;
}

/* All whole lines. */
static int read_lines(int fd, const char *path, char **ret, size_t *ret_len,
		      struct ironclaw_error *err)
{
	cleanup_free char *text = NULL;
	const char *end;
	struct stat st;
	int r;

	if (fstat(fd, &st) < 0)
		return err_sys(err, errno, "cannot read '%s'", path);
	if (!S_ISREG(st.st_mode))
		return err_set(err, IRONCLAW_ERR_INVALID, EINVAL, "'%s' is no file", path);
	if (st.st_size > (off_t)RECORD_MAX_B)
		return too_large(path, err);
	text = malloc((size_t)st.st_size + 1);
	r = text ? file_read_full(fd, text, (size_t)st.st_size) : -ENOMEM;
	if (r < 0)
		return err_sys(err, -r, "cannot read '%s'", path);
	end = memrchr(text, '\n', (size_t)st.st_size);
	*ret_len = end ? (size_t)(end - text) + 1 : 0;
	text[*ret_len] = '\0';
	*ret = take_ptr(text);
	return 0;
}

int record_open(const char *path, struct record *ret, char **ret_text, size_t *ret_len,
		struct ironclaw_error *err)
{
	cleanup_close int fd = -EBADF;
	int r;

	if (strlen(path) >= sizeof(ret->path))
		return err_sys(err, ENAMETOOLONG, "'%s'", path);
	fd = open(path, O_RDWR | O_APPEND | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return err_sys(err, errno, "cannot open '%s'", path);
	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		return err_set(err, IRONCLAW_ERR_BUSY, EBUSY,
			       "'%s': another process goes on with this session", path);
	r = read_lines(fd, path, ret_text, ret_len, err);
	if (r < 0)
		return r;
	*ret = (struct record){.fd = take_fd(&fd), .size_b = *ret_len};
	(void)snprintf(ret->path, sizeof(ret->path), "%s", path);
	return 0;
}

int record_cut(struct record *record, struct ironclaw_error *err)
{
	if (ftruncate(record->fd, (off_t)record->size_b) < 0)
		return err_sys(err, errno, "cannot write '%s'", record->path);
	return 0;
}

int record_read(const char *path, char **ret_text, size_t *ret_len, struct ironclaw_error *err)
{
	cleanup_close int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (fd < 0)
		return err_sys(err, errno, "cannot open '%s'", path);
	return read_lines(fd, path, ret_text, ret_len, err);
}

int record_add(struct record *record, const char *line, struct ironclaw_error *err)
{
	cleanup_free char *whole = NULL;
	size_t len = strlen(line) + 1;
	int r;

	if (record->size_b + len > RECORD_MAX_B)
		return too_large(record->path, err);
	whole = malloc(len);
	if (!whole)
		return err_sys(err, ENOMEM, "cannot write '%s'", record->path);
	memcpy(whole, line, len - 1);
	whole[len - 1] = '\n';
	r = file_write_full(record->fd, whole, len);
	if (r < 0) {
		/* Half a line is cut off when it is read again. */
		return err_sys(err, -r, "cannot write '%s'", record->path);
	}
	record->size_b += len;
	return 0;
}

void record_close(struct record *record)
{
	close_fd(&record->fd);
}
