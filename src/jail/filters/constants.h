/* SPDX-License-Identifier: Apache-2.0 */
/**
 * constants.h - the names that a seccomp list may use for numbers, and the arguments that it may
 * check. Build-time only.
 */
#ifndef JAIL_FILTERS_CONSTANTS_H
#define JAIL_FILTERS_CONSTANTS_H

#include <stdint.h>

/** filter_constant() - value of a name of the kernel's headers. Return: 0, -ENOENT */
int filter_constant(const char *name, uint64_t *ret);

/** filter_errno() - number of an errno name. Return: positive; -ENOENT */
int filter_errno(const char *name);

/**
 * filter_argument_mask() - the bits of an argument that the kernel reads.
 *
 * An int is compared in its low half: what the high half holds is up to the caller's compiler
 * (QEMU, for one, extends the sign of its ioctl numbers), and the kernel does not look at it. Only
 * arguments that the table of this file knows can be checked.
 *
 * Return: mask, 0 for an argument that the table does not know
 */
uint64_t filter_argument_mask(const char *call, unsigned int arg);

#endif
