/* SPDX-License-Identifier: Apache-2.0 */
/**
 * catalogue.h - the acts that ironclaw-probe tries: what each is, and what must refuse it.
 *
 * The table itself is acts_table.h. It is compiled twice: into the probe, with the functions, and
 * into the library, which judges what the probe reports. libc only.
 */
#ifndef PROBE_CATALOGUE_H
#define PROBE_CATALOGUE_H

#include <stddef.h>
#include <stdint.h>

/** What refuses an act when no seccomp filter does; `ironclaw prove` names it. */
enum probe_layer {
	PROBE_NOTHING,	/* seccomp is the only layer */
	PROBE_TREE,	/* the root holds the VMM's files only */
	PROBE_DETACH,	/* the old root is detached */
	PROBE_READONLY, /* mounts are read-only */
	PROBE_LANDLOCK,
	PROBE_PRIVILEGES, /* no capability, no_new_privs */
	PROBE_PIDNS,
	PROBE_NETNS,
	PROBE_IPCNS,
	PROBE_USERNS, /* capabilities would be of the jail's own user namespace only */
	PROBE_IDS,    /* a user id of the VM's own; started by root */
	PROBE_RLIMITS,
	PROBE_DESCRIPTORS, /* what is passed to the program, and nothing else */
	PROBE_SEALS,	   /* the device state is a sealed copy */
	PROBE_KEYRING,	   /* an empty session keyring */
	PROBE_KERNEL, /* what any process is refused: to be seen refused, not a layer of ours */
	PROBE_LAYERS
};

/** How an act must end in the place of QEMU and its keeper; machine/probe_expect.c has the others.
 */
enum probe_first {
	PROBE_NOT_QEMU = 0,    /* there is nothing to be tried */
	PROBE_VMM_SECCOMP = 1, /* the filter denies it */
	PROBE_VMM_BENEATH = 2, /* the filter has to let it through: the layer beneath refuses */
	PROBE_VMM_EITHER = 4,  /* one of the two, by accelerator */
	PROBE_VMM_WORKS = 8,   /* a control: the VMM needs it */
	PROBE_KEEPER_SECCOMP = 16,
	PROBE_KEEPER_BENEATH = 32,
	PROBE_KEEPER_WORKS = 64,
	PROBE_ENFORCE = 128, /* also tried where a denied call kills */
	PROBE_QUIET = 256,   /* the VMM's filter answers ENOSYS and makes no record */
};

struct probe_act {
	const char *name;
	const char *stands_for; /* a CVE, or the class of it */
	uint32_t first;		/* enum probe_first */
	enum probe_layer beneath;
	const char *words; /* errno names by which the layer beneath refuses: "EROFS|EACCES" */
};

extern const struct probe_act probe_catalogue[];
extern const size_t probe_catalogue_n;

/** probe_layer_name() - "file tree", "network namespace", ... */
const char *probe_layer_name(enum probe_layer layer);

#define PROBE_RECORD_MAGIC 0x69637031U /* "icp1" */
#define PROBE_ALL	   UINT32_MAX
#define PROBE_NONE	   (UINT32_MAX - 1) /* only wait to be ended */
#define PROBE_MARK	   1000		    /* a call that no kernel has: an act begins */
#define PROBE_MARK_MAGIC   0x69636d31U

/** What the probe says of one act; as the last record act is PROBE_ALL. */
struct probe_record {
	uint32_t magic;
	uint32_t act;	 /* index in the catalogue */
	int32_t errnum;	 /* 0: the act succeeded */
	uint32_t signal; /* the act's process died of it */
};

#endif
