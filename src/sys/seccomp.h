/* SPDX-License-Identifier: Apache-2.0 */
/**
 * seccomp.h - load a seccomp program whose denials a supervisor sees, and be that supervisor.
 *
 * Bare negative errno; no policy. The programs come from jail/filters.h; what they deny they hand
 * to the supervisor (SECCOMP_RET_USER_NOTIF), and a call that no supervisor answers fails with
 * ENOSYS: there is no moment at which a denied call is carried out.
 */
#ifndef SYS_SECCOMP_H
#define SYS_SECCOMP_H

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdint.h>

/** One program, as the kernel takes it. */
struct seccomp_program {
	const struct sock_filter *code;
	unsigned short n;
};

/**
 * seccomp_load() - put the calling thread under @program for good.
 *
 * Needs no_new_privs. Once loaded only what the program allows can be called, sending the
 * descriptor on included. A signal does not break off a call that the supervisor has taken (where
 * the kernel can: Linux 5.19); the caller's death does.
 *
 * Return: the supervisor's descriptor, close-on-exec; -EBUSY when a supervisor of somebody else's
 * is there already (a container with one); -EOPNOTSUPP when the kernel's messages are longer than
 * we know; -errno
 */
int seccomp_load(const struct seccomp_program *program);

/**
 * seccomp_next() - take a denied call from the supervisor's descriptor.
 *
 * Blocks until there is one: poll(2) first; it reports POLLHUP when nobody is left under the
 * program. All numbers in it but id and pid are the supervised process's choice. @listener must
 * come from seccomp_load() on this kernel, which looked at the length of the messages.
 *
 * Return: 0; -ENOENT when the caller of it died meanwhile; -errno
 */
int seccomp_next(int listener, struct seccomp_notif *ret);

/**
 * seccomp_refuse() - let a denied call fail.
 * @errnum:	positive
 *
 * Return: 0, also when its caller is gone; -errno
 */
int seccomp_refuse(int listener, const struct seccomp_notif *denied, int errnum);

/**
 * seccomp_pass() - let a denied call go on as if it were allowed.
 *
 * Only for a call of code that is ours: what its pointers lead to may change until the kernel reads
 * it. Return: 0; -ENOENT when its caller is gone; -errno
 */
int seccomp_pass(int listener, const struct seccomp_notif *denied);

#endif
