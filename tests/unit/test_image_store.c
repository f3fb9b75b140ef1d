/* SPDX-License-Identifier: Apache-2.0 */
/* test_image_store.c - image/store.h: names, digests, damage, listing, removal. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/name.h"
#include "image/store.h"
#include "sys/file.h"

static char home[64];
static struct paths paths;

static int make_home(void **state)
{
	(void)state;
	(void)snprintf(home, sizeof(home), "/tmp/ironclaw-test-XXXXXX");
	if (!mkdtemp(home))
		return -1;
	(void)snprintf(paths.data, sizeof(paths.data), "%s/data", home);
	(void)snprintf(paths.cache, sizeof(paths.cache), "%s/cache", home);
	(void)snprintf(paths.run, sizeof(paths.run), "%s/run", home);
	return 0;
}

static int remove_home(void **state)
{
	(void)state;
	return file_remove_tree(AT_FDCWD, home);
}

static void put_file(const char *rel, const void *content, size_t len)
{
	char path[512], *slash;

	(void)snprintf(path, sizeof(path), "%s/%s", home, rel);
	slash = strrchr(path, '/');
	*slash = '\0';
	assert_int_equal(file_mkdir_p(path, 0755), 0);
	*slash = '/';
	assert_int_equal(file_write_atomic(AT_FDCWD, path, content, len, 0644), 0);
}

static void put_manifest(const char *kind, const char *name, const char *sha256)
{
	char text[1024], rel[256];

	(void)snprintf(text, sizeof(text),
		       "{\"format\":1,\"kind\":\"%s\",\"name\":\"%s\",\"recipe\":\"debian\","
		       "\"suite\":\"trixie\",\"include\":[\"git\",\"curl\"],\"sha256\":\"%s\","
		       "\"size\":5000,\"created\":\"2026-11-24T09:01:00Z\",\"ironclaw\":\"0\"}",
		       strcmp(kind, "images") == 0 ? "image" : "kernel", name, sha256);
	(void)snprintf(rel, sizeof(rel), "data/%s/%s/manifest.json", kind, name);
	put_file(rel, text, strlen(text));
}

static uint8_t content[5000];

static void put_image(const char *name)
{
	char hex[DIGEST_HEX_B + 1], rel[256];

	for (size_t i = 0; i < sizeof(content); i++)
		content[i] = (uint8_t)(i * 7);
	memcpy(content + 1024, "\xe2\xe1\xf5\xe0", 4);
	digest_bytes(content, sizeof(content), hex);
	(void)snprintf(rel, sizeof(rel), "data/images/%s/root.erofs", name);
	put_file(rel, content, sizeof(content));
	put_manifest("images", name, hex);
}

/* Until what was written a moment ago counts as settled, see verified.c. */
static void settle(void)
{
	(void)usleep(150000);
}

static void flip_bit(const char *rel, off_t at)
{
	char path[512];
	uint8_t byte;
	cleanup_close int fd = -EBADF;

	(void)snprintf(path, sizeof(path), "%s/%s", home, rel);
	fd = open(path, O_RDWR | O_CLOEXEC);
	assert_int_equal(pread(fd, &byte, 1, at), 1);
	byte ^= 1;
	assert_int_equal(pwrite(fd, &byte, 1, at), 1);
}

static void test_names(void **state)
{
	char name[LIMIT_NAME_MAX + 2];

	(void)state;
	assert_true(name_valid("default"));
	assert_true(name_valid("0a._-z"));
	assert_false(name_valid(""));
	assert_false(name_valid("."));
	assert_false(name_valid(".."));
	assert_false(name_valid(".hidden"));
	assert_false(name_valid("-x"));
	assert_false(name_valid("_x"));
	assert_false(name_valid("a/b"));
	assert_false(name_valid("UPPER"));
	assert_false(name_valid("a b"));
	assert_false(name_valid("a\n"));
	memset(name, 'a', sizeof(name));
	name[LIMIT_NAME_MAX + 1] = '\0';
	assert_false(name_valid(name));
	name[LIMIT_NAME_MAX] = '\0';
	assert_true(name_valid(name));
}

static void test_find_and_remember(void **state)
{
	struct ironclaw_error err = {0};
	struct image image;
	char path[512];
	struct stat st;

	(void)state;
	put_image("one");
	settle();
	assert_int_equal(image_find(&paths, "one", &image, &err), 0);
	assert_string_equal(image.name, "one");
	assert_int_equal(strlen(image.digest), DIGEST_HEX_B);
	assert_int_equal(stat(image.path, &st), 0);
	(void)snprintf(path, sizeof(path), "%s/run/verified/image-one", home);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(image_find(&paths, "one", &image, &err), 0);
	/* A record that was tampered with costs a new look, or is an error: never a wrong digest.
	 */
	assert_int_equal(truncate(path, 10), 0);
	assert_int_equal(image_find(&paths, "one", &image, &err), 0);
	/* Somebody else's run folder is not believed, but nothing fails. */
	assert_int_equal(chmod(path, 0600), 0);
	(void)snprintf(path, sizeof(path), "%s/run", home);
	assert_int_equal(chmod(path, 0777), 0);
	assert_int_equal(image_find(&paths, "one", &image, &err), 0);
	assert_int_equal(chmod(path, 0700), 0);
}

