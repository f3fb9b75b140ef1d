/* SPDX-License-Identifier: Apache-2.0 */
/**
 * landlock.h - a second wall around the files, the sockets and the signals of a process: Landlock.
 *
 * Bare negative errno; no policy. It holds what a mount namespace cannot: a folder descriptor that
 * leaked in from outside opens nothing.
 */
#ifndef SYS_LANDLOCK_H
#define SYS_LANDLOCK_H

#include <linux/landlock.h>
#include <stddef.h>
#include <stdint.h>

/* Sets of rights, for rules. LANDLOCK_DEVICE: open for both, and ioctl (ABI 5). */
#define LANDLOCK_READ                                                                              \
	(LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define LANDLOCK_WRITE	 (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE)
/* Also to begin a file anew (ABI 3). */
#define LANDLOCK_REWRITE (LANDLOCK_WRITE | (1ULL << 14))
#define LANDLOCK_DEVICE	 (LANDLOCK_WRITE | (1ULL << 15))
/* Sockets may come and go, nothing else. */
#define LANDLOCK_SOCKETS (LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_REMOVE_FILE)

/** A file or folder and what may be done with it and beneath it. */
struct landlock_rule {
	const char *path; /* NULL: fd is meant */
	int fd;		  /* O_PATH will do; borrowed */
	uint64_t access;  /* LANDLOCK_ACCESS_FS_*; what the kernel does not know is left out */
};

/** landlock_abi() - version of the kernel's interface, from 1; 0 when it has none; -errno. */
int landlock_abi(void);

/**
 * landlock_confine() - from now on this thread, and what it executes, reaches only this.
 *
 * Every access right to files that the kernel knows is handled, TCP sockets (ABI 4) and abstract
 * unix sockets and signals of others (ABI 6) are denied. Needs no_new_privs.
 *
 * Return: 0, also when the kernel has no Landlock; -errno
 */
int landlock_confine(const struct landlock_rule *rules, size_t n);

#endif
