/* SPDX-License-Identifier: Apache-2.0 */
/**
 * proof_parse.h - the text that the kernel has in /proc about a process, as facts.
 *
 * Pure. All take terminated text and are all or nothing: 0 with *ret, or -EINVAL when it is not
 * what the kernel writes. A confined process chooses little of it: its name, and the names of
 * files that it could make; those are kept as bytes and must be escaped before they are shown.
 * Lists are bounded; what was left out is said by `cut`.
 */
#ifndef MACHINE_PROOF_PARSE_H
#define MACHINE_PROOF_PARSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PROOF_GROUPS_MAX  16U
#define PROOF_MOUNTS_MAX  64U
#define PROOF_CGROUPS_MAX 24U
#define PROOF_NAME_B	  192U

/** The five capability sets, in the order of /proc/PID/status. */
enum proof_cap_set {
	PROOF_CAP_INH,
	PROOF_CAP_PRM,
	PROOF_CAP_EFF,
	PROOF_CAP_BND,
	PROOF_CAP_AMB,
	PROOF_CAP_SETS
};

/** /proc/PID/task/TID/status */
struct proof_status {
	uint32_t uid[4], gid[4]; /* real, effective, saved, of the file system */
	uint32_t groups[PROOF_GROUPS_MAX];
	uint32_t n_groups; /* may be more than there is room for */
	uint32_t ns_depth; /* pid namespaces that the task is in, as seen from ours */
	uint64_t caps[PROOF_CAP_SETS];
	bool no_new_privs;
	uint32_t seccomp_mode, seccomp_filters;
};

int proof_parse_status(const char *text, struct proof_status *ret);

/** /proc/PID/stat */
struct proof_stat {
	char state;
	int32_t ppid;
	int32_t tty;
	uint64_t start_ticks; /* since the host's boot */
};

int proof_parse_stat(const char *text, struct proof_stat *ret);

/** /proc/PID/uid_map and gid_map */
struct proof_id_map {
	uint32_t n_lines;
	uint64_t n_ids;	       /* how many ids exist in the namespace */
	uint32_t inside, here; /* of the first line */
};

int proof_parse_id_map(const char *text, struct proof_id_map *ret);

/** One line of /proc/PID/mountinfo. */
struct proof_mount {
	uint32_t id;
	bool ro, nosuid, nodev, noexec;
	bool shared; /* mounts travel in or out: "shared:" or "master:" */
	bool node;   /* is a single device node; filled in by the reader */
	char root[PROOF_NAME_B], point[PROOF_NAME_B], type[32];
	char super[PROOF_NAME_B]; /* options of the file system */
};

/** proof_parse_mount_line() - one line; *cursor goes to the next one on success. */
int proof_parse_mount_line(const char **cursor, struct proof_mount *ret);

struct proof_mounts {
	uint32_t n;
	bool cut;
	struct proof_mount list[PROOF_MOUNTS_MAX];
};

int proof_parse_mounts(const char *text, struct proof_mounts *ret);

/** /proc/PID/maps */
struct proof_memory {
	uint32_t n_shared_writable; /* maps through which a file can be changed */
	uint32_t n_write_exec;
	char shared_writable[PROOF_NAME_B]; /* the first of them */
};

int proof_parse_memory(const char *text, struct proof_memory *ret);

/** /proc/PID/limits */
enum proof_rlimit {
	PROOF_RLIMIT_CORE,
	PROOF_RLIMIT_FSIZE,
	PROOF_RLIMIT_NOFILE,
	PROOF_RLIMIT_NPROC,
	PROOF_RLIMITS
};

#define PROOF_UNLIMITED UINT64_MAX

struct proof_rlimits {
	uint64_t soft[PROOF_RLIMITS], hard[PROOF_RLIMITS];
};

int proof_parse_rlimits(const char *text, struct proof_rlimits *ret);

/** /proc/PID/cgroup */
struct proof_cgroup {
	char controllers[64]; /* empty: cgroup v2 */
	char path[PROOF_NAME_B];
};

struct proof_cgroups {
	uint32_t n;
	bool cut;
	struct proof_cgroup list[PROOF_CGROUPS_MAX];
};

int proof_parse_cgroups(const char *text, struct proof_cgroups *ret);

/** proof_find_cgroup() - the line of a controller of v1; "": the line of v2. Return: NULL: none */
const struct proof_cgroup *proof_find_cgroup(const struct proof_cgroups *cgroups,
					     const char *controller);

/** proof_has_word() - whether @word is in a list that commas separate. */
bool proof_has_word(const char *list, const char *word);

/** /proc/PID/fdinfo/N */
struct proof_fdinfo {
	uint32_t flags; /* as open(2) */
	uint32_t mount_id;
};

int proof_parse_fdinfo(const char *text, struct proof_fdinfo *ret);

#endif
