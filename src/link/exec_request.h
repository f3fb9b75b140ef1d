/* SPDX-License-Identifier: Apache-2.0 */
/**
 * exec_request.h - a command as the TLV record of an EXEC request.
 */
#ifndef LINK_EXEC_REQUEST_H
#define LINK_EXEC_REQUEST_H

#include "link/session.h"

/**
 * exec_request_make() - check a command against the bounds of the protocol, and encode it.
 * @ret:	owned by the caller
 *
 * Return: 0; -EINVAL or -E2BIG with IRONCLAW_ERR_INVALID and what is wrong; -ENOMEM
 */
int exec_request_make(const struct session_command *command, uint8_t **ret, size_t *ret_len,
		      struct ironclaw_error *err);

#endif
