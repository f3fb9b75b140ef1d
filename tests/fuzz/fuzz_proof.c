/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_proof.c - any text as what /proc says of a process, to the parsers of machine/proof_parse.h.
 *
 * The first byte chooses the parser. Never a crash; nothing is written on failure, lists keep their
 * bounds, and every text in the result is terminated.
 *
 * The corpus: a file of each kind as the kernel wrote it, and what the fuzzer found.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "machine/proof_parse.h"

#define INPUT_MAX_B 65536

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition)
{
	if (!condition)
		abort();
}

static void require_text(const char *text, size_t size)
{
	require(memchr(text, '\0', size) != NULL);
}

static void try_mounts(const char *text)
{
	static struct proof_mounts m;
	int r = proof_parse_mounts(text, &m);

	require(r == 0 || r == -EINVAL);
	require(m.n <= PROOF_MOUNTS_MAX && (r == 0 || m.n == 0));
	for (uint32_t i = 0; i < m.n; i++) {
		require_text(m.list[i].root, sizeof(m.list[i].root));
		require_text(m.list[i].point, sizeof(m.list[i].point));
		require_text(m.list[i].type, sizeof(m.list[i].type));
		require_text(m.list[i].super, sizeof(m.list[i].super));
	}
}

static void try_cgroups(const char *text)
{
	static struct proof_cgroups c;
	int r = proof_parse_cgroups(text, &c);

	require(r == 0 || r == -EINVAL);
	require(c.n <= PROOF_CGROUPS_MAX && (r == 0 || c.n == 0));
	for (uint32_t i = 0; i < c.n; i++) {
		require_text(c.list[i].controllers, sizeof(c.list[i].controllers));
		require_text(c.list[i].path, sizeof(c.list[i].path));
		(void)proof_has_word(c.list[i].controllers, "memory");
	}
}

/* A parser of one fixed-size result: all or nothing. */
#define TRY(parse, type)                                                                           \
	do {                                                                                       \
		type got, before;                                                                  \
		int r;                                                                             \
                                                                                                   \
		memset(&before, 0xa5, sizeof(before));                                             \
		memcpy(&got, &before, sizeof(got));                                                \
		r = parse(text, &got);                                                             \
		require(r == 0 || r == -EINVAL);                                                   \
		require(r == 0 || memcmp(&got, &before, sizeof(got)) == 0);                        \
	} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text;

	if (size < 1 || size > INPUT_MAX_B)
		return 0;
	text = malloc(size);
	require(text != NULL);
	memcpy(text, data + 1, size - 1);
	text[size - 1] = '\0';
	switch (data[0] % 8) {
	case 0:
		TRY(proof_parse_status, struct proof_status);
		break;
	case 1:
		TRY(proof_parse_stat, struct proof_stat);
		break;
	case 2:
		TRY(proof_parse_id_map, struct proof_id_map);
		break;
	case 3:
		try_mounts(text);
		break;
	case 4:
		TRY(proof_parse_memory, struct proof_memory);
		break;
	case 5:
		TRY(proof_parse_rlimits, struct proof_rlimits);
		break;
	case 6:
		try_cgroups(text);
		break;
	default:
		TRY(proof_parse_fdinfo, struct proof_fdinfo);
		break;
	}
	free(text);
	return 0;
}
