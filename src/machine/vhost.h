/* SPDX-License-Identifier: Apache-2.0 */
/**
 * vhost.h - a link over the kernel's own vsock (vhost_vsock), for a VMM that is handed its device.
 */
#ifndef MACHINE_VHOST_H
#define MACHINE_VHOST_H

#include <stdint.h>

#include "base/error.h"

/**
 * vhost_open() - take a CID of this host's for a guest, and listen for its call.
 * @ret_device:	/dev/vhost-vsock, with the CID set, for the VMM
 * @ret_listener: as vsock_listen() on the port of the same number
 *
 * CID and port are the guest's from now on, until both descriptors are closed. Both are random: a
 * host has many guests, and a user who would take another's port has to find it first.
 *
 * Return: 0; -ENODEV or -EACCES (IRONCLAW_ERR_UNAVAILABLE, hint: what to do); -errno
 */
int vhost_open(int *ret_device, int *ret_listener, uint32_t *ret_cid, struct ironclaw_error *err);

#endif
