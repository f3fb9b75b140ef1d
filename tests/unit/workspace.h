/* SPDX-License-Identifier: Apache-2.0 */
/* workspace.h - a workspace in a folder of its own under /tmp, and a VM that is a few lines. */
#ifndef TESTS_UNIT_WORKSPACE_H
#define TESTS_UNIT_WORKSPACE_H

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <sodium.h>

#include "base/cleanup.h"
#include "sys/file.h"
#include "workspace/workspace.h"

#define ARCHIVE_MAX_B (4U * 1024U * 1024U)

static const uint8_t key[WORKSPACE_KEY_B] = "a key of a test";
static char top[64], folder[80], stages[80];
static int root = -EBADF;

/* What the VM sends back. */
static struct {
	uint8_t bytes[ARCHIVE_MAX_B];
	size_t length;
} archive;

static char last_notice[1024];
static unsigned int notices;

__attribute__((unused)) static void hear(void *userdata, const char *text)
{
	(void)userdata;
	notices++;
	(void)snprintf(last_notice, sizeof(last_notice), "%s", text);
}

__attribute__((unused)) static int make_top(void **state)
{
	(void)state;
	(void)umask(022);
	(void)snprintf(top, sizeof(top), "/tmp/ironclaw-test-workspace-XXXXXX");
	if (!mkdtemp(top))
		return -1;
	(void)snprintf(folder, sizeof(folder), "%s/tree", top);
	(void)snprintf(stages, sizeof(stages), "%s/stages", top);
	if (mkdir(folder, 0755) < 0 || mkdir(stages, 0700) < 0)
		return -1;
	root = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	archive.length = 0;
	notices = 0;
	return root < 0 ? -1 : 0;
}

__attribute__((unused)) static int remove_top(void **state)
{
	(void)state;
	/* Folders of the tests that close themselves to an ordinary user. */
	for (int i = 0; i < 2; i++) {
		if (fchmodat(root, i ? "new" : "closed", 0700, 0) < 0 && errno != ENOENT)
			return -1;
	}
	close_fd(&root);
	return file_remove_tree(AT_FDCWD, top);
}

