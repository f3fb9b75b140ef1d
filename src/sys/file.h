/* SPDX-License-Identifier: Apache-2.0 */
/**
 * file.h - files and folders: whole reads and writes, atomic replacement, removal of a tree, locks.
 *
 * Bare negative errno; no policy and no text. Descriptors are O_CLOEXEC.
 */
#ifndef SYS_FILE_H
#define SYS_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/** file_write_full() - write all @len bytes, through EINTR and short writes; blocking fds only. */
int file_write_full(int fd, const void *buf, size_t len);

/** file_read_full() - read exactly @len bytes. Return: 0, -ENODATA on an early end, -errno. */
int file_read_full(int fd, void *buf, size_t len);

/**
 * file_read_bounded() - read a whole regular file.
 * @dirfd, @path:	as openat(2)
 * @max:		refuse (-EFBIG) what is larger, in bytes
 * @ret:		owned by the caller, terminated by a NUL that @ret_len does not count
 */
int file_read_bounded(int dirfd, const char *path, size_t max, char **ret, size_t *ret_len);

/** file_write_atomic() - replace @path by a complete, synced file with @mode, or leave it alone. */
int file_write_atomic(int dirfd, const char *path, const void *buf, size_t len, mode_t mode);

/**
 * file_dig_holes() - give back the disk blocks of a regular file that hold nothing but zeros, by
 * whole 64 KiB; what is read stays the same.
 * @fd:	open for reading and writing
 *
 * Return: 0; -EOPNOTSUPP on a file system without holes; -errno, with some dug
 */
int file_dig_holes(int fd);

/** file_mkdir_p() - make an absolute path and its parents with @mode; existing ones are fine. */
int file_mkdir_p(const char *path, mode_t mode);

/**
 * file_open_private() - open a folder that is ours alone; of @path the last part may be no link.
 *
 * What is judged is what is returned, whatever the path leads to a moment later.
 *
 * Return: descriptor; -EPERM when another user owns it or others may write it; -ENOTDIR, -errno
 */
int file_open_private(int dirfd, const char *path);

/**
 * file_open_folder() - a folder, and not what a link in its place leads to; for *at() calls.
 * Return: descriptor (O_PATH); -ENOTDIR, -errno
 */
int file_open_folder(int dirfd, const char *name);

/** file_mkdir_private() - file_mkdir_p() with 0700, then file_open_private(); returns as that. */
int file_mkdir_private(const char *path);

/**
 * file_remove_tree() - remove a file or a folder with all beneath. Missing is fine.
 *
 * Symlinks are removed, not followed. Nothing of a mount is: -EXDEV, -EBUSY for one on a file.
 */
int file_remove_tree(int dirfd, const char *path);

/**
 * file_lock() - open (creating 0600) and flock(2) exclusively.
 * @wait:	false: -EWOULDBLOCK when held by somebody else
 *
 * The lock ends when the last copy of the descriptor closes, so when its holders die.
 * A lock file that was unlinked while we waited is not accepted: the open is tried again.
 *
 * Return: descriptor, or -errno
 */
int file_lock(int dirfd, const char *path, bool wait);

#endif
