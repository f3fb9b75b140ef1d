/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_audit.c - any bytes as an exported audit log (head, then records): never a crash, never
 * whole without a signed head, and what is shown of it is tame.
 */
#include <stdlib.h>
#include <string.h>

#include "audit/verify.h"
#include "base/cleanup.h"
#include "base/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition)
{
	if (!condition)
		abort();
}

/* Nothing that acts on a terminal; lines of their own only where we make them. */
static void require_tame(const char *s)
{
	require(utf8_valid(s, strlen(s)));
	for (; *s; s++)
		require((unsigned char)*s >= 0x20 && *s != 0x7f);
}

static void describe(const char *line, size_t len)
{
	cleanup_free char *text = NULL;
	struct audit_summary s;
	struct audit_link link;

	if (audit_record_check(line, len, &link) == 0)
		require(digest_hex_valid(link.hash) && digest_hex_valid(link.prev) && link.n > 0);
	if (audit_record_describe(line, len, &s) == 0) {
		require(strlen(s.rest) < sizeof(s.rest));
		require_tame(s.rest);
		require_tame(s.time);
		require_tame(s.kind);
		require_tame(s.vm);
	}
	if (audit_record_json(line, len, false, &text) == 0)
		require_tame(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct audit_reader reader;
	struct audit_report report;
	struct audit_head head;
	bool has_head;

	if (size == 0)
		return 0;
	reader.in = fmemopen((void *)(uintptr_t)data, size, "r");
	if (!reader.in)
		return 0;
	has_head = audit_read_line(&reader) == 1 &&
		   audit_head_parse(reader.line, reader.len, &head) == 0;
	require(audit_verify(reader.in, has_head ? &head : NULL, NULL, &report) == 0);
	require(report.state == AUDIT_CHANGED || (has_head && audit_head_signed(&head)));
	require((report.state == AUDIT_WHOLE) == (report.problem[0] == '\0'));
	rewind(reader.in);
	while (audit_read_line(&reader) > 0)
		describe(reader.line, reader.len);
	(void)fclose(reader.in);
	return 0;
}
