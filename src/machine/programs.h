/* SPDX-License-Identifier: Apache-2.0 */
/**
 * programs.h - where the helper programs are.
 */
#ifndef MACHINE_PROGRAMS_H
#define MACHINE_PROGRAMS_H

#include "base/error.h"

/**
 * programs_dir() - the folder of ironclaw-warden, ironclaw-keeper, ironclaw-guest and
 * ironclaw-qemu-preload.so.
 *
 * The first that holds a warden: $IRONCLAW_LIBEXEC; the folder of the running program (a build
 * tree); the folder chosen at build time.
 *
 * Return: 0; -ENOENT with a hint
 */
int programs_dir(char *ret, size_t size, struct ironclaw_error *err);

#endif
