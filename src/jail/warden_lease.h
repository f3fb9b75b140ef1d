/* SPDX-License-Identifier: Apache-2.0 */
/**
 * warden_lease.h - a pair of user ids of its own for each VM: one for the VMM, one for the keeper.
 *
 * Only where the warden runs as root of the host. The ids come from a range that nobody else should
 * use, LEASE_UID_FIRST to LEASE_UID_FIRST + 2 * LEASE_PAIRS - 1, for all state folders of the host.
 * (Containers that have a /run of their own and every id of the host count as hosts of their own:
 * see SECURITY.md.)
 */
#ifndef JAIL_WARDEN_LEASE_H
#define JAIL_WARDEN_LEASE_H

#include <stdbool.h>
#include <stdint.h>

/* Above what system and container tools hand out (up to 1879048191), below 2^31. */
#define LEASE_UID_FIRST 1900000000U
#define LEASE_PAIRS	4096U

struct warden_lease {
	int dir_fd;  /* /run/ironclaw/uids */
	int lock_fd; /* the pair's file, locked; it holds the VM's id while the pair is used */
	uint32_t vmm_id, keeper_id; /* each both uid and gid */
};

#define WARDEN_LEASE_NONE ((struct warden_lease){.dir_fd = -1, .lock_fd = -1})

/** warden_is_host_root() - uid 0 with every id of the host, so that ids can be given away. */
bool warden_is_host_root(void);

/**
 * warden_lease_take() - lock a clean pair, and note the VM's id with it before anything is named
 * after either.
 *
 * Sweeps first: a pair whose holder died has its VM's firewall chain and cgroup removed, and is
 * used again only when no process has its ids any more.
 *
 * Return: 0; -EEXIST when a living VM of the host, of whatever state folder, has the name: so it is
 * unique before anything is named after it; -EUSERS when all pairs are taken; -errno
 */
int warden_lease_take(const char *vm_id, struct warden_lease *ret);

/**
 * warden_lease_guard() - one warden at a time: for changes to what all VMs of the host share.
 * Return: descriptor whose closing ends it, -errno
 */
int warden_lease_guard(const struct warden_lease *lease);

/**
 * warden_lease_sweep() - the sweep alone, for who saw a warden die. Without host root: nothing to
 * do. What cannot be swept now is left for the next.
 */
void warden_lease_sweep(void);

/** warden_lease_return() - when chain and cgroup are removed and all processes waited for. */
void warden_lease_return(struct warden_lease *lease);

#endif
