/* SPDX-License-Identifier: Apache-2.0 */
/* name.c - the rule for names; see name.h. */
#include "base/name.h"

#include <string.h>

#include "base/limits.h"

bool name_valid(const char *name)
{
	size_t len = strlen(name);

	return len >= 1 && len <= LIMIT_NAME_MAX && !strchr("._-", name[0]) &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789._-") == len;
}
