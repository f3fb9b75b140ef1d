/* SPDX-License-Identifier: Apache-2.0 */
/**
 * warden_jail.h - what the VMM's process does to itself between clone(2) and exec(2).
 */
#ifndef JAIL_WARDEN_JAIL_H
#define JAIL_WARDEN_JAIL_H

#include "jail/request.h"

/** Namespaces of the VMM; the process is made with all of them at once. */
#define WARDEN_JAIL_NAMESPACES                                                                     \
	(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | \
	 CLONE_NEWCGROUP)

struct warden_failure {
	uint32_t stage; /* enum jail_stage */
	int32_t errnum;
	uint32_t detail;
};

/** What the child needs beside the request. */
struct warden_jail {
	const struct jail_request *request;
	int output_fd; /* stdout and stderr of the VMM */
	const int *vmm_fds;
	int report_fd; /* write end of a close-on-exec pipe: one struct warden_failure on failure */
	unsigned int uid, gid; /* the ids, in the parent namespace, that everything is mapped to */
};

/**
 * warden_jail_enter() - build the jail around the calling process and exec the VMM.
 *
 * Must: be called in a fresh single-threaded child made with WARDEN_JAIL_NAMESPACES, whose current
 * folder is the one that holds the VM's folder.
 * Does, each step fatal: one id mapped, setgroups denied; private mounts; a tmpfs tree with just
 * the mounts of the request, made the root, read-only, the old root gone; descriptors arranged;
 * rlimits; no capability left, no_new_privs; SIGKILL when the warden dies; exec. Mustn't: return,
 * allocate, or write to anything but report_fd.
 */
__attribute__((noreturn)) void warden_jail_enter(const struct warden_jail *jail);

/**
 * warden_map_ids() - in a new user namespace: these ids of the parent mean themselves, no other
 * exists.
 *
 * Return: 0, -errno
 */
int warden_map_ids(unsigned int uid, unsigned int gid);

/** warden_report() - write the failure to @report_fd and exit with 127. */
__attribute__((noreturn)) void warden_report(int report_fd, enum jail_stage stage, int errnum,
					     uint32_t detail);

/**
 * warden_die_with_parent() - ask for SIGKILL when the warden dies, and notice if it is dead
 * already.
 * @report_fd:	pipe whose only reader is the warden
 */
int warden_die_with_parent(int report_fd);

#endif
