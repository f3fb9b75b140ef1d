/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_ignore.c - any text as patterns, any path held against them. The first line is the path. */
#include <stdlib.h>
#include <string.h>

#include "wire/tar.h"
#include "workspace/ignore.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	const char *text = (const char *)data, *newline = memchr(data, '\n', size);
	char path[TAR_PATH_MAX_B + 1];
	struct ignore *ignore;
	size_t n;

	if (!newline || (size_t)(newline - text) > 300)
		return 0;
	n = (size_t)(newline - text);
	memcpy(path, text, n);
	path[n] = '\0';
	if (strlen(path) != n || tar_path_check(path))
		return 0;
	ignore = ignore_new();
	if (!ignore)
		return 0;
	if (ignore_add(ignore, "", newline + 1, size - n - 1, NULL) == 0) {
		/* What is left out as a whole is left out. */
		if (ignore_matches(ignore, path, true) && !ignore_covers(ignore, path, true))
			abort();
		/* With a rule for all after it, it is; and without any it is not. */
		if (ignore_add(ignore, "", "*", 1, NULL) == 0 &&
		    !ignore_matches(ignore, path, false))
			abort();
		if (ignore_add(ignore, "", "!*", 2, NULL) == 0 &&
		    ignore_covers(ignore, path, false))
			abort();
	}
	ignore_free(ignore);
	return 0;
}
