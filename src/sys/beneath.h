/* SPDX-License-Identifier: Apache-2.0 */
/**
 * beneath.h - reach what is below a folder, by relative path, and nothing else.
 *
 * No symbolic link is followed at any component, none of /proc's either, no other mount is entered
 * and the folder is not left, whatever somebody else does to the tree meanwhile (openat2(2), Linux
 * 5.6). Without that call there is no other way: -ENOSYS. Bare negative errno.
 */
#ifndef SYS_BENEATH_H
#define SYS_BENEATH_H

#include <sys/stat.h>
#include <sys/types.h>

/**
 * beneath_open() - open a path below @root_fd.
 * @path:	relative; "." is the folder itself
 * @flags:	as open(2); O_CLOEXEC and O_NOFOLLOW are added
 *
 * Return: descriptor; -ELOOP for a link on the way or at the end, -EXDEV for a way out, -errno
 */
int beneath_open(int root_fd, const char *path, int flags, mode_t mode);

/**
 * beneath_parent() - open the folder that holds @path (O_PATH).
 * @ret_name:	the last component, within @path
 *
 * Return: descriptor, -errno
 */
int beneath_parent(int root_fd, const char *path, const char **ret_name);

/** beneath_stat() - lstat(2) of a path below @root_fd. Return: 0; -ENOENT; -errno */
int beneath_stat(int root_fd, const char *path, struct stat *ret);

#endif
