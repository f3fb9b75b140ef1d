/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_journal.c - any bytes as the record of an apply, and, as a fuzzer makes no seal, the same
 * bytes under one that is right.
 */
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "workspace/journal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint8_t key[WORKSPACE_KEY_B] = "key";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct journal journal = {.n = 0};
	uint8_t *sealed, *again;
	size_t len;

	if (journal_decode(data, size, key, &journal) == 0)
		abort();
	sealed = malloc(size + crypto_auth_hmacsha256_BYTES);
	if (!sealed)
		return 0;
	memcpy(sealed, data, size);
	(void)crypto_auth_hmacsha256(sealed + size, data, size, key);
	if (journal_decode(sealed, size + crypto_auth_hmacsha256_BYTES, key, &journal) == 0) {
		/* There is one way to write it. */
		if (journal_encode(&journal, key, &again, &len) < 0 ||
		    len != size + crypto_auth_hmacsha256_BYTES || memcmp(again, sealed, len) != 0)
			abort();
		free(again);
		journal_done(&journal);
	} else if (journal.ops) {
		abort();
	}
	free(sealed);
	return 0;
}
