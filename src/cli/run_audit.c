/* SPDX-License-Identifier: Apache-2.0 */
/* run_audit.c - the records of a run; see run.h. */
#include <stdio.h>

#include "audit/vm_events.h"
#include "cli/cli.h"
#include "cli/run.h"

int run_audit_open(struct audit_log *ret, struct ironclaw_error *err)
{
	struct paths paths;
	int r = paths_get(&paths, err);

	if (r == 0)
		r = audit_vm_open(&paths, ret, err);
	if (r == 0 && ret->recovered[0])
		cli_note("%s; it was kept apart and recorded", ret->recovered);
	return r;
}

static void warn(const struct ironclaw_error *err)
{
	(void)fprintf(stderr, "ironclaw: this run's end is not in the audit log: %s\n", err->text);
}

void run_audit_no_start(struct audit_log *log, const struct ironclaw_error *why)
{
	struct ironclaw_error err = {0};

	if (audit_vm_no_start(log, why, &err) < 0)
		warn(&err);
}

int run_audit_start(struct audit_log *log, const struct run_args *args,
		    const struct ironclaw_vm_info *info, struct ironclaw_error *err)
{
	int r = audit_vm_start(log, info, NULL, err);

	return r < 0 ? r : audit_vm_exec(log, info->id, args->exec.argv, args->exec.tty, err);
}

void run_audit_end(struct audit_log *log, const struct run_report *report,
		   const struct ironclaw_error *why)
{
	const struct ironclaw_exec_result *result = &report->result;
	struct audit_field fields[5];
	struct audit_event event = {AUDIT_END, report->info.id, fields, 0};
	struct ironclaw_error err = {0};

	if (why) {
		fields[event.n_fields++] = audit_number("error", why->code);
	} else {
		fields[event.n_fields++] = audit_number("exit_code", result->exit_code);
		fields[event.n_fields++] = audit_number("signal", result->signal);
		fields[event.n_fields++] = audit_flag("timed_out", result->timed_out);
		fields[event.n_fields++] = audit_flag("out_of_memory", result->oom);
		fields[event.n_fields++] = audit_number("command_us", result->command_us);
	}
	if (audit_log_append(log, &event, &err) < 0)
		warn(&err);
}
