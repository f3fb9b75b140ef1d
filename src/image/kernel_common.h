/* SPDX-License-Identifier: Apache-2.0 */
/**
 * kernel_common.h - what the two ways to make a kernel share.
 */
#ifndef IMAGE_KERNEL_COMMON_H
#define IMAGE_KERNEL_COMMON_H

#include "image/job.h"

/** kernel_copy_file() - copy a regular file of at most 256 MiB with mode 0644. */
int kernel_copy_file(const char *from, const char *to, struct ironclaw_error *err);

/**
 * kernel_is_there() - whether an undamaged kernel of this name is there and need not be built.
 * @config:	what its manifest has to say under "config"; empty for nothing
 */
bool kernel_is_there(const struct job *job, const char *config);

/** kernel_commit() - digest what is in out/, complete the manifest, put it in place. */
int kernel_commit(struct job *job, struct manifest *m, struct ironclaw_error *err);

#endif
