/* SPDX-License-Identifier: Apache-2.0 */
/**
 * run.h - the parts of `ironclaw run`: what was asked for, how it is carried out, what is reported.
 */
#ifndef CLI_RUN_H
#define CLI_RUN_H

#include <ironclaw/ironclaw.h>

#include "audit/log.h"
#include "base/limits.h"
#include "cli/run_workspace.h"
#include "cli/vm_args.h"

/** The command line of `run`; pointers lead into argv. */
struct run_args {
	struct vm_args on;
	struct ironclaw_exec_options exec;
	bool json, quiet, interactive, prove;
};

/** One captured stream of --json. */
struct run_capture {
	char *data;
	size_t len;
	bool truncated;
};

/** What --json reports. */
struct run_report {
	struct run_capture out, err;
	struct ironclaw_vm_info info;
	struct ironclaw_exec_result result;
	const struct run_workspace *workspace; /* NULL: none */
	uint64_t total_us, teardown_us;
};

/**
 * run_parse() - read the command line.
 * @ret_env:	the -e variables, owned by the caller; ret->exec.env points to it
 *
 * Return: -1 to go on, or the exit code (help was printed, or a usage error)
 */
int run_parse(int argc, char **argv, struct run_args *ret, const char ***ret_env);

/**
 * run_session() - one command in a started VM, with terminal, signals and output wired to ours.
 *
 * Return: 0 with *ret, or -errno; the terminal is as it was before in both cases
 */
int run_session(struct ironclaw_vm *vm, const struct run_args *args, struct run_report *ret,
		struct ironclaw_error *err);

/*
 * What a run leaves in the audit log; audit/vm_events.h. At the end it is too late for a refusal,
 * and what cannot be recorded is only said.
 */

/** run_audit_open() - before the VM. Return: 0 with *ret to close, or -errno and no run */
int run_audit_open(struct audit_log *ret, struct ironclaw_error *err);

/** run_audit_no_start() - the VM did not start, because of @why. */
void run_audit_no_start(struct audit_log *log, const struct ironclaw_error *why);

/** run_audit_start() - the VM and the command that it is about to run. Return: 0, or no run */
int run_audit_start(struct audit_log *log, const struct run_args *args,
		    const struct ironclaw_vm_info *info, struct ironclaw_error *err);

/** run_audit_end() - how it ended; @why: the failure of a run that has no result, or NULL. */
void run_audit_end(struct audit_log *log, const struct run_report *report,
		   const struct ironclaw_error *why);

/** run_print_json() - the one document of --json, on stdout. */
void run_print_json(const struct run_report *report);

#endif
