/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_audit.c - src/audit: what is appended is whole, and every change of it is found.
 *
 * The mutation test takes a log of 50 records and makes, at each record, each kind of change that
 * somebody without the key can make; none may pass.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "audit/log.h"
#include "audit/verify.h"
#include "base/cleanup.h"
#include "sys/file.h"

#define N 50U

static struct paths paths;
static char folder[128];

static int make_home(void **state)
{
	(void)state;
	(void)snprintf(paths.data, sizeof(paths.data), "/tmp/ironclaw-test-audit-XXXXXX");
	if (!mkdtemp(paths.data))
		return -1;
	(void)snprintf(folder, sizeof(folder), "%.100s/audit", paths.data);
	return 0;
}

static int remove_home(void **state)
{
	(void)state;
	return file_remove_tree(AT_FDCWD, paths.data);
}

static const char *file(const char *name)
{
	static char path[2][256]; /* in turn, for calls with two of them */
	static unsigned int turn;

	turn ^= 1;
	(void)snprintf(path[turn], sizeof(path[turn]), "%s/%s", folder, name);
	return path[turn];
}

static void append(struct audit_log *log, enum audit_kind kind, int64_t number)
{
	struct audit_field fields[] = {audit_text("image", "busybox"), audit_number("i", number),
				       audit_flag("ok", true), audit_text("none", NULL)};
	struct audit_event event = {kind, "calm-otter", fields, 4};
	struct ironclaw_error err = {0};

	if (audit_log_append(log, &event, &err) < 0)
		fail_msg("%s", err.text);
}

static void append_n(unsigned int n)
{
	cleanup(audit_log_close) struct audit_log log;
	struct ironclaw_error err = {0};

	if (audit_log_open(&paths, &log, &err) < 0)
		fail_msg("%s", err.text);
	for (unsigned int i = 0; i < n; i++)
		append(&log, i % 2 ? AUDIT_EXEC : AUDIT_START, i);
}

/* The files of a log, in memory. */
struct stored {
	char *log, *head;
	size_t log_len, head_len;
	char key[AUDIT_KEY_HEX_B + 1];
};

static void load(struct stored *s)
{
	int dirfd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	assert_int_equal(file_read_bounded(dirfd, "log", 64 << 20, &s->log, &s->log_len), 0);
	assert_int_equal(file_read_bounded(dirfd, "head", 4096, &s->head, &s->head_len), 0);
	assert_int_equal(audit_public_load(dirfd, s->key), 0);
	(void)close(dirfd);
}

static void unload(struct stored *s)
{
	free(s->log);
	free(s->head);
}

static struct audit_report verify(const char *log, size_t len, const char *head_text,
				  size_t head_len, const char *key)
{
	struct audit_report report;
	struct audit_head head;
	bool has_head = audit_head_parse(head_text, head_len, &head) == 0;
	char nothing[1] = "";
	FILE *in = len ? fmemopen((void *)(uintptr_t)log, len, "r") : fmemopen(nothing, 1, "r");

	assert_non_null(in);
	if (len == 0)
		(void)getc(in);
	assert_int_equal(audit_verify(in, has_head ? &head : NULL, key, &report), 0);
	(void)fclose(in);
	return report;
}

static struct audit_report verify_now(void)
{
	struct audit_report report;
	struct stored s;

	load(&s);
	report = verify(s.log, s.log_len, s.head, s.head_len, s.key);
	unload(&s);
	return report;
}

