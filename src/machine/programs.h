/* SPDX-License-Identifier: Apache-2.0 */
/**
 * programs.h - where the helper programs are.
 */
#ifndef MACHINE_PROGRAMS_H
#define MACHINE_PROGRAMS_H

#include "base/error.h"

/**
 * programs_dir() - the folder of ironclaw-warden, ironclaw-keeper, ironclaw-unpack, ironclaw-guest
 * and ironclaw-qemu-preload.so.
 *
 * $IRONCLAW_LIBEXEC when set; the build folder, for programs that run from within it; else the
 * folder chosen at build time. Never a folder that merely lies beside the caller's program.
 *
 * Return: 0; -ENOENT with a hint
 */
int programs_dir(char *ret, size_t size, struct ironclaw_error *err);

#endif
