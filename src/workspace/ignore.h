/* SPDX-License-Identifier: Apache-2.0 */
/**
 * ignore.h - which paths a workspace leaves out: patterns in the syntax of gitignore(5).
 *
 * Texts may be hostile (they come with a repository): a match takes time in proportion to pattern
 * times path, whatever the pattern.
 */
#ifndef WORKSPACE_IGNORE_H
#define WORKSPACE_IGNORE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

#define IGNORE_FILE	     ".ironclawignore"
#define IGNORE_FILE_MAX_B    (1024U * 1024U)
#define IGNORE_PATTERN_MAX_B 1024U
#define IGNORE_RULES_MAX     4096U

struct ignore;

/** ignore_new() - no rules. NULL without memory; ignore_free() takes NULL. */
struct ignore *ignore_new(void);
void ignore_free(struct ignore *ignore);

/**
 * ignore_add() - add the lines of a file.
 * @folder:	where the file lies, relative to the top; "" is the top
 *
 * Files of folders further down are added after those further up. The last rule that matches a path
 * counts; those of ignore_add_exclude() count before all others.
 *
 * Return: 0; -EINVAL for a pattern that is too long, -E2BIG for too many, -ENOMEM; then none of the
 * text is added
 */
int ignore_add(struct ignore *ignore, const char *folder, const char *text, size_t len,
	       struct ironclaw_error *err);

/** ignore_add_exclude() - add a pattern of the command line; as ignore_add(). */
int ignore_add_exclude(struct ignore *ignore, const char *pattern, struct ironclaw_error *err);

/**
 * ignore_matches() - whether @path is left out, when the folders that hold it are not.
 * @path:	as tar_path_check() wants it
 */
bool ignore_matches(const struct ignore *ignore, const char *path, bool is_dir);

/** ignore_covers() - whether @path, or a folder that holds it, is left out. */
bool ignore_covers(const struct ignore *ignore, const char *path, bool is_dir);

#endif
