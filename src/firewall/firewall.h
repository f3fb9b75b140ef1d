/* SPDX-License-Identifier: Apache-2.0 */
/**
 * firewall.h - one nftables chain a VM, for the uid and the interface name of its VMM.
 *
 * The second wall around a VMM whose start root made; the first is its empty network namespace.
 * Should a VMM ever hold a socket of the host's namespace, or an interface appear under the VM's
 * name, the packets end here.
 *
 * In the network namespace of the caller, with CAP_NET_ADMIN: table `inet ironclaw`, whose base
 * chains (input, output, forward) look the uid and the interface up and jump to the VM's chain,
 * which counts and drops. libc only: the rules (firewall_plan.h) go to nf_tables over a netlink
 * socket (sys/netlink.h), and nft(8) shows them as `nft list table inet ironclaw`.
 *
 * Any number of processes may call these at once: each change is one transaction of the kernel,
 * which either makes or removes a VM's chain and jumps whole (see firewall_plan.h). Nothing here
 * parses a byte of a guest's or a VMM's; what the kernel says is compared with what it must say.
 *
 * What the rules cannot see: packet sockets (their packets go past nftables; they need
 * CAP_NET_RAW), and datagrams that arrive at an unconnected socket of the uid (the kernel finds the
 * socket after the input hook). Sockets belong to the uid that made them, whoever holds them.
 */
#ifndef FIREWALL_FIREWALL_H
#define FIREWALL_FIREWALL_H

#include <stddef.h>
#include <stdint.h>

#define FIREWALL_TABLE	     "ironclaw" /* of family inet */
#define FIREWALL_CHAIN_MAX_B 28U
#define FIREWALL_IFNAME_B    16U
#define FIREWALL_FAILURE_B   256U

/** firewall_chain_name() - IRONCLAW_, 10 characters of the id, _, 8 digits of its FNV-1a hash. */
void firewall_chain_name(const char *vm_id, char ret[FIREWALL_CHAIN_MAX_B + 1]);

/** firewall_interface_name() - what an interface of this VM would be called: "ic", 8 digits. */
void firewall_interface_name(const char *vm_id, char ret[FIREWALL_IFNAME_B]);

/**
 * firewall_add() - load chain and jumps in one transaction, read them back and compare.
 * @vm_id:	1 to 64 of [A-Za-z0-9-]
 * @uid:	of this VM alone; neither root's (0) nor the invalid one
 * @ret_failure: what went wrong, printable; filled on failure
 *
 * What all VMs share is looked at first, and made new in the same transaction when it is not as it
 * must be. That done beside living VMs waits about 10 ms, idle, for the kernel to free the old.
 *
 * Return: 0; -EINVAL for a bad id or uid; -EEXIST when a chain of that name, the uid or the
 * interface is taken, which are left as they are; -EPERM without CAP_NET_ADMIN; -EOPNOTSUPP when
 * the kernel has no nf_tables or not all that is needed; -ETIMEDOUT when its answer does not come
 * (NETLINK_DEADLINE_MS); -EIO when it did not take the rules or shows others; -errno.
 * On failure nothing of this VM's is left, unless the kernel does not answer then either:
 * @ret_failure says so.
 */
int firewall_add(const char *vm_id, uint32_t uid, char ret_failure[FIREWALL_FAILURE_B]);

/**
 * firewall_verify() - is everything still as firewall_add() left it?
 * @ret_packets: counted by the chain; may be NULL; written on success
 * @ret_failure: as above
 *
 * Changes nothing. Compared are the table (it is not switched off), both maps, the three base
 * chains (hook, priority, policy, each rule), the VM's chain with its owner and its rule, and both
 * jumps.
 *
 * Return: 0; -EIO with what is broken (a chain without a jump, other rules); -EINVAL, -EPERM,
 * -EOPNOTSUPP, -ETIMEDOUT as above; -errno
 */
int firewall_verify(const char *vm_id, uint32_t uid, uint64_t *ret_packets,
		    char ret_failure[FIREWALL_FAILURE_B]);

/**
 * firewall_remove() - remove chain and jumps by name, and the table with the last of them.
 *
 * For the end of a VM and for the sweep of one that died. Twice is fine, and so is what somebody
 * removed in part. A chain of that name with another owner, or to which another uid leads, is not
 * ours and stays; but id and uid together are the owner, so do not call this for a start that got
 * -EEXIST. The table is ours as a whole: what somebody else put into it goes with it.
 *
 * One transaction for the last VM, one beside others. The kernel then waits, idle, until what was
 * deleted is freed: some 10 ms.
 *
 * Return: 0, also when nothing was there; -EINVAL, -EPERM, -EOPNOTSUPP, -ETIMEDOUT as above; -EBUSY
 * when the kernel would not remove what is ours; -errno
 */
int firewall_remove(const char *vm_id, uint32_t uid);

/**
 * firewall_remedy() - what to do about a failure of these.
 * @errnum:	positive
 *
 * Return: an advice or command; empty where there is none
 */
const char *firewall_remedy(int errnum);

#endif
