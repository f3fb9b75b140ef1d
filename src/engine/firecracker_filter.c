/* SPDX-License-Identifier: Apache-2.0 */
/* firecracker_filter.c - which rules and which format a version takes; see firecracker_filter.h. */
#include "engine/firecracker_filter.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "engine/firecracker.h"
#include "engine/firecracker_filter_table.h"

#define SUFFIX_MAX	      32U /* "-dev", "-rc.1" */
#define NUMBER_MAX	      9999U

/* One number for major and minor; neither is above NUMBER_MAX. */
#define RELEASE(major, minor) ((major) * (NUMBER_MAX + 1) + (minor))
#define OLDEST		      RELEASE(1U, 7U)
#define BITCODE		      RELEASE(1U, 15U)
#define NEWEST		      RELEASE(1U, 17U)

static bool take_number(const char **cursor, unsigned int *ret)
{
	unsigned int value = 0;
	const char *c = *cursor;

	for (; *c >= '0' && *c <= '9' && value <= NUMBER_MAX; c++)
		value = value * 10 + (unsigned int)(*c - '0');
	if (c == *cursor || value > NUMBER_MAX)
		return false;
	*cursor = c;
	*ret = value;
	return true;
}

static bool take_dot(const char **cursor)
{
	return *(*cursor) == '.' && (*cursor)++;
}

/* Empty, or "-" and letters, digits, dots. */
static bool is_suffix(const char *c)
{
	const size_t n = strlen(c);

	if (n == 0)
		return true;
	if (*c != '-' || n == 1 || n > SUFFIX_MAX)
		return false;
	for (c++; *c; c++) {
		if (!isalnum((unsigned char)*c) && *c != '.' && *c != '-')
			return false;
	}
	return true;
}

/* "v1.16.1-dev"; the patch level may be missing. */
static bool read_version(const char *text, unsigned int *ret_release)
{
	unsigned int major, minor, patch;

	if (*text == 'v')
		text++;
	if (!take_number(&text, &major) || !take_dot(&text) || !take_number(&text, &minor))
		return false;
	if (take_dot(&text) && !take_number(&text, &patch))
		return false;
	if (!is_suffix(text))
		return false;
	*ret_release = RELEASE(major, minor);
	return true;
}

static int unknown_rules(const char *version, unsigned int release, struct ironclaw_error *err)
{
	if (release < OLDEST)
		(void)err_set(err, IRONCLAW_ERR_INVALID, EOPNOTSUPP,
			      "no filter for Firecracker %s: the oldest that is supported is 1.7",
			      version);
	else
		(void)err_set(err, IRONCLAW_ERR_INVALID, EOPNOTSUPP,
			      "no filter for Firecracker %s: the newest whose rules are known is "
			      "1.17",
			      version);
	err_hint(err, "another version, or Firecracker's own filter, by leaving --seccomp-filter "
		      "out");
	return -EOPNOTSUPP;
}

int firecracker_filter_make(const char *version, enum vm_seccomp level, uint8_t *buf, size_t size,
			    size_t *ret_len, struct ironclaw_error *err)
{
	struct seccomp_program programs[FIRECRACKER_THREADS];
	enum firecracker_rules rules;
	unsigned int release;
	int r;

	ic_assert(level < VM_SECCOMP_MAX);
	if (!read_version(version, &release)) {
		r = err_set(err, IRONCLAW_ERR_INVALID, EINVAL,
			    "'%s' is no version of Firecracker; it looks like 1.16.1", version);
		err_hint(err, "firecracker --version");
		return r;
	}
	if (release < OLDEST || release > NEWEST)
		return unknown_rules(version, release, err);
	rules = release >= RELEASE(1U, 17U)   ? FIRECRACKER_RULES_1_17
		: release >= RELEASE(1U, 16U) ? FIRECRACKER_RULES_1_16
					      : FIRECRACKER_RULES_1_7;
	for (size_t i = 0; i < FIRECRACKER_THREADS; i++)
		programs[i] = firecracker_filter_table[rules][i][level];
	r = firecracker_filter_encode(release >= BITCODE ? FIRECRACKER_FILTER_BITCODE
							 : FIRECRACKER_FILTER_BINCODE,
				      programs, buf, size, ret_len);
	if (r < 0)
		return err_set(err, IRONCLAW_ERR_INTERNAL, -r,
			       "the filter does not fit Firecracker's limits");
	return 0;
}

int firecracker_filter(const struct engine_host *host, enum vm_seccomp level, bool saves,
		       uint8_t *buf, size_t *ret_len, struct ironclaw_error *err)
{
	if (level == VM_SECCOMP_BASIC) {
		*ret_len = 0;
		return 0;
	}
	if (saves && level == VM_SECCOMP_MINIMAL)
		level = VM_SECCOMP_BASIC;
	return firecracker_filter_make(host->version, level, buf, ENGINE_FILTER_MAX_B, ret_len,
				       err);
}
