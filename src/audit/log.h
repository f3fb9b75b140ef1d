/* SPDX-License-Identifier: Apache-2.0 */
/**
 * log.h - append to the audit log.
 *
 * DATA/audit (0700) holds
 *
 *   log		the records (record.h), one a line, only ever appended to
 *   head	the signed end (head.h), written after each record
 *   key, key.pub	Ed25519; made at first use
 *   lock	held while a record is appended: any number of processes may write
 *   torn-N	half of record N, which a crash left behind
 *
 * A record is one write(2), then comes the head. Killed in between, a process leaves a record that
 * no head covers, or half a line; the next one keeps the half apart, signs what is whole, and
 * records both (kind "recover"). At most one record can be unsigned, for nobody appends before that
 * is done. A log that is shorter than its head, a head that the key did not sign, and anything else
 * that a crash cannot leave is refused: nothing is appended, so nothing is covered up.
 *
 * decision, apply and tool_call are on the disk before audit_log_append() returns, for what they
 * allow is outside of the VM. The others survive the death of any process, but the last of them
 * may go with a power cut; the head they leave is then older, never newer, than the log.
 */
#ifndef AUDIT_LOG_H
#define AUDIT_LOG_H

#include "audit/head.h"
#include "audit/record.h"
#include "base/paths.h"

#define AUDIT_LOG_FILE	"log"
#define AUDIT_HEAD_FILE "head"
#define AUDIT_LOCK_FILE "lock"

/** A log to append to. Not for two threads at once. */
struct audit_log {
	int dirfd;
	uint8_t secret[AUDIT_SECRET_B];
	char recovered[160]; /* what a crash had left and was put in order; a sentence, or empty */
};

/**
 * audit_log_open() - open DATA/audit, made when missing; puts in order what a crash left.
 * @ret:	for audit_log_close()
 *
 * Return: 0; -EBADMSG (IRONCLAW_ERR_CORRUPT) when somebody changed the log; -errno
 */
int audit_log_open(const struct paths *paths, struct audit_log *ret, struct ironclaw_error *err);

/**
 * audit_log_append() - add a record and sign the new head.
 * @event:	texts of at most AUDIT_TEXT_MAX_B
 *
 * Return: 0, the record is written; -E2BIG; -EBADMSG as above; -errno, and it is not, unless only
 * its head could not be written
 */
int audit_log_append(struct audit_log *log, const struct audit_event *event,
		     struct ironclaw_error *err);

/**
 * audit_argv_digest() - what a record says of a command line: HMAC-SHA-256 with a key that only
 * the log's owner has, over the arguments and a zero after each. A plain hash would let whoever
 * gets the log try short passwords.
 * @argv:	ends with NULL
 */
void audit_argv_digest(const struct audit_log *log, const char *const *argv,
		       char ret_hex[DIGEST_HEX_B + 1]);

/** audit_log_close() - forget the key; for use with cleanup(). */
void audit_log_close(struct audit_log *log);

#endif
