/* SPDX-License-Identifier: Apache-2.0 */
/**
 * store.h - the folder of grants and questions, RUN/approvals, and the time that they end by.
 */
#ifndef APPROVAL_STORE_H
#define APPROVAL_STORE_H

#include "approval/gate.h"

#define STORE_BOOT_MAX_B 40U

/** When something ends: by a clock that only goes forward, in one boot of the host. */
struct store_end {
	char boot[STORE_BOOT_MAX_B];
	uint64_t boot_ms;
};

/** store_end_in() - @ms from now. Return: 0, -errno */
int store_end_in(uint64_t ms, struct store_end *ret);

/** store_end_over() - whether it is over, or was set in another boot, or cannot be told. */
bool store_end_over(const struct store_end *end);

/**
 * store_open() - the folder.
 * @make:	make it when missing
 *
 * Refuses a folder that is not 0700 and ours.
 *
 * Return: descriptor, -ENOENT, -EPERM, -errno
 */
int store_open(const struct paths *paths, bool make, struct ironclaw_error *err);

/** store_id_make() - 128 random bits. */
void store_id_make(char ret[APPROVAL_ID_B + 1]);

/** store_id_valid() - exactly the shape of one: so it is a file name and nothing else. */
bool store_id_valid(const char *id);

/** store_name() - "ID.KIND"; @id must be valid. */
void store_name(const char *id, const char *kind, char ret[64]);

/** A grant, as its file has it. */
struct store_grant {
	char id[APPROVAL_ID_B + 1], digest[DIGEST_HEX_B + 1];
	struct approval_by by;
	struct store_end end;
};

/** store_grant_write() - make the file, complete and on the disk. Return: 0, -errno */
int store_grant_write(int dirfd, const struct store_grant *grant);

/** store_grant_parse() - all or nothing; hostile bytes. Return: 0, -EBADMSG */
int store_grant_parse(const char *text, size_t len, struct store_grant *ret);

/** store_grant_take() - remove the file and read it. Return: 0, -ENOENT, -EBADMSG, -errno */
int store_grant_take(int dirfd, const char *id, struct store_grant *ret);

#endif
