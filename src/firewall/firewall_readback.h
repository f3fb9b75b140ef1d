/* SPDX-License-Identifier: Apache-2.0 */
/**
 * firewall_readback.h - is what nft prints what it must print? Pure.
 *
 * Nothing is taken apart: the expected text is made from the VM's names, and the printed one must
 * be equal to it byte for byte, except for the decimal numbers of the counters. So anything that
 * this code does not know (a rule of somebody else's, a flag of a later nft) is a difference, and a
 * difference is a failure.
 */
#ifndef FIREWALL_FIREWALL_READBACK_H
#define FIREWALL_FIREWALL_READBACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "firewall/firewall_script.h"

/**
 * firewall_readback_check() - compare the output of firewall_script_read().
 * @text:	any bytes
 * @ret_packets: of the VM's chain; written on success
 * @ret_failure: the first line that differs, and what should stand there; printable
 *
 * Return: 0, -EIO when it differs
 */
int firewall_readback_check(const struct firewall_vm *vm, const char *text, size_t length,
			    uint64_t *ret_packets, char ret_failure[FIREWALL_FAILURE_B]);

/** firewall_readback_owns() - does the output for FIREWALL_PART_CHAIN name @vm as its owner? */
bool firewall_readback_owns(const struct firewall_vm *vm, const char *text, size_t length);

/** firewall_readback_leads() - is the output for this jump of @vm just that, to its chain? */
bool firewall_readback_leads(const struct firewall_vm *vm, enum firewall_parts part,
			     const char *text, size_t length);

/**
 * firewall_readback_awake() - does the output of firewall_script_read_table() begin a table without
 * flags? With the flag "dormant" none of its chains is called.
 */
bool firewall_readback_awake(const char *text, size_t length);

/**
 * firewall_complaint() - the first error that nft printed, and the command that it is about.
 * @text:	nft's stderr; any bytes
 * @ret:	one printable line
 */
void firewall_complaint(const char *text, size_t length, char ret[FIREWALL_FAILURE_B]);

#endif
