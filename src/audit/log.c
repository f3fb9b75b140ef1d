/* SPDX-License-Identifier: Apache-2.0 */
/* log.c - append to the audit log; see log.h. */
#include "audit/log.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <sodium.h>

#include "base/cleanup.h"
#include "sys/file.h"

static int tampered(struct ironclaw_error *err, const char *what)
{
	int r = err_set(err, IRONCLAW_ERR_CORRUPT, EBADMSG, "the audit log was changed: %s", what);

	err_hint(err, "ironclaw audit verify");
	return r;
}

static int read_head(int dirfd, struct audit_head *ret)
{
	cleanup_free char *text = NULL;
	size_t len;
	int r = file_read_bounded(dirfd, AUDIT_HEAD_FILE, AUDIT_HEAD_B, &text, &len);

	return r < 0 ? r : audit_head_parse(text, len, ret);
}

/*
 * In its place, by one write of one sector: a kill leaves the old one or the new one, and so does a
 * power cut. (A rename costs 1 ms and more on ext4, which then writes the file out.)
 */
static int write_head(const struct audit_log *log, struct audit_head *head, bool sync,
		      struct ironclaw_error *err)
{
	cleanup_close int fd = openat(log->dirfd, AUDIT_HEAD_FILE,
				      O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	char text[AUDIT_HEAD_B];
	int r = fd < 0 ? -errno : 0;

	audit_head_sign(head, log->secret);
	audit_head_format(head, text);
	if (r == 0)
		r = file_write_full(fd, text, sizeof(text));
	if (r == 0 && sync && fdatasync(fd) < 0)
		r = -errno;
	return r < 0 ? err_sys(err, -r, "cannot write the audit's head") : 0;
}

/* What lies beyond the head, as far as a crash can have left it there. */
struct leftover {
	char bytes[2 * AUDIT_RECORD_MAX_B];
	size_t len;   /* all of it */
	size_t whole; /* of these, in a record that continues the chain */
	struct audit_link link;
};

static int read_leftover(int fd, const struct audit_head *head, struct leftover *ret,
			 struct ironclaw_error *err)
{
	ssize_t n = pread(fd, ret->bytes, sizeof(ret->bytes), (off_t)head->size);
	const char *newline;

	if (n < 0)
		return err_sys(err, errno, "cannot read the audit log");
	ret->len = (size_t)n;
	ret->whole = 0;
	newline = memchr(ret->bytes, '\n', ret->len);
	if (newline) {
		size_t len = (size_t)(newline - ret->bytes);

		if (audit_record_check(ret->bytes, len, &ret->link) < 0 ||
		    ret->link.n != head->n + 1 || strcmp(ret->link.prev, head->hash) != 0)
			return tampered(err, "what follows its head does not belong to it");
		ret->whole = len + 1;
	}
	if (ret->len - ret->whole >= AUDIT_RECORD_MAX_B ||
	    memchr(ret->bytes + ret->whole, '\n', ret->len - ret->whole))
		return tampered(err, "more follows its head than a crash can leave");
	return 0;
}

/* The half is safe in its own file before it leaves the log. */
static int keep_apart(const struct audit_log *log, int fd, const struct leftover *left,
		      const struct audit_head *head, struct ironclaw_error *err)
{
	char name[32];
	int r;

	(void)snprintf(name, sizeof(name), "torn-%" PRIu64, head->n + 1);
	r = file_write_atomic(log->dirfd, name, left->bytes + left->whole, left->len - left->whole,
			      0600);
	if (r == 0 && ftruncate(fd, (off_t)head->size) < 0)
		r = -errno;
	return r < 0 ? err_sys(err, -r, "cannot keep the torn end of the audit log apart") : 0;
}

static uint64_t now_ns(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_REALTIME, &t);
	return (uint64_t)t.tv_sec * 1000000000U + (uint64_t)t.tv_nsec;
}

static int append_record(const struct audit_log *log, int fd, struct audit_head *head,
			 const struct audit_event *event, struct ironclaw_error *err)
{
	bool sync = event->kind == AUDIT_DECISION || event->kind == AUDIT_APPLY ||
		    event->kind == AUDIT_TOOL_CALL;
	char line[AUDIT_RECORD_MAX_B], hash[DIGEST_HEX_B + 1];
	size_t len;
	ssize_t n;
	int r = audit_record_format(event, head->n + 1, now_ns(), head->hash, line, hash);

	if (r < 0)
		return err_set(err, IRONCLAW_ERR_INVALID, -r,
			       "a record of the audit would be too large");
	len = (size_t)r;
	n = write(fd, line, len);
	if (n != (ssize_t)len) {
		r = n < 0 ? -errno : -ENOSPC;
		/* When this fails too, the next writer finds a torn end. */
		if (n > 0)
			(void)!ftruncate(fd, (off_t)head->size);
		return err_sys(err, -r, "cannot write to the audit log");
	}
	if (sync && fdatasync(fd) < 0)
		return err_sys(err, errno, "cannot write to the audit log");
	head->n++;
	head->size += len;
	memcpy(head->hash, hash, sizeof(hash));
	return write_head(log, head, sync, err);
}

static int recover(struct audit_log *log, int fd, struct audit_head *head,
		   const struct leftover *left, struct ironclaw_error *err)
{
	size_t torn = left->len - left->whole;
	struct audit_field fields[2];
	struct audit_event event = {AUDIT_RECOVER, NULL, fields, 0};
	int r;

	if (left->whole) {
		head->n++;
		head->size += left->whole;
		memcpy(head->hash, left->link.hash, sizeof(head->hash));
		fields[event.n_fields++] = audit_number("unsigned_n", head->n);
	}
	if (torn) {
		r = keep_apart(log, fd, left, head, err);
		if (r < 0)
			return r;
		fields[event.n_fields++] = audit_number("torn_bytes", torn);
	}
	if (left->whole) {
		r = write_head(log, head, true, err);
		if (r < 0)
			return r;
	}
	(void)snprintf(log->recovered, sizeof(log->recovered),
		       "a crash had left %s at the end of the audit log",
		       torn && left->whole ? "an unsigned record and half a record"
		       : torn		   ? "half a record"
					   : "an unsigned record");
	return append_record(log, fd, head, &event, err);
}

