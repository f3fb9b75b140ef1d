/* SPDX-License-Identifier: Apache-2.0 */
/*
 * probe_expect.c - how each act must end in whose place; see probe.h.
 *
 * The catalogue has QEMU's place and that of its keeper over virtio-serial. Other programs must be
 * able to do more, and their filters (jail/filters/) let it through: for those acts the table below
 * has what then refuses, or that it works. What it does not name is as in the catalogue.
 */
#include <string.h>

#include "base/error.h"
#include "machine/probe.h"

#define OF_THE_VMM                                                                                 \
	(PROBE_VMM_SECCOMP | PROBE_VMM_BENEATH | PROBE_VMM_EITHER | PROBE_VMM_WORKS | PROBE_QUIET)
#define OF_THE_KEEPER	 (PROBE_KEEPER_SECCOMP | PROBE_KEEPER_BENEATH | PROBE_KEEPER_WORKS)

#define PROGRAM(program) (1U << (program))

#define FIRECRACKER	 PROGRAM(JAIL_PROGRAM_FIRECRACKER)
#define CALLED		 (PROGRAM(JAIL_PROGRAM_KEEPER_VSOCK) | PROGRAM(JAIL_PROGRAM_KEEPER_SOCKETS))
#define CALLS		 PROGRAM(JAIL_PROGRAM_KEEPER_SOCKETS)

