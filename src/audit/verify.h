/* SPDX-License-Identifier: Apache-2.0 */
/**
 * verify.h - read a log that anybody may have edited, and say whether it is whole.
 *
 * Nothing is held in memory but one record.
 */
#ifndef AUDIT_VERIFY_H
#define AUDIT_VERIFY_H

#include <stdio.h>

#include "audit/head.h"
#include "audit/record.h"

/** A line at a time, of bounded length. Zero-initialise but for @in. */
struct audit_reader {
	FILE *in;
	char line[AUDIT_RECORD_MAX_B];
	size_t len; /* without the newline */
};

/**
 * audit_read_line() - the next line.
 *
 * Return: 1; 0 at the end; -ENODATA for a last line without its newline (which is in line);
 * -EBADMSG for one that is too long to be a record; -EIO
 */
int audit_read_line(struct audit_reader *reader);

enum audit_state {
	AUDIT_WHOLE,
	AUDIT_UNFINISHED, /* what a crash leaves: the next record puts it in order */
	AUDIT_CHANGED
};

struct audit_report {
	enum audit_state state;
	uint64_t n_records;	       /* good ones, from the first */
	uint64_t torn_b;	       /* of half a line at the end */
	uint64_t unsigned_n;	       /* 1: the last record is not covered by the head */
	char key[AUDIT_KEY_HEX_B + 1]; /* that signed the head; empty without a head */
	char problem[192];	       /* a sentence when not whole */
};

/**
 * audit_verify() - check every record, the chain and the head.
 * @head:	NULL: there is none, or it is damaged
 * @key:	public key that must have signed the head, or NULL for any
 *
 * Return: 0 with *ret, whatever the state; -EIO when the log cannot be read
 */
int audit_verify(FILE *in, const struct audit_head *head, const char *key,
		 struct audit_report *ret);

#endif
