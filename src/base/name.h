/* SPDX-License-Identifier: Apache-2.0 */
/**
 * name.h - what images and kernels may be called.
 */
#ifndef BASE_NAME_H
#define BASE_NAME_H

#include <stdbool.h>

/**
 * name_valid() - 1 to LIMIT_NAME_MAX of [a-z0-9._-], starting with a letter or a digit.
 *
 * So a name is one component of a path, and neither hidden, nor "..", nor taken for an option.
 */
bool name_valid(const char *name);

#endif
