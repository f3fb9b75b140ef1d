/* SPDX-License-Identifier: Apache-2.0 */
/* test_kernel_unpack.c - image/kernel_unpack.h: where the payload of a bzImage is, and where not.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "image/kernel_unpack.h"

#define SETUP_B	 (3U * 512U) /* two sectors, and the first */
#define OFFSET_B 16U
#define PACKED_B 64U

static uint8_t image[SETUP_B + OFFSET_B + PACKED_B];
static struct kernel_payload found;

static void set_u32(size_t at, uint32_t value)
{
	for (size_t i = 0; i < 4; i++)
		image[at + i] = (uint8_t)(value >> i * 8);
}

static int build(void **state)
{
	(void)state;
	memset(image, 0, sizeof(image));
	memset(&found, 0, sizeof(found));
	image[0x1f1] = 2;
	memcpy(image + 0x202, "HdrS", 4);
	image[0x206] = 0x0f;
	image[0x207] = 0x02;
	set_u32(0x248, OFFSET_B);
	set_u32(0x24c, PACKED_B);
	memcpy(image + SETUP_B + OFFSET_B, "\x02\x21\x4c\x18", 4);
	set_u32(sizeof(image) - 4, 4711);
	return 0;
}

/* As large as it says, so that reading beyond it is seen. */
static int find(size_t len)
{
	uint8_t *bytes = malloc(len ? len : 1);
	int r;

	assert_non_null(bytes);
	memcpy(bytes, image, len);
	r = kernel_payload_find(bytes, len, &found);
	free(bytes);
	return r;
}

static void each_compression_is_known(void **state)
{
	static const struct {
		const char *magic, *program, *suffix;
		uint8_t len;
		bool size_behind;
	} all[] = {
		{"\x02\x21\x4c\x18", "lz4", ".lz4", 4, true},
		{"\x28\xb5\x2f\xfd", "zstd", ".zst", 4, true},
		{"\xfd"
		 "7zXZ\0",
		 "xz", ".xz", 6, true},
		{"\x1f\x8b\x08", "gzip", ".gz", 3, false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		memcpy(image + SETUP_B + OFFSET_B, all[i].magic, all[i].len);
		assert_int_equal(find(sizeof(image)), 0);
		assert_int_equal(found.at, SETUP_B + OFFSET_B);
		assert_string_equal(found.program, all[i].program);
		assert_string_equal(found.suffix, all[i].suffix);
		assert_int_equal(found.len, PACKED_B - (all[i].size_behind ? 4 : 0));
		assert_int_equal(found.size, all[i].size_behind ? 4711 : 0);
	}
}

static void no_sectors_are_four(void **state)
{
	(void)state;
	image[0x1f1] = 0;
	assert_int_equal(find(sizeof(image)), -EINVAL);
	image[0x1f1] = 1;
	set_u32(0x248, 512 + OFFSET_B);
	assert_int_equal(find(sizeof(image)), 0);
	assert_int_equal(found.at, SETUP_B + OFFSET_B);
}

static void another_compression_is_not_known(void **state)
{
	(void)state;
	image[SETUP_B + OFFSET_B] = 'B';
	assert_int_equal(find(sizeof(image)), -ENOTSUP);
	assert_null(found.program);
}

static void what_is_no_bzimage_is_refused(void **state)
{
	(void)state;
	for (size_t len = 0; len < sizeof(image); len++)
		assert_int_equal(find(len), -EINVAL);
	image[0x206] = 0x07;
	assert_int_equal(find(sizeof(image)), -EINVAL);
	assert_int_equal(build(NULL), 0);
	image[0x202] = 'h';
	assert_int_equal(find(sizeof(image)), -EINVAL);
}

static void a_payload_outside_is_refused(void **state)
{
	static const uint32_t bad[][2] = {{OFFSET_B, PACKED_B + 1},
					  {OFFSET_B + 1, PACKED_B},
					  {UINT32_MAX, PACKED_B},
					  {OFFSET_B, UINT32_MAX},
					  {UINT32_MAX, UINT32_MAX}};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		set_u32(0x248, bad[i][0]);
		set_u32(0x24c, bad[i][1]);
		assert_int_equal(find(sizeof(image)), -EINVAL);
	}
	/* Too small for its own beginning and end. */
	set_u32(0x248, OFFSET_B);
	for (uint32_t len = 0; len < 8; len++) {
		set_u32(0x24c, len);
		assert_int_equal(find(sizeof(image)), -ENOTSUP);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(each_compression_is_known, build),
		cmocka_unit_test_setup(no_sectors_are_four, build),
		cmocka_unit_test_setup(another_compression_is_not_known, build),
		cmocka_unit_test_setup(what_is_no_bzimage_is_refused, build),
		cmocka_unit_test_setup(a_payload_outside_is_refused, build),
	};

	return cmocka_run_group_tests_name("kernel_unpack", tests, NULL, NULL);
}
