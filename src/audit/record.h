/* SPDX-License-Identifier: Apache-2.0 */
/**
 * record.h - one record of the audit log: a line of JSON, chained to the one before it.
 *
 *   {"n":7,"time":"2026-01-31T12:00:00.000000000Z","kind":"exec","vm":"calm-otter",...,
 *    "prev":"HASH OF RECORD 6","hash":"HASH"}\n
 *
 * (one line in truth). HASH is SHA-256 over the stored bytes of the line from its first one to the
 * closing quote of prev: no canonical form is needed, for what is hashed is what is stored. Both
 * ends have a fixed shape, so that a chain is checked without a JSON parser. The first record's
 * prev is 64 zeros.
 */
#ifndef AUDIT_RECORD_H
#define AUDIT_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sys/digest.h"

#define AUDIT_RECORD_MAX_B 8192U /* of a line, its newline included */
#define AUDIT_TEXT_MAX_B   1024U /* of one text, before JSON escapes */
#define AUDIT_TIME_MAX_B   48U

enum audit_kind {
	AUDIT_START,	 /* a VM was started, or was not */
	AUDIT_EXEC,	 /* a command is about to run in it */
	AUDIT_END,	 /* how it ended */
	AUDIT_DECISION,	 /* an action outside of the VM was allowed or denied, and by whom */
	AUDIT_APPLY,	 /* changes of a workspace are about to reach the host */
	AUDIT_TOOL_CALL, /* a tool outside of the VM is about to be called */
	AUDIT_RECOVER,	 /* what a crash had left was put in order */
	AUDIT_OUTCOME,	 /* how an apply ended */
	AUDIT_KIND_MAX
};

/** audit_kind_name() - "start"; the names are the log's. */
const char *audit_kind_name(enum audit_kind kind);

enum audit_field_type { AUDIT_FIELD_TEXT, AUDIT_FIELD_NUMBER, AUDIT_FIELD_FLAG };

/** A member of a record. Keys are ours, never foreign; texts may be foreign. */
struct audit_field {
	const char *key;
	enum audit_field_type type;
	const char *text; /* NULL: the member is left out */
	int64_t number;
};

#define audit_text(k, s)   ((struct audit_field){(k), AUDIT_FIELD_TEXT, (s), 0})
#define audit_number(k, v) ((struct audit_field){(k), AUDIT_FIELD_NUMBER, NULL, (int64_t)(v)})
#define audit_flag(k, v)   ((struct audit_field){(k), AUDIT_FIELD_FLAG, NULL, (v) ? 1 : 0})

/** What is to be recorded. Secrets are left out by whoever fills it. */
struct audit_event {
	enum audit_kind kind;
	const char *vm_id; /* or NULL */
	const struct audit_field *fields;
	size_t n_fields;
};

/**
 * audit_record_format() - make the line.
 * @prev:	hash of the record before
 * @ret:	AUDIT_RECORD_MAX_B bytes; the line with its newline, terminated
 *
 * Return: its length; -E2BIG for a text or a line above its limit; -ENOMEM
 */
int audit_record_format(const struct audit_event *event, uint64_t n, uint64_t time_ns,
			const char prev[DIGEST_HEX_B + 1], char *ret,
			char ret_hash[DIGEST_HEX_B + 1]);

/** The chain's part of a record. */
struct audit_link {
	uint64_t n;
	char prev[DIGEST_HEX_B + 1], hash[DIGEST_HEX_B + 1];
};

/**
 * audit_record_check() - take a line apart and hold its hash against its bytes.
 * @line, @len:	hostile bytes, without the newline
 *
 * Return: 0; -EBADMSG for a line of another shape, or whose hash is not that of its bytes
 */
int audit_record_check(const char *line, size_t len, struct audit_link *ret);

/** What lists show of a record; escaped. */
struct audit_summary {
	char time[AUDIT_TIME_MAX_B], kind[16], vm[65];
	char rest[1024]; /* "key=value key=value", cut with "..." where it does not fit */
};

/**
 * audit_record_describe() - read the JSON of a line.
 * @line, @len:	hostile bytes; whether they belong to the chain is not looked at
 *
 * Return: 0; -EBADMSG when it is no record; -ENOMEM
 */
int audit_record_describe(const char *line, size_t len, struct audit_summary *ret);

/**
 * audit_record_json() - the line as JSON that cannot act on a terminal (ASCII only).
 * @ret:	owned by the caller
 *
 * Return: as audit_record_describe()
 */
int audit_record_json(const char *line, size_t len, bool indent, char **ret);

#endif
