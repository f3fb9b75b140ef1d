/* SPDX-License-Identifier: Apache-2.0 */
/**
 * proof.h - what confines a running VM, as the kernel tells it, and whether that is what it must
 * be.
 *
 * Two halves. Reading: from /proc, the cgroup files and the VMM's network namespace into
 * struct proof, for VMM, keeper and warden; nothing in it was taken from a configuration. Judging:
 * pure, from struct proof to one finding for each layer and process.
 *
 * What cannot be read is said so (an errno in the fact, IRONCLAW_VERDICT_UNKNOWN in the finding),
 * never guessed. As an ordinary user one reads one's own VMs: their user namespaces belong to the
 * user.
 *
 * Pids: a process is held by its folder in /proc, opened once, which never means another process;
 * it must have begun before the warden's record was written, and VMM and keeper must be the
 * warden's children. All of that is looked at before the reading and, with the lock of the VM's
 * folder, once more after it.
 *
 * Names of files in the facts were partly chosen by hostile processes: escape before showing.
 */
#ifndef MACHINE_PROOF_H
#define MACHINE_PROOF_H

#include <sys/types.h>

#include "base/error.h"
#include "jail/status.h"
#include "machine/proof_parse.h"

#define PROOF_FDS_MAX	     96U
#define PROOF_INTERFACES_MAX 8U

enum proof_who { PROOF_VMM, PROOF_KEEPER, PROOF_WARDEN, PROOF_PROCESSES };

enum proof_namespace {
	PROOF_NS_USER,
	PROOF_NS_PID,
	PROOF_NS_NET,
	PROOF_NS_MNT,
	PROOF_NS_IPC,
	PROOF_NS_UTS,
	PROOF_NS_CGROUP,
	PROOF_NS_TIME,
	PROOF_NAMESPACES
};

/** All tasks of a process together: the weakest of them. */
struct proof_tasks {
	uint32_t n;
	struct proof_status status; /* ids, groups and depth: of the first task */
	bool ids_differ;	    /* a task has other ids than the first */
};

struct proof_fd {
	uint32_t number;
	uint32_t flags; /* as open(2) */
	uint32_t mount_id;
	mode_t mode; /* st_mode; 0: could not be looked at */
	dev_t rdev;
	bool unlinked; /* no name leads to the file any more */
	bool outside;  /* a file on a mount that the process does not have */
	bool is_lock;  /* the lock of the VM's folder */
	int family;    /* of a socket, AF_*; -1: not a socket, or not known */
	char target[PROOF_NAME_B];
};

struct proof_fds {
	uint32_t n;
	bool cut;
	struct proof_fd list[PROOF_FDS_MAX];
};

struct proof_interface {
	char name[16];
	bool up;
	uint32_t n_addresses;
};

struct proof_net {
	uint32_t n;
	bool cut;
	uint32_t n_routes; /* beside those of loopback devices */
	struct proof_interface list[PROOF_INTERFACES_MAX];
};

/** What the files of its cgroups say; PROOF_UNLIMITED where there is no limit. */
struct proof_limits {
	bool has_memory, has_swap, has_pids, has_cpu; /* the file was read */
	uint64_t memory_b, swap_b, pids;
	uint64_t cpu_percent; /* of one processor */
};

/** One process. Each errno is positive, 0 when the part could be read. */
struct proof_process {
	pid_t pid;
	struct proof_stat stat;
	int tasks_error, uid_map_error, gid_map_error, ns_error, mounts_error, fds_error;
	int memory_error, rlimits_error, cgroups_error, net_error, root_error, dumpable_error;
	struct proof_tasks tasks;
	struct proof_id_map uid_map, gid_map;
	bool setgroups_denied;
	uint64_t ns[PROOF_NAMESPACES]; /* inodes */
	dev_t root_dev;
	ino_t root_ino;
	bool dumpable;
	bool dumpable_known; /* false: it runs as root, and both look the same */
	struct proof_mounts mounts;
	struct proof_fds fds;
	struct proof_memory memory;
	struct proof_rlimits rlimits;
	struct proof_cgroups cgroups;
	struct proof_limits limits;
	struct proof_net net;
};

