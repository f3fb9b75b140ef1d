/* SPDX-License-Identifier: Apache-2.0 */
/* audit_verify.c - `ironclaw audit verify` and `export`: is the log whole, here and elsewhere. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "audit/log.h"
#include "audit/verify.h"
#include "base/cleanup.h"
#include "cli/audit.h"
#include "cli/cli.h"
#include "codec/json_write.h"
#include "sys/file.h"

static const char verify_help[] =
	"usage: ironclaw audit verify [--file FILE] [--key KEY] [--json]\n\n"
	"Checks every record of the audit log, the chain and the signed head. Exit status 0 when\n"
	"nothing was changed, removed, added or moved, else 1.\n\n"
	"  --file FILE  an export instead of the log; without --key it is its own witness: "
	"compare\n"
	"               the key that is printed\n"
	"  --key KEY    the public key that must have signed it, in hexadecimal "
	"(DATA/audit/key.pub)\n"
	"  --json       as a JSON document\n";

static const char export_help[] = "usage: ironclaw audit export FILE\n\n"
				  "Writes log, signed head and public key into the new FILE, for "
				  "`audit verify --file FILE`.\n";

enum { OPTION_JSON = 256, OPTION_FILE, OPTION_KEY };

struct verify_args {
	const char *file, *key;
	bool json;
};

/* The files of the log in one state: held by the lock until closed. */
struct source {
	FILE *log;
	int dirfd, lock;
	bool has_head;
	struct audit_head head;
	char key[AUDIT_KEY_HEX_B + 1]; /* of key.pub; empty for an export */
};

static void source_close(struct source *s)
{
	cleanup_fclosep(&s->log);
	close_fd(&s->lock);
	close_fd(&s->dirfd);
}

