/* SPDX-License-Identifier: Apache-2.0 */
/* test_image_manifest.c - image/manifest.h: what is written is read, what is damaged is refused. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "image/manifest.h"

#define HEX "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define GOOD                                                                                       \
	"\"format\":1,\"kind\":\"image\",\"name\":\"a\",\"recipe\":\"debian\",\"sha256\":\"" HEX   \
	"\",\"size\":9,\"created\":\"2026-11-24T09:01:00Z\",\"ironclaw\":\"0.1.0\""

static void test_round_trip(void **state)
{
	struct manifest m = {.kind = "image",
			     .name = "default",
			     .recipe = "debian",
			     .suite = "bookworm",
			     .include = "python3,git",
			     .sha256 = HEX,
			     .created = "2026-11-24T09:01:00Z",
			     .ironclaw = "0.1.0",
			     .size = 164319232};
	struct manifest back = {.size = 0};
	cleanup_free char *text = NULL;
	const char *reason = NULL;

	(void)state;
	assert_int_equal(manifest_add_package(&m, "apt", "2.6.1"), 0);
	assert_int_equal(manifest_add_package(&m, "libc6", "2.36-9+deb12u10"), 0);
	assert_int_equal(manifest_write(&m, &text), 0);
	assert_int_equal(manifest_parse(text, strlen(text), &back, &reason), 0);
	assert_null(reason);
	assert_string_equal(back.name, "default");
	assert_string_equal(back.suite, "bookworm");
	assert_string_equal(back.include, "python3,git");
	assert_string_equal(back.release, "");
	assert_string_equal(back.sha256, HEX);
	assert_int_equal(back.size, 164319232);
	assert_int_equal(back.n_packages, 2);
	assert_string_equal(back.packages[1].name, "libc6");
	assert_string_equal(back.packages[1].version, "2.36-9+deb12u10");
	manifest_done(&back);
	manifest_done(&m);
	manifest_done(&m);
}

static int parse(const char *text, const char **ret_reason)
{
	struct manifest m;
	int r;

	memset(&m, 'x', sizeof(m));
	r = manifest_parse(text, strlen(text), &m, ret_reason);
	if (r == 0)
		manifest_done(&m);
	else
		assert_int_equal(m.name[0], 'x');
	return r;
}

static void test_refused(void **state)
{
	static const char *const bad[] = {
		"",
		"[]",
		"null",
		"{",
		"{}",
		"{" GOOD "} x",
		"{" GOOD ",\"unknown\":1}",
		"{" GOOD ",\"name\":\"b\"}",
		"{" GOOD ",\"size\":9}",
		"{" GOOD ",\"include\":\"python3\"}",
		"{" GOOD ",\"include\":[1]}",
		"{" GOOD ",\"include\":[\"a,b\"]}",
		"{" GOOD ",\"include\":[\"\"]}",
		"{" GOOD ",\"packages\":{}}",
		"{" GOOD ",\"packages\":[{}]}",
		"{" GOOD ",\"packages\":[{\"name\":\"a\"}]}",
		"{" GOOD ",\"packages\":[{\"name\":\"a\",\"version\":\"1\",\"x\":\"1\"}]}",
		"{" GOOD ",\"packages\":[{\"name\":\"a\",\"version\":1}]}",
		"{" GOOD ",\"suite\":\"\"}",
		"{" GOOD ",\"suite\":\"a\\u0000b\"}",
		"{" GOOD ",\"suite\":\"a\\u001bb\"}",
		"{" GOOD ",\"suite\":7}",
		"{" GOOD ",\"config\":\"abc\"}",
		"{\"format\":2,\"kind\":\"image\"}",
	};
	const char *reason;

	(void)state;
	assert_int_equal(parse("{" GOOD "}", &reason), 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		reason = NULL;
		assert_int_equal(parse(bad[i], &reason), -EINVAL);
		assert_non_null(reason);
		assert_int_equal(parse(bad[i], NULL), -EINVAL);
	}
}

/* Without any one of its fields it is refused, and with a strange value of it as well. */
static void test_each_field(void **state)
{
	static const char *const keys[] = {"format", "kind", "name",	"recipe",
					   "sha256", "size", "created", "ironclaw"};
	static const char *const values[] = {"\"\"", "null",	    "-1", "1.5",
					     "true", "\"../x\\n\"", "[]", "99999999999999999999"};
	char text[1024];

	(void)state;
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		const char *at, *end;
		char key[32];

		(void)snprintf(key, sizeof(key), "\"%s\":", keys[i]);
		at = strstr(GOOD, key);
		end = strchr(at, ',');
		assert_non_null(at);
		(void)snprintf(text, sizeof(text), "{%.*s%s}", (int)(at - GOOD), GOOD,
			       end ? end + 1 : "\"x\":1");
		assert_int_equal(parse(text, NULL), -EINVAL);
		for (size_t k = 0; k < sizeof(values) / sizeof(values[0]); k++) {
			(void)snprintf(text, sizeof(text), "{%.*s%s%s%s}", (int)(at - GOOD), GOOD,
				       key, values[k], end ? end : "");
			assert_int_equal(parse(text, NULL), -EINVAL);
		}
	}
}

static void test_bounds(void **state)
{
	size_t len = MANIFEST_MAX_B + 1;
	cleanup_free char *text = malloc(len + 1);
	struct manifest m = {.size = 0};
	char word[MANIFEST_WORD_MAX + 8];

	(void)state;
	memset(text, ' ', len);
	memcpy(text, "{" GOOD "}", strlen("{" GOOD "}"));
	text[len] = '\0';
	assert_int_equal(manifest_parse(text, len, &m, NULL), -EINVAL);
	assert_int_equal(manifest_parse(text, len - 1, &m, NULL), 0);
	manifest_done(&m);

	memset(word, 'a', sizeof(word));
	word[MANIFEST_WORD_MAX + 1] = '\0';
	(void)snprintf(text, len, "{" GOOD ",\"suite\":\"%s\"}", word);
	assert_int_equal(parse(text, NULL), -EINVAL);
	word[MANIFEST_WORD_MAX] = '\0';
	(void)snprintf(text, len, "{" GOOD ",\"suite\":\"%s\"}", word);
	assert_int_equal(parse(text, NULL), 0);
}

static void test_deep_nesting(void **state)
{
	enum { DEPTH = 100000 };
	cleanup_free char *text = malloc(DEPTH + sizeof("{" GOOD ",\"include\":"));
	size_t n = (size_t)sprintf(text, "{" GOOD ",\"include\":");

	(void)state;
	memset(text + n, '[', DEPTH);
	text[n + DEPTH] = '\0';
	assert_int_equal(parse(text, NULL), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),   cmocka_unit_test(test_refused),
		cmocka_unit_test(test_each_field),   cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_deep_nesting),
	};

	return cmocka_run_group_tests_name("image_manifest", tests, NULL, NULL);
}
