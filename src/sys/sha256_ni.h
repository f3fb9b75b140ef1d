/* SPDX-License-Identifier: Apache-2.0 */
/**
 * sha256_ni.h - the compression function of SHA-256 by the CPU's SHA instructions.
 */
#ifndef SYS_SHA256_NI_H
#define SYS_SHA256_NI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** sha256_ni_supported() - whether this CPU has the instructions. */
bool sha256_ni_supported(void);

/**
 * sha256_ni_blocks() - work @n blocks of 64 bytes into the state.
 * @state:	the eight words a to h of FIPS 180-4
 *
 * Only when sha256_ni_supported().
 */
void sha256_ni_blocks(uint32_t state[8], const uint8_t *blocks, size_t n);

#endif
