/* SPDX-License-Identifier: Apache-2.0 */
/**
 * firewall.h - one nftables chain a VM, for the uid and the interface name of its VMM.
 *
 * In the network namespace of the caller, with CAP_NET_ADMIN: table `inet ironclaw`, whose base
 * chains (input, output, forward) look the uid and the interface up and jump to the VM's chain,
 * which counts and drops. libc only: nft(8) is executed, with fixed arguments, an empty
 * environment, and the rules (firewall_script()) on its stdin.
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
 * @ret_failure: what went wrong, from nft's own words, printable; filled on failure
 *
 * Return: 0; -EEXIST when a chain of that name, the uid or the interface is taken; -ENOENT when
 * nft is not installed; -EIO when the kernel did not take the rules or shows others; -errno.
 * On failure nothing of this VM's is left.
 */
int firewall_add(const char *vm_id, uint32_t uid, char ret_failure[FIREWALL_FAILURE_B]);

/**
 * firewall_verify() - is everything still as firewall_add() left it?
 * @ret_packets: counted by the chain; may be NULL
 *
 * Return: 0; -EIO with what is broken (a chain without a jump, other rules); -errno
 */
int firewall_verify(const char *vm_id, uint32_t uid, uint64_t *ret_packets,
		    char ret_failure[FIREWALL_FAILURE_B]);

/**
 * firewall_remove() - remove chain and jumps by name, and the table with the last of them.
 *
 * Twice is fine. Return: 0, -errno
 */
int firewall_remove(const char *vm_id, uint32_t uid);

#endif
