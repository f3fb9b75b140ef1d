/* SPDX-License-Identifier: Apache-2.0 */
/* digest.c - SHA-256 of files; see digest.h. */
#include "sys/digest.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <sodium.h>

#include "base/cleanup.h"

#define READ_B (256U * 1024U)
#define PAGE_B 4096U

static void final_hex(crypto_hash_sha256_state *h, char ret_hex[DIGEST_HEX_B + 1])
{
	uint8_t raw[DIGEST_B];

	(void)crypto_hash_sha256_final(h, raw);
	(void)sodium_bin2hex(ret_hex, DIGEST_HEX_B + 1, raw, sizeof(raw));
}

/* Return: bytes read, 0 at the end, -errno */
static ssize_t read_at(int fd, uint8_t *buf, off_t at)
{
	ssize_t n;

	do {
		n = pread(fd, buf, READ_B, at);
	} while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}

int digest_fd(int fd, char ret_hex[DIGEST_HEX_B + 1], uint64_t *ret_size)
{
	cleanup_free uint8_t *buf = malloc(READ_B);
	crypto_hash_sha256_state h;
	off_t at = 0;
	ssize_t n;

	if (!buf)
		return -ENOMEM;
	(void)crypto_hash_sha256_init(&h);
	while ((n = read_at(fd, buf, at)) > 0) {
		(void)crypto_hash_sha256_update(&h, buf, (size_t)n);
		at += n;
	}
	if (n < 0)
		return (int)n;
	if (ret_size)
		*ret_size = (uint64_t)at;
	final_hex(&h, ret_hex);
	return 0;
}

/* Hashes number and contents of each page of the buffer that is not all zero. */
static void hash_pages(crypto_hash_sha256_state *h, const uint8_t *buf, size_t len, uint64_t page)
{
	for (size_t i = 0; i < len; i += PAGE_B, page++) {
		size_t n = len - i < PAGE_B ? len - i : PAGE_B;

		if (sodium_is_zero(buf + i, n))
			continue;
		(void)crypto_hash_sha256_update(h, (const uint8_t *)&page, sizeof(page));
		(void)crypto_hash_sha256_update(h, buf + i, n);
	}
}

int digest_sparse_fd(int fd, char ret_hex[DIGEST_HEX_B + 1])
{
	cleanup_free uint8_t *buf = malloc(READ_B);
	off_t size = lseek(fd, 0, SEEK_END), at = 0;
	crypto_hash_sha256_state h;

	if (!buf)
		return -ENOMEM;
	if (size < 0)
		return -errno;
	(void)crypto_hash_sha256_init(&h);
	(void)crypto_hash_sha256_update(&h, (const uint8_t *)&size, sizeof(size));
	while (at < size) {
		off_t data = lseek(fd, at, SEEK_DATA);
		ssize_t n;

		if (data < 0 && errno == ENXIO)
			break;
		/* A file system without holes says EINVAL: everything is data. */
		if (data > at)
			at = data - data % PAGE_B;
		n = read_at(fd, buf, at);
		if (n < 0)
			return (int)n;
		if (n == 0)
			break;
		hash_pages(&h, buf, (size_t)n, (uint64_t)at / PAGE_B);
		at += n;
	}
	final_hex(&h, ret_hex);
	return 0;
}

void digest_bytes(const void *buf, size_t len, char ret_hex[DIGEST_HEX_B + 1])
{
	crypto_hash_sha256_state h;

	(void)crypto_hash_sha256_init(&h);
	(void)crypto_hash_sha256_update(&h, buf, len);
	final_hex(&h, ret_hex);
}

bool digest_hex_valid(const char *s)
{
	return strlen(s) == DIGEST_HEX_B && strspn(s, "0123456789abcdef") == DIGEST_HEX_B;
}
