/* SPDX-License-Identifier: Apache-2.0 */
/**
 * store.h - images and kernels on disk: find them by name, trust them by digest.
 *
 *   DATA/images/NAME/{root.erofs,manifest.json}
 *   DATA/kernels/NAME/{bzImage,vmlinux,modules/NN-name.ko,manifest.json}
 *   DATA/kernels/default            name of the default kernel (a small text file)
 *
 * A folder is renamed into place when complete, so what has a name is whole. The digest of the
 * manifest is compared with the file once per boot and whenever the file's identity (device, inode,
 * size, mtime, ctime) changes; the result is remembered in RUN/verified/.
 */
#ifndef IMAGE_STORE_H
#define IMAGE_STORE_H

#include "base/limits.h"
#include "base/paths.h"

#define DIGEST_HEX_B 64 /* SHA-256 in lower-case hex */

struct image {
	char name[LIMIT_NAME_MAX + 1];
	char path[1200]; /* root.erofs */
	char digest[DIGEST_HEX_B + 1];
};

struct kernel {
	char name[LIMIT_NAME_MAX + 1];
	char path[1200]; /* bzImage */
	char modules_dir[1200]; /* empty string: everything is built in */
	char digest[DIGEST_HEX_B + 1]; /* over bzImage and modules */
};

/** store_name_valid() - 1..64 of [a-z0-9._-], starting with a letter or a digit. */
bool store_name_valid(const char *name);

/**
 * image_find() - find an image and make sure that it is the one its manifest describes.
 *
 * Return: 0; -ENOENT (hint: the build command); -EBADMSG with IRONCLAW_ERR_CORRUPT when the digest
 * differs (the text names the image, the hint the rebuild command)
 */
int image_find(const struct paths *paths, const char *name, struct image *ret,
	       struct ironclaw_error *err);

/** image_from_path() - an erofs file of the user's own: checked to be regular and erofs, digested. */
int image_from_path(const struct paths *paths, const char *path, struct image *ret,
		    struct ironclaw_error *err);

/** kernel_find() - as image_find(); @name NULL: the default kernel. */
int kernel_find(const struct paths *paths, const char *name, struct kernel *ret,
		struct ironclaw_error *err);

/** kernel_from_path() - a bzImage of the user's own, with everything built in. */
int kernel_from_path(const struct paths *paths, const char *path, struct kernel *ret,
		     struct ironclaw_error *err);

#endif
