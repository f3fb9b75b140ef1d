/* SPDX-License-Identifier: Apache-2.0 */
/**
 * request_check.h - the warden's judgement of a request, before it acts on any part of it.
 */
#ifndef JAIL_REQUEST_CHECK_H
#define JAIL_REQUEST_CHECK_H

#include <stddef.h>

#include "jail/request.h"

/** request_check_claim() - magic and a well-formed VM id. Return: 0, -EINVAL */
int request_check_claim(const struct jail_claim *claim);

/**
 * request_check() - all or nothing: counts, offsets, terminated text, absolute paths without "." or
 * ".." as targets, known mount kinds, a well-formed VM id, and as many descriptors as were
 * promised. Pure: looks at the bytes of the request only.
 *
 * Return: 0, -EINVAL
 */
int request_check(const struct jail_request *request, size_t n_fds);

#endif
