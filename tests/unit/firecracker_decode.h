/* SPDX-License-Identifier: Apache-2.0 */
/*
 * firecracker_decode.h - reads Firecracker's filter files back, for the tests: both formats, and
 * every packing of bitcode's columns, though our own files use none.
 *
 * Knows nothing of the encoder, and is strict where Firecracker is: each byte must be used.
 */
#ifndef TESTS_UNIT_FIRECRACKER_DECODE_H
#define TESTS_UNIT_FIRECRACKER_DECODE_H

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define DECODE_ENTRIES 3U
#define DECODE_KEY_MAX 8U
#define DECODE_WORDS   (3U * 5000U)

struct decoded_entry {
	char key[DECODE_KEY_MAX + 1];
	size_t n;
	const uint64_t *code;
};

struct decoded {
	struct decoded_entry entry[DECODE_ENTRIES];
	uint64_t words[DECODE_WORDS]; /* of all entries */
};

struct decoder {
	const uint8_t *at, *end;
	bool bad; /* too short or malformed; what was read since is 0 */
};

static inline uint64_t decode_number(struct decoder *d, size_t n_bytes)
{
	uint64_t value = 0;

	if ((size_t)(d->end - d->at) < n_bytes) {
		d->bad = true;
		return 0;
	}
	for (size_t i = n_bytes; i > 0; i--)
		value = value << 8 | d->at[i - 1];
	d->at += n_bytes;
	return value;
}

/* @n small numbers. From three on a header says into which base, and how many share a byte. */
static inline void decode_bytes(struct decoder *d, size_t n, uint64_t *ret)
{
	static const struct {
		unsigned int base, per_byte;
	} packings[] = {{256, 1}, {16, 2}, {6, 3}, {4, 4}, {3, 5}, {2, 8}};
	const uint64_t header = n < 3 ? 0 : decode_number(d, 1);
	const size_t which = (size_t)(header + 1) / 2;
	uint64_t least, byte = 0;

	if (which >= sizeof(packings) / sizeof(packings[0])) {
		d->bad = true;
		return;
	}
	least = header % 2 ? decode_number(d, 1) : 0;
	for (size_t i = 0; i < n; i++) {
		if (i % packings[which].per_byte == 0)
			byte = decode_number(d, 1);
		ret[i] = byte % packings[which].base + least;
		byte /= packings[which].base;
	}
}

/* @n large numbers: a header says how many bytes each has. */
static inline void decode_words(struct decoder *d, size_t n, uint64_t *ret)
{
	const uint64_t header = n == 0 ? 0 : decode_number(d, 1);
	const size_t which = (size_t)(header + 1) / 2;
	const uint64_t least = header % 2 ? decode_number(d, 8) : 0;

	if (which > 3) {
		d->bad = true;
		return;
	}
	if (which == 3)
		decode_bytes(d, n, ret);
	for (size_t i = 0; i < n; i++)
		ret[i] = (which == 3 ? ret[i] : decode_number(d, (size_t)8 >> which)) + least;
}

static inline void decode_key(struct decoder *d, struct decoded_entry *entry, uint64_t len)
{
	if (len > DECODE_KEY_MAX || (uint64_t)(d->end - d->at) < len) {
		d->bad = true;
		return;
	}
	memcpy(entry->key, d->at, (size_t)len);
	entry->key[len] = '\0';
	d->at += len;
}

static inline int decode_end(const struct decoder *d)
{
	return d->bad || d->at != d->end ? -EINVAL : 0;
}

/* Return: 0, -EINVAL */
static inline int decode_bitcode(const uint8_t *file, size_t len, struct decoded *ret)
{
	struct decoder d = {.at = file, .end = file + len};
	uint64_t lengths[DECODE_ENTRIES] = {0}, longer[DECODE_ENTRIES] = {0};
	size_t n_longer = 0, total = 0, k = 0;

	if (decode_number(&d, 1) != DECODE_ENTRIES)
		return -EINVAL;
	decode_bytes(&d, DECODE_ENTRIES, lengths);
	for (size_t i = 0; i < DECODE_ENTRIES; i++)
		decode_key(&d, &ret->entry[i], lengths[i]);
	decode_bytes(&d, DECODE_ENTRIES, lengths);
	for (size_t i = 0; i < DECODE_ENTRIES; i++)
		n_longer += lengths[i] == 255;
	decode_words(&d, n_longer, longer);
	for (size_t i = 0; i < DECODE_ENTRIES; i++) {
		const uint64_t n = lengths[i] == 255 ? longer[k++] : lengths[i];

		if (n > DECODE_WORDS - total)
			return -EINVAL;
		ret->entry[i].n = (size_t)n;
		ret->entry[i].code = ret->words + total;
		total += (size_t)n;
	}
	decode_words(&d, total, ret->words);
	return decode_end(&d);
}

/* Return: 0, -EINVAL */
static inline int decode_bincode(const uint8_t *file, size_t len, struct decoded *ret)
{
	struct decoder d = {.at = file, .end = file + len};
	size_t total = 0;

	if (decode_number(&d, 8) != DECODE_ENTRIES)
		return -EINVAL;
	for (size_t i = 0; i < DECODE_ENTRIES; i++) {
		uint64_t n;

		decode_key(&d, &ret->entry[i], decode_number(&d, 8));
		n = decode_number(&d, 8);
		if (n > DECODE_WORDS - total)
			return -EINVAL;
		ret->entry[i].n = (size_t)n;
		ret->entry[i].code = ret->words + total;
		for (size_t k = 0; k < n; k++)
			ret->words[total++] = decode_number(&d, 8);
	}
	return decode_end(&d);
}

#endif
