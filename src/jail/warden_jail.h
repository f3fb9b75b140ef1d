/* SPDX-License-Identifier: Apache-2.0 */
/**
 * warden_jail.h - what a child of the warden does to itself between clone(2) and exec(2).
 */
#ifndef JAIL_WARDEN_JAIL_H
#define JAIL_WARDEN_JAIL_H

#include <stdbool.h>
#include <stdint.h>

#include "jail/request.h"
#include "jail/warden_limits.h"

/** Namespaces of VMM and keeper; the process is made with all of them at once. */
#define WARDEN_JAIL_NAMESPACES                                                                     \
	(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | \
	 CLONE_NEWCGROUP)

/**
 * What the child says on its socket: with JAIL_STAGE_NONE and the supervisor's descriptor that its
 * filter is loaded; with WARDEN_SOCKETS_FDS descriptors, before, that the sockets' folder is there;
 * with another stage that it failed there.
 */
struct warden_report {
	uint32_t stage; /* enum jail_stage */
	int32_t errnum;
	uint32_t detail; /* index of the mount */
};

/** Descriptors of a VMM's sockets, as its child reports them and the keeper's child is told. */
enum { WARDEN_SOCKETS_FOLDER, WARDEN_SOCKETS_LISTENER, WARDEN_SOCKETS_FDS };

/** What is to be built, and for whom. All is borrowed. */
struct warden_jail {
	const struct jail_request *request;
	enum jail_program program;
	int exec_fd;	/* the keeper's program, opened outside; -EBADF: argv[0], inside the jail */
	int output_fd;	/* becomes stdout and stderr; -EBADF: the jail's /dev/null */
	const int *fds; /* become JAIL_FIRST_FD and up */
	uint32_t n_fds;
	uint32_t uid, gid; /* the only ids of the user namespace, and what the process becomes */
	struct warden_limits_hold *hold;	  /* the warden's alone: released in the child */
	const struct warden_limits_entry *cgroup; /* NULL: there are no limits */
	int report_fd; /* SOCK_SEQPACKET, close-on-exec; the other end is the warden's alone */
};

/**
 * warden_jail_enter() - build the jail around the calling process and exec its program.
 *
 * Must: be called in a fresh single-threaded child made with WARDEN_JAIL_NAMESPACES, whose current
 * folder is the one that holds the VM's folder. The warden writes the id maps meanwhile, and says
 * so with a message on the socket. With request->sockets the keeper's gets a second one, with what
 * the VMM's has reported. Does, each step fatal: private mounts; a tmpfs tree with just the mounts
 * of the request (the keeper: /dev/null), made the root, read-only, the old root gone; descriptors
 * arranged; rlimits; its ids; no capability left, no_new_privs; SIGKILL when the warden dies;
 * Landlock; the seccomp filter, whose supervisor's descriptor goes to the warden; exec, which waits
 * for the supervisor. Mustn't: return, allocate, or write to anything but the socket.
 */
__attribute__((noreturn)) void warden_jail_enter(const struct warden_jail *outside);

#endif
