/* SPDX-License-Identifier: Apache-2.0 */
/**
 * cgroup_find.h - where the cgroup hierarchies of this host are mounted, and which cgroups a
 * process is in. No policy; the parsers are pure.
 */
#ifndef SYS_CGROUP_FIND_H
#define SYS_CGROUP_FIND_H

#include <stddef.h>
#include <sys/types.h>

#define CGROUP_PATH_MAX_B      4096U /* the kernel prints no longer one */
#define CGROUP_MOUNTINFO_MAX_B (8U * 1024U * 1024U)

/** The controllers that limit a VM. */
enum cgroup_controller { CGROUP_MEMORY, CGROUP_PIDS, CGROUP_CPU, CGROUP_CONTROLLERS };

struct cgroup_hierarchy {
	char mount[CGROUP_PATH_MAX_B]; /* where; empty: not mounted */
	char root[CGROUP_PATH_MAX_B];  /* the cgroup that is seen there: "/" but in a container */
	char own[CGROUP_PATH_MAX_B];   /* the cgroup of the process that was asked for */
};

struct cgroup_host {
	struct cgroup_hierarchy v2;
	/* Per controller; two may be in one hierarchy, and then have the same mount. */
	struct cgroup_hierarchy v1[CGROUP_CONTROLLERS];
};

/** cgroup_controller_name() - "memory", "pids", "cpu". */
const char *cgroup_controller_name(enum cgroup_controller controller);

/**
 * cgroup_parse_mounts() - fill in mount and root from the text of /proc/PID/mountinfo.
 *
 * The first mount of a hierarchy counts. Users have a say in this text (names of mount points), so
 * what it says about a mount must be checked on the opened folder: cgroup_open_mount() does.
 *
 * Return: 0; -EINVAL when a line is not as the kernel writes it, -ENAMETOOLONG; then @host is as
 * before
 */
int cgroup_parse_mounts(const char *text, size_t len, struct cgroup_host *host);

/** cgroup_parse_own() - fill in own from the text of /proc/PID/cgroup; returns as above. */
int cgroup_parse_own(const char *text, size_t len, struct cgroup_host *host);

/** cgroup_find() - both, for this process. Return: 0, -errno */
int cgroup_find(struct cgroup_host *ret);

/**
 * cgroup_find_own() - own alone, for any process (0: this one); the rest of @ret is empty.
 * Return: 0; -ENOENT or -ESRCH when there is no such process, -errno
 */
int cgroup_find_own(pid_t pid, struct cgroup_host *ret);

#endif
