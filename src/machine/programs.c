/* SPDX-License-Identifier: Apache-2.0 */
/* programs.c - where the helper programs are; see programs.h. */
#include "machine/programs.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define WARDEN_NAME "ironclaw-warden"

static bool holds_warden(const char *dir)
{
	char path[PATH_MAX];

	return dir && dir[0] == '/' &&
	       snprintf(path, sizeof(path), "%s/" WARDEN_NAME, dir) < (int)sizeof(path) &&
	       access(path, X_OK) == 0;
}

/* Whether this program runs from the build tree that made it: then its helpers are there too. */
static bool in_build_tree(void)
{
	char own[PATH_MAX];
	size_t n = strlen(IRONCLAW_BUILD_DIR);
	ssize_t len = readlink("/proc/self/exe", own, sizeof(own) - 1);

	if (len <= 0)
		return false;
	own[len] = '\0';
	return strncmp(own, IRONCLAW_BUILD_DIR, n) == 0 && own[n] == '/';
}

int programs_dir(char *ret, size_t size, struct ironclaw_error *err)
{
	const char *chosen = getenv("IRONCLAW_LIBEXEC");
	const char *dir = chosen && chosen[0] ? chosen
			  : in_build_tree()   ? IRONCLAW_BUILD_DIR
					      : IRONCLAW_LIBEXECDIR;

	if (!holds_warden(dir)) {
		(void)err_set(err, IRONCLAW_ERR_UNAVAILABLE, ENOENT, WARDEN_NAME " is not in '%s'",
			      dir);
		err_hint(err, "make install, or set IRONCLAW_LIBEXEC to the folder that holds it");
		return -ENOENT;
	}
	if (strlen(dir) >= size)
		return err_set(err, IRONCLAW_ERR_INVALID, ENAMETOOLONG, "path of '%s' is too long",
			       dir);
	(void)snprintf(ret, size, "%s", dir);
	return 0;
}
