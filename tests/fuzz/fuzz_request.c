/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_request.c - any bytes as the request to a warden: what request_check() lets pass must be
 * safe for everything that warden.c and warden_jail.c do with it, without another look.
 *
 * The bytes are the front of the struct; the rest, at the end of its text, is zero.
 *
 * The corpus: tests/fuzz/link_seeds.py writes the named files, the fuzzer found the others.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "jail/request_check.h"

/* Buffers of warden_jail.c. */
#define TARGET_B 256
#define ROOT_B	 (JAIL_VM_ID_MAX + 8)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct jail_request request;

static void require(bool condition)
{
	if (!condition)
		abort();
}

/* A terminated string that lies inside. */
static const char *text_at(uint32_t offset)
{
	require(offset < sizeof(request.text));
	require(memchr(request.text + offset, '\0', sizeof(request.text) - offset) != NULL);
	return request.text + offset;
}

/* Neither leaves the tree nor names the root itself. */
static void require_target(const char *target)
{
	char path[TARGET_B + 2];

	require(target[0] == '/' && target[1] != '\0');
	/* The leading slash is left out. */
	require(strlen(target + 1) < TARGET_B);
	(void)snprintf(path, sizeof(path), "%s/", target);
	require(!strstr(path, "//") && !strstr(path, "/./") && !strstr(path, "/../"));
}

static void require_mount(const struct jail_mount *m)
{
	const char *source = text_at(m->source);

	require(m->kind == JAIL_BIND_RO || m->kind == JAIL_BIND_RW || m->kind == JAIL_BIND_DEV);
	require(source[0] == '/');
	require_target(text_at(m->target));
}

static void require_id(void)
{
	size_t n = strnlen(request.vm_id, sizeof(request.vm_id));
	char path[ROOT_B];

	require(n > 0 && n < sizeof(request.vm_id));
	require(!strchr(request.vm_id, '/') && !strchr(request.vm_id, '.'));
	require(snprintf(path, sizeof(path), "%s/" JAIL_ROOT_NAME, request.vm_id) <
		(int)sizeof(path));
}

static void require_safe(size_t n_fds)
{
	require(request.n_vmm_fds <= JAIL_VMM_FDS_MAX && n_fds <= JAIL_FDS_MAX);
	require(n_fds == (size_t)JAIL_FD_FIXED + JAIL_KEEPER_FDS + request.n_vmm_fds);
	/* Both are copied into arrays of one more, with a NULL behind. */
	require(request.n_argv >= 1 && request.n_argv <= JAIL_ARGV_MAX);
	require(request.n_env <= JAIL_ENV_MAX && request.n_mounts <= JAIL_MOUNTS_MAX);
	require_id();
	require(text_at(request.keeper)[0] == '/');
	for (uint32_t i = 0; i < request.n_argv; i++)
		(void)text_at(request.argv[i]);
	require(text_at(request.argv[0])[0] == '/');
	for (uint32_t i = 0; i < request.n_env; i++)
		require(strchr(text_at(request.env[i]), '=') != NULL);
	for (uint32_t i = 0; i < request.n_mounts; i++)
		require_mount(&request.mounts[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const size_t n_fds = (size_t)JAIL_FD_FIXED + JAIL_KEEPER_FDS;

	if (size > sizeof(request))
		return 0;
	memset(&request, 0, sizeof(request));
	memcpy(&request, data, size);
	for (size_t n = 0; n <= JAIL_FDS_MAX + 1; n++) {
		int r = request_check(&request, n);

		require(r == 0 || r == -EINVAL);
		require(r < 0 || n == n_fds + request.n_vmm_fds);
		if (r == 0)
			require_safe(n);
	}
	return 0;
}
