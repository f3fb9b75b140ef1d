/* SPDX-License-Identifier: Apache-2.0 */
/*
 * verified.c - the digest of files; see verified.h.
 *
 * A record is the text of the files' identities followed by the digest. It is trusted because its
 * folder is ours alone (file_open_private), and whoever may write there may write the images too.
 * What it is for is damage: a bad disk, a truncated copy, an edit by mistake.
 */
#include "image/verified.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "sys/file.h"

#define LINE_MAX_B    256U
#define RECORD_MAX_B  (LINE_MAX_B * (VERIFIED_FILES_MAX + 2))
#define RECORD_NAME_B 201U
#define BOOT_ID	      "/proc/sys/kernel/random/boot_id"

/* A change within one tick of the clock leaves ctime as it is: what is that young is not recorded.
 */
#define SETTLED_NS    INT64_C(100000000)

struct text {
	char buf[RECORD_MAX_B];
	size_t len;
};

struct record {
	char name[RECORD_NAME_B];
	int dir_fd;
};

static void append(struct text *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void append(struct text *t, const char *fmt, ...)
{
	size_t room = sizeof(t->buf) - t->len;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(t->buf + t->len, room, fmt, ap);
	va_end(ap);
	ic_assert(n >= 0 && (size_t)n < room);
	t->len += (size_t)n;
}

static bool is_settled(const struct stat *st)
{
	struct timespec now;
	int64_t age_ns;

	(void)clock_gettime(CLOCK_REALTIME, &now);
	age_ns = (now.tv_sec - st->st_ctim.tv_sec) * INT64_C(1000000000) + now.tv_nsec -
		 st->st_ctim.tv_nsec;
	return age_ns > SETTLED_NS;
}

/* Describes the files; *ret_settled says whether this may be recorded. */
static int identify(const int *fds, const struct verified_file *files, size_t n, struct text *ret,
		    bool *ret_settled, struct ironclaw_error *err)
{
	cleanup_free char *boot = NULL;
	size_t boot_len;
	struct stat st;

	ret->len = 0;
	*ret_settled = true;
	if (file_read_bounded(AT_FDCWD, BOOT_ID, 64, &boot, &boot_len) < 0)
		*ret_settled = false;
	append(ret, "1 %s", boot ? boot : "\n");
	for (size_t i = 0; i < n; i++) {
		if (fstat(fds[i], &st) < 0)
			return err_sys(err, errno, "cannot read %s", files[i].path);
		if (!S_ISREG(st.st_mode))
			return err_set(err, IRONCLAW_ERR_INVALID, EINVAL,
				       "%s is not a regular file", files[i].path);
		if (!is_settled(&st))
			*ret_settled = false;
		append(ret,
		       "%.64s %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRId64 ".%09ld %" PRId64
		       ".%09ld\n",
		       files[i].label, (uint64_t)st.st_dev, (uint64_t)st.st_ino,
		       (uint64_t)st.st_size, (int64_t)st.st_mtim.tv_sec, st.st_mtim.tv_nsec,
		       (int64_t)st.st_ctim.tv_sec, st.st_ctim.tv_nsec);
	}
	return 0;
}

static int hash_files(const int *fds, const struct verified_file *files, size_t n,
		      char ret_hex[DIGEST_HEX_B + 1], struct ironclaw_error *err)
{
	char hex[DIGEST_HEX_B + 1];
	struct text list = {.len = 0};
	int r;

	for (size_t i = 0; i < n; i++) {
		r = files[i].sparse ? digest_sparse_fd(fds[i], hex) : digest_fd(fds[i], hex, NULL);
		if (r < 0)
			return err_sys(err, -r, "cannot read %s", files[i].path);
		append(&list, "%s  %.64s\n", hex, files[i].label);
	}
	if (n == 1)
		memcpy(ret_hex, hex, sizeof(hex));
	else
		digest_bytes(list.buf, list.len, ret_hex);
	return 0;
}

static void close_all(int *fds, size_t n)
{
	for (size_t i = 0; i < n; i++)
		close_fd(&fds[i]);
}

/* The recorded digest, if the record is about just these identities. */
static bool recall(const struct record *place, const struct text *identity, char *ret_hex)
{
	cleanup_free char *record = NULL;
	size_t len;

	if (file_read_bounded(place->dir_fd, place->name, RECORD_MAX_B, &record, &len) < 0 ||
	    len != identity->len + DIGEST_HEX_B ||
	    memcmp(record, identity->buf, identity->len) != 0 ||
	    !digest_hex_valid(record + identity->len))
		return false;
	memcpy(ret_hex, record + identity->len, DIGEST_HEX_B + 1);
	return true;
}

static int digest_open_files(const struct record *place, const int *fds,
			     const struct verified_file *files, size_t n, char *ret_hex,
			     struct ironclaw_error *err)
{
	struct text before, after;
	bool settled, still;
	int r;

	r = identify(fds, files, n, &before, &settled, err);
	if (r < 0)
		return r;
	settled = settled && place->dir_fd >= 0;
	if (settled && recall(place, &before, ret_hex))
		return 0;
	r = hash_files(fds, files, n, ret_hex, err);
	if (r < 0)
		return r;
	r = identify(fds, files, n, &after, &still, err);
	if (r < 0)
		return r;
	if (settled && before.len == after.len && memcmp(before.buf, after.buf, after.len) == 0) {
		append(&after, "%s", ret_hex);
		(void)file_write_atomic(place->dir_fd, place->name, after.buf, after.len, 0600);
	}
	return 0;
}

/* Without one when the folder is not ours alone: there is nothing to be trusted or written. */
static void open_record(const struct paths *paths, const char *key, struct record *ret)
{
	cleanup_close int run_fd = file_mkdir_private(paths->run);

	(void)snprintf(ret->name, sizeof(ret->name), "%.200s", key);
	ret->dir_fd = -EBADF;
	if (run_fd >= 0 && (mkdirat(run_fd, "verified", 0700) == 0 || errno == EEXIST))
		ret->dir_fd = file_open_private(run_fd, "verified");
}

int verified_digest(const struct paths *paths, const char *key, const struct verified_file *files,
		    size_t n, char ret_hex[DIGEST_HEX_B + 1], struct ironclaw_error *err)
{
	int fds[VERIFIED_FILES_MAX], r = 0;
	struct record record;
	size_t opened = 0;

	ic_assert(n > 0 && n <= VERIFIED_FILES_MAX);
	open_record(paths, key, &record);
	for (; opened < n; opened++) {
		fds[opened] =
			open(files[opened].path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
		if (fds[opened] < 0) {
			r = err_sys(err, errno, "cannot open %s", files[opened].path);
			break;
		}
	}
	if (r == 0)
		r = digest_open_files(&record, fds, files, n, ret_hex, err);
	close_all(fds, opened);
	close_fd(&record.dir_fd);
	return r;
}

void verified_forget(const struct paths *paths, const char *key)
{
	struct record record;

	open_record(paths, key, &record);
	if (record.dir_fd >= 0)
		(void)unlinkat(record.dir_fd, record.name, 0);
	close_fd(&record.dir_fd);
}

uint64_t verified_sizes(const struct verified_file *files, size_t n)
{
	uint64_t sum = 0;
	struct stat st;

	for (size_t i = 0; i < n; i++) {
		if (stat(files[i].path, &st) == 0)
			sum += (uint64_t)st.st_size;
	}
	return sum;
}
