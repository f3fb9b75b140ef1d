/* SPDX-License-Identifier: Apache-2.0 */
/**
 * control.h - what the library and a keeper say to each other beside the frames of the sessions.
 *
 * Fixed structs over a SOCK_SEQPACKET pair; both ends come from the same build. The library trusts
 * the keeper's numbers no further than their types: the keeper parses guest bytes.
 */
#ifndef MACHINE_CONTROL_H
#define MACHINE_CONTROL_H

#include <stdint.h>

#include "base/limits.h"
#include "engine/engine.h"
#include <ironclaw/ironclaw.h>

enum control_request_kind {
	CONTROL_START = 1, /* once, first */
	CONTROL_SAVE,	   /* stop the VM and save its device state; one descriptor is attached */
	CONTROL_PAUSE,	   /* stop the guest's processors */
	CONTROL_RESUME,	   /* let them run again, and tell the guest the time */
};

/** Library to keeper. */
struct control_request {
	uint32_t kind;
	uint32_t booting;     /* START: 1: the guest boots and says HELLO; 0: it was restored */
	uint32_t overlay_mib; /* START: size of the guest's writable layer */
	uint32_t deadline_ms; /* from now to the event that answers */
	uint32_t vmm_stopped; /* RESUME: 1: the warden had stopped the whole VMM: only the time */
	char hostname[LIMIT_VM_ID_MAX + 1];
	/* START: whose monitor it is, and what to tell it (engine.h). */
	uint32_t engine;    /* enum vm_engine */
	uint32_t link;	    /* enum engine_link */
	uint32_t guest_cid; /* ENGINE_LINK_VSOCK: who may call */
	char orders[ENGINE_ORDERS_MAX_B];
};

enum control_event_kind {
	CONTROL_NONE,
	CONTROL_READY, /* the guest answered and has its identity: frames may flow */
	CONTROL_SAVED, /* the state is in the descriptor; the VM is stopped for ever */
	CONTROL_PAUSED,
	CONTROL_HARMFUL, /* a pause by its monitor harms this VMM: nothing was done */
	CONTROL_RESUMED,
	CONTROL_FAILED, /* the keeper gives up and exits */
	CONTROL_EVENT_MAX
};

/** Keeper to library. */
struct control_event {
	uint32_t kind;
	struct ironclaw_error error; /* FAILED */
};

#endif
