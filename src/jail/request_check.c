/* SPDX-License-Identifier: Apache-2.0 */
/* request_check.c - the warden's judgement of a request; see request_check.h. */
#include "jail/request_check.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#define TARGET_MAX_B 255

static bool id_ok(const char id[JAIL_VM_ID_MAX + 1])
{
	size_t n = strnlen(id, JAIL_VM_ID_MAX + 1);

	if (n == 0 || n > JAIL_VM_ID_MAX)
		return false;
	for (size_t i = 0; i < n; i++) {
		char c = id[i];

		if (!((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
		      c == '-'))
			return false;
	}
	return true;
}

/* An offset of a non-empty terminated string; that the block ends with a NUL was checked before. */
static bool text_ok(const struct jail_request *r, uint32_t offset)
{
	return offset < r->text_length && r->text[offset] != '\0';
}

static bool absolute_ok(const struct jail_request *r, uint32_t offset)
{
	return text_ok(r, offset) && r->text[offset] == '/';
}

/* "/a/b": components that are not empty, "." or "..". */
static bool target_ok(const struct jail_request *r, uint32_t offset)
{
	const char *p;

	if (!absolute_ok(r, offset))
		return false;
	p = r->text + offset;
	if (strlen(p) > TARGET_MAX_B)
		return false;
	while (*p == '/') {
		size_t n = strcspn(++p, "/");

		if (n == 0 || (n == 1 && p[0] == '.') || (n == 2 && p[0] == '.' && p[1] == '.'))
			return false;
		p += n;
	}
	return true;
}

static bool mounts_ok(const struct jail_request *r)
{
	for (uint32_t i = 0; i < r->n_mounts; i++) {
		const struct jail_mount *m = &r->mounts[i];

		if (m->kind < JAIL_BIND_RO || m->kind > JAIL_BIND_DEV ||
		    !absolute_ok(r, m->source) || !target_ok(r, m->target))
			return false;
	}
	return true;
}

static bool strings_ok(const struct jail_request *r)
{
	for (uint32_t i = 0; i < r->n_argv; i++) {
		/* An argument may be empty. */
		if (r->argv[i] >= r->text_length)
			return false;
	}
	for (uint32_t i = 0; i < r->n_env; i++) {
		if (!text_ok(r, r->env[i]) || !strchr(r->text + r->env[i], '='))
			return false;
	}
	return absolute_ok(r, r->argv[0]) && absolute_ok(r, r->keeper);
}

static bool confinement_ok(const struct jail_request *r)
{
	const struct jail_limits *l = &r->limits;

	return !jail_program_is_keeper(r->vmm_program) && r->vmm_program > 0 &&
	       r->vmm_program < JAIL_PROGRAM_MAX && jail_program_is_keeper(r->keeper_program) &&
	       r->sockets == (r->keeper_program == JAIL_PROGRAM_KEEPER_SOCKETS) &&
	       r->level >= JAIL_LEVEL_MINIMAL && r->level <= JAIL_LEVEL_PERMISSIVE &&
	       r->denied >= JAIL_DENIED_KILL && r->denied <= JAIL_DENIED_REFUSE &&
	       l->memory_max_b > 0 && l->memory_max_b <= INT64_MAX && l->pids_max > 0 &&
	       l->cpu_percent > 0 && l->required <= 1;
}

int request_check_claim(const struct jail_claim *claim)
{
	return claim->magic == JAIL_REQUEST_MAGIC && id_ok(claim->vm_id) ? 0 : -EINVAL;
}

int request_check(const struct jail_request *r, size_t n_fds)
{
	if (r->magic != JAIL_REQUEST_MAGIC || r->size != sizeof(*r))
		return -EINVAL;
	if (r->n_mounts > JAIL_MOUNTS_MAX || r->n_argv < 1 || r->n_argv > JAIL_ARGV_MAX ||
	    r->n_env > JAIL_ENV_MAX || r->n_vmm_fds > JAIL_VMM_FDS_MAX)
		return -EINVAL;
	if (n_fds != (size_t)JAIL_FD_FIXED + JAIL_KEEPER_FDS + r->n_vmm_fds)
		return -EINVAL;
	if (r->text_length == 0 || r->text_length > JAIL_TEXT_MAX_B ||
	    r->text[r->text_length - 1] != '\0')
		return -EINVAL;
	if (!id_ok(r->vm_id) || !mounts_ok(r) || !strings_ok(r) || !confinement_ok(r))
		return -EINVAL;
	return 0;
}
