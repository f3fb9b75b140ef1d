/* SPDX-License-Identifier: Apache-2.0 */
/**
 * pieces.h - text that comes in pieces, which may end within a character.
 *
 * Foreign bytes in, valid UTF-8 out: what never becomes a character is U+FFFD.
 */
#ifndef CODEC_PIECES_H
#define CODEC_PIECES_H

#include <stdbool.h>
#include <stddef.h>

/** The text so far; zero is the empty one. The caller frees @bytes. */
struct pieces {
	char *bytes; /* NULL when empty, else terminated; valid UTF-8 */
	size_t len, size;
	char tail[8]; /* the beginning of a character */
	size_t tail_len;
};

/**
 * pieces_add() - append a piece.
 * @s:		valid UTF-8 (a string of a JSON document)
 * @mended:	the document is one that pieces_mend_json() made
 * @left_b:	how much may still be added, in bytes; is counted down
 *
 * Return: 0, -EMSGSIZE: no more room; -ENOMEM
 */
int pieces_add(struct pieces *p, const char *s, size_t len, bool mended, size_t *left_b);

/** pieces_end() - nothing follows: half a character becomes U+FFFD. Return: as pieces_add() */
int pieces_end(struct pieces *p, size_t *left_b);

/**
 * pieces_mend_json() - make JSON readable in which characters were cut in two: bytes that are no
 * UTF-8, and halves of surrogate pairs, are put into private characters (U+F780 to U+F7FF), which
 * pieces_add() takes apart again.
 * @json:	any bytes
 *
 * Return: owned by the caller, not terminated; NULL without memory
 */
char *pieces_mend_json(const char *json, size_t len, size_t *ret_len);

#endif
