/* SPDX-License-Identifier: Apache-2.0 */
/**
 * head.h - the signed end of the audit log, and the key that signs it.
 *
 *   {"n":7,"size":2310,"hash":"HASH OF RECORD 7","key":"PUBLIC KEY","signature":"..."}\n
 *
 * with blanks before the newline. The Ed25519 signature covers number, size and hash, so it covers
 * the whole log: who changes a record changes every hash after it, and has no key to sign the last
 * one with. Against whoever can read the key (the user himself, and root) it proves nothing: only a
 * head that was kept elsewhere does (audit export).
 */
#ifndef AUDIT_HEAD_H
#define AUDIT_HEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "sys/digest.h"

#define AUDIT_HEAD_B	      512U /* of the line, always: a sector */
#define AUDIT_SECRET_B	      64U
#define AUDIT_KEY_HEX_B	      64U
#define AUDIT_SIGNATURE_HEX_B 128U
#define AUDIT_KEY_FILE	      "key"
#define AUDIT_PUBLIC_FILE     "key.pub"

/** The hash that stands before the first record. */
#define AUDIT_NO_HASH	      "0000000000000000000000000000000000000000000000000000000000000000"

struct audit_head {
	uint64_t n;    /* records */
	uint64_t size; /* their bytes */
	char hash[DIGEST_HEX_B + 1];
	char key[AUDIT_KEY_HEX_B + 1]; /* public */
	char signature[AUDIT_SIGNATURE_HEX_B + 1];
};

/** audit_head_sign() - fill in key and signature. */
void audit_head_sign(struct audit_head *head, const uint8_t secret[AUDIT_SECRET_B]);

/** audit_head_signed() - whether the signature is that of the key in it. */
bool audit_head_signed(const struct audit_head *head);

/** audit_head_format() - the line, with its newline; not terminated. */
void audit_head_format(const struct audit_head *head, char ret[AUDIT_HEAD_B]);

/**
 * audit_head_parse() - read the line, all or nothing; the signature is not looked at.
 * @text, @len:	hostile bytes
 *
 * Return: 0, -EBADMSG
 */
int audit_head_parse(const char *text, size_t len, struct audit_head *ret);

/**
 * audit_key_load() - the key of a log.
 * @dirfd:	the log's folder
 * @make:	make it when there is none
 *
 * Return: 0; -ENOENT; -EPERM when it is not a file of ours that nobody else can read; -EBADMSG
 */
int audit_key_load(int dirfd, bool make, uint8_t ret[AUDIT_SECRET_B], struct ironclaw_error *err);

/** audit_public_load() - the public key beside it. Return: 0, -ENOENT, -EBADMSG, -errno */
int audit_public_load(int dirfd, char ret[AUDIT_KEY_HEX_B + 1]);

#endif
