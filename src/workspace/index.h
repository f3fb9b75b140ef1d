/* SPDX-License-Identifier: Apache-2.0 */
/**
 * index.h - what ironclaw-unpack found in an archive: one record an entry.
 *
 * Written by a process that read hostile bytes, so a reader believes none of it: it makes the same
 * checks once more. The program is static and links the writing half, hence the C library only.
 */
#ifndef WORKSPACE_INDEX_H
#define WORKSPACE_INDEX_H

#include <stddef.h>
#include <stdint.h>

#include "wire/tar.h"

#define INDEX_FILE	   "index" /* in the stage, beside the contents, which are called 0, 1, 2 ... */
#define INDEX_MAX_B	   (128U * 1024U * 1024U)
#define INDEX_RECORD_MAX_B (32U + 2 * TAR_PATH_MAX_B)
#define INDEX_NO_CONTENT   UINT32_MAX

/** index_encode() - a record. Return: its length */
size_t index_encode(const struct tar_item *item, uint32_t content, uint8_t ret[INDEX_RECORD_MAX_B]);

/** index_encode_end() - the last record. Return: its length */
size_t index_encode_end(uint32_t entries, uint8_t ret[INDEX_RECORD_MAX_B]);

/** Who takes the entries; strings are valid for the call. Return: 0, -errno */
typedef int (*index_sink)(void *ctx, const struct tar_item *item, uint32_t content);

/**
 * index_walk() - read an index.
 * @sink:	called for each entry, in order; a negative return ends the reading
 *
 * Return: 0; -EBADMSG for one that ironclaw-unpack would not have written, which may be found after
 * the first calls of @sink; what @sink returned
 */
int index_walk(const uint8_t *index, size_t len, uint32_t entries_max, index_sink sink, void *ctx);

#endif
