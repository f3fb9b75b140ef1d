/* SPDX-License-Identifier: Apache-2.0 */
/**
 * store_internal.h - what the files of src/image share about the store.
 */
#ifndef IMAGE_STORE_INTERNAL_H
#define IMAGE_STORE_INTERNAL_H

#include "image/store.h"
#include "image/verified.h"

#define KERNEL_SMALL  "small"
#define KERNEL_DEBIAN "debian-cloud"

/* The files of a kernel in the order of its digest: bzImage, vmlinux, modules by name. */
struct kernel_files {
	struct verified_file files[VERIFIED_FILES_MAX];
	char *paths[VERIFIED_FILES_MAX]; /* owned; a label is the end of a path */
	size_t n;
};

/** kernel_files_list() - what the folder of a kernel holds; that bzImage exists is not checked. */
int kernel_files_list(const char *dir, struct kernel_files *ret, struct ironclaw_error *err);

/** kernel_files_done() - free a listing; for use with cleanup(). */
void kernel_files_done(struct kernel_files *files);

/** store_noun() - "image" or "kernel". */
const char *store_noun(const char *kind);

/** store_check_name() - name_valid() with an error text. */
int store_check_name(const char *kind, const char *name, struct ironclaw_error *err);

/** store_exists() - whether there is something of a name, good or bad. */
bool store_exists(const struct paths *paths, const char *kind, const char *name);

/** store_read_manifest() - the manifest of an entry that exists. Return: 0, -EBADMSG, -errno. */
int store_read_manifest(const struct paths *paths, const char *kind, const char *name,
			struct manifest *ret, struct ironclaw_error *err);

#endif
