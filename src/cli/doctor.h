/* SPDX-License-Identifier: Apache-2.0 */
/**
 * doctor.h - what `ironclaw doctor` looks at.
 *
 * Each doctor_check_*() appends one or more results. None fails, writes to the state folder (the
 * KVM probe's memory excepted) or takes more than some milliseconds; programs that are asked for
 * their version run while the other checks are made.
 */
#ifndef CLI_DOCTOR_H
#define CLI_DOCTOR_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/paths.h"

#define DOCTOR_RESULTS_MAX 24

enum doctor_state {
	DOCTOR_OK,
	DOCTOR_WARNING, /* VMs run all the same */
	DOCTOR_FAILED,
};

struct doctor_result {
	const char *name;
	enum doctor_state state;
	char detail[512]; /* escaped */
	char remedy[256]; /* a command or an advice; may be empty */
};

struct doctor {
	struct paths paths;
	size_t n_results;
	struct doctor_result results[DOCTOR_RESULTS_MAX];
};

/** doctor_add() - append a result; @remedy may be NULL. */
void doctor_add(struct doctor *doctor, const char *name, enum doctor_state state,
		const char *remedy, const char *fmt, ...) __attribute__((format(printf, 5, 6)));

/** A program that was started to print its version. */
struct doctor_program {
	const char *name; /* of the result */
	char path[1024];  /* empty: not found */
	pid_t pid;
	int fd; /* its stdout */
};

/**
 * doctor_program_start() - look @file up in PATH and start it with @argument; NULL: do not start
 * it, its version stands in its text.
 */
void doctor_program_start(struct doctor_program *program, const char *name, const char *file,
			  const char *argument);

/**
 * doctor_program_finish() - add the first line of its output as a result.
 * @missing:	state when the program was not found
 * @remedy:	what to do then
 */
void doctor_program_finish(struct doctor *doctor, struct doctor_program *program,
			   enum doctor_state missing, const char *remedy);

void doctor_check_host(struct doctor *doctor);	     /* processor, kernel, memory, disk */
void doctor_check_namespaces(struct doctor *doctor); /* made for real, in a child */
void doctor_check_seccomp(struct doctor *doctor);    /* a filter with a supervisor, in a child */
void doctor_check_firewall(struct doctor *doctor);   /* for root: loaded, in a child */
void doctor_check_limits(struct doctor *doctor);     /* by making a cgroup, and removing it */
void doctor_check_kvm(struct doctor *doctor);	     /* by running a guest */
void doctor_check_helpers(struct doctor *doctor);    /* our own programs */
void doctor_check_store(struct doctor *doctor);	     /* kernels, images, templates */

#endif
