/* SPDX-License-Identifier: Apache-2.0 */
/* queue.c - ask through the queue, and wait; see queue.h. */
#include "approval/queue.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "approval/queue_internal.h"
#include "base/cleanup.h"
#include "base/escape.h"
#include "codec/json.h"
#include "sys/clock.h"
#include "sys/file.h"

#define LOOK_EVERY_NS 200000000
#define ANSWER_MAX_B  2048U

/* The file of an answer. */
struct answer {
	char id[APPROVAL_ID_B + 1], digest[DIGEST_HEX_B + 1];
	char user[APPROVAL_USER_MAX_B], detail[APPROVAL_DETAIL_MAX_B];
	bool yes;
};

static const struct json_field fields[] = {
	{"id", JSON_FIELD_STRING, true, offsetof(struct answer, id), APPROVAL_ID_B + 1, NULL, NULL},
	{"action", JSON_FIELD_STRING, true, offsetof(struct answer, digest), DIGEST_HEX_B + 1, NULL,
	 NULL},
	{"yes", JSON_FIELD_BOOL, true, offsetof(struct answer, yes), 0, NULL, NULL},
	{"user", JSON_FIELD_STRING, false, offsetof(struct answer, user), APPROVAL_USER_MAX_B, NULL,
	 NULL},
	{"detail", JSON_FIELD_STRING, false, offsetof(struct answer, detail), APPROVAL_DETAIL_MAX_B,
	 NULL, NULL},
	{NULL, JSON_FIELD_U64, false, 0, 0, NULL, NULL}};

static int post(int dirfd, const struct queue_entry *entry, const struct approval_card *card)
{
	cleanup_free char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);
	char name[64];
	int r;

	if (!out)
		return -ENOMEM;
	r = queue_entry_write(out, entry, card);
	if (fclose(out) != 0 && r == 0)
		r = -ENOMEM;
	if (r == 0 && (len > QUEUE_ENTRY_MAX_B || card->n_lines > QUEUE_LINES_MAX))
		r = -E2BIG;
	store_name(entry->id, "pending", name);
	return r < 0 ? r : file_write_atomic(dirfd, name, text, len, 0600);
}

/* Return: 0 with the answer; -EAGAIN: none yet, or none that counts */
static int look(int dirfd, const struct queue_entry *entry, struct answer *ret)
{
	struct answer answer = {.id = ""};
	struct violations list = {0};
	char name[64], text[ANSWER_MAX_B + 1];
	cleanup_close int fd = -EBADF;
	struct stat st;
	ssize_t n;

	store_name(entry->id, "answer", name);
	fd = openat(dirfd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? -EAGAIN : -errno;
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_uid != geteuid())
		return -EPERM;
	n = read(fd, text, sizeof(text));
	if (n < 0)
		return -errno;
	if ((size_t)n > ANSWER_MAX_B ||
	    json_decode_object(text, (size_t)n, fields, &answer, &list) < 0)
		return -EBADMSG;
	if (strcmp(answer.id, entry->id) != 0 || strcmp(answer.digest, entry->digest) != 0)
		return -EPERM;
	*ret = answer;
	return 0;
}

static int wait_answer(int dirfd, const struct queue_entry *entry, struct answer *ret)
{
	static const struct timespec pause = {.tv_nsec = LOOK_EVERY_NS};

	for (;;) {
		int r = look(dirfd, entry, ret);

		if (r != -EAGAIN)
			return r;
		if (store_end_over(&entry->end))
			return -ETIMEDOUT;
		(void)nanosleep(&pause, NULL);
	}
}

static void remove_files(int dirfd, const char *id)
{
	char name[64];

	/* The answer last: while the question is there, nobody else takes its id for free. */
	store_name(id, "pending", name);
	(void)unlinkat(dirfd, name, 0);
	store_name(id, "answer", name);
	(void)unlinkat(dirfd, name, 0);
}