/** The host, as the caller sees it. */
struct proof_host {
	uint64_t ns[PROOF_NAMESPACES];
	dev_t root_dev;
	ino_t root_ino;
	bool core_handler; /* a program or socket gets core files: their size limit does not hold */
	int landlock_abi;  /* 0: none */
};

/** The VM's chain in the host's firewall. */
struct proof_firewall {
	bool read; /* false: there is none to look for */
	int error; /* -errno of the verification */
	uint64_t n_packets;
	char chain[32];
	char failure[256];
};

struct proof {
	struct jail_status status;
	struct proof_host host;
	struct proof_process process[PROOF_PROCESSES];
	struct proof_firewall firewall;
};

/**
 * proof_read() - all of it, for the VM @vm_id.
 * @vms_fd:	RUN/vms
 * @ret:	freed by the caller
 *
 * Return: 0; -ESRCH (IRONCLAW_ERR_NOT_FOUND) when the VM ended meanwhile; -EAGAIN
 * (IRONCLAW_ERR_BUSY) when its VMM does not run yet; -errno
 */
int proof_read(int vms_fd, const char *vm_id, struct proof **ret, struct ironclaw_error *err);

/** proof_read_host() - the caller's own side. */
void proof_read_host(struct proof_host *ret);

/**
 * proof_read_process() - one process, held by @proc_fd, its folder in /proc.
 * @lock_fd:	the lock of the VM's folder; negative: none
 *
 * What cannot be read is marked in *ret. Return: 0; -ESRCH when the process is gone
 */
int proof_read_process(int proc_fd, pid_t pid, int lock_fd, struct proof_process *ret);

/* Parts of proof_read_process(), 0 or -errno. */
int proof_read_text(int dirfd, const char *path, char **ret);
int proof_read_fds(int proc_fd, pid_t pid, int lock_fd, const struct proof_mounts *mounts,
		   struct proof_fds *ret);
int proof_read_net(int proc_fd, struct proof_net *ret);
void proof_read_limits(const struct proof_cgroups *cgroups, struct proof_limits *ret);

enum proof_layer {
	PROOF_USER_NS,
	PROOF_IDS,
	PROOF_GROUPS,
	PROOF_CAPABILITIES,
	PROOF_NO_NEW_PRIVS,
	PROOF_SECCOMP,
	PROOF_OTHER_NS,
	PROOF_NETWORK,
	PROOF_MOUNTS_LAYER,
	PROOF_DESCRIPTORS,
	PROOF_MEMORY,
	PROOF_LIMITS_LAYER,
	PROOF_RLIMITS_LAYER,
	PROOF_CORE,
	PROOF_TERMINAL,
	PROOF_LANDLOCK,
	PROOF_FIREWALL,
	PROOF_LAYERS
};

#define PROOF_SAYS_B 24U /* fits a column */

struct proof_finding {
	enum ironclaw_verdict verdict;
	char says[PROOF_SAYS_B]; /* what the kernel says */
	char reason[256];	 /* of WEAK and UNKNOWN; escaped */
};

struct proof_report {
	struct proof_finding findings[PROOF_LAYERS][PROOF_PROCESSES];
};

/** proof_judge() - every layer of every process. */
void proof_judge(const struct proof *proof, struct proof_report *ret);

/** proof_layer_name() - "user namespace"; proof_layer_key() - "user_namespace". */
const char *proof_layer_name(enum proof_layer layer);
const char *proof_layer_key(enum proof_layer layer);

/** proof_who_name() - "vmm", "keeper", "warden". */
const char *proof_who_name(enum proof_who who);

/** proof_verdict_name() - "ok", "weak", "unknown", "note". */
const char *proof_verdict_name(enum ironclaw_verdict verdict);

/** proof_namespace_name() - as in /proc/PID/ns. */
const char *proof_namespace_name(enum proof_namespace ns);

/** proof_must_have() - whether no command should run without this layer. */
bool proof_must_have(enum proof_layer layer);

/** proof_layer() - a layer as the public interface has it. Return: false when it does not apply */
bool proof_layer(const struct proof_report *report, enum proof_layer layer,
		 struct ironclaw_layer *ret);

/** proof_first_missing() - the first must-have that is not OK. Return: false when all are. */
bool proof_first_missing(const struct proof_report *report, enum proof_layer *ret_layer,
			 enum proof_who *ret_who);

#endif