static void test_missing(void **state)
{
	struct ironclaw_error err = {0};
	struct image image;
	struct kernel kernel;

	(void)state;
	assert_int_equal(image_find(&paths, "nosuch", &image, &err), -ENOENT);
	assert_int_equal(err.code, IRONCLAW_ERR_NOT_FOUND);
	assert_non_null(strstr(err.text, "nosuch"));
	assert_string_equal(err.hint, "ironclaw image build nosuch");
	assert_int_equal(image_find(&paths, "../x", &image, &err), -EINVAL);
	assert_int_equal(kernel_find(&paths, NULL, &kernel, &err), -ENOENT);
	assert_int_equal(err.code, IRONCLAW_ERR_NOT_FOUND);
	assert_string_equal(err.hint, "ironclaw kernel build");
	assert_int_equal(image_find(&paths, "nosuch", &image, NULL), -ENOENT);
}

static void assert_corrupt(const char *name)
{
	struct ironclaw_error err = {0};
	struct image image = {.name = "untouched"};

	assert_int_equal(image_find(&paths, name, &image, &err), -EBADMSG);
	assert_int_equal(err.code, IRONCLAW_ERR_CORRUPT);
	assert_non_null(strstr(err.text, name));
	assert_non_null(strstr(err.hint, "ironclaw image build"));
	assert_string_equal(image.name, "untouched");
}

static void test_damage(void **state)
{
	struct ironclaw_error err = {0};
	struct image image;
	char path[512];

	(void)state;
	put_image("bad");
	settle();
	assert_int_equal(image_find(&paths, "bad", &image, &err), 0);
	flip_bit("data/images/bad/root.erofs", 4321);
	assert_corrupt("bad");
	flip_bit("data/images/bad/root.erofs", 4321);
	assert_int_equal(image_find(&paths, "bad", &image, &err), 0);

	(void)snprintf(path, sizeof(path), "%s/data/images/bad/root.erofs", home);
	assert_int_equal(truncate(path, 4999), 0);
	assert_corrupt("bad");
	assert_int_equal(image_find(&paths, "bad", &image, &err), -EBADMSG);
	assert_string_equal(err.hint,
			    "ironclaw image build bad --force --suite trixie --include git,curl");
	assert_int_equal(unlink(path), 0);
	assert_corrupt("bad");
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(image_find(&paths, "bad", &image, &err), -EINVAL);
}

static void test_damaged_manifest(void **state)
{
	char path[512];

	(void)state;
	put_image("man");
	flip_bit("data/images/man/manifest.json", 2);
	assert_corrupt("man");
	(void)snprintf(path, sizeof(path), "%s/data/images/man/manifest.json", home);
	assert_int_equal(truncate(path, 0), 0);
	assert_corrupt("man");
	assert_int_equal(truncate(path, MANIFEST_MAX_B + 1), 0);
	assert_corrupt("man");
	assert_int_equal(unlink(path), 0);
	assert_corrupt("man");
}

static void put_kernel(const char *name)
{
	char hex[DIGEST_HEX_B + 1], rel[256], lines[1024];
	static const char *const files[] = {"bzImage", "modules/00-a.ko", "modules/01-b.ko"};
	size_t len = 0;

	for (size_t i = 0; i < 3; i++) {
		(void)snprintf(rel, sizeof(rel), "data/kernels/%s/%s", name, files[i]);
		put_file(rel, files[i], strlen(files[i]));
		digest_bytes(files[i], strlen(files[i]), hex);
		len += (size_t)snprintf(lines + len, sizeof(lines) - len, "%s  %s\n", hex,
					files[i]);
	}
	digest_bytes(lines, len, hex);
	put_manifest("kernels", name, hex);
}

