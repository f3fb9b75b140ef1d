/* SPDX-License-Identifier: Apache-2.0 */
/* modules.c - load kernel modules from the initramfs; see modules.h. */
#include "guest/modules.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "guest/power.h"

#define MODULES_DIR "/modules"

static void load(const char *name)
{
	char path[300];
	int fd;

	(void)snprintf(path, sizeof(path), MODULES_DIR "/%s", name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		power_fail("cannot open module %s: %s", path, strerror(errno));
	/* Built in as well: not an error, so that one initramfs fits more than one kernel. */
	if (syscall(SYS_finit_module, fd, "", 0) < 0 && errno != EEXIST)
		power_fail("cannot load module %s: %s", path, strerror(errno));
	(void)close(fd);
	(void)unlink(path);
}

static int keep_modules(const struct dirent *entry)
{
	size_t len = strlen(entry->d_name);

	return len > 3 && strcmp(entry->d_name + len - 3, ".ko") == 0;
}

void modules_load(void)
{
	struct dirent **list;
	int n = scandir(MODULES_DIR, &list, keep_modules, alphasort);

	if (n < 0)
		return;
	for (int i = 0; i < n; i++) {
		load(list[i]->d_name);
		free(list[i]);
	}
	free(list);
	(void)rmdir(MODULES_DIR);
}
