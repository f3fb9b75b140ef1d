/* SPDX-License-Identifier: Apache-2.0 */
/* filters.c - finds a compiled seccomp program; see filters.h. */
#include "jail/filters.h"

#include <stddef.h>

#include "jail/filters_table.h"

const struct seccomp_program *filters_find(enum jail_program program, enum jail_level level)
{
	/* Both come from a request: any number. */
	const unsigned int p = (unsigned int)program;
	const unsigned int l =
		jail_program_is_keeper(program) ? JAIL_LEVEL_MINIMAL : (unsigned int)level;

	if (p >= FILTERS_PROGRAMS || l >= FILTERS_LEVELS || filters_table[p][l].n == 0)
		return NULL;
	return &filters_table[p][l];
}
