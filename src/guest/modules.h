/* SPDX-License-Identifier: Apache-2.0 */
/**
 * modules.h - drivers of a kernel that has them outside: /modules/NN-name.ko of the initramfs.
 */
#ifndef GUEST_MODULES_H
#define GUEST_MODULES_H

/**
 * modules_load() - load every file of /modules in the order of their names, then delete it to give
 * its memory back. A missing folder is fine: everything is built in. Ends in power_fail() when a
 * module does not load.
 */
void modules_load(void);

#endif