static bool is_empty(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && st.st_size == 0;
}

static int check_head(const struct audit_log *log, int fd, struct audit_head *ret,
		      struct ironclaw_error *err)
{
	char key[AUDIT_KEY_HEX_B + 1];
	struct stat st;
	int r = read_head(log->dirfd, ret);

	if (r == -ENOENT && is_empty(fd)) {
		*ret = (struct audit_head){.hash = AUDIT_NO_HASH};
		return write_head(log, ret, true, err);
	}
	if (r == -ENOENT)
		return tampered(err, "its head is missing");
	if (r == -EBADMSG)
		return tampered(err, "its head is damaged");
	if (r < 0 || fstat(fd, &st) < 0)
		return err_sys(err, r < 0 ? -r : errno, "cannot read the audit's head");
	(void)sodium_bin2hex(key, sizeof(key), log->secret + 32, 32);
	if (strcmp(key, ret->key) != 0 || !audit_head_signed(ret))
		return tampered(err, "its head is not signed with its key");
	if ((uint64_t)st.st_size < ret->size)
		return tampered(err, "it is shorter than its head says");
	return 0;
}

/* Under the lock. @event NULL: only puts in order. */
static int append_locked(struct audit_log *log, const struct audit_event *event,
			 struct ironclaw_error *err)
{
	cleanup_close int fd =
		openat(log->dirfd, AUDIT_LOG_FILE,
		       O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
	struct audit_head head;
	struct leftover left;
	int r;

	if (fd < 0)
		return err_sys(err, errno, "cannot open the audit log");
	r = check_head(log, fd, &head, err);
	if (r == 0)
		r = read_leftover(fd, &head, &left, err);
	if (r == 0 && left.len > 0)
		r = recover(log, fd, &head, &left, err);
	if (r < 0 || !event)
		return r;
	return append_record(log, fd, &head, event, err);
}

static int under_lock(struct audit_log *log, const struct audit_event *event,
		      struct ironclaw_error *err)
{
	cleanup_close int lock = file_lock(log->dirfd, AUDIT_LOCK_FILE, true);

	if (lock < 0)
		return err_sys(err, -lock, "cannot lock the audit log");
	return append_locked(log, event, err);
}

/* Two first runs at once must not make two keys. */
static int load_key(struct audit_log *log, struct ironclaw_error *err)
{
	cleanup_close int lock = file_lock(log->dirfd, AUDIT_LOCK_FILE, true);
	bool fresh;

	if (lock < 0)
		return err_sys(err, -lock, "cannot lock the audit log");
	fresh = faccessat(log->dirfd, AUDIT_HEAD_FILE, F_OK, AT_SYMLINK_NOFOLLOW) < 0 &&
		faccessat(log->dirfd, AUDIT_LOG_FILE, F_OK, AT_SYMLINK_NOFOLLOW) < 0;
	return audit_key_load(log->dirfd, fresh, log->secret, err);
}

int audit_log_open(const struct paths *paths, struct audit_log *ret, struct ironclaw_error *err)
{
	cleanup(audit_log_close) struct audit_log log = {.dirfd = -EBADF};
	char path[sizeof(paths->data) + 16];
	int r;

	(void)snprintf(path, sizeof(path), "%s/audit", paths->data);
	r = file_mkdir_private(path);
	if (r < 0)
		return err_sys(err, -r, "cannot make the audit's folder '%s'", path);
	log.dirfd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (log.dirfd < 0)
		return err_sys(err, errno, "cannot open the audit's folder '%s'", path);
	r = load_key(&log, err);
	if (r == 0)
		r = under_lock(&log, NULL, err);
	if (r < 0)
		return r;
	*ret = log;
	log.dirfd = -EBADF;
	return 0;
}

int audit_log_append(struct audit_log *log, const struct audit_event *event,
		     struct ironclaw_error *err)
{
	return under_lock(log, event, err);
}

void audit_argv_digest(const struct audit_log *log, const char *const *argv,
		       char ret_hex[DIGEST_HEX_B + 1])
{
	static const char purpose[] = "ironclaw audit argv 1";
	uint8_t key[crypto_auth_hmacsha256_BYTES], mac[crypto_auth_hmacsha256_BYTES];
	crypto_auth_hmacsha256_state state;

	/* The first half of the secret is the seed. */
	(void)crypto_auth_hmacsha256_init(&state, log->secret, 32);
	(void)crypto_auth_hmacsha256_update(&state, (const uint8_t *)purpose, sizeof(purpose));
	(void)crypto_auth_hmacsha256_final(&state, key);
	(void)crypto_auth_hmacsha256_init(&state, key, sizeof(key));
	for (size_t i = 0; argv[i]; i++)
		(void)crypto_auth_hmacsha256_update(&state, (const uint8_t *)argv[i],
						    strlen(argv[i]) + 1);
	(void)crypto_auth_hmacsha256_final(&state, mac);
	(void)sodium_bin2hex(ret_hex, DIGEST_HEX_B + 1, mac, sizeof(mac));
	sodium_memzero(key, sizeof(key));
}

void audit_log_close(struct audit_log *log)
{
	close_fd(&log->dirfd);
	sodium_memzero(log->secret, sizeof(log->secret));
}
