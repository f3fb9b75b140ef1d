/* SPDX-License-Identifier: Apache-2.0 */
/* digest.c - SHA-256 of files; see digest.h. */
#include "sys/digest.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <sodium.h>

#include "base/cleanup.h"
#include "sys/sha256_ni.h"

#define BLOCK_B 64U
#define READ_B	(256U * 1024U)

struct hash {
	bool ni;
	uint64_t len; /* of all bytes so far */
	uint32_t state[8];
	uint8_t tail[BLOCK_B]; /* the last len % 64 bytes */
	crypto_hash_sha256_state portable;
};

static void hash_init(struct hash *h)
{
	static const uint32_t start[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
					  0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};

	h->ni = sha256_ni_supported();
	h->len = 0;
	memcpy(h->state, start, sizeof(start));
	(void)crypto_hash_sha256_init(&h->portable);
}

static void hash_update(struct hash *h, const uint8_t *p, size_t len)
{
	size_t held = h->len % BLOCK_B, take;

	h->len += len;
	if (!h->ni) {
		(void)crypto_hash_sha256_update(&h->portable, p, len);
		return;
	}
	if (held > 0) {
		take = len < BLOCK_B - held ? len : BLOCK_B - held;
		memcpy(h->tail + held, p, take);
		p += take;
		len -= take;
		if (held + take < BLOCK_B)
			return;
		sha256_ni_blocks(h->state, h->tail, 1);
	}
	sha256_ni_blocks(h->state, p, len / BLOCK_B);
	memcpy(h->tail, p + len - len % BLOCK_B, len % BLOCK_B);
}

static void hash_final(struct hash *h, uint8_t ret[DIGEST_B])
{
	uint8_t pad[2 * BLOCK_B] = {0x80};
	uint64_t bits = h->len * 8;
	size_t held = h->len % BLOCK_B;
	size_t pad_len = (held < BLOCK_B - 8 ? BLOCK_B : 2 * BLOCK_B) - held;

	if (!h->ni) {
		(void)crypto_hash_sha256_final(&h->portable, ret);
		return;
	}
	for (size_t i = 0; i < 8; i++)
		pad[pad_len - 1 - i] = (uint8_t)(bits >> (8 * i));
	hash_update(h, pad, pad_len);
	for (size_t i = 0; i < DIGEST_B; i++)
		ret[i] = (uint8_t)(h->state[i / 4] >> (24 - 8 * (i % 4)));
}

static void hash_hex(struct hash *h, char ret_hex[DIGEST_HEX_B + 1])
{
	uint8_t raw[DIGEST_B];

	hash_final(h, raw);
	(void)sodium_bin2hex(ret_hex, DIGEST_HEX_B + 1, raw, sizeof(raw));
}

int digest_fd(int fd, char ret_hex[DIGEST_HEX_B + 1], uint64_t *ret_size)
{
	cleanup_free uint8_t *buf = malloc(READ_B);
	struct hash h;
	ssize_t n;

	if (!buf)
		return -ENOMEM;
	hash_init(&h);
	for (;;) {
		n = pread(fd, buf, READ_B, (off_t)h.len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		hash_update(&h, buf, (size_t)n);
	}
	if (n < 0)
		return -errno;
	if (ret_size)
		*ret_size = h.len;
	hash_hex(&h, ret_hex);
	return 0;
}

void digest_bytes(const void *buf, size_t len, char ret_hex[DIGEST_HEX_B + 1])
{
	struct hash h;

	hash_init(&h);
	hash_update(&h, buf, len);
	hash_hex(&h, ret_hex);
}

bool digest_hex_valid(const char *s)
{
	return strlen(s) == DIGEST_HEX_B && strspn(s, "0123456789abcdef") == DIGEST_HEX_B;
}
