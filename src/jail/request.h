/* SPDX-License-Identifier: Apache-2.0 */
/**
 * request.h - the messages that a warden takes, and the few that it sends.
 *
 * Whoever starts a VM (the library, in the caller's process) makes the request before a single byte
 * of guest output exists; nobody who parses guest bytes can send one. The layout is fixed, all text
 * lies in one block, and the warden re-validates everything: a request that is wrong in any way is
 * refused whole and nothing is started.
 *
 * A claim comes first (struct jail_claim). The request travels as one SOCK_SEQPACKET message with
 * the descriptors attached in this order: the folder that holds the VM's folder, the VM folder's
 * lock, the VMM's output, the file of denials, then JAIL_KEEPER_FDS for the keeper (it gets them as
 * 3, 4, ...), then n_vmm_fds for the VMM (as 3, 4, ...; stdio comes first, see jail_fd).
 */
#ifndef JAIL_REQUEST_H
#define JAIL_REQUEST_H

#include <stdbool.h>
#include <stdint.h>

#define JAIL_REQUEST_MAGIC 0x69636a31U /* "icj1" */
#define JAIL_MOUNTS_MAX	   192U
#define JAIL_ARGV_MAX	   128U
#define JAIL_ENV_MAX	   8U
#define JAIL_TEXT_MAX_B	   45056U
#define JAIL_VM_ID_MAX	   64U
#define JAIL_WARDEN_FD	   3 /* the warden's end of the socket */
#define JAIL_FIRST_FD	   3 /* first extra descriptor of keeper and VMM */
#define JAIL_VMM_FDS_MAX   4U
#define JAIL_ROOT_NAME	   "root" /* empty folder in the VM's folder */
/* Where a VMM makes its sockets, and the port that is listened at there for it (JAIL_SOCKETS). */
#define JAIL_SOCKETS	   "/run"
#define JAIL_LISTENER	   JAIL_SOCKETS "/v.sock_3"

/** Descriptors of the keeper, in order from JAIL_FIRST_FD. */
enum jail_keeper_fd {
	JAIL_KEEPER_CONTROL, /* SOCK_SEQPACKET to the library, machine/control.h */
	JAIL_KEEPER_CLIENT,  /* stream to the library: frames */
	JAIL_KEEPER_LINK,    /* stream to the guest: frames; or a socket where it calls */
	JAIL_KEEPER_MONITOR, /* stream to the VMM's monitor; unused with own sockets */
	JAIL_KEEPER_CONSOLE, /* pipe, read end: guest console and the VMM's own complaints */
	JAIL_KEEPER_FDS
};

/** Descriptors attached to the request. */
enum jail_fd {
	JAIL_FD_VMS,	    /* a folder opened for reading: where VM folders are */
	JAIL_FD_LOCK,	    /* held by flock; kept open by warden and keeper */
	JAIL_FD_VMM_OUTPUT, /* becomes stdout and stderr of the VMM */
	JAIL_FD_DENIALS,    /* denials_open(): the warden's alone */
	JAIL_FD_FIXED	    /* the keeper's come next, then the VMM's */
};
#define JAIL_PROGRAM_FDS_MAX (JAIL_KEEPER_FDS + 1) /* of keeper and VMM, the larger number */
#define JAIL_FDS_MAX	     (JAIL_FD_FIXED + JAIL_KEEPER_FDS + JAIL_VMM_FDS_MAX)

enum jail_mount_kind {
	JAIL_BIND_RO = 1, /* one file, read-only, no devices, no setuid */
	JAIL_BIND_RW,  /* one file that the VMM is to write: the memory of a template in the making
			*/
	JAIL_BIND_DEV, /* one device node, usable; /dev/null must be one: it becomes stdin */
};

/** Which program's filter (jail/filters/). */
enum jail_program {
	JAIL_PROGRAM_KEEPER = 1,
	JAIL_PROGRAM_QEMU_TCG,
	JAIL_PROGRAM_QEMU_KVM,
	JAIL_PROGRAM_KEEPER_VSOCK, /* a keeper that is called */
	JAIL_PROGRAM_FIRECRACKER,
	JAIL_PROGRAM_KEEPER_SOCKETS, /* a keeper that is called, and calls a VMM with own sockets */
	JAIL_PROGRAM_MAX
};

static inline bool jail_program_is_keeper(uint32_t program)
{
	return program == JAIL_PROGRAM_KEEPER || program == JAIL_PROGRAM_KEEPER_VSOCK ||
	       program == JAIL_PROGRAM_KEEPER_SOCKETS;
}

/** How much a VMM's filter lets through; the keeper has one filter for all. */
enum jail_level { JAIL_LEVEL_MINIMAL = 1, JAIL_LEVEL_BASIC, JAIL_LEVEL_PERMISSIVE };

/** What a denied call leads to; it is recorded either way. */
enum jail_denied {
	JAIL_DENIED_KILL = 1, /* the process is killed */
	JAIL_DENIED_REFUSE,   /* the call fails with EPERM, the process goes on */
};

/** Limits of the VM's cgroup; zero is no valid limit. */
struct jail_limits {
	uint64_t memory_max_b; /* of the VMM: guest memory and a stated overhead; swap is always 0
				*/
	uint32_t pids_max;     /* processes and threads */
	uint32_t cpu_percent;  /* of one processor: 100 is one whole */
	uint32_t required;     /* 1: without all three there is no start */
};

