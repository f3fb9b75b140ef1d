/* SPDX-License-Identifier: Apache-2.0 */
/**
 * json_write.h - write one JSON document to a stream, member by member.
 *
 * The output is plain ASCII whatever the strings hold: other characters become \uXXXX, so that it
 * is valid JSON in every encoding and cannot act on a terminal. Nothing is held in memory; errors
 * of the stream are sticky and reported by json_write_end().
 */
#ifndef CODEC_JSON_WRITE_H
#define CODEC_JSON_WRITE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct json_writer {
	FILE *out;
	bool comma; /* a member precedes in the open object or array */
};

/** json_write_begin() - start a document on @out, which stays the caller's. */
void json_write_begin(struct json_writer *w, FILE *out);

/** json_write_end() - end it with a newline and flush. Return: 0, -EIO when the stream failed. */
int json_write_end(struct json_writer *w);

/* In all of these @key is the member's name in an object, NULL in an array and at the top. */

void json_write_open_object(struct json_writer *w, const char *key);
void json_write_close_object(struct json_writer *w);
void json_write_open_array(struct json_writer *w, const char *key);
void json_write_close_array(struct json_writer *w);

/** json_write_string() - a string; NULL becomes null, invalid UTF-8 bytes become U+FFFD. */
void json_write_string(struct json_writer *w, const char *key, const char *s);

/**
 * json_write_bytes() - foreign bytes of any kind, without loss.
 * @key:	not NULL
 *
 * Valid UTF-8 (NUL included) is written as it is under "KEY". Otherwise each byte that is part of
 * no valid character becomes U+FFFD there, and a member "KEY_base64" with the exact bytes follows.
 */
void json_write_bytes(struct json_writer *w, const char *key, const void *data, size_t len);

void json_write_u64(struct json_writer *w, const char *key, uint64_t v);
void json_write_i64(struct json_writer *w, const char *key, int64_t v);
void json_write_bool(struct json_writer *w, const char *key, bool v);
void json_write_null(struct json_writer *w, const char *key);

/** json_write_ms() - microseconds as a number of milliseconds with three decimals. */
void json_write_ms(struct json_writer *w, const char *key, uint64_t us);

#endif
