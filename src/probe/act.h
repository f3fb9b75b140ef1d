/* SPDX-License-Identifier: Apache-2.0 */
/**
 * act.h - inside the probe: what an act is, and what it is told.
 *
 * An act returns 0 when it did what must not be possible, else the errno that it was refused with.
 * It leaves the process as usable as it was, for without a second process all acts are done by one.
 * Calls are raw where libc would fall back on another.
 */
#ifndef PROBE_ACT_H
#define PROBE_ACT_H

#include <errno.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PROBE_PATH_B	1024
#define PROBE_PROGRAM_B 64

/* Calls that musl's headers do not know yet. */
#ifndef SYS_mount_setattr
#define SYS_mount_setattr 442
#endif
#ifndef SYS_memfd_secret
#define SYS_memfd_secret 447
#endif
#ifndef SYS_landlock_create_ruleset
#define SYS_landlock_create_ruleset 444
#endif
#ifndef SYS_cachestat
#define SYS_cachestat 451
#endif

/** Things outside of the jail that acts aim at: lines "key=value" of the orders. */
struct probe_orders {
	uint32_t act;		 /* or PROBE_ALL */
	int n_given;		 /* descriptors that the program is given, from 0 */
	int pid;		 /* a process of the host */
	int port;		 /* it listens there on 127.0.0.1 and ::1 */
	int shm_key;		 /* it has a shared memory segment with this key */
	char own_socket[64];	 /* name of one that is there for the VMM itself, or empty */
	char abstract[64];	 /* it listens on this abstract unix socket */
	char socket[72];	 /* and on this one, which is a file */
	char file[PROBE_PATH_B]; /* a file of the host that everybody may write */
};

extern struct probe_orders probe_orders;
/** Path of the program in whose place it stands; the VMM's, in the keeper's place as well. */
extern char probe_program[PROBE_PROGRAM_B];

/** A function with its argument, or a bare call. */
struct probe_run {
	int (*run)(const char *what);
	const char *what;
	long nr;
	uintptr_t args[5];
};

static inline int probe_result(long r)
{
	return r < 0 ? errno : 0;
}

/** probe_call() - a raw system call. Return: 0, errno */
#define probe_call(nr, ...) probe_result(syscall(nr, ##__VA_ARGS__))

/** probe_open() - openat(2), for that is what the filters let through. Return: fd, -1 */
int probe_open(const char *path, int flags);

/* acts_files.c: a file that is shared with others; @path as the VMM sees it. */
int act_read(const char *path);
int act_write(const char *path);
int act_append(const char *path);
int act_truncate(const char *path);
int act_punch(const char *path);
int act_map_shared(const char *path);
int act_map_private(const char *path);
int act_mprotect(const char *path);
int act_reopen(const char *folder);
int act_handle(const char *path);
int act_rename(const char *path);
int act_link(const char *path);
int act_fchmod(const char *path);
int act_flags(const char *path);
int act_splice(const char *path);
int act_watch(const char *path);
int act_page_cache(const char *path);
int act_state_write(const char *unused);
int act_state_map(const char *unused);
int act_state_reopen(const char *unused);
int act_write_past_limit(const char *unused);

/* acts_tree.c: what is there to be found. */
int act_create(const char *path);
int act_create_unnamed(const char *path);
int act_host_file(const char *prefix);
int act_host_write(const char *prefix);
int act_climb_by_fd(const char *unused);
int act_foreign_fd(const char *unused);
int act_find_socket(const char *unused);
int act_find_setuid(const char *unused);
int act_openat2_magic(const char *unused);
int act_kvm(const char *request);

/* acts_process.c: other processes, and new ones. */
int act_find_process(const char *unused);
int act_kill(const char *signal);
int act_ptrace(const char *unused);
int act_vm_read(const char *unused);
int act_pidfd(const char *unused);
int act_pidfd_getfd(const char *unused);
int act_own_signal(const char *unused);
int act_fork(const char *flags);
int act_clone3(const char *flags);
int act_memfd_exec(const char *unused);
int act_exec(const char *path);
int act_map_exec(const char *unused);
int act_modify_ldt(const char *unused);
int act_listener(const char *flags);
int act_prlimit(const char *unused);
int act_raise_limit(const char *unused);
int act_abi(const char *which);
int act_mdwe(const char *unused);

/* acts_privilege.c: what needs a privilege, and getting it back. */
int act_capability(const char *unused);
int act_capset(const char *unused);
int act_setuid(const char *unused);
int act_foreign_id(const char *unused);
int act_no_new_privs(const char *unused);
int act_nested(const char *what);
int act_bpf(const char *command);
int act_perf(const char *unused);
int act_io_uring(const char *unused);
int act_userfaultfd(const char *flags);
int act_session_key(const char *unused);
int act_handle_open(const char *unused);
int act_module(const char *unused);
int act_real_time(const char *unused);
int act_terminal(const char *unused);
int act_shm(const char *unused);
int act_mount_new(const char *type);

/* acts_network.c */
int act_socket(const char *family_type_protocol);
int act_connect(const char *family);
int act_connect_mptcp(const char *unused);
int act_send(const char *unused);
int act_abstract(const char *unused);
int act_pathname(const char *unused);
int act_interface_up(const char *unused);
int act_accept(const char *unused);
int act_vsock(const char *cid);

#endif
