/* SPDX-License-Identifier: Apache-2.0 */
/* verify.c - whether a log is whole; see verify.h. */
#include "audit/verify.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

int audit_read_line(struct audit_reader *reader)
{
	int c;

	reader->len = 0;
	while ((c = getc_unlocked(reader->in)) != EOF) {
		if (c == '\n')
			return 1;
		if (reader->len == sizeof(reader->line) - 1)
			return -EBADMSG;
		reader->line[reader->len++] = (char)c;
	}
	if (ferror(reader->in))
		return -EIO;
	return reader->len > 0 ? -ENODATA : 0;
}

/* The first one counts. */
static void __attribute__((format(printf, 3, 4)))
problem(struct audit_report *report, enum audit_state state, const char *fmt, ...)
{
	va_list ap;

	if (report->state == AUDIT_CHANGED || report->state >= state)
		return;
	report->state = state;
	va_start(ap, fmt);
	(void)vsnprintf(report->problem, sizeof(report->problem), fmt, ap);
	va_end(ap);
}

/* Says whether to go on. */
static bool check_record(const struct audit_reader *reader, struct audit_link *last,
			 struct audit_report *report)
{
	uint64_t place = last->n + 1;
	struct audit_link link;

	if (audit_record_check(reader->line, reader->len, &link) < 0)
		problem(report, AUDIT_CHANGED, "record %" PRIu64 " is not what was written", place);
	else if (link.n != place)
		problem(report, AUDIT_CHANGED,
			"record %" PRIu64 " stands where record %" PRIu64 " belongs", link.n,
			place);
	else if (strcmp(link.prev, last->hash) != 0)
		problem(report, AUDIT_CHANGED,
			"record %" PRIu64 " does not continue the one before it", place);
	else
		*last = link;
	return report->state == AUDIT_WHOLE;
}

static void check_head(const struct audit_head *head, const char *key, uint64_t size_at_head,
		       const char *hash_at_head, struct audit_report *report)
{
	if (!head) {
		problem(report, AUDIT_CHANGED, "there is no head, or it is damaged");
		return;
	}
	memcpy(report->key, head->key, sizeof(report->key));
	if (!audit_head_signed(head))
		problem(report, AUDIT_CHANGED, "the signature of the head is wrong");
	else if (key && strcmp(key, head->key) != 0)
		problem(report, AUDIT_CHANGED, "the head is signed with another key");
	else if (head->n > report->n_records)
		problem(report, AUDIT_CHANGED,
			"%" PRIu64 " records are missing at the end: the head counts %" PRIu64,
			head->n - report->n_records, head->n);
	else if (strcmp(hash_at_head, head->hash) != 0 || size_at_head != head->size)
		problem(report, AUDIT_CHANGED, "the head is that of another log");
	else if (report->n_records - head->n > 1)
		problem(report, AUDIT_CHANGED,
			"%" PRIu64 " records follow the head, which a crash cannot leave",
			report->n_records - head->n);
	else if (report->n_records > head->n) {
		report->unsigned_n = 1;
		problem(report, AUDIT_UNFINISHED,
			"record %" PRIu64
			" is not signed yet: a crash came before, or it was added",
			report->n_records);
	}
}

int audit_verify(FILE *in, const struct audit_head *head, const char *key, struct audit_report *ret)
{
	struct audit_report report = {.state = AUDIT_WHOLE};
	struct audit_link last = {.hash = AUDIT_NO_HASH};
	struct audit_reader reader = {.in = in};
	char hash_at_head[DIGEST_HEX_B + 1] = AUDIT_NO_HASH;
	uint64_t size = 0, size_at_head = 0;
	int r;

	while ((r = audit_read_line(&reader)) > 0 && check_record(&reader, &last, &report)) {
		size += reader.len + 1;
		if (head && last.n == head->n) {
			size_at_head = size;
			memcpy(hash_at_head, last.hash, sizeof(hash_at_head));
		}
	}
	if (r == -EIO)
		return r;
	report.n_records = last.n;
	if (r == -EBADMSG)
		problem(&report, AUDIT_CHANGED, "record %" PRIu64 " is not what was written",
			last.n + 1);
	if (r == -ENODATA)
		report.torn_b = reader.len;
	check_head(head, key, size_at_head, hash_at_head, &report);
	if (r == -ENODATA)
		problem(&report, AUDIT_UNFINISHED, "record %" PRIu64 " was not written to its end",
			last.n + 1);
	*ret = report;
	return 0;
}
