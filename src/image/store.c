/* SPDX-License-Identifier: Apache-2.0 */
/* store.c - find images and kernels by name, trust them by digest; see store.h. */
#include "image/store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/name.h"
#include "image/store_internal.h"
#include "image/verified.h"
#include "sys/file.h"

#define EROFS_MAGIC_AT	 1024
#define EROFS_MAGIC	 0xe0f5e1e2U
#define BZIMAGE_MAGIC_AT 0x202
#define BZIMAGE_MAGIC	 "HdrS"
#define ELF_MAGIC	 "\177ELF"
#define DEFAULT_MAX_B	 256U

const char *store_noun(const char *kind)
{
	return strcmp(kind, STORE_IMAGES) == 0 ? "image" : "kernel";
}

int store_check_name(const char *kind, const char *name, struct ironclaw_error *err)
{
	if (name_valid(name))
		return 0;
	return err_set(
		err, IRONCLAW_ERR_INVALID, EINVAL,
		"'%.80s' is no %s name: 1 to %u of a-z 0-9 . _ -, the first a letter or digit",
		name, store_noun(kind), LIMIT_NAME_MAX);
}

int store_read_manifest(const struct paths *paths, const char *kind, const char *name,
			struct manifest *ret, struct ironclaw_error *err)
{
	const char *reason = "", *noun = store_noun(kind);
	cleanup_free char *text = NULL;
	char path[STORE_PATH_MAX];
	size_t len;
	int r;

	(void)snprintf(path, sizeof(path), "%s/%s/%s/manifest.json", paths->data, kind, name);
	r = file_read_bounded(AT_FDCWD, path, MANIFEST_MAX_B, &text, &len);
	if (r == -ENOENT)
		return err_set(err, IRONCLAW_ERR_CORRUPT, EBADMSG, "%s '%s' has no manifest", noun,
			       name);
	if (r == -EFBIG)
		reason = "it is too large";
	else if (r < 0)
		return err_sys(err, -r, "cannot read %s", path);
	else
		r = manifest_parse(text, len, ret, &reason);
	if (r == -ENOMEM)
		return err_sys(err, ENOMEM, "cannot read %s", path);
	if (r < 0)
		return err_set(err, IRONCLAW_ERR_CORRUPT, EBADMSG,
			       "the manifest of %s '%s' is damaged: %s", noun, name, reason);
	return 0;
}

bool store_exists(const struct paths *paths, const char *kind, const char *name)
{
	char path[STORE_PATH_MAX];
	struct stat st;

	(void)snprintf(path, sizeof(path), "%s/%s/%s", paths->data, kind, name);
	return lstat(path, &st) == 0;
}

/* The command that makes an entry anew, as a hint; @m may be NULL. */
static void hint_rebuild(struct ironclaw_error *err, const char *kind, const char *name,
			 const struct manifest *m)
{
	const char *suite = m ? m->suite : "", *include = m ? m->include : "";

	if (strcmp(kind, STORE_KERNELS) == 0)
		err_hint(err, "ironclaw kernel build%s%s",
			 strcmp(name, KERNEL_DEBIAN) == 0 ? " --debian" : "", m ? " --force" : "");
	else
		err_hint(err, "ironclaw image build %s%s%s%s%s%s", name, m ? " --force" : "",
			 suite[0] ? " --suite " : "", suite, include[0] ? " --include " : "",
			 include);
}

int store_inspect(const struct paths *paths, const char *kind, const char *name,
		  struct manifest *ret, struct ironclaw_error *err)
{
	int r = store_check_name(kind, name, err);

	if (r < 0)
		return r;
	if (!store_exists(paths, kind, name)) {
		r = err_set(err, IRONCLAW_ERR_NOT_FOUND, ENOENT, "there is no %s '%s'",
			    store_noun(kind), name);
		hint_rebuild(err, kind, name, NULL);
		return r;
	}
	r = store_read_manifest(paths, kind, name, ret, err);
	if (r == -EBADMSG)
		hint_rebuild(err, kind, name, &(struct manifest){.size = 0});
	return r;
}

/* Compares files with a manifest. */
static int verify(const struct paths *paths, const char *kind, const char *name,
		  const struct kernel_files *set, const struct manifest *m,
		  struct ironclaw_error *err)
{
	char key[LIMIT_NAME_MAX + 32], hex[DIGEST_HEX_B + 1];
	int r;

