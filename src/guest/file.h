/* SPDX-License-Identifier: Apache-2.0 */
/**
 * file.h - small kernel and configuration files, read and written whole.
 */
#ifndef GUEST_FILE_H
#define GUEST_FILE_H

#include <stddef.h>
#include <stdint.h>

/**
 * file_read() - read the beginning of a file and terminate it.
 * @dir:	descriptor of the folder, or AT_FDCWD
 * @size:	size of @buf; at most @size - 1 bytes are read, the rest is ignored
 *
 * Return: bytes read, or -errno
 */
int file_read(int dir, const char *path, char *buf, size_t size);

/** file_read_u64() - the number at the beginning of a file. Return: 0 or -errno. */
int file_read_u64(int dir, const char *path, uint64_t *ret);

/** file_write() - write text to an existing file in one write(2), as kernel files want it. */
int file_write(int dir, const char *path, const char *text);

/** file_replace() - make @text the whole content behind an open descriptor. Return: 0 or -errno. */
int file_replace(int fd, const char *text);

#endif
