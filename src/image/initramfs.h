/* SPDX-License-Identifier: Apache-2.0 */
/**
 * initramfs.h - the first file system of a guest: our agent as /init, and a kernel's modules.
 */
#ifndef IMAGE_INITRAMFS_H
#define IMAGE_INITRAMFS_H

#include "image/store.h"

/**
 * initramfs_write() - write an uncompressed newc archive (kernel: Documentation/driver-api/
 * early-userspace/buffer-format.rst) with /init, /dev, /proc, /sys, /dev/console and
 * /modules/NN-name.ko, which the agent loads in the order of their names.
 * @fd:		where to; written from its current offset
 * @kernel:	whose modules
 * @agent_path:	the guest agent's binary
 */
int initramfs_write(int fd, const struct kernel *kernel, const char *agent_path,
		    struct ironclaw_error *err);

#endif