struct jail_mount {
	uint32_t kind;
	uint32_t source; /* offset of an absolute host path in text */
	uint32_t target; /* offset of an absolute path inside, without "." or ".." */
};

/**
 * The first message, as soon as the VM's folder exists; descriptors: JAIL_FD_VMS, JAIL_FD_LOCK.
 * When the socket then closes without a request, its sender is dead, and the warden removes the
 * folder.
 */
struct jail_claim {
	uint32_t magic;
	char vm_id[JAIL_VM_ID_MAX + 1];
};

struct jail_request {
	uint32_t magic;
	uint32_t size; /* of this struct */
	uint32_t n_mounts, n_argv, n_env, n_vmm_fds;
	struct jail_mount mounts[JAIL_MOUNTS_MAX];
	uint32_t keeper;	      /* offset: absolute path of the keeper's program */
	uint32_t argv[JAIL_ARGV_MAX]; /* offsets; the first is the VMM's path inside the jail */
	uint32_t env[JAIL_ENV_MAX];   /* offsets of NAME=VALUE */
	uint64_t file_size_max_b;     /* RLIMIT_FSIZE of the VMM */
	uint32_t vmm_program;	      /* enum jail_program */
	uint32_t keeper_program;      /* enum jail_program */
	/*
	 * 1: the VMM makes sockets of its own: JAIL_SOCKETS is a small folder that it can write to,
	 * and the keeper's current folder. JAIL_KEEPER_LINK is then not what came with the request
	 * but a socket that listens at JAIL_LISTENER, and keeper_program is
	 * JAIL_PROGRAM_KEEPER_SOCKETS, which it is never else.
	 */
	uint32_t sockets;
	uint32_t level;	 /* enum jail_level, of the VMM */
	uint32_t denied; /* enum jail_denied */
	struct jail_limits limits;
	uint32_t text_length;
	char vm_id[JAIL_VM_ID_MAX + 1]; /* name of the VM's folder */
	char text[JAIL_TEXT_MAX_B];	/* terminated strings */
};

/** What the sender of the request may say of the VM that it started, while that runs. */
enum jail_order_kind {
	JAIL_ORDER_STOP = 1, /* the VMM's process, whole: of one that a pause of its own harms */
	JAIL_ORDER_CONTINUE,
};

struct jail_order {
	uint32_t magic;
	uint32_t kind; /* enum jail_order_kind; anything else ends the VM */
};

/** Where a start failed: the library makes the sentence. */
enum jail_stage {
	JAIL_STAGE_NONE = 0,
	JAIL_STAGE_REQUEST,
	JAIL_STAGE_DENIALS,
	JAIL_STAGE_KEYRING,
	JAIL_STAGE_UID,
	JAIL_STAGE_LIMITS_GROUP,
	JAIL_STAGE_FIREWALL,
	JAIL_STAGE_USERNS,
	JAIL_STAGE_IDMAP,
	JAIL_STAGE_MOUNTNS,
	JAIL_STAGE_ROOT,
	JAIL_STAGE_MOUNT,
	JAIL_STAGE_PIVOT,
	JAIL_STAGE_SOCKETS,
	JAIL_STAGE_DESCRIPTORS,
	JAIL_STAGE_LIMITS,
	JAIL_STAGE_IDS,
	JAIL_STAGE_PRIVILEGES,
	JAIL_STAGE_READABLE,
	JAIL_STAGE_LANDLOCK,
	JAIL_STAGE_SECCOMP,
	JAIL_STAGE_EXEC,
	JAIL_STAGE_MAX
};

enum jail_event_kind {
	JAIL_EVENT_STARTED = 1,
	JAIL_EVENT_FAILED,
	JAIL_EVENT_ENDED,
	JAIL_EVENT_STOPPED,   /* the answer to JAIL_ORDER_STOP */
	JAIL_EVENT_CONTINUED, /* to JAIL_ORDER_CONTINUE */
};

#define JAIL_EVENT_TEXT_B 256U

/**
 * What the warden says: STARTED or FAILED once, one answer to each order, ENDED as the last thing
 * when all is removed.
 */
struct jail_event {
	uint32_t kind;
	uint32_t stage;	  /* FAILED: enum jail_stage */
	int32_t errnum;	  /* FAILED: positive errno; ENDED: 0, or why something could not be
			   * removed; STOPPED, CONTINUED: 0 or positive errno */
	uint32_t detail;  /* FAILED: index of the mount, or the denied call's number */
	uint32_t program; /* FAILED: enum jail_program, whose start it was; 0: of both */
	int32_t vmm_pid, keeper_pid;  /* STARTED: as the host sees them */
	uint32_t limits;	      /* STARTED: enum warden_limits_kind */
	int32_t vmm_status;	      /* ENDED: wait(2) status of the VMM */
	uint32_t oom;		      /* ENDED: 1: something was killed for the memory limit */
	uint32_t n_denials;	      /* ENDED: of VMM and keeper */
	uint32_t killed_program;      /* ENDED: enum jail_program killed for a denied call, or 0 */
	int32_t killed_syscall;	      /* ENDED: the call, in the ABI of x86-64 */
	char text[JAIL_EVENT_TEXT_B]; /* FAILED: more about it, or empty; terminated */
};

#endif
