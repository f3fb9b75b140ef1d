/* SPDX-License-Identifier: Apache-2.0 */
/**
 * descriptors.h - lay out what a new program inherits, and pass descriptors over a socket.
 */
#ifndef SYS_DESCRIPTORS_H
#define SYS_DESCRIPTORS_H

#include <stddef.h>
#include <sys/types.h>

#define DESCRIPTORS_MAX 32

/**
 * descriptors_arrange() - make fds[i] available as number @first + i, with close-on-exec off, and
 * mark everything above the last as close-on-exec.
 * @fds:	any numbers, in any order; the caller's copies below @first + n may be overwritten
 * @first, @n:	first + n at most DESCRIPTORS_MAX
 *
 * For a process that is about to exec. Return: 0, -errno
 */
int descriptors_arrange(const int *fds, int first, int n);

/** descriptors_send() - one message with @n descriptors attached. Return: 0, -errno */
int descriptors_send(int socket, const void *message, size_t len, const int *fds, size_t n);

/**
 * descriptors_receive() - one message with its descriptors, all close-on-exec.
 * @len:	room at @message; a longer message is refused (-EMSGSIZE)
 * @fds:	filled with @ret_n descriptors, owned by the caller
 * @n:		room at @fds, at most DESCRIPTORS_MAX; more attached ones are refused (-E2BIG)
 *
 * On failure no descriptor is left open. Return: bytes of the message, 0 at the end, -errno
 */
ssize_t descriptors_receive(int socket, void *message, size_t len, int *fds, size_t n,
			    size_t *ret_n);

#endif
