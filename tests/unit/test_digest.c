/* SPDX-License-Identifier: Apache-2.0 */
/* test_digest.c - sys/digest.h against libsodium, for every way a message can fill blocks. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>
#include <sodium.h>

#include "base/cleanup.h"
#include "sys/digest.h"

#define LEN_MAX 1000U

static void reference(const void *buf, size_t len, char *ret)
{
	unsigned char raw[crypto_hash_sha256_BYTES];

	(void)crypto_hash_sha256(raw, buf, len);
	(void)sodium_bin2hex(ret, DIGEST_HEX_B + 1, raw, sizeof(raw));
}

static void test_known_values(void **state)
{
	char hex[DIGEST_HEX_B + 1];

	(void)state;
	digest_bytes("", 0, hex);
	assert_string_equal(hex,
			    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	digest_bytes("abc", 3, hex);
	assert_string_equal(hex,
			    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

static void test_every_length(void **state)
{
	char ours[DIGEST_HEX_B + 1], theirs[DIGEST_HEX_B + 1];
	uint8_t buf[LEN_MAX];

	(void)state;
	for (size_t i = 0; i < LEN_MAX; i++)
		buf[i] = (uint8_t)(i * 131 + (i >> 3));
	for (size_t len = 0; len <= LEN_MAX; len++) {
		digest_bytes(buf, len, ours);
		reference(buf, len, theirs);
		assert_string_equal(ours, theirs);
	}
}

static void test_file(void **state)
{
	/* More than one read, and not a multiple of a block. */
	size_t len = 3 * 256 * 1024 + 77;
	cleanup_free uint8_t *buf = malloc(len);
	cleanup_close int fd = memfd_create("digest", MFD_CLOEXEC);
	char ours[DIGEST_HEX_B + 1], theirs[DIGEST_HEX_B + 1];
	uint64_t size = 0;

	(void)state;
	for (size_t i = 0; i < len; i++)
		buf[i] = (uint8_t)(i ^ (i >> 9));
	assert_int_equal(write(fd, buf, len), len);
	/* From the first byte on, wherever the offset is, and it stays there. */
	assert_int_equal(lseek(fd, 5, SEEK_SET), 5);
	assert_int_equal(digest_fd(fd, ours, &size), 0);
	assert_int_equal(lseek(fd, 0, SEEK_CUR), 5);
	assert_int_equal(size, len);
	reference(buf, len, theirs);
	assert_string_equal(ours, theirs);
}

/* A file of 1 MiB with one page of 'x' at @page; @dense: zeros are written, not left out. */
static void sparse_file(off_t page, bool dense, char ret[DIGEST_HEX_B + 1])
{
	cleanup_close int fd = memfd_create("digest", MFD_CLOEXEC);
	static uint8_t zeros[1024 * 1024];
	uint8_t x[4096];

	memset(x, 'x', sizeof(x));
	if (dense)
		assert_int_equal(pwrite(fd, zeros, sizeof(zeros), 0), sizeof(zeros));
	assert_int_equal(ftruncate(fd, sizeof(zeros)), 0);
	assert_int_equal(pwrite(fd, x, sizeof(x), page * 4096), sizeof(x));
	assert_int_equal(digest_sparse_fd(fd, ret), 0);
}

static void test_sparse(void **state)
{
	char holes[DIGEST_HEX_B + 1], zeros[DIGEST_HEX_B + 1], moved[DIGEST_HEX_B + 1];

	(void)state;
	sparse_file(70, false, holes);
	sparse_file(70, true, zeros);
	sparse_file(71, false, moved);
	assert_string_equal(holes, zeros);
	assert_string_not_equal(holes, moved);
	assert_true(digest_sparse_fd(-1, holes) == -EBADF);
}

static void test_bad_fd(void **state)
{
	char hex[DIGEST_HEX_B + 1];

	(void)state;
	assert_int_equal(digest_fd(-1, hex, NULL), -EBADF);
}

static void test_hex_valid(void **state)
{
	char hex[DIGEST_HEX_B + 2];

	(void)state;
	digest_bytes("x", 1, hex);
	assert_true(digest_hex_valid(hex));
	hex[3] = 'A';
	assert_false(digest_hex_valid(hex));
	hex[3] = 'g';
	assert_false(digest_hex_valid(hex));
	hex[3] = '\0';
	assert_false(digest_hex_valid(hex));
	memset(hex, 'a', DIGEST_HEX_B + 1);
	hex[DIGEST_HEX_B + 1] = '\0';
	assert_false(digest_hex_valid(hex));
	assert_false(digest_hex_valid(""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_known_values), cmocka_unit_test(test_every_length),
		cmocka_unit_test(test_sparse),	     cmocka_unit_test(test_file),
		cmocka_unit_test(test_bad_fd),	     cmocka_unit_test(test_hex_valid),
	};

	return cmocka_run_group_tests_name("digest", tests, NULL, NULL);
}
