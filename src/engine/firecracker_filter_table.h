/* SPDX-License-Identifier: Apache-2.0 */
/* firecracker_filter_table.h - what the list compiler (jail/filters/compile.c) makes for
 * firecracker_filter.c. */
#ifndef ENGINE_FIRECRACKER_FILTER_TABLE_H
#define ENGINE_FIRECRACKER_FILTER_TABLE_H

#include "engine/firecracker_filter.h"

/** Versions that share their rules, by the oldest of them. */
enum firecracker_rules {
	FIRECRACKER_RULES_1_7,
	FIRECRACKER_RULES_1_16,
	FIRECRACKER_RULES_1_17,
	FIRECRACKER_RULES
};

extern const struct seccomp_program firecracker_filter_table[FIRECRACKER_RULES][FIRECRACKER_THREADS]
							    [VM_SECCOMP_MAX];

#endif
