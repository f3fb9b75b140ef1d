/* SPDX-License-Identifier: Apache-2.0 */
/**
 * filters.h - the compiled seccomp programs: one for the keeper, one for each VMM and level.
 *
 * They are compiled when IronClaw is built, from the lists in src/jail/filters/, and are constant
 * data of the warden. Each allows what its list names; everything else, calls of other ABIs
 * included, is handed to the supervisor.
 */
#ifndef JAIL_FILTERS_H
#define JAIL_FILTERS_H

#include "jail/request.h"
#include "sys/seccomp.h"

/** filters_find() - NULL when there is none. @level: of no meaning to the keeper's. */
const struct seccomp_program *filters_find(enum jail_program program, enum jail_level level);

#endif
