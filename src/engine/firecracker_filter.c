/* SPDX-License-Identifier: Apache-2.0 */
/* firecracker_filter.c - which rules and which format a version takes; see firecracker_filter.h. */
#include "engine/firecracker_filter.h"

#include <errno.h>

#include "engine/firecracker.h"
#include "engine/firecracker_filter_table.h"

#define BITCODE FIRECRACKER_VERSION(1U, 15U, 0U)
#define NEWER	FIRECRACKER_VERSION(1U, 18U, 0U)

static int unknown_rules(const char *text, uint32_t version, struct ironclaw_error *err)
{
	if (version < FIRECRACKER_OLDEST)
		(void)err_set(err, IRONCLAW_ERR_INVALID, EOPNOTSUPP,
			      "no filter for Firecracker %s: the oldest that is supported is 1.7",
			      text);
	else
		(void)err_set(err, IRONCLAW_ERR_INVALID, EOPNOTSUPP,
			      "no filter for Firecracker %s: the newest whose rules are known is "
			      "1.17",
			      text);
	err_hint(err, "another version, or Firecracker's own filter, by leaving --seccomp-filter "
		      "out");
	return -EOPNOTSUPP;
}

int firecracker_filter_make(const char *text, enum vm_seccomp level, uint8_t *buf, size_t size,
			    size_t *ret_len, struct ironclaw_error *err)
{
	struct seccomp_program programs[FIRECRACKER_THREADS];
	enum firecracker_rules rules;
	uint32_t version;
	int r;

	ic_assert(level < VM_SECCOMP_MAX);
	if (firecracker_version_parse(text, &version) < 0) {
		r = err_set(err, IRONCLAW_ERR_INVALID, EINVAL,
			    "'%s' is no version of Firecracker; it looks like 1.16.1", text);
		err_hint(err, "firecracker --version");
		return r;
	}
	if (version < FIRECRACKER_OLDEST || version >= NEWER)
		return unknown_rules(text, version, err);
	rules = version >= FIRECRACKER_VERSION(1U, 17U, 0U)   ? FIRECRACKER_RULES_1_17
		: version >= FIRECRACKER_VERSION(1U, 16U, 0U) ? FIRECRACKER_RULES_1_16
							      : FIRECRACKER_RULES_1_7;
	for (size_t i = 0; i < FIRECRACKER_THREADS; i++)
		programs[i] = firecracker_filter_table[rules][i][level];
	r = firecracker_filter_encode(version >= BITCODE ? FIRECRACKER_FILTER_BITCODE
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
