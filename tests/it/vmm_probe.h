/* SPDX-License-Identifier: Apache-2.0 */
/** vmm_probe.h - the acts of vmm_probe.c, in rounds. */
#ifndef TESTS_VMM_PROBE_H
#define TESTS_VMM_PROBE_H

#include <errno.h>

#define PROBE_RESULT_B 128

/** An act returns 0 or an errno; at 0 it may have something to tell instead of "ok". */
struct act {
	const char *name;
	int (*run)(void);
	int (*at)(const char *path); /* or this, */
	const char *path;	     /* with this */
};

extern char probe_argument[1024]; /* of the round: a path, or a port */
extern char probe_told[PROBE_RESULT_B];

/* Rounds end with an act without a name. */
extern const struct act probe_file_acts[], probe_descriptor_acts[];
extern const struct act probe_tree_acts[], probe_nested_acts[], probe_world_acts[];

/** probe_result() - what a system call's return value is as a result. */
static inline int probe_result(long r)
{
	return r < 0 ? errno : 0;
}

#endif
