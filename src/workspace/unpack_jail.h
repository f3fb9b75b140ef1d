/* SPDX-License-Identifier: Apache-2.0 */
/** unpack_jail.h - how ironclaw-unpack confines itself before it reads the first byte. */
#ifndef WORKSPACE_UNPACK_JAIL_H
#define WORKSPACE_UNPACK_JAIL_H

#include <stdint.h>

/* Descriptors that the program is started with. */
#define UNPACK_ARCHIVE 0 /* read */
#define UNPACK_ERRORS  2 /* written: one line */
#define UNPACK_STAGE   3 /* a folder of its own */

/* Whom it becomes when root starts it: the first id after those of VMs (jail/warden_lease.h). */
#define UNPACK_UID     1900008192U

/**
 * unpack_jail_enter() - give up everything but reading the archive and making files in the stage.
 * @uid:		to become, for root; 0: stay who we are, in a user namespace of our own
 * @file_max_b:		size of the largest file
 *
 * In this order: namespaces of its own (network, mounts, IPC, names; a user namespace when not
 * root), the stage as its root folder, another user, no capability and no_new_privs, limits,
 * Landlock (nothing but new files in the stage), seccomp (the seven calls that it needs; any other
 * kills it). Every step must succeed; only a kernel without Landlock goes without that one, for the
 * root folder is a wall in the same place.
 *
 * Return: NULL, or the step that failed, with errno
 */
const char *unpack_jail_enter(unsigned int uid, uint64_t file_max_b);

#endif
