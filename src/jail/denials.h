/* SPDX-License-Identifier: Apache-2.0 */
/**
 * denials.h - the host's record of denied system calls: a ring in a file that wardens map.
 *
 * RUN/denials holds the last DENIALS_MAX entries of all VMs of this user, oldest overwritten first;
 * how many were overwritten can be told from the numbers. Writers take no lock: each entry gets its
 * number from one atomic counter, and its slot is valid when the slot's own number says so; a
 * writer that dies in the middle leaves an entry that readers skip. So a VM that floods the ring
 * delays nobody, and the file never grows.
 *
 * All numbers in an entry but id, time, pid and action were chosen by the confined process.
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
 * denials_open() - the file's descriptor, made (0600) when it is not there.
 * @dirfd:	RUN
 *
 * A file of another size or format is replaced. Return: descriptor, -errno
 */
int denials_open(int dirfd);

/** denials_map() - map it. Return: NULL with errno set; unmapped by the end of the process */
struct denials *denials_map(int fd, bool writable);

/** denials_add() - append; never blocks, never fails, any number of processes at once. */
void denials_add(struct denials *ring, const struct denial *denial);

/** denials_last() - number of the newest entry; 0 when there is none. */
uint64_t denials_last(const struct denials *ring);

/** denials_get() - copy out entry @number. Return: false when overwritten or half-written */
bool denials_get(const struct denials *ring, uint64_t number, struct denial *ret);

#endif
