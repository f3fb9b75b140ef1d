/* SPDX-License-Identifier: Apache-2.0 */
/**
 * diff.h - a unified diff of two texts, in bounded time and memory.
 *
 * The texts are hostile. The result is always right; where they differ in more than DIFF_EDITS_MAX
 * lines it is not the shortest, but takes what lies between the first and the last difference for
 * replaced as a whole.
 */
#ifndef WORKSPACE_DIFF_H
#define WORKSPACE_DIFF_H

#include <stdbool.h>
#include <stddef.h>

#define DIFF_TEXT_MAX_B (4U * 1024U * 1024U) /* of each side */
#define DIFF_EDITS_MAX	1000
#define DIFF_CONTEXT	3U

struct diff_text {
	const char *data;
	size_t len;
};

struct diff_sink {
	/* "@@ -FROM,N +FROM,N @@", counted as in a patch. */
	int (*hunk)(void *ctx, size_t a_from, size_t a_n, size_t b_from, size_t b_n);
	/* @mark ' ', '-' or '+'; @text without its newline, if it has one. */
	int (*line)(void *ctx, char mark, const char *text, size_t len, bool has_newline);
	void *ctx;
};

/** diff_is_text() - whether a content is shown as lines: not too long, and without NUL. */
bool diff_is_text(const struct diff_text *text);

/**
 * diff_run() - tell @sink how to get from @a to @b.
 * @ret_added, @ret_removed:	lines; may be NULL, as may be @sink
 *
 * Return: 0; -E2BIG for a text that diff_is_text() refuses, -ENOMEM; what @sink returned
 */
int diff_run(const struct diff_text *a, const struct diff_text *b, const struct diff_sink *sink,
	     size_t *ret_added, size_t *ret_removed);

#endif
