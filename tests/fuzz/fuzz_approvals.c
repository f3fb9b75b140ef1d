/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_approvals.c - any bytes as a question of the queue, and as a grant: never a crash, and what
 * passes has the shape that file names and comparisons rely on. */
#include <stdlib.h>
#include <string.h>

#include "approval/queue.h"
#include "base/cleanup.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition)
{
	if (!condition)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	cleanup(queue_entry_done) struct queue_entry entry = {.n_lines = 0};
	struct store_grant grant;

	if (queue_entry_parse((const char *)data, size, &entry) == 0) {
		require(store_id_valid(entry.id) && digest_hex_valid(entry.digest));
		require(strlen(entry.target) <= APPROVAL_TARGET_MAX_B);
		require(entry.description && entry.n_lines <= QUEUE_LINES_MAX);
		for (size_t i = 0; i < entry.n_lines; i++)
			require(entry.lines[i] != NULL);
	} else {
		require(!entry.description && !entry.lines);
	}
	if (store_grant_parse((const char *)data, size, &grant) == 0) {
		require(store_id_valid(grant.id) && digest_hex_valid(grant.digest));
		require((unsigned int)grant.by.how < APPROVAL_HOW_MAX);
	}
	return 0;
}
