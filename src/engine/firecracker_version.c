/* SPDX-License-Identifier: Apache-2.0 */
/* firecracker_version.c - a version as Firecracker tells it, or as the user does. */
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "engine/firecracker.h"

#define SUFFIX_MAX_B 32U /* "-dev", "-rc.1", "-5-g0123abc" */
#define SUFFIX_CHARS                                                                               \
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"                                     \
	"0123456789.-"

/* At most FIRECRACKER_NUMBER_MAX. Moves *at behind it. */
static bool take_number(const char **at, uint32_t *ret)
{
	uint32_t value = 0;
	const char *p = *at;

	while (*p >= '0' && *p <= '9' && value <= FIRECRACKER_NUMBER_MAX)
		value = value * 10 + (uint32_t)(*p++ - '0');
	if (p == *at || value > FIRECRACKER_NUMBER_MAX)
		return false;
	*at = p;
	*ret = value;
	return true;
}

static bool take_dot(const char **at)
{
	return **at == '.' && (*at)++;
}

static bool is_suffix(const char *text)
{
	size_t len = strlen(text);

	return len == 0 || (text[0] == '-' && len > 1 && len <= SUFFIX_MAX_B &&
			    strspn(text, SUFFIX_CHARS) == len);
}

int firecracker_version_parse(const char *text, uint32_t *ret)
{
	const char *at = text + (text[0] == 'v');
	uint32_t major, minor, patch = 0;

	if (!take_number(&at, &major) || !take_dot(&at) || !take_number(&at, &minor) ||
	    (take_dot(&at) && !take_number(&at, &patch)) || !is_suffix(at))
		return -EINVAL;
	*ret = FIRECRACKER_VERSION(major, minor, patch);
	return 0;
}
