/* SPDX-License-Identifier: Apache-2.0 */
/**
 * manifest.h - what an image or a kernel is made of, as the JSON file beside it.
 *
 *   {"format": 1, "kind": "image", "name": "default", "recipe": "debian", "suite": "bookworm",
 *    "include": ["python3"], "sha256": "...", "size": 164319232, "created": "2026-11-24T09:01:00Z",
 *    "ironclaw": "0.1.0", "packages": [{"name": "apt", "version": "2.6.1"}, ...]}
 *
 * Kernels have "release" (uname -r) and, where they are built here, "config" (SHA-256 of the
 * options) instead of "suite" and "include". The text is not trusted: its size and every field are
 * bounded, keys that are not listed here are refused, and nothing is taken from a bad file.
 */
#ifndef IMAGE_MANIFEST_H
#define IMAGE_MANIFEST_H

#include <stddef.h>
#include <stdint.h>

#include "base/limits.h"
#include "sys/digest.h"

#define MANIFEST_MAX_B	      (1024U * 1024U)
#define MANIFEST_PACKAGES_MAX 4096U
#define MANIFEST_WORD_MAX     64U
#define MANIFEST_INCLUDE_MAX  2048U /* package names joined by commas */

struct manifest_package {
	char name[MANIFEST_WORD_MAX * 2 + 1];
	char version[MANIFEST_WORD_MAX * 2 + 1];
};

/* Fields that do not apply are empty strings. */
struct manifest {
	char kind[MANIFEST_WORD_MAX + 1]; /* "image" or "kernel" */
	char name[LIMIT_NAME_MAX + 1];
	char recipe[MANIFEST_WORD_MAX + 1]; /* "debian", "busybox"; "small", "debian-cloud" */
	char suite[MANIFEST_WORD_MAX + 1];
	char include[MANIFEST_INCLUDE_MAX + 1];
	char release[MANIFEST_WORD_MAX + 1];
	char config[DIGEST_HEX_B + 1];
	char sha256[DIGEST_HEX_B + 1];
	char created[MANIFEST_WORD_MAX + 1]; /* UTC, ISO 8601 */
	char ironclaw[MANIFEST_WORD_MAX + 1];
	uint64_t size;			   /* of all files in bytes */
	struct manifest_package *packages; /* owned */
	size_t n_packages;
};

/**
 * manifest_parse() - read a manifest; all or nothing.
 * @ret:	for manifest_done()
 * @ret_reason:	what is wrong with the text, a static string; or NULL
 *
 * Return: 0, -EINVAL, -ENOMEM
 */
int manifest_parse(const char *text, size_t len, struct manifest *ret, const char **ret_reason);

/** manifest_write() - the text of a manifest, owned by the caller. Return: 0, -ENOMEM. */
int manifest_write(const struct manifest *m, char **ret_text);

/** manifest_add_package() - append a package; too long names are cut. Return: 0, -E2BIG, -ENOMEM.
 */
int manifest_add_package(struct manifest *m, const char *name, const char *version);

/** manifest_done() - free what a manifest owns; for use with cleanup(). */
void manifest_done(struct manifest *m);

#endif
