/* SPDX-License-Identifier: Apache-2.0 */
/** patch.h - chosen changes as a file: a patch, or an archive. */
#ifndef WORKSPACE_PATCH_H
#define WORKSPACE_PATCH_H

#include "workspace/workspace.h"

/**
 * patch_write() - the chosen changes as a patch that git-apply(1) and `patch -p1` take.
 * @ret_left_out:	changes that a patch cannot hold: binary and very long contents, folders for
 *			themselves
 *
 * Of modes a patch holds whether a file can be executed. Return: 0; -ESTALE, -EBADMSG as
 * sides_load(); -EIO when @out failed; -errno
 */
int patch_write(FILE *out, const struct changes *changes, size_t *ret_left_out,
		struct ironclaw_error *err);

/**
 * patch_archive() - the chosen changes that leave something as an archive (docs/workspace.md).
 * @ret_left_out:	deletions, which any other reader of archives would take for empty files
 *
 * Return: 0; -EBADMSG when the stage is not what was compared; -errno
 */
int patch_archive(int fd, const struct changes *changes, size_t *ret_left_out,
		  struct ironclaw_error *err);

#endif
