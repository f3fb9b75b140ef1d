/* SPDX-License-Identifier: Apache-2.0 */
/**
 * filters.h - the compiled seccomp programs: one for the keeper, one for each VMM and level.
 *
 * They are compiled when IronClaw is built, from the lists in src/jail/filters/ (docs/seccomp.md),
 * and are constant data of the warden. Each allows what its list names and quietly refuses what the
 * list says so of; everything else, calls of other ABIs and execve(2) included, is handed to the
 * supervisor.
 *
 * They hold from before the exec on: the warden's child loads its own (warden_jail.c), and the
 * supervisor lets that one execve pass.
 */
#ifndef JAIL_FILTERS_H
#define JAIL_FILTERS_H

#include "jail/request.h"
#include "sys/seccomp.h"

/**
 * filters_find() - the program, or NULL when there is none: both arguments may be any number.
 * @level:	of no meaning to the keeper's
 */
const struct seccomp_program *filters_find(enum jail_program program, enum jail_level level);

#endif
