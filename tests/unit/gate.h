/* SPDX-License-Identifier: Apache-2.0 */
/* gate.h - a state folder with an audit log, and a gate that uses it. */
#ifndef TESTS_UNIT_GATE_H
#define TESTS_UNIT_GATE_H

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "approval/gate.h"
#include "audit/verify.h"
#include "base/cleanup.h"
#include "sys/file.h"

static struct paths paths;
static char root[64];
static struct audit_log log_;
static struct approval_gate gate;

__attribute__((unused)) static int make_home(void **state)
{
	(void)state;
	(void)snprintf(root, sizeof(root), "/tmp/ironclaw-test-gate-XXXXXX");
	if (!mkdtemp(root))
		return -1;
	(void)snprintf(paths.data, sizeof(paths.data), "%s/data", root);
	(void)snprintf(paths.run, sizeof(paths.run), "%s/run", root);
	gate = (struct approval_gate){&paths, &log_, NULL, 0, "vm"};
	return audit_log_open(&paths, &log_, NULL);
}

__attribute__((unused)) static int remove_home(void **state)
{
	(void)state;
	audit_log_close(&log_);
	return file_remove_tree(AT_FDCWD, root);
}

/* How many records of a kind hold @text. */
__attribute__((unused)) static size_t count_records(enum audit_kind kind, const char *text)
{
	struct audit_reader reader;
	char path[1100];
	size_t n = 0;

	(void)snprintf(path, sizeof(path), "%s/audit/log", paths.data);
	reader.in = fopen(path, "re");
	assert_non_null(reader.in);
	while (audit_read_line(&reader) > 0) {
		struct audit_summary s;

		reader.line[reader.len] = '\0';
		assert_int_equal(audit_record_describe(reader.line, reader.len, &s), 0);
		n += strcmp(s.kind, audit_kind_name(kind)) == 0 && strstr(reader.line, text);
	}
	(void)fclose(reader.in);
	return n;
}

#endif
