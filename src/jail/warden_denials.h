/* SPDX-License-Identifier: Apache-2.0 */
/**
 * warden_denials.h - the warden as supervisor: what becomes of a call that a filter denies.
 */
#ifndef JAIL_WARDEN_DENIALS_H
#define JAIL_WARDEN_DENIALS_H

#include "jail/denials.h"
#include "jail/warden_child.h"

struct warden_denials {
	struct denials *ring; /* of all VMs */
	const char *vm_id;    /* borrowed */
	enum jail_denied denied;
	uint32_t n;			  /* of this VM so far */
	enum jail_program killed_program; /* the first that was killed for a call, or 0 */
	int killed_syscall;
};

/**
 * warden_denials_serve() - take one denied call of @child's: record it, then kill the child or
 * refuse the call.
 *
 * Never blocks when poll(2) said that there is one, and holds nothing afterwards: a child that
 * floods its supervisor delays itself alone.
 */
void warden_denials_serve(struct warden_denials *denials, const struct warden_child *child);

#endif
