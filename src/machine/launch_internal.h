/* SPDX-License-Identifier: Apache-2.0 */
/**
 * launch_internal.h - what the parts of launch.h share.
 */
#ifndef MACHINE_LAUNCH_INTERNAL_H
#define MACHINE_LAUNCH_INTERNAL_H

#include "machine/control.h"
#include "machine/launch.h"

/* Beyond a keeper's or warden's own deadline, which it may not keep. */
#define LAUNCH_SLACK_MS 5000U

/**
 * launch_plan() - the engine's plan, and the request to the warden in l->plan.
 * @l:	its folder is there; initramfs and the VMM's own filter are written into it
 */
int launch_plan(const struct launch_settings *s, struct launch *l, struct engine_plan *plan,
		struct ironclaw_error *err);

/**
 * launch_wait_event() - wait for one of two kinds of event of the keeper's, or for what goes wrong.
 * @other:	or this one; CONTROL_NONE
 *
 * Return: the kind; -errno with the reason, after which the VM has ended or is to be
 */
int launch_wait_event(struct launch *l, enum control_event_kind kind, enum control_event_kind other,
		      uint32_t limit_ms, struct ironclaw_error *err);

/** launch_read_warden() - one message. Return: 1 when it is ENDED or the warden is gone, 0, -errno
 */
int launch_read_warden(struct launch *l, struct ironclaw_error *err);

/**
 * launch_hear_warden() - wait for what comes next of the warden's, once.
 *
 * Return: 0, and the caller looks whether it was what he waits for; -ETIMEDOUT after @deadline_us;
 * -errno with the reason when the VM has ended
 */
int launch_hear_warden(struct launch *l, uint64_t deadline_us, struct ironclaw_error *err);

#endif
