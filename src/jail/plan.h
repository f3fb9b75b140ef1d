/* SPDX-License-Identifier: Apache-2.0 */
/**
 * plan.h - make the request for a warden: pure, in the process of whoever starts the VM.
 *
 * The functions append; what does not fit is remembered and reported once, by jail_plan_finish().
 */
#ifndef JAIL_PLAN_H
#define JAIL_PLAN_H

#include <stdbool.h>

#include "base/error.h"
#include "jail/request.h"

struct jail_plan {
	bool overflow;
	struct jail_request request;
};

/** jail_plan_init() - an empty request; all padding is zeroed. */
void jail_plan_init(struct jail_plan *plan, const char *vm_id, const char *keeper_path,
		    uint64_t file_size_max_b);

/** How a VMM is to be confined. */
struct jail_confinement {
	enum jail_program program, keeper; /* of VMM and keeper */
	bool sockets;			   /* the VMM makes its own */
	enum jail_level level;
	enum jail_denied denied;
	struct jail_limits limits;
};

void jail_plan_confine(struct jail_plan *plan, const struct jail_confinement *confinement);
void jail_plan_mount(struct jail_plan *plan, enum jail_mount_kind kind, const char *source,
		     const char *target);
void jail_plan_arg(struct jail_plan *plan, const char *arg);
void jail_plan_env(struct jail_plan *plan, const char *name_value);

/**
 * jail_plan_finish() - the warden's own check, before anything is sent.
 * @n_vmm_fds:	how many descriptors the VMM gets beside stdio
 *
 * Return: 0; -E2BIG or -EINVAL with IRONCLAW_ERR_INTERNAL
 */
int jail_plan_finish(struct jail_plan *plan, uint32_t n_vmm_fds, struct ironclaw_error *err);

/**
 * jail_failure() - the sentence for a FAILED event.
 * @plan:	what was asked for
 *
 * Return: -errno of the event
 */
int jail_failure(const struct jail_plan *plan, const struct jail_event *event,
		 struct ironclaw_error *err);

#endif
