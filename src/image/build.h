/* SPDX-License-Identifier: Apache-2.0 */
/**
 * build.h - make images and kernels.
 *
 * All of these hold the lock of the name while they work, so that of two that build the same thing
 * the second waits and then finds it done. They work in DATA/KIND/.build-NAME, which is renamed
 * into place when it is complete and removed on failure; what a killed build left is removed by the
 * next one. What the tools say goes to CACHE/logs/KIND-NAME.log, which is removed on success.
 *
 * An ordinary user needs user namespaces with subordinate ids (newuidmap) for Debian images.
 * Downloads come from the Debian mirror of the host's apt, through its proxy.
 */
#ifndef IMAGE_BUILD_H
#define IMAGE_BUILD_H

#include <stdbool.h>

#include "base/paths.h"

#define IMAGE_DEFAULT	      "default"
#define IMAGE_BUSYBOX	      "busybox"
#define IMAGE_SUITE_DEFAULT   "bookworm"
#define IMAGE_INCLUDE_DEFAULT "python3"

/* The caller's side of a build. Callbacks run on the calling thread and may be NULL. */
struct build_settings {
	const struct paths *paths;
	const char *version; /* of ironclaw, for the manifest */
	bool force;	     /* build although it is there already */
	/* One line about what is going on; foreign text in it is escaped. */
	void (*progress)(void *ctx, const char *text);
	/* Asked about five times a second; true stops the build: IRONCLAW_ERR_CANCELLED. */
	bool (*cancelled)(void *ctx);
	void *ctx;
};

struct image_recipe {
	const char *name;    /* IMAGE_BUSYBOX is a recipe of its own, without suite and packages */
	const char *suite;   /* NULL: IMAGE_SUITE_DEFAULT */
	const char *include; /* Debian packages joined by commas; NULL: IMAGE_INCLUDE_DEFAULT */
};

/**
 * image_build() - make an image, unless the same one is there and undamaged.
 * @ret_built:	false: there was nothing to do; may be NULL
 *
 * An image of the same name made of something else, or a damaged one, is replaced.
 *
 * Return: 0; -EINVAL; -ENOENT with IRONCLAW_ERR_UNAVAILABLE when a program is missing; -ENOSPC;
 * -ECANCELED; -EIO when a tool failed (the text has its last lines, the hint its log)
 */
int image_build(const struct build_settings *settings, const struct image_recipe *recipe,
		bool *ret_built, struct ironclaw_error *err);

/**
 * kernel_build_small() - make kernels/small from Debian's linux-source-6.1, and make it the
 * default.
 * @fragment:	path of kernel/small.config
 *
 * Takes 3 to 5 minutes on two CPUs and 2 GB of disk. Otherwise as image_build().
 */
int kernel_build_small(const struct build_settings *settings, const char *fragment, bool *ret_built,
		       struct ironclaw_error *err);

/**
 * kernel_fetch_debian() - make kernels/debian-cloud from Debian's package linux-image-cloud-amd64;
 * it becomes the default if there is none. Otherwise as image_build().
 */
int kernel_fetch_debian(const struct build_settings *settings, bool *ret_built,
			struct ironclaw_error *err);

#endif