static void test_append_and_verify(void **state)
{
	struct audit_report report;
	struct stat st;

	(void)state;
	append_n(1);
	append_n(2);
	report = verify_now();
	assert_int_equal(report.state, AUDIT_WHOLE);
	assert_int_equal(report.n_records, 3);
	assert_string_equal(report.problem, "");
	assert_int_equal(stat(folder, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	assert_int_equal(stat(file("key"), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(stat(file("log"), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
}

static void test_describe(void **state)
{
	struct audit_summary summary;
	struct stored s;
	size_t len;

	(void)state;
	append_n(1);
	load(&s);
	len = (size_t)(strchr(s.log, '\n') - s.log);
	assert_int_equal(audit_record_describe(s.log, len, &summary), 0);
	assert_string_equal(summary.kind, "start");
	assert_string_equal(summary.vm, "calm-otter");
	assert_string_equal(summary.rest, "image=\"busybox\" i=0 ok=true");
	assert_int_equal(strlen(summary.time), strlen("2026-01-31T12:00:00.000000000Z"));
	assert_int_equal(audit_record_describe("[]", 2, &summary), -EBADMSG);
	assert_int_equal(audit_record_describe("{", 1, &summary), -EBADMSG);
	unload(&s);
}

static void test_limits(void **state)
{
	cleanup(audit_log_close) struct audit_log log;
	char text[AUDIT_TEXT_MAX_B + 2];
	struct audit_field fields[16];
	struct audit_event event = {AUDIT_START, NULL, fields, 1};

	(void)state;
	assert_int_equal(audit_log_open(&paths, &log, NULL), 0);
	memset(text, 'a', sizeof(text));
	text[AUDIT_TEXT_MAX_B + 1] = '\0';
	fields[0] = audit_text("t", text);
	assert_int_equal(audit_log_append(&log, &event, NULL), -E2BIG);
	text[AUDIT_TEXT_MAX_B] = '\0';
	assert_int_equal(audit_log_append(&log, &event, NULL), 0);
	for (size_t i = 0; i < 16; i++)
		fields[i] = audit_text("t", text);
	event.n_fields = 16;
	assert_int_equal(audit_log_append(&log, &event, NULL), -E2BIG);
	/* Nothing of the refused ones is there. */
	assert_int_equal(verify_now().n_records, 1);
	assert_int_equal(verify_now().state, AUDIT_WHOLE);
	/* Newlines and escapes of a foreign text stay inside their record. */
	fields[0] = audit_text("t", "a\n{\"n\":3}\n\x1b[2J\xff");
	event.n_fields = 1;
	assert_int_equal(audit_log_append(&log, &event, NULL), 0);
	assert_int_equal(verify_now().n_records, 2);
}

/* Mutations: each makes of the log another one that is not a beginning of it, or is. */
enum mutation {
	CHANGE_BYTE,
	CHANGE_AND_REHASH, /* a record's own hash made right again */
	REMOVE,
	DUPLICATE,
	SWAP,
	INSERT,	    /* a copy of the first, with number, prev and hash made right */
	CUT,	    /* this one and all after it are gone */
	CUT_MID,    /* in the middle of this one */
	REHASH_ALL, /* changed, and the whole chain from here made right: only the head knows */
	N_MUTATIONS
};

struct line {
	const char *at;
	size_t len; /* with newline */
};

static void split(const struct stored *s, struct line *lines)
{
	const char *at = s->log;

	for (size_t i = 0; i < N; i++) {
		const char *end = strchr(at, '\n') + 1;

		lines[i] = (struct line){at, (size_t)(end - at)};
		at = end;
	}
	assert_ptr_equal(at, s->log + s->log_len);
}

struct builder {
	char data[N * 1024];
	size_t len;
};

static void put(struct builder *b, const char *at, size_t len)
{
	assert_true(b->len + len < sizeof(b->data));
	memcpy(b->data + b->len, at, len);
	b->len += len;
}

/* A record with the event changed, that continues @prev; returns its hash. */
static void forge(struct builder *b, uint64_t n, const char *prev, char hash[DIGEST_HEX_B + 1])
{
	struct audit_event event = {AUDIT_END, "forged", NULL, 0};
	char line[AUDIT_RECORD_MAX_B];
	int len = audit_record_format(&event, n, 1, prev, line, hash);

	assert_true(len > 0);
	put(b, line, (size_t)len);
}

static const char *hash_of(const struct line *line, char hash[DIGEST_HEX_B + 1])
{
	memcpy(hash, line->at + line->len - 3 - DIGEST_HEX_B, DIGEST_HEX_B);
	hash[DIGEST_HEX_B] = '\0';
	return hash;
}

static void mutate_line(enum mutation m, const struct line *lines, size_t i, size_t at,
			struct builder *b)
{
	char prev[DIGEST_HEX_B + 1] = AUDIT_NO_HASH, hash[DIGEST_HEX_B + 1];
	size_t before = b->len;

	if (i > 0)
		(void)hash_of(&lines[i - 1], prev);
	put(b, lines[i].at, lines[i].len);
	switch (m) {
	case CHANGE_BYTE:
		b->data[before + at % lines[i].len] ^= 1;
		break;
	case CHANGE_AND_REHASH:
	case REHASH_ALL:
		b->len = before;
		forge(b, i + 1, prev, hash);
		break;
	case REMOVE:
		b->len = before;
		break;
	case DUPLICATE:
		put(b, lines[i].at, lines[i].len);
		break;
	case SWAP: /* the next one was put already */
	case INSERT:
	case CUT:
	case CUT_MID:
	case N_MUTATIONS:
		break;
	}
}

static void mutate(enum mutation m, const struct line *lines, size_t i, size_t at,
		   struct builder *b)
{
	char prev[DIGEST_HEX_B + 1] = AUDIT_NO_HASH, hash[DIGEST_HEX_B + 1];

	b->len = 0;
	for (size_t k = 0; k < i; k++)
		put(b, lines[k].at, lines[k].len);
	if (m == CUT || m == CUT_MID) {
		if (m == CUT_MID)
			put(b, lines[i].at, 1 + at % (lines[i].len - 1));
		return;
	}
	if (m == INSERT) {
		if (i > 0)
			(void)hash_of(&lines[i - 1], prev);
		forge(b, i + 1, prev, hash);
	}
	if (m == SWAP) {
		size_t other = (i + 1) % N;

		put(b, lines[other].at, lines[other].len);
	}
	mutate_line(m, lines, i, at, b);
	if (m == REHASH_ALL) {
		size_t from = b->len;

		for (size_t k = i + 1; k < N; k++) {
			memcpy(prev, b->data + b->len - 3 - DIGEST_HEX_B, DIGEST_HEX_B);
			prev[DIGEST_HEX_B] = '\0';
			forge(b, k + 1, prev, hash);
		}
		assert_true(i + 1 == N || b->len > from);
		return;
	}
	for (size_t k = i + 1; k < N; k++) {
		if (m == SWAP && k == i + 1)
			continue;
		put(b, lines[k].at, lines[k].len);
	}
}

static void test_every_mutation_is_found(void **state)
{
	static struct builder b;
	struct line lines[N];
	struct stored s;
	size_t done = 0;

	(void)state;
	append_n(N);
	load(&s);
	split(&s, lines);
	assert_int_equal(verify(s.log, s.log_len, s.head, s.head_len, s.key).state, AUDIT_WHOLE);
	for (size_t i = 0; i < N; i++) {
		for (enum mutation m = 0; m < N_MUTATIONS; m++) {
			/* Every byte of a record is changed in the course of it. */
			size_t tries = m == CHANGE_BYTE || m == CUT_MID ? lines[i].len : 1;

			for (size_t at = 0; at < tries; at++) {
				struct audit_report r;

				mutate(m, lines, i, at, &b);
				r = verify(b.data, b.len, s.head, s.head_len, s.key);
				if (r.state != AUDIT_CHANGED)
					fail_msg("mutation %d of record %zu at %zu passes: %d %s",
						 (int)m, i + 1, at, (int)r.state, r.problem);
				done++;
			}
		}
	}
	print_message("# %zu mutations\n", done);
	assert_true(done > 1000);
	unload(&s);
}

static void test_heads(void **state)
{
	struct audit_report r;
	struct audit_head head;
	struct stored s;
	uint8_t other[AUDIT_SECRET_B];
	char text[AUDIT_HEAD_B], key[AUDIT_KEY_HEX_B + 1];
	int dirfd;

	(void)state;
	append_n(3);
	load(&s);
	/* Every character of the head counts, the blanks behind it too. */
	for (size_t i = 0; i + 1 < s.head_len; i++) {
		char was = s.head[i];

		s.head[i] ^= 1;
		r = verify(s.log, s.log_len, s.head, s.head_len, s.key);
		assert_int_equal(r.state, AUDIT_CHANGED);
		s.head[i] = was;
	}
	assert_int_equal(verify(s.log, s.log_len, "", 0, s.key).state, AUDIT_CHANGED);
	assert_int_equal(verify(s.log, s.log_len, s.head, s.head_len, s.key).state, AUDIT_WHOLE);
	/* Signed well, by somebody else. */
	assert_int_equal(mkdir(file("other"), 0700), 0);
	dirfd = open(file("other"), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(audit_key_load(dirfd, true, other, NULL), 0);
	assert_int_equal(audit_head_parse(s.head, s.head_len, &head), 0);
	audit_head_sign(&head, other);
	audit_head_format(&head, text);
	assert_int_equal(audit_public_load(dirfd, key), 0);
	assert_int_equal(verify(s.log, s.log_len, text, sizeof(text), key).state, AUDIT_WHOLE);
	r = verify(s.log, s.log_len, text, sizeof(text), s.key);
	assert_int_equal(r.state, AUDIT_CHANGED);
	assert_string_equal(r.problem, "the head is signed with another key");
	(void)close(dirfd);
	unload(&s);
}

static void write_file(const char *name, const char *data, size_t len)
{
	assert_int_equal(file_write_atomic(AT_FDCWD, file(name), data, len, 0600), 0);
}

static int open_log(struct ironclaw_error *err)
{
	cleanup(audit_log_close) struct audit_log log = {.dirfd = -EBADF};
	int r = audit_log_open(&paths, &log, err);

	if (r == 0 && err)
		(void)snprintf(err->hint, sizeof(err->hint), "%s", log.recovered);
	return r;
}

/* What a kill at any byte of the write, or between write and head, leaves. */
static void test_crash_is_put_in_order(void **state)
{
	struct stored before, after;
	struct ironclaw_error err;

	(void)state;
	append_n(3);
	load(&before);
	append_n(1);
	load(&after);
	for (size_t cut = before.log_len; cut <= after.log_len; cut += 7) {
		bool torn = cut > before.log_len && cut < after.log_len;
		struct audit_report r;
		struct stat st;

		if (cut + 7 > after.log_len)
			cut = after.log_len;
		torn = cut > before.log_len && cut < after.log_len;
		(void)unlink(file("torn-4"));
		write_file("log", after.log, cut);
		write_file("head", before.head, before.head_len);
		r = verify_now();
		assert_int_equal(r.state, cut == before.log_len ? AUDIT_WHOLE : AUDIT_UNFINISHED);
		assert_int_equal(r.torn_b, torn ? cut - before.log_len : 0);
		memset(&err, 0, sizeof(err));
		assert_int_equal(open_log(&err), 0);
		assert_string_equal(err.hint,
				    torn ? "a crash had left half a record at the end of the audit "
					   "log"
				    : cut == after.log_len
					    ? "a crash had left an unsigned record at the end of "
					      "the audit log"
					    : "");
		r = verify_now();
		assert_int_equal(r.state, AUDIT_WHOLE);
		assert_int_equal(r.n_records, cut == before.log_len ? 3 : torn ? 4 : 5);
		assert_int_equal(stat(file("torn-4"), &st), torn ? 0 : -1);
		if (torn)
			assert_int_equal(st.st_size, cut - before.log_len);
	}
	unload(&before);
	unload(&after);
}

/* An unsigned record and half of another cannot come of a crash of ours, but is bounded. */
static void test_tampering_stops_the_writer(void **state)
{
	struct ironclaw_error err = {0};
	struct stored before, s;

	(void)state;
	append_n(2);
	load(&before);
	append_n(2);
	load(&s);
	write_file("log", s.log, before.log_len);
	assert_int_equal(open_log(&err), -EBADMSG);
	assert_int_equal(err.code, IRONCLAW_ERR_CORRUPT);
	assert_string_equal(err.hint, "ironclaw audit verify");
	/* Two records after the head are more than a crash leaves. */
	write_file("log", s.log, s.log_len);
	write_file("head", before.head, before.head_len);
	assert_int_equal(open_log(NULL), -EBADMSG);
	/* One that continues nothing. */
	write_file("log", s.log, s.log_len);
	write_file("head", s.head, s.head_len);
	{
		FILE *f = fopen(file("log"), "ae");

		(void)fputs("{\"n\":5}\n", f);
		(void)fclose(f);
	}
	assert_int_equal(open_log(NULL), -EBADMSG);
	write_file("log", s.log, s.log_len);
	assert_int_equal(open_log(NULL), 0);
	assert_int_equal(unlink(file("head")), 0);
	assert_int_equal(open_log(NULL), -EBADMSG);
	write_file("head", s.head, s.head_len);
	assert_int_equal(rename(file("key"), file("key.away")), 0);
	assert_int_equal(open_log(NULL), -ENOENT);
	assert_int_equal(rename(file("key.away"), file("key")), 0);
	assert_int_equal(chmod(file("key"), 0640), 0);
	assert_int_equal(open_log(NULL), -EPERM);
	assert_int_equal(chmod(file("key"), 0600), 0);
	assert_int_equal(open_log(NULL), 0);
	assert_int_equal(verify_now().n_records, 4);
	unload(&before);
	unload(&s);
}

static pid_t writer(unsigned int n)
{
	pid_t pid = fork();

	if (pid == 0) {
		cleanup(audit_log_close) struct audit_log log;

		if (audit_log_open(&paths, &log, NULL) < 0)
			_exit(1);
		for (unsigned int i = 0; i < n; i++) {
			struct audit_event event = {AUDIT_EXEC, NULL, NULL, 0};

			if (audit_log_append(&log, &event, NULL) < 0)
				_exit(2);
		}
		_exit(0);
	}
	assert_true(pid > 0);
	return pid;
}

static void test_many_writers(void **state)
{
	pid_t pids[8];

	(void)state;
	for (size_t i = 0; i < 8; i++)
		pids[i] = writer(25);
	for (size_t i = 0; i < 8; i++) {
		int status;

		assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
		assert_int_equal(status, 0);
	}
	assert_int_equal(verify_now().state, AUDIT_WHOLE);
	assert_int_equal(verify_now().n_records, 200);
}

static void test_kills(void **state)
{
	unsigned int seed = 1;

	(void)state;
	append_n(1);
	for (int round = 0; round < 200; round++) {
		pid_t a = writer(100000), b = writer(100000);
		struct timespec t = {.tv_nsec = 200000 + rand_r(&seed) % 8000000};
		struct audit_report r;

		(void)nanosleep(&t, NULL);
		(void)kill(a, SIGKILL);
		(void)kill(b, SIGKILL);
		assert_int_equal(waitpid(a, NULL, 0), a);
		assert_int_equal(waitpid(b, NULL, 0), b);
		r = verify_now();
		if (r.state == AUDIT_CHANGED)
			fail_msg("round %d: %s", round, r.problem);
	}
	append_n(1);
	assert_int_equal(verify_now().state, AUDIT_WHOLE);
}

static void test_argv_digest(void **state)
{
	cleanup(audit_log_close) struct audit_log log;
	char a[DIGEST_HEX_B + 1], b[DIGEST_HEX_B + 1];

	(void)state;
	assert_int_equal(audit_log_open(&paths, &log, NULL), 0);
	audit_argv_digest(&log, (const char *const[]){"sh", "-c", "x", NULL}, a);
	audit_argv_digest(&log, (const char *const[]){"sh", "-c", "x", NULL}, b);
	assert_string_equal(a, b);
	audit_argv_digest(&log, (const char *const[]){"sh", "-cx", NULL}, b);
	assert_string_not_equal(a, b);
	/* Not the hash that anybody can make. */
	digest_bytes("sh\0-c\0x", 8, b);
	assert_string_not_equal(a, b);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, make_home, remove_home)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_append_and_verify),
		TEST(test_describe),
		TEST(test_limits),
		TEST(test_every_mutation_is_found),
		TEST(test_heads),
		TEST(test_crash_is_put_in_order),
		TEST(test_tampering_stops_the_writer),
		TEST(test_many_writers),
		TEST(test_kills),
		TEST(test_argv_digest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
