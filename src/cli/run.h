/* SPDX-License-Identifier: Apache-2.0 */
/**
 * run.h - the parts of `ironclaw run`: what was asked for, how it is carried out, what is reported.
 */
#ifndef CLI_RUN_H
#define CLI_RUN_H

#include <ironclaw/ironclaw.h>

#include "base/limits.h"

/** The command line of `run`; pointers lead into argv. */
struct run_args {
	struct ironclaw_vm_options vm;
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

/** run_print_json() - the one document of --json, on stdout. */
void run_print_json(const struct run_report *report);

#endif
