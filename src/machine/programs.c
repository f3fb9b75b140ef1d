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

/* The folder of /proc/self/exe; empty when it cannot be told. */
static void own_dir(char dir[PATH_MAX])
{
	ssize_t n = readlink("/proc/self/exe", dir, PATH_MAX - 1);
	char *slash;

	dir[n > 0 ? n : 0] = '\0';
	slash = strrchr(dir, '/');
	if (slash)
		*slash = '\0';
}

int programs_dir(char *ret, size_t size, struct ironclaw_error *err)
{
	const char *chosen = getenv("IRONCLAW_LIBEXEC");
	char own[PATH_MAX];
	const char *found;

	own_dir(own);
	if (chosen && chosen[0])
		found = holds_warden(chosen) ? chosen : NULL;
	else if (holds_warden(own))
		found = own;
	else
		found = holds_warden(IRONCLAW_LIBEXECDIR) ? IRONCLAW_LIBEXECDIR : NULL;
	if (!found) {
		(void)err_set(err, IRONCLAW_ERR_UNAVAILABLE, ENOENT,
			      WARDEN_NAME " is neither in '%s' nor in '%s'",
			      chosen && chosen[0] ? chosen : own, IRONCLAW_LIBEXECDIR);
		err_hint(err, "make install, or set IRONCLAW_LIBEXEC to the folder that holds it");
		return -ENOENT;
	}
	if (strlen(found) >= size)
		return err_set(err, IRONCLAW_ERR_INVALID, ENAMETOOLONG, "path of '%s' is too long",
			       found);
	(void)snprintf(ret, size, "%s", found);
	return 0;
}
