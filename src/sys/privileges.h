/* SPDX-License-Identifier: Apache-2.0 */
/**
 * privileges.h - give up what a process could do, for good.
 */
#ifndef SYS_PRIVILEGES_H
#define SYS_PRIVILEGES_H

/**
 * privileges_drop() - empty every capability set of this thread, the bounding and ambient ones too,
 * lock the securebits, and set no_new_privs: nothing that is executed later gets any back.
 *
 * Each step is checked. Without CAP_SETPCAP (an ordinary process of an ordinary user) the bounding
 * set and the securebits cannot be changed and are left as they are: no_new_privs and the empty
 * sets hold all the same.
 *
 * Return: 0, -errno
 */
int privileges_drop(void);

#endif