static int open_stored(const struct paths *paths, struct source *s, struct ironclaw_error *err)
{
	char path[sizeof(paths->data) + 16];
	cleanup_free char *text = NULL;
	size_t len;
	int fd;

	(void)snprintf(path, sizeof(path), "%s/audit", paths->data);
	s->dirfd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (s->dirfd < 0 && errno == ENOENT)
		return err_set(err, IRONCLAW_ERR_NOT_FOUND, ENOENT, "there is no audit log");
	if (s->dirfd >= 0)
		s->lock = file_lock(s->dirfd, AUDIT_LOCK_FILE, true);
	if (s->dirfd < 0 || s->lock < 0)
		return err_sys(err, s->dirfd < 0 ? errno : -s->lock, "cannot open '%s'", path);
	fd = openat(s->dirfd, AUDIT_LOG_FILE, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	s->log = fd < 0 ? NULL : fdopen(fd, "r");
	if (!s->log)
		return err_sys(err, errno, "cannot read the audit log");
	s->has_head =
		file_read_bounded(s->dirfd, AUDIT_HEAD_FILE, AUDIT_HEAD_B, &text, &len) == 0 &&
		audit_head_parse(text, len, &s->head) == 0;
	if (audit_public_load(s->dirfd, s->key) < 0)
		return err_set(err, IRONCLAW_ERR_CORRUPT, EBADMSG,
			       "the audit's public key is missing or damaged");
	return 0;
}

/* An export is the head, then the log. */
static int open_export(const char *file, struct source *s, struct ironclaw_error *err)
{
	struct audit_reader reader;

	s->log = fopen(file, "re");
	if (!s->log)
		return err_sys(err, errno, "cannot read '%s'", file);
	reader.in = s->log;
	if (audit_read_line(&reader) != 1 ||
	    audit_head_parse(reader.line, reader.len, &s->head) < 0)
		return err_set(err, IRONCLAW_ERR_CORRUPT, EBADMSG,
			       "'%s' is no export of an audit log", file);
	s->has_head = true;
	return 0;
}

static const char *state_name(enum audit_state state)
{
	static const char *const names[] = {[AUDIT_WHOLE] = "whole",
					    [AUDIT_UNFINISHED] = "unfinished",
					    [AUDIT_CHANGED] = "changed"};

	return names[state];
}

static void print_report(const struct audit_report *report, bool json)
{
	struct json_writer w;

	if (!json) {
		(void)printf("%s: %" PRIu64 " records%s%s\n", state_name(report->state),
			     report->n_records, report->problem[0] ? ": " : "", report->problem);
		if (report->key[0])
			(void)printf("signed by %s\n", report->key);
		return;
	}
	json_write_begin(&w, stdout);
	json_write_open_object(&w, NULL);
	json_write_string(&w, "state", state_name(report->state));
	json_write_u64(&w, "records", report->n_records);
	json_write_u64(&w, "unsigned", report->unsigned_n);
	json_write_u64(&w, "torn_bytes", report->torn_b);
	json_write_string(&w, "problem", report->problem[0] ? report->problem : NULL);
	json_write_string(&w, "key", report->key[0] ? report->key : NULL);
	json_write_close_object(&w);
	(void)json_write_end(&w);
}

static int verify(struct source *s, const char *key, struct audit_report *ret,
		  struct ironclaw_error *err)
{
	if (!key && s->key[0])
		key = s->key;
	if (audit_verify(s->log, s->has_head ? &s->head : NULL, key, ret) < 0)
		return err_sys(err, EIO, "cannot read the audit log");
	return 0;
}

/* Returns a negative number to go on, else the exit code. */
static int parse_verify(int argc, char **argv, struct verify_args *args)
{
	static const struct option options[] = {{"help", no_argument, NULL, 'h'},
						{"json", no_argument, NULL, OPTION_JSON},
						{"file", required_argument, NULL, OPTION_FILE},
						{"key", required_argument, NULL, OPTION_KEY},
						{NULL, 0, NULL, 0}};
	int c;

	while ((c = cli_getopt(argc, argv, ":h", options)) != -1) {
		if (c == 'h')
			return cli_help(verify_help);
		if (c == '?')
			return CLI_EXIT_USAGE;
		if (c == OPTION_JSON)
			args->json = true;
		else if (c == OPTION_FILE)
			args->file = optarg;
		else if (digest_hex_valid(optarg))
			args->key = optarg;
		else
			return cli_usage_error(argv[0], "--key: '%s' is no key: 64 of [0-9a-f]",
					       optarg);
	}
	if (optind < argc)
		return cli_usage_error(argv[0], "unexpected argument '%s'", argv[optind]);
	return -1;
}

int audit_verify_command(int argc, char **argv, const struct paths *paths)
{
	cleanup(source_close) struct source s = {.dirfd = -EBADF, .lock = -EBADF};
	struct verify_args args = {.json = false};
	struct ironclaw_error err = {0};
	struct audit_report report;
	int r = parse_verify(argc, argv, &args);

	if (r >= 0)
		return r;
	r = args.file ? open_export(args.file, &s, &err) : open_stored(paths, &s, &err);
	if (r < 0 || verify(&s, args.key, &report, &err) < 0)
		return cli_fail(&err, CLI_EXIT_FAILED);
	print_report(&report, args.json);
	return report.state == AUDIT_WHOLE ? CLI_EXIT_OK : CLI_EXIT_FAILED;
}

static int copy(struct source *s, int fd)
{
	char buf[65536];
	size_t n;
	int r;

	audit_head_format(&s->head, buf);
	r = file_write_full(fd, buf, AUDIT_HEAD_B);
	rewind(s->log);
	while (r == 0 && (n = fread(buf, 1, sizeof(buf), s->log)) > 0)
		r = file_write_full(fd, buf, n);
	if (r == 0 && ferror(s->log))
		r = -EIO;
	return r < 0 || fsync(fd) == 0 ? r : -errno;
}

static int export(const char *file, struct source *s, struct audit_report *report,
		  struct ironclaw_error *err)
{
	cleanup_close int fd = -EBADF;
	int r = verify(s, NULL, report, err);

	if (r < 0)
		return r;
	if (!s->has_head)
		return err_set(err, IRONCLAW_ERR_CORRUPT, EBADMSG,
			       "the audit log has no head that could be exported");
	fd = open(file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_sys(err, errno, "cannot make '%s'", file);
	r = copy(s, fd);
	if (r < 0)
		(void)unlink(file);
	return r < 0 ? err_sys(err, -r, "cannot write '%s'", file) : 0;
}

int audit_export_command(int argc, char **argv, const struct paths *paths)
{
	static const struct option options[] = {{"help", no_argument, NULL, 'h'},
						{NULL, 0, NULL, 0}};
	cleanup(source_close) struct source s = {.dirfd = -EBADF, .lock = -EBADF};
	struct ironclaw_error err = {0};
	struct audit_report report;
	int c;

	while ((c = cli_getopt(argc, argv, ":h", options)) != -1)
		return c == 'h' ? cli_help(export_help) : CLI_EXIT_USAGE;
	if (optind + 1 != argc)
		return cli_usage_error(argv[0], "say where to: FILE");
	if (open_stored(paths, &s, &err) < 0 || export(argv[optind], &s, &report, &err) < 0)
		return cli_fail(&err, CLI_EXIT_FAILED);
	/* What was exported is as good as the log is. */
	print_report(&report, false);
	return report.state == AUDIT_WHOLE ? CLI_EXIT_OK : CLI_EXIT_FAILED;
}