static const struct {
	uint32_t programs;
	const char *act;
	struct probe_expected expected;
} differences[] = {
	/*
	 * Firecracker makes the sockets of its API and its vsock, and removes them. What it can
	 * reach with one is up to the namespace, which is empty, and the tree.
	 */
	{FIRECRACKER, "socket-unix", {PROBE_VMM_WORKS, PROBE_NOTHING, ""}},
	{FIRECRACKER, "socket-unix-datagram", {PROBE_VMM_WORKS, PROBE_NOTHING, ""}},
	{FIRECRACKER, "socketpair", {PROBE_VMM_WORKS, PROBE_NOTHING, ""}},
	{FIRECRACKER, "connect-abstract", {PROBE_VMM_BENEATH, PROBE_NETNS, "ECONNREFUSED"}},
	{FIRECRACKER, "connect-pathname", {PROBE_VMM_BENEATH, PROBE_TREE, "ENOENT"}},
	{FIRECRACKER, "create-in-sockets", {PROBE_VMM_BENEATH, PROBE_LANDLOCK, "EACCES"}},
	{FIRECRACKER, "template-unlink", {PROBE_VMM_BENEATH, PROBE_READONLY, "EROFS|EBUSY"}},
	{FIRECRACKER, "image-unlink", {PROBE_VMM_BENEATH, PROBE_READONLY, "EROFS|EBUSY"}},
	{FIRECRACKER, "program-unlink", {PROBE_VMM_BENEATH, PROBE_READONLY, "EROFS|EBUSY"}},
	/*
	 * It puts up filters of its own, one a thread. They come on top of ours and loosen nothing;
	 * a second supervisor the kernel gives to nobody.
	 */
	{FIRECRACKER, "own-supervisor", {PROBE_VMM_WORKS, PROBE_NOTHING, ""}},
	{FIRECRACKER, "own-listener", {PROBE_VMM_BENEATH, PROBE_KERNEL, "EBUSY"}},
	{FIRECRACKER, "prctl-seccomp", {PROBE_VMM_BENEATH, PROBE_KERNEL, "EFAULT"}},
	{FIRECRACKER, "clear-no-new-privs", {PROBE_VMM_BENEATH, PROBE_KERNEL, "EINVAL"}},
	/*
	 * It opens and writes its snapshot's files: open, fcntl, fallocate and the question for its
	 * limits pass whatever is asked for.
	 */
	{FIRECRACKER, "template-punch", {PROBE_VMM_BENEATH, PROBE_READONLY, "EBADF"}},
	{FIRECRACKER, "image-punch", {PROBE_VMM_BENEATH, PROBE_READONLY, "EBADF"}},
	{FIRECRACKER, "create-in-root", {PROBE_VMM_BENEATH, PROBE_READONLY, "EROFS"}},
	{FIRECRACKER, "create-in-vm", {PROBE_VMM_BENEATH, PROBE_READONLY, "EROFS"}},
	{FIRECRACKER, "create-in-usr", {PROBE_VMM_BENEATH, PROBE_READONLY, "EROFS"}},
	{FIRECRACKER, "fcntl-setown", {PROBE_VMM_BENEATH, PROBE_PIDNS, "ESRCH"}},
	{FIRECRACKER, "raise-core-limit", {PROBE_VMM_BENEATH, PROBE_RLIMITS, "EPERM"}},
	{FIRECRACKER, "userfaultfd", {PROBE_VMM_SECCOMP | PROBE_QUIET, PROBE_KERNEL, "EPERM"}},
	{FIRECRACKER, "userfaultfd-user", {PROBE_VMM_SECCOMP | PROBE_QUIET, PROBE_NOTHING, ""}},
	/* The device state is a file of its tree, and no descriptor; nobody calls it by one. */
	{FIRECRACKER, "state-write", {0, PROBE_NOTHING, ""}},
	{FIRECRACKER, "state-map-shared", {0, PROBE_NOTHING, ""}},
	{FIRECRACKER, "state-reopen", {0, PROBE_NOTHING, ""}},
	{FIRECRACKER, "state-truncate", {0, PROBE_NOTHING, ""}},
	{FIRECRACKER, "accept-call", {0, PROBE_NOTHING, ""}},
	{FIRECRACKER, "state-file-read", {PROBE_VMM_WORKS, PROBE_NOTHING, ""}},
	{FIRECRACKER, "state-file-write", {PROBE_VMM_BENEATH, PROBE_READONLY, "EROFS|EACCES"}},
	{FIRECRACKER, "state-file-append", {PROBE_VMM_BENEATH, PROBE_READONLY, "EROFS|EACCES"}},
	{FIRECRACKER, "state-file-truncate", {PROBE_VMM_BENEATH, PROBE_READONLY, "EROFS|EACCES"}},
	{FIRECRACKER, "state-file-map-shared", {PROBE_VMM_BENEATH, PROBE_READONLY, "EACCES"}},
	{FIRECRACKER, "state-file-chmod", {PROBE_VMM_SECCOMP, PROBE_READONLY, "EROFS"}},
	{FIRECRACKER, "state-file-unlink", {PROBE_VMM_BENEATH, PROBE_READONLY, "EROFS|EBUSY"}},

	/* A keeper whose guest calls; one that calls the VMM's sockets by their bare names. */
	{CALLED, "accept-call", {PROBE_KEEPER_WORKS, PROBE_NOTHING, ""}},
	{CALLS, "socket-unix", {PROBE_KEEPER_WORKS, PROBE_NOTHING, ""}},
	{CALLS, "connect-abstract", {PROBE_KEEPER_BENEATH, PROBE_NETNS, "ECONNREFUSED"}},
	{CALLS, "connect-pathname", {PROBE_KEEPER_BENEATH, PROBE_TREE, "ENOENT"}},
};

struct probe_expected probe_expect(const struct probe_act *act, enum jail_program program)
{
	struct probe_expected usual = {act->first, act->beneath, act->words};

	for (size_t i = 0; i < ARRAY_SIZE(differences); i++) {
		if ((differences[i].programs & PROGRAM(program)) &&
		    strcmp(differences[i].act, act->name) == 0)
			return differences[i].expected;
	}
	usual.first &= jail_program_is_keeper(program) ? OF_THE_KEEPER : OF_THE_VMM;
	if (usual.first == PROBE_QUIET)
		usual.first = 0;
	return usual;
}

const char *probe_difference(size_t i)
{
	return i < ARRAY_SIZE(differences) ? differences[i].act : NULL;
}
