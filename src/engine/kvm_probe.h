/* SPDX-License-Identifier: Apache-2.0 */
/**
 * kvm_probe.h - find out whether KVM really works, by running a guest on it.
 *
 * A /dev/kvm may open, make VMs and run short code, and still be useless: a KVM without hardware
 * virtualisation beneath it interprets instructions at some 1.5 million a second, and stops at the
 * first that it does not know. So a small guest (kvm_probe_guest.S) does what a 64-bit kernel does:
 * real mode to long mode, page faults, a timer interrupt, ring 3 and back, CMPXCHG16B, ten million
 * instructions. It runs in a child process, which is killed when its time has passed.
 * A working KVM takes a few milliseconds.
 */
#ifndef ENGINE_KVM_PROBE_H
#define ENGINE_KVM_PROBE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/paths.h"

enum kvm_outcome {
	KVM_WORKING,
	KVM_ABSENT,	   /* no /dev/kvm */
	KVM_NO_PERMISSION, /* /dev/kvm is there, but not for this user */
	KVM_BROKEN,
	KVM_OUTCOME_MAX
};

struct kvm_probe {
	enum kvm_outcome outcome;
	bool timed_out;	 /* broken only by being too slow, which a loaded host may cause */
	char why[192];	 /* one clause for the user; empty when working */
	char remedy[96]; /* what to do about it; empty when there is nothing */
};

/**
 * kvm_probe_run() - run the guest now, for @limit_ms at most. Needs no privilege beyond access to
 * /dev/kvm.
 */
void kvm_probe_run(unsigned int limit_ms, struct kvm_probe *ret);

/**
 * kvm_probe_refresh() - kvm_probe_run(), and remember the outcome for kvm_probe_cached().
 *
 * The first try has LIMIT_KVM_PROBE_MS. A time-out is tried again, twice at most and each time with
 * a longer limit, since a host may be under load, or be a VM itself, whose KVM is nested and slow
 * but still many times faster than one that interprets.
 * RUN is made when missing. That the outcome cannot be stored is no failure.
 */
void kvm_probe_refresh(const struct paths *paths, struct kvm_probe *ret);

/**
 * kvm_probe_cached() - the remembered outcome, or a new one.
 *
 * RUN/kvm-probe holds it. It counts for this boot of the host and as long as /dev/kvm is the same
 * node; a time-out counts for KVM_PROBE_TIMEOUT_AGE_S only. Absence and missing permission are
 * found anew each time, at the price of an open().
 */
void kvm_probe_cached(const struct paths *paths, struct kvm_probe *ret);

#define KVM_PROBE_TIMEOUT_AGE_S 300

#endif
