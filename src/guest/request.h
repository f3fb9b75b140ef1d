/* SPDX-License-Identifier: Apache-2.0 */
/**
 * request.h - put the slices of an EXEC request together.
 *
 * One request at a time: from the first EXEC_PART to the EXEC that ends it, no slice of another
 * session may come. Memory grows with what has arrived, never by a claim.
 */
#ifndef GUEST_REQUEST_H
#define GUEST_REQUEST_H

#include "wire/frame.h"

/**
 * request_add() - append a slice.
 * Return: NULL, or the name of the rule that the host broke
 */
const char *request_add(uint16_t session, const uint8_t *slice, uint32_t len);

/**
 * request_take() - the whole request, after the last slice was added.
 * @ret:	valid until request_free()
 *
 * Return: 0; -ENOMEM when memory ran out on the way (the rest was discarded)
 */
int request_take(const uint8_t **ret, size_t *ret_len);

/** request_free() - make room for the next one. */
void request_free(void);

#endif
