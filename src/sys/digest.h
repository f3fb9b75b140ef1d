/* SPDX-License-Identifier: Apache-2.0 */
/**
 * digest.h - SHA-256 of files, by libsodium (0.35 GB/s): files are hashed once per boot of the
 * host.
 */
#ifndef SYS_DIGEST_H
#define SYS_DIGEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DIGEST_B     32
#define DIGEST_HEX_B 64 /* SHA-256 in lower-case hex */

/**
 * digest_fd() - hash a file from its first byte to its end; the file offset stays where it is.
 * @ret_hex:	terminated
 * @ret_size:	bytes hashed, or NULL
 *
 * Return: 0, -ENOMEM, or what pread(2) failed with
 */
int digest_fd(int fd, char ret_hex[DIGEST_HEX_B + 1], uint64_t *ret_size);

/**
 * digest_sparse_fd() - hash a file that is mostly holes, such as the memory of a guest: its size,
 * and number and contents of each 4 KiB page that is not zero. Holes are not read; where they are
 * does not matter. The file offset moves. Other errors as digest_fd().
 */
int digest_sparse_fd(int fd, char ret_hex[DIGEST_HEX_B + 1]);

/** digest_bytes() - hash memory. */
void digest_bytes(const void *buf, size_t len, char ret_hex[DIGEST_HEX_B + 1]);

/** digest_hex_valid() - whether @s is 64 lower-case hexadecimal digits and nothing else. */
bool digest_hex_valid(const char *s);

#endif
