/* SPDX-License-Identifier: Apache-2.0 */
/**
 * store.h - images and kernels on disk: find them by name, trust them by digest.
 *
 *   DATA/images/NAME/{root.erofs,manifest.json}
 *   DATA/kernels/NAME/{bzImage,vmlinux,modules/NN-name.ko,manifest.json}
 *   DATA/kernels/default            name of the default kernel (a small text file)
 *   DATA/KIND/.lock-NAME, .build-NAME   while NAME is being built or removed (see build.h)
 *
 * A folder is renamed into place when complete, so what has a name is whole. The digest of the
 * manifest is compared with the file once per boot and whenever the file's identity (device, inode,
 * size, mtime, ctime) changes; the result is remembered in RUN/verified/.
 */
#ifndef IMAGE_STORE_H
#define IMAGE_STORE_H

#include <stdbool.h>

#include "base/limits.h"
#include "base/paths.h"
#include "image/manifest.h"
#include "sys/digest.h"

#define STORE_PATH_MAX 1200 /* a folder of struct paths, and what is made below it */

#define STORE_IMAGES   "images"
#define STORE_KERNELS  "kernels"

struct image {
	char name[LIMIT_NAME_MAX + 1];
	char path[STORE_PATH_MAX]; /* root.erofs */
	char digest[DIGEST_HEX_B + 1];
};

struct kernel {
	char name[LIMIT_NAME_MAX + 1];
	char path[STORE_PATH_MAX];	  /* bzImage; of kernel_from_path() possibly a vmlinux */
	char vmlinux[STORE_PATH_MAX];	  /* boots faster than path; empty string: there is none */
	char modules_dir[STORE_PATH_MAX]; /* empty string: everything is built in */
	char digest[DIGEST_HEX_B + 1];	  /* over the names and contents of all its files */
};

/* One entry of a listing. */
struct store_entry {
	char name[LIMIT_NAME_MAX + 1];
	bool damaged; /* its manifest is missing or unreadable: only @name is set */
	struct manifest manifest;
};

struct store_list {
	struct store_entry *entries; /* sorted by name */
	size_t n;
};

/**
 * store_list() - what there is, by the manifests; the contents are not verified.
 * @kind:	STORE_IMAGES or STORE_KERNELS
 * @ret:	for store_list_done()
 *
 * A store that was never made is an empty one.
 */
int store_list(const struct paths *paths, const char *kind, struct store_list *ret,
	       struct ironclaw_error *err);

/** store_list_done() - free a listing; for use with cleanup(). */
void store_list_done(struct store_list *list);

/**
 * store_inspect() - read one manifest; the content is not verified.
 * @ret:	for manifest_done()
 */
int store_inspect(const struct paths *paths, const char *kind, const char *name,
		  struct manifest *ret, struct ironclaw_error *err);

/**
 * store_remove() - remove an image or a kernel. VMs that run from it keep running.
 *
 * Return: 0, -ENOENT, -EBUSY while it is being built
 */
int store_remove(const struct paths *paths, const char *kind, const char *name,
		 struct ironclaw_error *err);

/**
 * image_find() - find an image and make sure that it is the one its manifest describes.
 *
 * Return: 0; -ENOENT (hint: the build command); -EBADMSG with IRONCLAW_ERR_CORRUPT when the digest
 * differs (the text names the image, the hint the rebuild command)
 */
int image_find(const struct paths *paths, const char *name, struct image *ret,
	       struct ironclaw_error *err);

/** image_from_path() - an erofs file of the user's own: checked to be regular and erofs, digested.
 */
int image_from_path(const struct paths *paths, const char *path, struct image *ret,
		    struct ironclaw_error *err);

/** kernel_find() - as image_find(); @name NULL: the default kernel. */
int kernel_find(const struct paths *paths, const char *name, struct kernel *ret,
		struct ironclaw_error *err);

/** kernel_from_path() - a bzImage of the user's own, with everything built in. */
int kernel_from_path(const struct paths *paths, const char *path, struct kernel *ret,
		     struct ironclaw_error *err);

/** kernel_default() - name of the default kernel. Return: 0, -ENOENT when there is none. */
int kernel_default(const struct paths *paths, char ret[LIMIT_NAME_MAX + 1],
		   struct ironclaw_error *err);

/** kernel_set_default() - make an existing kernel the default one. */
int kernel_set_default(const struct paths *paths, const char *name, struct ironclaw_error *err);

#endif
