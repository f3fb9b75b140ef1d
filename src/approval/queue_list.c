/* SPDX-License-Identifier: Apache-2.0 */
/* queue_list.c - which questions wait; see queue.h. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "approval/queue_internal.h"
#include "base/cleanup.h"
#include "sys/file.h"

/* Fields of /proc/PID/stat after the name, which ends with the last bracket. */
#define STAT_START_FIELD 20

uint64_t queue_pid_start(uint64_t pid)
{
	char path[40], text[1024], *at;
	cleanup_close int fd = -EBADF;
	ssize_t n;

	(void)snprintf(path, sizeof(path), "/proc/%" PRIu64 "/stat", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	if (n <= 0)
		return 0;
	text[n] = '\0';
	at = strrchr(text, ')');
	for (int i = 0; at && i < STAT_START_FIELD; i++)
		at = strchr(at + 1, ' ');
	return at ? strtoull(at + 1, NULL, 10) : 0;
}

bool queue_over(const struct queue_entry *entry)
{
	return store_end_over(&entry->end) || entry->pid_start == 0 ||
	       queue_pid_start(entry->pid) != entry->pid_start;
}

static int read_entry(int dirfd, const char *id, struct queue_entry *ret)
{
	cleanup_free char *text = NULL;
	char name[64];
	size_t len;
	int r;

	store_name(id, "pending", name);
	r = file_read_bounded(dirfd, name, QUEUE_ENTRY_MAX_B, &text, &len);
	if (r == 0)
		r = queue_entry_parse(text, len, ret);
	if (r == 0 && strcmp(ret->id, id) != 0) {
		queue_entry_done(ret);
		r = -EBADMSG;
	}
	return r;
}

/* "ID.WHAT" into the two. */
static bool split(const char *name, char ret_id[APPROVAL_ID_B + 1], const char **ret_what)
{
	if (strlen(name) <= APPROVAL_ID_B + 1 || name[APPROVAL_ID_B] != '.')
		return false;
	memcpy(ret_id, name, APPROVAL_ID_B);
	ret_id[APPROVAL_ID_B] = '\0';
	*ret_what = name + APPROVAL_ID_B + 1;
	return store_id_valid(ret_id);
}

static bool grant_over(int dirfd, const char *name)
{
	cleanup_free char *text = NULL;
	struct store_grant grant;
	size_t len;
	int r = file_read_bounded(dirfd, name, QUEUE_ENTRY_MAX_B, &text, &len);

	return r == 0 && (store_grant_parse(text, len, &grant) < 0 || store_end_over(&grant.end));
}

/* Whether @id waits; what is over goes. */
static bool waits(int dirfd, const char *name, const char *id, const char *what)
{
	struct queue_entry entry;
	bool over;

	if (strcmp(what, "grant") == 0) {
		if (grant_over(dirfd, name))
			(void)unlinkat(dirfd, name, 0);
		return false;
	}
	if (strcmp(what, "pending") != 0)
		return false;
	if (read_entry(dirfd, id, &entry) < 0)
		return false;
	over = queue_over(&entry);
	queue_entry_done(&entry);
	if (over) {
		char answer[64];

		store_name(id, "answer", answer);
		(void)unlinkat(dirfd, name, 0);
		(void)unlinkat(dirfd, answer, 0);
	}
	return !over;
}

int queue_list(const struct paths *paths, char (**ret)[APPROVAL_ID_B + 1], size_t *ret_n,
	       struct ironclaw_error *err)
{
	cleanup_free char(*ids)[APPROVAL_ID_B + 1] = calloc(QUEUE_LIST_MAX, sizeof(*ids));
	cleanup_closedir DIR *dir = NULL;
	struct dirent *e;
	size_t n = 0;
	int fd = store_open(paths, false, err);

	if (fd == -ENOENT) {
		*ret = NULL;
		*ret_n = 0;
		return 0;
	}
	if (fd < 0)
		return fd;
	dir = fdopendir(fd);
	if (!dir || !ids) {
		if (!dir)
			close_fd(&fd);
		return err_sys(err, ENOMEM, "cannot list the approvals");
	}
	while (n < QUEUE_LIST_MAX && (e = readdir(dir)) != NULL) {
		const char *what;

		if (split(e->d_name, ids[n], &what) && waits(dirfd(dir), e->d_name, ids[n], what))
			n++;
	}
	*ret = take_ptr(ids);
	*ret_n = n;
	return 0;
}

int queue_find(const struct paths *paths, const char *id, struct queue_entry *ret,
	       struct ironclaw_error *err)
{
	cleanup_close int dirfd = -EBADF;
	struct queue_entry entry;
	int r;

	if (!store_id_valid(id))
		return err_set(err, IRONCLAW_ERR_INVALID, EINVAL,
			       "'%s' is no id of an approval: %u of [0-9a-f]", id, APPROVAL_ID_B);
	dirfd = store_open(paths, false, err);
	if (dirfd < 0 && dirfd != -ENOENT)
		return dirfd;
	r = dirfd < 0 ? -ENOENT : read_entry(dirfd, id, &entry);
	if (r == 0 && queue_over(&entry)) {
		queue_entry_done(&entry);
		r = -ENOENT;
	}
	if (r == -ENOENT)
		return err_set(err, IRONCLAW_ERR_NOT_FOUND, ENOENT, "no approval '%s' waits", id);
	if (r < 0)
		return err_set(err, IRONCLAW_ERR_CORRUPT, -r, "the question '%s' is damaged", id);
	*ret = entry;
	return 0;
}
