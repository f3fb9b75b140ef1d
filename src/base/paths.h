/* SPDX-License-Identifier: Apache-2.0 */
/**
 * paths.h - where state lives.
 *
 *   root          /var/lib/ironclaw (data), /var/cache/ironclaw (cache), /run/ironclaw (run),
 *                 /etc/ironclaw (config)
 *   other users   ironclaw below $XDG_DATA_HOME, $XDG_CACHE_HOME, $XDG_RUNTIME_DIR and
 *                 $XDG_CONFIG_HOME (with the XDG defaults; without XDG_RUNTIME_DIR:
 *                 /tmp/ironclaw-UID)
 *   IRONCLAW_HOME when set to an absolute path, moves all: HOME/{data,cache,run,config}
 */
#ifndef BASE_PATHS_H
#define BASE_PATHS_H

#include "base/error.h"

/** Absolute folders; the longest path made beneath one of them fits PATH_MAX. */
struct paths {
	char data[1024];   /* images, kernels, templates: rebuilt at a cost */
	char cache[1024];  /* downloads: may be deleted at any time */
	char run[1024];	   /* living VMs, locks, per-boot results */
	char config[1024]; /* what the user wrote: never written by us */
};

/**
 * paths_get() - find the folders; creates nothing.
 *
 * Return: 0; -EINVAL for a relative IRONCLAW_HOME or XDG folder, -ENAMETOOLONG, -ENOENT without
 * HOME, -EPERM for root when another user owns IRONCLAW_HOME or the data in it
 */
int paths_get(struct paths *ret, struct ironclaw_error *err);

#endif
