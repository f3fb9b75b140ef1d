/* SPDX-License-Identifier: Apache-2.0 */
/**
 * probe.h - `ironclaw prove`: a probe in the place of VMM and keeper tries what must not be
 * possible, and what it reports is judged.
 *
 * Two starts with denied calls that fail and are recorded, in which the probe tries every act, once
 * in the VMM's place and once in the keeper's; then one start for each of some acts as VMs usually
 * run: the denied call kills. Each start is that of a clone, template and all, but for the one
 * program (launch.h, struct launch_twin).
 *
 * What refused an act is told by three sources that know nothing of each other: the probe's report,
 * the warden's record of denied calls, and the state of the things outside that the acts were
 * aimed at (probe_world.c).
 */
#ifndef MACHINE_PROBE_H
#define MACHINE_PROBE_H

#include <stdbool.h>

#include "jail/denials.h"
#include "jail/request.h"
#include "machine/vm.h"
#include "probe/catalogue.h"

/** Who refused. */
enum probe_by {
	PROBE_BY_NOBODY,  /* it succeeded */
	PROBE_BY_SECCOMP, /* recorded by the warden */
	PROBE_BY_QUIET,	  /* the filter's answer that there is no such call */
	PROBE_BY_LAYER,	  /* something beneath */
	PROBE_BY_KILL,	  /* recorded, and the process was killed */
	PROBE_BY_UNKNOWN, /* there is no report of it */
};

/** How an act must end in one place; the columns of the catalogue. */
struct probe_expected {
	uint32_t first; /* enum probe_first; 0: it is not tried there */
	enum probe_layer beneath;
	const char *words;
};

struct probe_row {
	const struct probe_act *act;
	enum jail_program program; /* in whose place */
	bool keeper;		   /* it is a keeper */
	struct probe_expected expected;
	bool enforce; /* where a denied call kills */
	enum probe_by by;
	int errnum;	 /* what the act was refused with */
	uint32_t signal; /* it died of this */
	bool denied;	 /* the warden has a record, of this call: */
	uint32_t arch;
	int32_t call;
	bool held; /* as it must be */
};

/** A thing outside of the jail, after everything. */
struct probe_effect {
	const char *name;
	bool held;
};

#define PROBE_ROWS_MAX	  1024U
#define PROBE_EFFECTS_MAX 12U

struct probe_results {
	size_t n_rows, n_effects;
	struct probe_row rows[PROBE_ROWS_MAX];
	struct probe_effect effects[PROBE_EFFECTS_MAX];
	bool kvm;
	const char *engine, *link;
	char image[LIMIT_NAME_MAX + 1];
};

/** What to try; all zero: everything. */
struct probe_wishes {
	const char *image;  /* NULL: "default", or "busybox" where that is not there */
	const char *engine; /* "qemu", "firecracker"; NULL: QEMU */
	const char *link;   /* "auto", "virtio-serial", "vsock"; NULL: auto */
	bool audit_only;    /* no starts in which a denied call kills */
};

/**
 * probe_run() - all of it; takes about two seconds.
 * @ret:	large; from calloc()
 *
 * Makes a template when there is none, a file in the system's folder for temporary files, and
 * listeners on the loopback interface; all but the template are gone at the return.
 *
 * Return: 0 when every act was tried, whatever came of it; -errno
 */
int probe_run(const struct probe_wishes *wishes, const struct vm_notices *notices,
	      struct probe_results *ret, struct ironclaw_error *err);

/** probe_held() - whether every row and effect is as it must be. */
bool probe_held(const struct probe_results *results);

/* ---- the parts of it ---- */

/** probe_expect() - what @act is to be judged by in a program's place. Pure. */
struct probe_expected probe_expect(const struct probe_act *act, enum jail_program program);

/** probe_difference() - which act the place number @i differs in; NULL behind the last. Pure. */
const char *probe_difference(size_t i);

/** probe_judge() - fill in by and held of a row whose report, denial, expected are there. Pure. */
void probe_judge(struct probe_row *row, bool reported);

/** Whether one of the words between bars is the name of @errnum. Pure. */
bool probe_words_have(const char *words, int errnum);

/** The things outside that acts aim at. */
struct probe_world;

struct probe_orders_text {
	char text[1024];
};

/** probe_world_make() - *ret is for probe_world_free(). Return: 0, -errno */
int probe_world_make(struct probe_world **ret, struct ironclaw_error *err);

/** probe_world_watch() - a file that must stay as it is, content and inode; before the acts. */
int probe_world_watch(struct probe_world *world, const char *name, const char *path,
		      struct ironclaw_error *err);

/**
 * probe_world_orders() - the probe's orders.
 * @act:	a number or PROBE_ALL
 * @engine:	of the VMM
 * @n_given:	descriptors that the program is given, from 0
 */
void probe_world_orders(const struct probe_world *world, uint32_t act, const struct engine *engine,
			unsigned int n_given, struct probe_orders_text *ret);

/** probe_world_look() - what became of it all, into ret->effects. */
void probe_world_look(const struct probe_world *world, struct probe_results *ret);

/** probe_world_free() - NULL is fine. */
void probe_world_free(struct probe_world *world);

#endif
