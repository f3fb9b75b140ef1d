/* SPDX-License-Identifier: Apache-2.0 */
/**
 * identity.h - what makes a machine itself: randomness, names, time, size of the writable layer.
 *
 * The host sends IDENTITY once after the boot and once after each restore from a template, before
 * any command; clones of one template are equal up to that point and different after it. On a
 * connection that was made anew it sends the same one again, which changes nothing but the time.
 */
#ifndef GUEST_IDENTITY_H
#define GUEST_IDENTITY_H

#include <stdbool.h>
#include <stdint.h>

/**
 * identity_boot() - prepare the files that carry the identity: regular files of a tmpfs, bound over
 * their places, so that rewriting them touches neither the image nor the writable layer.
 * @layer_fd:	tmpfs of the writable layer; kept
 */
void identity_boot(int layer_fd);

/** identity_begin() - apply an IDENTITY frame and ask for the time. @payload: checked here. */
void identity_begin(const uint8_t *payload, uint32_t length);

/**
 * identity_time() - take a TIME frame: asks again, or sets the clock and reports IDENTITY_OK; an
 * unasked one only sets the clock.
 */
void identity_time(const uint8_t *payload);

/** identity_forget() - the link broke: no commands before the next IDENTITY. */
void identity_forget(void);

/** identity_ready() - whether commands may run. */
bool identity_ready(void);

#endif
