/* SPDX-License-Identifier: Apache-2.0 */
/**
 * boot.h - from the initramfs to a running root file system.
 */
#ifndef GUEST_BOOT_H
#define GUEST_BOOT_H

/**
 * boot_root() - load drivers, put a writable layer over the image, make it the root, and mount what
 * a Linux system has. Ends in power_fail() when a necessary step fails.
 *
 * Return: descriptor of the writable layer's tmpfs
 */
int boot_root(void);

#endif
