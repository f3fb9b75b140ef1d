/* SPDX-License-Identifier: Apache-2.0 */
/* store.c - grants in files; see store.h. */
#include "approval/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <sodium.h>

#include "base/cleanup.h"
#include "codec/json.h"
#include "codec/json_write.h"
#include "sys/file.h"

#define GRANT_MAX_B 2048U

static const char *const how_names[] = {"terminal", "queue", "policy", "flag", NULL};

static const struct json_field fields[] = {
	{"id", JSON_FIELD_STRING, true, offsetof(struct store_grant, id), APPROVAL_ID_B + 1, NULL,
	 NULL},
	{"action", JSON_FIELD_STRING, true, offsetof(struct store_grant, digest), DIGEST_HEX_B + 1,
	 NULL, NULL},
	{"how", JSON_FIELD_ENUM, true, offsetof(struct store_grant, by.how), 0, how_names, NULL},
	{"uid", JSON_FIELD_U32, true, offsetof(struct store_grant, by.uid), 0, NULL, NULL},
	{"boot", JSON_FIELD_STRING, true, offsetof(struct store_grant, end.boot), STORE_BOOT_MAX_B,
	 NULL, NULL},
	{"end_ms", JSON_FIELD_U64, true, offsetof(struct store_grant, end.boot_ms), 0, NULL, NULL},
	{NULL, JSON_FIELD_U64, false, 0, 0, NULL, NULL}};

static int now_boot(struct store_end *ret)
{
	cleanup_close int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	struct timespec t;
	ssize_t n = fd < 0 ? -1 : read(fd, ret->boot, sizeof(ret->boot) - 1);

	if (n <= 1 || clock_gettime(CLOCK_BOOTTIME, &t) < 0)
		return -EIO;
	ret->boot[n - 1] = '\0';
	ret->boot_ms = (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
	return 0;
}

int store_end_in(uint64_t ms, struct store_end *ret)
{
	struct store_end end;
	int r = now_boot(&end);

	if (r < 0)
		return r;
	end.boot_ms += ms;
	*ret = end;
	return 0;
}

bool store_end_over(const struct store_end *end)
{
	struct store_end now;

	return now_boot(&now) < 0 || strcmp(now.boot, end->boot) != 0 ||
	       now.boot_ms >= end->boot_ms;
}

int store_open(const struct paths *paths, bool make, struct ironclaw_error *err)
{
	char path[sizeof(paths->run) + 16];
	cleanup_close int fd = -EBADF;
	struct stat st;
	int r;

	(void)snprintf(path, sizeof(path), "%s/approvals", paths->run);
	r = make ? file_mkdir_private(path) : 0;
	if (r < 0)
		return err_sys(err, -r, "cannot make the folder '%s'", path);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT)
		return -ENOENT;
	if (fd < 0 || fstat(fd, &st) < 0)
		return err_sys(err, errno, "cannot open the folder '%s'", path);
	if (st.st_uid != geteuid() || (st.st_mode & 077))
		return err_set(err, IRONCLAW_ERR_SYSTEM, EPERM,
			       "the folder '%s' is not ours alone, so no approval in it counts",
			       path);
	return take_fd(&fd);
}

void store_id_make(char ret[APPROVAL_ID_B + 1])
{
	uint8_t raw[APPROVAL_ID_B / 2];

	randombytes_buf(raw, sizeof(raw));
	(void)sodium_bin2hex(ret, APPROVAL_ID_B + 1, raw, sizeof(raw));
}

bool store_id_valid(const char *id)
{
	size_t len = strnlen(id, APPROVAL_ID_B + 1);

	return len == APPROVAL_ID_B && strspn(id, "0123456789abcdef") == len;
}

void store_name(const char *id, const char *kind, char ret[64])
{
	ic_assert(store_id_valid(id));
	(void)snprintf(ret, 64, "%s.%s", id, kind);
}

int store_grant_write(int dirfd, const struct store_grant *grant)
{
	char text[GRANT_MAX_B], name[64];
	cleanup_fclose FILE *out = fmemopen(text, sizeof(text), "w");
	struct json_writer w;

	if (!out)
		return -errno;
	json_write_begin(&w, out);
	json_write_open_object(&w, NULL);
	json_write_string(&w, "id", grant->id);
	json_write_string(&w, "action", grant->digest);
	json_write_string(&w, "how", how_names[grant->by.how]);
	json_write_u64(&w, "uid", grant->by.uid);
	json_write_string(&w, "boot", grant->end.boot);
	json_write_u64(&w, "end_ms", grant->end.boot_ms);
	json_write_close_object(&w);
	if (json_write_end(&w) < 0)
		return -EIO;
	store_name(grant->id, "grant", name);
	return file_write_atomic(dirfd, name, text, (size_t)ftell(out), 0600);
}

int store_grant_parse(const char *text, size_t len, struct store_grant *ret)
{
	struct violations list = {0};
	struct store_grant grant = {.id = ""};

	if (len > GRANT_MAX_B || json_decode_object(text, len, fields, &grant, &list) < 0 ||
	    !store_id_valid(grant.id) || !digest_hex_valid(grant.digest))
		return -EBADMSG;
	*ret = grant;
	return 0;
}

int store_grant_take(int dirfd, const char *id, struct store_grant *ret)
{
	cleanup_close int fd = -EBADF;
	char name[64], text[GRANT_MAX_B + 1];
	struct stat st;
	ssize_t n;

	store_name(id, "grant", name);
	fd = openat(dirfd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	/* Of all who opened it, one removes it: he has it. */
	if (unlinkat(dirfd, name, 0) < 0)
		return -errno;
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_uid != geteuid() ||
	    st.st_nlink != 0)
		return -EBADMSG;
	n = read(fd, text, sizeof(text));
	if (n < 0)
		return -errno;
	if (store_grant_parse(text, (size_t)n, ret) < 0 || strcmp(ret->id, id) != 0)
		return -EBADMSG;
	return 0;
}
