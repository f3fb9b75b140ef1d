/* SPDX-License-Identifier: Apache-2.0 */
/* paths.c - where state lives; see paths.h. */
#include "base/paths.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATHS_FIELD_B sizeof(((struct paths *)0)->data)

static int set_path(char *dst, struct ironclaw_error *err, const char *a, const char *b)
{
	int n;

	if (a[0] != '/')
		return err_set(err, IRONCLAW_ERR_INVALID, EINVAL,
			       "state folder '%s' is not an absolute path", a);
	n = snprintf(dst, PATHS_FIELD_B, "%s%s", a, b);
	if (n < 0 || (size_t)n >= PATHS_FIELD_B)
		return err_set(err, IRONCLAW_ERR_INVALID, ENAMETOOLONG,
			       "state folder '%s' has too long a path", a);
	return 0;
}

/* $VAR/ironclaw, else $HOME/FALLBACK/ironclaw. */
static int set_xdg(char *dst, struct ironclaw_error *err, const char *var, const char *fallback)
{
	const char *dir = getenv(var), *home = getenv("HOME");
	char tail[64];

	if (dir && dir[0])
		return set_path(dst, err, dir, "/ironclaw");
	if (!home || !home[0])
		return err_set(err, IRONCLAW_ERR_INVALID, ENOENT,
			       "neither HOME nor %s is set, so there is no place for state", var);
	(void)snprintf(tail, sizeof(tail), "/%s/ironclaw", fallback);
	return set_path(dst, err, home, tail);
}

static int set_user_run(char *dst, struct ironclaw_error *err)
{
	const char *dir = getenv("XDG_RUNTIME_DIR");
	char tmp[64];

	if (dir && dir[0])
		return set_path(dst, err, dir, "/ironclaw");
	(void)snprintf(tmp, sizeof(tmp), "/tmp/ironclaw-%u", (unsigned int)geteuid());
	return set_path(dst, err, tmp, "");
}

/* As root: a folder of another user's is his to fill with links, which root would follow. */
static int check_owner(const char *path, struct ironclaw_error *err)
{
	struct stat link, st;

	if (geteuid() != 0 || lstat(path, &link) < 0 || stat(path, &st) < 0)
		return 0; /* nothing there yet, or whoever uses it says what is wrong */
	if (link.st_uid == 0 && st.st_uid == 0)
		return 0;
	(void)err_set(err, IRONCLAW_ERR_INVALID, EPERM,
		      "'%s' belongs to user %u, and root keeps no state there", path,
		      link.st_uid ? link.st_uid : st.st_uid);
	err_hint(err, "as that user, or IRONCLAW_HOME of a folder of root's");
	return -EPERM;
}

int paths_get(struct paths *ret, struct ironclaw_error *err)
{
	const char *home = getenv("IRONCLAW_HOME");
	struct paths p;
	int r;

	if (home && home[0]) {
		if ((r = set_path(p.data, err, home, "/data")) < 0 ||
		    (r = set_path(p.cache, err, home, "/cache")) < 0 ||
		    (r = set_path(p.run, err, home, "/run")) < 0 ||
		    (r = set_path(p.config, err, home, "/config")) < 0 ||
		    (r = check_owner(home, err)) < 0 || (r = check_owner(p.data, err)) < 0)
			return r;
	} else if (geteuid() == 0) {
		if ((r = set_path(p.data, err, "/var/lib/ironclaw", "")) < 0 ||
		    (r = set_path(p.cache, err, "/var/cache/ironclaw", "")) < 0 ||
		    (r = set_path(p.run, err, "/run/ironclaw", "")) < 0 ||
		    (r = set_path(p.config, err, "/etc/ironclaw", "")) < 0)
			return r;
	} else {
		if ((r = set_xdg(p.data, err, "XDG_DATA_HOME", ".local/share")) < 0 ||
		    (r = set_xdg(p.cache, err, "XDG_CACHE_HOME", ".cache")) < 0 ||
		    (r = set_user_run(p.run, err)) < 0 ||
		    (r = set_xdg(p.config, err, "XDG_CONFIG_HOME", ".config")) < 0)
			return r;
	}
	*ret = p;
	return 0;
}
