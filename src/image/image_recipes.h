/* SPDX-License-Identifier: Apache-2.0 */
/**
 * image_recipes.h - the ways to fill the folder that becomes an image.
 */
#ifndef IMAGE_IMAGE_RECIPES_H
#define IMAGE_IMAGE_RECIPES_H

#include "image/job.h"

#define RECIPE_DEBIAN  "debian"
#define RECIPE_BUSYBOX "busybox"

/*
 * Both fill @root, which does not exist yet, and add the packages to the manifest, whose suite and
 * include (debian) are set. @ret_mkfs, NULL at the end, are options for mkfs.erofs.
 */

/** recipe_debian() - Debian's minbase and the packages of m->include, by mmdebstrap. */
int recipe_debian(struct job *job, const char *root, struct manifest *m,
		  const char *const **ret_mkfs, struct ironclaw_error *err);

/** recipe_busybox() - Debian's busybox-static with a link for each of its applets. */
int recipe_busybox(struct job *job, const char *root, struct manifest *m,
		   const char *const **ret_mkfs, struct ironclaw_error *err);

#endif