	(void)snprintf(key, sizeof(key), "%s-%s", store_noun(kind), name);
	r = verified_digest(paths, key, set->files, set->n, hex, err);
	if (r == 0 && strcmp(hex, m->sha256) == 0)
		return 0;
	if (r < 0 && r != -ENOENT)
		return r;
	r = err_set(err, IRONCLAW_ERR_CORRUPT, EBADMSG,
		    "%s '%s' is damaged: its files do not match the digest of its manifest",
		    store_noun(kind), name);
	hint_rebuild(err, kind, name, m);
	return r;
}

int image_find(const struct paths *paths, const char *name, struct image *ret,
	       struct ironclaw_error *err)
{
	struct manifest m cleanup(manifest_done) = {.size = 0};
	struct kernel_files set = {.n = 1};
	struct image image = {.name = ""};
	int r = store_inspect(paths, STORE_IMAGES, name, &m, err);

	if (r < 0)
		return r;
	(void)snprintf(image.name, sizeof(image.name), "%s", name);
	(void)snprintf(image.path, sizeof(image.path), "%s/%s/%s/root.erofs", paths->data,
		       STORE_IMAGES, name);
	memcpy(image.digest, m.sha256, sizeof(image.digest));
	set.files[0] = (struct verified_file){.path = image.path, .label = "root.erofs"};
	r = verify(paths, STORE_IMAGES, name, &set, &m, err);
	if (r == 0)
		*ret = image;
	return r;
}

int kernel_default(const struct paths *paths, char ret[LIMIT_NAME_MAX + 1],
		   struct ironclaw_error *err)
{
	cleanup_free char *text = NULL;
	char path[STORE_PATH_MAX];
	size_t len;
	int r;

	(void)snprintf(path, sizeof(path), "%s/%s/default", paths->data, STORE_KERNELS);
	r = file_read_bounded(AT_FDCWD, path, DEFAULT_MAX_B, &text, &len);
	if (r < 0 && r != -ENOENT && r != -EFBIG)
		return err_sys(err, -r, "cannot read %s", path);
	if (r == -ENOENT) {
		r = err_set(err, IRONCLAW_ERR_NOT_FOUND, ENOENT, "there is no kernel yet");
	} else {
		text[r == 0 ? strcspn(text, "\n") : 0] = '\0';
		if (r == 0 && name_valid(text)) {
			(void)snprintf(ret, LIMIT_NAME_MAX + 1, "%s", text);
			return 0;
		}
		r = err_set(err, IRONCLAW_ERR_CORRUPT, EBADMSG, "%s does not hold a kernel's name",
			    path);
	}
	err_hint(err, "ironclaw kernel build");
	return r;
}

int kernel_set_default(const struct paths *paths, const char *name, struct ironclaw_error *err)
{
	char path[STORE_PATH_MAX], line[LIMIT_NAME_MAX + 2];
	int n, r = store_check_name(STORE_KERNELS, name, err);

	if (r < 0)
		return r;
	if (!store_exists(paths, STORE_KERNELS, name))
		return err_set(err, IRONCLAW_ERR_NOT_FOUND, ENOENT, "there is no kernel '%s'",
			       name);
	(void)snprintf(path, sizeof(path), "%s/%s/default", paths->data, STORE_KERNELS);
	n = snprintf(line, sizeof(line), "%s\n", name);
	r = file_write_atomic(AT_FDCWD, path, line, (size_t)n, 0644);
	return r < 0 ? err_sys(err, -r, "cannot write %s", path) : 0;
}

static bool file_exists(const char *path)
{
	return access(path, F_OK) == 0;
}

static int find_kernel_files(const struct paths *paths, const char *name, struct kernel *kernel,
			     struct kernel_files *files, struct ironclaw_error *err)
{
	char dir[STORE_PATH_MAX];

	(void)snprintf(kernel->name, sizeof(kernel->name), "%s", name);
	(void)snprintf(dir, sizeof(dir), "%s/%s/%s", paths->data, STORE_KERNELS, name);
	(void)snprintf(kernel->path, sizeof(kernel->path), "%.1100s/bzImage", dir);
	(void)snprintf(kernel->vmlinux, sizeof(kernel->vmlinux), "%.1100s/vmlinux", dir);
	(void)snprintf(kernel->modules_dir, sizeof(kernel->modules_dir), "%.1100s/modules", dir);
	if (!file_exists(kernel->vmlinux))
		kernel->vmlinux[0] = '\0';
	if (!file_exists(kernel->modules_dir))
		kernel->modules_dir[0] = '\0';
	return kernel_files_list(dir, files, err);
}

int kernel_find(const struct paths *paths, const char *name, struct kernel *ret,
		struct ironclaw_error *err)
{
	struct kernel_files files cleanup(kernel_files_done) = {.n = 0};
	struct manifest m cleanup(manifest_done) = {.size = 0};
	struct kernel kernel = {.name = ""};
	char chosen[LIMIT_NAME_MAX + 1];
	int r;

