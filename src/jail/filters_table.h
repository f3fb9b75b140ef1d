/* SPDX-License-Identifier: Apache-2.0 */
/* filters_table.h - what the list compiler makes (filters/compile.c), for filters.c alone. */
#ifndef JAIL_FILTERS_TABLE_H
#define JAIL_FILTERS_TABLE_H

#include "jail/request.h"
#include "sys/seccomp.h"

#define FILTERS_PROGRAMS JAIL_PROGRAM_MAX
#define FILTERS_LEVELS	 (JAIL_LEVEL_PERMISSIVE + 1)

/* By program and level; empty where there is none. */
extern const struct seccomp_program filters_table[FILTERS_PROGRAMS][FILTERS_LEVELS];

#endif