__attribute__((unused)) static void host_file(const char *path, const char *text)
{
	int fd = openat(root, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(file_write_full(fd, text, strlen(text)), 0);
	(void)close(fd);
}

__attribute__((unused)) static void host_dir(const char *path)
{
	assert_int_equal(mkdirat(root, path, 0755), 0);
}

__attribute__((unused)) static void host_link(const char *path, const char *target)
{
	assert_int_equal(symlinkat(target, root, path), 0);
}

__attribute__((unused)) static void host_is(const char *path, const char *text)
{
	cleanup_free char *got = NULL;
	size_t len;

	assert_int_equal(file_read_bounded(root, path, 1U << 20, &got, &len), 0);
	assert_string_equal(got, text);
}

__attribute__((unused)) static bool host_has(const char *path)
{
	struct stat st;

	return fstatat(root, path, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

__attribute__((unused)) static mode_t host_mode(const char *path)
{
	struct stat st;

	assert_int_equal(fstatat(root, path, &st, AT_SYMLINK_NOFOLLOW), 0);
	return st.st_mode & 07777;
}

__attribute__((unused)) static void guest_bytes(const void *bytes, size_t len)
{
	assert_true(archive.length + len <= ARCHIVE_MAX_B);
	memcpy(archive.bytes + archive.length, bytes, len);
	archive.length += len;
}

__attribute__((unused)) static void guest_zeros(size_t len)
{
	assert_true(archive.length + len <= ARCHIVE_MAX_B);
	memset(archive.bytes + archive.length, 0, len);
	archive.length += len;
}

__attribute__((unused)) static void guest_item(const struct tar_item *item)
{
	uint8_t head[TAR_HEAD_MAX_B];
	ssize_t n = tar_encode(item, head);

	assert_true(n > 0);
	guest_bytes(head, (size_t)n);
}

__attribute__((unused)) static void guest_file(const char *path, const char *text, uint32_t mode)
{
	size_t n = strlen(text);

	guest_item(&(struct tar_item){
		.type = TAR_FILE, .mode = mode, .size = n, .stored = n, .path = path});
	guest_bytes(text, n);
	guest_zeros(tar_padding(n));
}

__attribute__((unused)) static void guest_dir(const char *path, uint32_t mode)
{
	guest_item(&(struct tar_item){.type = TAR_DIR, .mode = mode, .path = path});
}

__attribute__((unused)) static void guest_link(const char *path, const char *target)
{
	guest_item(&(struct tar_item){.type = TAR_LINK, .path = path, .link = target});
}

__attribute__((unused)) static void guest_deleted(const char *path)
{
	guest_item(&(struct tar_item){.type = TAR_FILE, .deleted = true, .path = path});
}

__attribute__((unused)) static struct workspace *opened(const char *const *excludes)
{
	const struct workspace_options options = {.folder = folder,
						  .excludes = excludes,
						  .key = key,
						  .notice = hear};
	struct ironclaw_error err = {.code = IRONCLAW_ERR_NONE};
	struct workspace *ws = NULL;

	if (workspace_open(&options, &ws, &err) < 0)
		fail_msg("%s", err.text);
	return ws;
}

/* Return: a memfd with the copy */
__attribute__((unused)) static int sent(struct workspace *ws)
{
	int fd = memfd_create("copy", MFD_CLOEXEC);
	struct ironclaw_error err = {.code = IRONCLAW_ERR_NONE};

	assert_true(fd >= 0);
	if (workspace_send(ws, fd, &err) < 0)
		fail_msg("%s", err.text);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	return fd;
}

__attribute__((unused)) static int receive_archive(struct stage **ret, struct ironclaw_error *err)
{
	const struct receive_options options = {.folder = stages,
						.program = TEST_BUILD "/ironclaw-unpack"};
	struct receive *receive = NULL;
	int r = receive_start(&options, &receive, err);

	if (r < 0)
		return r;
	(void)receive_data(receive, archive.bytes, archive.length);
	return receive_finish(receive, ret, err);
}

__attribute__((unused)) static struct stage *received(void)
{
	struct ironclaw_error err = {.code = IRONCLAW_ERR_NONE};
	struct stage *stage = NULL;

	guest_zeros(TAR_END_B);
	if (receive_archive(&stage, &err) < 0)
		fail_msg("%s", err.text);
	archive.length = 0;
	return stage;
}

__attribute__((unused)) static struct changes *compared(const struct workspace *ws,
							const struct stage *stage)
{
	struct ironclaw_error err = {.code = IRONCLAW_ERR_NONE};
	struct changes *changes = NULL;

	if (changes_compare(ws, stage, &changes, &err) < 0)
		fail_msg("%s", err.text);
	return changes;
}

/* What is in the folder @fd now: names, types, modes, contents, targets. */
__attribute__((unused)) static void hash_tree(int fd, crypto_hash_sha256_state *h)
{
	struct dirent **names;
	int n = scandirat(fd, ".", &names, NULL, alphasort);

	assert_true(n >= 0);
	for (int i = 0; i < n; i++) {
		const char *name = names[i]->d_name;
		char text[TAR_PATH_MAX_B + 1] = "";
		struct stat st;

		if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0) {
			free(names[i]);
			continue;
		}
		assert_int_equal(fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW), 0);
		crypto_hash_sha256_update(h, (const uint8_t *)name, strlen(name) + 1);
		crypto_hash_sha256_update(h, (const uint8_t *)&st.st_mode, sizeof(st.st_mode));
		if (S_ISLNK(st.st_mode)) {
			assert_true(readlinkat(fd, name, text, sizeof(text) - 1) > 0);
			crypto_hash_sha256_update(h, (const uint8_t *)text, strlen(text) + 1);
		} else if (S_ISREG(st.st_mode)) {
			cleanup_free char *content = NULL;
			size_t len;

			assert_int_equal(file_read_bounded(fd, name, 1U << 20, &content, &len), 0);
			crypto_hash_sha256_update(h, (const uint8_t *)content, len + 1);
		} else {
			cleanup_close int below = openat(fd, name, O_RDONLY | O_CLOEXEC);

			hash_tree(below, h);
		}
		crypto_hash_sha256_update(h, (const uint8_t *)"/", 1);
		free(names[i]);
	}
	free(names);
}

__attribute__((unused)) static void tree_digest(uint8_t ret[DIGEST_B])
{
	crypto_hash_sha256_state h;

	crypto_hash_sha256_init(&h);
	hash_tree(root, &h);
	crypto_hash_sha256_final(&h, ret);
}

#endif