static int fill(const struct approval_action *action, uint64_t timeout_ms, struct queue_entry *ret)
{
	time_t now = time(NULL);
	struct tm tm;

	store_id_make(ret->id);
	approval_digest(action, ret->digest);
	(void)snprintf(ret->kind, sizeof(ret->kind), "%s", approval_kind_name(action->kind));
	(void)snprintf(ret->risk, sizeof(ret->risk), "%s",
		       approval_risk_name(approval_risk_of(action)));
	(void)snprintf(ret->target, sizeof(ret->target), "%s", action->target);
	(void)gmtime_r(&now, &tm);
	(void)strftime(ret->asked, sizeof(ret->asked), "%Y-%m-%dT%H:%M:%SZ", &tm);
	ret->pid = (uint64_t)getpid();
	ret->pid_start = queue_pid_start(ret->pid);
	return store_end_in(timeout_ms, &ret->end);
}

int queue_ask(const struct paths *paths, const struct approval_action *action,
	      const struct approval_card *card, uint64_t timeout_ms, struct queue_reply *ret,
	      struct ironclaw_error *err)
{
	cleanup_close int dirfd = store_open(paths, true, err);
	struct queue_entry entry = {.n_lines = 0};
	struct answer answer;
	int r = dirfd < 0 ? dirfd : fill(action, timeout_ms, &entry);

	if (dirfd < 0)
		return r;
	if (r == 0)
		r = post(dirfd, &entry, card);
	if (r == 0)
		r = wait_answer(dirfd, &entry, &answer);
	remove_files(dirfd, entry.id);
	if (r == -ETIMEDOUT)
		return err_set(err, IRONCLAW_ERR_TIMEOUT, ETIMEDOUT, "nobody answered in time");
	if (r < 0)
		return err_sys(err, -r, "the queue of approvals failed");
	*ret = (struct queue_reply){answer.yes, {.how = APPROVAL_BY_QUEUE, .uid = geteuid()}};
	escape_text(ret->by.user, sizeof(ret->by.user), answer.user, strlen(answer.user));
	escape_text(ret->by.detail, sizeof(ret->by.detail), answer.detail, strlen(answer.detail));
	return 0;
}

static int write_answer(int fd, const struct queue_entry *entry, bool yes,
			const struct approval_by *by)
{
	char text[ANSWER_MAX_B];
	cleanup_fclose FILE *out = fmemopen(text, sizeof(text), "w");
	struct json_writer w;

	if (!out)
		return -errno;
	json_write_begin(&w, out);
	json_write_open_object(&w, NULL);
	json_write_string(&w, "id", entry->id);
	json_write_string(&w, "action", entry->digest);
	json_write_bool(&w, "yes", yes);
	if (by->user[0])
		json_write_string(&w, "user", by->user);
	if (by->detail[0])
		json_write_string(&w, "detail", by->detail);
	json_write_close_object(&w);
	if (json_write_end(&w) < 0)
		return -EIO;
	return file_write_full(fd, text, (size_t)ftell(out));
}

int queue_answer(const struct paths *paths, const struct queue_entry *entry, bool yes,
		 const struct approval_by *by, struct ironclaw_error *err)
{
	cleanup_close int dirfd = store_open(paths, false, err);
	cleanup_close int fd = -EBADF;
	char name[64], proc[40];
	int r;

	if (dirfd < 0)
		return dirfd == -ENOENT ? err_set(err, IRONCLAW_ERR_NOT_FOUND, ENOENT,
						  "nothing waits for an answer")
					: dirfd;
	/* Without a name until it is complete. */
	fd = openat(dirfd, ".", O_WRONLY | O_TMPFILE | O_CLOEXEC, 0600);
	r = fd < 0 ? -errno : write_answer(fd, entry, yes, by);
	store_name(entry->id, "answer", name);
	if (fd >= 0)
		(void)snprintf(proc, sizeof(proc), "/proc/self/fd/%d", fd);
	if (r == 0 && linkat(AT_FDCWD, proc, dirfd, name, AT_SYMLINK_FOLLOW) < 0)
		r = -errno;
	if (r == -EEXIST)
		return err_set(err, IRONCLAW_ERR_EXISTS, EEXIST, "it was answered already");
	return r < 0 ? err_sys(err, -r, "cannot store the answer") : 0;
}
