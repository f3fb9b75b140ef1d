/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_sandbox.c - any bytes as what a guest says to an operation, given in any pieces.
 *
 * Byte 0: the operation; 1: exit code; 2: the bounds; then stdout, and behind a byte 0xff stderr.
 * What comes out is within its bounds, ends with a NUL, and names of entries are names.
 */
#include <stdlib.h>
#include <string.h>

#include "sandbox/sandbox_internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition)
{
	if (!condition)
		abort();
}

static void collect(struct collect *c, const uint8_t *data, size_t len)
{
	for (size_t at = 0, n; at < len; at += n) {
		n = 1 + data[at] % 61;
		n = n < len - at ? n : len - at;
		require(collect_add(c, data + at, n) == 0);
	}
	require(c->total == len);
}

static void check(const struct sandbox_result *r, const struct sandbox_answer *a)
{
	size_t names = 0;

	require(r->out.data && r->err.data);
	require(r->out.data[r->out.len] == '\0' && r->err.data[r->err.len] == '\0');
	/* What is said between two ends, and one line more than fits. */
	require(r->out.len <= a->text_max + SANDBOX_LINE_MAX_B + 4 * 256 + 100);
	require(memchr(r->message, '\0', sizeof(r->message)) != NULL);
	for (const char *m = r->message; *m; m++)
		require((unsigned char)*m >= ' ' && *m != 0x7f);
	require(r->n_entries <= a->limit || r->n_entries == 0);
	for (size_t i = 0; i < r->n_entries; i++) {
		const struct sandbox_entry *e = &r->entries[i];

		require(e->name[0] && !strchr(e->name, '/') && e->mode <= 07777);
		require(strchr("fdlpsbc", e->type) != NULL);
		require(i == 0 || strcmp(r->entries[i - 1].name, e->name) <= 0);
		names += strlen(e->name);
	}
	require(names <= a->out->total);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ironclaw_exec_result end = {.size = sizeof(end), .started = true};
	struct sandbox_result result = {.failed = false};
	struct collect out, err;
	struct sandbox_answer answer = {.end = &end, .out = &out, .err = &err};
	enum sandbox_op op;
	const uint8_t *split;

	if (size < 3)
		return 0;
	op = data[0] % SANDBOX_OP_MAX;
	end.exit_code = data[1];
	answer.text_max = 1 + data[2];
	answer.limit = 1 + data[2] % 16;
	answer.offset = data[2] % 3;
	data += 3;
	size -= 3;
	split = memchr(data, 0xff, size);
	collect_init(&out, op == SANDBOX_EXEC ? answer.text_max : 1000, op == SANDBOX_EXEC);
	collect_init(&err, 50, op == SANDBOX_EXEC);
	collect(&out, data, split ? (size_t)(split - data) : size);
	if (split)
		collect(&err, split, size - (size_t)(split - data));
	require(sandbox_answer_read(op, &answer, &result) == 0);
	if (op == SANDBOX_READ)
		answer.text_max = 1000;
	check(&result, &answer);
	sandbox_result_done(&result);
	collect_done(&out);
	collect_done(&err);
	return 0;
}
