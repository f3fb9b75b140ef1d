/* SPDX-License-Identifier: Apache-2.0 */
/* libraries.c - ask the loader for the libraries of a VMM, and remember; see libraries.h. */
#include "engine/libraries.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/cleanup.h"
#include "sys/file.h"
#include "sys/spawn.h"

/* The one place that the x86-64 ABI names. */
#define LOADER	     "/lib64/ld-linux-x86-64.so.2"
/* Where a library is found may change with it. */
#define LOADER_CACHE "/etc/ld.so.cache"

struct answer {
	struct library_list *list;
	int result;
	char line[256]; /* the first that was no use */
};

static void take_line(void *ctx, const char *line)
{
	struct answer *a = ctx;

	if (a->result < 0)
		return;
	a->result = libraries_read_line(a->list, line);
	if (a->result < 0)
		(void)snprintf(a->line, sizeof(a->line), "%s", line);
}

static int ask_loader(const char *object, struct library_list *list, struct ironclaw_error *err)
{
	const char *const argv[] = {LOADER, "--list", object, NULL};
	/* The user's own libraries are none of the VMM's; an empty value is as good as none. */
	static const char *const env[] = {"LD_LIBRARY_PATH=", "LD_PRELOAD=", "LD_AUDIT=",
					  "LD_DEBUG=", NULL};
	struct answer answer = {.list = list};
	const struct spawn spawn = {.argv = argv,
				    .env = env,
				    .log_fd = -EBADF,
				    .line = take_line,
				    .line_stderr = true,
				    .ctx = &answer};
	int status, r = spawn_run(&spawn, &status);

	if (r < 0)
		return err_sys(err, -r, "cannot run " LOADER);
	if (answer.result == -ENOENT)
		return err_set(err, IRONCLAW_ERR_UNAVAILABLE, ENOENT, "'%s' lacks a library: %s",
			       object, answer.line);
	if (status != 0 || answer.result == -EBADMSG)
		return err_set(err, IRONCLAW_ERR_UNAVAILABLE, ENOEXEC,
			       "the libraries of '%s' cannot be found out: %s", object,
			       answer.line[0] ? answer.line : "the loader failed");
	if (answer.result < 0)
		return err_set(err, IRONCLAW_ERR_UNAVAILABLE, -answer.result,
			       "the libraries of '%s' do not fit a jail: %s", object, answer.line);
	return 0;
}

static struct library_identity identify(const struct library_list *list, uint32_t i)
{
	struct library_identity id = {0, 0, 0, 0};
	struct stat st;

	if (stat(list->text + list->files[i].host, &st) == 0 && S_ISREG(st.st_mode)) {
		id.dev = st.st_dev;
		id.ino = st.st_ino;
		/* Every change of a file or of its times moves ctime. */
		id.ctime_s = (uint64_t)st.st_ctim.tv_sec;
		id.ctime_ns = (uint64_t)st.st_ctim.tv_nsec;
	}
	return id;
}

static bool is_same(const struct library_identity *a, const struct library_identity *b)
{
	return a->dev == b->dev && a->ino == b->ino && a->ctime_s == b->ctime_s &&
	       a->ctime_ns == b->ctime_ns;
}

/* The files whose change may change the answer without changing a library. */
static int add_vouchers(struct library_list *list, const char *const *objects)
{
	int r = libraries_add(list, LOADER_CACHE, LIBRARIES_NOWHERE);

	for (; r == 0 && *objects; objects++)
		r = libraries_add(list, *objects, LIBRARIES_NOWHERE);
	return r;
}

static bool begins_with(const struct library_list *list, const struct library_list *head)
{
	return list->n >= head->n && list->text_used >= head->text_used &&
	       memcmp(list->text, head->text, head->text_used) == 0;
}

/* Tells whether a record of these very objects was there and still holds. */
static bool recall(int dirfd, const char *name, const struct library_list *vouchers,
		   struct library_list *ret)
{
	cleanup_free char *text = NULL;
	size_t len;

	if (file_read_bounded(dirfd, name, LIBRARIES_RECORD_MAX_B, &text, &len) < 0 ||
	    libraries_read_record(text, len, ret) < 0 || !begins_with(ret, vouchers))
		return false;
	for (uint32_t i = 0; i < ret->n; i++) {
		const struct library_identity now = identify(ret, i);

		if (!is_same(&ret->files[i].identity, &now))
			return false;
	}
	return true;
}

static void remember(int dirfd, const char *name, const struct library_list *list)
{
	cleanup_free char *text = malloc(LIBRARIES_RECORD_MAX_B);
	int len = text ? libraries_write_record(list, text, LIBRARIES_RECORD_MAX_B) : -ENOMEM;

	if (len > 0)
		(void)file_write_atomic(dirfd, name, text, (size_t)len, 0600);
}

static int find_anew(const struct library_list *vouchers, const char *const *objects,
		     struct library_list *ret, struct ironclaw_error *err)
{
	int r = 0;

	*ret = *vouchers;
	/* Before the loader looks: what changes under it then does not fit the record. */
	for (uint32_t i = 0; i < ret->n; i++)
		ret->files[i].identity = identify(ret, i);
	for (; r == 0 && *objects; objects++)
		r = ask_loader(*objects, ret, err);
	for (uint32_t i = vouchers->n; i < ret->n; i++)
		ret->files[i].identity = identify(ret, i);
	return r;
}

int libraries_find(const struct paths *paths, const char *name, const char *const *objects,
		   struct library_list *ret, struct ironclaw_error *err)
{
	struct library_list vouchers = {.n = 0};
	cleanup_close int run_fd = -EBADF;
	int r = add_vouchers(&vouchers, objects);

	if (r < 0)
		return err_set(err, IRONCLAW_ERR_UNAVAILABLE, -r, "bad path of a VMM's program");
	/* A record in a folder that is not ours alone is neither trusted nor written. */
	run_fd = file_mkdir_private(paths->run);
	if (run_fd >= 0 && recall(run_fd, name, &vouchers, ret))
		return 0;
	r = find_anew(&vouchers, objects, ret, err);
	if (r == 0 && run_fd >= 0)
		remember(run_fd, name, ret);
	return r;
}