	if (!name) {
		r = kernel_default(paths, chosen, err);
		if (r < 0)
			return r;
		name = chosen;
	}
	r = store_inspect(paths, STORE_KERNELS, name, &m, err);
	if (r < 0)
		return r;
	r = find_kernel_files(paths, name, &kernel, &files, err);
	if (r < 0)
		return r;
	memcpy(kernel.digest, m.sha256, sizeof(kernel.digest));
	r = verify(paths, STORE_KERNELS, name, &files, &m, err);
	if (r == 0)
		*ret = kernel;
	return r;
}

/* What is known of a file of the user's own. */
struct adopted {
	uint8_t head[EROFS_MAGIC_AT + 4]; /* its first bytes; zeros behind its end */
	char digest[DIGEST_HEX_B + 1];
	char name[LIMIT_NAME_MAX + 1]; /* made of the digest */
};

static int adopt(const struct paths *paths, const char *path, struct adopted *ret,
		 struct ironclaw_error *err)
{
	cleanup_close int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct verified_file file = {.path = path, .label = "file"};
	char key[DIGEST_HEX_B + 16], path_hex[DIGEST_HEX_B + 1];
	struct stat st;
	int r;

	if (fd < 0)
		return err_sys(err, errno, "cannot open %s", path);
	if (fstat(fd, &st) < 0)
		return err_sys(err, errno, "cannot read %s", path);
	if (!S_ISREG(st.st_mode))
		return err_set(err, IRONCLAW_ERR_INVALID, EINVAL, "%s is not a regular file", path);
	memset(ret->head, 0, sizeof(ret->head));
	if (pread(fd, ret->head, sizeof(ret->head), 0) < 0)
		return err_sys(err, errno, "cannot read %s", path);
	digest_bytes(path, strlen(path), path_hex);
	(void)snprintf(key, sizeof(key), "path-%.32s", path_hex);
	r = verified_digest(paths, key, &file, 1, ret->digest, err);
	if (r == 0)
		(void)snprintf(ret->name, sizeof(ret->name), "file-%.12s", ret->digest);
	return r;
}

static int copy_path(char dst[STORE_PATH_MAX], const char *path, struct ironclaw_error *err)
{
	char *full = realpath(path, NULL);
	int n;

	if (!full)
		return err_sys(err, errno, "cannot open %s", path);
	n = snprintf(dst, STORE_PATH_MAX, "%s", full);
	free(full);
	if (n < 0 || n >= (int)STORE_PATH_MAX)
		return err_set(err, IRONCLAW_ERR_INVALID, ENAMETOOLONG,
			       "the path of %.200s is too long", path);
	return 0;
}

int image_from_path(const struct paths *paths, const char *path, struct image *ret,
		    struct ironclaw_error *err)
{
	struct image image = {.name = ""};
	struct adopted file;
	const uint8_t *magic = file.head + EROFS_MAGIC_AT;
	int r = copy_path(image.path, path, err);

	if (r == 0)
		r = adopt(paths, image.path, &file, err);
	if (r < 0)
		return r;
	if ((magic[0] | magic[1] << 8 | magic[2] << 16 | (uint32_t)magic[3] << 24) != EROFS_MAGIC)
		return err_set(err, IRONCLAW_ERR_INVALID, EINVAL, "%s is not an erofs file system",
			       path);
	memcpy(image.digest, file.digest, sizeof(image.digest));
	memcpy(image.name, file.name, sizeof(image.name));
	*ret = image;
	return 0;
}

int kernel_from_path(const struct paths *paths, const char *path, struct kernel *ret,
		     struct ironclaw_error *err)
{
	struct kernel kernel = {.name = ""};
	struct adopted file;
	int r = copy_path(kernel.path, path, err);

	if (r == 0)
		r = adopt(paths, kernel.path, &file, err);
	if (r < 0)
		return r;
	if (memcmp(file.head, ELF_MAGIC, 4) == 0)
		memcpy(kernel.vmlinux, kernel.path, sizeof(kernel.vmlinux));
	else if (memcmp(file.head + BZIMAGE_MAGIC_AT, BZIMAGE_MAGIC, 4) != 0)
		return err_set(err, IRONCLAW_ERR_INVALID, EINVAL,
			       "%s is neither a bzImage nor a vmlinux", path);
	memcpy(kernel.digest, file.digest, sizeof(kernel.digest));
	memcpy(kernel.name, file.name, sizeof(kernel.name));
	*ret = kernel;
	return 0;
}
