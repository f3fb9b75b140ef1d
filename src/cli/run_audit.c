/* SPDX-License-Identifier: Apache-2.0 */
/* run_audit.c - the records of a run; see run.h. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/paths.h"
#include "cli/cli.h"
#include "cli/run.h"

/* The program's name is said as far as it is no secret: a path. */
#define ARGV0_MAX_B 256

int run_audit_open(struct audit_log *ret, struct ironclaw_error *err)
{
	struct paths paths;
	int r = paths_get(&paths, err);

	if (r == 0)
		r = audit_log_open(&paths, ret, err);
	if (r < 0)
		err_prefix(err, "nothing runs that cannot be recorded");
	else if (ret->recovered[0])
		cli_note("%s; it was kept apart and recorded", ret->recovered);
	return r;
}

static void warn(const struct ironclaw_error *err)
{
	(void)fprintf(stderr, "ironclaw: this run's end is not in the audit log: %s\n", err->text);
}

void run_audit_no_start(struct audit_log *log, const struct ironclaw_error *why)
{
	struct audit_field fields[] = {audit_flag("started", false),
				       audit_number("error", why->code)};
	/* A name of the user's own that is none is not repeated. */
	struct audit_event event = {AUDIT_START, NULL, fields, ARRAY_SIZE(fields)};
	struct ironclaw_error err = {0};

	if (audit_log_append(log, &event, &err) < 0)
		warn(&err);
}

int run_audit_start(struct audit_log *log, const struct run_args *args,
		    const struct ironclaw_vm_info *info, struct ironclaw_error *err)
{
	char argv0[ARGV0_MAX_B + 1], digest[DIGEST_HEX_B + 1];
	const char *const *argv = args->exec.argv;
	struct audit_field start[] = {audit_flag("started", true), audit_text("image", info->image),
				      audit_text("engine", info->engine),
				      audit_text("accel", info->accel),
				      audit_flag("cloned", info->cloned)};
	struct audit_event event = {AUDIT_START, info->id, start, ARRAY_SIZE(start)};
	int64_t argc = 0;
	int r = audit_log_append(log, &event, err);

	while (argv[argc])
		argc++;
	(void)snprintf(argv0, sizeof(argv0), "%s", argv[0]);
	audit_argv_digest(log, argv, digest);
	if (r == 0) {
		struct audit_field exec[] = {audit_text("argv0", argv0), audit_number("argc", argc),
					     audit_text("argv_hmac", digest),
					     audit_flag("tty", args->exec.tty)};

		event = (struct audit_event){AUDIT_EXEC, info->id, exec, ARRAY_SIZE(exec)};
		r = audit_log_append(log, &event, err);
	}
	if (r < 0)
		err_prefix(err, "nothing runs that cannot be recorded");
	return r;
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
