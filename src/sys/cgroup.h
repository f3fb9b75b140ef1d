/* SPDX-License-Identifier: Apache-2.0 */
/**
 * cgroup.h - one cgroup: make, set, fill, watch, remove. Of either version; no policy.
 *
 * Groups are named by an open folder (O_PATH) and one name below it. No call follows a symbolic
 * link or enters another mount. Bare negative errno.
 */
#ifndef SYS_CGROUP_H
#define SYS_CGROUP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define CGROUP_VALUE_MAX_B 512U /* of a file, with a NUL */
#define CGROUP_GONE_MS	   1000 /* how long cgroup_remove() waits for what it killed */

/**
 * cgroup_open_mount() - open the folder at which a hierarchy is mounted.
 * @v2:	which version it must be; asked of the folder itself, -ENODEV when it is something else
 * Return: descriptor, -errno
 */
int cgroup_open_mount(const char *mount, bool v2);

/** cgroup_open() - open a group below another; @path is relative. Return: descriptor, -errno */
int cgroup_open(int parent_fd, const char *path);

/**
 * cgroup_make() - make a group that did not exist.
 *
 * One that is there without members, without groups below, and held by nobody is a leftover, and is
 * replaced.
 *
 * Return: its descriptor, which holds it (flock(2)) as long as it is open; -EEXIST when it is in
 * use or held; -ENODEV when the parent was removed
 */
int cgroup_make(int parent_fd, const char *name);

/** cgroup_write() - write a file of a group. Return: 0; -ENOENT when there is none; -errno */
int cgroup_write(int group_fd, const char *file, const char *value);

/**
 * cgroup_set() - cgroup_write(), read back, and compare.
 * Return: 0; -EDOM when the kernel keeps something else; -errno
 */
int cgroup_set(int group_fd, const char *file, const char *value);

/**
 * cgroup_read() - read a short file of a group, without the newline at its end.
 * Return: 0; -ENOENT; -EFBIG; -errno
 */
int cgroup_read(int group_fd, const char *file, char ret[CGROUP_VALUE_MAX_B]);

/** cgroup_has_word() - whether a text, words with blanks between, has this one. */
bool cgroup_has_word(const char *text, const char *word);

/** cgroup_count() - the number at "KEY NUMBER" in a file. 0 when it is not there. */
uint64_t cgroup_count(int group_fd, const char *file, const char *key);

/**
 * cgroup_add() - move a process (0: this one) into the group, with its threads.
 *
 * The kernel holds up every fork of the host for it, and on a host that did no such thing lately
 * waits for all processors first: 15 ms. A new child gets into a group quicker by
 * clone3(CLONE_INTO_CGROUP) with v2, and by cgroup_enter() with v1.
 */
int cgroup_add(int group_fd, pid_t pid);

/** cgroup_open_entry() - v1: a descriptor for cgroup_enter(), with the rights of who opens it. */
int cgroup_open_entry(int group_fd);

/** cgroup_enter() - v1: move the calling thread, the only one of its process, into the group. */
int cgroup_enter(int entry_fd);

/**
 * cgroup_remove() - remove a group; one that does not exist is fine.
 * @kill_members:	for who made it: kill what is in it, and wait for that. Else it is removed
 *			at once or not at all: when nothing is in it and nobody holds it
 * Return: 0; -EBUSY when it is (still) in use; -EWOULDBLOCK when it is held; -errno
 */
int cgroup_remove(int parent_fd, const char *name, bool kill_members);

#endif
