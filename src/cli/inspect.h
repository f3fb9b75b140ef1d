/* SPDX-License-Identifier: Apache-2.0 */
/**
 * inspect.h - how the proof of a VM's confinement is shown: `ironclaw inspect` and `run --prove`.
 */
#ifndef CLI_INSPECT_H
#define CLI_INSPECT_H

#include <stdio.h>

#include "machine/proof.h"

/** inspect_print_heading(), inspect_print_layer() - the table, a row a layer; 100 columns. */
void inspect_print_heading(FILE *out);
void inspect_print_layer(FILE *out, const struct ironclaw_layer *layer);

/** inspect_print() - all of it as text, on stdout. */
void inspect_print(const struct proof *proof, const struct proof_report *report);

/** inspect_print_json() - the one document of --json, on stdout. Return: 0, -EIO */
int inspect_print_json(const struct proof *proof, const struct proof_report *report);

/* Words for the numbers of a warden's record; "none" for 0. */
const char *inspect_program(uint32_t program); /* "keeper", "qemu-tcg", "qemu-kvm" */
const char *inspect_level(uint32_t level);     /* "minimal", "basic", "permissive" */
const char *inspect_denied(uint32_t denied);   /* "kill", "refuse" */
const char *inspect_limits(uint32_t limits);   /* "cgroup-v1", "cgroup-v2" */

/** inspect_time() - nanoseconds of CLOCK_REALTIME as "2026-01-31T12:00:00Z". */
void inspect_time(uint64_t ns, char *ret, size_t size);

#endif
