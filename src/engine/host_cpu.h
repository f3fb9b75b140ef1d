/* SPDX-License-Identifier: Apache-2.0 */
/** host_cpu.h - which processor this is, for states that fit no other one. */
#ifndef ENGINE_HOST_CPU_H
#define ENGINE_HOST_CPU_H

#include <stddef.h>

#define HOST_CPU_B 96

/**
 * host_cpu_describe() - vendor, family, model, stepping and microcode as /proc/cpuinfo has them:
 * the device state of a KVM guest fits only the processor that it was made on. What does not fit
 * is cut; empty when nothing is known.
 */
void host_cpu_describe(char *ret, size_t size);

#endif
