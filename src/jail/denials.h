/* SPDX-License-Identifier: Apache-2.0 */
/**
 * denials.h - the host's record of denied system calls: a ring in a file that wardens map.
 *
 * RUN/denials holds the last DENIALS_MAX entries of all VMs of this user; the oldest is overwritten
 * first, and the numbers tell how many were. Writers take no lock: each entry gets its number from
 * one atomic counter, and every word of its slot says which entry it is of. A writer that dies in
 * the middle leaves one entry that readers skip. So a VM that floods the ring delays nobody, and
 * the file never grows.
 *
 * What can be believed: args, syscall and arch are the confined process's choice. Everything is the
 * choice of another process of the same user that writes the file by itself: readers get bounded
 * numbers and terminated strings from any content, but no proof of who wrote it. Such a process can
 * also shorten the file, which kills those who have it mapped (SIGBUS); it may kill them anyway.
 *
 * Needs no privilege but the right to RUN. Used by the warden: the C library and src/sys only.
 */
#ifndef JAIL_DENIALS_H
#define JAIL_DENIALS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "jail/request.h"

#define DENIALS_MAX	    10000U
#define DENIALS_ALERT_AFTER 10U /* denials of one VM, from the next one on it is an alert */

struct denial {
	uint64_t number;  /* counts from 1 over all VMs; filled in by denials_add() */
	uint64_t time_ns; /* CLOCK_REALTIME; filled in by denials_add() */
	uint64_t args[6];
	int32_t syscall;  /* number in the ABI of arch */
	uint32_t arch;	  /* AUDIT_ARCH_* */
	int32_t pid;	  /* as the warden sees it */
	uint32_t program; /* enum jail_program */
	uint32_t action;  /* enum jail_denied */
	uint32_t count;	  /* of this VM so far, this one included */
	char vm_id[JAIL_VM_ID_MAX + 1];
};

struct denials; /* the mapped file */

/**
 * denials_open() - open the ring for writers; it is made (0600) when it is not there.
 * @dirfd:	RUN
 *
 * A file of another size or format, or a link, is replaced by an empty ring; whoever has the old
 * one mapped keeps it. All room is reserved at once, so that a full disk is said here and not by
 * SIGBUS later. Waits for another process that makes the ring at this moment.
 *
 * Return: descriptor; -ENOSPC; -EACCES when the file is another user's; -errno
 */
int denials_open(int dirfd);

/**
 * denials_open_reader() - open the ring read-only, as it is; changes nothing.
 * @dirfd:	RUN
 *
 * Return: descriptor; -ENOENT when no VM was ever started; -EBADMSG when it is no ring; -errno
 */
int denials_open_reader(int dirfd);

/**
 * denials_map() - map it; @fd may be closed after that.
 *
 * Return: to be given back with denials_unmap(), or never; NULL with errno set (EBADMSG when the
 * size is wrong)
 */
struct denials *denials_map(int fd, bool writable);

/** denials_unmap() - NULL is fine. */
void denials_unmap(struct denials *ring);

/**
 * denials_add() - append; never waits, never fails, any number of processes at once.
 * @ring:	mapped writable
 * @denial:	number and time_ns are not read
 */
void denials_add(struct denials *ring, const struct denial *denial);

/**
 * denials_last() - number of the newest entry; 0 when there is none.
 *
 * Bounded far below UINT64_MAX whatever the file says; garbage may make it smaller than before.
 */
uint64_t denials_last(const struct denials *ring);

/** denials_first() - number of the oldest entry that is still there; @last: from denials_last(). */
uint64_t denials_first(uint64_t last);

/**
 * denials_get() - copy out entry @number.
 *
 * Return: false when it was overwritten, or is half-written: its writer is at it, or died there
 */
bool denials_get(const struct denials *ring, uint64_t number, struct denial *ret);

#endif
