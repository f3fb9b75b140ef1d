/* SPDX-License-Identifier: Apache-2.0 */
/* vm_events.c - what a VM leaves in the audit log; see vm_events.h. */
#include "audit/vm_events.h"

#include <stdio.h>

/* The program's name is said as far as it is no secret: a path. */
#define ARGV0_MAX_B 256

static int refuse(int r, struct ironclaw_error *err)
{
	if (r < 0)
		err_prefix(err, "nothing runs that cannot be recorded");
	return r;
}

int audit_vm_open(const struct paths *paths, struct audit_log *ret, struct ironclaw_error *err)
{
	return refuse(audit_log_open(paths, ret, err), err);
}

int audit_vm_no_start(struct audit_log *log, const struct ironclaw_error *why,
		      struct ironclaw_error *err)
{
	struct audit_field fields[] = {audit_flag("started", false),
				       audit_number("error", why->code)};
	/* A name of the user's own that is none is not repeated. */
	const struct audit_event event = {AUDIT_START, NULL, fields, ARRAY_SIZE(fields)};

	return audit_log_append(log, &event, err);
}

int audit_vm_start(struct audit_log *log, const struct ironclaw_vm_info *info, const char *purpose,
		   struct ironclaw_error *err)
{
	struct audit_field fields[] = {audit_flag("started", true),
				       audit_text("image", info->image),
				       audit_text("engine", info->engine),
				       audit_text("accel", info->accel),
				       audit_flag("cloned", info->cloned),
				       audit_text("purpose", purpose)};
	const struct audit_event event = {AUDIT_START, info->id, fields, ARRAY_SIZE(fields)};

	return refuse(audit_log_append(log, &event, err), err);
}

int audit_vm_exec(struct audit_log *log, const char *vm_id, const char *const *argv, bool tty,
		  struct ironclaw_error *err)
{
	char argv0[ARGV0_MAX_B + 1], digest[DIGEST_HEX_B + 1];
	struct audit_field fields[] = {audit_text("argv0", argv0), audit_number("argc", 0),
				       audit_text("argv_hmac", digest), audit_flag("tty", tty)};
	const struct audit_event event = {AUDIT_EXEC, vm_id, fields, ARRAY_SIZE(fields)};

	while (argv[fields[1].number])
		fields[1].number++;
	(void)snprintf(argv0, sizeof(argv0), "%s", argv[0]);
	audit_argv_digest(log, argv, digest);
	return refuse(audit_log_append(log, &event, err), err);
}