static void test_kernels(void **state)
{
	struct ironclaw_error err = {0};
	struct kernel kernel;
	char name[LIMIT_NAME_MAX + 1];

	(void)state;
	put_kernel("k1");
	assert_int_equal(kernel_find(&paths, "k1", &kernel, &err), 0);
	assert_int_equal(kernel.vmlinux[0], '\0');
	assert_non_null(strstr(kernel.modules_dir, "/k1/modules"));
	assert_int_equal(kernel_default(&paths, name, &err), -ENOENT);
	assert_int_equal(kernel_set_default(&paths, "none", &err), -ENOENT);
	assert_int_equal(kernel_set_default(&paths, "k1", &err), 0);
	assert_int_equal(kernel_default(&paths, name, &err), 0);
	assert_string_equal(name, "k1");
	assert_int_equal(kernel_find(&paths, NULL, &kernel, &err), 0);
	assert_string_equal(kernel.name, "k1");

	/* One more module, or another order of them, is another kernel. */
	put_file("data/kernels/k1/modules/02-c.ko", "c", 1);
	assert_int_equal(kernel_find(&paths, "k1", &kernel, &err), -EBADMSG);
	assert_string_equal(err.hint, "ironclaw kernel build --force");
	put_file("data/kernels/default", "../../etc\n", 10);
	assert_int_equal(kernel_find(&paths, NULL, &kernel, &err), -EBADMSG);
}

static void test_own_files(void **state)
{
	struct ironclaw_error err = {0};
	uint8_t bz[1024] = {0};
	struct image image;
	struct kernel kernel;
	char path[512];

	(void)state;
	put_image("own");
	(void)snprintf(path, sizeof(path), "%s/data/images/own/root.erofs", home);
	assert_int_equal(image_from_path(&paths, path, &image, &err), 0);
	assert_true(name_valid(image.name));
	assert_string_equal(image.path, path);
	assert_int_equal(kernel_from_path(&paths, path, &kernel, &err), -EINVAL);

	memcpy(bz + 0x202, "HdrS", 4);
	put_file("bz", bz, sizeof(bz));
	(void)snprintf(path, sizeof(path), "%s/bz", home);
	assert_int_equal(kernel_from_path(&paths, path, &kernel, &err), 0);
	assert_int_equal(kernel.modules_dir[0], '\0');
	assert_int_equal(kernel.vmlinux[0], '\0');
	assert_int_equal(image_from_path(&paths, path, &image, &err), -EINVAL);
	put_file("bz", "\177ELF", 4);
	assert_int_equal(kernel_from_path(&paths, path, &kernel, &err), 0);
	assert_string_equal(kernel.vmlinux, kernel.path);
	assert_int_equal(image_from_path(&paths, home, &image, &err), -EINVAL);
	assert_int_equal(image_from_path(&paths, "/dev/zero", &image, &err), -EINVAL);
	assert_int_equal(image_from_path(&paths, "/nonexistent", &image, &err), -ENOENT);
}

static void test_list_and_remove(void **state)
{
	struct store_list list = {.n = 0};
	struct ironclaw_error err = {0};
	struct image image;
	char path[512];

	(void)state;
	(void)snprintf(path, sizeof(path), "%s/data", home);
	assert_int_equal(file_remove_tree(AT_FDCWD, path), 0);
	assert_int_equal(store_list(&paths, STORE_IMAGES, &list, &err), 0);
	assert_int_equal(list.n, 0);
	put_image("b");
	put_image("a");
	put_file("data/images/c/x", "x", 1);
	put_file("data/images/.build-d/x", "x", 1);
	put_file("data/images/file", "x", 1);
	assert_int_equal(store_list(&paths, STORE_IMAGES, &list, &err), 0);
	assert_int_equal(list.n, 3);
	assert_string_equal(list.entries[0].name, "a");
	assert_string_equal(list.entries[0].manifest.include, "git,curl");
	assert_false(list.entries[1].damaged);
	assert_string_equal(list.entries[2].name, "c");
	assert_true(list.entries[2].damaged);
	store_list_done(&list);

	assert_int_equal(store_remove(&paths, STORE_IMAGES, "../images/a", &err), -EINVAL);
	assert_int_equal(store_remove(&paths, STORE_IMAGES, "z", &err), -ENOENT);
	assert_int_equal(store_remove(&paths, STORE_IMAGES, "a", &err), 0);
	assert_int_equal(store_remove(&paths, STORE_IMAGES, "c", &err), 0);
	assert_int_equal(image_find(&paths, "b", &image, &err), 0);
	assert_int_equal(store_list(&paths, STORE_IMAGES, &list, &err), 0);
	assert_int_equal(list.n, 1);
	store_list_done(&list);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_find_and_remember),
		cmocka_unit_test(test_missing),
		cmocka_unit_test(test_damage),
		cmocka_unit_test(test_damaged_manifest),
		cmocka_unit_test(test_kernels),
		cmocka_unit_test(test_own_files),
		cmocka_unit_test(test_list_and_remove),
	};

	return cmocka_run_group_tests_name("image_store", tests, make_home, remove_home);
}
