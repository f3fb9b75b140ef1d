/* SPDX-License-Identifier: Apache-2.0 */
/**
 * apt.h - what the host's apt knows: a Debian mirror, a proxy, packages to download.
 *
 * Works as an ordinary user, and on a host that is not Debian or has no package lists, by lists of
 * our own in the working folder of the build (needs debian-archive-keyring there).
 */
#ifndef IMAGE_APT_H
#define IMAGE_APT_H

#include "image/job.h"

#define APT_SOURCES_MAX 3U
#define APT_SOURCE_B	600U
#define APT_PACKAGE_MAX 100U /* characters of a package name */

/* Lines of a sources.list(5). */
struct apt_sources {
	char lines[APT_SOURCES_MAX][APT_SOURCE_B];
	size_t n;
};

/* One use of apt; zeroed, then for apt_find() and apt_unpack(). */
struct apt {
	struct job *job;
	bool own_lists;
};

/** apt_word_valid() - a package or suite name: lower-case letters, digits, "+-.", bounded. */
bool apt_word_valid(const char *s, size_t len);

/**
 * apt_pick_sources() - the pure half of apt_sources().
 * @uris:	lines of `apt-get update --print-uris`, without their quotes and what follows
 * @n:		how many
 */
void apt_pick_sources(const char *const *uris, size_t n, const char *suite,
		      struct apt_sources *ret);

/** apt_sources() - the host's own Debian mirror for @suite, else deb.debian.org. */
int apt_sources(struct job *job, const char *suite, struct apt_sources *ret,
		struct ironclaw_error *err);

/**
 * apt_write_acquire() - the host's settings for downloads (proxies, certificates, date checks) as a
 * configuration file in the working folder. It may hold a password: mode 0600, never in an image.
 * @ret:	its path
 */
int apt_write_acquire(struct job *job, char ret[STORE_PATH_MAX], struct ironclaw_error *err);

/**
 * apt_find() - the package that @package depends on and whose name starts with @prefix.
 *
 * Turns to lists of our own when the host's do not know @package.
 */
int apt_find(struct apt *apt, const char *package, const char *prefix,
	     char ret[APT_PACKAGE_MAX + 1], struct ironclaw_error *err);

/**
 * apt_unpack() - download a package, verified by apt, and unpack its files below @dir.
 * @ret_version:	its version, or NULL
 */
int apt_unpack(struct apt *apt, const char *package, const char *dir,
	       char ret_version[MANIFEST_WORD_MAX + 1], struct ironclaw_error *err);

/** apt_installed_version() - version of a package on the host; empty when it is not installed. */
int apt_installed_version(struct job *job, const char *package, char ret[MANIFEST_WORD_MAX + 1],
			  struct ironclaw_error *err);

#endif
