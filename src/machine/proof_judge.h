/* SPDX-License-Identifier: Apache-2.0 */
/**
 * proof_judge.h - between the files that judge: how a finding is made, and the judges of each
 * layer.
 */
#ifndef MACHINE_PROOF_JUDGE_H
#define MACHINE_PROOF_JUDGE_H

#include "machine/proof.h"

/** What a judge is given: one process, and whom to compare it with. */
struct proof_case {
	const struct proof *proof;
	const struct proof_process *process;
	enum proof_who who;
};

/** proof_say() - what the kernel says; the verdict becomes OK. */
void proof_say(struct proof_finding *ret, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/** proof_weak() - why it is not what it must be; of several reasons the first one counts. */
void proof_weak(struct proof_finding *ret, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/** proof_unread() - it could not be read. @errnum: positive */
void proof_unread(struct proof_finding *ret, int errnum);

/* proof_judge_reach.c: what the process can reach. */
void proof_judge_namespaces(const struct proof_case *c, struct proof_finding *ret);
void proof_judge_network(const struct proof_case *c, struct proof_finding *ret);
void proof_judge_mounts(const struct proof_case *c, struct proof_finding *ret);
void proof_judge_descriptors(const struct proof_case *c, struct proof_finding *ret);
void proof_judge_memory(const struct proof_case *c, struct proof_finding *ret);

/**
 * proof_fd_fault() - what is wrong with an open descriptor of VMM or keeper; NULL: nothing.
 * @vhost: the VM's link is /dev/vhost-vsock
 */
const char *proof_fd_fault(const struct proof_fd *fd, enum proof_who who, bool vhost);

/** proof_mount_fault() - what is wrong with a mount in a jail; NULL: nothing. */
const char *proof_mount_fault(const struct proof_mount *mount);

#endif
