/* SPDX-License-Identifier: Apache-2.0 */
/*
 * landlock.c - Landlock; see landlock.h.
 *
 * The structures and bits that came after the headers of Debian 12 (ABI 1 and 2) are written down
 * here, from the kernel's include/uapi/linux/landlock.h.
 */
#include "sys/landlock.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"

/* All rights to files up to an ABI: 13 in the first, then refer, truncate, and ioctl of devices. */
#define FS_ABI_1     0x1fffULL
#define FS_REFER     (1ULL << 13)
#define FS_TRUNCATE  (1ULL << 14)
#define FS_IOCTL_DEV (1ULL << 15)
#define NET_TCP	     0x3ULL /* bind, connect: ABI 4 */
#define SCOPE_ALL    0x3ULL /* abstract unix sockets, signals: ABI 6 */
/* What a rule on something that is no folder may name. */
#define FS_OF_FILES                                                                                \
	(LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_READ_FILE |                               \
	 LANDLOCK_ACCESS_FS_WRITE_FILE | FS_TRUNCATE | FS_IOCTL_DEV)

struct ruleset {
	uint64_t fs, net, scoped;
};

int landlock_abi(void)
{
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);

	if (abi >= 0)
		return (int)abi;
	/* Not built in, or not switched on. Anything else is no answer. */
	return errno == ENOSYS || errno == EOPNOTSUPP ? 0 : -errno;
}

static struct ruleset handled(int abi)
{
	return (struct ruleset){
		.fs = FS_ABI_1 | (abi >= 2 ? FS_REFER : 0) | (abi >= 3 ? FS_TRUNCATE : 0) |
		      (abi >= 5 ? FS_IOCTL_DEV : 0),
		.net = abi >= 4 ? NET_TCP : 0,
		.scoped = abi >= 6 ? SCOPE_ALL : 0,
	};
}

static int add_rule(int ruleset_fd, const struct landlock_rule *rule, uint64_t known)
{
	cleanup_close int opened = rule->path ? open(rule->path, O_PATH | O_CLOEXEC) : -EBADF;
	int fd = rule->path ? opened : rule->fd;
	struct landlock_path_beneath_attr beneath = {.parent_fd = fd,
						     .allowed_access = rule->access & known};
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISDIR(st.st_mode))
		beneath.allowed_access &= FS_OF_FILES;
	if (syscall(SYS_landlock_add_rule, ruleset_fd, LANDLOCK_RULE_PATH_BENEATH, &beneath, 0) < 0)
		return -errno;
	return 0;
}

int landlock_confine(const struct landlock_rule *rules, size_t n)
{
	int abi = landlock_abi();
	struct ruleset all = handled(abi);
	/* An older kernel refuses a longer structure. */
	size_t size = abi >= 6 ? sizeof(all) : abi >= 4 ? 2 * sizeof(uint64_t) : sizeof(uint64_t);
	cleanup_close int fd = -EBADF;

	if (abi <= 0)
		return abi;
	fd = (int)syscall(SYS_landlock_create_ruleset, &all, size, 0);
	if (fd < 0)
		return -errno;
	for (size_t i = 0; i < n; i++) {
		int r = add_rule(fd, &rules[i], all.fs);

		if (r < 0)
			return r;
	}
	return syscall(SYS_landlock_restrict_self, fd, 0) < 0 ? -errno : 0;
}
