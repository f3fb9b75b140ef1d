/* SPDX-License-Identifier: Apache-2.0 */
/**
 * firewall_readback.h - is what the kernel says there is what must be there? Pure.
 *
 * A message of the kernel's is compared with the one that makes the part (firewall_plan.h),
 * attribute by attribute: what must be there has to be, once and equal, and nothing else may. So
 * whatever this code does not know (a rule of somebody else's, an attribute of a later kernel) is a
 * difference, and a difference is a failure. Left out is only what the kernel notes for itself and
 * what has no effect on a packet: handles, uses, counts, and how nft(8) prints a map.
 */
#ifndef FIREWALL_FIREWALL_READBACK_H
#define FIREWALL_FIREWALL_READBACK_H

#include <stdbool.h>
#include <stdint.h>

#include "firewall/firewall_plan.h"

/**
 * firewall_readback_part() - compare the answer to firewall_plan_read().
 * @message:	any bytes
 * @ret_failure: what differs; printable
 *
 * Return: 0, -EIO when it differs
 */
int firewall_readback_part(const struct firewall_vm *vm, enum firewall_part part,
			   const struct netlink_message *message,
			   char ret_failure[FIREWALL_FAILURE_B]);

/**
 * firewall_readback_rule() - compare an answer to firewall_plan_read_rules().
 * @chain:	a part that has rules
 * @rule:	which it is, counted from 0; one that must not be there differs
 */
int firewall_readback_rule(const struct firewall_vm *vm, enum firewall_part chain,
			   unsigned int rule, const struct netlink_message *message,
			   char ret_failure[FIREWALL_FAILURE_B]);

/** firewall_readback_packets() - counted by a rule that firewall_readback_rule() found right. */
uint64_t firewall_readback_packets(const struct netlink_message *message);

/**
 * firewall_readback_uses() - how many rules use the counter of an answer about it.
 *
 * Return: 0, -EIO when the message does not say it
 */
int firewall_readback_uses(const struct netlink_message *message, uint32_t *ret);

#endif
